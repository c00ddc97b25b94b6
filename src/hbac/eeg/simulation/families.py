"""The families of recordings, and what each makes in its own way.

Artefacts, experts, sleep and the course of a recording are the same in all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hbac.eeg.simulation.anatomical import (
    ANATOMICAL_LOOKS,
    anatomical_background,
    slow_waves,
    sporadic_discharges,
)
from hbac.eeg.simulation.appearance import Look
from hbac.eeg.simulation.neural_mass_background import (
    neural_mass_background,
    slow_waves_of_a_column,
)
from hbac.eeg.simulation.neural_mass_looks import NEURAL_MASS_LOOKS, sporadic_responses
from hbac.eeg.simulation.schematic import SCHEMATIC_LOOKS, schematic_background

if TYPE_CHECKING:
    from hbac.eeg.simulation.patient import Patient
    from hbac.eeg.simulation.session import Session


@dataclass(frozen=True)
class Family:
    """What a family of recordings makes in its own way.

    Attributes:
        looks: by pattern, what draws how it looks.
        background: makes ongoing activity of so many samples, microvolts of shape
            ``(19, samples)``.
        sporadic: makes single discharges at some seconds, microvolts of the same shape.
        slow_waves: makes polymorphic delta of a root mean square ``rms``, shape ``(samples,)``.
    """

    looks: Mapping[str, Callable[[np.random.Generator, Session, Patient], Look]]
    background: Callable[[np.random.Generator, int, Patient], np.ndarray]
    sporadic: Callable[[np.random.Generator, Session, Patient, np.ndarray], np.ndarray]
    slow_waves: Callable[..., np.ndarray]


FAMILIES = {
    "anatomical": Family(ANATOMICAL_LOOKS, anatomical_background, sporadic_discharges, slow_waves),
    "schematic": Family(SCHEMATIC_LOOKS, schematic_background, sporadic_discharges, slow_waves),
    "neural_mass": Family(
        NEURAL_MASS_LOOKS, neural_mass_background, sporadic_responses, slow_waves_of_a_column
    ),
}
