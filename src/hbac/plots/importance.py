"""Where the evidence lies over a whole data set: mean maps; shares by chain, band and second."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from hbac.eeg.band_power import BANDS
from hbac.eeg.chain_map import ChainMap
from hbac.eeg.montage import CHAIN_NAMES, CHAINS
from hbac.eeg.shape import WINDOW_SECONDS
from hbac.eeg.windows import LABEL_SECONDS
from hbac.plots.eeg import central_seconds
from hbac.plots.evidence import SOURCE_TITLES, TOP_HERTZ, ordered
from hbac.plots.style import (
    CLASS_COLOURS,
    FAINT,
    INK,
    MUTED,
    check_columns,
    new_figure,
    say_below,
    styled,
)

_SHARE_MAP = "YlOrRd"

OUTCOMES = ("right", "wrong")

_BASES = TOP_HERTZ * np.arange(len(CHAINS))[::-1]
"""Where 0 Hz of each chain lies on the axis of a stack, the first chain on top."""

_LABEL = central_seconds(WINDOW_SECONDS, LABEL_SECONDS)
_MARKERS = "os^DvP"
_LEVEL_TITLES = {
    **{chain: f"{chain}\n{name}" for chain, name in CHAIN_NAMES.items()},
    **{band: f"{band}\n{low:g}-{high:g} Hz" for band, (low, high) in BANDS.items()},
    "delta": f"delta\nbelow {BANDS['delta'][1]:g} Hz",
    "outside": "outside\n(no EEG)",
}
EVERY_BAND = "all"
"""The level of a source in which frequencies are not told apart, so that there is none to draw."""

_LEVELS = {"chain": tuple(CHAINS), "band": (*BANDS, "outside", EVERY_BAND)}
_COLUMNS = ("class", "source", "dimension", "level", "share", "n", "chance")


def _reaches_beyond_label(seconds: np.ndarray) -> bool:
    """Whether more is shown than the seconds of which the label speaks, so that marks tell them."""
    return bool(seconds.min() < _LABEL[0] or seconds.max() > _LABEL[1])


def _stack(found: ChainMap) -> tuple[np.ndarray, np.ndarray]:
    """Stack the chains, the first on top, 20 Hz each, without the picture's margins.

    Rows that are channels share that height, the first on top.

    Returns:
        Edges of the rows on the axis of a stack, and the values between them.
    """
    if found.hertz is None:
        values = found.values[::-1, ::-1].reshape(-1, found.values.shape[-1])
        return np.linspace(0, TOP_HERTZ * len(CHAINS), len(values) + 1), values
    inside = (found.hertz[1:] > 0) & (found.hertz[:-1] < TOP_HERTZ)
    lower = found.hertz[:-1][inside].copy()
    lower[0] = 0
    edges = np.append((_BASES[::-1, None] + lower).ravel(), TOP_HERTZ * len(CHAINS))
    return edges, found.values[::-1][:, inside].reshape(len(edges) - 1, -1)


def _peak(maps: Iterable[ChainMap]) -> float:
    peak = max((float(_stack(found)[1].max()) for found in maps), default=0.0)
    return peak if peak > 0 else 1.0


def _draw_stack(axes: Axes, found: ChainMap, peak: float) -> None:
    edges, values = _stack(found)
    axes.pcolorfast(found.seconds, edges, values / peak, cmap=_SHARE_MAP, vmin=0, vmax=1)
    for base in _BASES[:-1]:
        axes.axhline(base, color=INK, linewidth=0.6)
    for second in _LABEL if _reaches_beyond_label(found.seconds) else ():
        axes.axvline(second, color=INK, linewidth=0.8, linestyle=":")


def _stack_ticks(*, hertz: bool) -> dict[float, str]:
    """Name the chains on the axis of a stack, and where there are any, its frequencies."""
    middles = dict(zip(_BASES + TOP_HERTZ / 2, CHAINS, strict=True))
    if not hertz:
        return middles
    ends = dict.fromkeys(_BASES, "0") | {TOP_HERTZ * len(CHAINS): f"{TOP_HERTZ:g}"}
    return ends | {at: f"{chain}   {TOP_HERTZ / 2:g}" for at, chain in middles.items()}


def _frame_stacks(grid: np.ndarray, seconds: Sequence[np.ndarray], *, hertz: bool) -> None:
    """Set limits and ticks, one array of seconds a column; only outer axes have ticks."""
    top, ticks = TOP_HERTZ * len(CHAINS), _stack_ticks(hertz=hertz)
    for (row, column), axes in np.ndenumerate(grid):
        axes.set_yticks([] if column else list(ticks), [] if column else list(ticks.values()))
        if row < len(grid) - 1:
            axes.set_xticks([])
        axes.set(xlim=seconds[column][[0, -1]], ylim=(0, top))
        axes.tick_params(labelsize=6.5, length=2, pad=1.5)
        axes.spines[:].set_visible(True)


def _check_groups(
    means: Mapping[tuple[str, str], Mapping[str, ChainMap]], counts: Mapping[tuple[str, str], int]
) -> None:
    groups = {group for group, count in counts.items() if count}
    if not groups or groups != set(means):
        raise ValueError(
            f"means must hold the groups with windows, {sorted(groups)}, received {sorted(means)}"
        )
    wrong = sorted({outcome for _, outcome in counts} - set(OUTCOMES))
    if wrong:
        raise ValueError(f"outcomes must be of {OUTCOMES}, received {wrong}")
    sources = {tuple(ordered(maps)) for maps in means.values()}
    if len(sources) > 1:
        raise ValueError(f"groups must have the same sources, received {sorted(sources)}")


def _draw_groups(
    grid: np.ndarray, groups: Sequence[Mapping[str, ChainMap]], sources: Sequence[str]
) -> None:
    """Draw a class's maps: a row of axes an outcome, a column a source."""
    peak = _peak(found for maps in groups for found in maps.values())
    for axes_row, maps in zip(grid, groups, strict=True):
        for axes, source in zip(axes_row, sources, strict=True):
            if maps:
                _draw_stack(axes, maps[source], peak)
            else:
                axes.text(0.5, 0.5, "no window", transform=axes.transAxes, ha="center",
                          va="center", color=MUTED)  # fmt: skip


