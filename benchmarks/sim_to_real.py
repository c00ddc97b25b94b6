"""How far networks that have seen simulated patients alone carry over to real ones.

For each seed the pipeline ``pretraining`` simulates patients and trains on them, and the pipeline
``external_validation`` predicts the windows of a labelled data set of real EEG. That one tests, and
does nothing else: no weight, temperature or epoch is chosen by it. Beside the seeds' networks stand
their ensemble, all probabilities alike (uniform), and the mean of the simulated votes (prior).
Windows whose 50 s are complete are scored by themselves as well. The last line is one JSON object:

    python benchmarks/sim_to_real.py
    python benchmarks/sim_to_real.py --patients 16000 --seeds 1
    python benchmarks/sim_to_real.py --models-dir src/hbac/pretrained

Without the real data set the scores are those of held-out simulated patients alone.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

from hbac import evaluation
from hbac.eeg import CLASSES
from hbac.eeg.votes import PREDICTION_COLUMNS, VOTE_COLUMNS

PROJECT = Path(__file__).parents[1]
DRAWS = 2000


def run(pipeline: str, folder: Path, outputs: list[str] | None = None, **params: object) -> None:
    """Run a pipeline of the project with its data under a folder."""
    places = {"data_dir": str(folder), "models_dir": str(folder / "networks")}
    with KedroSession.create(PROJECT, runtime_params=places | params) as session:
        session.run(pipeline_name=pipeline, to_outputs=outputs)


def pretrain(folder: Path, seed: int, patients: int, epochs: int | None) -> pd.DataFrame:
    """Train networks on simulated patients of a seed; what they predict of those held out."""
    training = {"seed": seed} | ({} if epochs is None else {"epochs": epochs})
    changed = {
        "simulation": {"patients": patients, "seed": 1000 + seed},
        "modeling": {"training": training},
    }
    run("pretraining", folder, pretraining=changed)
    return pd.read_parquet(folder / "pretraining/07_model_output/oof_predictions.parquet")


def predict(folder: Path, raw_dir: Path, models_dir: Path) -> pd.DataFrame:
    """What networks predict of the real windows, by EEG and window."""
    real = {"raw_dir": str(raw_dir.resolve()), "models_dir": str(models_dir.resolve())}
    run("external_validation", folder, outputs=["predictions"], **real)
    table = pd.read_parquet(folder / "07_model_output/predictions.parquet")
    return table.sort_values(["eeg_id", "window"]).reset_index(drop=True)


def complete(raw_dir: Path, windows: pd.DataFrame) -> np.ndarray:
    """Tell which windows are of EEGs without a missing sample."""
    files = {name: raw_dir / "train_eegs" / f"{name}.parquet" for name in windows["eeg_id"]}
    whole = {name: bool(pd.read_parquet(file).notna().all(None)) for name, file in files.items()}
    return windows["eeg_id"].map(whole).to_numpy()


def _rounded(estimate: evaluation.Estimate, column: int = 0) -> list[float | None]:
    ends = (float(np.atleast_1d(each)[column]) for each in estimate)
    return [round(end, 3) if np.isfinite(end) else None for end in ends]


def score(windows: pd.DataFrame, predictions: np.ndarray) -> dict[str, object]:
    """KL, top-1 and AUROC by class, each with the interval over draws of patients."""
    votes = windows[list(VOTE_COLUMNS)].to_numpy()
    drawn = evaluation.resample_patients(windows["patient_id"].to_numpy(), draws=DRAWS, seed=0)
    ranking = evaluation.class_ranking(votes, predictions, drawn).set_index("class")
    kl = drawn.means(evaluation.kl_divergence(votes, predictions)[:, np.newaxis])
    return {
        "kl": _rounded(drawn.estimate(kl)),
        "top_1": _rounded(evaluation.accuracy(votes, predictions, drawn)),
        "auroc": {name: round(float(ranking["auroc"][name]), 3) for name in CLASSES},
    }


def compare(windows: pd.DataFrame, named: dict[str, np.ndarray]) -> dict[str, object]:
    """Scores of several predictions of the same windows."""
    found = {name: score(windows, shares) for name, shares in named.items()}
    return {"windows": len(windows), "patients": windows["patient_id"].nunique()} | found


def _shares(table: pd.DataFrame) -> np.ndarray:
    return table[list(PREDICTION_COLUMNS)].to_numpy()


def _guesses(windows: pd.DataFrame, prior: np.ndarray) -> dict[str, np.ndarray]:
    n = len(windows)
    return {"uniform": np.full((n, 6), 1 / 6), "prior": np.tile(prior, (n, 1))}


def _simulated(held_out: list[pd.DataFrame]) -> dict[str, object]:
    """What the folds' networks predict of simulated patients that they have not seen."""
    prior = held_out[0][list(VOTE_COLUMNS)].to_numpy().mean(axis=0)
    scores = [score(table, _shares(table)) for table in held_out]
    guesses = compare(held_out[0], _guesses(held_out[0], prior))
    return guesses | {f"seed_{seed}": each for seed, each in enumerate(scores)}


def _of_seeds(shares: list[np.ndarray], temperatures: list[float] | None) -> dict[str, np.ndarray]:
    """Predictions of each seed and of their mean, before and after temperature scaling."""
    named = {f"seed_{seed}": each for seed, each in enumerate(shares)}
    named["ensemble"] = np.mean(shares, axis=0)
    if temperatures:
        scaled = [
            evaluation.scale_temperature(each, one)
            for each, one in zip(shares, temperatures, strict=True)
        ]
        named |= {f"seed_{seed}_scaled": each for seed, each in enumerate(scaled)}
        named["ensemble_scaled"] = np.mean(scaled, axis=0)
    return named


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Train, or take what is trained, and score."""
    there = (arguments.raw_dir / "train.csv").exists()
    ready = arguments.models_dir
    held_out, tables = [], []
    for seed in range(1 if ready else arguments.seeds):
        own = folder / f"seed_{seed}"
        networks = ready or own / "networks"
        if not ready:
            held_out.append(pretrain(own, seed, arguments.patients, arguments.epochs))
        if there:
            tables.append(predict(own, arguments.raw_dir, networks))
    temperatures = [
        evaluation.fit_temperature(table[list(VOTE_COLUMNS)].to_numpy(), _shares(table))
        for table in held_out
    ]
    found: dict[str, object] = {"temperatures": [round(one, 3) for one in temperatures]}
    if held_out:
        found["simulated"] = _simulated(held_out)
    if there:
        prior = np.array(json.loads((networks / "ensemble.json").read_text())["prior"])
        named = _of_seeds([_shares(table) for table in tables], temperatures)
        named |= _guesses(tables[0], prior)
        whole = complete(arguments.raw_dir, tables[0])
        found["real"] = compare(tables[0], named)
        if whole.any():
            part = {name: shares[whole] for name, shares in named.items()}
            found["real_complete"] = compare(tables[0][whole], part)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--raw-dir", type=Path, default=Path("../shared/iiic"))
    parser.add_argument("--models-dir", type=Path, help="score these instead of training")
    parser.add_argument("--patients", type=int, default=3000, help="simulated, a seed (3000)")
    parser.add_argument("--epochs", type=int, help="as the recipe has them, where not given")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    bootstrap_project(PROJECT)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(arguments, Path(folder))
    settings = {name: str(value) for name, value in vars(arguments).items() if value is not None}
    print(json.dumps(settings | found))


if __name__ == "__main__":
    main()
