"""Hours of EEG at a glance: power of the chains, probabilities, events and what can be read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from hbac.eeg.gaps import stretches as runs_of
from hbac.eeg.montage import CHAIN_NAMES, CHAINS
from hbac.eeg.regional import N_FREQUENCIES, ROW_SECONDS
from hbac.eeg.votes import CLASS_NAMES, PREDICTION_COLUMNS
from hbac.plots.eeg import CHAIN_COLOURS
from hbac.plots.regional import colour_limits, decibels, frequency_edges
from hbac.plots.stretch import Course, Stretch
from hbac.plots.style import (
    CLASS_COLOURS,
    FAINT,
    INK,
    MISSING,
    MUTED,
    POWER_MAP,
    say_below,
    styled,
)
from hbac.plots.window import place_axes, write
from hbac.timeline.events import PATTERNS

_COLUMNS = 1000
"""Columns across at most; a screen shows no more."""

WIDTH = 9.2
"""Inches: less than other figures, so that letters are legible where a page shrinks it."""

_LEFT, _WIDTH = 0.95, 7.1
"""Inches from the figure's left edge to the axes, and their width."""

_TITLE, _HEADING, _GAP, _AXIS, _LEGEND = 0.42, 0.32, 0.07, 0.46, 0.26
"""Heights in inches: of the title, of a panel's heading, between axes, of the time axis, and of
what the marks of unreadable stretches mean."""

_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600)
"""Seconds between two ticks, of which one is chosen."""

_MOST_TICKS = 13

_HATCHES = ("////", "....", "xxxx", "----", "++++", "oo", "||||")
"""Of reasons for which there is no prediction, the commonest first; more of them share the last."""

_FEW_LETTERS = 26

_HATCHED = {"facecolor": "#f1f1f1", "edgecolor": "#9a9a9a", "linewidth": 0}

_LEAST_WIDTH = 1.6 / _COLUMNS
"""Share of the width that an event takes at least, so that none is too short to be seen."""


@dataclass(frozen=True)
class _Heights:
    """Inches of a panel's axes, from top to bottom."""

    chain: float
    probabilities: float
    pattern: float
    quality: float

    @property
    def panel(self) -> float:
        """With all that stands between and around them."""
        axes = len(CHAINS) * (self.chain + 0.04) + self.probabilities + self.quality
        return _HEADING + axes + len(PATTERNS) * self.pattern + 3 * _GAP + _AXIS


_LARGE = _Heights(chain=0.72, probabilities=1.35, pattern=0.155, quality=0.24)
_SMALL = _Heights(chain=0.4, probabilities=0.8, pattern=0.125, quality=0.18)
"""Of a panel alone, and of one below another."""


def kind_of(reason: str) -> str:
    """Say why there is no prediction without the numbers that differ from step to step.

    Args:
        reason: as a timeline gives it, such as ``9 of 16 channels cannot be read``.

    Returns:
        Such as ``channels cannot be read``; what follows a colon, a comma or a bracket is left
        out.
    """
    return re.sub(r"^\d+ of \d+ ", "", re.split("[:,(]", reason)[0].strip())


def _courses(stretches: Sequence[Stretch]) -> list[Course]:
    """Each recording once."""
    return list({id(one): one for stretch in stretches for _, one in stretch.courses}.values())


def _mean_of_columns(values: np.ndarray, every: int) -> np.ndarray:
    """Average each run of rows, NaN left out; the last run may be shorter."""
    if every == 1:
        return values
    padding = -len(values) % every
    filled = np.pad(values, [(0, padding), (0, 0)], constant_values=np.nan)
    runs = filled.reshape(-1, every, values.shape[1])
    known = ~np.isnan(runs)
    sums, counts = np.where(known, runs, 0).sum(axis=1), known.sum(axis=1)
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def _every(n: int, stretch: Stretch, seconds: float) -> int:
    """How many rows of so many seconds share a column of the panel."""
    shown = min((stretch.last - stretch.first) / seconds, n)
    return max(int(np.ceil(shown / _COLUMNS)), 1)


