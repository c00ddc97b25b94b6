"""EEG traces in the longitudinal bipolar montage, as they are read at the bedside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MultipleLocator

from hbac.eeg.chain_map import ChainMap
from hbac.eeg.filters import clean
from hbac.eeg.gaps import bridge_gaps
from hbac.eeg.montage import BIPOLAR_PAIRS, CHAIN_NAMES, MIDLINE_PAIRS, chain_differences
from hbac.eeg.recording import Recording
from hbac.eeg.waveform import BIPOLAR_CHANNELS, UNIT_MICROVOLTS
from hbac.plots.evidence import draw_strip, largest
from hbac.plots.style import FAINT, INK, LEFT, MISSING, MUTED, PAGE_WIDTH, RIGHT, say_below, styled

DISPLAY_BAND = (0.5, 40.0)
"""Pass band in Hz of traces beside an explanation: the networks' own."""

PAGE_BAND = (0.5, 70.0)
"""Pass band in Hz of a page of EEG, as it is set at the bedside."""

SENSITIVITIES = (10, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 2000)
"""Microvolts between the base lines of neighbouring traces, of which one is chosen."""

PAGE_SENSITIVITIES = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200)
"""Microvolts a millimetre of a page, of which one is chosen."""

SCALE_BARS = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
"""Microvolts of a scale bar, of which one is chosen."""

SHADE = {"facecolor": "#fbd28b", "edgecolor": "#8a6d3b", "linewidth": 0.6}
"""Look of what is shaded by chain: in grey print a light grey, with a darker rim."""

_CLIP = 1.5
_PAGE_CLIP = 3.0
"""How far a trace reaches from its base line, in trace distances."""

PAGE_DISTANCE = 6.5
"""Millimetres between neighbouring traces of a page."""

_PAGE_LEFT, _PAGE_RIGHT, _PAGE_TOP, _PAGE_BOTTOM = 0.95, 1.0, 0.42, 0.85
"""Inches around a page's traces."""

_A_CHARACTER = 0.15 / 176
"""Inches that a character of a caption adds, of so many a line."""

_ABOVE, _BELOW = 1.3, 2.3
"""Room above the first and below the last base line of a page, in trace distances."""

_SHORT = 20
"""Seconds up to which each of them is named."""

_LEAST_EKG = 50.0
"""Microvolts of a trace distance of the EKG at least, so that a dead one looks dead."""

_GROUP_GAP = 0.7
_MARGIN = 0.75
"""How far shading reaches beyond a chain's outer base lines, in trace distances."""

CHAIN_COLOURS = {"LL": LEFT, "RL": RIGHT, "LP": LEFT, "RP": RIGHT}


@dataclass(frozen=True)
class _Traces:
    """The montage's traces, top to bottom: names, groups, and microvolts (traces, samples)."""

    names: list[str]
    groups: list[str]
    data: np.ndarray

    @property
    def base_lines(self) -> np.ndarray:
        """Height of each trace in units of trace distance, 0 at the top, with gaps by group."""
        changes = [
            a != b for a, b in zip(self.groups, [self.groups[0], *self.groups], strict=False)
        ]
        return -(np.arange(len(self.names)) + _GROUP_GAP * np.cumsum(changes))

    @property
    def cerebral(self) -> np.ndarray:
        """Microvolts of all but the EKG."""
        return self.data[[group != "EKG" for group in self.groups]]


def _bipolar(recording: Recording) -> _Traces:
    present = dict(zip(recording.channels, recording.data, strict=True))
    chains = [(chain, pair) for chain, pairs in BIPOLAR_PAIRS.items() for pair in pairs]
    midline = [("Mid", pair) for pair in MIDLINE_PAIRS if set(pair) <= set(present)]
    names = ["-".join(pair) for _, pair in chains + midline]
    groups = [group for group, _ in chains + midline]
    data = [*np.concatenate(chain_differences(recording))]
    data += [present[front] - present[back] for _, (front, back) in midline]
    if "EKG" in present:
        names, groups, data = [*names, "EKG"], [*groups, "EKG"], [*data, present["EKG"]]
    return _Traces(names, groups, np.stack(data))


