"""EEG traces in the longitudinal bipolar montage, as they are read at the bedside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MultipleLocator
from scipy import signal

from hbac.eeg.denoise import fill_missing
from hbac.eeg.montage import BIPOLAR_PAIRS, MIDLINE_PAIRS, chain_differences
from hbac.eeg.recording import Recording
from hbac.plots.style import FAINT, INK, LEFT, MISSING, MUTED, RIGHT, new_figure, styled

DISPLAY_BAND = (0.5, 40.0)
"""Pass band in Hz of the traces on display."""

LABEL_SECONDS = 10
"""Length of the stretch in the middle of a window of which a label speaks."""

SENSITIVITIES = (10, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 2000)
"""Microvolts between the base lines of neighbouring traces, of which one is chosen."""

SHADE = {"facecolor": "#fbd28b", "edgecolor": "#8a6d3b", "linewidth": 0.6}
"""Look of what is shaded by chain: in grey print a light grey, with a darker rim."""

_CLIP = 1.5
_PADDING_SECONDS = 5.0
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


def _band_pass(traces: _Traces, sampling_rate: float) -> _Traces:
    band = signal.butter(4, DISPLAY_BAND, "bandpass", fs=sampling_rate, output="sos")
    padding = min(round(_PADDING_SECONDS * sampling_rate), traces.data.shape[1] - 1)
    filtered = signal.sosfiltfilt(band, fill_missing(traces.data), padlen=padding)
    filtered[np.isnan(traces.data)] = np.nan
    return _Traces(traces.names, traces.groups, filtered)


def _extremes(data: np.ndarray) -> np.ndarray:
    """The 99.5th percentile of each trace's absolute value, of traces that have a sample."""
    return np.array(
        [np.nanpercentile(np.abs(row), 99.5) for row in data if not np.isnan(row).all()]
    )


def choose_sensitivity(data: np.ndarray) -> float:
    """Choose the microvolts between neighbouring traces.

    The upper quartile over traces of each one's 99.5th percentile of absolute amplitude, so that
    neither one bad electrode nor one movement sets the scale, rounded up to one of
    ``SENSITIVITIES``.

    Args:
        data: traces in microvolts, shape ``(traces, samples)``, NaN where missing.

    Returns:
        Microvolts; the largest of the list at most, and 50 where there is no sample at all.
    """
    extremes = _extremes(data)
    if not extremes.size:
        return 50.0
    index = np.searchsorted(SENSITIVITIES, np.quantile(extremes, 0.75))
    return float(SENSITIVITIES[min(index, len(SENSITIVITIES) - 1)])


def _in_trace_distances(traces: _Traces, microvolts: float) -> np.ndarray:
    """Scale to trace distances, negative up; the EKG to its own range."""
    scales = np.full((len(traces.groups), 1), microvolts)
    if "EKG" in traces.groups:
        row = traces.groups.index("EKG")
        scales[row] = max([*_extremes(traces.data[[row]]), 1e-6])
    return np.clip(-traces.data / scales, -_CLIP, _CLIP)


def _draw_names(axes: Axes, traces: _Traces) -> None:
    empty = np.isnan(traces.data).all(axis=1)
    labels = [
        f"{name} (missing)" if gone else name
        for name, gone in zip(traces.names, empty, strict=True)
    ]
    axes.set_yticks(traces.base_lines, labels)
    for label, gone in zip(axes.get_yticklabels(), empty, strict=True):
        label.set(fontsize=7, color=MUTED if gone else INK)
    for group, colour in CHAIN_COLOURS.items():
        rows = [row for row, name in enumerate(traces.groups) if name == group]
        axes.annotate(
            group,
            (1, traces.base_lines[rows].mean()),
            xytext=(5, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            weight="bold",
            color=colour,
        )


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
    if seconds <= 120:
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
        offset: second on the axis of the recording's first sample.

    Raises:
        ValueError: if an electrode is missing, the stretch does not lie inside the recording, or a
            shaded chain is unknown.
    """
    seconds = recording.duration - start if seconds is None else seconds
    rate = recording.sampling_rate
    # Filtered before it is cut, so the filter's transients stay outside the picture.
    whole = _band_pass(_bipolar(recording), rate)
    cut = Recording(whole.data, tuple(whole.names), rate).crop(start, seconds)
    traces = _Traces(whole.names, whole.groups, cut.data)
    cerebral = traces.data[[group != "EKG" for group in traces.groups]]
    microvolts = choose_sensitivity(cerebral) if microvolts is None else microvolts
    begin = offset + start
    times = begin + np.arange(traces.data.shape[1]) / rate
    if marked is not None:
        axes.axvspan(*marked, color="#fff3c4", linewidth=0, zorder=0)
    _shade_chains(axes, traces, shaded)
    _shade_gaps(axes, np.isnan(traces.data).all(axis=0), begin, rate)
    drawn = _in_trace_distances(traces, microvolts) + traces.base_lines[:, None]
    for row, group in zip(drawn, traces.groups, strict=True):
        axes.plot(times, row, color=CHAIN_COLOURS.get(group, INK), linewidth=0.5)
    _draw_names(axes, traces)
    _draw_time(axes, begin, seconds)
    _draw_scale(axes, traces.base_lines[-1], microvolts)
    axes.set_ylim(traces.base_lines[-1] - _CLIP, traces.base_lines[0] + _CLIP)


def central_seconds(window: float, length: float) -> tuple[float, float]:
    """From and to which second the central ``length`` seconds of a ``window`` reach."""
    return (window - length) / 2, (window + length) / 2


@styled
def eeg_traces(
    recording: Recording,
    *,
    start: float = 0.0,
    seconds: float | None = None,
    title: str = "",
    microvolts: float | None = None,
    marked: tuple[float, float] | None = None,
) -> Figure:
    """Show EEG as time series in the longitudinal bipolar montage.

    Chains come in the order LL, RL, LP, RP with a gap between them, then the midline and the EKG
    on its own scale. Negative points up, as is the custom in clinical EEG. For display only, traces
    are band-passed 0.5-40 Hz (Butterworth of order 4, zero phase) and clipped at 1.5 times the
    distance between traces. Missing samples are gaps.

    Args:
        recording: EEG with at least the electrodes of the four chains.
        start: first second shown.
        seconds: how many are shown; up to the recording's end where ``None``.
        title: the figure's title.
        microvolts: distance between neighbouring traces; chosen from the data where ``None``.
        marked: a stretch to mark, from and to which second; none where ``None``.

    Returns:
        A figure of one axes in seconds.

    Raises:
        ValueError: if an electrode is missing or the stretch does not lie inside the recording.
    """
    figure = new_figure(7.0, title=title)
    stretch = {"start": start, "seconds": seconds, "marked": marked}
    draw_eeg(figure.subplots(), recording, microvolts=microvolts, **stretch)
    return figure
