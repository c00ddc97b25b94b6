"""Maps put to the test: what their evidence is worth to the network, and what it rests on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from hbac import explain, models
from hbac.eeg.gaps import MISSING
from hbac.models.inputs import Input
from hbac.pipelines.explainability.intervals import estimate_means
from hbac.pipelines.explainability.networks import (
    Networks,
    Pool,
    explained_input,
    explained_layout,
    load_best,
    load_pools,
    map_size,
    seen_windows,
)
from hbac.pipelines.explainability.params import ExplainabilityParams

logger = logging.getLogger(__name__)

RANDOM, CENTRE = "random", "centre prior"
MEAN_SPECTRUM, BLURRED, IMPUTED = "mean spectrum", "blurred", "imputed"
FLAT, INTERPOLATED = "flat line", "interpolated"
FILLS: dict[Input, tuple[str, str]] = {
    "picture": (MEAN_SPECTRUM, BLURRED),
    "waveform": (FLAT, INTERPOLATED),
}
"""What takes the place of tiles by what networks see; the first also in sensitivity-n. A waveform
has neither a spectrum nor, once blurred, anything left of it: it gets a flat line, which networks
know as missing, or a straight one from sample to sample within the channel."""

INSERTION, DELETION = "insertion", "deletion"
MOST_FIRST, LEAST_FIRST = "ROAD, most relevant first", "ROAD, least relevant first"


def better_of(seen: Input) -> dict[str, str]:
    """Name the scores of faithfulness of what networks see, and say which way is better."""
    return {
        **{f"{INSERTION}, {fill}": "higher" for fill in FILLS[seen]},
        **{f"{DELETION}, {fill}": "lower" for fill in FILLS[seen]},
        "ROAD": "higher",
        "sensitivity-n": "higher",
        "sparseness": "higher",
    }


BETTER = better_of("picture") | better_of("waveform")
"""Every score, and which way is better."""


def kinds() -> tuple[str, ...]:
    """Name the methods as their authors do, and the maps that know nothing."""
    return (*(method.name for method in explain.METHODS.values()), RANDOM, CENTRE)


def _tested(chosen: pd.DataFrame, per_class: int) -> np.ndarray:
    """Positions of the first windows drawn at random of each predicted class."""
    drawn = chosen.reset_index(drop=True)[chosen["random"].to_numpy()]
    return drawn.groupby("predicted").head(per_class).index.to_numpy()


def _maps_by_method(
    images: np.ndarray,
    classes: np.ndarray,
    pool: Pool,
    size: tuple[int, int],
) -> np.ndarray:
    """Signed maps of each window's class, shape ``(methods, windows, *size)``."""
    maps = pool.maps(
        images,
        list(explain.METHODS),
        size=size,
        class_indices=classes[np.newaxis],
    )
    return maps[:, :, 0]


def maps_of_every_kind(
    images: np.ndarray, classes: np.ndarray, pool: Pool, params: ExplainabilityParams
) -> np.ndarray:
    """Map one class of each window by every method, at random, and by a centre prior.

    Args:
        images: pictures or waveforms, shape ``(windows, height, width)``.
        classes: the class of each window, shape ``(windows,)``.
        pool: the networks.
        params: of which the seed, and the cells of random maps (the tiles).

    Returns:
        Signed evidence in the order of ``kinds()``, shape ``(kinds, windows, height, width)``.
    """
    layout, test = pool.layout, params.faithfulness
    cells = test.tile_rows, test.tile_columns
    drawn = explain.random_maps(
        len(images), layout.panels(), layout.size, cells=cells, seed=params.seed
    )
    prior = np.broadcast_to(explain.centre_prior(layout.panels(), layout.size), drawn.shape)
    by_method = _maps_by_method(images, classes, pool, layout.size)
    return np.concatenate([by_method, [drawn, prior]])


@dataclass(frozen=True)
class _Group:
    """Windows that the same networks have not seen, and their maps of every kind.

    Attributes:
        windows: of which ``predicted`` is the class that is explained.
        images: shape ``(n, height, width)``.
        maps: shape ``(kinds, n, height, width)``.
        logits: scores windows as the networks do.
        tiles: what is removed and put back.
        fills: by name, what may take a tile's place.
        impute: what takes its place in ROAD.
    """

    windows: pd.DataFrame
    images: np.ndarray
    maps: np.ndarray
    logits: explain.Score
    tiles: explain.Tiles
    fills: dict[str, explain.Replace]
    impute: Callable[..., np.ndarray]

    @property
    def classes(self) -> np.ndarray:
        return self.windows["predicted"].to_numpy()

    def table(self, values: np.ndarray, **of_all: Any) -> pd.DataFrame:
        """Lay values of ``(kinds, windows)`` out as a row each."""
        ids = self.windows[["eeg_id", "window", "patient_id"]]
        tables = [
            ids.assign(maps=kind, value=row) for kind, row in zip(kinds(), values, strict=True)
        ]
        return pd.concat(tables, ignore_index=True).assign(**of_all)


