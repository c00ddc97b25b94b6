"""The pipelines ``conversion`` and ``spectrogram`` at the size of the competition's data.

Some hundred files of real size and content are written, and then hard-linked under new ids to the
full number: half of the EEGs are 50 s long, the others longer, 85 s on average, as in the
competition, whose 17,089 files have 20 GB. Linked files share the page cache, so that reading costs
no disk; what is written is written in full. Both pipelines run as ``kedro run`` in processes of
their own, twice: the second time there is nothing left to do. Of each run are given, in seconds
and megabytes

    seconds_to_list        from the start of the process until it says how much there is to make
    seconds_to_first_file  until the first file is there
    rss, anonymous         peak of the run's own process: resident, and less file-backed pages
    workers_*              peaks of the processes that it starts: resident, their sum (pages that
                           they share count in each) and the largest, and the sum of what they
                           have allocated

and of each first run ``over_read``: its wall time, start included, times the cores, over reading
and decoding the same files by pyarrow on one thread, and nothing else. That is timed on the
templates before and after the run.

Besides, the overhead of a partition: folders of tiny partitions are saved, saved again, when all
are skipped, and loaded, with the worker processes already running.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import psutil
import pyarrow.parquet as pq
from conversion import MEGABYTE, MemoryWatch, npy_folder
from files import make_ids, tiny_array, write_eegs, write_labels, write_spectrograms

from hbac.eeg import ELECTRODES

PROJECT = Path(__file__).resolve().parents[1]
SOURCES = {"conversion": "spectrograms", "spectrogram": "eegs"}
COLUMNS_READ = {"conversion": None, "spectrogram": list(ELECTRODES)}
OUTPUTS = {
    "conversion": "02_intermediate/spectrograms",
    "spectrogram": "04_feature/eeg_spectrograms",
}
BYTES_OF_OUTPUT = {"spectrogram": 128 * 256 * 4 * 2 + 128, "conversion": 300 * 400 * 4 + 128}
MARGIN_BYTES = 3e9
MEAN_SECONDS_OF_LONG = 120
SHORT_SECONDS = 50
PARTITIONS = (1_000, 10_000, 100_000)
MAX_PARENT_MB = 1500
MAX_SECOND_RUN_SECONDS = 60
MAX_OVER_READ = 3


def eeg_lengths(n: int) -> list[int]:
    """Lengths of ``n`` EEGs in even seconds: half are 50 s, the mean of all is 85 s."""
    n_long = n // 2
    quantiles = (np.arange(n_long) + 0.5) / max(n_long, 1)
    extra = -np.log1p(-quantiles) * (MEAN_SECONDS_OF_LONG - SHORT_SECONDS)
    lengths = SHORT_SECONDS + 2 * np.round(extra / 2).astype(int)
    return [SHORT_SECONDS] * (n - n_long) + lengths.tolist()


def check_disk(folder: Path, n_eegs: int, n_spectrograms: int) -> None:
    """Refuse to start where the outputs would not fit.

    Raises:
        SystemExit: naming what is needed and what is free.
    """
    outputs = {"spectrogram": n_eegs, "conversion": n_spectrograms}
    needed = MARGIN_BYTES + sum(n * BYTES_OF_OUTPUT[name] for name, n in outputs.items())
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SystemExit(
            f"{folder} has {free / 1e9:.1f} GB free; {needed / 1e9:.1f} GB are needed. Set TMPDIR, "
            "or give --keep a folder on a larger disk, or make fewer --eegs and --spectrograms"
        )


def _link(templates: Sequence[Path], folder: Path, ids: Sequence[int]) -> None:
    folder.mkdir(parents=True)
    for place, name in enumerate(ids):
        os.link(templates[place % len(templates)], folder / f"{name}.parquet")


def prepare(folder: Path, n_eegs: int, n_spectrograms: int, n_templates: int) -> dict[str, float]:
    """Write templates, link them to the full number, and write ``train.csv``.

    Args:
        folder: an empty folder, which gets ``templates`` and ``raw``.
        n_eegs: number of EEG files.
        n_spectrograms: number of spectrogram files.
        n_templates: number of different files of either kind.

    Returns:
        What was made, in numbers.
    """
    names = make_ids(n_templates)
    lengths = eeg_lengths(n_templates)
    eegs, spectrograms = folder / "templates/eegs", folder / "templates/spectrograms"
    write_eegs(eegs, names, lengths)
    write_spectrograms(spectrograms, names)
    eeg_ids, spectrogram_ids = make_ids(n_eegs, seed=1), make_ids(n_spectrograms, seed=2)
    _link([eegs / f"{name}.parquet" for name in names], folder / "raw/train_eegs", eeg_ids)
    _link(
        [spectrograms / f"{name}.parquet" for name in names],
        folder / "raw/train_spectrograms",
        spectrogram_ids,
    )
    seconds = np.resize(lengths, n_eegs)
    write_labels(folder / "raw/train.csv", eeg_ids, spectrogram_ids, eeg_seconds=seconds)
    return {
        "eegs": n_eegs,
        "spectrograms": n_spectrograms,
        "templates": n_templates,
        "mean_eeg_seconds": round(float(seconds.mean()), 1),
        "eegs_gb": round(_bytes(folder / "raw/train_eegs") / 1e9, 2),
        "spectrograms_gb": round(_bytes(folder / "raw/train_spectrograms") / 1e9, 2),
    }


def _files(folder: Path, suffix: str) -> list[os.DirEntry]:
    return [entry for entry in os.scandir(folder) if entry.name.endswith(suffix)]


def _bytes(folder: Path) -> int:
    return sum(entry.stat().st_size for entry in _files(folder, ".parquet"))


def _environment(folder: Path) -> dict[str, str]:
    store = {"MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}"}
    return os.environ | store | {"PYTHONUNBUFFERED": "1"}


def _read_lines(process: subprocess.Popen, start: float) -> list[tuple[float, str]]:
    """Lines that a process prints, each with the seconds at which it came."""
    lines = []
    for line in process.stdout:
        lines.append((time.monotonic() - start, line.rstrip()))
        print("   ", lines[-1][1], flush=True)
    return lines


def _time_of(lines: list[tuple[float, str]], part: str) -> float:
    return round(next(seconds for seconds, line in lines if part in line), 1)


def run_pipeline(pipeline: str, folder: Path) -> dict[str, float]:
    """Run a pipeline in a process of its own.

    Args:
        pipeline: its name.
        folder: with ``raw``; gets ``data``.

    Returns:
        Seconds, and peaks of memory in megabytes.

    Raises:
        SystemExit: if it fails.
    """
    folders = f"raw_dir={folder / 'raw'},data_dir={folder / 'data'}"
    command = [sys.executable, "-m", "kedro", "run", "--pipeline", pipeline, "--params", folders]
    os.sync()  # What was written before is not for this run to wait for.
    start, started_at = time.monotonic(), time.time()
    with (
        subprocess.Popen(
            command,
            cwd=PROJECT,
            env=_environment(folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
        MemoryWatch(psutil.Process(process.pid), 0.5) as watch,
    ):
        lines = _read_lines(process, start)
    seconds = time.monotonic() - start
    if process.returncode:
        raise SystemExit(f"kedro run --pipeline {pipeline} ended with {process.returncode}")
    made = [entry.stat().st_mtime for entry in _files(folder / "data" / OUTPUTS[pipeline], ".npy")]
    peaks = {f"{name}_mb": round(peak / MEGABYTE, 1) for name, peak in watch.peaks.items()}
    return {
        "files": len(made),
        "seconds": round(seconds, 1),
        "seconds_to_list": _time_of(lines, "partitions to make"),
        **_of_new_files([changed - started_at for changed in made if changed > started_at]),
        **peaks,
    }


def _read_seconds(pipeline: str, folder: Path) -> float:
    """Mean seconds to read and decode one of a pipeline's files."""
    paths = sorted((folder / "templates" / SOURCES[pipeline]).iterdir())
    start = time.perf_counter()
    for path in paths:
        pq.read_table(path, columns=COLUMNS_READ[pipeline], use_threads=False)
    return (time.perf_counter() - start) / len(paths)


