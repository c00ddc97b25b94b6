"""How long all that the table of labels says takes, on a table of the competition's size.

A simulated ``train.csv`` has as many labels, EEGs, spectrograms and patients as the competition's,
held as unevenly, and goes through the label nodes of the pipeline ``eda`` in a fresh process, from
the file to the last CSV, JSON and PNG. The last line is one JSON object: ``seconds`` are those of
the whole process, ``cpu_seconds`` what it took of the processors, ``seconds_of_nodes`` leave out
its start. Nothing else is needed:

    python benchmarks/eda.py
    python benchmarks/eda.py --rows 20000 --eegs 4000 --spectrograms 2500 --patients 500
    python benchmarks/eda.py --keep FOLDER
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

BARS = {"seconds": 15, "peak_mib": 1024}
_CLASSES = ("Seizure", "LPD", "GPD", "LRDA", "GRDA", "Other")
_PREVALENCES = np.array([0.19, 0.14, 0.15, 0.15, 0.18, 0.19])
_SECONDS_BETWEEN = {2: 0.45, 4: 0.2, 6: 0.12, 8: 0.1, 12: 0.08, 30: 0.04, 80: 0.01}
_MEBIBYTE = 1 << 20
_GAP_SECONDS = 60


def _share_out(random: np.random.Generator, total: int, holders: int, spread: float) -> np.ndarray:
    """Who holds each of ``total`` things: everyone one at least, some far more, in order."""
    weights = random.lognormal(0, spread, holders)
    extra = random.choice(holders, total - holders, p=weights / weights.sum())
    return np.sort(np.append(np.arange(holders), extra))


def _cumulate(steps: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Sum up steps, from 0 again where a new holder begins."""
    total = np.cumsum(steps)
    return total - np.maximum.accumulate(np.where(first, total, -np.inf))


def _first(owners: np.ndarray) -> np.ndarray:
    return np.append(True, owners[1:] != owners[:-1])


def _draw_votes(random: np.random.Generator, patients: np.ndarray, eegs: np.ndarray) -> np.ndarray:
    """Votes of each label: labels of an EEG share them in runs, EEGs of a patient resemble."""
    habits = random.dirichlet(2 * _PREVALENCES, patients.max() + 1)
    truth = random.standard_gamma(4 * habits[patients] + 0.01) + 1e-9
    anew = _first(eegs) | (random.random(len(eegs)) < 0.15)
    run = np.cumsum(anew) - 1
    truth = truth[anew] / truth[anew].sum(axis=1, keepdims=True)
    few = random.choice([1, 2, 3, 4, 5, 6, 7], len(truth), p=[0.2, 0.1, 0.5, 0.1, 0.05, 0.03, 0.02])
    many = random.integers(10, 29, len(truth))
    n_votes = np.where(random.random(len(truth)) < 0.35, many, few)
    return random.multinomial(n_votes, truth)[run]


def make_labels(rows: int, eegs: int, spectrograms: int, patients: int, seed: int) -> pd.DataFrame:
    """Make a table of labels.

    A patient has few recordings or many, a spectrogram one EEG or several, an EEG one label or
    hundreds, mostly 2 to 30 s from each other, so that their 50-s windows overlap heavily.

    Args:
        rows: number of labels, at least as many as EEGs, of those as spectrograms, of those as
            patients.
        eegs: number of EEGs.
        spectrograms: number of spectrograms.
        patients: number of patients.
        seed: of everything random.

    Returns:
        The columns of ``train.csv``.
    """
    random = np.random.default_rng(seed)
    patient_of_spectrogram = _share_out(random, spectrograms, patients, 1.3)
    spectrogram_of_eeg = _share_out(random, eegs, spectrograms, 1.0)
    eeg = _share_out(random, rows, eegs, 1.4)
    spectrogram = spectrogram_of_eeg[eeg]
    patient = patient_of_spectrogram[spectrogram]
    steps = random.choice(
        [2, 4, 6, 8, 12, 30, 80], rows, p=[0.45, 0.2, 0.12, 0.1, 0.08, 0.04, 0.01]
    )
    offsets = _cumulate(steps, _first(eeg))
    later = _cumulate(np.where(_first(eeg), steps + _GAP_SECONDS, steps), _first(spectrogram))
    votes = _draw_votes(random, patient, eeg)
    columns = {
        "eeg_id": 1_000_000 + eeg,
        "eeg_sub_id": _cumulate(np.ones(rows), _first(eeg)).astype(int),
        "eeg_label_offset_seconds": offsets,
        "spectrogram_id": 2_000_000 + spectrogram,
        "spectrogram_sub_id": _cumulate(np.ones(rows), _first(spectrogram)).astype(int),
        "spectrogram_label_offset_seconds": later,
        "label_id": np.arange(rows),
        "patient_id": 3_000_000 + patient,
        "expert_consensus": np.array(_CLASSES)[votes.argmax(axis=1)],
    }
    names = [f"{name.lower()}_vote" for name in _CLASSES]
    return pd.DataFrame(columns | dict(zip(names, votes.T, strict=True)))


