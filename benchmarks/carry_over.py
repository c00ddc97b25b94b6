"""What of the recipe ``simulation`` helps a network to read EEG of another simulator.

There are two families of simulated recordings: one of dipoles in a head, published rates and
shapes, one of which only the definitions of the classes hold (``simulation.schematic``). A network
is trained on windows of one and predicts windows of the other, which stands in for real EEG:
nothing here is real, so that parts of the recipe can be chosen by it. Each row is the recipe with
one part changed; ``within`` are held-out patients of the family that was trained on. The last line
is one JSON object:

    python benchmarks/carry_over.py
    python benchmarks/carry_over.py --patients 3000 --seeds 3
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import time
from collections.abc import Iterator
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
    "resnet_1d": {"network": {"architecture": "resnet_1d"}, "augmentation": {"mirror": 0.5}},
    "smoothed targets": {"training": {"prior_votes": 1.0}},
    # Half a dozen epochs of some twenty steps: at full size it would be 0.995.
    "averaged weights": {"training": {"average_momentum": 0.95, "recalibration_batches": 16}},
    "mixup": {"augmentation": {"mixup": 0.3}},
    "all of the window": {"waveform": {"seconds": 50}},
}
"""What each row changes."""

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
    settings: dict[str, Any],
    modeling: ModelingParams,
    *,
    schematic: float,
    patients: int,
    seed: int,
) -> Windows:
    """Simulate patients of one family and lay out what a network sees of them."""
    size = {"schematic": schematic, "patients": patients, "seed": seed}
    labels, _, sessions = plan_cohort(SimulationParams(**settings["simulation"] | size))
    spectrogram = SpectrogramParams(**settings["spectrogram"])
    windows = select_windows(labels, spectrogram).assign(spectrogram_source="empty")
    tasks = assemble_waveform_input(windows, simulate_train_eegs(sessions), modeling, spectrogram)
    made = joblib.Parallel(n_jobs=-1)(joblib.delayed(task)() for task in tasks.values())
    return windows, np.stack(made)


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


def rows(patients: int, epochs: int | None, seed: int, only: str) -> Iterator[dict[str, Any]]:
    """Train and score every variant in both directions."""
    settings = parameters()
    if epochs is not None:
        settings["modeling"]["training"]["epochs"] = epochs
    modeling = ModelingParams(**settings["modeling"])
    families = {"anatomical": 0.0, "schematic": 1.0}
    made = {
        (name, part): windows_of(
            settings, modeling, schematic=share, patients=size, seed=10 * seed + number
        )
        for number, (part, size) in enumerate({"train": patients, "test": patients // 3}.items())
        for name, share in families.items()
    }
    for variant, changed in variants(settings["modeling"], seed):
        if only not in variant:
            continue
        for trained, other in (("anatomical", "schematic"), ("schematic", "anatomical")):
            started = time.perf_counter()
            scored = {"within": made[trained, "test"], "across": made[other, "test"]}
            found = score(made[trained, "train"], scored, changed)
            row = {"variant": variant, "trained_on": trained, "seed": seed}
            for where, values in found.items():
                row |= {f"{name}_{where}": value for name, value in values.items()}
            print(f"{row} ({time.perf_counter() - started:.0f} s)", flush=True)
            yield row


def main() -> None:
    """Print a line a training, and the means over seeds as one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patients", type=int, default=1500, help="trained on, a family (1500)")
    parser.add_argument("--epochs", type=int, help="as the recipe has them, where not given")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", default="", help="variants whose name holds this")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    found = pd.DataFrame(
        row
        for seed in range(arguments.seeds)
        for row in rows(arguments.patients, arguments.epochs, seed, arguments.only)
    )
    means = found.groupby(["variant", "trained_on"], sort=False).mean(numeric_only=True)
    table = means.drop(columns="seed").round(3).reset_index().to_dict("records")
    print(json.dumps(vars(arguments) | {"variants": table}))


if __name__ == "__main__":
    main()
