"""The networks of all folds and architectures as one predictor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import numpy as np

from hbac.models.blend import Blend
from hbac.models.prediction import Mirror, predict


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

    Args:
        networks: by name, a callable that loads the network.
        inputs: ``picture`` and, where a network sees it, ``waveform``: arrays with a row a
            window.
        ensemble: the record that ``modeling`` leaves beside the networks, of which ``networks``
            (each with ``name``, ``fold``, ``architecture`` and ``input``), ``blend`` and
            ``mirror``.
        mirrors: what swaps the hemispheres of each input.
        batch_size: windows a step.

    Returns:
        Shape ``(windows, 6)``.

    Raises:
        ValueError: if a network of the ensemble is missing, or a fold lacks an architecture.
    """
    missing = [entry["name"] for entry in ensemble["networks"] if entry["name"] not in networks]
    if missing:
        raise ValueError(f"the ensemble names {missing}, its folder holds {sorted(networks)}")
    by_fold = _networks_by_fold(ensemble)
    blend = Blend(tuple(ensemble["blend"]["weights"]), tuple(ensemble["blend"]["bias"]))

    def shares(entry: Mapping[str, Any]) -> np.ndarray:
        return predict(
            networks[entry["name"]](),
            inputs[entry["input"]],
            batch_size=batch_size,
            mirror=mirrors[entry["input"]] if ensemble["mirror"] else None,
        )

    return np.mean([blend([shares(entry) for entry in fold]) for fold in by_fold], axis=0)
