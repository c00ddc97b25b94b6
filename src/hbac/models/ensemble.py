"""The networks of all folds and architectures as one predictor."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hbac.eeg.votes import CLASSES
from hbac.models.blend import Blend
from hbac.models.missing import holds_nothing
from hbac.models.prediction import Mirror, predict

logger = logging.getLogger(__name__)


def _prior(ensemble: Mapping[str, Any]) -> np.ndarray:
    """The class prior, which records did not hold before networks knew what missing data are."""
    if "prior" not in ensemble:
        logger.warning(
            "The ensemble's record has no class prior: windows with nothing in them get 1/%d a "
            "class. Train again to have it.",
            len(CLASSES),
        )
    return np.asarray(ensemble.get("prior", [1 / len(CLASSES)] * len(CLASSES)), float)


def _find_nothing(
    inputs: Mapping[str, np.ndarray], ensemble: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """By what networks see, which windows hold nothing of it; how many is logged."""
    kinds = dict.fromkeys(entry["input"] for entry in ensemble["networks"])
    nothing = {kind: holds_nothing(inputs[kind]) for kind in kinds}
    for kind, windows in nothing.items():
        if windows.any():
            logger.warning(
                "%d of %d windows hold nothing in the %s: its networks vote the class prior there",
                windows.sum(),
                len(windows),
                kind,
            )
    return nothing


def predict_with_networks(
    networks: Mapping[str, Callable[[], Any]],
    inputs: Mapping[str, np.ndarray],
    ensemble: Mapping[str, Any],
    mirrors: Mapping[str, Mirror],
    *,
    batch_size: int,
) -> np.ndarray:
    """Average the folds of each architecture, then blend the architectures.

    A network that is shown nothing but what is missing votes the class prior, and a window in
    which there is nothing for any network is predicted to be just that.

    Args:
        networks: by name, a callable that loads the network.
        inputs: ``picture`` and, where a network sees it, ``waveform``: arrays with a row a
            window.
        ensemble: the record that ``modeling`` leaves beside the networks, of which ``networks``
            (each with ``name``, ``architecture`` and ``input``), ``blend``, ``mirror`` and
            ``prior``, without which it is uniform.
        mirrors: what swaps the hemispheres of each input.
        batch_size: windows a step.

    Returns:
        Shape ``(windows, 6)``.

    Raises:
        ValueError: if a network of the ensemble is missing.
    """
    missing = [entry["name"] for entry in ensemble["networks"] if entry["name"] not in networks]
    if missing:
        raise ValueError(f"the ensemble names {missing}, its folder holds {sorted(networks)}")
    nothing = _find_nothing(inputs, ensemble)
    prior = _prior(ensemble) if any(windows.any() for windows in nothing.values()) else None
    by_architecture: dict[str, list[np.ndarray]] = {}
    for entry in ensemble["networks"]:
        shares = predict(
            networks[entry["name"]](),
            inputs[entry["input"]],
            batch_size=batch_size,
            mirror=mirrors[entry["input"]] if ensemble["mirror"] else None,
        )
        shares[nothing[entry["input"]]] = prior
        by_architecture.setdefault(entry["architecture"], []).append(shares)
    blend = Blend(tuple(ensemble["blend"]["weights"]), tuple(ensemble["blend"]["bias"]))
    joined = blend([np.mean(shares, axis=0) for shares in by_architecture.values()])
    joined[np.logical_and.reduce([*nothing.values()])] = prior
    return joined
