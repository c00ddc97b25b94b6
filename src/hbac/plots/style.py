"""One look for every figure: page width, fonts and colours that survive colour blindness."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from functools import wraps
from typing import ParamSpec

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hbac.eeg.votes import CLASS_NAMES
from hbac.matplotlib_defaults import default_style

P = ParamSpec("P")

PAGE_WIDTH = 11.0
"""Width in inches of a figure that fills a landscape A4 page."""

INK = "#222222"
MUTED = "#767676"
FAINT = "#dddddd"
MISSING = "#d0d0d0"
ACCENT = "#d55e00"
LEFT = "#0072b2"
RIGHT = "#b5402d"

OKABE_ITO = ("#d55e00", "#0072b2", "#56b4e9", "#009e73", "#e69f00", "#999999", "#cc79a7", "#000000")
"""Okabe and Ito, "Color universal design", 2008: told apart by readers with any colour vision."""

CLASS_COLOURS = dict(zip(CLASS_NAMES, OKABE_ITO, strict=False))

POWER_MAP = "viridis"
SHARE_MAP = "Blues"

STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "figure.titlesize": 11,
    "figure.titleweight": "bold",
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "text.color": INK,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 8,
}


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Run a figure function under the project's style, without touching global settings.

    What the user's own matplotlibrc says does not count.
    """

    @wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with default_style(STYLE):
            return draw(*args, **kwargs)

    return wrapper


def new_figure(height: float, *, width: float = PAGE_WIDTH, title: str = "") -> Figure:
    """Return an empty figure that no pyplot state knows of.

    Args:
        height: in inches.
        width: in inches.
        title: the figure's title; none where empty.

    Returns:
        A figure with constrained layout.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    return figure


def say(axes: Axes, message: str) -> None:
    """Write a message in the middle of otherwise empty axes."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, message, transform=axes.transAxes, ha="center", va="center", color=MUTED)


@styled
def message(text: str) -> Figure:
    """Return a figure that says in words why there is nothing to see."""
    figure = new_figure(2.0)
    say(figure.subplots(), text)
    return figure


def say_below(figure: Figure, text: str) -> None:
    """Write a caption below the axes, in as many lines as it takes."""
    lines = textwrap.wrap(text, round(16 * figure.get_figwidth()))
    figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=8)


def check_columns(table: pd.DataFrame, columns: Iterable[str]) -> None:
    """Refuse a table that cannot be drawn.

    Args:
        table: any table.
        columns: that it must have, among others.

    Raises:
        ValueError: if the table lacks a column or has no row; the message names what is missing.
    """
    missing = [name for name in columns if name not in table]
    if missing:
        raise ValueError(f"table lacks columns {missing}, received {list(table)}")
    if table.empty:
        raise ValueError("table must have a row at least, received none")