def _filter(
    traces: _Traces, sampling_rate: float, band: tuple[float, float], notch: float | None
) -> _Traces:
    """Filter what is there; a straight line across gaps keeps their edges from ringing."""
    top = min(band[1], 0.45 * sampling_rate)
    clean_traces = clean(
        bridge_gaps(traces.data), sampling_rate=sampling_rate, band_pass=(band[0], top), notch=notch
    )
    return _Traces(
        traces.names, traces.groups, np.where(np.isnan(traces.data), np.nan, clean_traces)
    )


def _cut(
    recording: Recording,
    start: float,
    seconds: float,
    *,
    band: tuple[float, float],
    notch: float | None,
) -> _Traces:
    """The montage's traces of a stretch, filtered before it is cut, so that no transient shows."""
    rate = recording.sampling_rate
    whole = _filter(_bipolar(recording), rate, band, notch)
    cut = Recording(whole.data, tuple(whole.names), rate).crop(start, seconds)
    return _Traces(whole.names, whole.groups, cut.data)


def _extremes(data: np.ndarray) -> np.ndarray:
    """The 99.5th percentile of each trace's absolute value, of traces that have a sample."""
    return np.array(
        [np.nanpercentile(np.abs(row), 99.5) for row in data if not np.isnan(row).all()]
    )


def choose_sensitivity(data: np.ndarray, steps: Sequence[float] = SENSITIVITIES) -> float:
    """Choose the microvolts between neighbouring traces.

    Of each trace, the 99.5th percentile of absolute amplitude; of those, the upper quartile, or the
    85th percentile over 1.5 if that is more, rounded up to one of ``steps``. So neither one bad
    electrode, which spoils two traces, nor one movement sets the scale, and a pattern in a few
    traces stays on the page.

    Args:
        data: traces in microvolts, shape ``(traces, samples)``, NaN where missing.
        steps: microvolts to choose from, rising.

    Returns:
        Microvolts; the largest of ``steps`` at most, and 50, rounded up, where there is no sample
        at all.
    """
    extremes = _extremes(data)
    wanted = 50.0
    if extremes.size:
        quartile, high = np.quantile(extremes, [0.75, 0.85])
        wanted = max(quartile, high / _CLIP)
    index = np.searchsorted(steps, wanted)
    return float(steps[min(index, len(steps) - 1)])


def _scales(traces: _Traces, microvolts: float) -> np.ndarray:
    """Microvolts of a trace distance, shape (traces, 1): the EKG's is its own."""
    scales = np.full((len(traces.groups), 1), float(microvolts))
    if "EKG" in traces.groups:
        row = traces.groups.index("EKG")
        scales[row] = max([*_extremes(traces.data[[row]]), _LEAST_EKG])
    return scales


def _draw_lines(
    axes: Axes,
    traces: _Traces,
    times: np.ndarray,
    microvolts: float,
    *,
    clip: float,
    width: float,
    plain: bool = False,
) -> float:
    """Draw every trace, negative up, and return what share of samples is cut.

    Plain ones are all dark, as left and right have colours of evidence.
    """
    heights = -traces.data / _scales(traces, microvolts)
    drawn = np.clip(heights, -clip, clip) + traces.base_lines[:, None]
    for row, group in zip(drawn, traces.groups, strict=True):
        axes.plot(times, row, color=INK if plain else CHAIN_COLOURS.get(group, INK),
                  linewidth=width)  # fmt: skip
    return float((np.abs(heights) > clip).mean())


