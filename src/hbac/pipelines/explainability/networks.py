"""Which networks explain which windows, and what each of them counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from hbac import explain
from hbac.eeg.panel import Panel
from hbac.models.image import ImageLayout
from hbac.pipelines.inference.nodes import UNSEEN
from hbac.pipelines.modeling.params import ImageParams

MAP_STRIDE = 4
"""Pixels of the picture, down and across, that share a cell of a stored map."""

Networks = dict[str, Callable[[], Any]]
"""By name, a callable that loads the network."""


def picture_layout(ensemble: dict[str, Any]) -> ImageLayout:
    """Return how the networks' pictures are laid out."""
    return ImageParams(**ensemble["image"]).layout


def _blocks(layout: ImageLayout) -> tuple[int, int]:
    """Panels of the picture, down and across."""
    n_sources = len(layout.sources)
    return len(layout.panels()) // n_sources, n_sources


def map_size(layout: ImageLayout) -> tuple[int, int]:
    """Return rows and columns of a stored map, whole ones for every panel."""
    down, across = _blocks(layout)
    rows, columns = layout.size[0] // down, layout.size[1] // across
    return down * max(rows // MAP_STRIDE, 1), across * max(columns // MAP_STRIDE, 1)


def map_panels(ensemble: dict[str, Any]) -> tuple[Panel, ...]:
    """Return where each chain of each source lies in a stored map."""
    layout = picture_layout(ensemble)
    return replace(layout, size=map_size(layout)).panels()


def picture_networks(ensemble: dict[str, Any]) -> list[dict[str, Any]]:
    """List the networks of an ensemble that see pictures.

    Raises:
        ValueError: if there is none.
    """
    chosen = [entry for entry in ensemble["networks"] if entry["input"] == "picture"]
    if not chosen:
        names = [entry["architecture"] for entry in ensemble["networks"]]
        raise ValueError(f"maps need a network that sees pictures, the ensemble has {names}")
    return chosen


@dataclass(frozen=True)
class Pool:
    """Networks of pictures whose logits are added up as the ensemble does.

    In each fold the ensemble blends architectures log-linearly, so the logits of the fold's
    prediction are a weighted sum of theirs, and its maps the same sum of theirs. A window that one
    fold held out is explained by that fold's. For a window that is new to all folds, their blended
    logits are averaged here before the softmax, where the ensemble averages after it. What networks
    of waveforms add is left out.

    Attributes:
        networks: Keras models.
        weights: of each one's logits.
        bias: added to the logits, one a class.
        layout: how their pictures are laid out.
    """

    networks: Sequence[Any]
    weights: Sequence[float]
    bias: Sequence[float]
    layout: ImageLayout

    def maps(
        self,
        images: np.ndarray,
        methods: Sequence[str],
        *,
        size: tuple[int, int],
        class_indices: Sequence[int] | np.ndarray,
        layers: Sequence[str] | None = None,
    ) -> np.ndarray:
        """Map classes by several methods.

        Args:
            images: shape ``(windows, height, width)``.
            methods: names in ``hbac.explain.METHODS``.
            size: height and width of the maps.
            class_indices: shape ``(classes,)`` or ``(classes, windows)``.
            layers: those that all methods look at, or ``None`` for each one's own.

        Returns:
            Signed evidence, shape ``(methods, windows, classes, *size)``, float32.
        """
        total, blocks = np.float32(0), _blocks(self.layout)
        for network, weight in zip(self.networks, self.weights, strict=True):
            cells = explain.map_by_methods(
                [explain.METHODS[name] for name in methods],
                network,
                images,
                class_indices=class_indices,
                layers=layers,
                signed=True,
            )
            enlarged = [explain.upsample(maps, size, blocks=blocks) for maps in cells]
            total = total + np.float32(weight) * np.stack(enlarged)
        return total

    def logits(self, *, batch_size: int, compiled: bool = False) -> explain.Score:
        """Return what scores pictures as the ensemble does, up to what ``Pool`` leaves out."""
        return explain.pooled_logits(
            self.networks,
            weights=self.weights,
            bias=self.bias,
            batch_size=batch_size,
            compiled=compiled,
        )


@lru_cache(maxsize=12)
def _loaded(load: Callable[[], Any]) -> Any:
    """Load a network once for all nodes of a run: EfficientNetB0 takes two seconds."""
    return load()


def _pool(entries: list[dict[str, Any]], networks: Networks, ensemble: dict[str, Any]) -> Pool:
    names = [entry["architecture"] for entry in entries]
    of_architecture = dict(
        zip(
            dict.fromkeys(entry["architecture"] for entry in ensemble["networks"]),
            ensemble["blend"]["weights"],
            strict=True,
        )
    )
    return Pool(
        [_loaded(networks[entry["name"]]) for entry in entries],
        [of_architecture[name] / names.count(name) for name in names],
        ensemble["blend"]["bias"],
        picture_layout(ensemble),
    )


def load_pools(
    windows: pd.DataFrame, networks: Networks, ensemble: dict[str, Any]
) -> Iterator[tuple[np.ndarray, Pool]]:
    """Group windows by the networks that have not seen them, and load these.

    Args:
        windows: of which ``fold``; -1 is a window that no network has seen.
        networks: by name, a callable that loads the network.
        ensemble: the record that names the networks.

    Yields:
        Positions of some windows, and the networks of their fold, or those of all folds.

    Raises:
        ValueError: if no network of the ensemble sees pictures.
    """
    entries = picture_networks(ensemble)
    folds = windows["fold"].to_numpy()
    for fold in np.unique(folds):
        unseen = [entry for entry in entries if fold in (entry["fold"], UNSEEN)]
        yield np.flatnonzero(folds == fold), _pool(unseen, networks, ensemble)


def load_best(
    windows: pd.DataFrame, networks: Networks, ensemble: dict[str, Any]
) -> tuple[np.ndarray, Pool]:
    """Load, of the networks that some windows are new to, the one of the lowest validation loss.

    Returns:
        Positions of the windows that it has not seen, and the network alone.
    """
    folds = windows["fold"].to_numpy()
    unseen = {
        entry["name"]: np.flatnonzero(np.isin(folds, [entry["fold"], UNSEEN]))
        for entry in picture_networks(ensemble)
    }
    known = [entry for entry in picture_networks(ensemble) if len(unseen[entry["name"]])]
    best = min(known, key=lambda entry: entry["val_loss"])
    return unseen[best["name"]], _pool([best], networks, ensemble)
