"""What of the recipe ``simulation`` helps a network to read EEG of another simulator.

There are three families of simulated recordings: one of dipoles in a head, published rates and
shapes; one of which only the definitions of the classes hold (``simulation.schematic``); one that
models of cortical columns make (``simulation.neural_mass``). A network is trained on windows of
two, half of them of each, and predicts windows of the third, which stands in for real EEG: nothing
here is real, so that parts of the recipe, and families to train on, can be chosen by it. With
``--single`` networks are trained on one family as well, on as many windows. Each row is the recipe
with one part changed; scores of families that it was trained on are of held-out patients. The last
line is one JSON object, in which ``left_out`` are the means over families not trained on:

    python benchmarks/carry_over.py --only recipe --single
    python benchmarks/carry_over.py --patients 3000 --seeds 3
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import time
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from kedro.config import OmegaConfigLoader

from hbac.eeg.votes import PREDICTION_COLUMNS, VOTE_COLUMNS
from hbac.evaluation import kl_divergence
from hbac.pipelines.modeling.input_nodes import assemble_images_of_eegs, assemble_waveforms
from hbac.pipelines.modeling.params import ModelingParams, NetworkParams, WaveformParams
from hbac.pipelines.modeling.training_nodes import train_fold
from hbac.pipelines.simulation.nodes import plan_cohort, simulate_train_eegs
from hbac.pipelines.simulation.params import SimulationParams
from hbac.pipelines.spectrogram.nodes import select_windows
from hbac.pipelines.spectrogram.params import SpectrogramParams
from hbac.settings import CONFIG_LOADER_ARGS

PROJECT = Path(__file__).resolve().parents[1]

AMPLIFIERS = {
    "gain": 0.0,
    "channel_gain": 0.0,
    "low_pass": None,
    "high_pass": None,
    "tilt": 0.0,
    "dip": 0.0,
    "noise": 0.0,
}
NOTHING_MISSING = dict.fromkeys(("drop_channel", "drop_chain", "drop_panel", "drop_stretch"), 0.0)

PICTURES = {
    "network": {"architecture": "compact", "pooling": "average"},
    "spectrogram": {"reference": "channel", "centre": True},
}
"""Against each channel's own maximum, so that no amplifier's gain matters."""

PANEL = {"panel_height": 32, "panel_width": 128}

PARTS: dict[str, dict[str, Any]] = {
    "recipe": {},
    "no other amplifiers": {"augmentation": AMPLIFIERS},
    "nothing missing": {"augmentation": NOTHING_MISSING},
    "fixed scale": {"waveform": {"scale": "fixed"}},
    "average alone": {"network": {"pooling": "average"}},
    "attention to the centre": {"network": {"pooling": "centre_attention"}},
    "resnet_1d": {"network": {"architecture": "resnet_1d"}, "augmentation": {"mirror": 0.5}},
    "smoothed targets": {"training": {"prior_votes": 1.0}},
    # Half a dozen epochs of some twenty steps: at full size it would be 0.995.
    "averaged weights": {"training": {"average_momentum": 0.95, "recalibration_batches": 16}},
    "mixup": {"augmentation": {"mixup": 0.3}},
    "time reversed": {"augmentation": {"time_reversal": 0.5}},
    "chains swapped": {"augmentation": {"swap_chains": 0.5}},
    "weight decay": {"training": {"weight_decay": 0.05}},
    "less dropout": {"network": {"dropout": 0.2}},
    "more dropout": {"network": {"dropout": 0.6}},
    "twice as long": {"training": {"epochs": 16}},
    "all of the window": {"waveform": {"seconds": 50}},
    "pictures of the window": PICTURES | {"image": PANEL | {"sources": ["eeg"]}},
    "pictures of the centre": PICTURES | {"image": PANEL | {"sources": ["centre"]}},
}
"""What each row changes."""

FAMILIES = {
    "anatomical": {"schematic": 0.0, "neural_mass": 0.0},
    "schematic": {"schematic": 1.0, "neural_mass": 0.0},
    "neural_mass": {"schematic": 0.0, "neural_mass": 1.0},
}
"""Shares of recordings that make each family."""

Windows = tuple[pd.DataFrame, np.ndarray]
"""Windows, and what a network sees of them."""


class NoCheckpoint:
    """Takes the place of the file that a training goes on from."""

    def of(self, made_from: str) -> None:
        """Keep nothing."""


def parameters() -> dict[str, Any]:
    """The parameters of pretraining, as they ship."""
    loader = OmegaConfigLoader(str(PROJECT / "conf"), **CONFIG_LOADER_ARGS)
    return loader["parameters"]["pretraining_parameters"]


def seen_by(network: NetworkParams, settings: dict[str, Any]) -> dict[str, Any]:
    """What of the parameters decides what a network sees of a window."""
    kind = "image" if network.inputs == {"picture"} else "waveform"
    return {"spectrogram": settings["spectrogram"], kind: settings["modeling"][kind]}


def windows_of(
    simulation: dict[str, Any], seen: dict[str, Any], *, family: str, patients: int, seed: int
) -> Windows:
    """Simulate patients of one family and lay out what a network sees of them."""
    size = FAMILIES[family] | {"patients": patients, "seed": seed}
    labels, _, sessions = plan_cohort(SimulationParams(**simulation | size))
    spectrogram = SpectrogramParams(**seen["spectrogram"])
    windows = select_windows(labels, spectrogram).assign(spectrogram_source="empty")
    eegs = simulate_train_eegs(sessions)
    if "image" in seen:
        record = {"image": seen["image"], "spectrogram": spectrogram.settings}
        tasks = assemble_images_of_eegs(windows, eegs, {}, record)
    else:
        layout = WaveformParams(**seen["waveform"]).layout
        tasks = assemble_waveforms(windows, eegs, spectrogram.cleaning, layout)
    return windows, np.stack([task() for task in tasks.values()])


def _share(made: Windows, parts: int) -> Windows:
    """Windows of one in so many patients."""
    windows, arrays = made
    patients = windows["patient_id"].unique()
    kept = windows["patient_id"].isin(patients[: len(patients) // parts]).to_numpy()
    return windows[kept], arrays[kept]


def _together(made: list[Windows]) -> Windows:
    tables, arrays = zip(*made, strict=True)
    return pd.concat(tables, ignore_index=True), np.concatenate(arrays)


def _joined(training: Windows, scored: dict[str, Windows]) -> tuple[pd.DataFrame, np.ndarray]:
    """All windows as one fold, that holds out those to be scored."""
    parts = {"": training} | scored
    tables = [
        windows.assign(held_out=bool(name), fold=0, family=name)
        for name, (windows, _) in parts.items()
    ]
    table = pd.concat(tables, ignore_index=True)
    table["row"] = np.arange(len(table))
    return table, np.concatenate([arrays for _, arrays in parts.values()])


def score(
    training: Windows, scored: dict[str, Windows], modeling: ModelingParams
) -> dict[str, dict[str, float]]:
    """Train on some windows; mean KL divergence and top-1 on others, by name."""
    table, arrays = _joined(training, scored)
    architecture = modeling.network.architecture
    _, _, predicted = train_fold(arrays, table, NoCheckpoint(), modeling, architecture=architecture)
    votes = predicted[list(VOTE_COLUMNS)].to_numpy()
    shares = predicted[list(PREDICTION_COLUMNS)].to_numpy()
    right = votes.argmax(axis=1) == shares.argmax(axis=1)
    scores = pd.DataFrame({"kl": kl_divergence(votes, shares), "top_1": right})
    family = table.loc[table["held_out"], "family"].to_numpy()
    return scores.groupby(family).mean().to_dict("index")


def variants(settings: dict[str, Any], seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the parameters of pretraining, and the same with each part changed."""
    for name, changes in PARTS.items():
        changed = copy.deepcopy(settings)
        for group, values in changes.items():
            of = changed if group in changed else changed["modeling"]
            of[group] |= values
        changed["modeling"]["training"]["seed"] = seed
        yield name, changed


