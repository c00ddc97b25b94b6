"""Raw EEG in, shares of the six classes out: an ensemble with all that its record says."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Protocol

import joblib
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from hbac import models
from hbac.eeg.gaps import live_differences
from hbac.eeg.montage import chain_channels
from hbac.eeg.readability import DEFAULT_RULE, QUALITY_COLUMNS, ReadingRule, judge_stretches
from hbac.eeg.recording import CHANNELS, SAMPLING_RATE, Recording
from hbac.eeg.regional import ROW_SECONDS, WINDOW_ROWS, long_regional_spectrogram
from hbac.eeg.shape import WINDOW_SECONDS
from hbac.eeg.votes import CLASS_NAMES, CLASSES, PREDICTION_COLUMNS
from hbac.eeg.waveform import N_BIPOLAR, pair_waveforms
from hbac.models.preprocessing import (
    kind_of,
    kinds_seen,
    middle_of,
    mirrors_of,
    picture_layout,
    record_of,
    sees_ten_minutes,
    waveforms_of,
    window_panels,
    window_picture,
    window_waveforms,
)
from hbac.models.reference import check_reference
from hbac.models.waveform import WaveformLayout

WINDOW_SAMPLES = WINDOW_SECONDS * SAMPLING_RATE
"""Samples of one window."""

_BATCH_SIZE = 32

_AT_ONCE = 64
"""Windows whose pictures and waveforms are made and held at once."""

LEAST_SECONDS = 10
"""Of a window, what its label speaks of; a recording that is shorter has no window."""

TIMELINE_COLUMNS = (
    *("start_seconds", "stop_seconds", *PREDICTION_COLUMNS, "predicted_class"),
    *(*QUALITY_COLUMNS, "reason"),
)
"""Columns of a timeline; see ``EEGEnsemble.predict_recording``."""

_GRID_SECONDS = 5
"""The baseline is measured in blocks of so many seconds; see ``hbac.eeg.filters``."""

_SETTLED_SECONDS = 15
"""Time from an end of what was cleaned, after which nothing tells where that end was."""


class LongRecording(Protocol):
    """EEG of any length that is read where it is needed, from several threads.

    Attributes:
        duration: seconds.
        channels: ``hbac.eeg.CHANNELS``, or ``hbac.eeg.montage.BIPOLAR_NAMES`` and others.
    """

    duration: float
    channels: tuple[str, ...]

    def read(self, start: float, seconds: float, channels: tuple[str, ...]) -> Recording:
        """Read a part: microvolts at 200 Hz, NaN where missing and beyond either end."""


@dataclass(frozen=True)
class _Steps:
    """Some steps of a timeline, one after the other.

    Attributes:
        first: number of the first.
        count: how many there are.
        seconds: length of each.
    """

    first: int
    count: int
    seconds: int

    @property
    def margin(self) -> float:
        """Seconds from the start of a window to that of the step in its middle."""
        return (WINDOW_SECONDS - self.seconds) / 2

    @property
    def start(self) -> float:
        """Where the first window starts, which may be before the recording does."""
        return self.first * self.seconds - self.margin

    @property
    def length(self) -> float:
        """Seconds from there to the end of the last window."""
        return (self.count - 1) * self.seconds + WINDOW_SECONDS


@contextmanager
def _threads() -> Iterator[ThreadPoolExecutor]:
    """A thread a core, each of which works alone.

    Threads that BLAS starts besides were seen to make EEG spectrograms thirty times slower.
    """
    n_threads = joblib.cpu_count()
    with (
        threadpool_limits(1, user_api="blas"),
        ThreadPoolExecutor(n_threads, "eeg") as threads,
    ):
        yield threads


def _in_advance(make: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
    """Make something of each item on other threads, a few of them ahead of what is asked for."""
    n_ahead = joblib.cpu_count()
    with _threads() as threads:
        made: deque = deque()
        try:
            for item in items:
                made.append(threads.submit(make, item))
                if len(made) > n_ahead:
                    yield made.popleft().result()
            while made:
                yield made.popleft().result()
        finally:
            for future in made:
                future.cancel()


def _check_windows(eeg: np.ndarray) -> np.ndarray:
    eeg = np.asarray(eeg)
    if eeg.ndim != 3 or eeg.shape[1:] != (len(CHANNELS), WINDOW_SAMPLES):
        raise ValueError(
            f"eeg must have shape (windows, {len(CHANNELS)}, {WINDOW_SAMPLES}): channels as "
            f"{', '.join(CHANNELS)}, {WINDOW_SECONDS} s at {SAMPLING_RATE} Hz; "
            f"received {eeg.shape}"
        )
    if eeg.dtype.kind not in "fiu":
        raise ValueError(f"eeg must be numbers, in microvolts, received {eeg.dtype}")
    if np.isinf(eeg).any():
        raise ValueError("eeg must be finite, or NaN where it is missing, received infinity")
    return eeg


def check_length(duration: float) -> None:
    """Refuse a recording that has no window.

    Raises:
        ValueError: if it is shorter than what a window's label speaks of.
    """
    if duration < LEAST_SECONDS:
        raise ValueError(f"{duration:g} s are too short for a window of {LEAST_SECONDS} s")


def _cleans_alike(steps: _Steps, layout: WaveformLayout) -> bool:
    """Whether what windows show is the same, be they cleaned alone or with their neighbours.

    It is where all blocks of the baseline are the same, samples fall on each other, and the
    filters have settled on the way from the window's ends to what is seen.
    """
    samples = _GRID_SECONDS * layout.sampling_rate
    return (
        steps.seconds % _GRID_SECONDS == 0
        and samples == round(samples)
        and layout.seconds[0] >= _SETTLED_SECONDS
    )


def ten_minutes(regional: np.ndarray, centre: float) -> np.ndarray:
    """Cut the 10 minutes around a moment out of a recording's regional spectrogram.

    Args:
        regional: shape ``(rows, 400)``.
        centre: seconds from the recording's start.

    Returns:
        Shape ``(300, 400)``, NaN beyond either end.
    """
    first = int(centre // ROW_SECONDS) - WINDOW_ROWS // 2
    window = np.full((WINDOW_ROWS, regional.shape[1]), np.nan, np.float32)
    begin, end = max(first, 0), min(first + WINDOW_ROWS, len(regional))
    window[begin - first : max(end, begin) - first] = regional[begin:end]
    return window


def _judged(block: Recording, steps: _Steps, duration: float, rule: ReadingRule) -> pd.DataFrame:
    """Where steps lie, how they can be read, and why not."""
    lead = int(steps.margin)
    inner = block.crop(steps.margin - lead, block.duration - 2 * (steps.margin - lead))
    table = judge_stretches(inner, lead=lead, step=steps.seconds, rule=rule)
    starts = (steps.first + np.arange(steps.count)) * float(steps.seconds)
    ends = duration - starts < rule.least_share * steps.seconds
    table.loc[ends, "reason"] = "recording ends"
    return table.assign(
        start_seconds=starts, stop_seconds=np.minimum(starts + steps.seconds, duration)
    )


def _prediction_columns(shares: np.ndarray) -> dict[str, np.ndarray]:
    known = ~np.isnan(shares).any(axis=1)
    best = np.nan_to_num(shares).argmax(axis=1)
    names = np.where(known, np.array(CLASS_NAMES)[best], "")
    return dict(zip(PREDICTION_COLUMNS, shares.T, strict=True)) | {"predicted_class": names}


class EEGEnsemble:
    """The networks of an ensemble, fed with EEG as it is.

    How windows are cleaned and laid out is what the record says, and the reference windows that
    it describes are made again first. EEG spectrograms are taken in half precision, as the
    pipelines store them.

    Args:
        record: what ``modeling`` leaves beside the networks, ``ensemble.json``.
        networks: by name, a callable that loads the Keras model; each is called once.

    Attributes:
        record: as given.
        networks: by name, a callable that returns the model.
        kinds: names of what the networks see.

    Raises:
        ValueError: if a network of the record is missing, or the code makes other pictures or
            waveforms than those that the networks were trained on.
    """

    def __init__(self, record: Mapping[str, Any], networks: Mapping[str, Callable[[], Any]]):
        self.networks = {
            name: cache(load) for name, load in models.named_networks(networks, record).items()
        }
        self.record = record
        self.kinds = kinds_seen(record)
        for name in self.kinds:
            check_reference(kind_of(name), record_of(record, name))

    def _lay_out(self, name: str, window: Recording, power: np.ndarray | None) -> np.ndarray:
        record = record_of(self.record, name)
        if kind_of(name) == "waveform":
            return window_waveforms(window, *waveforms_of(record))
        return window_picture(
            power, window_panels(window, record["spectrogram"]), picture_layout(record)
        )

    def _see(self, window: Recording, power: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """What networks see of one window, whose 10 minutes have some regional power or none."""
        return {name: self._lay_out(name, window, power) for name in self.kinds}

    def _predict(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        n_windows = len(next(iter(inputs.values())))
        return models.predict_with_networks(
            self.networks,
            inputs,
            self.record,
            mirrors_of(self.record),
            # Two sizes alone, since each is another graph to TensorFlow.
            batch_size=1 if n_windows == 1 else _BATCH_SIZE,
        )

    def _seen_parts(self, eeg: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
        """What networks see, so many windows at once."""
        with _threads() as threads:
            for first in range(0, len(eeg), _AT_ONCE):
                windows = [Recording(one, CHANNELS) for one in eeg[first : first + _AT_ONCE]]
                seen = [*threads.map(self._see, windows)]
                yield {name: np.stack([one[name] for one in seen]) for name in self.kinds}

    def _waveforms(
        self, name: str, block: Recording, steps: _Steps, chosen: np.ndarray
    ) -> np.ndarray:
        """Waveforms of some windows of a block, which is cleaned as a whole where that is alike."""
        cleaning, layout = waveforms_of(record_of(self.record, name))
        pairs = live_differences(block).reshape(N_BIPOLAR, -1)
        missing = np.isnan(pairs)
        whole = not (missing.any(axis=1) & ~missing.all(axis=1)).any()
        if not (whole and _cleans_alike(steps, layout)):
            cut = (block.crop(step * steps.seconds, WINDOW_SECONDS) for step in chosen)
            return np.stack([window_waveforms(window, cleaning, layout) for window in cut])
        cleaned = pair_waveforms(
            pairs, **cleaning, before=SAMPLING_RATE, sampling_rate=layout.sampling_rate
        )
        length = round(WINDOW_SECONDS * layout.sampling_rate)
        starts = (chosen * steps.seconds * layout.sampling_rate).round().astype(int)
        return np.stack([middle_of(cleaned[:, a : a + length], layout) for a in starts])

    def _pictures(
        self,
        name: str,
        block: Recording,
        steps: _Steps,
        chosen: np.ndarray,
        regional: np.ndarray | None,
    ) -> np.ndarray:
        """Pictures of some windows of a block."""
        record = record_of(self.record, name)
        layout = picture_layout(record)
        made = []
        for step in chosen:
            window = block.crop(step * steps.seconds, WINDOW_SECONDS)
            centre = steps.start + step * steps.seconds + WINDOW_SECONDS / 2
            power = None if regional is None else ten_minutes(regional, centre)
            panels = window_panels(window, record["spectrogram"])
            made.append(window_picture(power, panels, layout))
        return np.stack(made)

    def _look(
        self,
        recording: LongRecording,
        regional: np.ndarray | None,
        rule: ReadingRule,
        steps: _Steps,
    ) -> tuple[pd.DataFrame, np.ndarray, dict[str, np.ndarray]]:
        """Judge some steps, and make what networks see of those that can be read."""
        block = recording.read(steps.start, steps.length, chain_channels(recording))
        table = _judged(block, steps, recording.duration, rule)
        chosen = np.flatnonzero(table["reason"] == "")
        seen = {}
        for name in self.kinds if len(chosen) else ():
            if kind_of(name) == "picture":
                seen[name] = self._pictures(name, block, steps, chosen, regional)
            else:
                seen[name] = self._waveforms(name, block, steps, chosen)
        return table, chosen, seen

    def predict_recording(
        self,
        recording: LongRecording,
        *,
        step_seconds: int = 10,
        rule: ReadingRule = DEFAULT_RULE,
        regional: np.ndarray | None = None,
    ) -> pd.DataFrame:
        """Predict the classes along a recording, block by block, whatever its length.

        A window slides along it, which may reach beyond either end; what is there is missing. A
        step that can't be read gets no prediction.

        Args:
            recording: EEG that is read where it is needed.
            step_seconds: whole seconds from one window to the next, 1 to 50.
            rule: what a step must hold for a prediction.
            regional: its regional spectrogram, shape ``(rows, 400)``; None has it computed where
                a network sees it. What of a window's 10 minutes is beyond either end is missing.

        Returns:
            A row a step, of ``TIMELINE_COLUMNS``: ``start_seconds`` and ``stop_seconds``, the
            stretch in the middle of the window; ``seizure_pred`` ... ``other_pred``, NaN where
            there is no prediction; ``predicted_class``, "" there; what
            ``hbac.eeg.readability.judge_stretches`` measures; and ``reason``, why there is none.

        Raises:
            ValueError: if the recording is shorter than 10 s.
        """
        check_length(recording.duration)
        if regional is None and sees_ten_minutes(self.record):
            regional = long_regional_spectrogram(recording)
        n_steps = int(np.ceil(recording.duration / step_seconds))
        blocks = [
            _Steps(first, min(_AT_ONCE, n_steps - first), step_seconds)
            for first in range(0, n_steps, _AT_ONCE)
        ]
        look = partial(self._look, recording, regional, rule)
        tables = []
        for table, chosen, seen in _in_advance(look, blocks):
            shares = np.full((len(table), len(CLASSES)), np.nan)
            if len(chosen):
                shares[chosen] = self._predict(seen)
            tables.append(table.assign(**_prediction_columns(shares)))
        return pd.concat(tables, ignore_index=True)[list(TIMELINE_COLUMNS)]

    def predict_windows(self, eeg: np.ndarray) -> np.ndarray:
        """Predict the classes of windows, each alone.

        Networks that see the 10 minutes around a window are shown that these are missing, as
        ``inference`` does with a recording of 50 s.

        Args:
            eeg: microvolts at 200 Hz, shape ``(windows, 20, 10000)``, channels in the order of
                ``hbac.eeg.CHANNELS``, NaN where missing.

        Returns:
            Shape ``(windows, 6)``, rows sum to 1; the class prior of the training for a window of
            which nothing is there.

        Raises:
            ValueError: if the shape is another, or a value is no number or infinite.
        """
        eeg = _check_windows(eeg)
        parts = [self._predict(inputs) for inputs in self._seen_parts(eeg)]
        return np.concatenate(parts) if parts else np.empty((0, len(CLASSES)))
