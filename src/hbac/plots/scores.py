"""Figures of how well a model does and how it came to learn."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from hbac.plots.style import (
    ACCENT,
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

_BAR_COLOURS = (LEFT, "#8c8c8c", "#b8b8b8", "#dedede", *OKABE_ITO[2:])


def _interval_text(confidence: float) -> str:
    return f"{confidence:.0%} interval over patients"


def _score_text(value: float, low: float, high: float) -> str:
    """A score with its interval, as far as they are known."""
    if not np.isfinite(value):
        return "not defined"
    if not np.isfinite(low):
        return f"{value:.3f} (no interval)"
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def _annotate_cells(axes: Axes, matrix: np.ndarray, shares: np.ndarray) -> None:
    for (row, column), share in np.ndenumerate(shares):
        if np.isfinite(share):
            value = matrix[row, column]
            number = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
            text = f"{share:.0%}\n({number})"
            colour = "white" if share > 0.55 else INK
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=7)


def _draw_confusion(axes: Axes, matrix: np.ndarray, names: Sequence[str]) -> mpl.image.AxesImage:
    totals = matrix.sum(axis=1, keepdims=True)
    shares = np.divide(matrix, totals, out=np.full_like(matrix, np.nan), where=totals > 0)
    colours = mpl.colormaps[SHARE_MAP].with_extremes(bad=MISSING)
    image = axes.imshow(np.ma.masked_invalid(shares), cmap=colours, vmin=0, vmax=1)
    _annotate_cells(axes, matrix, shares)
    ticks = [f"{name}\nn = {n:,.6g}" for name, n in zip(names, totals[:, 0].round(1), strict=True)]
    axes.set_yticks(range(len(names)), ticks)
    axes.set_xticks(range(len(names)), names)
    axes.set(xlabel="predicted class", ylabel="experts' class")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return image


@styled
def confusions(
    matrices: Mapping[str, np.ndarray], class_names: Sequence[str], *, sample: str
) -> Figure:
    """Show which classes a model takes for which, counted in one way or several.

    Args:
        matrices: by title, counts of windows or sums of fractions, shape ``(6, 6)``: a row an
            experts' class, a column a predicted class.
        class_names: names of the classes, in the matrices' order.
        sample: how many windows of how many patients, in words.

    Returns:
        A figure of an axes a matrix: colour is the share of a row, the number below it the
        matrix's value. A row that sums to 0 is gray.

    Raises:
        ValueError: if a matrix does not have a row and a column a class.
    """
    names = list(class_names)
    shapes = {title: np.shape(matrix) for title, matrix in matrices.items()}
    wrong = {title: shape for title, shape in shapes.items() if shape != (len(names),) * 2}
    if wrong:
        raise ValueError(f"matrices must have shape {(len(names),) * 2}, received {wrong}")
    figure = new_figure(4.7, width=5 * len(matrices) + 0.8, title=f"Confusion, {sample}")
    panels = figure.subplots(1, len(matrices), squeeze=False)[0]
    for axes, (title, matrix) in zip(panels, matrices.items(), strict=True):
        image = _draw_confusion(axes, np.asarray(matrix, dtype=float), names)
        axes.set_title(title.capitalize())
    figure.colorbar(image, ax=panels, label="share of the experts' class", shrink=0.8)
    return figure


def _draw_intervals(axes: Axes, rows: pd.DataFrame, centres: np.ndarray) -> None:
    """The intervals of one model's bars, and their values above."""
    axes.vlines(centres, rows["low"], rows["high"], color=INK, linewidth=1.2)
    tops = rows[["kl", "high"]].max(axis=1)
    for centre, value, top in zip(centres, rows["kl"], tops, strict=True):
        if np.isfinite(value):
            axes.annotate(f"{value:.2f}", (centre, top), xytext=(0, 2), ha="center", fontsize=7.5,
                          textcoords="offset points")  # fmt: skip