def _draw_names(axes: Axes, traces: _Traces) -> None:
    empty = np.isnan(traces.data).all(axis=1)
    labels = [
        f"{name} (missing)" if gone else name
        for name, gone in zip(traces.names, empty, strict=True)
    ]
    axes.set_yticks(traces.base_lines, labels)
    for label, gone in zip(axes.get_yticklabels(), empty, strict=True):
        label.set(fontsize=7, color=MUTED if gone else INK)


def _name_chains(axes: Axes, traces: _Traces, *, in_words: bool = False) -> None:
    """Name the chains to the right of their traces."""
    where = {
        "xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center",
    }  # fmt: skip
    for group, colour in CHAIN_COLOURS.items():
        rows = [row for row, name in enumerate(traces.groups) if name == group]
        middle = (1, traces.base_lines[rows].mean())
        axes.annotate(group, middle, xytext=(5, 0), weight="bold", color=colour, **where)
        if in_words:
            words = CHAIN_NAMES[group].replace(" ", "\n")
            axes.annotate(words, middle, xytext=(24, 0), fontsize=7, **where)


def _shade_gaps(axes: Axes, missing: np.ndarray, start: float, sampling_rate: float) -> None:
    """Shade the stretches in which every trace is missing."""
    edges = np.flatnonzero(np.diff(missing, prepend=False, append=False)).reshape(-1, 2)
    for first, last in start + edges / sampling_rate:
        axes.axvspan(first, last, color=MISSING, alpha=0.5, linewidth=0)
        if last - first > 0.1 * missing.size / sampling_rate:
            axes.text((first + last) / 2, 0.5, "no data", color=MUTED, ha="center",
                      transform=axes.get_xaxis_transform())  # fmt: skip


def _shade_chains(axes: Axes, traces: _Traces, shaded: Sequence[tuple[str, float, float]]) -> None:
    """Shade the four traces of a chain from one second to another."""
    for chain, first, last in shaded:
        if chain not in BIPOLAR_PAIRS:
            raise ValueError(f"shaded chains must be of {list(BIPOLAR_PAIRS)}, received {chain!r}")
        lines = traces.base_lines[[group == chain for group in traces.groups]]
        bottom, height = lines[-1] - _MARGIN, np.ptp(lines) + 2 * _MARGIN
        axes.add_patch(Rectangle((first, bottom), last - first, height, zorder=0, **SHADE))


def _colour_channels(axes: Axes, traces: _Traces, evidence: ChainMap, peak: float) -> None:
    """Lay evidence behind the traces of the chains, a strip a channel."""
    for chain, of_chain in zip(BIPOLAR_PAIRS, evidence.values, strict=True):
        rows = [row for row, group in enumerate(traces.groups) if group == chain]
        for row, values in zip(rows, of_chain, strict=True):
            draw_strip(axes, values, evidence.seconds, traces.base_lines[row], peak)


def _lay_evidence(
    axes: Axes,
    traces: _Traces,
    shaded: Sequence[tuple[str, float, float]],
    evidence: ChainMap | None,
) -> None:
    """Shade chains, and lay evidence behind channels, up to its largest value."""
    _shade_chains(axes, traces, shaded)
    if evidence is not None:
        _colour_channels(axes, traces, evidence, largest([evidence]))


def _draw_scale(axes: Axes, bottom: float, microvolts: float) -> None:
    """Draw a bar as high as one trace distance to the right of the traces."""
    across = axes.get_yaxis_transform()
    axes.plot([1.012] * 2, [bottom, bottom + 1], color=INK, lw=1.5, transform=across, clip_on=False)
    text = f"{microvolts:g} µV\nneg. up"
    axes.text(1.02, bottom + 0.5, text, fontsize=7, va="center", transform=across)


