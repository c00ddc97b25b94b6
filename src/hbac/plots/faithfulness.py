"""Are the maps true: curves, scores and checks of several kinds of maps beside chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator, PercentFormatter

from hbac.plots.style import (
    INK,
    LEFT,
    MUTED,
    OKABE_ITO,
    check_columns,
    new_figure,
    say_below,
    styled,
)

BASELINES = {"random": "--", "centre prior": ":"}
"""Maps that know nothing of the network, and their lines."""

BETTER_CURVES = {
    "insertion": "higher",
    "deletion": "lower",
    "ROAD, most relevant first": "lower",
    "ROAD, least relevant first": "higher",
}
"""Whether a faithful map's curve runs high or low."""

_BETTER = {"higher": "higher is better \N{RIGHTWARDS ARROW}",
           "lower": "\N{LEFTWARDS ARROW} lower is better"}  # fmt: skip
_GRAY = "#999999"
_COLOURS = (LEFT, *(colour for colour in OKABE_ITO if colour not in (LEFT, _GRAY)))
_MARKERS = "os^DvPX"
_MOST_LABELS = 12


def _check_names(table: pd.DataFrame, names: Sequence[str]) -> None:
    known = list(table["maps"].unique())
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"maps must be of {known}, received {unknown}")


def _looks(table: pd.DataFrame, chosen: str | None = None) -> dict[str, dict[str, Any]]:
    """How to draw each kind of maps: the chosen one bold, baselines gray, the others thin."""
    names = list(table["maps"].unique())
    places = {name: k for k, name in enumerate(n for n in names if n not in BASELINES)}
    looks = {name: {"color": MUTED, "linestyle": BASELINES.get(name), "linewidth": 1.6}
             for name in names}  # fmt: skip
    for name, place in places.items():
        colour, marker = _COLOURS[place % len(_COLOURS)], _MARKERS[place % len(_MARKERS)]
        looks[name] = {"color": colour, "marker": marker, "linewidth": 1.1,
                       "markerfacecolor": "white"}  # fmt: skip
    if chosen in looks:
        looks[chosen] |= {"linewidth": 2.6, "markerfacecolor": looks[chosen]["color"], "zorder": 4}
    return looks


def _failing_text(failing: Sequence[str]) -> str:
    """The sentence that flags maps which do not depend on what the network has learnt."""
    if not failing:
        return ""
    *others, last = failing
    names = f"{', '.join(others)} and {last}" if others else last
    fail, their = ("fail", "their") if others else ("fails", "its")
    return (
        f"{names} {fail} the randomisation check: {their} maps stay alike as the network's "
        "weights are randomised."
    )


def _mark(failing: Sequence[str], name: str) -> str:
    return f"{name} (fails)" if name in failing else name