def run_between_reads(pipeline: str, folder: Path) -> dict[str, float]:
    """Run a pipeline as ``run_pipeline``, and set its time against bare reading."""
    before = _read_seconds(pipeline, folder)
    measured = run_pipeline(pipeline, folder)
    read = measured["files"] * (before + _read_seconds(pipeline, folder)) / 2
    return measured | {"over_read": round(measured["seconds"] * joblib.cpu_count() / read, 2)}


def _of_new_files(seconds: list[float]) -> dict[str, float]:
    """When the first file was made, and how many a second from then on; nothing for none."""
    if not seconds:
        return {}
    first, last = min(seconds), max(seconds)
    return {
        "seconds_to_first_file": round(first, 1),
        "files_a_second": round(len(seconds) / max(last - first, 1e-3), 1),
    }


def measure_full(folder: Path, n_eegs: int, n_spectrograms: int, n_templates: int) -> dict:
    """Run both pipelines, and both again.

    Args:
        folder: an empty folder.
        n_eegs: see ``prepare``.
        n_spectrograms: see there.
        n_templates: see there.

    Returns:
        Everything that was measured.
    """
    print("making files", flush=True)
    data = prepare(folder, n_eegs, n_spectrograms, n_templates)
    runs = {}
    for name in ("first", "second"):
        for pipeline in OUTPUTS:
            print(f"{name} run of {pipeline}", flush=True)
            run = run_between_reads if name == "first" else run_pipeline
            runs[f"{pipeline}_{name}"] = run(pipeline, folder)
            print(runs[f"{pipeline}_{name}"], flush=True)
    second = [runs[f"{pipeline}_second"]["seconds"] for pipeline in OUTPUTS]
    complete = {"conversion": n_spectrograms, "spectrogram": n_eegs}
    return {
        "source": "hard links, page cache warm",
        **data,
        **runs,
        "second_runs_seconds": round(sum(second), 1),
        "bars": {
            "every_file_made": all(
                runs[f"{name}_first"]["files"] == n for name, n in complete.items()
            ),
            "parent_under_1500_mb": max(run["rss_mb"] for run in runs.values()) < MAX_PARENT_MB,
            "eeg_over_read_under_3": runs["spectrogram_first"]["over_read"] < MAX_OVER_READ,
            "second_runs_under_60_s": max(second) < MAX_SECOND_RUN_SECONDS,
        },
    }


