"""What each part of the recipe ``strong`` does on simulated data, one at a time.

Every seed is a cohort of its own: patients, their EEG, their experts, the folds and the weights.
The recipes ``seed`` and ``strong``, with small networks that see a small picture or the central
10 s of the EEG, are the two bases. Each row of the table is either ``seed`` with one parameter as
``strong`` has it (``+``), or ``strong`` with one as ``seed`` has it (``-``). All are scored on the
same windows, one an EEG with all its votes, each by a network that has not seen its patient. Given
are the mean KL divergence, its spread over the seeds, and how far it lies from its base of the same
seed: a part helps where that lies below 0 after ``+``, and above 0 after ``-``. ``to_drop`` names
the parts without which ``strong`` is better in every cohort, by more than the spread of that.

Windows are some hundred and steps some hundred, not the competition's, so the number of epochs, the
batch and the weights' average are fitted to that; what needs many windows shows little here.

    python benchmarks/ablation.py
    python benchmarks/ablation.py --base strong --only mixup
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from kedro.config import OmegaConfigLoader

from hbac.eeg.regional import regional_window
from hbac.eeg.votes import PREDICTION_COLUMNS, VOTE_COLUMNS
from hbac.evaluation import class_prior, kl_divergence, uniform
from hbac.models.blend import cross_fitted_blend
from hbac.models.image import build_image
from hbac.models.inputs import INPUTS
from hbac.pipelines.modeling.input_nodes import assemble_waveforms
from hbac.pipelines.modeling.nodes import split_folds
from hbac.pipelines.modeling.params import ModelingParams, WaveformParams
from hbac.pipelines.modeling.training_nodes import train_fold
from hbac.pipelines.simulation.nodes import (
    plan_cohort,
    simulate_train_eegs,
    simulate_train_spectrograms,
)
from hbac.pipelines.simulation.params import SimulationParams
from hbac.pipelines.spectrogram.nodes import compute_eeg_spectrograms, select_windows
from hbac.pipelines.spectrogram.params import SpectrogramParams
from hbac.settings import CONFIG_LOADER_ARGS

PROJECT = Path(__file__).resolve().parents[1]
AGREED = 10

SMALL = {
    "modeling": {
        "image": {"panel_height": 32, "panel_width": 64},
        "waveform": {"seconds": 10},
        "network": {"architecture": "compact", "weights": None, "dropout": 0.3}
        | {"batch_norm_momentum": 0.9, "precision": "float32"},
        "training": {
            "learning_rates": [1e-3] * 6 + [1e-4] * 2,
            "epochs": 8,
            "second_stage_epochs": 3,
            "batch_size": 16,
            # No row chooses its epoch on the windows that it is scored on.
            "keep": "last",
        },
    }
}
"""The size of it: the same in every row."""

BASES = {"seed": "+", "strong": "-"}
"""The recipes that are changed, and what a change of them does to a part of ``strong``."""

AVERAGE_MOMENTUM = 0.95
"""In place of the 0.999 of thousands of steps."""

TOGETHER = (
    ("spectrogram.centre", "modeling.image.sources"),
    ("modeling.network.pooling", "modeling.network.waveform_pooling"),
    ("modeling.training.second_stage_votes", "modeling.training.second_stage_learning_rate"),
)
"""Parameters that only make sense in company: a row each."""


class NoCheckpoint:
    """Takes the place of the file that a training goes on from."""

    def of(self, made_from: str) -> None:
        """Keep nothing."""


def recipe(name: str) -> dict[str, Any]:
    """Read a recipe as it ships, at the small size."""
    loader = OmegaConfigLoader(
        str(PROJECT / "conf"), runtime_params={"recipe": name} | SMALL, **CONFIG_LOADER_ARGS
    )
    parameters = {part: loader["parameters"][part] for part in ("spectrogram", "modeling")}
    if parameters["modeling"]["training"]["average_momentum"]:
        parameters["modeling"]["training"]["average_momentum"] = AVERAGE_MOMENTUM
    if name == "strong":
        parameters["modeling"]["network"]["architecture"] = "compact+resnet_1d"
    return parameters


def _holder(parameters: dict[str, Any], path: str) -> tuple[dict[str, Any], str]:
    *groups, name = path.split(".")
    for group in groups:
        parameters = parameters[group]
    return parameters, name


def _leaves(parameters: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Every parameter by its path."""
    for name, value in parameters.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{before}{name}.")
        else:
            yield before + name, value


def parts(one: dict[str, Any], other: dict[str, Any]) -> list[tuple[str, ...]]:
    """The parameters by which two recipes differ; those that belong together as one."""
    values = dict(_leaves(other))
    differing = [path for path, value in _leaves(one) if value != values[path]]
    together = [tuple(path for path in group if path in differing) for group in TOGETHER]
    grouped = {path for group in together for path in group}
    return [group for group in together if group] + [
        (path,) for path in differing if path not in grouped
    ]


