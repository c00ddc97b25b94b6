"""A simulated data set in the competition's layout."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import pandas as pd

from hbac.eeg import simulation
from hbac.eeg.recording import CHANNELS, SAMPLING_RATE, Recording
from hbac.eeg.simulation import (
    Excerpt,
    PlannedSession,
    Session,
    simulate_excerpt,
    simulate_spectrogram,
)
from hbac.pipelines.simulation.params import SimulationParams

Sessions = tuple[PlannedSession, ...]


def plan_cohort(params: SimulationParams) -> tuple[pd.DataFrame, pd.DataFrame, Sessions]:
    """Plan patients, recordings, files and votes; see ``hbac.eeg.simulation.plan_cohort``.

    Args:
        params: size and troubles of the data set.

    Returns:
        ``train.csv``, ``test.csv``, and the recordings of both splits.
    """
    cohort = simulation.plan_cohort(**params.model_dump())
    return cohort.train_labels, cohort.test_labels, cohort.sessions


def _excerpts(sessions: Sessions, split: str) -> Iterator[tuple[PlannedSession, Excerpt]]:
    for planned in sessions:
        if planned.split == split:
            yield from ((planned, excerpt) for excerpt in planned.excerpts)


@dataclass(frozen=True)
class SimulatedEEG:
    """Simulates an EEG file when it is called; takes the place of one that is read.

    Attributes:
        session: the recording that it is cut from.
        start: where, in seconds.
        seconds: its length.
    """

    session: Session
    start: int
    seconds: int

    def __call__(self, channels: tuple[str, ...] = CHANNELS) -> Recording:
        """Simulate the named channels."""
        return simulate_excerpt(self.session, start=self.start, seconds=self.seconds).pick(channels)

    def length(self) -> int:
        """Count the samples, without simulating them."""
        return self.seconds * SAMPLING_RATE


def _eegs(sessions: Sessions, split: str) -> dict[str, SimulatedEEG]:
    return {
        str(excerpt.eeg_id): SimulatedEEG(planned.session, excerpt.start, excerpt.seconds)
        for planned, excerpt in _excerpts(sessions, split)
    }


def _spectrograms(sessions: Sessions, split: str) -> dict[str, Callable[[], pd.DataFrame]]:
    return {
        str(planned.spectrogram_id): partial(simulate_spectrogram, planned.session)
        for planned in sessions
        if planned.split == split and planned.has_spectrogram
    }


def simulate_train_eegs(sessions: Sessions) -> dict[str, SimulatedEEG]:
    """By ``eeg_id``, a callable that simulates a training EEG."""
    return _eegs(sessions, "train")


def simulate_test_eegs(sessions: Sessions) -> dict[str, SimulatedEEG]:
    """By ``eeg_id``, a callable that simulates a test EEG."""
    return _eegs(sessions, "test")


def simulate_train_spectrograms(sessions: Sessions) -> dict[str, Callable[[], pd.DataFrame]]:
    """By ``spectrogram_id``, a callable that simulates a training recording's spectrogram."""
    return _spectrograms(sessions, "train")


def simulate_test_spectrograms(sessions: Sessions) -> dict[str, Callable[[], pd.DataFrame]]:
    """By ``spectrogram_id``, a callable that simulates a test recording's spectrogram."""
    return _spectrograms(sessions, "test")