@styled
def mean_maps(
    means: Mapping[tuple[str, str], Mapping[str, ChainMap]],
    counts: Mapping[tuple[str, str], int],
    *,
    sample: str,
    caption: str,
) -> Figure:
    """Show where the evidence for a class lies, in windows predicted rightly and wrongly.

    Args:
        means: by predicted class and outcome (``right`` or ``wrong``), then by source, the mean
            positive map, values of shape ``(4, rows, columns)``; seconds count from the start of
            the 50-s window. A group without windows is left out.
        counts: by the same keys, how many windows; classes keep this order.
        sample: how many windows of how many patients, in words.
        caption: what the maps are, in a sentence or two.

    Returns:
        A figure of a row a class, right at the left and wrong at the right, a column a source,
        with the four chains stacked, each 0 to 20 Hz, or its channels from front to back. The maps
        of a class are scaled to the greatest value that any of them shows.

    Raises:
        ValueError: if means and counts do not fit, or groups differ in their sources.
    """
    _check_groups(means, counts)
    names = list(dict.fromkeys(name for name, _ in counts))
    any_maps = next(iter(means.values()))
    sources = ordered(any_maps)
    figure = new_figure(1.6 + 1.3 * len(names), title=f"Mean evidence by predicted class, {sample}")
    grid = figure.subplots(len(names), 2 * len(sources), squeeze=False)
    for axes_row, name in zip(grid, names, strict=True):
        groups = [means.get((name, outcome), {}) for outcome in OUTCOMES]
        _draw_groups(axes_row.reshape(2, -1), groups, sources)
        for axes, outcome in zip(axes_row[:: len(sources)], OUTCOMES, strict=True):
            axes.set_title(f"{name}, {outcome}: n = {counts.get((name, outcome), 0):,}")
    hertz = any(found.hertz is not None for found in any_maps.values())
    _frame_stacks(grid, [any_maps[source].seconds for source in sources * 2], hertz=hertz)
    for axes, source in zip(grid[-1], sources * 2, strict=True):
        axes.set_xlabel(f"{SOURCE_TITLES[source]}, time (s)")
    rows = "frequency (Hz)" if hertz else "its channels from front to back"
    figure.supylabel(f"chain, {rows}", fontsize=8.5)
    figure.colorbar(ScalarMappable(cmap=_SHARE_MAP), ax=grid, aspect=60, pad=0.01,
                    label="mean evidence, share of the class's maximum")  # fmt: skip
    wide = any(_reaches_beyond_label(found.seconds) for found in any_maps.values())
    dotted = f"; dotted: the {LABEL_SECONDS} s of which the label speaks" if wide else ""
    say_below(
        figure,
        f"{caption} The maps of a class share one scale, which ends at the class's maximum. Time "
        f"counts from the start of the 50-s window{dotted}.",
    )
    return figure