def changed(base: dict[str, Any], source: dict[str, Any], paths: tuple[str, ...]) -> dict[str, Any]:
    """A recipe with some parameters as another has them."""
    result = copy.deepcopy(base)
    for path in paths:
        holder, name = _holder(result, path)
        holder[name] = copy.deepcopy(_holder(source, path)[0][name])
    return result


def variants(bases: Sequence[str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each base, and the base with each part of the other recipe: base, name, parameters."""
    recipes = {name: recipe(name) for name in BASES}
    for name in bases:
        (other,) = set(BASES) - {name}
        yield name, "", recipes[name]
        for paths in parts(recipes[name], recipes[other]):
            made = changed(recipes[name], recipes[other], paths)
            yield name, f"{BASES[name]} {paths[0]}", made


def _in_parallel(tasks: dict[str, Any]) -> dict[str, Any]:
    values = joblib.Parallel(n_jobs=-1)(joblib.delayed(task)() for task in tasks.values())
    return dict(zip(tasks, values, strict=True))


def _reader(recording: Any) -> Any:
    return lambda channels=None: recording if channels is None else recording.pick(channels)


class Cohort:
    """One simulated data set, and what has been made of it."""

    def __init__(self, seed: int, patients: int):
        loader = OmegaConfigLoader(str(PROJECT / "conf"), **CONFIG_LOADER_ARGS)
        settings = loader["parameters"]["demo_parameters"]["simulation"]
        params = SimulationParams(**settings | {"seed": seed, "patients": patients})
        self.labels, _, sessions = plan_cohort(params)
        self.eegs = {
            name: _reader(recording)
            for name, recording in _in_parallel(simulate_train_eegs(sessions)).items()
        }
        self.power = {
            name: table.drop(columns="time").to_numpy(np.float32)
            for name, table in _in_parallel(simulate_train_spectrograms(sessions)).items()
        }
        self._panels: dict[str, tuple[pd.DataFrame, dict[str, np.ndarray]]] = {}

    def windows(self, params: SpectrogramParams) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
        """Windows and the spectrograms of each EEG, made once for each way to make them."""
        key = params.model_dump_json()
        if key not in self._panels:
            windows = select_windows(self.labels, params).assign(spectrogram_source="file")
            tasks = compute_eeg_spectrograms(self.eegs, windows, params)
            # The recordings are in memory: sending them to workers costs more than it saves.
            self._panels = {key: (windows, {name: task() for name, task in tasks.items()})}
        return self._panels[key]

    def pictures(self, params: SpectrogramParams, modeling: ModelingParams) -> tuple:
        """Windows and their pictures."""
        windows, panels = self.windows(params)
        pictures = [
            build_image(
                regional_window(
                    self.power[str(window.spectrogram_id)], window.spectrogram_offset_seconds
                ),
                np.asarray(panels[str(window.eeg_id)][window.window], np.float32),
                modeling.image.layout,
            )
            for window in windows.itertuples()
        ]
        return windows, np.stack(pictures)

    def waveforms(self, params: SpectrogramParams, waveform: WaveformParams) -> tuple:
        """Windows and their bipolar EEG."""
        windows, _ = self.windows(params)
        tasks = assemble_waveforms(windows, self.eegs, params.cleaning, waveform.layout)
        return windows, np.stack([task() for task in tasks.values()])


def _train_and_score(
    fold: int,
    split: pd.DataFrame,
    training: tuple[pd.DataFrame, np.ndarray],
    scored: tuple[pd.DataFrame, np.ndarray],
    modeling: ModelingParams,
    architecture: str,
) -> pd.DataFrame:
    """Train on the windows of one policy and predict the held-out EEGs' windows of the other."""
    held_out = set(split.loc[split["held_out"], "patient_id"])
    parts, images = [], []
    for (windows, arrays), inside in ((training, False), (scored, True)):
        chosen = windows["patient_id"].isin(held_out).to_numpy() == inside
        parts.append(windows[chosen].assign(held_out=inside, fold=fold))
        images.append(arrays[chosen])
    table = pd.concat(parts, ignore_index=True)
    table["row"] = np.arange(len(table))
    _, _, predictions = train_fold(
        np.concatenate(images), table, NoCheckpoint(), modeling, architecture=architecture
    )
    return predictions


def predictions_of(
    cohort: Cohort, parameters: dict[str, Any], scored_policy: str, seed: int
) -> pd.DataFrame:
    """Out-of-fold predictions of a variant on the windows of one policy."""
    spectrogram = SpectrogramParams(**parameters["spectrogram"])
    settings = copy.deepcopy(parameters["modeling"])
    settings["training"]["seed"] = seed
    modeling = ModelingParams(**settings | {"n_folds": 2})
    scored_by = spectrogram.model_copy(update={"policy": scored_policy})
    tables = []
    for architecture in modeling.network.architectures:
        make = (
            partial(cohort.waveforms, waveform=modeling.waveform)
            if INPUTS[architecture] == "waveform"
            else partial(cohort.pictures, modeling=modeling)
        )
        training, scored = make(spectrogram), make(scored_by)
        folds = split_folds(scored[0], modeling)
        parts = [
            _train_and_score(number, split, training, scored, modeling, architecture)
            for number, split in enumerate(folds)
        ]
        tables.append(pd.concat(parts).sort_values(["eeg_id", "window"], ignore_index=True))
    return _joined(tables, modeling.blend)


def _joined(tables: list[pd.DataFrame], blend: bool) -> pd.DataFrame:
    """One prediction a window: learned on the other folds, or the plain geometric mean."""
    first, columns = tables[0], list(PREDICTION_COLUMNS)
    shares = [table[columns].to_numpy() for table in tables]
    if blend:
        votes, folds = first[list(VOTE_COLUMNS)].to_numpy(), first["fold"].to_numpy()
        return first.assign(
            **dict(zip(columns, cross_fitted_blend(shares, votes, folds).T, strict=True))
        )
    mean = np.exp(np.log(np.maximum(shares, 1e-7)).mean(axis=0))
    mean /= mean.sum(axis=1, keepdims=True)
    return first.assign(**dict(zip(columns, mean.T, strict=True)))


def _scores(table: pd.DataFrame) -> dict[str, float]:
    votes = table[list(VOTE_COLUMNS)].to_numpy()
    agreed = table["n_votes"].to_numpy() >= AGREED
    divergence = kl_divergence(votes, table[list(PREDICTION_COLUMNS)].to_numpy())
    prior = kl_divergence(votes, class_prior(votes, table["fold"].to_numpy()))
    by_score = {
        "kl": divergence,
        "kl_10": divergence[agreed],
        "prior": prior,
        "uniform": kl_divergence(votes, uniform(votes)),
    }
    return {name: float(each.mean()) for name, each in by_score.items()} | {"n": len(table)}


def summarise(results: pd.DataFrame) -> pd.DataFrame:
    """Mean and spread over the seeds, and of the differences from the base of the same seed."""
    bases = results[results["change"] == ""].set_index(["base", "seed"])["kl"]
    own = bases.loc[list(zip(results["base"], results["seed"], strict=True))].to_numpy()
    results = results.assign(difference=results["kl"] - own)
    return results.groupby(["base", "change"], sort=False).agg(
        kl=("kl", "mean"),
        kl_spread=("kl", "std"),
        kl_10=("kl_10", "mean"),
        difference=("difference", "mean"),
        difference_spread=("difference", "std"),
        better_in=("difference", lambda difference: int((difference < 0).sum())),
    )


def to_drop(table: pd.DataFrame, seeds: int) -> list[str]:
    """Parts without which ``strong`` is better in every cohort, by more than the spread of it."""
    without = table[table.index.get_level_values("change").str.startswith("- ")]
    better = without["difference"] + without["difference_spread"] < 0
    found = without[better & (without["better_in"] == seeds)]
    return [change.removeprefix("- ") for _, change in found.index]


def measure(arguments: argparse.Namespace) -> pd.DataFrame:
    """Train and score every variant on every cohort, and print a line each."""
    rows = []
    for seed in range(arguments.seeds):
        cohort = Cohort(seed, arguments.patients)
        for base, change, parameters in variants(arguments.base):
            if change and arguments.only not in change:
                continue
            started = time.perf_counter()
            predictions = predictions_of(cohort, parameters, "per_eeg", seed)
            rows.append({"base": base, "change": change, "seed": seed} | _scores(predictions))
            seconds = time.perf_counter() - started
            print(f"{seed} {base} {change}: {rows[-1]['kl']:.3f} ({seconds:.0f} s)", flush=True)
    return pd.DataFrame(rows)


def main() -> None:
    """Print a line a variant and seed, the table, and all of it as one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3, help="number of cohorts (3)")
    parser.add_argument("--patients", type=int, default=60, help="patients of a cohort (60)")
    parser.add_argument("--base", nargs="+", choices=BASES, default=list(BASES), help="(both)")
    parser.add_argument("--only", default="", help="changes whose name holds this")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    results = measure(arguments)
    table = summarise(results)
    shown = table.round(3).reset_index()
    print(shown.to_string(index=False))
    means = results[["n", "prior", "uniform"]].mean().round(3).to_dict()
    record = {
        "patients": arguments.patients,
        "seeds": arguments.seeds,
        "windows": means["n"],
        "class_prior": means["prior"],
        "uniform": means["uniform"],
        "to_drop": to_drop(table, arguments.seeds),
        "variants": shown.astype(object).where(shown.notna(), None).to_dict("records"),
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main()
