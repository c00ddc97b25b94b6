import io

import numpy as np
import pytest
from PIL import Image

from hbac.report.picture import picture_size, shrink


def png(pixels):
    stored = io.BytesIO()
    Image.fromarray(pixels).save(stored, "PNG", compress_level=0)
    return stored.getvalue()


def test_the_size_is_read_from_the_file():
    assert picture_size(png(np.zeros((3, 700, 3), np.uint8))) == (700, 3)


def test_what_is_no_png_file_is_refused():
    with pytest.raises(ValueError, match=r"expected the content of a PNG file, received b'GIF89a"):
        picture_size(b"GIF89a..........")


def test_a_picture_of_few_colours_keeps_every_pixel():
    colours = np.array([[0, 114, 178, 255], [255, 255, 255, 255], [213, 94, 0, 255]], np.uint8)
    pixels = colours[np.random.default_rng(0).integers(0, 3, (60, 80))]
    small = shrink(png(pixels), colours=256)
    assert len(small) < len(png(pixels)) / 4
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(small)).convert("RGBA")), pixels)


def test_a_rare_colour_beside_many_stays_what_it_is():
    spread = np.stack(np.meshgrid(np.arange(128), np.arange(128), [0, 60, 120]), axis=-1)
    pixels = np.clip(spread.reshape(128, -1, 3), 0, 255).astype(np.uint8)
    pixels[5, :4] = 181, 64, 45
    shown = Image.open(io.BytesIO(shrink(png(pixels), colours=256))).convert("RGB")
    assert np.abs(np.asarray(shown)[5, :4].astype(int) - (181, 64, 45)).max() < 20


def test_what_is_transparent_becomes_white():
    pixels = np.zeros((8, 8, 4), np.uint8)
    shown = Image.open(io.BytesIO(shrink(png(pixels), colours=2))).convert("RGB")
    assert np.asarray(shown).min() == 255


def test_a_file_that_would_grow_stays_as_it_is():
    stored = io.BytesIO()
    Image.new("L", (1, 1)).save(stored, "PNG")
    assert shrink(stored.getvalue(), colours=256) == stored.getvalue()
