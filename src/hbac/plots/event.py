"""The EEG of an event as a page, with what speaks for its class, in clock time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hbac.eeg.chain_map import ChainMap
from hbac.eeg.panel import Source
from hbac.eeg.recording import Recording
from hbac.plots.eeg import eeg_traces
from hbac.plots.evidence import READING_TRACES, draw_key
from hbac.plots.style import PAGE_WIDTH, styled
from hbac.plots.window import mark_label, place_axes

READING_SHADES = (
    "Shaded: seconds of a chain with at least half the evidence of the strongest second."
)
"""How to read shaded chains, for captions."""

NOTHING_SHADED = "Nothing is shaded: the evidence lies outside of these seconds, or there is none."
"""Where there is no stretch to shade."""

_KEY_WIDTH, _KEY_HEIGHT = 2.6, 0.12


def clock_words(start: datetime | None, second: float) -> str:
    """Name a moment of a recording.

    Args:
        start: when the recording began; None where its file does not say.
        second: of the recording.

    Returns:
        Such as ``03:12:45``; where there is no clock, hours, minutes and seconds from the start,
        such as ``5:58:40``.
    """
    if start is not None:
        return f"{start + timedelta(seconds=second):%H:%M:%S}"
    hours, rest = divmod(int(second), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"


def _name_seconds(axes: Axes, start: datetime | None) -> None:
    """Name every second whole second of the page by the clock, and the page by its seconds."""
    first, last = axes.get_xlim()
    seconds = np.arange(np.ceil(first), last + 1e-9)
    names = [clock_words(start, at) if at % 2 == 0 else "" for at in seconds]
    axes.set_xticks(seconds, names)
    what = "time of day" if start is not None else "time from the start"
    axes.set_xlabel(f"{what}; second {first:,.0f} to {last:,.0f} of the recording")


def _reading(
    evidence: ChainMap | None,
    shaded: Sequence[tuple[str, float, float]],
    shown: tuple[float, float],
) -> str:
    """How to read what is laid behind the traces."""
    if evidence is not None:
        return READING_TRACES
    is_seen = any(first < shown[1] and last > shown[0] for _, first, last in shaded)
    return READING_SHADES if is_seen else NOTHING_SHADED


def _draw_colours(figure: Figure) -> None:
    key = place_axes(figure, PAGE_WIDTH - _KEY_WIDTH - 0.15, 0.08, _KEY_WIDTH, _KEY_HEIGHT)
    draw_key(key, orientation="horizontal", contours=False)


@styled
def event_page(
    recording: Recording,
    maps: Mapping[Source, ChainMap],
    shaded: Sequence[tuple[str, float, float]],
    *,
    offset: float,
    shown: tuple[float, float],
    step: tuple[float, float],
    start: datetime | None,
    title: str,
    caption: str,
    notch: float | None = None,
) -> Figure:
    """Show the EEG around the most certain step of an event, and why it was given its class.

    Where the networks see the EEG itself, the evidence lies behind each trace in colour; where they
    see spectrograms, the seconds of the chains that speak for the class are shaded.

    Args:
        recording: EEG that holds what is shown, referential or bipolar.
        maps: by source, signed evidence for the class, values of shape ``(4, rows, columns)``,
            seconds counted from the recording's start.
        shaded: chain, from and to which second of the recording; drawn where no map is of the
            source ``waveform``.
        offset: second of the recording at which ``recording`` begins.
        shown: from and to which second of the recording the page reaches.
        step: the seconds that the prediction speaks of.
        start: when the recording began; None where its file does not say.
        title: the figure's title.
        caption: how the maps were made, and whether they can be trusted.
        notch: mains frequency to take out for display, in Hz; none where ``None``.

    Returns:
        A figure of one axes.

    Raises:
        ValueError: if ``recording`` does not hold what is shown, or lacks a channel of the chains.
    """
    evidence = maps.get("waveform")
    reading = _reading(evidence, shaded, shown)
    figure = eeg_traces(
        recording,
        start=shown[0] - offset,
        seconds=shown[1] - shown[0],
        title=title,
        notch=notch,
        shaded=shaded if evidence is None else (),
        evidence=evidence,
        offset=offset,
        caption=f"{reading} Dashed: the stretch that the prediction speaks of. {caption}",
    )
    axes = figure.axes[0]
    mark_label(axes, step, bar=False)
    _name_seconds(axes, start)
    if evidence is not None:
        _draw_colours(figure)
    return figure
