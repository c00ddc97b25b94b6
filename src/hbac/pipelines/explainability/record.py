"""All scores of the explanations in one record."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from hbac import explain
from hbac.pipelines.explainability.networks import architectures_left_out, explained_input
from hbac.pipelines.explainability.params import ExplainabilityParams
from hbac.pipelines.explainability.planted_nodes import ALL_PATTERNS


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _estimates(table: pd.DataFrame, column: str) -> dict[str, dict[str, float | None]]:
    return {
        row["maps"]: {
            "value": _number(row[column]),
            "low": _number(row["low"]),
            "high": _number(row["high"]),
        }
        for row in table.to_dict("records")
    }


def summarise_explanations(
    chosen: pd.DataFrame,
    scores: pd.DataFrame,
    judged: pd.DataFrame,
    failing: list[str],
    planted: pd.DataFrame,
    ensemble: dict[str, Any],
    params: ExplainabilityParams,
) -> dict[str, Any]:
    """Gather what the tests of the maps gave in one record.

    Returns:
        ``input`` (what maps lie over, ``picture`` or ``waveform``) and the architectures
        ``left_out`` that see the other, ``method`` (that is drawn), ``failing`` methods,
        ``faithfulness`` by score and kind of map, ``randomisation`` (similarity at the last stage)
        by method, and ``planted`` (mass inside the region) by kind of map, each a value with its
        interval; a score that does not exist is None.
    """
    last = judged[judged["step"] == judged["step"].max()]
    every = planted[planted["class"] == ALL_PATTERNS]
    return {
        "input": explained_input(ensemble),
        "left_out": architectures_left_out(ensemble),
        "method": explain.METHODS[params.method].name,
        "n_windows": len(chosen),
        "n_tested": int(scores["n"].max()),
        "intervals": f"{params.confidence:.0%} of {params.draws} draws of patients",
        "failing": failing,
        "faithfulness": {
            name: _estimates(of_score, "value")
            for name, of_score in scores.groupby("score", sort=False)
        },
        "randomisation": _estimates(last, "similarity"),
        "planted": _estimates(every, "mass")
        | {
            "chance": _number(every["chance"].mean()),
            "detected": _number(every["detected"].mean()),
        },
    }
