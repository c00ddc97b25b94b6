"""What the spectrogram panels of a window cost, by transform, of chains and of channels.

The panels of the 50 s and of its centre are made of simulated EEG, cleaned as by the recipe
``strong``, on one thread: every kind of every window in turn, round after round. ``ms`` is the
median over windows and rounds; ``over_mel`` is that over what the log-mel panels of the chains
take. Reading the file is not in it.

    python benchmarks/panels.py [--windows 8] [--rounds 3]

The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

from typing import get_args  # noqa: E402

from files import make_eeg  # noqa: E402

from hbac.eeg import CHANNELS, Recording, window_spectrograms  # noqa: E402
from hbac.eeg.shape import WINDOW_SECONDS, Channels  # noqa: E402
from hbac.eeg.time_frequency import Kind  # noqa: E402

SETTINGS = {
    "wavelet": None,
    "clip": 500.0,
    "notch": 60.0,
    "band_pass": (0.5, 20.0),
    "reference": "fixed",
    "centre": True,
}
CHOICES = [*itertools.product(get_args(Kind), get_args(Channels))]


def milliseconds(window: Recording, kind: str, channels: str) -> float:
    """Make the panels of a window once."""
    begin = time.perf_counter()
    window_spectrograms(window, kind=kind, channels=channels, **SETTINGS)
    return 1e3 * (time.perf_counter() - begin)


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    windows = [
        Recording(make_eeg(WINDOW_SECONDS, seed).to_numpy().T, CHANNELS)
        for seed in range(given.windows)
    ]
    for choice in CHOICES:
        milliseconds(windows[0], *choice)
    times = {choice: [] for choice in CHOICES}
    for _, window, choice in itertools.product(range(given.rounds), windows, CHOICES):
        times[choice].append(milliseconds(window, *choice))
    medians = {" ".join(choice): statistics.median(each) for choice, each in times.items()}
    first = medians["mel chains"]
    figures = {
        "load_average": round(os.getloadavg()[0], 1),
        "ms": {name: round(value, 1) for name, value in medians.items()},
        "over_mel": {name: round(value / first, 1) for name, value in medians.items()},
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
