"""Finished runs to one table of predictions, their blend, and the record of the ensemble."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from hbac.datasets import FinishedRun
from hbac.eeg.votes import CLASSES, PREDICTION_COLUMNS, VOTE_COLUMNS
from hbac.evaluation import in_tier
from hbac.models.blend import cross_fitted_blend, learn_blend
from hbac.models.layouts import lay_out_members
from hbac.pipelines.ensembling.agreement import KEYS, check_members
from hbac.pipelines.ensembling.params import EnsemblingParams

logger = logging.getLogger(__name__)


def _shared_windows(members: Mapping[str, FinishedRun]) -> pd.MultiIndex:
    """Ids of the windows that all members predicted."""
    indices = [pd.MultiIndex.from_frame(run.predictions[KEYS]) for run in members.values()]
    shared = reduce(pd.MultiIndex.intersection, indices).sort_values()
    for (name, run), index in zip(members.items(), indices, strict=True):
        if len(index) > len(shared):
            logger.warning(
                "%d of %d windows of the member %s (%s) are left out, since another lacks them",
                *(len(index) - len(shared), len(index), name, run.folder),
            )
    return shared


def _unseen(run: FinishedRun) -> pd.Series:
    """By window, whether no network of a run was shown anything."""
    return run.network_predictions.groupby(KEYS)["input_missing"].all()


def collect_members(members: dict[str, FinishedRun]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Check that runs can be joined, and gather what they predict and what they are.

    Args:
        members: by name, finished runs.

    Returns:
        The columns of ``oof_predictions`` and ``member`` and ``input_missing``, a row a member and
        window, of the windows that all members have, by member (in the order that they were named
        in), EEG and window; and by member, ``folder`` and the record beside its networks.

    Raises:
        MembersDifferError: if folds or labels differ; see ``check_members``.
    """
    check_members(members)
    shared = _shared_windows(members)
    tables = []
    for name, run in members.items():
        table = run.predictions.set_index(KEYS).loc[shared]
        tables.append(
            table.assign(input_missing=_unseen(run).loc[shared], member=name).reset_index()
        )
    records = {
        name: {"folder": run.folder, "ensemble": run.ensemble} for name, run in members.items()
    }
    return pd.concat(tables, ignore_index=True), records


def copy_networks(members: dict[str, FinishedRun]) -> dict[str, Callable[[], bytes]]:
    """Copy the networks' files of all members, as they are.

    Returns:
        By ``MEMBER.fold_N.ARCHITECTURE``, a callable that returns the file's bytes.

    Raises:
        ValueError: if a run lacks a network that its record names.
    """
    tasks = {}
    for name, run in members.items():
        for entry in run.ensemble["networks"]:
            if entry["name"] not in run.networks:
                raise ValueError(
                    f"the member {name} ({run.folder}) lacks the network {entry['name']}, which "
                    "its ensemble.json names: let its modeling finish"
                )
            tasks[f"{name}.{entry['name']}"] = run.networks[entry["name"]]
    return tasks