def _look(classes: Sequence[str], name: str) -> dict[str, str]:
    marker = _MARKERS[classes.index(name) % len(_MARKERS)]
    return {"color": CLASS_COLOURS.get(name, INK), "marker": marker}


def _draw_levels(
    axes: Axes, rows: pd.DataFrame, classes: Sequence[str], levels: Sequence[str]
) -> None:
    """A group of dots a level, a dot a class, with its interval and the mark of chance."""
    width = 0.84 / len(classes)
    for place, name in enumerate(classes):
        of_class = rows[rows["class"] == name].set_index("level").reindex(levels)
        centres = np.arange(len(levels)) + (place - (len(classes) - 1) / 2) * width
        half = width / 2
        axes.hlines(of_class["chance"], centres - half, centres + half, color=INK, linewidth=0.8)
        look = _look(classes, name)
        if "low" in rows:
            axes.vlines(centres, of_class["low"], of_class["high"], color=look["color"])
        axes.plot(centres, of_class["share"], linestyle="none", markersize=4.5, **look)
    axes.set_xticks(range(len(levels)), [_LEVEL_TITLES[level] for level in levels])
    axes.set_xlim(-0.5, len(levels) - 0.5)
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="y")


def _draw_seconds(axes: Axes, rows: pd.DataFrame, name: str) -> None:
    """One class over time: its line with a band, and chance dotted."""
    rows = rows.assign(level=rows["level"].astype(float)).sort_values("level")
    colour, seconds = CLASS_COLOURS.get(name, INK), rows["level"].to_numpy()
    if _reaches_beyond_label(seconds):
        axes.axvspan(*_LABEL, color=FAINT, linewidth=0)
    if "low" in rows:
        axes.fill_between(seconds, rows["low"], rows["high"], color=colour, alpha=0.35, linewidth=0)
    axes.plot(seconds, rows["chance"], color=INK, linewidth=0.8, linestyle=":")
    axes.plot(seconds, rows["share"], color=colour, linewidth=1.4)
    if rows["share"].isna().all():
        axes.text(0.5, 0.5, "no window", transform=axes.transAxes, ha="center", color=MUTED)
    axes.set_title(f"{name}, n = {max(rows['n'], default=0):,}")
    axes.set_xlabel("time (s)")
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10], integer=True))
    axes.grid(axis="y")


def _top(rows: pd.DataFrame) -> float:
    ends = rows[[name for name in ("share", "high", "chance") if name in rows]]
    top = float(np.nanmax(ends.to_numpy(float), initial=0.0))
    return 1.05 * top if top > 0 else 1.0


def _percent(share: float, _: int | None = None) -> str:
    return f"{100 * share:.3g}%"


def _draw_shares(figure: SubFigure, rows: pd.DataFrame, classes: Sequence[str]) -> None:
    """Draw a source's shares by chain and by band."""
    title = SOURCE_TITLES[rows["source"].iloc[0]]
    has_bands = EVERY_BAND not in set(rows["level"])
    drawn = {name: known for name, known in _LEVELS.items() if name != "band" or has_bands}
    panels = figure.subplots(1, len(drawn), squeeze=False)[0]
    for axes, (dimension, known) in zip(panels, drawn.items(), strict=True):
        part = rows[rows["dimension"] == dimension]
        _draw_levels(axes, part, classes, [level for level in known if level in set(part["level"])])
        axes.set_title(f"{title}, by {dimension}", weight="bold")
        axes.set(ylim=(0, _top(part)), ylabel="share of evidence")
        axes.yaxis.set_major_formatter(_percent)


