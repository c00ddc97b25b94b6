import io
from dataclasses import replace

import numpy as np
import pytest

from hbac.eeg import CHAINS
from hbac.eeg.chain_map import ChainMap
from hbac.plots.overview import Example, overview

HERTZ = {"eeg": (0.0, 20.0), "regional": (-2.25, 22.75)}


def _source(source, values, start):
    rows, columns = values.shape[1:]
    seconds = {"eeg": (start, start + 50), "regional": (start - 231, start + 281)}[source]
    edges = np.linspace(*HERTZ[source], rows + 1), np.linspace(*seconds, columns + 1)
    return ChainMap(source, values, *edges)


def _example(title, start=0.0, headings=("predicted: LPD",), height=2.0):
    """Noise, under maps that are zero but for a cell of LP in the 50 s."""
    random = np.random.default_rng(0)
    pictures = {source: _source(source, random.normal(size=(4, 16, 32)), start) for source in HERTZ}
    values = np.zeros((4, 8, 16))
    values[2, 3, 5] = height
    maps = {source: _source(source, values * (source == "eeg"), start) for source in HERTZ}
    return Example(title, pictures, dict.fromkeys(headings, maps))


def _draw(examples):
    return overview(examples, title="Two windows", caption="Map: Grad-CAM.")


def test_a_row_an_example_and_a_column_a_map():
    headings = ("predicted: LPD", "experts: GPD")
    figure = _draw([_example("a", headings=headings), _example("b", headings=headings)])
    grid = np.array(figure.axes[:-1]).reshape(2, 6)
    titles = [axes.get_title(loc="left") for axes in grid[1]]
    assert titles == ["picture", *headings, "picture", *headings]
    texts = [text.get_text() for text in figure.texts]
    assert [text for text in texts if text in "ab"] == ["a", "b"]
    assert "Two windows" in texts
    assert [label.get_text() for label in grid[0, 0].get_yticklabels()] == list(CHAINS)


def test_each_row_has_its_own_seconds():
    *drawn, _ = _draw([_example("a"), _example("b", start=100.0)]).axes
    grid = np.array(drawn).reshape(2, 4)
    assert [axes.get_xlim() for axes in grid[0]] == [(0, 50)] * 2 + [(-231, 281)] * 2
    assert [axes.get_xlim() for axes in grid[1]] == [(100, 150)] * 2 + [(-131, 381)] * 2
    for axes in grid.flat:
        assert any(label.get_text() for label in axes.get_xticklabels())


def test_each_chain_stands_on_its_own_20_hertz():
    example = _example("a")
    picture, under_map, regional, *_ = _draw([example]).axes
    assert picture.get_ylim() == (0, 80)
    # 16 rows a chain, LL on top; the first row drawn is the lowest of RP.
    shown = np.asarray(picture.images[0].get_array())
    np.testing.assert_array_equal(shown, np.concatenate(example.pictures["eeg"].values[::-1]))
    extents = [image.get_extent() for image in under_map.images[1:]]
    assert extents == [[0, 50, base, base + 20] for base in (60, 40, 20, 0)]
    # Rows of 25 / 16 Hz from -2.25 Hz on: the first and the last lie outside 0 to 20 Hz.
    regional = np.asarray(regional.images[0].get_array())
    inside = example.pictures["regional"].values[::-1, 1:15]
    np.testing.assert_array_equal(regional, np.concatenate(inside))


def test_maps_are_scaled_and_cut_off_between_chains():
    _, eeg, _, regional, _ = _draw([_example("a", height=5.0)]).axes
    peaks = [np.asarray(image.get_array()).max() for image in eeg.images[1:]]
    assert peaks == [0, 0, 1, 0]
    (lines,) = [drawn for drawn in eeg.collections if hasattr(drawn, "levels")]
    assert list(lines.levels) == [0.5, 0.8]
    ends = lines.get_paths()[0].vertices[:, 1]
    assert 20 < ends.min() < ends.max() < 40
    for image, base in zip(regional.images[1:], (60, 40, 20, 0), strict=True):
        clip = image.get_clip_box().transformed(regional.transData.inverted())
        assert (clip.y0, clip.y1) == pytest.approx((base, base + 20))


@pytest.mark.filterwarnings("error")
def test_zero_maps_and_pictures_without_data_can_be_saved():
    example = _example("a", height=0.0)
    example.pictures["eeg"].values[1] = 0
    figure = _draw([example])
    assert [text.get_text() for text in figure.axes[0].texts] == ["no data"]
    assert figure.axes[0].texts[0].get_position()[1] == 50
    assert not figure.axes[2].texts
    figure.savefig(io.BytesIO())


def test_twelve_rows_fit_on_the_page():
    figure = _draw([_example(f"EEG {row}", headings=("a", "b")) for row in range(12)])
    assert figure.get_figheight() < 20
    figure.draw_without_rendering()
    boxes = [axes.get_tightbbox() for axes in figure.axes[:12:6]]
    boxes += [text.get_window_extent() for text in figure.texts if text.get_text() == "EEG 1"]
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="examples must hold one"):
        _draw([])
    with pytest.raises(ValueError, match=r"as many maps .* received \['a', 'b'\] for 'second'"):
        _draw([_example("first"), _example("second", headings=("a", "b"))])
    lacking = _example("second")
    del lacking.pictures["regional"]
    with pytest.raises(ValueError, match=r"pictures of 'second' must have .* received \['eeg'\]"):
        _draw([_example("first"), lacking])
    wrong = _example("first")
    wrong.maps["predicted: LPD"]["eeg"] = _source("eeg", np.zeros((3, 8, 16)), 0.0)
    with pytest.raises(ValueError, match=r"predicted: LPD, eeg: .* received \(3, 8, 16\)"):
        _draw([wrong])


def test_a_key_says_what_the_colours_mean():
    *_, key = _draw([_example("a")]).axes
    assert key.get_xlim() == (-1, 1)
    assert key.get_xlabel() == "against  evidence  for (share of largest)"
    assert [line.get_xdata()[0] for line in key.lines] == [-0.5, 0.5, 0.8]


def test_the_caption_says_so_where_the_network_saw_each_channel_and_means_are_drawn():
    told = "mean of each chain is drawn"
    assert not any(told in text.get_text() for text in _draw([_example("a")]).texts)
    example = _example("a")
    picture = replace(example.pictures["eeg"], channels={"Fp1-F7": np.zeros((4, 32))})
    each = replace(example, pictures=example.pictures | {"eeg": picture})
    caption = " ".join(text.get_text() for text in _draw([each]).texts)
    assert told in " ".join(caption.split())
