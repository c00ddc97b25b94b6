"""Trained networks and windows to maps, and maps to words and tables."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from hbac import explain
from hbac.eeg.chain_map import ChainMap, chain_maps
from hbac.eeg.panel import Source
from hbac.eeg.recording import Recording
from hbac.eeg.shape import WINDOW_SECONDS
from hbac.eeg.votes import (
    CLASS_NAMES,
    CLASSES,
    PREDICTION_COLUMNS,
    VOTE_COLUMNS,
    label_counts,
)
from hbac.eeg.windows import window_start
from hbac.pipelines.explainability.intervals import estimate_means
from hbac.pipelines.explainability.networks import (
    Networks,
    architectures_left_out,
    explained_input,
    explained_layout,
    load_pools,
    map_panels,
    map_size,
    seen_windows,
)
from hbac.pipelines.explainability.params import ExplainabilityParams

logger = logging.getLogger(__name__)

NO_CONSENSUS = -1
"""The ``consensus`` of a window that nobody voted on."""

EVIDENCE_COLUMNS = [
    *("eeg_id", "window", "class", "probability", "vote", "predicted", "consensus", "sentence"),
    *("chains", "hertz_low", "hertz_high", "seconds_low", "seconds_high", "source", "share"),
]

_KEYS = ["eeg_id", "window"]


def _start_of(window: Any, eegs: dict[str, Callable[[], Recording]]) -> float:
    """Where a window starts in its EEG; the file is read only where the table does not say."""
    if not np.isnan(window.eeg_offset_seconds):
        return float(window.eeg_offset_seconds)
    return window_start(np.nan, eegs[str(window.eeg_id)]().duration, WINDOW_SECONDS)


def _with_verdicts(predictions: pd.DataFrame, windows: pd.DataFrame) -> pd.DataFrame:
    """Join predictions to their rows of the model's input, and say what is right."""
    rows = windows[[*_KEYS, "eeg_offset_seconds"]].assign(row=np.arange(len(windows)))
    table = predictions.merge(rows, on=_KEYS, validate="one_to_one")
    votes = table[list(VOTE_COLUMNS)].to_numpy(float)
    known = ~np.isnan(votes).any(axis=1)
    consensus = np.where(known, np.nan_to_num(votes).argmax(axis=1), NO_CONSENSUS)
    predicted = table[list(PREDICTION_COLUMNS)].to_numpy().argmax(axis=1)
    return table.assign(
        consensus=consensus, predicted=predicted, correct=known & (consensus == predicted)
    )


def _choose(table: pd.DataFrame, params: ExplainabilityParams) -> pd.DataFrame:
    """Add three columns of booleans that say why a window is chosen."""
    known = table["consensus"] != NO_CONSENSUS
    group = table["consensus"].where(known, table["predicted"])
    counts = label_counts(table)[np.arange(len(table)), table["consensus"]]
    agreeing = pd.Series(counts, table.index).fillna(0)
    confidence = table[list(PREDICTION_COLUMNS)].max(axis=1)
    drawn = pd.Series(np.random.default_rng(params.seed).permutation(len(table)), table.index)
    wrong = known & ~table["correct"]
    surest = confidence.where(wrong, -1).rank(ascending=False, method="first")
    return table.assign(
        agreed=agreeing.groupby(group).rank(ascending=False, method="first")
        <= params.agreed_per_class,
        random=drawn.groupby(group).rank() <= params.random_per_class,
        error=wrong & (surest <= params.errors),
    )


def choose_windows(
    predictions: pd.DataFrame,
    windows: pd.DataFrame,
    eegs: dict[str, Callable[[], Recording]],
    params: ExplainabilityParams,
) -> pd.DataFrame:
    """Choose the windows to explain.

    Args:
        predictions: held-out predictions with votes.
        windows: rows of the model's input, in its order.
        eegs: by ``eeg_id``, a callable that reads the recording.
        params: of which how many windows of each kind.

    Returns:
        The predictions of the chosen windows, and

        - ``row``: place in the model's input; ``start_seconds``: where the window starts in its
          EEG;
        - ``consensus`` and ``predicted``: indices of classes, the former -1 without votes;
          ``correct``: whether they agree;
        - ``agreed``, ``random``, ``error``: whether it is one of those of its class that most
          experts agree on; one drawn at random, which alone are counted in averages; one of the
          surest errors. A window may be all three;
        - ``drawn``: whether it gets a figure of its own.
    """
    table = _choose(_with_verdicts(predictions, windows), params)
    chosen = table[table[["agreed", "random", "error"]].any(axis=1)]
    chosen = chosen.sort_values(["consensus", "predicted", *_KEYS], ignore_index=True)
    starts = [_start_of(window, eegs) for window in chosen.itertuples()]
    first = chosen[["agreed", "error"]].any(axis=1)
    ranks = (~first).groupby(chosen["predicted"]).rank(method="first")
    return chosen.drop(columns="eeg_offset_seconds").assign(
        start_seconds=starts, drawn=first | (ranks <= params.figures_per_class)
    )


