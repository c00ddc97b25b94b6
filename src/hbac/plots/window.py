"""One window: its EEG, its votes and prediction, and where the evidence for a class lies."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, MultipleLocator

from hbac.eeg.chain_map import ChainMap
from hbac.eeg.montage import CHAIN_NAMES, CHAINS
from hbac.eeg.panel import Source
from hbac.eeg.recording import Recording
from hbac.plots.eeg import CHAIN_COLOURS, LABEL_SECONDS, SHADE, central_seconds, draw_eeg
from hbac.plots.evidence import (
    PICTURE_MAP,
    SOURCE_TITLES,
    TOP_HERTZ,
    check_maps,
    draw_evidence,
    draw_key,
    gray_limits,
    largest,
    ordered,
    reading_of,
    say_no_data,
)
from hbac.plots.style import INK, LEFT, PAGE_WIDTH, say_below, styled

_CAPTION_CHARACTERS = 150
_SENTENCE_CHARACTERS = 125

LEFT_EDGE, EEG_WIDTH, SIDE, _SIDE_RIGHT = 1.0, 6.0, 7.85, 10.12
"""Inches from the left: the EEG and the 50 s below it; from where to where other sources reach."""

_TITLES, _LINE, EEG_HEIGHT = 0.42, 0.24, 3.45
_HEADING, _PANEL, _GAP, _TIME_AXIS = 0.5, 0.46, 0.05, 0.44


@dataclass(frozen=True)
class ExplainedClass:
    """What speaks for and against a class in a window.

    Attributes:
        name: the class, one of those that are voted on.
        sentence: where its evidence lies, in words.
        maps: by source, signed evidence, values of shape ``(4, rows, columns)``; negative speaks
            against the class. Often coarser than the picture.
    """

    name: str
    sentence: str
    maps: Mapping[Source, ChainMap]


def _draw_picture(axes: Axes, picture: ChainMap, chain: int, limits: tuple[float, float]) -> None:
    extent = (*picture.seconds[[0, -1]], *picture.hertz[[0, -1]])
    axes.imshow(picture.values[chain], cmap=PICTURE_MAP, vmin=limits[0], vmax=limits[1],
                extent=extent, origin="lower", aspect="auto", interpolation="nearest")  # fmt: skip
    say_no_data(axes, picture, chain)


def place_axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes placed in inches from the figure's upper left corner."""
    across, down = figure.get_size_inches()
    return figure.add_axes(
        (left / across, 1 - (top + height) / down, width / across, height / down)
    )


def write(figure: Figure, left: float, top: float, text: str, **look: object) -> None:
    """Write text so many inches from the figure's upper left corner."""
    across, down = figure.get_size_inches()
    figure.text(left / across, 1 - top / down, text, va="top", **look)


def start_page(
    explained: Sequence[ExplainedClass], below: float, *, title: str, caption: str
) -> tuple[Figure, float]:
    """Begin a figure of one window with its title and sentences, and end it with its caption.

    Args:
        explained: whose sentences are written.
        below: inches that all takes that stands between sentences and caption.
        title: the figure's title.
        caption: below all.

    Returns:
        The figure, and how many inches below its top the room begins.
    """
    sentences = [
        line for told in explained for line in textwrap.wrap(told.sentence, _SENTENCE_CHARACTERS)
    ]
    top = _TITLES + _LINE * len(sentences) + 0.32
    small_print = 0.15 * math.ceil(len(caption) / _CAPTION_CHARACTERS) + 0.12
    figure = Figure(figsize=(PAGE_WIDTH, top + below + small_print))
    write(figure, 0.11, 0.1, title, weight="bold", fontsize=11)
    write(figure, 0.11, _TITLES, "\n".join(sentences), fontsize=12, linespacing=1.25)
    say_below(figure, caption)
    return figure, top


def _draw_legend(axes: Axes, name: str, is_shaded: bool) -> None:
    handles = [Line2D([], [], color=INK, linewidth=4, solid_capstyle="butt",
                      label=f"{LABEL_SECONDS} s of which the label speaks")]  # fmt: skip
    if is_shaded:
        handles.append(Patch(label=f"chain and seconds that speak for {name}", **SHADE))
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(-0.01, 1.005), ncols=2,
                borderpad=0.1, borderaxespad=0.2, columnspacing=1.5)  # fmt: skip


def mark_label(axes: Axes, label: tuple[float, float], *, bar: bool) -> None:
    """Dash a line at either end of the seconds of which the label speaks."""
    for second in label:
        axes.axvline(second, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=3)
    if bar:
        axes.plot(label, [1, 1], color=INK, linewidth=4, solid_capstyle="butt", clip_on=False,
                  transform=axes.get_xaxis_transform())  # fmt: skip