def predictions_of(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """By member, its predictions of the same windows, shape ``(rows, 6)``."""
    return {
        name: part[list(PREDICTION_COLUMNS)].to_numpy(float)
        for name, part in table.groupby("member", sort=False)
    }


def windows_of(table: pd.DataFrame) -> pd.DataFrame:
    """The windows once, as the first member has them, in the order of ``predictions_of``."""
    first = table["member"].iloc[0]
    return table[table["member"] == first].drop(columns=["member", "input_missing"])


def teaching_windows(windows: pd.DataFrame, params: EnsemblingParams) -> np.ndarray:
    """Which windows teach the weights, booleans of shape ``(rows,)``.

    Raises:
        ValueError: if none is left to learn from when a fold is held out.
    """
    inside = in_tier(windows["n_votes"].to_numpy(), params.tier)
    folds = windows["fold"].to_numpy()
    for fold in np.unique(folds):
        if not (inside & (folds != fold)).any():
            raise ValueError(
                f"ensembling.tier is {params.tier!r}, and outside of fold {fold} no window has so "
                "many votes: choose another tier, or all"
            )
    return inside


def learn_members_blend(members: pd.DataFrame, params: EnsemblingParams) -> dict[str, Any]:
    """Learn how the ensemble joins its members, from all held-out predictions.

    A held-out prediction is that of one fold. The ensemble joins members fold by fold as well, and
    then averages the folds.

    Args:
        members: as ``collect_members`` returns them.
        params: pool and the windows that teach.

    Returns:
        ``pool`` (linear or log-linear), ``weights`` in the members' order, and ``bias`` in that of
        ``CLASSES``.
    """
    windows, predictions = windows_of(members), predictions_of(members)
    inside = teaching_windows(windows, params)
    blend = learn_blend(
        [shares[inside] for shares in predictions.values()],
        windows.loc[inside, list(VOTE_COLUMNS)].to_numpy(),
        windows.loc[inside, "fold"].to_numpy(),
        params.pool,
    )
    told = ", ".join(
        f"{name} {weight:.2f}" for name, weight in zip(predictions, blend.weights, strict=True)
    )
    logger.info("Members are joined by a %s pool: %s", blend.pool, told)
    return {"pool": blend.pool, "weights": list(blend.weights), "bias": list(blend.bias)}


def join_shares(
    members: pd.DataFrame, params: EnsemblingParams, names: list[str] | None = None
) -> np.ndarray:
    """Join held-out predictions, each fold's by a blend that the other folds have taught.

    Args:
        members: as ``collect_members`` returns them.
        params: pool and the windows that teach.
        names: which members; all where None.

    Returns:
        Shape ``(windows, 6)``.
    """
    windows, predictions = windows_of(members), predictions_of(members)
    chosen = [predictions[name] for name in names or predictions]
    shares = cross_fitted_blend(
        chosen,
        windows[list(VOTE_COLUMNS)].to_numpy(),
        windows["fold"].to_numpy(),
        pool=params.pool,
        learn_from=teaching_windows(windows, params),
    )
    # A bias a class would move what no network has seen anything of away from its prior.
    unseen = members.groupby(KEYS)["input_missing"].all().to_numpy()
    shares[unseen] = np.mean(chosen, axis=0)[unseen]
    return shares


def join_members(members: pd.DataFrame, params: EnsemblingParams) -> pd.DataFrame:
    """Join the members' held-out predictions into one of each window.

    Args:
        members: as ``collect_members`` returns them.
        params: pool and the windows that teach.

    Returns:
        A table as ``modeling`` makes it, which the pipeline ``evaluation`` scores.
    """
    shares = join_shares(members, params)
    table = windows_of(members).reset_index(drop=True)
    return table.assign(**dict(zip(PREDICTION_COLUMNS, shares.T, strict=True)))


def describe_members(
    records: dict[str, Any], blend: dict[str, Any], networks: dict[str, Any]
) -> dict[str, Any]:
    """Record what inference must know to feed the networks of all members, and to join them.

    Args:
        records: as ``collect_members`` returns them.
        blend: as ``learn_members_blend`` returns it.
        networks: by name, those that were copied.

    Returns:
        As ``describe_ensemble`` of modeling, with the networks of all members, and

        - ``members``: by name, in the order of the weights, its ``blend``, ``mirror`` and
          ``folder``; a network's ``member`` is one of these;
        - ``layouts``: by the ``input`` of networks that see something else than the first member's
          do, how that is made.

    Raises:
        ValueError: if a network was not copied.
    """
    ensembles = {name: record["ensemble"] for name, record in records.items()}
    record = lay_out_members(ensembles)
    missing = [entry["name"] for entry in record["networks"] if entry["name"] not in networks]
    if missing:
        raise ValueError(f"the networks {missing} were not copied: run the pipeline again")
    about = {
        name: {
            "folder": records[name]["folder"],
            "blend": ensemble["blend"],
            "mirror": ensemble["mirror"],
        }
        for name, ensemble in ensembles.items()
    }
    return record | {"classes": list(CLASSES), "blend": blend, "members": about}
