"""Simulated critical-care EEG: patients, recordings, labels and experts who disagree.

Every recording follows from the plain values of its ``Session`` alone, so that an EEG file and its
spectrogram can be made apart from each other, in any process, and still fit.
"""

from hbac.eeg.simulation.cohort import Cohort, Excerpt, PlannedSession, plan_cohort
from hbac.eeg.simulation.planted import (
    PlantedEvidence,
    plan_planted,
    planted_pattern,
    simulate_planted,
)
from hbac.eeg.simulation.session import (
    Session,
    simulate_excerpt,
    simulate_pattern,
    simulate_session,
    simulate_spectrogram,
)
from hbac.eeg.simulation.timeline import Episode

__all__ = [
    "Cohort",
    "Episode",
    "Excerpt",
    "PlannedSession",
    "PlantedEvidence",
    "Session",
    "plan_cohort",
    "plan_planted",
    "planted_pattern",
    "simulate_excerpt",
    "simulate_pattern",
    "simulate_planted",
    "simulate_session",
    "simulate_spectrogram",
]
