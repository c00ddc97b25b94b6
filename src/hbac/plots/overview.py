"""Many windows in little room: each one's picture, and the same under maps of evidence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from hbac.eeg.chain_map import ChainMap
from hbac.eeg.montage import CHAINS
from hbac.eeg.panel import Source
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
from hbac.plots.style import INK, MUTED, PAGE_WIDTH, say_below, styled

_BASES = TOP_HERTZ * np.arange(len(CHAINS))[::-1]
"""Where 0 Hz of each chain lies on the axis of a stack, the first chain on top."""

_TITLES, _ROW, _STACK, _FOOT = 0.72, 1.45, 0.92, 0.22
"""Heights in inches: above the first row, of a row, of its axes, and below the last row."""

_KEY = 2.6
"""Inches from the right edge that the meaning of the colours takes."""

_LEFT, _RIGHT, _GAP, _SOURCE_GAP = 0.4, 10.85, 0.13, 0.3
"""Inches: edges of the columns, and gaps between those of a source and between sources."""


@dataclass(frozen=True)
class Example:
    """A window and its maps.

    Attributes:
        title: which window, and what was said of it.
        pictures: by source, what the network saw, values of shape ``(4, rows, columns)``.
        maps: by heading, such as ``predicted: LPD``, then by source, signed evidence.
    """

    title: str
    pictures: Mapping[Source, ChainMap]
    maps: Mapping[str, Mapping[Source, ChainMap]]


def check_examples(examples: Sequence[Example]) -> None:
    """Refuse windows that can't stand below one another.

    Raises:
        ValueError: if there is none, or they differ in their sources or number of maps, or values
            do not fit their edges.
    """
    if not examples:
        raise ValueError("examples must hold one at least, received none")
    first = examples[0]
    check_maps("pictures", first.pictures, first.pictures)
    for example in examples:
        if len(example.maps) != len(first.maps):
            raise ValueError(
                f"examples must have as many maps as the first, {list(first.maps)}, received "
                f"{list(example.maps)} for {example.title!r}"
            )
        check_maps(f"pictures of {example.title!r}", example.pictures, first.pictures)
        for heading, maps in example.maps.items():
            check_maps(f"maps of {example.title!r}, {heading}", maps, first.pictures)


def _columns(n_sources: int, n_maps: int) -> tuple[np.ndarray, float]:
    """Left edges in inches of the columns, shape ``(sources, 1 + maps)``, and their width."""
    room = _RIGHT - _LEFT - n_sources * n_maps * _GAP - (n_sources - 1) * _SOURCE_GAP
    width = room / (n_sources * (1 + n_maps))
    of_source = (1 + n_maps) * width + n_maps * _GAP + _SOURCE_GAP
    lefts = np.arange(n_sources)[:, None] * of_source + np.arange(1 + n_maps) * (width + _GAP)
    return _LEFT + lefts, width


def _draw_picture(axes: Axes, picture: ChainMap) -> None:
    """Draw a source's chains one above another, without the picture's margins."""
    inside = (picture.hertz[1:] > 0) & (picture.hertz[:-1] < TOP_HERTZ)
    lower = np.maximum(picture.hertz[:-1][inside], 0)
    edges = np.append((_BASES[::-1, None] + lower).ravel(), TOP_HERTZ * len(CHAINS))
    values = picture.values[::-1][:, inside].reshape(len(edges) - 1, -1)
    low, high = gray_limits(picture)
    axes.pcolorfast(picture.seconds, edges, values, cmap=PICTURE_MAP, vmin=low, vmax=high)
    for chain, base in enumerate(_BASES):
        say_no_data(axes, picture, chain, base)


def _draw_maps(axes: Axes, found: ChainMap, peak: float) -> None:
    """Lay evidence over a source's chains, each cut off below 0 and above 20 Hz."""
    first, last = found.seconds[[0, -1]]
    for chain, base in enumerate(_BASES):
        part = Rectangle((first, base), last - first, TOP_HERTZ, transform=axes.transData)
        for drawn in draw_evidence(axes, found, chain, peak, base):
            drawn.set_clip_path(part)