def _fills(
    images: np.ndarray,
    spectrum: np.ndarray | None,
    tiles: explain.Tiles,
    params: ExplainabilityParams,
) -> dict[str, explain.Replace]:
    """What may take a tile's place in pictures, or without a spectrum in waveforms."""
    if spectrum is None:
        nothing = np.full(images.shape[1:], MISSING, np.float32)
        flat, line = explain.replace_by(images, nothing), explain.replace_by_line(images)
        return {FLAT: flat, INTERPOLATED: line}
    smooth = explain.blurred(images, tiles.panels, sigma=params.faithfulness.blur)
    fills = {MEAN_SPECTRUM: spectrum, BLURRED: smooth}
    return {name: explain.replace_by(images, fill) for name, fill in fills.items()}


def _groups(
    chosen: pd.DataFrame,
    model_input: np.ndarray,
    waveform_input: np.ndarray,
    networks: Networks,
    ensemble: dict[str, Any],
    params: ExplainabilityParams,
) -> Iterator[_Group]:
    """Group the windows that are tested; the mean spectrum is that of all chosen ones."""
    layout, test = explained_layout(ensemble), params.faithfulness
    tiles = explain.Tiles(layout.panels(), test.tile_rows, test.tile_columns)
    seen = seen_windows(chosen["row"].to_numpy(), model_input, waveform_input, ensemble)
    spectrum, impute = None, explain.noisy_interpolation
    if explained_input(ensemble) == "picture":
        spectrum = explain.mean_spectrum(seen, tiles.panels)
        impute = explain.noisy_linear_imputation
    places = _tested(chosen, test.windows_per_class)
    windows = chosen.iloc[places]
    for rows, pool in load_pools(windows, networks, ensemble):
        group, images = windows.iloc[rows], seen[places[rows]]
        yield _Group(
            group,
            images,
            maps_of_every_kind(images, group["predicted"].to_numpy(), pool, params),
            pool.logits(batch_size=test.batch_size, compiled=True),
            tiles,
            _fills(images, spectrum, tiles, params),
            impute,
        )


def _curve_table(
    group: _Group, curves: dict[str, np.ndarray], fill: str, fractions: tuple[float, ...]
) -> pd.DataFrame:
    tables = [
        group.table(curve[..., place], curve=name, fill=fill, fraction=fraction)
        for name, curve in curves.items()
        for place, fraction in enumerate(fractions)
    ]
    return pd.concat(tables, ignore_index=True)


def _perturb(
    group: _Group, params: ExplainabilityParams
) -> tuple[list[pd.DataFrame], list[pd.DataFrame]]:
    """Insertion, deletion and ROAD: tables of curves and of their scores."""
    test, curves, scores = params.faithfulness, [], []
    probabilities = explain.probabilities(group.logits)
    common = {"tiles": group.tiles, "seed": params.seed, "batch_size": test.batch_size}
    inputs = probabilities, group.images, group.maps, group.classes
    for fill, replacing in group.fills.items():
        both = explain.insertion_deletion(
            *inputs, replace=replacing, fractions=test.fractions, **common
        )
        named = {INSERTION: both.insertion, DELETION: both.deletion}
        curves.append(_curve_table(group, named, fill, test.fractions))
        scores += [
            group.table(explain.area(curve, test.fractions), score=f"{name}, {fill}")
            for name, curve in named.items()
        ]
    removed = explain.remove_and_debias(
        *inputs,
        fractions=test.road_fractions,
        noise=test.road_noise,
        impute=group.impute,
        **common,
    )
    named = {MOST_FIRST: removed.most_first, LEAST_FIRST: removed.least_first}
    curves.append(_curve_table(group, named, IMPUTED, test.road_fractions))
    scores.append(group.table(explain.road_score(removed), score="ROAD"))
    return curves, scores


def _measure_maps(group: _Group, params: ExplainabilityParams) -> list[pd.DataFrame]:
    """Sensitivity-n and sparseness, a table each."""
    test = params.faithfulness
    subsets = explain.subset_drops(
        group.logits,
        group.images,
        group.classes,
        replace=next(iter(group.fills.values())),
        tiles=group.tiles,
        shares=test.subset_shares,
        subsets=test.subsets,
        seed=params.seed,
        batch_size=test.batch_size,
    )
    correlation = explain.sensitivity_n(group.maps, group.tiles, *subsets)
    sparseness = explain.gini(np.maximum(group.maps, 0))
    return [
        group.table(correlation, score="sensitivity-n"),
        group.table(sparseness, score="sparseness"),
    ]


