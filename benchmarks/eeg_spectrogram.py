"""EEG spectrograms: the project against a plain loop of PyWavelets and librosa.

Three ways through the same N simulated EEG files of 50 s (the shortest there are, so that reading
takes the least part), each from parquet to npy:

- loop: one bipolar channel after the other, ``pandas``, ``pywt`` and
  ``librosa.feature.melspectrogram``, as the competition's public notebooks do;
- ours: the node and the datasets of the pipeline ``spectrogram``, in one process, with all that
  they note down of each file;
- read: the file's 19 EEG columns read and decoded by pyarrow, and nothing else.

``ratio_per_core`` and ``over_read`` come from one process that is pinned to one core, with one
BLAS thread and the environment of the project's workers, which takes all files the three ways in
turn, round after round. ``ratio_end_to_end`` sets the loop as a notebook runs it
(threads as they come) against the work phase of ``kedro run --pipeline spectrogram`` on all
cores: from "partitions to make" to the end, start of the workers included, over the N files
hard-linked under ten ids each. All figures are medians of the rounds.

    python benchmarks/eeg_spectrogram.py [--files 200] [--rounds 5]

The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from files import make_labels, write_eegs, write_labels

if TYPE_CHECKING:
    from hbac.pipelines.spectrogram.params import SpectrogramParams

PROJECT = Path(__file__).parents[1]
LINKS = 10
N_END_TO_END_ROUNDS = 3


def plain_loop(path: Path):
    """Spectrograms of an EEG's middle 50 s as the notebooks make them: ``(128, 256, 4)``."""
    import librosa
    import numpy as np
    import pandas as pd
    import pywt

    from hbac.eeg import CHAINS

    eeg = pd.read_parquet(path)
    first = (len(eeg) - 10_000) // 2
    eeg = eeg.iloc[first : first + 10_000]
    image = np.zeros((128, 256, 4), np.float32)
    for k, chain in enumerate(CHAINS.values()):
        for front, back in itertools.pairwise(chain):
            x = eeg[front].values - eeg[back].values
            mean = np.nanmean(x)
            x = np.zeros(len(x)) if np.isnan(mean) else np.nan_to_num(x, nan=mean)
            coefficients = pywt.wavedec(x, "db8", mode="per")
            details = coefficients[-1]
            noise = np.median(np.abs(details - np.median(details))) / 0.6745
            threshold = noise * np.sqrt(2 * np.log(len(x)))
            coefficients[1:] = [pywt.threshold(c, threshold, "hard") for c in coefficients[1:]]
            x = pywt.waverec(coefficients, "db8", mode="per")
            mel = librosa.feature.melspectrogram(
                y=x.astype(np.float32),
                sr=200,
                hop_length=len(x) // 256,
                n_fft=1024,
                n_mels=128,
                fmin=0,
                fmax=20,
                win_length=128,
            )
            decibel = librosa.power_to_db(mel, ref=np.max)[:, :256]
            image[:, :, k] += (decibel + 40) / 40
    return image / 4


def run_loop(paths: list[Path], out: Path) -> None:
    """Take files through the plain loop."""
    import numpy as np

    for path in paths:
        np.save(out / f"{path.stem}.npy", plain_loop(path))


@cache
def spectrogram_params() -> SpectrogramParams:
    """Return how the pipeline makes spectrograms by default."""
    from kedro.config import OmegaConfigLoader

    from hbac.pipelines.spectrogram.params import SpectrogramParams
    from hbac.settings import CONFIG_LOADER_ARGS

    loader = OmegaConfigLoader(str(PROJECT / "conf"), **CONFIG_LOADER_ARGS)
    return SpectrogramParams(**loader["parameters"]["spectrogram"])


def run_ours(paths: list[Path], out: Path) -> None:
    """Take files through the pipeline's node and datasets, in this process."""
    from hbac.datasets import ParallelPartitionedDataset
    from hbac.pipelines.spectrogram.nodes import compute_eeg_spectrograms, select_windows

    eegs = ParallelPartitionedDataset(
        path=str(paths[0].parent), dataset="hbac.datasets.EEGDataset", filename_suffix=".parquet"
    )
    arrays = ParallelPartitionedDataset(
        path=str(out),
        dataset="hbac.datasets.NpyDataset",
        filename_suffix=".npy",
        n_jobs=1,
        backend="sequential",
    )
    ids, params = [int(path.stem) for path in paths], spectrogram_params()
    windows = select_windows(make_labels(ids, []), params)
    arrays.save(compute_eeg_spectrograms(eegs.load(), windows, params))


def run_read(paths: list[Path], out: Path) -> None:
    """Read and decode the 19 EEG columns."""
    import pyarrow.parquet as pq

    from hbac.eeg import ELECTRODES

    for path in paths:
        pq.read_table(path, columns=list(ELECTRODES), use_threads=False)


def seconds_a_file(run, paths: list[Path], out: Path) -> float:
    """Time a way, once what others have left to the disk is there: ours waits for the disk."""
    os.sync()
    start = time.perf_counter()
    run(paths, out)
    return (time.perf_counter() - start) / len(paths)


