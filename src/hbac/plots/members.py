"""What the members of an ensemble score and add, and how alike they err."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hbac.plots.style import (
    ACCENT,
    FAINT,
    INK,
    LEFT,
    MISSING,
    SHARE_MAP,
    check_columns,
    new_figure,
    say_below,
    styled,
)

_COLUMNS = ("member", "weight", "kl", "kl_low", "kl_high", "gain", "gain_low", "gain_high")


def _draw_dots(axes: Axes, table: pd.DataFrame, score: str) -> None:
    """A dot and the line of its interval a member, with the number at the right."""
    rows = np.arange(len(table))
    axes.hlines(rows, table[f"{score}_low"], table[f"{score}_high"], color=LEFT, linewidth=2)
    axes.scatter(table[score], rows, color=LEFT, s=36, zorder=3)
    for row, value in zip(rows, table[score], strict=True):
        axes.annotate(f"{value:.3f}", (1.02, row), xycoords=("axes fraction", "data"), va="center",
                      fontsize=8, annotation_clip=False)  # fmt: skip
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.tick_params(axis="y", left=False)
    axes.grid(axis="x", color=FAINT)


def _draw_alone(axes: Axes, table: pd.DataFrame, ensemble: pd.Series) -> None:
    _draw_dots(axes, table, "kl")
    axes.axvspan(ensemble["low"], ensemble["high"], color=ACCENT, alpha=0.12, linewidth=0)
    axes.axvline(ensemble["kl"], color=ACCENT, linewidth=1.2)
    axes.set_title(f"Alone; orange: joined, {ensemble['kl']:.3f}")
    axes.set_xlabel("KL divergence (nats), lower is better")


def _draw_gains(axes: Axes, table: pd.DataFrame) -> None:
    _draw_dots(axes, table, "gain")
    axes.axvline(0, color=INK, linewidth=1, linestyle=":")
    axes.set_title("What it adds")
    axes.set_xlabel("KL divergence (nats) without it, minus with it")


def _draw_correlations(axes: Axes, correlations: pd.DataFrame) -> None:
    matrix = correlations.to_numpy(float)
    colours = mpl.colormaps[SHARE_MAP].with_extremes(bad=MISSING)
    axes.imshow(np.ma.masked_invalid(matrix), cmap=colours, vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(matrix):
        if np.isfinite(value):
            colour = "white" if value > 0.55 else INK
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour,
                      fontsize=8)  # fmt: skip
    names = list(correlations)
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right", rotation_mode="anchor")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title("Correlation of errors")


@styled
def members(
    table: pd.DataFrame,
    ensemble: pd.Series,
    correlations: pd.DataFrame,
    *,
    sample: str,
    confidence: float,
) -> Figure:
    """Show the divergence of each member, what it adds to the ensemble, and how alike they err.

    Args:
        table: a row a member: ``member``, ``weight``, ``kl`` and ``gain`` (nats), both with
            ``_low`` and ``_high``.
        ensemble: ``kl``, ``low`` and ``high`` of the members joined.
        correlations: of errors, square, members in the same order.
        sample: how many windows of how many patients, in words.
        confidence: of the intervals, between 0 and 1.

    Returns:
        A figure of three axes that share their rows, a member each, with its weight.

    Raises:
        ValueError: if the table lacks a column or has no row.
    """
    check_columns(table, _COLUMNS)
    figure = new_figure(1.9 + 0.5 * len(table), title=f"Members of the ensemble, {sample}")
    panels = figure.subplots(1, 3, sharey=True, width_ratios=(1, 1, 0.9))
    _draw_alone(panels[0], table, ensemble)
    _draw_gains(panels[1], table)
    _draw_correlations(panels[2], correlations)
    ticks = [f"{row.member}\nweight {row.weight:.2f}" for row in table.itertuples()]
    panels[0].set_yticks(range(len(ticks)), ticks)
    for axes in panels[:2]:
        axes.locator_params(axis="x", nbins=5)
    say_below(figure, f"lines and band: {confidence:.0%} interval over patients")
    return figure