def _label_tiers(axes: Axes, sizes: pd.DataFrame) -> None:
    """Write windows and patients below each tier, and where there are none."""
    ticks = [f"{tier}\n{n:,} ({of:,})" for tier, n, of in sizes.itertuples()]
    axes.set_xticks(range(len(ticks)), ticks)
    axes.set_xlabel("below a tier: windows (patients)", fontsize=8, color=MUTED)
    for place in np.flatnonzero(sizes["n"] == 0):
        axes.annotate("no windows", (place, 0), xytext=(0, 4), textcoords="offset points",
                      ha="center", color=MUTED)  # fmt: skip


@styled
def kl_by_tier(
    table: pd.DataFrame, *, sample: str, confidence: float, warnings: Sequence[str] = ()
) -> Figure:
    """Show the KL divergence of models and baselines from the votes, by tier of votes.

    Args:
        table: columns ``tier``, ``model`` (name of a model or baseline), ``kl`` (nats, lower is
            better), ``low`` and ``high`` (ends of its interval), ``n`` (windows) and
            ``n_patients``. Tiers and models keep the table's order, the first model standing out.
        sample: how many windows of how many patients, in words.
        confidence: of the intervals, between 0 and 1.
        warnings: sentences to write below.

    Returns:
        A figure of one axes, a group of bars a tier with its windows and patients; the line on a
        bar is its interval.
    """
    tiers, models = list(table["tier"].unique()), list(table["model"].unique())
    figure = new_figure(4.2 + 0.15 * len(warnings), width=max(7.5, 2.3 * len(tiers)),
                        title=f"KL divergence by tier of votes, {sample}")  # fmt: skip
    axes = figure.subplots()
    width = 0.84 / len(models)
    for place, model in enumerate(models):
        rows = table[table["model"] == model].set_index("tier").reindex(tiers)
        centres = np.arange(len(tiers)) + (place - (len(models) - 1) / 2) * width
        colour = _BAR_COLOURS[place % len(_BAR_COLOURS)]
        axes.bar(centres, rows["kl"], 0.92 * width, color=colour, label=model)
        _draw_intervals(axes, rows, centres)
    _label_tiers(axes, table.groupby("tier", sort=False)[["n", "n_patients"]].first())
    axes.set(xlim=(-0.5, len(tiers) - 0.5), ylabel="KL divergence (nats), lower is better")
    line = Line2D([], [], color=INK, linewidth=1.2, label=_interval_text(confidence))
    handles = [*axes.get_legend_handles_labels()[0], line]
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(handles))
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="y")
    if warnings:
        lines = [line for text in warnings for line in textwrap.wrap(text, 130)]
        figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=8, color=ACCENT)
    return figure


def _draw_scores(axes: Axes, table: pd.DataFrame, score: str) -> None:
    """A dot and a line a class, with the numbers at the right."""
    rows = np.arange(len(table))
    value, low, high = (table[f"{score}{end}"].to_numpy(float) for end in ("", "_low", "_high"))
    axes.hlines(rows, low, high, color=LEFT, linewidth=2)
    axes.scatter(value, rows, color=LEFT, s=36, zorder=3)
    for row in rows:
        text = _score_text(value[row], low[row], high[row])
        axes.annotate(text, (1.03, row), xycoords=("axes fraction", "data"), va="center",
                      fontsize=8, annotation_clip=False)  # fmt: skip
    axes.set(xlabel=score.upper(), ylim=(len(table) - 0.5, -0.5))
    axes.tick_params(axis="y", left=False)
    axes.grid(axis="x", color=FAINT)


@styled
def class_ranking(table: pd.DataFrame, *, sample: str, confidence: float) -> Figure:
    """Show the areas under the ROC and the precision-recall curve of each class.

    Args:
        table: columns ``class``, ``auroc`` and ``auprc`` (NaN where not defined), each with
            ``_low`` and ``_high``, ``prevalence``, ``n_positive`` and ``n_positive_patients``.
        sample: how many windows of how many patients, in words.
        confidence: of the intervals, between 0 and 1.

    Returns:
        A figure of two axes; what chance would reach is dotted: 0.5 and the class' prevalence.
    """
    rows = np.arange(len(table))
    figure = new_figure(3.9, title=f"One class against the rest, {sample}")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, score in zip(panels, ("auroc", "auprc"), strict=True):
        _draw_scores(axes, table, score)
    for axes, chance in zip(panels, (np.full(len(rows), 0.5), table["prevalence"]), strict=True):
        axes.vlines(chance, rows - 0.35, rows + 0.35, color=INK, linewidth=1.2, linestyle=":")
    ticks = [
        f"{row['class']}\n{row['n_positive']:,} ({row['n_positive_patients']:,})"
        for _, row in table.iterrows()
    ]
    panels[0].set_yticks(rows, ticks)
    lowest = np.nanmin([0.5, *table["auroc"], *table["auroc_low"]])
    panels[0].set_xlim(lowest - 0.03, 1.02)
    panels[1].set_xlim(-0.02, 1.02)
    panels[0].set_title("AUROC (dotted: chance)")
    panels[1].set_title("AUPRC (dotted: prevalence)")
    legend = f"below a class: its windows (patients); lines: {_interval_text(confidence)}"
    figure.supxlabel(legend, fontsize=8, color=MUTED)
    return figure