def _draw_time(axes: Axes, start: float, seconds: float) -> None:
    axes.set_xlim(start, start + seconds)
    axes.set_xlabel("time (s)")
    axes.grid(axis="x", which="major", color="#bbbbbb")
    if seconds <= _SHORT:
        axes.xaxis.set_major_locator(MultipleLocator(1))
    elif seconds <= 120:
        axes.xaxis.set_major_locator(MultipleLocator(5))
        # One artist for all seconds: minor ticks cost a third of the time to draw a figure.
        whole = np.arange(np.ceil(start), start + seconds)
        across = axes.get_xaxis_transform()
        axes.vlines(whole, 0, 1, color=FAINT, linewidth=0.4, zorder=0.4, transform=across)
    axes.tick_params(which="both", left=False)
    axes.spines[["left"]].set_visible(False)


def draw_eeg(
    axes: Axes,
    recording: Recording,
    *,
    start: float = 0.0,
    seconds: float | None = None,
    microvolts: float | None = None,
    marked: tuple[float, float] | None = None,
    shaded: Sequence[tuple[str, float, float]] = (),
    evidence: ChainMap | None = None,
    peak: float = 1.0,
    offset: float = 0.0,
) -> None:
    """Draw EEG traces on given axes; see ``eeg_traces``.

    Args:
        axes: empty axes.
        recording: EEG with at least the electrodes of the four chains.
        start: first second shown, from the recording's first sample.
        seconds: how many are shown; up to the recording's end where ``None``.
        microvolts: distance between neighbouring traces; chosen from the data where ``None``.
        marked: a stretch to mark, from and to which second on the axis; none where ``None``.
        shaded: stretches of single chains to shade: chain, from and to which second on the axis.
        evidence: of each channel, to lay behind its trace, values of shape ``(4, 4, columns)``;
            none where ``None``.
        peak: the evidence that is shown in full colour.
        offset: second on the axis of the recording's first sample.

    Raises:
        ValueError: if an electrode is missing, the stretch does not lie inside the recording, or a
            shaded chain is unknown.
    """
    seconds = recording.duration - start if seconds is None else seconds
    traces = _cut(recording, start, seconds, band=DISPLAY_BAND, notch=None)
    microvolts = choose_sensitivity(traces.cerebral) if microvolts is None else microvolts
    begin = offset + start
    if marked is not None:
        axes.axvspan(*marked, color="#fff3c4", linewidth=0, zorder=0)
    _shade_chains(axes, traces, shaded)
    if evidence is not None:
        _colour_channels(axes, traces, evidence, peak)
    _shade_gaps(axes, np.isnan(traces.data).all(axis=0), begin, recording.sampling_rate)
    times = begin + np.arange(traces.data.shape[1]) / recording.sampling_rate
    plain = evidence is not None
    _draw_lines(axes, traces, times, microvolts, clip=_CLIP, width=0.5, plain=plain)
    _draw_names(axes, traces)
    _name_chains(axes, traces)
    _draw_time(axes, begin, seconds)
    _draw_scale(axes, traces.base_lines[-1], microvolts)
    axes.set_ylim(traces.base_lines[-1] - _CLIP, traces.base_lines[0] + _CLIP)


def draw_waveform(axes: Axes, waveform: ChainMap, *, evidence: ChainMap, peak: float) -> None:
    """Draw the EEG that a network saw in little room, negative up, and evidence behind it.

    Args:
        axes: empty axes.
        waveform: in units of ``UNIT_MICROVOLTS``, values of shape ``(4, 4, samples)``.
        evidence: as of ``draw_eeg``.
        peak: see there.
    """
    names = ["-".join(pair) for pair in BIPOLAR_CHANNELS]
    groups = [chain for chain, pairs in BIPOLAR_PAIRS.items() for _ in pairs]
    data = waveform.values.reshape(len(names), -1) * UNIT_MICROVOLTS
    traces = _Traces(names, groups, data)
    _colour_channels(axes, traces, evidence, peak)
    times = (waveform.seconds[:-1] + waveform.seconds[1:]) / 2
    _draw_lines(axes, traces, times, choose_sensitivity(data), clip=_CLIP, width=0.3, plain=True)
    middles = [traces.base_lines[[g == chain for g in groups]].mean() for chain in BIPOLAR_PAIRS]
    axes.set_yticks(middles, list(BIPOLAR_PAIRS), fontsize=7)
    axes.set(
        xlim=waveform.seconds[[0, -1]],
        ylim=(traces.base_lines[-1] - _CLIP, traces.base_lines[0] + _CLIP),
    )
    axes.tick_params(axis="y", length=0)


