"""The networks of all folds and architectures as one predictor."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import numpy as np

from hbac.eeg.votes import CLASSES
from hbac.models.blend import Blend
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


def _networks_by_fold(ensemble: Mapping[str, Any]) -> list[list[Mapping[str, Any]]]:
    """The networks of each fold, in the order of the blend's weights."""
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
    return [[found[fold, name] for name in architectures] for fold in folds]


def predict_with_networks(
    networks: Mapping[str, Callable[[], Any]],
    inputs: Mapping[str, np.ndarray],
    ensemble: Mapping[str, Any],
    mirrors: Mapping[str, Mirror],
    *,
    batch_size: int,
) -> np.ndarray:
    """Blend the architectures of each fold, then average the folds.

    A blend is learned on predictions of single folds, so it is applied to such.

    A network that is shown nothing but what is missing votes the class prior, and a window in
    which there is nothing for any network is predicted to be just that.

    Args:
        networks: by name, a callable that loads the network.
        inputs: ``picture`` and, where a network sees it, ``waveform``: arrays with a row a
            window.
        ensemble: the record that ``modeling`` leaves beside the networks, of which ``networks``
            (each with ``name``, ``fold``, ``architecture`` and ``input``), ``blend``, ``mirror``
            and ``prior``, without which it is uniform.
        mirrors: what swaps the hemispheres of each input.
        batch_size: windows a step.

    Returns:
        Shape ``(windows, 6)``.

    Raises:
        ValueError: if a network of the ensemble is missing, or a fold lacks an architecture.
    """
    networks = named_networks(networks, ensemble)
    by_fold = _networks_by_fold(ensemble)
    blend = Blend(tuple(ensemble["blend"]["weights"]), tuple(ensemble["blend"]["bias"]))
    nothing = _find_nothing(inputs, ensemble)
    prior = np.asarray(ensemble.get("prior", [1 / len(CLASSES)] * len(CLASSES)), float)

    def vote(entry: Mapping[str, Any]) -> np.ndarray:
        shares = predict(
            networks[entry["name"]](),
            inputs[entry["input"]],
            batch_size=batch_size,
            mirror=mirrors[entry["input"]] if ensemble["mirror"] else None,
        )
        shares[nothing[entry["input"]]] = prior
        return shares

    joined = np.mean([blend([vote(entry) for entry in fold]) for fold in by_fold], axis=0)
    joined[np.logical_and.reduce([*nothing.values()])] = prior
    return joined