_VERSIONS = (
    {"color": LEFT, "marker": "o", "linestyle": "-"},
    {"color": ACCENT, "marker": "s", "linestyle": "--", "markerfacecolor": "white"},
)


def _draw_reliability(axes: Axes, curves: pd.DataFrame, errors: pd.DataFrame) -> None:
    """One class: its curve before and after, and below its name their calibration errors."""
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=":")
    title = [errors["class"].iloc[0]]
    for look, error in zip(_VERSIONS, errors.to_dict("records"), strict=False):
        curve = curves[curves["predictions"] == error["predictions"]]
        axes.vlines(curve["predicted"], curve["low"], curve["high"], color=look["color"])
        axes.plot(curve["predicted"], curve["observed"], markersize=4, linewidth=1.2, **look)
        score = _score_text(error["ece"], error["ece_low"], error["ece_high"])
        title.append(f"ECE {error['predictions']}: {score}")
    axes.set_title("\n".join(title), fontsize=8)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.grid(color=FAINT)


@styled
def reliability(
    curves: pd.DataFrame, calibration: pd.DataFrame, *, sample: str, confidence: float
) -> Figure:
    """Show what share of experts votes for a class where the model gives it some probability.

    Args:
        curves: columns ``predictions`` (the name of one version or of two), ``class``,
            ``predicted``, ``observed``, ``low`` and ``high``, a row a bin.
        calibration: columns ``predictions``, ``class``, ``ece``, ``ece_low`` and ``ece_high``.
        sample: how many windows of how many patients, in words.
        confidence: of the intervals, between 0 and 1.

    Returns:
        A figure of an axes a class; the dotted diagonal is perfect calibration.
    """
    names, versions = list(curves["class"].unique()), list(curves["predictions"].unique())
    figure = new_figure(7.6, width=9.5, title=f"Reliability by class, {sample}")
    panels = figure.subplots(-(-len(names) // 3), 3, sharex=True, sharey=True, squeeze=False)
    for axes, name in zip(panels.flat, names, strict=False):
        of_class = calibration[calibration["class"] == name]
        _draw_reliability(axes, curves[curves["class"] == name], of_class)
    handles = [
        *(
            Line2D([], [], label=name, **look)
            for name, look in zip(versions, _VERSIONS, strict=False)
        ),
        Line2D([], [], color=LEFT, label=_interval_text(confidence)),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    for axes in panels[-1]:
        axes.set_xlabel("mean probability in a bin")
    for axes in panels[:, 0]:
        axes.set_ylabel("mean vote fraction")
    return figure


_PAIRS = {
    "expert-expert": {"color": MUTED, "marker": "s", "markerfacecolor": "white"},
    "model-expert": {"color": LEFT, "marker": "o"},
}


def _draw_agreement(axes: Axes, table: pd.DataFrame, score: str) -> None:
    for shift, (comparison, look) in zip((-0.15, 0.15), _PAIRS.items(), strict=True):
        rows = table[table["comparison"] == comparison]
        places = np.arange(len(rows)) + shift
        axes.hlines(places, rows[f"{score}_low"], rows[f"{score}_high"], color=look["color"])
        axes.plot(rows[score], places, linestyle="", markersize=6, label=comparison, **look)
        for place, value in zip(places, rows[score], strict=True):
            text = f"{value:.2f}" if np.isfinite(value) else "not defined"
            axes.annotate(text, (1.02, place), xycoords=("axes fraction", "data"), va="center",
                          fontsize=7.5, color=look["color"], annotation_clip=False)  # fmt: skip
    axes.tick_params(axis="y", left=False)
    axes.grid(axis="x", color=FAINT)


@styled
def agreement(table: pd.DataFrame, *, sample: str, confidence: float) -> Figure:
    """Show how often the model agrees with an expert, beside two experts with each other.

    Args:
        table: columns ``comparison`` (of which ``expert-expert`` and ``model-expert`` are drawn),
            ``class`` (in the same order for each), ``agreement`` and ``kappa``, each with
            ``_low`` and ``_high``.
        sample: how many windows of how many patients, in words.
        confidence: of the intervals, between 0 and 1.

    Returns:
        A figure of two axes: percent agreement, and agreement beyond chance.
    """
    names = list(table["class"].unique())
    figure = new_figure(4.6, width=9.5, title=f"Agreement in pairs, {sample}")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, score in zip(panels, ("agreement", "kappa"), strict=True):
        _draw_agreement(axes, table, score)
    panels[0].set(xlabel="agreement where an expert says the class", xlim=(-0.02, 1.02))
    panels[1].set(xlabel="kappa (0: chance)", xlim=(min(-0.05, panels[1].get_xlim()[0]), 1.02))
    panels[1].axvline(0, color=INK, linewidth=1, linestyle=":")
    panels[0].set_yticks(range(len(names)), names)
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    handles = [*panels[0].get_legend_handles_labels()[0],
               Line2D([], [], color=LEFT, label=_interval_text(confidence))]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def _draw_network(axes: Sequence[Axes], epochs: pd.DataFrame, colour: str) -> None:
    loss, rate = axes
    dots = {"marker": ".", "markersize": 3}
    loss.plot(epochs["epoch"], epochs["loss"], color=colour, linestyle="--", linewidth=1, **dots)
    loss.plot(epochs["epoch"], epochs["val_loss"], color=colour, linewidth=1.6, **dots)
    rate.plot(epochs["epoch"], epochs["learning_rate"], color=colour, linewidth=1.2, **dots)
    kept = epochs[epochs["kept"]]
    loss.plot(kept["epoch"], kept["val_loss"], "*", color=colour, markersize=12,
              markeredgecolor=INK, markeredgewidth=0.5, zorder=4)  # fmt: skip


def _legend(colours: dict[object, str]) -> list[Line2D]:
    lines = [Line2D([], [], color=colour, label=name) for name, colour in colours.items()]
    return [
        *lines,
        Line2D([], [], color=INK, linestyle="--", linewidth=1, label="training"),
        Line2D([], [], color=INK, linewidth=1.6, label="validation"),
        Line2D([], [], color=INK, linestyle="", marker="*", markersize=9, label="kept epoch"),
    ]


@styled
def training_curves(history: pd.DataFrame) -> Figure:
    """Show loss and learning rate over epochs, a colour a network.

    Args:
        history: columns ``network``, ``epoch``, ``loss``, ``val_loss``, ``learning_rate`` and
            ``kept``, a row a network and epoch.

    Returns:
        A figure of two axes: loss (dashed: training, solid: validation, star: the epoch whose
        weights are kept) and learning rate on a log scale.
    """
    names = history["network"].unique()
    palette = [colour for colour in OKABE_ITO if colour != ACCENT] + [ACCENT]
    colours = {name: palette[place % len(palette)] for place, name in enumerate(names)}
    figure = new_figure(5.4, width=8.5, title=f"Training curves, n = {len(names)} networks")
    loss, rate = figure.subplots(2, sharex=True, height_ratios=[3, 1])
    for name, colour in colours.items():
        epochs = history[history["network"] == name].sort_values("epoch")
        _draw_network((loss, rate), epochs, colour)
    loss.set_ylabel("loss")
    loss.legend(handles=_legend(colours), loc="center left", bbox_to_anchor=(1, 0.5))
    rate.set(xlabel="epoch", ylabel="learning rate", yscale="log")
    rate.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in (loss, rate):
        axes.grid(color=FAINT)
    return figure