def _draw_times(figure: SubFigure, rows: pd.DataFrame, classes: Sequence[str]) -> None:
    """Draw a source's shares by second."""
    panels = figure.subplots(1, len(classes), sharex=True, sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, classes, strict=True):
        _draw_seconds(axes, rows[rows["class"] == name], name)
    middles = np.unique(rows["level"].astype(float))
    width = np.ptp(middles) / max(len(middles) - 1, 1) or LABEL_SECONDS
    panels[0].set(xlim=(middles[0] - width / 2, middles[-1] + width / 2), ylim=(0, _top(rows)),
                  ylabel=f"share in {width:g} s")  # fmt: skip
    panels[0].yaxis.set_major_formatter(_percent)


def _check_levels(table: pd.DataFrame) -> None:
    check_columns(table, _COLUMNS)
    found = table.groupby("source", observed=True)["dimension"].unique()
    for source, dimensions in found.items():
        lacking = sorted({*_LEVELS, "second"} - set(dimensions))
        if lacking:
            raise ValueError(f"table lacks dimensions {lacking} of source {source}")
    for dimension, known in _LEVELS.items():
        unknown = set(table.loc[table["dimension"] == dimension, "level"]) - set(known)
        if unknown:
            raise ValueError(f"levels of {dimension} must be of {known}, received {unknown}")


def _draw_legend(figure: SubFigure, table: pd.DataFrame, classes: Sequence[str]) -> None:
    handles = [
        *(Line2D([], [], linestyle="none", label=name, **_look(classes, name)) for name in classes),
        Line2D([], [], color=INK, linewidth=0.8, label="if spread evenly"),
    ]
    if _reaches_beyond_label(table.loc[table["dimension"] == "second", "level"].astype(float)):
        handles.append(Patch(color=FAINT, label=f"{LABEL_SECONDS} s of which the label speaks"))
    figure.legend(handles=handles, loc="center left", ncols=len(handles), columnspacing=1.2)


@styled
def importance(table: pd.DataFrame, *, sample: str, caption: str) -> Figure:
    """Show on which chains, bands and seconds the evidence for each class lies.

    Args:
        table: columns ``class``, ``source``, ``dimension`` (``chain``, ``band`` or ``second``),
            ``level`` (LL ...; delta, theta, alpha, beta, outside, or ``all`` where frequencies are
            not told apart; the middle of a stretch of time in seconds from the start of the 50-s
            window), ``share`` (mean share of the positive evidence, 0 to 1), ``chance`` (the share
            if evidence were spread evenly),
            ``n`` (windows of the class) and perhaps ``low`` and ``high`` (ends of its interval).
        sample: how many windows of how many patients, in words.
        caption: what the shares and intervals are, in a sentence or two.

    Returns:
        A figure of two rows of axes a source: shares by chain and, where there are any, by band, a
        dot a class; and by second, an axes a class, with the seconds of which the label speaks
        shaded.

    Raises:
        ValueError: if the table lacks a column, a row, or a dimension of a source, or has a level
            of another name.
    """
    _check_levels(table)
    classes, sources = list(table["class"].unique()), ordered(table["source"])
    heights = [0.15, *[1.3, 1.1] * len(sources)]
    figure = new_figure(0.8 + 1.7 * sum(heights), title=f"Where the evidence lies, {sample}")
    legend, *parts = figure.subfigures(len(heights), 1, height_ratios=heights)
    _draw_legend(legend, table, classes)
    for source, shares, times in zip(sources, parts[::2], parts[1::2], strict=True):
        rows = table[table["source"] == source]
        _draw_shares(shares, rows, classes)
        _draw_times(times, rows[rows["dimension"] == "second"], classes)
    say_below(figure, f"{caption} Time counts from the start of the 50-s window.")
    return figure