def _draw_traces(
    axes: Axes,
    recording: Recording,
    window: tuple[float, float],
    shaded: Sequence[tuple[str, float, float]],
    name: str,
) -> None:
    """Draw the EEG with what speaks for a class shaded."""
    draw_eeg(axes, recording, shaded=shaded, offset=window[0])
    mark_label(axes, label_of(window), bar=True)
    _draw_legend(axes, name, bool(shaded))


def draw_votes(
    axes: Axes, votes: np.ndarray, prediction: np.ndarray, class_names: Sequence[str]
) -> None:
    """Draw a bar of votes and one of probability for each class."""
    rows = np.arange(len(class_names))
    known = "experts' votes" if np.isfinite(votes).any() else "experts' votes (unknown)"
    drawn = {known: (-0.2, votes, "#a6a6a6"), "prediction": (0.2, prediction, LEFT)}
    for label, (shift, shares, colour) in drawn.items():
        axes.barh(rows + shift, np.nan_to_num(shares), 0.36, color=colour, label=label)
        for row, share in zip(rows[np.isfinite(shares)], shares[np.isfinite(shares)], strict=True):
            axes.text(share + 0.02, row + shift, f"{share:.2f}", va="center", fontsize=7)
    axes.set_yticks(rows, class_names)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
    axes.set(xlim=(0, 1.15), ylim=(len(rows) - 0.5, -0.5), xlabel="share of votes, probability")
    axes.tick_params(axis="y", left=False)
    axes.grid(axis="x")
    axes.legend(loc="lower right", bbox_to_anchor=(1.02, 1.005), ncols=2, columnspacing=1,
                handlelength=1.2, borderpad=0.1, borderaxespad=0.2)  # fmt: skip


def heading_of(told: ExplainedClass, shares: Mapping[str, tuple[float, float]]) -> str:
    """Name a class with its prediction and votes."""
    vote, probability = shares[told.name]
    voted = f", votes {vote:.2f}" if np.isfinite(vote) else ""
    return f"Evidence for {told.name} (prediction {probability:.2f}{voted})"


def _inches(axes: Axes) -> float:
    return axes.get_position().width * PAGE_WIDTH


def _name_rows(axes: Axes, chain: str) -> None:
    """Name a chain and its frequencies, for all columns."""
    top = f"{TOP_HERTZ:g} Hz" if chain == next(iter(CHAINS)) else ""
    axes.set_yticks([0, TOP_HERTZ / 2, TOP_HERTZ], ["0", f"{TOP_HERTZ / 2:g}", top])
    side, kind = CHAIN_NAMES[chain].split()
    look = {"transform": axes.transAxes, "ha": "center", "va": "center"}
    inches = _inches(axes)
    axes.text(-0.63 / inches, 0.77, chain, weight="bold", color=CHAIN_COLOURS[chain], **look)
    axes.text(-0.63 / inches, 0.3, f"{side}\n{kind}", fontsize=7, linespacing=1.0, **look)


def _draw_source(
    column: Sequence[Axes],
    picture: ChainMap,
    evidence: ChainMap,
    peak: float,
    window: tuple[float, float],
) -> None:
    """Draw a source's chains, an axes each from top to bottom."""
    limits, label = gray_limits(picture), label_of(window)
    for chain, axes in enumerate(column):
        _draw_picture(axes, picture, chain, limits)
        draw_evidence(axes, evidence, chain, peak)
        if picture.source == "regional":
            for second in window:
                axes.axvline(second, color=INK, linewidth=1.0, zorder=3)
        else:
            mark_label(axes, label, bar=False)
        axes.set(xlim=picture.seconds[[0, -1]], ylim=(0, TOP_HERTZ), xticks=[], yticks=[])
        axes.tick_params(labelsize=7, length=2, pad=1.5)
        axes.spines[:].set_visible(True)
    n_steps = max(round(2 * _inches(column[-1])), 2)
    every = MaxNLocator(n_steps, steps=[1, 2, 5, 10], integer=True)
    column[-1].xaxis.set_major_locator(MultipleLocator(5) if picture.source == "eeg" else every)
    column[-1].set_xlabel("time (s)", labelpad=1)


def label_of(window: tuple[float, float]) -> tuple[float, float]:
    """The seconds of a window of which its label speaks."""
    first, last = central_seconds(window[1] - window[0], LABEL_SECONDS)
    return window[0] + first, window[0] + last


def _places(sources: Sequence[Source]) -> list[tuple[float, float]]:
    """Left edge and width in inches of each source's column; the first lies below the EEG."""
    others = len(sources) - 1
    if not others:
        return [(LEFT_EDGE, EEG_WIDTH)]
    gap = 0.3
    width = (_SIDE_RIGHT - SIDE + gap) / others - gap
    return [(LEFT_EDGE, EEG_WIDTH), *((SIDE + k * (width + gap), width) for k in range(others))]


