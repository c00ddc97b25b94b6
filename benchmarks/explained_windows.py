"""How long it takes to explain windows: maps, words, tables and figures, without the tests.

The nodes of the pipeline ``explainability`` run one after another, as in a run, on networks with
random weights, one a fold, that see random pictures of two sources; each window is held out by one
of them. Maps include the tracing of the network, which all folds share. Figures are drawn and saved
by worker processes, of as many windows as the parameters ship with. The last line is one JSON
object, of which ``seconds`` of each node and of all, and ``processor_seconds`` of maps, which other
work on the machine does not stretch:

    python benchmarks/explained_windows.py
    python benchmarks/explained_windows.py --architecture compact --size 128 128
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import keras
import numpy as np
import pandas as pd
from kedro.config import OmegaConfigLoader

from hbac.datasets import ParallelPartitionedDataset
from hbac.eeg import CHANNELS, Recording
from hbac.eeg.votes import CLASSES, PREDICTION_COLUMNS, VOTE_COLUMNS, VOTE_COUNT_COLUMNS
from hbac.models import build_model
from hbac.pipelines.explainability.figure_nodes import draw_windows
from hbac.pipelines.explainability.nodes import (
    choose_windows,
    compute_activation_maps,
    tabulate_importance,
    tell_evidence,
)
from hbac.pipelines.explainability.params import ExplainabilityParams
from hbac.settings import CONFIG_LOADER_ARGS

PROJECT = Path(__file__).parents[1]
DOWN, ACROSS = 4, 2
"""Panels of a picture: the chains below one another, two sources side by side."""


def random_recording(seed: int) -> Recording:
    """50 s of noise at 200 Hz."""
    noise = np.random.default_rng(seed).normal(0, 20, (len(CHANNELS), 10_000))
    return Recording(noise.astype(np.float32), CHANNELS)


def random_windows(n: int, folds: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predictions with votes of windows, all different, and the rows of the model's input."""
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 9, (n, len(CLASSES)))
    predictions = pd.DataFrame(
        {
            "eeg_id": np.arange(n),
            "window": 0,
            "patient_id": np.arange(n),
            "fold": np.arange(n) % folds,
        }
    )
    columns = {
        **dict(zip(VOTE_COUNT_COLUMNS, counts.T, strict=True)),
        **dict(zip(VOTE_COLUMNS, (counts / counts.sum(axis=1, keepdims=True)).T, strict=True)),
        **dict(zip(PREDICTION_COLUMNS, rng.dirichlet(np.ones(len(CLASSES)), n).T, strict=True)),
    }
    predictions = predictions.assign(n_votes=counts.sum(axis=1), **columns)
    return predictions, predictions[["eeg_id", "window"]].assign(eeg_offset_seconds=0.0)


def shipped_params(n: int) -> ExplainabilityParams:
    """The parameters as they ship, but that all of ``n`` windows are explained."""
    loader = OmegaConfigLoader(str(PROJECT / "conf"), **CONFIG_LOADER_ARGS)
    shipped = loader["parameters"]["explainability"]
    return ExplainabilityParams(**shipped | {"random_per_class": n})


def random_ensemble(
    architecture: str, size: tuple[int, int], folds: int
) -> tuple[dict[str, Any], dict[str, Callable[[], keras.Model]]]:
    """A record of an ensemble, and its networks by name, as callables."""
    entries, networks = [], {}
    for fold in range(folds):
        name = f"fold_{fold}.{architecture}"
        keras.utils.set_random_seed(fold)
        network = build_model(architecture=architecture, image_size=size)
        networks[name] = lambda network=network: network
        entries.append({"name": name, "fold": fold, "architecture": architecture,
                        "input": "picture", "val_loss": 1.0})  # fmt: skip
    image = {
        "sources": ["regional", "eeg"],
        "fit": "stretch",
        "normalisation": "window",
        "eeg_order": "aligned",
        "panel_height": size[0] // DOWN,
        "panel_width": size[1] // ACROSS,
    }
    blend = {"weights": [1.0], "bias": [0.0] * len(CLASSES)}
    return {
        "networks": entries,
        "image": image,
        "spectrogram": {},
        "blend": blend,
        "mirror": False,
    }, networks


def save_figures(figures: dict[str, Callable[[], Any]]) -> None:
    """Draw and save figures as the data catalog does."""
    with tempfile.TemporaryDirectory() as folder:
        dataset = ParallelPartitionedDataset(
            path=folder, dataset="hbac.datasets.FigureDataset", filename_suffix=".png"
        )
        dataset.save(figures)


def measure(architecture: str, size: tuple[int, int], n: int, folds: int) -> dict[str, Any]:
    """Explain windows; the seconds that each step takes."""
    predictions, windows = random_windows(n, folds)
    ensemble, networks = random_ensemble(architecture, size, folds)
    pictures = np.random.default_rng(0).normal(0, 0.5, (n, *size)).astype(np.float16)
    eegs = {str(number): partial(random_recording, number) for number in range(n)}
    params, seconds = shipped_params(n), {}

    def timed(name: str, call: Callable[..., Any], *arguments: Any) -> Any:
        start = time.perf_counter()
        done = call(*arguments)
        seconds[name] = round(time.perf_counter() - start, 2)
        return done

    chosen = timed("choose", choose_windows, predictions, windows, eegs, params)
    processor = time.process_time()
    maps = timed(
        "maps", compute_activation_maps, chosen, pictures, pictures[:0], networks, ensemble, params
    )
    processor = time.process_time() - processor
    evidence = timed("words", tell_evidence, chosen, maps, ensemble)
    timed("tables", tabulate_importance, chosen, maps, ensemble)
    figures = draw_windows(chosen, maps, evidence, pictures, eegs, ensemble, [], params)
    timed("figures", save_figures, figures)
    return {
        "seconds": seconds | {"all": round(sum(seconds.values()), 2)},
        "processor_seconds": round(processor, 2),
        "n_figures": len(figures),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--architecture", default="efficientnet_b0")
    parser.add_argument("--size", type=int, nargs=2, default=(512, 512), help="of the pictures")
    parser.add_argument("--windows", type=int, default=100, help="to explain (100)")
    parser.add_argument("--folds", type=int, default=5, help="networks (5)")
    arguments = parser.parse_args()
    load = round(os.getloadavg()[0], 1)
    measured = measure(
        arguments.architecture, tuple(arguments.size), arguments.windows, arguments.folds
    )
    settings = vars(arguments) | {"cores": joblib.cpu_count(), "load_average_before": load}
    print(json.dumps(settings | measured))


if __name__ == "__main__":
    main()