def compute_activation_maps(
    chosen: pd.DataFrame,
    model_input: np.ndarray,
    waveform_input: np.ndarray,
    networks: Networks,
    ensemble: dict[str, Any],
    params: ExplainabilityParams,
) -> np.ndarray:
    """Map each class on each chosen window, by networks that have not seen it.

    A window that one fold held out is explained by that fold's networks; one that no network was
    trained on, by all. See ``Pool`` for how their maps are added up.

    Args:
        chosen: as ``choose_windows`` returns them.
        model_input: pictures, shape ``(windows, height, width)``.
        waveform_input: bipolar EEG, shape ``(windows, channels, samples)``; it is explained where
            no network sees pictures.
        networks: by name, a callable that loads the network.
        ensemble: the record that names the networks.
        params: method and layer.

    Returns:
        Signed evidence, shape ``(chosen, 6 classes, height / 4, width / 4)``, float32; over
        waveforms ``(chosen, 6 classes, channels, samples / 10)``.
    """
    if left_out := architectures_left_out(ensemble):
        logger.info(
            "Maps explain the networks that see a %s; what %s adds is left out",
            explained_input(ensemble),
            ", ".join(left_out),
        )
    size = map_size(explained_layout(ensemble))
    layers = [params.layer] if isinstance(params.layer, str) else params.layer
    maps = np.zeros((len(chosen), len(CLASSES), *size), np.float32)
    for rows, pool in load_pools(chosen, networks, ensemble):
        of_group = chosen["row"].to_numpy()[rows]
        images = seen_windows(of_group, model_input, waveform_input, ensemble)
        maps[rows] = pool.maps(
            images,
            [params.method],
            size=size,
            class_indices=range(len(CLASSES)),
            layers=layers,
        )[0]
    return maps


def _evidence_row(window: Any, number: int, maps: Mapping[Source, ChainMap]) -> dict[str, Any]:
    """Tell one class of one window in words, and in the numbers that the words are made of."""
    probability = getattr(window, PREDICTION_COLUMNS[number])
    evidence = explain.locate(maps)
    row = {
        "eeg_id": window.eeg_id,
        "window": window.window,
        "class": CLASS_NAMES[number],
        "probability": probability,
        "vote": getattr(window, VOTE_COLUMNS[number]),
        "predicted": number == window.predicted,
        "consensus": number == window.consensus,
        "sentence": explain.describe(CLASS_NAMES[number], probability, evidence),
    }
    if evidence is None:
        return row
    hertz = evidence.hertz or (np.nan, np.nan)
    return row | {
        "chains": "+".join(evidence.chains),
        "hertz_low": hertz[0],
        "hertz_high": hertz[1],
        "seconds_low": evidence.seconds[0],
        "seconds_high": evidence.seconds[1],
        "source": evidence.source,
        "share": evidence.share,
    }


def tell_evidence(chosen: pd.DataFrame, maps: np.ndarray, ensemble: dict[str, Any]) -> pd.DataFrame:
    """Put the evidence for every class of every chosen window into words.

    Returns:
        A row a window and class: its ids, ``class``, ``probability``, ``vote``, whether it is the
        ``predicted`` class and the ``consensus``, the ``sentence``, and what it tells: ``chains``,
        ``hertz_low`` to ``hertz_high`` (missing of waveforms), ``seconds_low`` to ``seconds_high``
        in the recording's own time, ``source``, and the ``share`` of the map's evidence that lies
        there; missing where there is no evidence.
    """
    panels = map_panels(ensemble)
    rows = [
        _evidence_row(window, number, chain_maps(of_class, panels, start=window.start_seconds))
        for window, of_window in zip(chosen.itertuples(), maps, strict=True)
        for number, of_class in enumerate(of_window)
    ]
    return pd.DataFrame(rows, columns=EVIDENCE_COLUMNS)


def tabulate_importance(
    chosen: pd.DataFrame, maps: np.ndarray, ensemble: dict[str, Any]
) -> pd.DataFrame:
    """Share the evidence out over chains, bands and seconds, for notebooks to query.

    Returns:
        See ``hbac.explain.importance.importance_table``, with the window's ids, ``patient_id``,
        ``predicted``, ``correct`` and ``random`` in front.
    """
    table = explain.importance_table(chain_maps(maps, map_panels(ensemble)))
    columns = [*_KEYS, "patient_id", "predicted", "correct", "random"]
    of_window = chosen[columns].assign(
        predicted=pd.Categorical.from_codes(chosen["predicted"], list(CLASS_NAMES))
    )
    joined = of_window.iloc[table["window_row"]].reset_index(drop=True)
    return pd.concat([joined, table.drop(columns="window_row")], axis=1)


def _marginal(table: pd.DataFrame, ids: pd.DataFrame, dimension: str) -> pd.DataFrame:
    sums = explain.marginal(table, dimension).rename(columns={"share": "value"})
    return sums.join(ids, on="window_row")


def summarise_importance(
    chosen: pd.DataFrame, importance: pd.DataFrame, params: ExplainabilityParams
) -> pd.DataFrame:
    """Average where the evidence for the predicted class lies, over windows drawn at random.

    Returns:
        ``class``, ``source``, ``dimension`` (chain, band, second), ``level``, mean ``share`` of
        the evidence, ``low`` and ``high`` of its interval over patients, ``n`` windows, and
        ``chance``: the share of an even map.
    """
    ids = chosen.loc[chosen["random"], [*_KEYS, "patient_id"]].reset_index(drop=True)
    numbers = ids[_KEYS].assign(window_row=np.arange(len(ids)))
    of_predicted = importance["class"].astype(str) == importance["predicted"].astype(str)
    table = importance[importance["random"] & of_predicted].merge(numbers, on=_KEYS)
    keys = ["class", "source", "dimension", "level"]
    parts = []
    for dimension in ("chain", "band", "second"):
        sums = _marginal(table, ids, dimension)
        means = estimate_means(sums, keys, params).rename(columns={"value": "share"})
        chance = sums.groupby(keys, observed=True)["chance"].mean()
        parts.append(means.join(chance, on=keys))
    return pd.concat(parts, ignore_index=True)