def central_seconds(window: float, length: float) -> tuple[float, float]:
    """From and to which second the central ``length`` seconds of a ``window`` reach."""
    return (window - length) / 2, (window + length) / 2


def _largest_bar(microvolts: float) -> float:
    """The longest of ``SCALE_BARS`` within so many microvolts."""
    index = np.searchsorted(SCALE_BARS, microvolts, side="right") - 1
    return float(SCALE_BARS[max(index, 0)])


def _in_words(microvolts: float) -> str:
    return f"{microvolts / 1000:g} mV" if microvolts >= 1000 else f"{microvolts:g} µV"


def _draw_ekg_scale(axes: Axes, traces: _Traces, microvolts: float) -> None:
    """Draw a bar to the right of the EKG, which has a sensitivity of its own."""
    length, middle = _largest_bar(microvolts), traces.base_lines[-1]
    across = axes.get_yaxis_transform()
    ends = middle + np.array([-0.5, 0.5]) * length / microvolts
    axes.plot([1.008] * 2, ends, color=INK, lw=1.5, transform=across, clip_on=False)
    axes.text(1.015, middle, _in_words(length), fontsize=7, va="center", transform=across)


def _draw_page_scales(
    axes: Axes, traces: _Traces, end: float, seconds: float, microvolts: float
) -> None:
    """Draw a corner of microvolts and seconds below the traces, and a bar beside the EKG."""
    bar, bottom = _largest_bar(1.3 * microvolts), traces.base_lines[-1] - _BELOW + 0.3
    length, right = 1 if seconds <= _SHORT else 5, end - 0.01 * seconds
    left, top = right - length, bottom + bar / microvolts
    if "EKG" in traces.groups:
        _draw_ekg_scale(axes, traces, float(_scales(traces, microvolts)[-1, 0]))
    axes.text(right - length / 2, bottom + 0.1, f"{length} s", fontsize=8, ha="center", va="bottom")
    axes.text(left - 0.006 * seconds, (bottom + top) / 2, _in_words(bar), fontsize=8, ha="right",
              va="center")  # fmt: skip
    axes.plot([left, left, right], [top, bottom, bottom], color=INK, lw=1.8,
              solid_joinstyle="miter")  # fmt: skip


def _page_axes(n_rows: float, title: str, bottom: float) -> Axes:
    """Axes of a new figure in which a trace distance is ``PAGE_DISTANCE`` millimetres."""
    height = n_rows * PAGE_DISTANCE / 25.4
    down = _PAGE_TOP + height + bottom
    figure = Figure(figsize=(PAGE_WIDTH, down))
    figure.text(0.11 / PAGE_WIDTH, 1 - 0.1 / down, title, va="top", weight="bold", fontsize=11)
    across = (PAGE_WIDTH - _PAGE_LEFT - _PAGE_RIGHT) / PAGE_WIDTH
    return figure.add_axes((_PAGE_LEFT / PAGE_WIDTH, bottom / down, across, height / down))