def _microseconds(function: Callable, n: int) -> float:
    start = time.perf_counter()
    function()
    return round((time.perf_counter() - start) / n * 1e6, 1)


def measure_overhead(folder: Path, sizes: Sequence[int]) -> list[dict[str, float]]:
    """Save, save again and load folders of tiny partitions.

    Args:
        folder: an empty folder.
        sizes: numbers of partitions.

    Returns:
        A row a size, in microseconds a partition.
    """
    npy_folder(folder / "start").save({str(number): tiny_array for number in range(100)})
    rows = []
    for n in sizes:
        dataset = npy_folder(folder / str(n))
        save = partial(dataset.save, {f"{number:06d}": tiny_array for number in range(n)})
        rows.append(
            {
                "partitions": n,
                "save_microseconds": _microseconds(save, n),
                "skip_microseconds": _microseconds(save, n),
                "load_microseconds": _microseconds(dataset.load, n),
            }
        )
        print(" ".join(f"{name} {value}" for name, value in rows[-1].items()), flush=True)
    return rows


@contextmanager
def _work_folder(keep: Path | None) -> Iterator[Path]:
    """A folder that is removed at the end, or the one to keep."""
    if keep is None:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
        return
    keep.mkdir(parents=True)
    yield keep.resolve()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--eegs", type=int, default=17_089, help="EEG files (17089)")
    parser.add_argument("--spectrograms", type=int, default=11_138, help="spectrograms (11138)")
    parser.add_argument("--templates", type=int, default=200, help="different files (200)")
    parser.add_argument("--partitions", type=int, nargs="+", default=PARTITIONS, help="tiny ones")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="new folder to work in and leave")
    parser.add_argument("--only", choices=("overhead", "full"), help="one half alone")
    arguments = parser.parse_args()
    if arguments.keep and arguments.keep.exists():
        parser.error(f"{arguments.keep} is there already")
    if min(arguments.eegs, arguments.spectrograms, arguments.templates) < 1:
        parser.error("at least one file of each kind is needed")
    load = round(os.getloadavg()[0], 1)
    measured = {"cores": joblib.cpu_count(), "load_average_before": load}
    with _work_folder(arguments.keep) as folder:
        if arguments.only != "overhead":
            check_disk(folder, arguments.eegs, arguments.spectrograms)
        if arguments.only != "full":
            measured["overhead"] = measure_overhead(folder / "tiny", arguments.partitions)
        if arguments.only != "overhead":
            sizes = (arguments.eegs, arguments.spectrograms, arguments.templates)
            measured["full"] = measure_full(folder, *sizes)
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