def _caption(figure: Figure, *sentences: str) -> None:
    say_below(figure, " ".join(sentence for sentence in sentences if sentence))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _draw_curves(axes: Axes, curves: pd.DataFrame, looks: Mapping, chosen: str) -> None:
    """One way to perturb pictures: a line a kind of maps, and the chosen one's band."""
    for place, (name, look) in enumerate(looks.items()):
        rows = curves[curves["maps"] == name].sort_values("fraction")
        if name == chosen:
            axes.fill_between(rows["fraction"], rows["low"], rows["high"], color=look["color"],
                              alpha=0.25, linewidth=0)  # fmt: skip
        every = max(len(rows) // 4, 1)
        axes.plot(rows["fraction"], rows["value"], markersize=4, markevery=(place % every, every),
                  **look)  # fmt: skip
    curve, fill = curves[["curve", "fill"]].iloc[0]
    axes.set_title(f"{_capital(curve)}, {fill}\n({BETTER_CURVES[curve]} is better)")
    verb = "inserted" if curve == "insertion" else "removed"
    axes.set(xlim=(0, 1), xlabel=f"share of the window {verb}")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(axis="y")


def _grid(figure: Figure, count: int, columns: int, **sharing: Any) -> tuple[np.ndarray, int]:
    """Add axes row by row, and return those needed and the number of columns."""
    columns = min(columns, count)
    panels = figure.subplots(-(-count // columns), columns, squeeze=False, **sharing).ravel()
    for axes in panels[count:]:
        axes.remove()
    return panels[:count], columns


@styled
def perturbation_curves(
    curves: pd.DataFrame, *, chosen: str, failing: Sequence[str], sample: str, confidence: float
) -> Figure:
    """Show how the predicted probability moves as a map's pixels are put in or taken out.

    Args:
        curves: columns ``curve`` (``insertion``, ``deletion``, ``ROAD, most relevant first`` or
            ``ROAD, least relevant first``), ``fill`` (what stands in for the missing pixels),
            ``maps`` (a kind of maps, ``random`` or ``centre prior``), ``fraction`` (of the
            picture inserted or removed), ``value`` (probability of the class), ``low`` and
            ``high`` (ends of its interval).
        chosen: the kind of maps that the project uses; it is bold and has its band.
        failing: kinds of maps that do not fall apart as weights are randomised; the caption names
            them.
        sample: how many windows of how many patients, in words.
        confidence: of the intervals, between 0 and 1.

    Returns:
        A figure of an axes a curve and fill, in the table's order.

    Raises:
        ValueError: if the table lacks a column, a row or the chosen maps, or has another curve.
    """
    check_columns(curves, ["curve", "fill", "maps", "fraction", "value", "low", "high"])
    _check_names(curves, [chosen, *failing])
    unknown = sorted(set(curves["curve"]) - set(BETTER_CURVES))
    if unknown:
        raise ValueError(f"curves must be of {list(BETTER_CURVES)}, received {unknown}")
    looks = _looks(curves, chosen)
    groups = list(curves.groupby(["curve", "fill"], sort=False, observed=True))
    height = 1.0 + 2.6 * -(-len(groups) // 3)
    figure = new_figure(height, title=f"Insertion and deletion by maps, {sample}")
    panels, columns = _grid(figure, len(groups), 3, sharey=True)
    for axes, (_, rows) in zip(panels, groups, strict=True):
        _draw_curves(axes, rows, looks, chosen)
    figure.get_layout_engine().set(wspace=0.05)
    for axes in panels[::columns]:
        axes.set_ylabel("probability of the class")
    handles = [
        Line2D([], [], label=_mark(failing, name), markersize=4, **look)
        for name, look in looks.items()
    ]
    figure.legend(handles=handles, loc="outside right upper")
    _caption(figure, _failing_text(failing), f"Band: {confidence:.0%} interval of {chosen}.")
    return figure


def _draw_dots(axes: Axes, rows: pd.DataFrame, looks: Mapping, failing: Sequence[str]) -> None:
    """A dot and an interval a row, a row a kind of maps; hollow where it fails."""
    rows = rows.set_index("maps").reindex(looks)
    for place, (name, row) in enumerate(rows.iterrows()):
        colour = looks[name]["color"]
        axes.hlines(place, row["low"], row["high"], color=colour, linewidth=2)
        axes.plot(row["value"], place, marker="o", markersize=6, color=colour, zorder=3,
                  markerfacecolor="white" if name in failing else colour)  # fmt: skip
        if not np.isfinite(row["value"]):
            axes.annotate("not defined", (0.5, place), xycoords=("axes fraction", "data"),
                          ha="center", va="center", color=MUTED, fontsize=7.5)  # fmt: skip
    axes.set_yticks(range(len(rows)), [_mark(failing, name) for name in rows.index])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", left=False)
    axes.grid(axis="x")


def _dot_looks(table: pd.DataFrame, chosen: str | None) -> dict[str, dict[str, str]]:
    """Colours of the rows: the chosen maps stand out, baselines are gray."""
    colours = {chosen: LEFT} | dict.fromkeys(BASELINES, _GRAY)
    return {name: {"color": colours.get(name, INK)} for name in table["maps"].unique()}


def _embolden(axes: Axes, chosen: str) -> None:
    for label in axes.get_yticklabels():
        if label.get_text().removesuffix(" (fails)") == chosen:
            label.set_fontweight("bold")


@styled
def faithfulness_scores(
    scores: pd.DataFrame, *, chosen: str, failing: Sequence[str], sample: str, confidence: float
) -> Figure:
    """Show every score of faithfulness for every kind of maps.

    Args:
        scores: columns ``score`` (its name), ``better`` (``higher`` or ``lower``), ``maps``,
            ``value`` (NaN where not defined), ``low`` and ``high`` (ends of its interval).
        chosen: the kind of maps that the project uses; it stands out.
        failing: kinds of maps that do not fall apart as weights are randomised.
        sample: how many windows of how many patients, in words.
        confidence: of the intervals, between 0 and 1.

    Returns:
        A figure of an axes a score and a row a kind of maps, in the table's order; the dotted line
        is what random maps reach. Kinds that fail are hollow, and the caption names them.

    Raises:
        ValueError: if the table lacks a column, a row, or the maps named, or ``better`` is
            another word.
    """
    check_columns(scores, ["score", "better", "maps", "value", "low", "high"])
    _check_names(scores, [chosen, *failing])
    wrong = set(scores["better"]) - set(_BETTER)
    if wrong:
        raise ValueError(f"better must be of {list(_BETTER)}, received {sorted(wrong)}")
    looks = _dot_looks(scores, chosen)
    groups = list(scores.groupby("score", sort=False, observed=True))
    height = 1.0 + -(-len(groups) // 4) * (0.9 + 0.22 * len(looks))
    figure = new_figure(height, title=f"Faithfulness of the maps, {sample}")
    panels, columns = _grid(figure, len(groups), 4, sharey=True)
    for axes, (score, rows) in zip(panels, groups, strict=True):
        _draw_dots(axes, rows, looks, failing)
        for value in rows.loc[rows["maps"] == "random", "value"].dropna():
            axes.axvline(value, color=MUTED, linewidth=1, linestyle=":")
        axes.set_title(_capital(score))
        axes.set_xlabel(_BETTER[rows["better"].iloc[0]])
        axes.xaxis.set_major_locator(MaxNLocator(4))
    for axes in panels[::columns]:
        _embolden(axes, chosen)
    _caption(figure, _failing_text(failing), f"Lines: {confidence:.0%} interval;",
             "dotted: random maps.")  # fmt: skip
    return figure


def _label_layers(axes: Axes, table: pd.DataFrame) -> None:
    """Name the layer of each step, or of some where there are many."""
    layers = table.groupby("step", observed=True)["layer"].first()
    every = -(-len(layers) // _MOST_LABELS)
    axes.xaxis.set_minor_locator(FixedLocator(layers.index.to_numpy(float)))
    axes.set_xticks(layers.index[::every], layers.iloc[::every], rotation=35, ha="right",
                    rotation_mode="anchor")  # fmt: skip
    axes.set_xlim(layers.index[0] - 0.5, layers.index[-1] + 0.5)
    axes.set_xlabel("last layer randomised, from the logits down")


def _ranked_handles(axes: Axes) -> list[Line2D]:
    """The lines in the order of their right ends, the highest first."""
    return sorted(axes.lines, key=lambda line: line.get_ydata()[-1], reverse=True)


@styled
def randomisation(
    table: pd.DataFrame,
    *,
    threshold: float,
    failing: Sequence[str],
    sample: str,
    confidence: float,
) -> Figure:
    """Show whether maps fall apart as the network's weights are randomised, layer by layer.

    Args:
        table: columns ``maps``, ``step`` (0 for the trained network, then 1, 2 ...), ``layer``
            (the last one randomised at that step), ``similarity`` (Spearman's rank correlation
            with the trained network's map), ``low`` and ``high`` (ends of its interval).
        threshold: the similarity that a map must fall below.
        failing: kinds of maps that do not.
        sample: how many windows of how many patients, in words.
        confidence: of the intervals, between 0 and 1.

    Returns:
        A figure of one axes, a line a kind of maps, the legend in the order of the lines' ends;
        the lines of kinds that fail are dashed, and the caption names them.

    Raises:
        ValueError: if the table lacks a column, a row, or the maps named.

    References:
        Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018, arXiv:1810.03292.
    """
    check_columns(table, ["maps", "step", "layer", "similarity", "low", "high"])
    _check_names(table, failing)
    figure = new_figure(4.8, title=f"Maps as weights are randomised, {sample}")
    axes, looks = figure.subplots(), _looks(table)
    shifts = np.linspace(-0.15, 0.15, len(looks)) if len(looks) > 1 else [0.0]
    for shift, (name, look) in zip(shifts, looks.items(), strict=True):
        rows = table[table["maps"] == name].sort_values("step")
        if name in failing:
            look |= {"linestyle": (0, (5, 1.5)), "linewidth": 2.2}
        axes.vlines(rows["step"] + shift, rows["low"], rows["high"], color=look["color"],
                    linewidth=0.8)  # fmt: skip
        axes.plot(rows["step"] + shift, rows["similarity"], markersize=5,
                  label=_mark(failing, name), **look)  # fmt: skip
    axes.axhline(threshold, color=INK, linewidth=1, linestyle=":",
                 label=f"must fall below {threshold:g}")  # fmt: skip
    _label_layers(axes, table)
    axes.set(ylim=(min(-0.1, table["low"].min() - 0.05), 1.05),
             ylabel="rank correlation with the trained network's map")  # fmt: skip
    axes.grid(axis="y")
    figure.legend(handles=_ranked_handles(axes), loc="outside right upper")
    _caption(figure, _failing_text(failing), f"Vertical lines: {confidence:.0%} interval.")
    return figure


@styled
def planted_evidence(
    table: pd.DataFrame, *, failing: Sequence[str], sample: str, confidence: float
) -> Figure:
    """Show how much of the maps lies where the evidence was planted.

    Args:
        table: columns ``class``, ``maps``, ``mass`` (fraction of a map's mass inside the planted
            region; NaN where not defined), ``low`` and ``high`` (ends of its interval),
            ``chance`` (mean share of what networks see that the region covers), ``n`` (windows) and
            ``detected`` (share of the windows in which the network predicts the class).
        failing: kinds of maps that do not fall apart as weights are randomised; they are hollow,
            and the caption names them.
        sample: how many simulated windows, in words.
        confidence: of the intervals, between 0 and 1.

    Returns:
        A figure of an axes a class and a row a kind of maps, in the table's order, with a thin
        upright mark where chance would be.

    Raises:
        ValueError: if the table lacks a column or a row.
    """
    check_columns(table, ["class", "maps", "mass", "low", "high", "chance", "n", "detected"])
    _check_names(table, failing)
    looks = _dot_looks(table, None)
    groups = list(
        table.rename(columns={"mass": "value"}).groupby("class", sort=False, observed=True)
    )
    height = 1.0 + -(-len(groups) // 3) * (0.9 + 0.22 * len(looks))
    figure = new_figure(height, title=f"Mass of the maps where evidence was planted, {sample}")
    panels, columns = _grid(figure, len(groups), 3, sharex=True, sharey=True)
    for axes, (name, rows) in zip(panels, groups, strict=True):
        _draw_dots(axes, rows, looks, failing)
        chance = rows.set_index("maps")["chance"].reindex(looks)
        places = np.arange(len(looks))
        axes.vlines(chance, places - 0.4, places + 0.4, color=INK, linewidth=1)
        share = rows["detected"].iloc[0]
        detected = f"detected {share:.0%}" if np.isfinite(share) else "detection not known"
        axes.set_title(f"{name}, n = {rows['n'].max():,}, {detected}")
    for axes in panels[-columns:]:
        axes.set_xlabel("share of the map in the planted region")
        axes.tick_params(labelbottom=True)
    top = np.nanmax(table[["mass", "high", "chance"]].to_numpy(float), initial=0.0)
    panels[0].set_xlim(0, min(1.05 * top, 1.02) if top > 0 else 1)
    panels[0].xaxis.set_major_formatter(PercentFormatter(1))
    _caption(
        figure,
        _failing_text(failing),
        f"Lines: {confidence:.0%} interval; upright: the region's share of what the networks see, "
        "which chance would reach; detected: windows in which the network predicts the class.",
    )
    return figure