def _draw_stack(axes: Axes, picture: ChainMap, found: ChainMap | None, peak: float) -> None:
    """Draw a source's chains one above another, with evidence where it is given."""
    _draw_picture(axes, picture)
    if found is not None:
        _draw_maps(axes, found, peak)
    axes.hlines(_BASES[:-1], *picture.seconds[[0, -1]], color=INK, linewidth=0.6)
    axes.set(xlim=picture.seconds[[0, -1]], ylim=(0, TOP_HERTZ * len(CHAINS)), yticks=[])
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.tick_params(labelsize=7, length=2, pad=1.5)
    axes.spines[:].set_visible(True)


def _name_chains(axes: Axes) -> None:
    axes.set_yticks(_BASES + TOP_HERTZ / 2, list(CHAINS), fontsize=7)
    axes.tick_params(axis="y", length=0)


def _draw_row(figure: Figure, example: Example, top: float, sources: Sequence[Source]) -> None:
    """Draw an example: for each source its picture, and a column a map."""
    across, down = figure.get_size_inches()
    lefts, width = _columns(len(sources), len(example.maps))
    figure.text(
        0.11 / across, 1 - (top + 0.06) / down, example.title, va="top", weight="bold", fontsize=8
    )
    peaks = [largest(maps.values()) for maps in example.maps.values()]
    bottom = 1 - (top + 0.36 + _STACK) / down
    for source, places in zip(sources, lefts, strict=True):
        drawn = [("picture", None, 1.0)]
        for (heading, maps), peak in zip(example.maps.items(), peaks, strict=True):
            drawn.append((heading, maps[source], peak))
        for left, (heading, found, peak) in zip(places, drawn, strict=True):
            axes = figure.add_axes((left / across, bottom, width / across, _STACK / down))
            _draw_stack(axes, example.pictures[source], found, peak)
            axes.set_title(heading, fontsize=7.5, pad=2, color=MUTED if found is None else INK)
            if left == _LEFT:
                _name_chains(axes)


@styled
def overview(examples: Sequence[Example], *, title: str, caption: str) -> Figure:
    """Show many windows in little room, such as one of each class.

    Args:
        examples: a row each; all with the same sources and as many maps.
        title: the figure's title.
        caption: how the maps were made, and whether they can be trusted.

    Returns:
        A figure of a row a window. For each source there is a column with the plain picture and one
        for each map, with the chains stacked, 0 to 20 Hz each, and below them seconds of the
        window's own file. Each map is scaled to its largest value in that window.

    Raises:
        ValueError: if there is no example, or they differ in their sources or number of maps, or
            values do not fit their edges.
    """
    check_examples(examples)
    sources = ordered(examples[0].pictures)
    caption = (
        f"{caption} {reading_of(examples[0].pictures)} Each row has its own time, in seconds from "
        "the start of its EEG recording; chains from top to bottom, 0 to 20 Hz each."
    )
    small_print = 0.15 * math.ceil(len(caption) / 150)
    figure = Figure(figsize=(PAGE_WIDTH, _TITLES + _ROW * len(examples) + _FOOT + small_print))
    across, down = figure.get_size_inches()
    figure.text(0.11 / across, 1 - 0.1 / down, title, va="top", weight="bold", fontsize=11)
    for row, example in enumerate(examples):
        _draw_row(figure, example, _TITLES + _ROW * row, sources)
    draw_key(
        figure.add_axes((1 - _KEY / across, 1 - 0.22 / down, (_KEY - 0.15) / across, 0.12 / down)),
        orientation="horizontal",
    )
    lefts, _ = _columns(len(sources), len(examples[0].maps))
    for source, places in zip(sources, lefts, strict=True):
        figure.text(places[0] / across, 1 - 0.45 / down, f"{SOURCE_TITLES[source]}, time (s)",
                    va="top", fontsize=9.5, weight="bold")  # fmt: skip
    say_below(figure, caption)
    return figure