def training_sets(single: bool) -> list[tuple[str, ...]]:
    """All families but one, and each alone."""
    return [
        *combinations(FAMILIES, len(FAMILIES) - 1),
        *([(name,) for name in FAMILIES] if single else []),
    ]


def simulated(
    make: Callable[..., Windows], made_as: tuple[dict, dict], patients: int, seed: int
) -> dict[str, Windows]:
    """Simulate patients of each family."""
    return {name: make(*made_as, family=name, patients=patients, seed=seed) for name in FAMILIES}


def row_of(trained: tuple[str, ...], scores: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Scores of all families, and their mean over those not trained on."""
    named = {
        f"{what}_{name}": value for name, values in scores.items() for what, value in values.items()
    }
    others = [scores[name]["kl"] for name in FAMILIES if name not in trained]
    return {"trained_on": "+".join(trained)} | named | {"left_out": sum(others) / len(others)}


def rows(arguments: argparse.Namespace, seed: int) -> Iterator[dict[str, Any]]:
    """Train every variant on every set of families, and score it on all."""
    settings = parameters()
    if arguments.epochs is not None:
        settings["modeling"]["training"]["epochs"] = arguments.epochs
    make = joblib.Memory(arguments.cache, verbose=0).cache(windows_of)
    for variant, changed in variants(settings, seed):
        if arguments.only not in variant:
            continue
        modeling = ModelingParams(**changed["modeling"])
        made_as = changed["simulation"], seen_by(modeling.network, changed)
        train = simulated(make, made_as, arguments.patients, 10 * seed)
        test = simulated(make, made_as, arguments.patients // 3, 10 * seed + 1)
        for trained in training_sets(arguments.single):
            started = time.perf_counter()
            seen = _together([_share(train[name], len(trained)) for name in trained])
            row = {"variant": variant, "seed": seed} | row_of(trained, score(seen, test, modeling))
            shown = {k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()}
            print(f"{shown} ({time.perf_counter() - started:.0f} s)", flush=True)
            yield row


def main() -> None:
    """Print a line a training, and the means over seeds as one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patients", type=int, default=1500, help="trained on (1500)")
    parser.add_argument("--epochs", type=int, help="as the recipe has them, where not given")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", default="", help="variants whose name holds this")
    parser.add_argument("--single", action="store_true", help="train on single families as well")
    parser.add_argument("--cache", help="folder that keeps windows from one run to the next")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    found = pd.DataFrame(row for seed in range(arguments.seeds) for row in rows(arguments, seed))
    means = found.groupby(["variant", "trained_on"], sort=False).mean(numeric_only=True)
    table = means.drop(columns="seed").round(3).reset_index().to_dict("records")
    print(json.dumps(vars(arguments) | {"variants": table}))


if __name__ == "__main__":
    main()