def max_difference(paths: list[Path]) -> float:
    """Largest difference between the loop and ours in float32."""
    import numpy as np

    from hbac.datasets import EEGDataset
    from hbac.eeg import chain_spectrograms

    differences = []
    for path in paths:
        recording = EEGDataset(filepath=str(path)).load()
        window = recording.crop((recording.duration - 50) / 2, 50)
        differences.append(np.abs(chain_spectrograms(window) - plain_loop(path)).max())
    return float(max(differences))


def _folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def measure_per_core(paths: list[Path], out: Path, rounds: int) -> dict:
    """Time the three ways on one core, in turn."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    ways = {"loop": run_loop, "ours": run_ours, "read": run_read}
    for name, run in ways.items():
        run(paths[:2], _folder(out / name / "first"))
    # Each round has a folder of its own: to replace a file is slower than to write one.
    times = [
        {
            name: seconds_a_file(run, paths, _folder(out / name / str(k)))
            for name, run in ways.items()
        }
        for k in range(rounds)
    ]
    median = {name: statistics.median(row[name] for row in times) for name in ways}
    return {
        "ratio_per_core": statistics.median(row["loop"] / row["ours"] for row in times),
        "over_read": statistics.median(row["ours"] / row["read"] for row in times),
        "max_abs_diff": max_difference(paths),
        **{f"{name}_ms_one_core": 1e3 * seconds for name, seconds in median.items()},
    }


def measure_unpinned_loop(paths: list[Path], out: Path) -> dict:
    """Time the loop as a notebook runs it."""
    run_loop(paths[:2], out)
    return {"seconds": seconds_a_file(run_loop, paths, out)}


def in_a_process(command: str, paths: list[Path], out: Path, rounds: int, **environment) -> dict:
    """Run one of the measurements in a fresh process."""
    listing = out / "paths.txt"
    listing.write_text("\n".join(map(str, paths)))
    arguments = [sys.executable, __file__, "--measure", command, str(listing), str(rounds)]
    done = subprocess.run(
        arguments, stdout=subprocess.PIPE, text=True, check=True, env=os.environ | environment
    )
    return json.loads(done.stdout.splitlines()[-1])


def work_phase(raw: Path, data: Path) -> float:
    """Seconds a file of the work phase of ``kedro run --pipeline spectrogram``."""
    command = ["kedro", "run", "--pipeline", "spectrogram"]
    command += ["--params", f"raw_dir={raw},data_dir={data}"]
    start = n_files = None
    output = []
    with subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        for line in run.stdout:
            output.append(line)
            if found := re.search(r"(\d+) of \1 partitions to make", line):
                start, n_files = time.perf_counter(), int(found[1])
            elif line.startswith("Made:"):
                seconds = (time.perf_counter() - start) / n_files
    if run.returncode:
        raise RuntimeError("".join(output))
    return seconds


def link(paths: list[Path], folder: Path) -> list[int]:
    """Link every file under new ids, which are returned."""
    folder.mkdir(parents=True)
    ids = range(1, 1 + LINKS * len(paths))
    for eeg_id, path in zip(ids, itertools.cycle(paths), strict=False):
        os.link(path, folder / f"{eeg_id}.parquet")
    return list(ids)


def measure_end_to_end(paths: list[Path], work: Path) -> dict:
    """Set the loop with threads as they come against the pipeline on all cores."""
    ids = link(paths, work / "raw/train_eegs")
    write_labels(work / "raw/train.csv", ids, [-1] * len(ids))
    rows = []
    for k in range(N_END_TO_END_ROUNDS):
        some = paths[k::N_END_TO_END_ROUNDS]
        loop = in_a_process("unpinned", some, work, 1)["seconds"]
        rows.append((loop, work_phase(work / "raw", work / f"data_{k}")))
    return {
        "ratio_end_to_end": statistics.median(loop / ours for loop, ours in rows),
        "loop_ms_unpinned": 1e3 * statistics.median(loop for loop, _ in rows),
        "ours_ms_all_cores": 1e3 * statistics.median(ours for _, ours in rows),
    }


def worker_environment() -> dict[str, str]:
    """What the project's workers find in their environment."""
    from hbac.datasets.parallel import WORKER_ENVIRONMENT

    return WORKER_ENVIRONMENT | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def main() -> None:
    """Measure all, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=200, help="number of EEG files")
    parser.add_argument("--rounds", type=int, default=5, help="rounds on one core")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    if arguments.measure:
        command, listing, rounds = arguments.measure
        paths = [Path(line) for line in Path(listing).read_text().splitlines()]
        out = Path(listing).parent / "out"
        out.mkdir(exist_ok=True)
        if command == "per-core":
            print(json.dumps(measure_per_core(paths, out, int(rounds))))
        else:
            print(json.dumps(measure_unpinned_loop(paths, out)))
        return
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write_eegs(work / "eegs", range(arguments.files))
        paths = sorted((work / "eegs").iterdir())
        size = statistics.mean(path.stat().st_size for path in paths)
        figures = {"files": len(paths), "rounds": arguments.rounds, "cores": os.cpu_count()}
        figures["mean_file_kib"] = size / 1024
        figures |= in_a_process("per-core", paths, work, arguments.rounds, **worker_environment())
        figures |= measure_end_to_end(paths, work)
    print(json.dumps({name: float(f"{value:.4g}") for name, value in figures.items()}))


if __name__ == "__main__":
    main()
