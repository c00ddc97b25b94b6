"""Reading recordings of hours: how many times faster than they were recorded, in how much memory.

The EDF files are simulated: some minutes of EEG of patients of all classes, one after the other, 20
channels at 256 Hz in 16 bits, repeated to the length. Each measurement is a process of its own,
which imports, loads the networks and reads a first minute before the clock starts. Given are

    times_real_time        recorded seconds a second, with the networks that ship with the package
    over_read              the time of that over the time merely to read and resample the channels
    pictures_times_real_time  with EfficientNetB0, a network a fold, at the demo's size, whose
                           weights are random: from the file to its timeline, 10-minute
                           spectrogram included
    max_rss_mb             peak resident memory of the process by hours of the recording
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import edfio
import joblib
import numpy as np
import scipy

from hbac.eeg import CHANNELS
from hbac.eeg.montage import chain_channels
from hbac.eeg.recording import SAMPLING_RATE
from hbac.eeg.simulation import plan_cohort
from hbac.eeg.votes import CLASSES
from hbac.formats import open_recording
from hbac.models.image import ImageLayout
from hbac.pipelines.simulation.nodes import simulate_train_eegs

FILE_RATE = 256
READ_SECONDS = 640
"""As much as is predicted at once."""
FOLDS = 3
IMAGE = {
    "sources": ["regional", "eeg"],
    "fit": "crop",
    "normalisation": "window",
    "eeg_order": "seed",
    "panel_height": 32,
    "panel_width": 64,
}
SPECTROGRAM = {
    "clip": None,
    "notch": None,
    "band_pass": None,
    "wavelet": "db8",
    "noise": "mean",
    "reference": "channel",
    "centre": False,
}
PATIENTS = {
    "sessions_per_patient": (1, 1),
    "eegs_per_session": (1, 1),
    "eeg_seconds": (50, 50),
    "labels_per_eeg": (1, 1),
    "spectrograms": False,
    "test_patients": 3,
    "test_without_spectrogram": 0.3,
    "test_long_seconds": (600, 600),
    "ambiguity": 0.3,
    "schematic": 0.0,
    "neural_mass": 0.0,
    "gap_fraction": 0.0,
    "dead_channel_fraction": 0.0,
    "mains_frequency": 60,
}


def simulate(patients: int) -> np.ndarray:
    """EEG of patients, one after the other, microvolts at 256 Hz, shape ``(20, samples)``."""
    sessions = plan_cohort(seed=1, patients=patients, **PATIENTS).sessions
    eegs = [load().data for load in simulate_train_eegs(sessions).values()]
    made = np.nan_to_num(np.concatenate(eegs, axis=1))
    return scipy.signal.resample_poly(made, FILE_RATE, SAMPLING_RATE, axis=1)


def write_edf(eeg: np.ndarray, hours: float, path: Path) -> None:
    """Write EEG again and again, as an EDF file of some hours; the header's count is last."""
    seconds = eeg.shape[1] // FILE_RATE
    signals = [
        edfio.EdfSignal(row[: seconds * FILE_RATE], FILE_RATE, label=name, physical_dimension="uV")
        for name, row in zip(CHANNELS, np.clip(eeg, -3000, 3000), strict=True)
    ]
    edfio.Edf(signals, data_record_duration=1).write(path)
    once = path.read_bytes()
    n_header, record = 256 * (1 + len(CHANNELS)), 2 * FILE_RATE * len(CHANNELS)
    wanted = max(60, round(3600 * hours))
    with path.open("wb") as file:
        file.write(once[:236] + f"{wanted:<8d}".encode() + once[244:n_header])
        for begin in range(0, wanted, seconds):
            file.write(once[n_header : n_header + min(seconds, wanted - begin) * record])


def shipped_ensemble() -> Any:
    """The networks that ship with the package."""
    import keras

    from hbac.models import EEGEnsemble
    from hbac.shipped import pretrained_dir

    record = json.loads((pretrained_dir() / "ensemble.json").read_text())
    files = {one["name"]: pretrained_dir() / f"{one['name']}.keras" for one in record["networks"]}
    load = partial(keras.saving.load_model, compile=False)
    return EEGEnsemble(record, {name: partial(load, file) for name, file in files.items()})


