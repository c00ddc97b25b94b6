"""Spectrograms from parquet to npy, and reading them back, against doing it file by file.

The seed's way is one file after the other in this process, with as many threads as pandas takes:
``pd.read_parquet(path).iloc[:, 1:].values``, then ``np.save``. Ours is the project's pipeline
``conversion``: ``ParallelPartitionedDataset`` and ``convert_spectrograms``, all cores. Every round
measures all of it in turn, into fresh folders, so that what else the machine does falls on both
alike; a ratio is the median over rounds.

    conversion_ratio       time of the seed's way over ours, whose worker processes already run
    conversion_ratio_cold  the same with the start of the worker processes in our time
    read_ratio             reading and summing every value: parquet the seed's way over npy

The seed's way takes one core and ours all: on a machine that is busy otherwise (the load average
before the start is given) conversion gains less than on an idle one.

Memory is watched, away from the timing, in two fresh processes that convert and read back ``N``
and then ``4 N`` files (the same ones, hard-linked under new ids). The system counts pages of a
memory-mapped file that were touched as resident although it may drop them at will, hence two
figures of the parent: ``rss`` is everything that is resident, mapped pages included, and
``anonymous`` is what the process itself has allocated (resident less file-backed pages). Each
array is let go before the next is read, so neither should grow with the number of files.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import psutil
from files import make_ids, write_spectrograms
from joblib.externals.loky import get_reusable_executor

from hbac.datasets import ParallelPartitionedDataset
from hbac.pipelines.conversion.nodes import convert_spectrograms

MEGABYTE = 1e6
TIMES_MORE_FILES = 4


def _anonymous(memory) -> int:
    """Bytes that no file backs; all that are resident where the system does not tell."""
    return memory.rss - getattr(memory, "shared", 0)


class MemoryWatch:
    """Peak memory of a process and of those that it starts, sampled in a thread while in use.

    Args:
        process: the process.
        seconds: time between two samples.

    Attributes:
        peaks: in bytes. Of the process ``rss``, what is resident, and ``anonymous``, what of it
            no file backs. Of those that it started the same: the largest, ``workers_max_rss``,
            and their sums, ``workers_rss`` and ``workers_anonymous``.
    """

    def __init__(self, process: psutil.Process, seconds: float):
        self._process = process
        self._seconds = seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peaks: dict[str, int] = {}

    def _sample(self) -> dict[str, int]:
        own, workers = self._process.memory_info(), []
        for worker in self._process.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                workers.append(worker.memory_info())
        return {
            "rss": own.rss,
            "anonymous": _anonymous(own),
            "workers_rss": sum(worker.rss for worker in workers),
            "workers_max_rss": max((worker.rss for worker in workers), default=0),
            "workers_anonymous": sum(map(_anonymous, workers)),
        }

    def _watch(self) -> None:
        while not self._ended.wait(self._seconds):
            try:
                sample = self._sample()
            except psutil.NoSuchProcess:
                return
            for name, value in sample.items():
                self.peaks[name] = max(value, self.peaks.get(name, 0))

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *exception) -> None:
        self._ended.set()
        self._thread.join()


def parquet_folder(path: Path) -> ParallelPartitionedDataset:
    """Return the dataset ``train_spectrograms`` of a folder."""
    return ParallelPartitionedDataset(
        path=str(path),
        dataset="hbac.datasets.RegionalSpectrogramDataset",
        filename_suffix=".parquet",
    )


def npy_folder(path: Path) -> ParallelPartitionedDataset:
    """Return the dataset ``spectrogram_arrays`` of a folder."""
    return ParallelPartitionedDataset(
        path=str(path), dataset="hbac.datasets.NpyDataset", filename_suffix=".npy"
    )


def convert_as_seed(source: Path, target: Path) -> None:
    """Convert one file after the other in this process."""
    target.mkdir()
    for path in sorted(source.iterdir()):
        np.save(target / f"{path.stem}.npy", pd.read_parquet(path).iloc[:, 1:].values)


def convert(source: Path, target: Path) -> None:
    """Convert as the pipeline ``conversion`` does."""
    npy_folder(target).save(convert_spectrograms(parquet_folder(source).load()))


def read_as_seed(source: Path) -> float:
    """Read parquet files and touch every value."""
    return sum(pd.read_parquet(path).iloc[:, 1:].values.sum() for path in sorted(source.iterdir()))


def read(folder: Path) -> float:
    """Read npy files through the project's dataset and touch every value."""
    return sum(load().sum() for load in npy_folder(folder).load().values())


def stop_workers() -> None:
    """End the pool of worker processes, so that the next conversion starts one."""
    get_reusable_executor().shutdown(wait=True)


def folder_bytes(folder: Path) -> int:
    """Return the bytes of a folder's files."""
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


def assert_equal(converted: Path, seed: Path) -> None:
    """Check that both ways made the same files, NaN included.

    Raises:
        AssertionError: naming the first file that differs.
    """
    loaders = npy_folder(converted).load()
    assert sorted(loaders) == sorted(path.stem for path in seed.iterdir())
    for partition, load in loaders.items():
        expected = np.load(seed / f"{partition}.npy")
        np.testing.assert_array_equal(load(), expected, err_msg=partition, strict=True)


