"""What it gives to make everything that is made of an EEG while it is read once.

Spectrograms, waveforms and band power of the same files, made in one pass and in three, in turn and
on one core. Both ways write the same files.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
from files import make_ids, write_eegs

from hbac.datasets import OnePassDataset, ParallelPartitionedDataset
from hbac.pipelines.modeling.params import ModelingParams
from hbac.pipelines.spectrogram.nodes import (
    compute_eeg_spectrograms,
    cut_waveforms,
    in_one_pass,
    measure_band_powers,
)
from hbac.pipelines.spectrogram.params import SpectrogramParams


def shipped_parameters() -> dict[str, Any]:
    """Return the parameters that ship with the project, of the recipe ``seed``."""
    from kedro.config import OmegaConfigLoader

    from hbac.settings import CONFIG_LOADER_ARGS

    conf = Path(__file__).parents[1] / "conf"
    return OmegaConfigLoader(str(conf), **CONFIG_LOADER_ARGS)["parameters"]


def what_is_made(eegs: Mapping[str, Any], windows: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return by folder and ``eeg_id`` what makes it."""
    parameters = shipped_parameters()
    spectrogram = SpectrogramParams(**parameters["spectrogram"])
    layout = ModelingParams(**parameters["modeling"]).waveform.layout
    return {
        "spectrograms": compute_eeg_spectrograms(eegs, windows, spectrogram),
        "waveforms": cut_waveforms(eegs, windows, spectrogram.cleaning, layout),
        "band_power": measure_band_powers(eegs, windows),
    }


def in_three_passes(folder: Path, made: dict[str, dict[str, Any]]) -> None:
    """Fill the folders one after the other."""
    for name, tasks in made.items():
        ParallelPartitionedDataset(path=str(folder / name), **_ARRAYS).save(tasks)


def in_one(folder: Path, made: dict[str, dict[str, Any]]) -> None:
    """Fill the folders together."""
    first, *others = made
    beside = {name: str(folder / name) for name in others}
    dataset = OnePassDataset(path=str(folder / first), beside=beside, **_ARRAYS)
    dataset.save(in_one_pass(made[first], **{name: made[name] for name in others}))


_ARRAYS = {"dataset": "hbac.datasets.NpyDataset", "filename_suffix": ".npy", "n_jobs": 1}
_EEGS = {"dataset": "hbac.datasets.EEGDataset", "filename_suffix": ".parquet", "n_jobs": 1}
_WAYS = {"one": in_one, "three": in_three_passes}


def main() -> None:
    """Measure both ways in turn and print the figures as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    load, seconds = os.getloadavg()[0], {name: [] for name in _WAYS}
    with tempfile.TemporaryDirectory() as folder:
        raw, ids = Path(folder, "raw"), make_ids(options.files)
        write_eegs(raw, ids)
        eegs = ParallelPartitionedDataset(path=str(raw), **_EEGS).load()
        windows = pd.DataFrame({"eeg_id": ids, "window": 0, "eeg_offset_seconds": 0.0})
        made = what_is_made(eegs, windows)
        in_one(Path(folder, "warm"), made)
        for number in range(options.rounds):
            for name, way in _WAYS.items():
                start = time.perf_counter()
                way(Path(folder, f"{name}_{number}"), made)
                seconds[name].append(time.perf_counter() - start)
    ratios = [three / one for one, three in zip(seconds["one"], seconds["three"], strict=True)]
    figures = {
        "files": options.files,
        "load": round(load, 1),
        **{
            f"ms_per_file_{name}": round(1000 * median(each) / options.files, 1)
            for name, each in seconds.items()
        },
        "pass_ratio": round(median(ratios), 2),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