def picture_ensemble() -> Any:
    """EfficientNetB0 at the demo's size, a network a fold."""
    from hbac.models import EEGEnsemble, build_model
    from hbac.models.reference import describe_pictures

    layout = ImageLayout.of_panels(**IMAGE)
    build = partial(
        build_model, architecture="efficientnet_b0", image_size=layout.size, weights=None
    )
    names = [f"fold_{fold}.efficientnet_b0" for fold in range(FOLDS)]
    networks = [
        {"name": name, "fold": fold, "architecture": "efficientnet_b0", "input": "picture"}
        for fold, name in enumerate(names)
    ]
    record = {
        "networks": networks,
        "classes": list(CLASSES),
        "blend": {"weights": [1.0], "bias": [0.0] * len(CLASSES)},
        "mirror": False,
        "image": IMAGE,
        "spectrogram": SPECTROGRAM,
        "reference": {"picture": describe_pictures(layout, SPECTROGRAM)},
    }
    return EEGEnsemble(record, dict.fromkeys(names, build))


class FirstMinute:
    """The beginning of a recording, by which networks are traced before the clock starts."""

    def __init__(self, recording: Any):
        self.duration, self.channels = 60.0, recording.channels
        self.read = recording.read


def _timed(work: Callable[[], Any]) -> float:
    begin = perf_counter()
    work()
    return perf_counter() - begin


def _read(path: Path) -> None:
    recording = open_recording(path)
    for start in range(0, int(recording.duration), READ_SECONDS):
        recording.read(start, READ_SECONDS, chain_channels(recording))


def measure(kind: str, path: Path) -> dict[str, float]:
    """Time one file in this process.

    Args:
        kind: ``read``, ``shipped`` or ``pictures``.
        path: the file.
    """
    recording = open_recording(path)
    if kind == "read":
        work = partial(_read, path)
    else:
        ensemble = {"shipped": shipped_ensemble, "pictures": picture_ensemble}[kind]()
        ensemble.predict_recording(FirstMinute(recording))
        work = partial(ensemble.predict_recording, recording)
    seconds = _timed(work)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "recorded": recording.duration, "rss_mb": peak}


def measured(kind: str, path: Path, rounds: int = 1) -> dict[str, float]:
    """Time one file in processes of their own; the fastest counts."""
    command = [sys.executable, __file__, "--child", kind, str(path)]
    made = []
    for _ in range(rounds):
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        made.append(json.loads(done.stdout.splitlines()[-1]))
    best = min(made, key=lambda one: one["seconds"])
    print(f"{kind} {path.stem}: {best['seconds']:.2f} s, {best['rss_mb']:.0f} MB", flush=True)
    return best


def _rate(made: dict[str, float]) -> float:
    return round(made["recorded"] / made["seconds"], 1)


def main() -> None:
    """Print a line a measurement, and all of them as one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=6, help="of the recording that is timed")
    parser.add_argument("--picture-hours", type=float, default=1, help="the same, for pictures")
    parser.add_argument("--memory-hours", type=float, nargs="+", default=[1, 24])
    parser.add_argument("--patients", type=int, default=24, help="of which EEG is repeated (24)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        kind, path = arguments.child
        print(json.dumps(measure(kind, Path(path))))
        return
    eeg = simulate(arguments.patients)
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for hours in {arguments.hours, arguments.picture_hours, *arguments.memory_hours}:
            files[hours] = Path(folder, f"{hours:g}h.edf")
            write_edf(eeg, hours, files[hours])
        read = measured("read", files[arguments.hours], arguments.rounds)
        shipped = measured("shipped", files[arguments.hours], arguments.rounds)
        pictures = measured("pictures", files[arguments.picture_hours], arguments.rounds)
        memory = {
            f"{hours:g}": round(measured("shipped", files[hours])["rss_mb"])
            for hours in arguments.memory_hours
        }
    figures = {
        "cores": joblib.cpu_count(),
        "hours": arguments.hours,
        "times_real_time": _rate(shipped),
        "read_times_real_time": _rate(read),
        "over_read": round(shipped["seconds"] / read["seconds"], 2),
        "pictures_hours": arguments.picture_hours,
        "pictures_times_real_time": _rate(pictures),
        "max_rss_mb": memory,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
