"""How fast recordings are simulated, in times real time on one core.

A small data set is planned as the ``simulation`` pipeline plans it, and each of its sessions is
simulated once, whole. The bar is 1,000 times real time. The last line is one JSON object:

    python benchmarks/simulation.py
    python benchmarks/simulation.py --patients 40 --rounds 5
    python benchmarks/simulation.py --schematic 0.3 --neural-mass 0.3
"""

from __future__ import annotations

import argparse
import json
import os
from time import process_time

# Before NumPy: one core is meant.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np

from hbac.eeg import CLASSES
from hbac.eeg.simulation import PlannedSession, plan_cohort, simulate_session

BAR = 1_000


def plan(patients: int, schematic: float, neural_mass: float) -> tuple[PlannedSession, ...]:
    """Plan a session a patient, of 10 minutes and more."""
    cohort = plan_cohort(
        patients=patients,
        sessions_per_patient=(1, 1),
        eegs_per_session=(1, 1),
        eeg_seconds=(50, 120),
        labels_per_eeg=(1, 1),
        test_patients=2,
        test_without_spectrogram=0.3,
        test_long_seconds=(600, 720),
        ambiguity=0.3,
        gap_fraction=0.08,
        dead_channel_fraction=0.08,
        mains_frequency=60,
        seed=0,
        schematic=schematic,
        neural_mass=neural_mass,
    )
    return cohort.sessions


def seconds_of(planned: PlannedSession) -> float:
    """Processor time that one session takes."""
    start = process_time()
    simulate_session(planned.session)
    return process_time() - start


def times_real_time(sessions: list[PlannedSession], rounds: int) -> float:
    """Simulated seconds a second of processor time: the median of all rounds."""
    simulated = sum(planned.session.seconds for planned in sessions)
    taken = [sum(map(seconds_of, sessions)) for _ in range(rounds)]
    return round(simulated / float(np.median(taken)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patients", type=int, default=22, help="sessions, but for two (22)")
    parser.add_argument("--rounds", type=int, default=3, help="times that all are made (3)")
    parser.add_argument("--schematic", type=float, default=0.0, help="share of that family (0)")
    parser.add_argument("--neural-mass", type=float, default=0.0, help="share of that family (0)")
    arguments = parser.parse_args()
    sessions = plan(arguments.patients, arguments.schematic, arguments.neural_mass)
    seconds_of(sessions[0])
    by_class = {name: [s for s in sessions if s.session.pattern == name] for name in CLASSES}
    found = {
        "times_real_time": times_real_time(list(sessions), arguments.rounds),
        "by_class": {
            name: times_real_time(own, arguments.rounds) for name, own in by_class.items() if own
        },
        "bar": BAR,
    }
    load = round(os.getloadavg()[0], 1)
    print(json.dumps({**vars(arguments), "sessions": len(sessions), "load_average": load} | found))


if __name__ == "__main__":
    main()
