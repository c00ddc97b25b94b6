"""Figures of how well a model does and how it came to learn."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from hbac.plots.style import (
    ACCENT,
    CLASS_COLOURS,
    FAINT,
    INK,
    LEFT,
    MISSING,
    MUTED,
    OKABE_ITO,
    SHARE_MAP,
    new_figure,
    styled,
)

_BAR_COLOURS = (LEFT, "#8c8c8c", "#c4c4c4", *OKABE_ITO[2:])


def _annotate_cells(axes: Axes, matrix: np.ndarray, shares: np.ndarray) -> None:
    for (row, column), share in np.ndenumerate(shares):
        if np.isfinite(share):
            text = f"{share:.0%}\n({matrix[row, column]:.4g})"
            colour = "white" if share > 0.55 else INK
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)


@styled
def confusion(matrix: np.ndarray, class_names: Sequence[str], *, title: str) -> Figure:
    """Show which classes a model takes for which.

    Args:
        matrix: counts of windows, or sums of vote fractions, shape ``(6, 6)``: a row an experts'
            class, a column a predicted class.
        class_names: names of the classes, in the matrix's order.
        title: the figure's title; the number of windows belongs in it.

    Returns:
        A figure of one axes: colour is the share of a row, the number below it the matrix's value.
        A row that sums to 0 is gray.

    Raises:
        ValueError: if the matrix does not have a row and a column a class.
    """
    matrix, names = np.asarray(matrix, dtype=float), list(class_names)
    if matrix.shape != (len(names), len(names)):
        raise ValueError(f"matrix must have shape {(len(names),) * 2}, received {matrix.shape}")
    totals = matrix.sum(axis=1, keepdims=True)
    shares = np.divide(matrix, totals, out=np.full_like(matrix, np.nan), where=totals > 0)
    figure = new_figure(5.6, width=6.6, title=title)
    axes = figure.subplots()
    colours = mpl.colormaps[SHARE_MAP].with_extremes(bad=MISSING)
    image = axes.imshow(np.ma.masked_invalid(shares), cmap=colours, vmin=0, vmax=1)
    _annotate_cells(axes, matrix, shares)
    ticks = [f"{name}\nn = {n:.4g}" for name, n in zip(names, totals[:, 0], strict=True)]
    axes.set_yticks(range(len(names)), ticks)
    axes.set_xticks(range(len(names)), names)
    axes.set(xlabel="predicted class", ylabel="experts' class")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, label="share of the experts' class", shrink=0.8)
    return figure


@styled
def kl_by_tier(table: pd.DataFrame) -> Figure:
    """Show the KL divergence of models and baselines from the votes, by tier of votes.

    Args:
        table: columns ``tier``, ``model`` (name of a model or baseline), ``kl`` (nats, lower is
            better) and ``n`` (windows). Tiers and models keep the table's order, the first model
            standing out.

    Returns:
        A figure of one axes, a group of bars a tier.
    """
    tiers, models = list(table["tier"].unique()), list(table["model"].unique())
    sizes = table.groupby("tier")["n"].first()
    wide = table.pivot_table(index="tier", columns="model", values="kl").reindex(
        index=tiers, columns=models
    )
    figure = new_figure(
        4.0, width=max(6.5, 2.2 * len(tiers)), title="KL divergence by tier of votes"
    )
    axes = figure.subplots()
    width = 0.8 / len(models)
    for place, model in enumerate(models):
        centres = np.arange(len(tiers)) + (place - (len(models) - 1) / 2) * width
        colour = _BAR_COLOURS[place % len(_BAR_COLOURS)]
        bars = axes.bar(centres, wide[model], 0.94 * width, color=colour, label=model)
        axes.bar_label(bars, fmt="%.2f", padding=2, fontsize=8)
    axes.set_xticks(range(len(tiers)), [f"{tier}\nn = {sizes[tier]:,}" for tier in tiers])
    axes.set(ylabel="KL divergence (nats), lower is better")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(models))
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="y")
    return figure


@styled
def class_auroc(table: pd.DataFrame) -> Figure:
    """Show the area under the ROC curve of each class against the others.

    Args:
        table: columns ``class``, ``auroc`` (NaN where not defined) and ``n_positive``.

    Returns:
        A figure of one axes; the dotted line at 0.5 is chance.
    """
    rows = np.arange(len(table))
    values = table["auroc"].to_numpy(dtype=float)
    colours = [CLASS_COLOURS.get(name, LEFT) for name in table["class"]]
    figure = new_figure(3.4, width=6.6, title="AUROC by class, one against the rest")
    axes = figure.subplots()
    axes.hlines(rows, 0.5, values, color=colours, linewidth=2)
    axes.scatter(values, rows, color=colours, s=45, zorder=3)
    axes.axvline(0.5, color=MUTED, linewidth=1, linestyle=":")
    for row, value in zip(rows, values, strict=True):
        text = f"{value:.3f}" if np.isfinite(value) else "not defined"
        at = value if np.isfinite(value) else 0.5
        axes.annotate(text, (max(at, 0.5), row), xytext=(8, 0), textcoords="offset points",
                      va="center", fontsize=8)  # fmt: skip
    ticks = [f"{r['class']}\nn = {r['n_positive']:,}" for _, r in table.iterrows()]
    axes.set_yticks(rows, ticks)
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.set(xlabel="AUROC", xlim=(min(0.45, np.nanmin([0.5, *values]) - 0.05), 1.08))
    axes.set_xticks([tick for tick in np.arange(0, 1.01, 0.1) if tick >= axes.get_xlim()[0]])
    axes.tick_params(axis="y", left=False)
    axes.grid(axis="x", color=FAINT)
    return figure


def _draw_fold(axes: Sequence[Axes], fold: pd.DataFrame, colour: str) -> None:
    loss, rate = axes
    dots = {"marker": ".", "markersize": 3}
    loss.plot(fold["epoch"], fold["loss"], color=colour, linestyle="--", linewidth=1, **dots)
    loss.plot(fold["epoch"], fold["val_loss"], color=colour, linewidth=1.6, **dots)
    rate.plot(fold["epoch"], fold["learning_rate"], color=colour, linewidth=1.2, **dots)
    if fold["val_loss"].notna().any():
        best = fold.loc[fold["val_loss"].idxmin()]
        loss.plot(best["epoch"], best["val_loss"], "*", color=colour, markersize=12,
                  markeredgecolor=INK, markeredgewidth=0.5, zorder=4)  # fmt: skip


def _legend(colours: dict[object, str]) -> list[Line2D]:
    lines = [Line2D([], [], color=colour, label=f"fold {fold}") for fold, colour in colours.items()]
    return [
        *lines,
        Line2D([], [], color=INK, linestyle="--", linewidth=1, label="training"),
        Line2D([], [], color=INK, linewidth=1.6, label="validation"),
        Line2D([], [], color=INK, linestyle="", marker="*", markersize=9, label="best epoch"),
    ]


@styled
def training_curves(history: pd.DataFrame) -> Figure:
    """Show loss and learning rate over epochs, a colour a fold.

    Args:
        history: columns ``fold``, ``epoch``, ``loss``, ``val_loss`` and ``learning_rate``, a row a
            fold and epoch.

    Returns:
        A figure of two axes: loss (dashed: training, solid: validation, star: each fold's epoch of
        lowest validation loss) and learning rate on a log scale.
    """
    folds = history["fold"].unique()
    palette = [colour for colour in OKABE_ITO if colour != ACCENT] + [ACCENT]
    colours = {fold: palette[place % len(palette)] for place, fold in enumerate(folds)}
    figure = new_figure(5.4, width=8.5, title=f"Training curves by fold, n = {len(folds)}")
    loss, rate = figure.subplots(2, sharex=True, height_ratios=[3, 1])
    for fold, colour in colours.items():
        _draw_fold((loss, rate), history[history["fold"] == fold].sort_values("epoch"), colour)
    loss.set_ylabel("loss")
    loss.legend(handles=_legend(colours), loc="center left", bbox_to_anchor=(1, 0.5))
    rate.set(xlabel="epoch", ylabel="learning rate", yscale="log")
    rate.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in (loss, rate):
        axes.grid(color=FAINT)
    return figure
