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
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from kedro.config import OmegaConfigLoader

from hbac.eeg.votes import PREDICTION_COLUMNS, VOTE_COLUMNS
from hbac.evaluation import kl_divergence
from hbac.pipelines.modeling.input_nodes import assemble_waveform_input
from hbac.pipelines.modeling.params import ModelingParams
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
}
"""What each row changes."""

FAMILIES = {
    "anatomical": {"schematic": 0.0, "neural_mass": 0.0},
    "schematic": {"schematic": 1.0, "neural_mass": 0.0},
    "neural_mass": {"schematic": 0.0, "neural_mass": 1.0},
}
"""Shares of recordings that make each family."""

Windows = tuple[pd.DataFrame, np.ndarray]
"""Windows, and their waveforms."""


class NoCheckpoint:
    """Takes the place of the file that a training goes on from."""

    def of(self, made_from: str) -> None:
        """Keep nothing."""


def parameters() -> dict[str, Any]:
    """The parameters of pretraining, as they ship."""
    loader = OmegaConfigLoader(str(PROJECT / "conf"), **CONFIG_LOADER_ARGS)
    return loader["parameters"]["pretraining_parameters"]


def windows_of(
    settings: dict[str, Any], waveform: dict[str, Any], *, family: str, patients: int, seed: int
) -> Windows:
    """Simulate patients of one family and lay out what a network sees of them."""
    size = FAMILIES[family] | {"patients": patients, "seed": seed}
    modeling = ModelingParams(**settings["modeling"] | {"waveform": waveform})
    labels, _, sessions = plan_cohort(SimulationParams(**settings["simulation"] | size))
    spectrogram = SpectrogramParams(**settings["spectrogram"])
    windows = select_windows(labels, spectrogram).assign(spectrogram_source="empty")
    tasks = assemble_waveform_input(windows, simulate_train_eegs(sessions), modeling, spectrogram)
    return windows, np.stack([task() for task in tasks.values()])


def _share(made: Windows, parts: int) -> Windows:
    """Windows of one in so many patients."""
    windows, waveforms = made
    patients = windows["patient_id"].unique()
    kept = windows["patient_id"].isin(patients[: len(patients) // parts]).to_numpy()
    return windows[kept], waveforms[kept]


def _together(made: list[Windows]) -> Windows:
    tables, waveforms = zip(*made, strict=True)
    return pd.concat(tables, ignore_index=True), np.concatenate(waveforms)


def _joined(training: Windows, scored: dict[str, Windows]) -> tuple[pd.DataFrame, np.ndarray]:
    """All windows as one fold, that holds out those to be scored."""
    parts = {"": training} | scored
    tables = [
        windows.assign(held_out=bool(name), fold=0, family=name)
        for name, (windows, _) in parts.items()
    ]
    table = pd.concat(tables, ignore_index=True)
    table["row"] = np.arange(len(table))
    return table, np.concatenate([waveforms for _, waveforms in parts.values()])


def score(
    training: Windows, scored: dict[str, Windows], modeling: ModelingParams
) -> dict[str, dict[str, float]]:
    """Train on some windows; mean KL divergence and top-1 on others, by name."""
    table, waveforms = _joined(training, scored)
    architecture = modeling.network.architecture
    _, _, predicted = train_fold(
        waveforms, table, NoCheckpoint(), modeling, architecture=architecture
    )
    votes = predicted[list(VOTE_COLUMNS)].to_numpy()
    shares = predicted[list(PREDICTION_COLUMNS)].to_numpy()
    right = votes.argmax(axis=1) == shares.argmax(axis=1)
    scores = pd.DataFrame({"kl": kl_divergence(votes, shares), "top_1": right})
    family = table.loc[table["held_out"], "family"].to_numpy()
    return scores.groupby(family).mean().to_dict("index")


def variants(modeling: dict[str, Any], seed: int) -> Iterator[tuple[str, ModelingParams]]:
    """Yield the recipe, and the recipe with each part changed."""
    for name, changes in PARTS.items():
        changed = copy.deepcopy(modeling)
        for group, values in changes.items():
            changed[group] |= values
        changed["training"]["seed"] = seed
        yield name, ModelingParams(**changed)


def training_sets(single: bool) -> list[tuple[str, ...]]:
    """All families but one, and each alone."""
    return [
        *combinations(FAMILIES, len(FAMILIES) - 1),
        *([(name,) for name in FAMILIES] if single else []),
    ]


def rows(arguments: argparse.Namespace, seed: int) -> Iterator[dict[str, Any]]:
    """Train every variant on every set of families, and score it on all."""
    settings = parameters()
    if arguments.epochs is not None:
        settings["modeling"]["training"]["epochs"] = arguments.epochs
    make = joblib.Memory(arguments.cache, verbose=0).cache(windows_of)
    sizes = {"train": arguments.patients, "test": arguments.patients // 3}
    for variant, changed in variants(settings["modeling"], seed):
        if arguments.only not in variant:
            continue
        waveform = changed.waveform.model_dump()
        train, test = (
            {
                name: make(settings, waveform, family=name, patients=size, seed=10 * seed + number)
                for name in FAMILIES
            }
            for number, size in enumerate(sizes.values())
        )
        for trained in training_sets(arguments.single):
            started = time.perf_counter()
            seen = _together([_share(train[name], len(trained)) for name in trained])
            row = {"variant": variant, "trained_on": "+".join(trained), "seed": seed}
            for family, values in score(seen, test, changed).items():
                row |= {f"{name}_{family}": value for name, value in values.items()}
            others = [row[f"kl_{name}"] for name in FAMILIES if name not in trained]
            row["left_out"] = sum(others) / len(others)
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
