"""Formulas as SVG, drawn when the site is built, so that a page needs no script and no network."""

from __future__ import annotations

from functools import cache
from html import escape, unescape

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser
from matplotlib.path import Path
from matplotlib.textpath import TextPath

_SIZE = 20
_CODES = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C"}


def _outline(path: Path) -> str:
    """Vertices as the ``d`` of an SVG path, y downward."""
    parts = []
    for points, code in path.iter_segments(curves=True, simplify=False):
        if code == Path.CLOSEPOLY:
            parts.append("Z")
            continue
        pairs = np.reshape(points, (-1, 2)) * (1, -1)
        parts.append(_CODES[code] + " ".join(f"{x:.1f} {y:.1f}" for x, y in pairs))
    return "".join(parts)


@cache
def formula(tex: str) -> str:
    """Draw a formula.

    Args:
        tex: TeX as matplotlib's mathtext knows it, without dollars, as it stands in HTML.

    Returns:
        An SVG in the colour of the text and with its size; the TeX is what a screen reader says.
    """
    plain = " ".join(unescape(tex).split())
    font = FontProperties(size=_SIZE, math_fontfamily="dejavusans")
    width, height, depth, *_ = MathTextParser("path").parse(f"${plain}$", dpi=72, prop=font)
    outline = _outline(TextPath((0, 0), f"${plain}$", size=_SIZE, prop=font))
    em = 1 / _SIZE
    return (
        f'<svg class="formula" role="img" aria-label="{escape(plain)}" '
        f'style="width:{width * em:.2f}em;height:{height * em:.2f}em;'
        f'vertical-align:{-depth * em:.2f}em" '
        f'viewBox="0 {depth - height:.1f} {width:.1f} {height:.1f}"><path d="{outline}"/></svg>'
    )
