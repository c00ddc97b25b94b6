"""What the ensemble and its members score, and what each member adds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hbac import evaluation
from hbac.eeg.votes import PREDICTION_COLUMNS, VOTE_COLUMNS
from hbac.models.blend import POOLS
from hbac.pipelines.ensembling.nodes import join_shares, predictions_of, windows_of
from hbac.pipelines.ensembling.params import EnsemblingParams
from hbac.pipelines.evaluation.params import EvaluationParams
from hbac.plots import members as plots

ENSEMBLE = "ensemble"


def _votes(windows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return windows[list(VOTE_COLUMNS)].to_numpy(), windows["n_votes"].to_numpy()


def _joined(oof_predictions: pd.DataFrame) -> np.ndarray:
    return oof_predictions[list(PREDICTION_COLUMNS)].to_numpy()


def score_pools(
    members: pd.DataFrame,
    oof_predictions: pd.DataFrame,
    bootstrap: evaluation.PatientBootstrap,
    params: EnsemblingParams,
) -> pd.DataFrame:
    """Score the ensemble beside other ways to join the same members, and beside each member.

    Args:
        members: as ``collect_members`` returns them.
        oof_predictions: as ``join_members`` returns them.
        bootstrap: draws of the patients.
        params: of which the windows that teach.

    Returns:
        As ``evaluation.kl_by_tier``; ``model`` is ``ensemble``, then ``pool: NAME`` of each way,
        then ``member: NAME``.
    """
    pools = {
        f"pool: {pool}": join_shares(members, params.model_copy(update={"pool": pool}))
        for pool in POOLS
    }
    alone = {f"member: {name}": shares for name, shares in predictions_of(members).items()}
    joined = {ENSEMBLE: _joined(oof_predictions)}
    return evaluation.kl_by_tier(*_votes(windows_of(members)), joined | pools | alone, bootstrap)


def score_members(
    members: pd.DataFrame,
    oof_predictions: pd.DataFrame,
    blend: dict[str, Any],
    bootstrap: evaluation.PatientBootstrap,
    params: EnsemblingParams,
) -> pd.DataFrame:
    """Say what each member adds: how much worse an ensemble is that was made without it.

    The others are joined anew, as all are, so that what one member says alone shows, and what
    another says as well does not.

    Args:
        members: as ``collect_members`` returns them.
        oof_predictions: as ``join_members`` returns them.
        blend: as ``learn_members_blend`` returns it.
        bootstrap: draws of the patients.
        params: pool and the windows that teach.

    Returns:
        A row a tier of votes and member: ``tier``, ``member``, ``weight``, ``kl`` (nats) of the
        member alone with ``kl_low`` and ``kl_high``, ``gain`` (nats by which the ensemble without
        it is worse, below 0 where it is better) with ``gain_low`` and ``gain_high``, ``n`` windows
        and ``n_patients``.
    """
    alone, votes = predictions_of(members), _votes(windows_of(members))
    without = {
        name: join_shares(members, params, [other for other in alone if other != name])
        for name in alone
    }
    joined = {ENSEMBLE: _joined(oof_predictions)}
    table = evaluation.kl_by_tier(*votes, alone, bootstrap).rename(
        columns={"model": "member", "low": "kl_low", "high": "kl_high"}
    )
    losses = evaluation.kl_differences(*votes, joined | without, bootstrap)
    weights = table["member"].map(dict(zip(alone, blend["weights"], strict=True)))
    return table.assign(
        weight=weights,
        gain=-losses["difference"],
        gain_low=-losses["high"],
        gain_high=-losses["low"],
    )


def correlate_errors(members: pd.DataFrame) -> pd.DataFrame:
    """Correlate the errors of the members; see ``evaluation.error_correlations``."""
    votes, _ = _votes(windows_of(members))
    return evaluation.error_correlations(votes, predictions_of(members))


def plot_members(
    scores: pd.DataFrame,
    pools: pd.DataFrame,
    correlations: pd.DataFrame,
    params: EvaluationParams,
) -> Figure:
    """Draw what each member scores and adds, and how alike members err."""
    of_all, joined = scores[scores["tier"] == "all"], pools[pools["tier"] == "all"]
    n, n_patients = of_all[["n", "n_patients"]].iloc[0]
    return plots.members(
        of_all,
        joined[joined["model"] == ENSEMBLE].iloc[0],
        correlations,
        sample=f"n = {n:,} windows of {n_patients:,} patients",
        confidence=params.confidence,
    )
