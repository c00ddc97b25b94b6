"""Shares of classes, drawn as a square of cells or as parts of bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.image import AxesImage
from matplotlib.ticker import PercentFormatter

from hbac.eeg.votes import CLASS_NAMES
from hbac.plots.style import INK, MISSING

_DARK = 0.45
_LEAST_TEXT = 0.035


def short_number(number: float) -> str:
    """Write a count in six characters or less: 950, 2,140, 13k, 1.2M."""
    if number < 9_999.5:
        return f"{number:,.0f}"
    return f"{number / 1e3:,.0f}k" if number < 999_500 else f"{number / 1e6:,.1f}M"


def ink_on(colour: str | Sequence[float]) -> str:
    """Ink or white, whichever reads better on a colour, by its luminance."""
    return "white" if np.dot(to_rgb(colour), [0.299, 0.587, 0.114]) < _DARK else INK


def class_matrix(
    table: pd.DataFrame, column: str, columns: Sequence[str] = CLASS_NAMES
) -> np.ndarray:
    """Turn rows ``class``, ``other`` and a value into a matrix.

    Args:
        table: columns ``class`` and ``other``, which together stand once, and ``column``.
        column: name of the values.
        columns: of the matrix, which ``other`` holds; its rows are ``CLASS_NAMES``.

    Returns:
        Shape ``(6, columns)``; NaN where the table has no such row.
    """
    cells = table.pivot_table(index="class", columns="other", values=column)
    return cells.reindex(index=list(CLASS_NAMES), columns=list(columns)).to_numpy(float)


def draw_matrix(
    axes: Axes,
    values: np.ndarray,
    texts: np.ndarray,
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    colours: str,
    limits: tuple[float, float],
) -> AxesImage:
    """Draw a matrix in colour, with a text in each cell.

    Args:
        axes: to draw in.
        values: shape ``(rows, columns)``; NaN is gray.
        texts: of the same shape; not shown where the value is NaN.
        rows: names of the rows, at the left.
        columns: names of the columns, below.
        colours: name of a colour map.
        limits: values of its two ends.

    Returns:
        The image, for a colour bar.
    """
    colour_map = mpl.colormaps[colours].with_extremes(bad=MISSING)
    image = axes.imshow(np.ma.masked_invalid(values), cmap=colour_map, aspect="auto",
                        vmin=limits[0], vmax=limits[1])  # fmt: skip
    for row, column in np.argwhere(np.isfinite(values)):
        ink = ink_on(colour_map(image.norm(values[row, column]))[:3])
        axes.text(column, row, texts[row, column], ha="center", va="center", fontsize=7,
                  color=ink, linespacing=1.3)  # fmt: skip
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xticks(range(len(columns)), columns)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return image


def draw_bars(axes: Axes, shares: pd.DataFrame, colours: Mapping[str, str]) -> None:
    """Draw a bar a row, from 0 to 1, of which each column is a part, with its share in percent.

    Args:
        axes: to draw in; the first row is at the top.
        shares: 0 to 1, NaN for nothing.
        colours: by column.
    """
    left = np.zeros(len(shares))
    for name, colour in colours.items():
        width = shares[name].fillna(0).to_numpy()
        bars = axes.barh(range(len(shares)), width, left=left, color=colour, label=name,
                         edgecolor="white", linewidth=0.6)  # fmt: skip
        texts = [f"{part:.0%}" if part >= _LEAST_TEXT else "" for part in width]
        axes.bar_label(bars, texts, label_type="center", fontsize=7, color=ink_on(colour))
        left += width
    axes.set(xlim=(0, 1), ylim=(len(shares) - 0.5, -0.5))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.tick_params(axis="y", left=False)