def _seconds(function: Callable, *arguments: Path) -> float:
    gc.collect()
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def measure_round(source: Path, work: Path) -> dict[str, float]:
    """Measure each way once, in turn.

    Args:
        source: folder of parquet files.
        work: an empty folder.

    Returns:
        Seconds by what was measured.
    """
    os.sync()
    seconds = {"seed": _seconds(convert_as_seed, source, work / "seed")}
    stop_workers()
    os.sync()
    seconds["cold"] = _seconds(convert, source, work / "cold")
    os.sync()
    seconds["warm"] = _seconds(convert, source, work / "warm")
    seconds["read_seed"] = _seconds(read_as_seed, source)
    seconds["read"] = _seconds(read, work / "warm")
    return seconds


def measure(source: Path, work: Path, rounds: int) -> list[dict[str, float]]:
    """Measure every round, and check once that the values are equal.

    Args:
        source: folder of parquet files.
        work: an empty folder.
        rounds: number of rounds.

    Returns:
        Seconds by what was measured, of every round.
    """
    seconds = []
    for number in range(rounds):
        folder = work / str(number)
        folder.mkdir()
        seconds.append(measure_round(source, folder))
        print(" ".join(f"{name} {value:.2f} s" for name, value in seconds[-1].items()), flush=True)
        if number == 0:
            assert_equal(folder / "warm", folder / "seed")
        shutil.rmtree(folder)
    return seconds


def ratios(rounds: list[dict[str, float]], n_files: int) -> dict[str, float]:
    """Medians over rounds.

    Args:
        rounds: seconds by what was measured.
        n_files: number of files of each measurement.

    Returns:
        Ratios, and files a second.
    """

    def median(over: str, under: str) -> float:
        return round(statistics.median(each[over] / each[under] for each in rounds), 2)

    def speed(name: str) -> float:
        return round(n_files / statistics.median(each[name] for each in rounds), 1)

    return {
        "conversion_ratio": median("seed", "warm"),
        "conversion_ratio_cold": median("seed", "cold"),
        "read_ratio": median("read_seed", "read"),
        "seed_files_a_second": speed("seed"),
        "files_a_second": speed("warm"),
        "files_a_second_cold": speed("cold"),
        "seed_reads_a_second": speed("read_seed"),
        "reads_a_second": speed("read"),
    }


def watch_memory(source: Path, target: Path) -> None:
    """Convert and read back, and print the peaks of memory in bytes as JSON."""
    with MemoryWatch(psutil.Process(), 0.02) as watch:
        convert(source, target)
        read(target)
    print(json.dumps(watch.peaks))


def peaks_in_fresh_process(source: Path, target: Path) -> dict[str, float]:
    """Run ``watch_memory`` in a process of its own; peaks in megabytes."""
    command = [sys.executable, __file__, "--watch", str(source), str(target)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    peaks = json.loads(output.splitlines()[-1])
    return {name: round(value / MEGABYTE, 1) for name, value in peaks.items()}


def measure_memory(source: Path, work: Path) -> dict[str, float]:
    """Watch memory at ``N`` and at ``4 N`` files.

    Args:
        source: folder of ``N`` parquet files.
        work: an empty folder.

    Returns:
        Megabytes.
    """
    many = work / "many"
    many.mkdir()
    for path in source.iterdir():
        for copy in range(TIMES_MORE_FILES):
            os.link(path, many / f"{copy}{path.name}")
    few_peaks = peaks_in_fresh_process(source, work / "npy")
    many_peaks = peaks_in_fresh_process(many, work / "npy_of_many")
    names = ("rss", "anonymous")
    return {
        "max_rss_mb": few_peaks["rss"],
        "max_rss_mb_of_workers": few_peaks["workers_max_rss"],
        "max_rss_mb_of_all_workers": few_peaks["workers_rss"],
        **{f"{name}_mb_at_n": few_peaks[name] for name in names},
        **{f"{name}_mb_at_4n": many_peaks[name] for name in names},
        **{f"{name}_growth_mb": round(many_peaks[name] - few_peaks[name], 1) for name in names},
    }


def run(n_files: int, rounds: int, folder: Path) -> dict[str, float]:
    """Make the files and measure.

    Args:
        n_files: number of files.
        rounds: number of rounds.
        folder: an empty folder.

    Returns:
        Everything that was measured.
    """
    source, work, load = folder / "parquet", folder / "work", round(os.getloadavg()[0], 1)
    write_spectrograms(source, make_ids(n_files))
    work.mkdir()
    seconds = measure(source, work, rounds)
    stop_workers()
    memory = measure_memory(source, work)
    return {
        "n_files": n_files,
        "rounds": rounds,
        "cores": joblib.cpu_count(),
        "load_average_before": load,
        "bytes_a_file": round(folder_bytes(source) / n_files),
        **ratios(seconds, n_files),
        "mb_written": round(folder_bytes(work / "npy") / MEGABYTE, 1),
        **memory,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=200, help="number of files (200)")
    parser.add_argument("--rounds", type=int, default=5, help="number of rounds (5)")
    parser.add_argument("--watch", nargs=2, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.watch:
        watch_memory(*arguments.watch)
        return
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(run(arguments.files, arguments.rounds, Path(folder))))


if __name__ == "__main__":
    main()