def _page_caption(
    microvolts: float,
    band: tuple[float, float],
    notch: float | None,
    share_cut: float,
    *,
    coloured: bool,
) -> str:
    filtered = f"{band[0]:g}-{band[1]:g} Hz (Butterworth of order 4, zero phase)"
    hum = f"{notch:g}-Hz notch" if notch else "no notch"
    share = f"{share_cut:.1%}" if share_cut >= 0.001 else "Less than 0.1%"
    cut = f" {share} of samples are cut, {_PAGE_CLIP:g} lines from their own." if share_cut else ""
    return (
        f"Longitudinal bipolar montage, negative up. {filtered}, {hum}. Sensitivity "
        f"{microvolts / PAGE_DISTANCE:g} µV/mm where the page is {25.4 * PAGE_WIDTH:.0f} mm wide; "
        f"EKG on its own scale.{' Blue: left, red: right.' * coloured}{cut}"
    )


@styled
def eeg_traces(
    recording: Recording,
    *,
    start: float = 0.0,
    seconds: float | None = None,
    title: str = "",
    microvolts: float | None = None,
    marked: tuple[float, float] | None = None,
    band: tuple[float, float] = PAGE_BAND,
    notch: float | None = None,
    shaded: Sequence[tuple[str, float, float]] = (),
    evidence: ChainMap | None = None,
    offset: float = 0.0,
    caption: str = "",
) -> Figure:
    """Show EEG as a page in the longitudinal bipolar montage, as it is read at the bedside.

    Chains come in the order LL, RL, LP, RP with a gap between them, then the midline and the EKG
    on its own scale. Negative points up, as is the custom in clinical EEG. Missing samples are
    gaps. What reaches beyond three trace distances is cut, and the caption says how much is.

    Args:
        recording: EEG with at least the electrodes of the four chains.
        start: first second shown.
        seconds: how many are shown, 10 or so for a page; up to the recording's end where ``None``.
        title: the figure's title.
        microvolts: distance between neighbouring traces, which is 6.5 mm; where ``None``, one of
            ``PAGE_SENSITIVITIES`` times that is chosen from the data.
        marked: a stretch to mark, from and to which second; none where ``None``.
        band: edges in Hz of a zero-phase Butterworth filter of order 4, for display only.
        notch: mains frequency to take out, in Hz; none where ``None``.
        shaded: as of ``draw_eeg``.
        evidence: as of ``draw_eeg``; its largest value is shown in full colour.
        offset: second on the axis of the recording's first sample.
        caption: what else is said below the traces.

    Returns:
        A figure of one axes in seconds, with scale bars of microvolts and of one second, or five
        where more than 20 are shown.

    Raises:
        ValueError: if an electrode is missing or the stretch does not lie inside the recording.
    """
    seconds = recording.duration - start if seconds is None else seconds
    traces = _cut(recording, start, seconds, band=band, notch=notch)
    steps = [step * PAGE_DISTANCE for step in PAGE_SENSITIVITIES]
    microvolts = choose_sensitivity(traces.cerebral, steps) if microvolts is None else microvolts
    bottom, top = traces.base_lines[-1] - _BELOW, traces.base_lines[0] + _ABOVE
    begin = offset + start
    axes = _page_axes(top - bottom, title, _PAGE_BOTTOM + _A_CHARACTER * len(caption))
    axes.set_ylim(bottom, top)
    if marked is not None:
        axes.axvspan(*marked, color="#fff3c4", linewidth=0, zorder=0)
    _lay_evidence(axes, traces, shaded, evidence)
    _shade_gaps(axes, np.isnan(traces.data).all(axis=0), begin, recording.sampling_rate)
    times = begin + np.arange(traces.data.shape[1]) / recording.sampling_rate
    share_cut = _draw_lines(
        axes, traces, times, microvolts, clip=_PAGE_CLIP, width=0.6, plain=evidence is not None
    )
    _draw_names(axes, traces)
    _name_chains(axes, traces, in_words=True)
    _draw_time(axes, begin, seconds)
    _draw_page_scales(axes, traces, begin + seconds, seconds, microvolts)
    said = _page_caption(microvolts, band, notch, share_cut, coloured=evidence is None)
    say_below(axes.figure, f"{said} {caption}".strip())
    return axes.figure