def measure_faithfulness(
    chosen: pd.DataFrame,
    model_input: np.ndarray,
    waveform_input: np.ndarray,
    networks: Networks,
    ensemble: dict[str, Any],
    params: ExplainabilityParams,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Test the maps of every method, random maps and a centre prior on the predicted class.

    Args:
        chosen: as ``choose_windows`` returns them; some of those drawn at random are tested.
        model_input: pictures, shape ``(windows, height, width)``.
        waveform_input: bipolar EEG, shape ``(windows, channels, samples)``; it is asked where no
            network sees pictures.
        networks: by name, a callable that loads the network.
        ensemble: the record that names the networks.
        params: how maps are tested.

    Returns:
        Curves, a row a window, kind of map and point (``curve``, ``fill``, ``fraction``, ``maps``,
        ``value``: the probability of the class); and scores, a row a window and kind of map
        (``score``, ``maps``, ``value``).
    """
    curves, scores = [], []
    for group in _groups(chosen, model_input, waveform_input, networks, ensemble, params):
        of_group = _perturb(group, params)
        curves += of_group[0]
        scores += [*of_group[1], *_measure_maps(group, params)]
    return pd.concat(curves, ignore_index=True), pd.concat(scores, ignore_index=True)


def score_faithfulness(
    curves: pd.DataFrame, scores: pd.DataFrame, params: ExplainabilityParams
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Average curves and scores over windows, with intervals over patients.

    Returns:
        Curves with ``curve``, ``fill``, ``fraction``, ``maps``, ``value``, ``low``, ``high`` and
        ``n``; scores with ``score``, ``maps`` and the same, and which way is ``better``.
    """
    mean_curves = estimate_means(curves, ["curve", "fill", "maps", "fraction"], params)
    mean_scores = estimate_means(scores, ["score", "maps"], params)
    return mean_curves, mean_scores.assign(better=mean_scores["score"].map(BETTER))


def check_randomisation(
    chosen: pd.DataFrame,
    model_input: np.ndarray,
    waveform_input: np.ndarray,
    networks: Networks,
    ensemble: dict[str, Any],
    params: ExplainabilityParams,
) -> pd.DataFrame:
    """Compare maps with those of the same network as its weights are drawn anew from the top.

    Done with the network of the lowest validation loss, on some of the windows drawn at random
    that it has not seen.

    Returns:
        A row a window, method and stage: ``maps``, ``step`` from 1, ``layer`` (the deepest drawn
        anew) and ``similarity``, Spearman's correlation with the trained network's signed map.
    """
    drawn = chosen[chosen["random"]]
    rows, pool = load_best(drawn, networks, ensemble)
    # Other nodes may look at the network meanwhile.
    pool = replace(pool, networks=[models.copy_of(pool.networks[0])])
    unseen = drawn.iloc[rows]
    windows = unseen.sample(
        min(params.randomisation.windows, len(unseen)), random_state=params.seed
    )
    rows = windows["row"].to_numpy()
    images = seen_windows(rows, model_input, waveform_input, ensemble)
    compare = partial(
        _maps_by_method,
        images,
        windows["predicted"].to_numpy(),
        pool,
        map_size(pool.layout),
    )
    trained = compare()
    ids, parts = windows[["eeg_id", "window", "patient_id"]], []
    steps = params.randomisation.steps
    with explain.cascade(pool.networks[0], seed=params.seed, steps=steps) as stages:
        for step, (layer, _) in enumerate(stages, start=1):
            similarity = explain.rank_correlation(trained, compare())
            parts += [
                ids.assign(maps=name, step=step, layer=layer, value=of_method)
                for name, of_method in zip(kinds(), similarity, strict=False)
            ]
    return pd.concat(parts, ignore_index=True)


def judge_randomisation(
    similarities: pd.DataFrame, params: ExplainabilityParams
) -> tuple[pd.DataFrame, list[str]]:
    """Average the similarities over windows, and name the methods that fail.

    A method fails if, with all weights drawn anew, its maps still resemble those of the trained
    network: if their mean rank correlation exceeds the threshold.

    Returns:
        ``maps``, ``step``, ``layer``, ``similarity``, ``low``, ``high`` and ``n``, beginning with
        a step 0 of the trained network, whose maps are the same; and the names of those that fail.
    """
    means = estimate_means(similarities, ["maps", "step", "layer"], params)
    means = means.rename(columns={"value": "similarity"})
    trained = means.drop_duplicates("maps").assign(
        step=0, layer="trained", similarity=1.0, low=1.0, high=1.0
    )
    last = means[means["step"] == means["step"].max()]
    failing = last.loc[last["similarity"] > params.randomisation.threshold, "maps"].tolist()
    if failing:
        logger.warning(
            "These maps hardly change as the network's weights are drawn anew, so they show the "
            "picture more than what was learnt from it: %s",
            ", ".join(failing),
        )
    return pd.concat([trained, means], ignore_index=True), failing