def _source_title(source: Source, width: float) -> str:
    title = SOURCE_TITLES[source]
    if source == "regional":
        title += " (lines: 50 s)"
    return "\n".join(textwrap.wrap(title, max(round(15 * width), 18)))


def _draw_class(
    figure: Figure,
    top: float,
    heading: str,
    told: ExplainedClass,
    pictures: Mapping[Source, ChainMap],
    window: tuple[float, float],
) -> None:
    """Draw a class's evidence: a column a source, the four chains below one another."""
    write(figure, 0.11, top, heading, weight="bold", fontsize=9.5)
    sources, peak = ordered(pictures), largest(told.maps.values())
    tops = top + _HEADING + (_PANEL + _GAP) * np.arange(len(CHAINS))
    for source, (left, width) in zip(sources, _places(sources), strict=True):
        column = [place_axes(figure, left, place, width, _PANEL) for place in tops]
        _draw_source(column, pictures[source], told.maps[source], peak, window)
        column[0].set_title(_source_title(source, width), fontsize=8, pad=3)
        if left == LEFT_EDGE:
            for axes, chain in zip(column, CHAINS, strict=True):
                _name_rows(axes, chain)
    height = tops[-1] + _PANEL - tops[0]
    draw_key(place_axes(figure, _SIDE_RIGHT + 0.14, tops[0], 0.12, height))


def check_explained(
    explained: Sequence[ExplainedClass],
    sources: Iterable[Source],
    class_names: Sequence[str],
    **shares: np.ndarray,
) -> None:
    """Refuse classes, maps or shares of classes that do not fit.

    Raises:
        ValueError: if there is no class, a name is unknown, maps have other sources, or shares
            other shapes.
    """
    if not explained:
        raise ValueError("explained must hold a class at least, received none")
    for told in explained:
        if told.name not in class_names:
            raise ValueError(f"explained must be of {list(class_names)}, received {told.name!r}")
        check_maps(f"maps of {told.name}", told.maps, sources)
    for name, values in shares.items():
        if values.shape != (len(class_names),):
            raise ValueError(
                f"{name} must have shape ({len(class_names)},), received {values.shape}"
            )


@styled
def window_explanation(
    recording: Recording,
    pictures: Mapping[Source, ChainMap],
    explained: Sequence[ExplainedClass],
    *,
    start: float,
    shaded: Sequence[tuple[str, float, float]],
    class_names: Sequence[str],
    votes: np.ndarray,
    prediction: np.ndarray,
    title: str,
    caption: str,
) -> Figure:
    """Show why a network gave a window its class, beside the EEG and the experts' votes.

    All times are seconds of the recording's file. The 50-s spectrogram stands below the EEG, second
    under second. Maps are smoothed between their cells, within a chain; each class is scaled to its
    own largest value, so that colours compare places and never classes.

    Args:
        recording: the window's EEG.
        pictures: by source, what the network saw, values of shape ``(4, rows, columns)``.
        explained: the predicted class, and another one if there is more to say.
        start: where the window starts in its file, in seconds.
        shaded: chains that speak for the first class, from and to which second.
        class_names: names of the classes, in order.
        votes: the experts' vote fractions, shape ``(classes,)``; NaN where unknown.
        prediction: predicted probabilities, shape ``(classes,)``.
        title: the figure's title.
        caption: how the maps were made, and whether they can be trusted.

    Returns:
        A figure: the sentences, the EEG beside votes and prediction, and below them for each class
        a column a source, the chains below one another, 0 to 20 Hz each.

    Raises:
        ValueError: if shapes, sources or names do not fit, or an electrode is missing.
    """
    votes, prediction = np.asarray(votes, float), np.asarray(prediction, float)
    check_maps("pictures", pictures, pictures)
    check_explained(explained, pictures, class_names, votes=votes, prediction=prediction)
    window = (start, start + recording.duration)
    block = _HEADING + len(CHAINS) * (_PANEL + _GAP) + _TIME_AXIS
    figure, top = start_page(
        explained,
        EEG_HEIGHT + 0.48 + len(explained) * block,
        title=title,
        caption=f"{caption} {reading_of(pictures)} Time counts from the start of the EEG "
        "recording.",
    )
    below = top + EEG_HEIGHT + 0.48
    eeg = place_axes(figure, LEFT_EDGE, top, EEG_WIDTH, EEG_HEIGHT)
    _draw_traces(eeg, recording, window, shaded, explained[0].name)
    bars = place_axes(figure, SIDE + 0.45, top, PAGE_WIDTH - SIDE - 0.6, EEG_HEIGHT)
    draw_votes(bars, votes, prediction, class_names)
    shares = dict(zip(class_names, zip(votes, prediction, strict=True), strict=True))
    for place, told in enumerate(explained):
        heading = heading_of(told, shares)
        _draw_class(figure, below + place * block, heading, told, pictures, window)
    return figure