def _levels(course: Course, offset: float, stretch: Stretch) -> tuple[np.ndarray, float, float]:
    """Decibels of a recording inside a stretch, shape (columns, 400), and the axis at its ends."""
    first = max(int((stretch.first - offset) // ROW_SECONDS), 0)
    last = max(int(np.ceil((stretch.last - offset) / ROW_SECONDS)), 0)
    rows = np.asarray(course.power[first:last], np.float32)
    every = _every(len(rows), stretch, ROW_SECONDS)
    # A chain at a time, since those of a day are large.
    chains = [
        _mean_of_columns(decibels(part), every) for part in np.split(rows, len(CHAINS), axis=1)
    ]
    levels = np.concatenate(chains, axis=1)
    begin = offset + ROW_SECONDS * first
    return levels, begin, begin + ROW_SECONDS * every * len(levels)


def _inside(table: pd.DataFrame, start: str, stop: pd.Series, stretch: Stretch, offset: float):
    """Rows of a table that reach into a stretch."""
    return table[(table[start] + offset < stretch.last) & (stop + offset > stretch.first)]


def _steps(course: Course, offset: float, stretch: Stretch) -> pd.DataFrame:
    """Steps inside a stretch, on its axis."""
    steps = course.timeline
    steps = _inside(steps, "start_seconds", steps["stop_seconds"], stretch, offset)
    return steps.assign(start=steps["start_seconds"] + offset, stop=steps["stop_seconds"] + offset)


def _draw_power(grid: Sequence[Axes], stretch: Stretch, limits: tuple[float, float]):
    """Draw the power of each chain, and return one of the images."""
    colours = mpl.colormaps[POWER_MAP].with_extremes(bad=MISSING)
    image = None
    for offset, course in stretch.courses:
        levels, begin, end = _levels(course, offset, stretch)
        for axes, part in zip(grid, np.split(levels, len(CHAINS), axis=1), strict=True):
            image = axes.imshow(
                np.ma.masked_invalid(part.T), cmap=colours, vmin=limits[0], vmax=limits[1],
                extent=(begin, end, *frequency_edges()), origin="lower", aspect="auto",
                interpolation="nearest",
            )  # fmt: skip
    for axes, chain in zip(grid, CHAINS, strict=True):
        axes.set(ylim=frequency_edges(), facecolor="white")
        axes.set_yticks([5, 10, 15])
        axes.tick_params(labelsize=6.5, length=2, pad=1.5)
        axes.spines[:].set_visible(True)
        axes.text(-0.062, 0.5, chain, transform=axes.transAxes, ha="right", va="center",
                  weight="bold", color=CHAIN_COLOURS[chain])  # fmt: skip
    return image


def _edges_and_shares(steps: pd.DataFrame, stretch: Stretch) -> tuple[np.ndarray, np.ndarray]:
    """Edges (columns, 2) and probabilities (columns, 6) of columns of a panel."""
    seconds = float((steps["stop"] - steps["start"]).median())
    every = _every(len(steps), stretch, seconds)
    shares = _mean_of_columns(steps[list(PREDICTION_COLUMNS)].to_numpy(float), every)
    starts, stops = steps["start"].to_numpy(), steps["stop"].to_numpy()
    last = np.minimum(np.arange(every - 1, every * len(shares), every), len(stops) - 1)
    return np.column_stack([starts[::every], stops[last]]), shares


def _draw_probabilities(axes: Axes, stretch: Stretch) -> None:
    """Stack the six probabilities, each column as wide as the steps that it averages."""
    for offset, course in stretch.courses:
        steps = _steps(course, offset, stretch)
        if steps.empty:
            continue
        edges, shares = _edges_and_shares(steps, stretch)
        times, tops = edges.ravel(), np.repeat(np.cumsum(shares, axis=1), 2, axis=0)
        known = ~np.isnan(tops[:, -1])
        below = np.zeros(len(tops))
        for name, top in zip(CLASS_NAMES, tops.T, strict=True):
            axes.fill_between(times, below, top, where=known, color=CLASS_COLOURS[name],
                              linewidth=0)  # fmt: skip
            below = top
    axes.set(ylim=(0, 1), yticks=[0, 0.5, 1])
    axes.set_yticklabels(["0", "0.5", "1"], fontsize=6.5)
    axes.tick_params(length=2, pad=1.5)
    axes.set_ylabel("probability", fontsize=7.5, labelpad=18)
    for place, name in enumerate(CLASS_NAMES):
        axes.text(1.01, (place + 0.5) / len(CLASS_NAMES), name, transform=axes.transAxes,
                  va="center", weight="bold", fontsize=7.5, color=CLASS_COLOURS[name])  # fmt: skip


def _draw_events(axes: Axes, stretch: Stretch) -> None:
    """Draw a lane a pattern, a bar an event."""
    least = _LEAST_WIDTH * (stretch.last - stretch.first)
    for offset, course in stretch.courses:
        events = course.events
        events = _inside(events, "onset", events["onset"] + events["duration"], stretch, offset)
        for lane, name in enumerate(PATTERNS):
            bars = events.loc[events["trial_type"] == name, ["onset", "duration"]].to_numpy(float)
            spans = [(offset + onset, max(length, least)) for onset, length in bars]
            axes.broken_barh(spans, (lane - 0.36, 0.72), color=CLASS_COLOURS[name], linewidth=0)
    axes.set(ylim=(len(PATTERNS) - 0.5, -0.5))
    axes.set_yticks(range(len(PATTERNS)), PATTERNS, fontsize=7)
    axes.tick_params(axis="y", length=0, pad=3)
    axes.hlines(np.arange(len(PATTERNS) - 1) + 0.5, 0, 1, color=FAINT, linewidth=0.5,
                transform=axes.get_yaxis_transform())  # fmt: skip


def _unread(steps: pd.DataFrame, kind: str) -> list[tuple[float, float]]:
    """Runs of steps without a prediction for one kind of reason: from, and how long."""
    is_so = steps["reason"].fillna("").map(kind_of).to_numpy() == kind
    runs = runs_of(is_so)
    starts = steps["start"].to_numpy()[runs[:, 0]]
    return list(zip(starts, steps["stop"].to_numpy()[runs[:, 1] - 1] - starts, strict=True))


def _hatches(stretches: Sequence[Stretch]) -> dict[str, str]:
    """A hatch for each kind of reason, the commonest first."""
    reasons = pd.concat([course.timeline["reason"] for course in _courses(stretches)])
    counts = reasons.fillna("").map(kind_of).value_counts()
    kinds = [kind for kind in counts.index if kind]
    return {kind: _HATCHES[min(k, len(_HATCHES) - 1)] for k, kind in enumerate(kinds)}


def _draw_unread(rows: Sequence[Axes], steps: pd.DataFrame, hatches: dict[str, str]) -> None:
    """Hatch what has no prediction, across probabilities, events and quality."""
    for kind, hatch in hatches.items():
        spans = _unread(steps, kind)
        for axes in rows:
            axes.broken_barh(spans, (0, 1), hatch=hatch, zorder=0.5,
                             transform=axes.get_xaxis_transform(), **_HATCHED)  # fmt: skip


def _draw_quality(axes: Axes, stretch: Stretch) -> None:
    """Draw the share of each step that can be read."""
    for offset, course in stretch.courses:
        steps = _steps(course, offset, stretch)
        if steps.empty:
            continue
        seconds = float((steps["stop"] - steps["start"]).median())
        every = _every(len(steps), stretch, seconds)
        shares = _mean_of_columns(steps[["quality"]].to_numpy(float), every)[:, 0]
        times = np.append(steps["start"].to_numpy()[::every], steps["stop"].iloc[-1])
        axes.stairs(np.nan_to_num(shares), times, fill=True, color=MUTED, linewidth=0)
    axes.set(ylim=(0, 1), yticks=[])
    axes.text(-0.006, 0.5, "readable", transform=axes.transAxes, ha="right", va="center",
              fontsize=7)  # fmt: skip


def _nothing_recorded(stretch: Stretch) -> list[tuple[float, float]]:
    """Parts of a stretch in which there is no recording."""
    ends = [stretch.first]
    for offset, course in sorted(stretch.courses, key=lambda one: one[0]):
        ends += [offset, offset + course.duration]
    ends = np.clip([*ends, stretch.last], stretch.first, stretch.last).reshape(-1, 2)
    return [(first, last) for first, last in ends if last > first]


def _name_recordings(axes: Axes, stretch: Stretch) -> None:
    """Name each recording above the first chain where it begins, or as soon as there is room."""
    width, free = stretch.last - stretch.first, stretch.first
    for offset, course in stretch.courses:
        begin = max(offset, free)
        axes.annotate(course.name, ((begin - stretch.first) / width, 1), (2, 2), fontsize=7,
                      xycoords="axes fraction", textcoords="offset points", color=INK,
                      annotation_clip=False)  # fmt: skip
        free = begin + 0.0092 * width * (len(course.name) + 2)


def _clock_label(moment: datetime, step: int) -> str:
    return f"{moment:%H:%M:%S}" if step < 60 else f"{moment:%H:%M}"


def _elapsed_label(second: float, step: int) -> str:
    hours, rest = divmod(round(second), 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if step < 60 else f"{hours}:{minutes:02d}"


def time_ticks(stretch: Stretch) -> tuple[list[float], list[str]]:
    """Choose the seconds on a stretch's axis that are named, and name them.

    Args:
        stretch: of any length.

    Returns:
        Seconds at which the clock, or the time from the start, is round, and their names.
    """
    length = stretch.last - stretch.first
    step = next((one for one in _STEPS if length / one <= _MOST_TICKS - 1), _STEPS[-1])
    clock = stretch.clock
    shift = 0.0
    if clock is not None:
        shift = (clock - clock.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    first = np.ceil((shift + stretch.first) / step) * step - shift
    seconds = np.arange(first, stretch.last + 1e-6, step).tolist()
    if clock is None:
        return seconds, [_elapsed_label(second, step) for second in seconds]
    return seconds, [_clock_label(clock + timedelta(seconds=at), step) for at in seconds]


def _time_label(stretch: Stretch, names: Sequence[str]) -> str:
    if stretch.clock is not None:
        return "time of day"
    unit = "h:min:s" if names and names[0].count(":") > 1 else "h:min"
    return f"time from the start of the recording ({unit}), whose clock is not known"


def _heading(stretch: Stretch) -> str:
    """Say which stretch of which day it is."""
    if stretch.clock is None:
        first, last = (_elapsed_label(second, 1) for second in (stretch.first, stretch.last))
        return f"{first} to {last} from the start"
    begin, end = stretch.begin, stretch.clock + timedelta(seconds=stretch.last)
    if stretch.first == 0 and end - begin == timedelta(days=1) and begin == begin.replace(hour=0):
        return f"{begin:%A, %d %B %Y}"
    closing = f"{end:%H:%M:%S}" if end.date() == begin.date() else f"{end:%d %B %Y, %H:%M:%S}"
    return f"{begin:%d %B %Y, %H:%M:%S} to {closing}"


def _place_panel(figure: Figure, top: float, heights: _Heights) -> dict[str, list[Axes]]:
    """Axes of a panel: four chains, probabilities, events and quality."""
    place, grid = top + _HEADING, []
    for _ in CHAINS:
        grid.append(place_axes(figure, _LEFT, place, _WIDTH, heights.chain))
        place += heights.chain + 0.04
    place += _GAP
    probabilities = place_axes(figure, _LEFT, place, _WIDTH, heights.probabilities)
    place += heights.probabilities + _GAP
    lanes = len(PATTERNS) * heights.pattern
    events = place_axes(figure, _LEFT, place, _WIDTH, lanes)
    quality = place_axes(figure, _LEFT, place + lanes + _GAP, _WIDTH, heights.quality)
    return {"chains": grid, "below": [probabilities, events, quality]}


def _draw_key(figure: Figure, grid: Sequence[Axes], image: mpl.image.AxesImage) -> None:
    """Draw the scale of power beside the chains."""
    top, bottom = grid[0].get_position().y1, grid[-1].get_position().y0
    axes = figure.add_axes(((_LEFT + _WIDTH + 0.12) / WIDTH, bottom, 0.013, top - bottom))
    bar = figure.colorbar(image, cax=axes, extend="both")
    bar.ax.tick_params(labelsize=7, length=2, pad=1.5)
    bar.set_label("power (dB re 1 µV²/Hz)", fontsize=7)
    grid[1].annotate("frequency (Hz)", (-0.105, 0), xycoords="axes fraction", rotation=90,
                     ha="center", va="center", fontsize=7.5)  # fmt: skip


def _draw_panel(
    figure: Figure,
    top: float,
    stretch: Stretch,
    heights: _Heights,
    limits: tuple[float, float],
    hatches: dict[str, str],
) -> list[Axes]:
    """Draw a stretch, and return its axes from top to bottom."""
    write(figure, _LEFT, top, _heading(stretch), weight="bold", fontsize=8.5)
    panel = _place_panel(figure, top + 0.02, heights)
    grid, below = panel["chains"], panel["below"]
    image = _draw_power(grid, stretch, limits)
    _draw_key(figure, grid, image)
    _draw_probabilities(below[0], stretch)
    _draw_events(below[1], stretch)
    _draw_quality(below[2], stretch)
    for offset, course in stretch.courses:
        _draw_unread(below, _steps(course, offset, stretch), hatches)
    ticks, names = time_ticks(stretch)
    below[-1].set_xlabel(_time_label(stretch, names), fontsize=8, labelpad=2)
    for axes in (*grid, *below):
        axes.set_xlim(stretch.first, stretch.last)
        axes.set_xticks(ticks, names if axes is below[-1] else [])
        axes.spines[:].set_visible(True)
        for first, last in _nothing_recorded(stretch):
            axes.axvspan(first, last, color="white", linewidth=0, zorder=0.4)
    below[-1].tick_params(axis="x", labelsize=8, length=3)
    return [*grid, *below]


def _marks_abreast(hatches: dict[str, str]) -> int:
    """How many marks stand in a line: few where some need many words."""
    return 4 if all(len(kind) < _FEW_LETTERS for kind in hatches) else 2


def _say_marks(figure: Figure, hatches: dict[str, str], top: float) -> None:
    """Say what the hatches mean."""
    handles = [Patch(hatch=hatch, label=kind, **_HATCHED) for kind, hatch in hatches.items()]
    handles.append(Patch(facecolor=MISSING, label="power unknown"))
    down = figure.get_figheight()
    figure.legend(handles=handles, loc="upper left", ncols=_marks_abreast(hatches),
                  bbox_to_anchor=(_LEFT / WIDTH - 0.005, 1 - top / down), fontsize=7.5,
                  borderaxespad=0, handlelength=2.2, columnspacing=1.4)  # fmt: skip


def _limits(stretches: Sequence[Stretch]) -> tuple[float, float]:
    """Ends of the colour scale, the same for all panels."""
    parts = [_levels(course, offset, s)[0] for s in stretches for offset, course in s.courses]
    return colour_limits(10 ** (np.concatenate(parts) / 10))


def _caption(stretches: Sequence[Stretch]) -> str:
    """How to read it, with how many steps it is made of."""
    steps = pd.concat([course.timeline for course in _courses(stretches)])
    n_predicted = int(steps[PREDICTION_COLUMNS[0]].notna().sum())
    named = ", ".join(f"{chain} {CHAIN_NAMES[chain]}" for chain in CHAINS)
    return (
        f"Power: 0.5 to 20 Hz, mean of each chain's four bipolar channels; {named}. Probabilities "
        "of the six classes, stacked. Bars: events, drawn wider where they would be too short to "
        "be seen. Readable: share of channels and samples that can be read. A column averages "
        f"what lies in it. n = {len(steps):,} steps, {n_predicted:,} with a prediction."
    )


@styled
def trend(stretches: Sequence[Stretch], *, title: str) -> Figure:
    """Show the hours of one recording or of a day: power, probabilities, events, quality.

    Of each stretch, from top to bottom: the compressed spectrogram of the four chains (LL, RL, LP,
    RP), all panels on one scale from the 2nd to the 98th percentile; the six probabilities,
    stacked; events, a lane a pattern; the share that can be read. What has no prediction is hatched
    by its reason, and where there is no recording it is white.

    Args:
        stretches: a panel each; see ``hbac.plots.stretch``.
        title: the figure's title.

    Returns:
        A figure ``WIDTH`` inches wide.

    Raises:
        ValueError: if there is no stretch, or a recording's power has another shape.
    """
    if not stretches:
        raise ValueError("trend needs a stretch at least, received none")
    for course in _courses(stretches):
        if course.power.ndim != 2 or course.power.shape[1] != len(CHAINS) * N_FREQUENCIES:
            raise ValueError(
                f"power of {course.name} must have shape (rows, 400), received {course.power.shape}"
            )
    heights, hatches = _LARGE if len(stretches) == 1 else _SMALL, _hatches(stretches)
    caption, rows = _caption(stretches), -(-(len(hatches) + 1) // _marks_abreast(hatches))
    marks = _TITLE + len(stretches) * heights.panel
    height = marks + rows * _LEGEND + 0.7
    figure = Figure(figsize=(WIDTH, height))
    write(figure, 0.11, 0.1, title, weight="bold", fontsize=11)
    limits = _limits(stretches)
    for place, stretch in enumerate(stretches):
        top = _TITLE + place * heights.panel
        panel = _draw_panel(figure, top, stretch, heights, limits, hatches)
        if len(_courses(stretches)) > 1:
            _name_recordings(panel[0], stretch)
    _say_marks(figure, hatches, marks)
    say_below(figure, caption)
    return figure
