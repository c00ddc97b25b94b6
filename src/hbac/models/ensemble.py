"""The networks of all folds and architectures as one predictor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hbac.models.blend import Blend
from hbac.models.prediction import Mirror, predict


def predict_with_networks(
    networks: Mapping[str, Callable[[], Any]],
    inputs: Mapping[str, np.ndarray],
    ensemble: Mapping[str, Any],
    mirrors: Mapping[str, Mirror],
    *,
    batch_size: int,
) -> np.ndarray:
    """Average the folds of each architecture, then blend the architectures.

    Args:
        networks: by name, a callable that loads the network.
        inputs: ``picture`` and, where a network sees it, ``waveform``: arrays with a row a
            window.
        ensemble: the record that ``modeling`` leaves beside the networks, of which ``networks``
            (each with ``name``, ``architecture`` and ``input``), ``blend`` and ``mirror``.
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
    by_architecture: dict[str, list[np.ndarray]] = {}
    for entry in ensemble["networks"]:
        shares = predict(
            networks[entry["name"]](),
            inputs[entry["input"]],
            batch_size=batch_size,
            mirror=mirrors[entry["input"]] if ensemble["mirror"] else None,
        )
        by_architecture.setdefault(entry["architecture"], []).append(shares)
    blend = Blend(tuple(ensemble["blend"]["weights"]), tuple(ensemble["blend"]["bias"]))
    return blend([np.mean(shares, axis=0) for shares in by_architecture.values()])
