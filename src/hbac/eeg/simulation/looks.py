"""Patterns of a session: how each looks, and what that makes of its episodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from hbac.eeg.recording import SAMPLING_RATE
from hbac.eeg.simulation import patterns, scalp
from hbac.eeg.simulation.appearance import Ictal, Look, Periodic, Plus, Rhythmic
from hbac.eeg.simulation.background import coloured_noise, spectral_peak
from hbac.eeg.simulation.families import FAMILIES
from hbac.eeg.simulation.neural_mass_looks import (
    Cycling,
    Evoked,
    Failing,
    simulate_cycling,
    simulate_evoked,
    simulate_failing,
)
from hbac.eeg.simulation.seizures import place_seizures, simulate_seizure
from hbac.eeg.simulation.timeline import Episode, presence

if TYPE_CHECKING:
    from hbac.eeg.simulation.patient import Patient
    from hbac.eeg.simulation.session import Session


def draw_look(session: Session, patient: Patient, pattern: str) -> Look:
    """Draw how a pattern looks in a session, which follows from the session and patient alone.

    So those who are asked about it know it without a recording being made.

    Args:
        session: of which family, seed and ambiguity.
        patient: whose focus and background it has.
        pattern: one of ``hbac.eeg.votes.CLASSES`` but ``other``.
    """
    draw = FAMILIES[session.family].looks[pattern]
    return draw(session.generator_of_look(pattern), session, patient)


def _simulate_plus(
    rng: np.random.Generator, plus: Plus, envelope: np.ndarray, field: np.ndarray
) -> np.ndarray:
    if plus.kind == "fast":
        density = spectral_peak(frequency=plus.frequency, bandwidth=2.0, rms=0.08)
        fast = coloured_noise(rng, density, shape=(1, len(envelope)))[0]
        return scalp.project((fast * envelope).astype(np.float32), field)
    return patterns.simulate_rhythmic_delta(
        rng,
        envelope,
        frequency=plus.frequency,
        field=plus.share * field,
        jitter=plus.jitter,
        sharpness=0.0,
    )


def _simulate_periodic(
    rng: np.random.Generator, look: Periodic, episodes: Sequence[Episode], samples: int
) -> np.ndarray:
    envelope = presence(episodes, samples, ramp=0.5)
    eeg = patterns.simulate_periodic_discharges(
        rng,
        envelope,
        frequency=look.rate,
        jitter=look.jitter,
        phases=look.phases,
        field=look.fields,
        delays=look.delays,
    )
    if look.plus is not None:
        eeg += _simulate_plus(rng, look.plus, envelope, look.fields.sum(axis=0))
    return eeg


def _simulate_rhythmic(
    rng: np.random.Generator, look: Rhythmic, episodes: Sequence[Episode], samples: int
) -> np.ndarray:
    return patterns.simulate_rhythmic_delta(
        rng,
        presence(episodes, samples, ramp=2),
        frequency=look.rate,
        field=look.fields,
        jitter=look.jitter,
        sharpness=look.sharpness,
        spikes=look.spikes,
        delays=look.delays,
        narrow_band=look.narrow_band,
    )


def _simulate_seizures(
    rng: np.random.Generator, look: Ictal, episodes: Sequence[Episode], samples: int
) -> np.ndarray:
    whole = partial(
        simulate_seizure,
        rng,
        **look.course,
        local_field=look.local,
        spread_field=look.spread,
        delays=look.delays,
    )
    return place_seizures(whole, episodes, samples)


_SIMULATORS: dict[type, Callable[..., np.ndarray]] = {
    Periodic: _simulate_periodic,
    Rhythmic: _simulate_rhythmic,
    Ictal: _simulate_seizures,
    Evoked: simulate_evoked,
    Cycling: simulate_cycling,
    Failing: simulate_failing,
}


def simulate_look(
    rng: np.random.Generator, session: Session, patient: Patient, pattern: str
) -> np.ndarray:
    """Simulate a session's episodes of a pattern, and nothing else of the brain.

    Args:
        rng: source of what varies from one discharge, wave or seizure to the next.
        session: of which episodes, length, seed and ambiguity.
        patient: see ``draw_look``.
        pattern: see ``draw_look``.

    Returns:
        Microvolts, shape ``(19, samples)``, float32.
    """
    look = draw_look(session, patient, pattern)
    samples = session.seconds * SAMPLING_RATE
    return _SIMULATORS[type(look)](rng, look, session.episodes_of(pattern), samples)
