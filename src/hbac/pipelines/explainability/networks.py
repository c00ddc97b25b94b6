"""Which networks explain which windows, and what each of them counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from hbac import explain
from hbac.eeg.montage import CHAINS
from hbac.eeg.panel import Panel
from hbac.models.augmentation import Layout
from hbac.models.inputs import Input
from hbac.models.members import member_of, network_weights
from hbac.models.preprocessing import picture_layout, record_of, waveform_layout
from hbac.models.waveform import middle_columns
from hbac.pipelines.inference.nodes import UNSEEN

MAP_STRIDES: dict[Input, tuple[int, int]] = {"picture": (4, 4), "waveform": (1, 10)}
"""Pixels, or channels and samples, down and across, that share a cell of a stored map."""

Networks = dict[str, Callable[[], Any]]
"""By name, a callable that loads the network."""


def explained_input(ensemble: dict[str, Any]) -> Input:
    """Say what maps are laid over: pictures, where a network sees them, and waveforms otherwise."""
    seen = {entry["input"] for entry in ensemble["networks"]}
    return "picture" if "picture" in seen else "waveform"


def explained_layout(ensemble: dict[str, Any]) -> Layout:
    """Return how what is explained is laid out."""
    layouts = {"picture": picture_layout, "waveform": waveform_layout}
    seen = explained_input(ensemble)
    return layouts[seen](record_of(ensemble, seen))


def explained_networks(ensemble: dict[str, Any]) -> list[dict[str, Any]]:
    """List the networks of an ensemble that see what is explained."""
    seen = explained_input(ensemble)
    return [entry for entry in ensemble["networks"] if entry["input"] == seen]


def architectures_left_out(ensemble: dict[str, Any]) -> list[str]:
    """Name the architectures that see something else than what is explained, as members do."""
    seen = explained_input(ensemble)
    others = (entry for entry in ensemble["networks"] if entry["input"] != seen)
    return sorted({".".join(filter(None, member_of(entry))) for entry in others})


def seen_windows(
    rows: np.ndarray,
    model_input: np.ndarray,
    waveform_input: np.ndarray,
    ensemble: dict[str, Any],
) -> np.ndarray:
    """Return some rows of what is explained, without what training may shift it by, float32."""
    if explained_input(ensemble) == "picture":
        return np.asarray(model_input[rows], np.float32)
    seen = middle_columns(waveform_input, explained_layout(ensemble).size[1])
    return np.asarray(seen[rows], np.float32)


def _rows_are_channels(layout: Layout) -> bool:
    return layout.panel_heights() is None


def _blocks(layout: Layout) -> tuple[int, int]:
    """Chains and sources of the picture or waveform, down and across."""
    return len(CHAINS), len(layout.blocks())


def map_size(layout: Layout) -> tuple[int, int]:
    """Return rows and columns of a stored map, whole ones for every panel."""
    is_waveform = _rows_are_channels(layout)
    down, across = MAP_STRIDES["waveform" if is_waveform else "picture"]
    height = layout.chain_height() if is_waveform else min(layout.panel_heights())
    n_sources = len(layout.blocks())
    rows = layout.size[0] // height * max(height // down, 1)
    return rows, n_sources * max(layout.size[1] // n_sources // across, 1)


def _shrunk(part: slice, before: int, after: int) -> slice:
    """The same part of an axis of another length."""
    return slice(part.start * after // before, part.stop * after // before)


def map_panels(ensemble: dict[str, Any]) -> tuple[Panel, ...]:
    """Return where each chain of each source lies in a stored map."""
    layout = explained_layout(ensemble)
    (height, width), (rows, columns) = layout.size, map_size(layout)
    return tuple(
        replace(
            panel,
            rows=_shrunk(panel.rows, height, rows),
            columns=_shrunk(panel.columns, width, columns),
        )
        for panel in layout.panels()
    )


@dataclass(frozen=True)
class Pool:
    """Networks that see the same whose logits are added up as the ensemble does.

    In each fold the ensemble blends architectures log-linearly, so the logits of the fold's
    prediction are a weighted sum of theirs, and its maps the same sum of theirs. A window that one
    fold held out is explained by that fold's. For a window that is new to all folds, their blended
    logits are averaged here before the softmax, where the ensemble averages after it; so are those
    of members that a linear pool joins. Beside networks of pictures, what networks of waveforms
    add is left out, and so is what members add that see other pictures than the first.

    Attributes:
        networks: Keras models.
        weights: of each one's logits.
        bias: added to the logits, one a class.
        layout: how what they see is laid out.
    """

    networks: Sequence[Any]
    weights: Sequence[float]
    bias: Sequence[float]
    layout: Layout

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
            images: pictures or waveforms, shape ``(windows, height, width)``.
            methods: names in ``hbac.explain.METHODS``.
            size: height and width of the maps.
            class_indices: shape ``(classes,)`` or ``(classes, windows)``.
            layers: those that all methods look at, or ``None`` for each one's own; of networks of
                waveforms, those that still have a row a chain, where there are any.

        Returns:
            Signed evidence, shape ``(methods, windows, classes, *size)``, float32.
        """
        total, blocks = np.float32(0), _blocks(self.layout)
        least_rows = len(CHAINS) if _rows_are_channels(self.layout) else 1
        for network, weight in zip(self.networks, self.weights, strict=True):
            cells = explain.map_by_methods(
                [explain.METHODS[name] for name in methods],
                network,
                images,
                class_indices=class_indices,
                layers=layers,
                least_rows=least_rows,
                signed=True,
            )
            enlarged = [explain.upsample(maps, size, blocks=blocks) for maps in cells]
            total = total + np.float32(weight) * np.stack(enlarged)
        return total

    def logits(self, *, batch_size: int, compiled: bool = False) -> explain.Score:
        """Return what scores windows as the ensemble does, up to what ``Pool`` leaves out."""
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
    kinds = [member_of(entry) for entry in entries]
    weights, bias = network_weights(ensemble)
    return Pool(
        [_loaded(networks[entry["name"]]) for entry in entries],
        [weights[kind] / kinds.count(kind) for kind in kinds],
        bias.tolist(),
        explained_layout(ensemble),
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
    """
    entries = explained_networks(ensemble)
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
    folds = windows["fold"]
    entries = [one for one in explained_networks(ensemble) if one["val_loss"] is not None]
    unseen = {
        entry["name"]: np.flatnonzero((folds == entry["fold"]) | (folds == UNSEEN))
        for entry in entries
    }
    known = [entry for entry in entries if len(unseen[entry["name"]])]
    best = min(known, key=lambda entry: entry["val_loss"])
    return unseen[best["name"]], _pool([best], networks, ensemble)
