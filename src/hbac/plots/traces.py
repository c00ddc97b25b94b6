"""EEG with the evidence behind its traces: of one window, and of many in little room."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from hbac.eeg.recording import Recording
from hbac.eeg.windows import LABEL_SECONDS
from hbac.plots.eeg import draw_eeg, draw_waveform
from hbac.plots.evidence import READING_TRACES, check_maps, draw_key, largest
from hbac.plots.overview import Example, check_examples
from hbac.plots.style import INK, PAGE_WIDTH, say_below, styled
from hbac.plots.window import (
    EEG_WIDTH,
    LEFT_EDGE,
    SIDE,
    ExplainedClass,
    check_explained,
    draw_votes,
    heading_of,
    label_of,
    mark_label,
    place_axes,
    start_page,
    write,
)

_HEADING, _TRACES, _TIME_AXIS = 0.45, 3.9, 0.5
"""Heights in inches: above the traces of a class, of them, and below."""

_VOTES, _KEY_TOP, _KEY = 2.75, 3.55, 0.12
"""Heights in inches beside the first class: of the votes, above the key, and of the key."""

_ROW, _SMALL, _TOP, _FOOT = 2.55, 1.95, 0.62, 0.2
"""Heights in inches of many windows: a row, its traces, above the first and below the last."""

_ROW_LEFT, _ROW_RIGHT, _ROW_GAP, _ROW_KEY = 0.4, 10.85, 0.35, 2.6
"""Inches: edges of the columns, the gap between them, and room for the key."""


def _is_more_than_labelled(seen: tuple[float, float]) -> bool:
    return seen[1] - seen[0] > LABEL_SECONDS


def _draw_legend(axes: Axes) -> None:
    bar = Line2D([], [], color=INK, linewidth=4, solid_capstyle="butt",
                 label=f"{LABEL_SECONDS} s of which the label speaks")  # fmt: skip
    axes.legend(handles=[bar], loc="lower right", bbox_to_anchor=(1.01, 1.005), borderpad=0.1,
                borderaxespad=0.2)  # fmt: skip


def _draw_class(axes: Axes, recording: Recording, told: ExplainedClass, start: float) -> None:
    """Draw the seconds that the network saw, and the evidence for a class behind them."""
    found = told.maps["waveform"]
    seen = float(found.seconds[0]), float(found.seconds[-1])
    draw_eeg(
        axes,
        recording,
        start=seen[0] - start,
        seconds=seen[1] - seen[0],
        evidence=found,
        peak=largest([found]),
        offset=start,
    )
    if _is_more_than_labelled(seen):
        mark_label(axes, label_of(seen), bar=True)
        _draw_legend(axes)


@styled
def waveform_explanation(
    recording: Recording,
    explained: Sequence[ExplainedClass],
    *,
    start: float,
    class_names: Sequence[str],
    votes: np.ndarray,
    prediction: np.ndarray,
    title: str,
    caption: str,
) -> Figure:
    """Show why a network that sees the EEG itself gave a window its class, beside the votes.

    Of the window the seconds are shown that the network saw. All times are seconds of the
    recording's file. Each class is scaled to its own largest value, so that colours compare places
    and never classes.

    Args:
        recording: the window's EEG; midline and EKG are shown where it has them.
        explained: the predicted class, and another one if there is more to say; maps of the source
            ``waveform``, values of shape ``(4, 4, columns)``.
        start: where the window starts in its file, in seconds.
        class_names: names of the classes, in order.
        votes: the experts' vote fractions, shape ``(classes,)``; NaN where unknown.
        prediction: predicted probabilities, shape ``(classes,)``.
        title: the figure's title.
        caption: how the maps were made, and whether they can be trusted.

    Returns:
        A figure: the sentences, and for each class the EEG in bipolar chains, negative up, with
        the evidence behind its traces; votes and prediction beside the first.

    Raises:
        ValueError: if shapes, sources or names do not fit, or an electrode is missing.
    """
    votes, prediction = np.asarray(votes, float), np.asarray(prediction, float)
    check_explained(explained, ["waveform"], class_names, votes=votes, prediction=prediction)
    block = _HEADING + _TRACES + _TIME_AXIS
    figure, top = start_page(
        explained,
        len(explained) * block - 0.1,
        title=title,
        caption=f"{caption} {READING_TRACES} Time counts from the start of the EEG recording.",
    )
    shares = dict(zip(class_names, zip(votes, prediction, strict=True), strict=True))
    for place, told in enumerate(explained):
        above = top + place * block
        write(figure, 0.11, above - 0.2, heading_of(told, shares), weight="bold", fontsize=9.5)
        axes = place_axes(figure, LEFT_EDGE, above + 0.15, EEG_WIDTH, _TRACES)
        _draw_class(axes, recording, told, start)
    width = PAGE_WIDTH - SIDE - 0.6
    bars = place_axes(figure, SIDE + 0.45, top + 0.15, width, _VOTES)
    draw_votes(bars, votes, prediction, class_names)
    key = place_axes(figure, SIDE + 0.45, top + _KEY_TOP, width, _KEY)
    draw_key(key, orientation="horizontal", contours=False)
    return figure


def _draw_row(figure: Figure, example: Example, top: float) -> None:
    """Draw a window's traces, a column a map."""
    write(figure, 0.11, top, example.title, weight="bold", fontsize=8)
    n_maps, waveform = len(example.maps), example.pictures["waveform"]
    width = (_ROW_RIGHT - _ROW_LEFT + _ROW_GAP) / n_maps - _ROW_GAP
    for place, (heading, maps) in enumerate(example.maps.items()):
        left = _ROW_LEFT + place * (width + _ROW_GAP)
        axes = place_axes(figure, left, top + 0.34, width, _SMALL)
        found = maps["waveform"]
        draw_waveform(axes, waveform, evidence=found, peak=largest([found]))
        axes.xaxis.set_major_locator(MaxNLocator(12 // n_maps, steps=[1, 2, 5, 10]))
        axes.tick_params(labelsize=7, length=2, pad=1.5)
        axes.spines[:].set_visible(True)
        axes.set_title(heading, fontsize=7.5, pad=2)
        seen = float(found.seconds[0]), float(found.seconds[-1])
        if _is_more_than_labelled(seen):
            mark_label(axes, label_of(seen), bar=False)


@styled
def waveform_overview(examples: Sequence[Example], *, title: str, caption: str) -> Figure:
    """Show the EEG of many windows in little room, such as one of each class.

    Args:
        examples: a row each; all of the source ``waveform`` alone and with as many maps.
        title: the figure's title.
        caption: how the maps were made, and whether they can be trusted.

    Returns:
        A figure of a row a window and a column a map: the EEG that the networks saw, negative up,
        with the evidence behind its traces, below it seconds of the window's own file. Each map
        is scaled to its largest value in that window.

    Raises:
        ValueError: if there is no example, or they differ in their number of maps, or values do
            not fit their edges.
    """
    check_examples(examples)
    check_maps("pictures", examples[0].pictures, ["waveform"])
    caption = (
        f"{caption} {READING_TRACES} Each row has its own time, in seconds from the start of its "
        "EEG recording, and its own scale of amplitude; chains from top to bottom, negative up."
    )
    small_print = 0.15 * math.ceil(len(caption) / 150)
    height = _TOP + _ROW * len(examples) + _FOOT + small_print
    figure = Figure(figsize=(PAGE_WIDTH, height))
    write(figure, 0.11, 0.1, title, weight="bold", fontsize=11)
    for row, example in enumerate(examples):
        _draw_row(figure, example, _TOP + _ROW * row)
    for axes in figure.axes[-len(examples[0].maps) :]:
        axes.set_xlabel("time (s)", labelpad=1)
    key = place_axes(figure, PAGE_WIDTH - _ROW_KEY, 0.1, _ROW_KEY - 0.15, _KEY)
    draw_key(key, orientation="horizontal", contours=False)
    say_below(figure, caption)
    return figure
