"""Which scores a run shows, under the same names in every run."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from hbac.tracking.current import Run
from hbac.tracking.parameters import flatten

BASELINE_MAPS = ("random", "centre prior")
"""Maps that know nothing of the network, beside which a method is scored."""

EPOCH_METRICS = ("loss", "val_loss", "learning_rate")

_SHOWN = re.compile(
    "|".join(
        [
            r"n_windows|n_patients",
            # Every tier's divergence; intervals of the model, and of all where tiers are joined.
            r"kl\.[^.]+\.(?!n$)[^.]+",
            r"kl\.([^.]+\.model|all\.[^.]+)\.(low|high)",
            r"kl_difference\.all\..+",
            r"(auroc|auprc)\.[^.]+",
            r"agreement\.[^.]+\.(agreement|kappa)",
            r"(ece|brier)\.all(\.low|\.high)?",
        ]
    )
)


def _short(name: str) -> str:
    """Put a value and its interval side by side: ``kl.all.model`` and ``kl.all.model.low``."""
    name = name.removeprefix("calibration.").removesuffix(".value")
    return name.replace("_interval.", ".", 1).replace(" ", "_")


def readable_scores(metrics: dict[str, Any]) -> dict[str, float]:
    """Choose the scores that runs are compared by.

    Args:
        metrics: the record that ``evaluation`` leaves.

    Returns:
        Numbers by flat name; one that does not exist is left out.
    """
    numbers = {_short(name): value for name, value in flatten(metrics).items()}
    return {
        name: value
        for name, value in numbers.items()
        if _SHOWN.fullmatch(name) and isinstance(value, int | float)
    }


def _metric_name(*parts: str) -> str:
    return ".".join(part.replace(", ", "_").replace(" ", "_") for part in parts if part)


def _with_interval(name: str, estimate: dict[str, float | None]) -> dict[str, float | None]:
    ends = {"value": "", "low": "low", "high": "high"}
    return {_metric_name(name, end): estimate[key] for key, end in ends.items()}


def explanation_scores(record: dict[str, Any]) -> dict[str, float]:
    """Choose the scores by which the explanations of runs are compared.

    Args:
        record: the record that ``explainability`` leaves.

    Returns:
        Numbers by flat name, such as ``faithfulness.ROAD.Fusion`` and
        ``faithfulness.ROAD.Fusion.low``: of the method that is drawn, with intervals, and of the
        maps that know nothing, without; the similarity of every method's maps after
        randomisation; and of planted evidence the mass found and its chance. One that does not
        exist is left out.
    """
    method, numbers = record["method"], {}
    groups = {"faithfulness." + name: kinds for name, kinds in record["faithfulness"].items()}
    for group, kinds in (groups | {"planted": record["planted"]}).items():
        numbers |= _with_interval(f"{group}.{method}", kinds[method])
        numbers |= {f"{group}.{name}": kinds[name]["value"] for name in BASELINE_MAPS}
    for name, estimate in record["randomisation"].items():
        numbers[f"randomisation.{name}"] = estimate["value"]
    for name in ("chance", "detected"):
        numbers[f"planted.{name}"] = record["planted"][name]
    return {
        _metric_name(name).replace("+", "plus"): value
        for name, value in numbers.items()
        if value is not None
    }


def kl_of_ensemble(pools: pd.DataFrame) -> dict[str, dict[str, float]]:
    """The divergence of joined runs, by tier, as ``metrics`` has that of one.

    Args:
        pools: as the pipeline ``ensembling`` scores the ensemble and other ways to join its runs.
    """
    joined = pools[pools["model"] == "ensemble"]
    return {row.tier: {"model": float(row.kl)} for row in joined.itertuples()}


def member_metrics(members: pd.DataFrame) -> dict[str, float]:
    """What each of several runs counts for, scores and adds, over all windows.

    Args:
        members: the table ``member_scores`` of the pipeline ``ensembling``.

    Returns:
        Numbers by flat name, such as ``member.NAME.gain``.
    """
    of_all = members[members["tier"] == "all"]
    return {
        f"member.{row['member']}.{name}": float(row[name])
        for row in of_all.to_dict("records")
        for name in ("weight", "kl", "gain")
    }


def summarise_training(history: pd.DataFrame) -> dict[str, float]:
    """Sum up the training of one network or of several.

    Args:
        history: a row an epoch: ``network``, ``val_loss``, ``seconds`` and ``kept``.

    Returns:
        ``kept_val_loss`` (of the weights that are kept, the mean over networks), and ``epochs``
        and ``training_seconds`` of all of them, those before an interruption included.
    """
    return {
        "kept_val_loss": history.loc[history["kept"], "val_loss"].mean(),
        "epochs": len(history),
        "training_seconds": history["seconds"].sum(),
    }


def log_history(run: Run, history: pd.DataFrame) -> None:
    """Log a network's epochs, as far as its run has not seen them happen, and their sum.

    An interrupted training that goes on sees the epochs that are left; its history has all.
    """
    seen = {metric.step for metric in run.client.get_metric_history(run.run_id, "loss")}
    for epoch in history.to_dict("records"):
        if epoch["epoch"] not in seen:
            known = {name: epoch[name] for name in EPOCH_METRICS if epoch[name] == epoch[name]}
            run.log_metrics(known, step=epoch["epoch"])
    kept = history.loc[history["kept"], "epoch"].item()
    run.log_metrics({"kept_epoch": kept} | summarise_training(history))
