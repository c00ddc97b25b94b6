"""How long all scores and their intervals take, on as many windows as the competition has labels.

Random votes and predictions go through the pipeline's own nodes, figures included. The last line
is one JSON object:

    python benchmarks/evaluation.py
    python benchmarks/evaluation.py --rows 20000 --draws 200
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time

import joblib
import numpy as np
import pandas as pd
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from hbac.eeg.votes import BAND_POWER_COLUMNS, PREDICTION_COLUMNS, VOTE_COLUMNS
from hbac.evaluation import scale_temperature
from hbac.pipelines.evaluation import create_pipeline
from hbac.pipelines.evaluation.params import EvaluationParams

_MEBIBYTE = 1 << 20
_N_FOLDS = 5


def make_predictions(rows: int, patients: int, seed: int = 0) -> pd.DataFrame:
    """Make votes that resemble each other within a patient, and predictions that see some of it.

    Args:
        rows: number of windows.
        patients: number of patients, who have about as many windows each.
        seed: of everything random.

    Returns:
        A table as ``oof_predictions``, with the columns of the band-power baseline.
    """
    random = np.random.default_rng(seed)
    patient = random.integers(0, patients, rows)
    habit = random.dirichlet([0.6, 0.4, 0.5, 0.3, 0.4, 1.2], patients)[patient]
    truth = random.standard_gamma(3 * habit + 0.02) + 1e-9
    truth /= truth.sum(axis=1, keepdims=True)
    n_votes = random.choice([1, 2, 3, 5, 8, 12, 16, 20], rows)
    votes = random.multinomial(n_votes, truth) / n_votes[:, None]
    columns = {"eeg_id": np.arange(rows), "patient_id": patient, "fold": patient % _N_FOLDS}
    table = pd.DataFrame(columns | {"n_votes": n_votes})
    for names, noise, sureness in ((PREDICTION_COLUMNS, 0.15, 0.8), (BAND_POWER_COLUMNS, 0.4, 2)):
        seen = truth + random.gamma(1, noise, truth.shape)
        shares = scale_temperature(seen / seen.sum(axis=1, keepdims=True), sureness)
        table = table.join(pd.DataFrame(shares, columns=list(names)))
    return table.join(pd.DataFrame(votes, columns=list(VOTE_COLUMNS)))


def measure(predictions: pd.DataFrame, draws: int) -> dict[str, float]:
    """Run the pipeline in memory and return its seconds and the process' peak memory in MiB."""
    params = EvaluationParams(draws=draws, confidence=0.95, n_bins=10, seed=0)
    catalog = DataCatalog({"oof_predictions": MemoryDataset(predictions)})
    catalog["params:evaluation"] = MemoryDataset(params)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    SequentialRunner().run(create_pipeline(), catalog)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": round(seconds, 2),
        "peak_memory_mib": round(peak * 1024 / _MEBIBYTE),
        "peak_memory_before_mib": round(before * 1024 / _MEBIBYTE),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000, help="windows (100000)")
    parser.add_argument("--patients", type=int, default=2_000, help="patients (2000)")
    parser.add_argument("--draws", type=int, default=1_000, help="draws of patients (1000)")
    arguments = parser.parse_args()
    load = round(os.getloadavg()[0], 1)
    measured = measure(make_predictions(arguments.rows, arguments.patients), arguments.draws)
    print(
        json.dumps(
            {**vars(arguments), "cores": joblib.cpu_count(), "load_average_before": load} | measured
        )
    )


if __name__ == "__main__":
    main()
