"""The runs whose networks an ensemble holds, and what each network counts for."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np

from hbac.eeg.votes import CLASSES

ALL_FOLDS = "all"
"""The ``fold`` of networks that were trained on all patients, and that no window can score."""


def members_of(ensemble: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """By name, the runs whose networks an ensemble holds, each with its own blend.

    Returns:
        Records with ``networks``, ``blend`` and ``mirror``, in the order of the weights of the
        ensemble's blend; what one run made is its only member.
    """
    if "members" not in ensemble:
        return {"": ensemble}
    return {
        name: member
        | {"networks": [entry for entry in ensemble["networks"] if entry["member"] == name]}
        for name, member in ensemble["members"].items()
    }


def networks_by_fold(ensemble: Mapping[str, Any]) -> dict[int | str, list[Mapping[str, Any]]]:
    """Find the networks of each fold.

    Args:
        ensemble: a member; see ``members_of``.

    Returns:
        By fold, its networks in the order of the blend's weights.

    Raises:
        ValueError: if a fold lacks an architecture, or the blend has weights for others.
    """
    entries = ensemble["networks"]
    architectures = list(dict.fromkeys(entry["architecture"] for entry in entries))
    weights = ensemble["blend"]["weights"]
    if len(weights) != len(architectures):
        raise ValueError(
            f"the ensemble's blend has {len(weights)} weights for its architectures "
            f"{architectures}: it needs one for each, so copy the whole ensemble.json of a run"
        )
    found = {(entry["fold"], entry["architecture"]): entry for entry in entries}
    folds = dict.fromkeys(entry["fold"] for entry in entries)
    for fold, name in product(folds, architectures):
        if (fold, name) not in found:
            raise ValueError(
                f"the ensemble has no {name} of fold {fold}, and each fold needs all of "
                f"{architectures}: add it to the networks of ensemble.json, or take the fold out"
            )
    return {fold: [found[fold, name] for name in architectures] for fold in folds}


def check_same_folds(by_member: Mapping[str, Mapping[int, Any]]) -> None:
    """Refuse members of which one lacks a fold that another has.

    Args:
        by_member: by member, as ``networks_by_fold`` returns its networks.

    Raises:
        ValueError: naming the member and its folds.
    """
    folds = {name: sorted(by_fold, key=str) for name, by_fold in by_member.items()}
    first = next(iter(folds))
    for name, of_member in folds.items():
        if of_member != folds[first]:
            raise ValueError(
                f"the member {name} has networks of the folds {of_member}, {first} of "
                f"{folds[first]}: they are joined fold by fold, so make the ensemble again"
            )


def member_of(entry: Mapping[str, Any]) -> tuple[str, str]:
    """The member and the architecture of a network: what those of all folds have in common."""
    return entry.get("member", ""), entry["architecture"]


def network_weights(ensemble: Mapping[str, Any]) -> tuple[dict[tuple[str, str], float], np.ndarray]:
    """What the logits of each network count for in those of its fold's prediction.

    Of log-linear pools it is exact: pools of pools are one. A linear pool of members is taken for
    a log-linear one of the same weights.

    Args:
        ensemble: the record beside the networks.

    Returns:
        By member and architecture, the weight; and the bias of the classes, shape ``(6,)``.
    """
    members = members_of(ensemble)
    if "members" in ensemble:
        of_members, bias = ensemble["blend"]["weights"], np.array(ensemble["blend"]["bias"], float)
    else:
        of_members, bias = [1.0], np.zeros(len(CLASSES))
    weights = {}
    for of_member, member in zip(of_members, members.values(), strict=True):
        kinds = dict.fromkeys(map(member_of, member["networks"]))
        inside = zip(kinds, member["blend"]["weights"], strict=True)
        weights |= {kind: of_member * weight for kind, weight in inside}
        bias = bias + of_member * np.asarray(member["blend"]["bias"], float)
    return weights, bias
