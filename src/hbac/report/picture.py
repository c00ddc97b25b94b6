"""Pictures as a page embeds them: small, and with a size that is known before they are drawn."""

from __future__ import annotations

import base64
import io

from PIL import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def picture_size(png: bytes) -> tuple[int, int]:
    """Width and height of a PNG file in pixels.

    Raises:
        ValueError: if the content is not that of a PNG file.
    """
    if not png.startswith(_SIGNATURE):
        raise ValueError(f"expected the content of a PNG file, received {bytes(png[:8])!r} ...")
    # Of the first chunk, which every PNG file begins with.
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def shrink(png: bytes, *, colours: int) -> bytes:
    """Store a picture with a palette, on white where it is transparent.

    Args:
        png: content of a PNG file.
        colours: of the palette, 2 to 256; a figure's lines and letters need few.

    Returns:
        A PNG file of as many pixels, or ``png`` itself where that is smaller.
    """
    with Image.open(io.BytesIO(png)) as opened:
        picture = opened.convert("RGBA")
    opaque = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    stored = io.BytesIO()
    # Of a palette by frequency, lines and letters beside a map of many colours get none.
    palette = opaque.quantize(colours, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    palette.save(stored, "PNG", optimize=True)
    return min(stored.getvalue(), bytes(png), key=len)


def data_uri(png: bytes) -> str:
    """A PNG file as the source of an image in a page that needs no other file."""
    return "data:image/png;base64," + base64.b64encode(png).decode()
