"""The networks of all folds and architectures as one predictor."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hbac.eeg.votes import CLASSES
from hbac.models.blend import Blend
from hbac.models.members import check_same_folds, members_of, networks_by_fold
from hbac.models.missing import holds_nothing
from hbac.models.prediction import Mirror, predict

logger = logging.getLogger(__name__)


def _find_nothing(
    inputs: Mapping[str, np.ndarray], ensemble: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """By what networks see, which windows hold nothing of it; how many is logged."""
    kinds = dict.fromkeys(entry["input"] for entry in ensemble["networks"])
    nothing = {kind: holds_nothing(inputs[kind]) for kind in kinds}
    instead = (
        "the class prior"
        if "prior" in ensemble
        else "1/6 a class, since the ensemble's record has no class prior: train again to have it"
    )
    for kind, windows in nothing.items():
        if windows.any():
            logger.warning(
                "%d of %d windows hold nothing in the %s; its networks vote %s",
                windows.sum(),
                len(windows),
                kind,
                instead,
            )
    return nothing


def named_networks(
    networks: Mapping[str, Callable[[], Any]], ensemble: Mapping[str, Any]
) -> dict[str, Callable[[], Any]]:
    """Take the networks that an ensemble's record names.

    Args:
        networks: by name, a callable that loads the network.
        ensemble: the record that ``modeling`` leaves beside the networks.

    Raises:
        ValueError: if one is missing.
    """
    names = [entry["name"] for entry in ensemble["networks"]]
    missing = [name for name in names if name not in networks]
    if missing:
        raise ValueError(f"the ensemble names {missing}, its folder holds {sorted(networks)}")
    return {name: networks[name] for name in names}


def predict_with_networks(
    networks: Mapping[str, Callable[[], Any]],
    inputs: Mapping[str, np.ndarray],
    ensemble: Mapping[str, Any],
    mirrors: Mapping[str, Mirror],
    *,
    batch_size: int,
) -> np.ndarray:
    """Blend the architectures of each fold, then the members, then average the folds.

    Blends are learned on predictions of single folds, so they are applied to such.

    A network that is shown nothing but what is missing votes the class prior, and a window in
    which there is nothing for any network is predicted to be just that.

    Args:
        networks: by name, a callable that loads the network.
        inputs: by the names in the record, such as ``picture`` and ``waveform``, what networks
            see: arrays with a row a window.
        ensemble: the record that ``modeling`` leaves beside the networks, of which ``networks``
            (each with ``name``, ``fold``, ``architecture`` and ``input``), ``blend``, ``mirror``
            and ``prior``, without which it is uniform; or the one of ``ensembling``, with
            ``members``.
        mirrors: what swaps the hemispheres of each input.
        batch_size: windows a step.

    Returns:
        Shape ``(windows, 6)``.

    Raises:
        ValueError: if a network of the ensemble is missing, or a fold lacks an architecture or a
            member.
    """
    networks = named_networks(networks, ensemble)
    members = members_of(ensemble)
    by_member = {name: networks_by_fold(member) for name, member in members.items()}
    check_same_folds(by_member)
    nothing = _find_nothing(inputs, ensemble)
    prior = np.asarray(ensemble.get("prior", [1 / len(CLASSES)] * len(CLASSES)), float)

    def vote(entry: Mapping[str, Any], mirrored: bool) -> np.ndarray:
        shares = predict(
            networks[entry["name"]](),
            inputs[entry["input"]],
            batch_size=batch_size,
            mirror=mirrors[entry["input"]] if mirrored else None,
        )
        shares[nothing[entry["input"]]] = prior
        return shares

    def predict_fold(name: str, fold: int) -> np.ndarray:
        member = members[name]
        votes = [vote(entry, member["mirror"]) for entry in by_member[name][fold]]
        return Blend.of_record(member["blend"])(votes)

    def join_fold(fold: int) -> np.ndarray:
        shares = [predict_fold(name, fold) for name in members]
        return Blend.of_record(ensemble["blend"])(shares) if "members" in ensemble else shares[0]

    joined = np.mean([join_fold(fold) for fold in next(iter(by_member.values()))], axis=0)
    joined[np.logical_and.reduce([*nothing.values()])] = prior
    return joined