def _catalog(folder: Path):
    from kedro.io import DataCatalog, MemoryDataset

    from hbac.pipelines.eda.params import EdaParams
    from hbac.pipelines.eda.statistics import COLUMNS

    files = {
        "train_labels": ("hbac.datasets.LabelsDataset", "train.csv", {"votes": True}),
        "eda_{name}_table": ("hbac.datasets.TableDataset", "{name}.csv", {}),
        "eda_{name}_figure": ("hbac.datasets.FigureDataset", "{name}.png", {"dpi": 150}),
        "eda_statistics": ("hbac.datasets.RecordDataset", "statistics.json", {}),
    }
    catalog = DataCatalog.from_config(
        {
            name: {"type": kind, "filepath": f"{folder}/{file}"} | options
            for name, (kind, file, options) in files.items()
        }
    )
    given = {
        "train_eegs": {},
        "train_spectrograms": {},
        "unlabelled_labels": pd.DataFrame(columns=["eeg_id", "spectrogram_id", "patient_id"]),
        "eda_signal_statistics_table": pd.DataFrame(columns=[*COLUMNS]),
        "params:eda": EdaParams(seed=0, sample_size=1, windows_per_class=1),
    }
    for name, data in given.items():
        catalog[name] = MemoryDataset(data)
    return catalog


def run_nodes(folder: Path) -> dict[str, float]:
    """Run the label nodes on the table of a folder, write what they make beside it, and measure."""
    start = time.perf_counter()
    from kedro.runner import SequentialRunner

    from hbac.pipelines.eda import create_pipeline

    everything = create_pipeline()
    signals = everything.from_nodes("eda.measure_eegs", "eda.choose_examples")
    labels = everything - signals + everything.only_nodes("eda.collect_statistics")
    catalog = _catalog(folder)
    ready = time.perf_counter()
    SequentialRunner().run(labels, catalog)
    end = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _MEBIBYTE
    return {
        "seconds_of_imports": round(ready - start, 2),
        "seconds_of_nodes": round(end - ready, 2),
        "peak_mib": round(peak),
        "nodes": len(labels.nodes),
    }


def measure(folder: Path) -> dict[str, float]:
    """Run the nodes in a fresh process, and add the seconds from its start to its end."""
    command = [sys.executable, __file__, "--run", str(folder)]
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = round(used.ru_utime + used.ru_stime, 2)
    told = json.loads(done.stdout.splitlines()[-1])
    return {"seconds": round(seconds, 2), "cpu_seconds": cpu} | told


def main() -> None:
    """Make the table, measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=106_800, help="labels (106800)")
    parser.add_argument("--eegs", type=int, default=17_089, help="EEGs (17089)")
    parser.add_argument("--spectrograms", type=int, default=11_138, help="spectrograms (11138)")
    parser.add_argument("--patients", type=int, default=1_950, help="patients (1950)")
    parser.add_argument("--seed", type=int, default=0, help="of the table (0)")
    parser.add_argument("--keep", type=Path, help="folder for the table and what is made of it")
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    arguments = vars(parser.parse_args())
    keep, run = arguments.pop("keep"), arguments.pop("run")
    if run:
        print(json.dumps(run_nodes(run)))
        return
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        make_labels(**arguments).to_csv(folder / "train.csv", index=False)
        measured = measure(folder)
    about = {"cores": os.cpu_count(), "load_average_before": load}
    met = {name: measured[name] < bar for name, bar in BARS.items()}
    print(json.dumps(arguments | about | measured | {"bars": BARS, "met": met}))


if __name__ == "__main__":
    main()
