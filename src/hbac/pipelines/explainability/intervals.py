"""Means over windows, with intervals over patients."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hbac.evaluation import resample_patients
from hbac.pipelines.explainability.params import ExplainabilityParams


def estimate_means(
    table: pd.DataFrame, keys: list[str], params: ExplainabilityParams
) -> pd.DataFrame:
    """Average ``value`` over windows, with intervals over patients, for each combination of keys.

    A value that is NaN, such as a correlation without variation, is left out.
    """
    ids = ["eeg_id", "window", "patient_id"]
    wide = table.pivot_table("value", ids, keys, sort=False, observed=True)
    bootstrap = resample_patients(
        wide.index.get_level_values("patient_id").to_numpy(),
        draws=params.draws,
        confidence=params.confidence,
        seed=params.seed,
    )
    known = wide.notna().to_numpy()
    ratios = bootstrap.ratios(np.nan_to_num(wide.to_numpy()), known.astype(float))
    means = bootstrap.estimate(ratios)
    return wide.columns.to_frame(index=False).assign(
        value=means.value, low=means.low, high=means.high, n=known.sum(axis=0)
    )
