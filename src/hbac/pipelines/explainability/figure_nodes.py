"""Maps and their tests to figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hbac import explain
from hbac.eeg.chain_map import ChainMap, chain_maps
from hbac.eeg.montage import CHAIN_ELECTRODES
from hbac.eeg.panel import Panel, Source
from hbac.eeg.recording import Recording
from hbac.eeg.shape import WINDOW_SECONDS
from hbac.eeg.votes import CLASS_NAMES, PREDICTION_COLUMNS, VOTE_COLUMNS
from hbac.pipelines.explainability.networks import (
    explained_input,
    explained_layout,
    map_panels,
    seen_windows,
)
from hbac.pipelines.explainability.nodes import NO_CONSENSUS
from hbac.pipelines.explainability.params import ExplainabilityParams
from hbac.plots import faithfulness, importance
from hbac.plots.overview import Example, overview
from hbac.plots.style import message
from hbac.plots.traces import waveform_explanation, waveform_overview
from hbac.plots.window import ExplainedClass, window_explanation

OUTCOMES = {True: "right", False: "wrong"}


def _method_name(params: ExplainabilityParams) -> str:
    return explain.METHODS[params.method].name


def _method_text(params: ExplainabilityParams, failing: list[str]) -> str:
    """What the maps are, and whether they can be trusted."""
    name = _method_name(params)
    text = f"Map: {name} of the logits."
    if name in failing:
        text += (
            f" {name} fails the randomisation check: its maps hardly change when the network's "
            "weights are drawn anew."
        )
    return text


def _title(window: dict[str, Any]) -> str:
    consensus = window["consensus"]
    n_votes = window["n_votes"]
    voted = (
        "no votes"
        if consensus == NO_CONSENSUS
        else f"experts {CLASS_NAMES[consensus]}, {n_votes} vote{'s' * (n_votes != 1)}"
    )
    probability = window[PREDICTION_COLUMNS[window["predicted"]]]
    predicted = f"network {CLASS_NAMES[window['predicted']]} {probability:.2f}"
    return f"EEG {window['eeg_id']}: {voted}; {predicted}"


def _told_classes(window: dict[str, Any]) -> list[int]:
    """The predicted class, and the consensus where it is another."""
    classes = dict.fromkeys([window["predicted"], window["consensus"]])
    return [number for number in classes if number != NO_CONSENSUS]


def _draw_window(
    load: Callable[[], Recording],
    window: dict[str, Any],
    picture: np.ndarray | None,
    maps: np.ndarray,
    panels: tuple[tuple[Panel, ...], tuple[Panel, ...]],
    sentences: list[str],
    caption: str,
) -> Figure:
    """Draw one window; in a worker, so that windows are drawn side by side.

    Without a picture its waveforms are explained.
    """
    of_picture, of_maps = panels
    start = window["start_seconds"]
    recording = load().crop(start, WINDOW_SECONDS)
    told = [
        ExplainedClass(CLASS_NAMES[number], sentence, chain_maps(of_class, of_maps, start=start))
        for number, of_class, sentence in zip(_told_classes(window), maps, sentences, strict=True)
    ]
    said = {
        "start": start,
        "class_names": CLASS_NAMES,
        "votes": np.array([window[column] for column in VOTE_COLUMNS]),
        "prediction": np.array([window[column] for column in PREDICTION_COLUMNS]),
        "title": _title(window),
        "caption": caption,
    }
    if picture is None:
        return waveform_explanation(recording.pick(CHAIN_ELECTRODES), told, **said)
    return window_explanation(
        recording,
        chain_maps(picture.astype(np.float32), of_picture, start=start),
        told,
        shaded=explain.shaded_stretches(told[0].maps),
        **said,
    )


def _with_shares(evidence: pd.DataFrame) -> pd.DataFrame:
    """Add to each sentence how much of the evidence lies where it says."""
    shares = evidence["share"].map("  ({:.0%} of the evidence)".format, na_action="ignore")
    return evidence.assign(sentence=evidence["sentence"] + shares.fillna(""))


def draw_windows(
    chosen: pd.DataFrame,
    maps: np.ndarray,
    evidence: pd.DataFrame,
    model_input: np.ndarray,
    eegs: dict[str, Callable[[], Recording]],
    ensemble: dict[str, Any],
    failing: list[str],
    params: ExplainabilityParams,
) -> dict[str, Callable[[], Figure]]:
    """Draw each window that gets a figure: its EEG, votes and prediction, and the evidence in it.

    Returns:
        By file name, ``<predicted class>_<eeg_id>_<window>``, a callable that draws the figure.
    """
    panels = explained_layout(ensemble).panels(), map_panels(ensemble)
    has_pictures = explained_input(ensemble) == "picture"
    sentences = _with_shares(evidence).set_index(["eeg_id", "window", "class"])["sentence"]
    caption = _method_text(params, failing)
    figures = {}
    drawn = chosen["drawn"].to_numpy()
    for window, of_window in zip(chosen[drawn].to_dict("records"), maps[drawn], strict=True):
        told = _told_classes(window)
        ids = window["eeg_id"], window["window"]
        name = f"{CLASS_NAMES[window['predicted']].lower()}_{ids[0]}_{ids[1]}"
        figures[name] = partial(
            _draw_window,
            eegs[str(window["eeg_id"])],
            window,
            np.asarray(model_input[window["row"]]) if has_pictures else None,
            of_window[told],
            panels,
            [sentences[*ids, CLASS_NAMES[number]] for number in told],
            caption,
        )
    return figures


def _draw_examples(
    windows: pd.DataFrame,
    maps: np.ndarray,
    seen: np.ndarray,
    ensemble: dict[str, Any],
    columns: Mapping[str, str],
    **words: str,
) -> Figure:
    """Draw windows with the maps of the classes that some columns name."""
    draw = overview if explained_input(ensemble) == "picture" else waveform_overview
    return draw(_examples(windows, maps, seen, ensemble, columns), **words)


def _examples(
    windows: pd.DataFrame,
    maps: np.ndarray,
    seen: np.ndarray,
    ensemble: dict[str, Any],
    columns: Mapping[str, str],
) -> list[Example]:
    """What networks saw of windows, and the maps of the classes that some columns name."""
    of_picture, of_maps = explained_layout(ensemble).panels(), map_panels(ensemble)
    examples = []
    for position, window, picture in zip(
        windows.index, windows.to_dict("records"), seen, strict=True
    ):
        start = window["start_seconds"]
        told = {
            f"{heading}: {CLASS_NAMES[window[column]]}": chain_maps(
                maps[position, window[column]], of_maps, start=start
            )
            for column, heading in columns.items()
        }
        examples.append(Example(_title(window), chain_maps(picture, of_picture, start=start), told))
    return examples


def draw_overview(
    chosen: pd.DataFrame,
    maps: np.ndarray,
    model_input: np.ndarray,
    waveform_input: np.ndarray,
    ensemble: dict[str, Any],
    failing: list[str],
    params: ExplainabilityParams,
) -> Figure:
    """Draw one window of each class, right where there is one, with the predicted class's map."""
    ranked = chosen.sort_values(["correct", "agreed"], ascending=False, kind="stable")
    first = ranked.groupby("predicted").head(1).sort_values("predicted")
    return _draw_examples(
        first,
        maps,
        seen_windows(first["row"].to_numpy(), model_input, waveform_input, ensemble),
        ensemble,
        {"predicted": "predicted"},
        title=f"A window of each predicted class, n = {len(first)}",
        caption=_method_text(params, failing),
    )


def draw_confident_errors(
    chosen: pd.DataFrame,
    maps: np.ndarray,
    model_input: np.ndarray,
    waveform_input: np.ndarray,
    ensemble: dict[str, Any],
    failing: list[str],
    params: ExplainabilityParams,
) -> Figure:
    """Draw the surest wrong predictions, with the maps of the predicted class and the experts'."""
    wrong = chosen[chosen["error"]]
    if wrong.empty:
        return message("No prediction is wrong")
    surest = wrong[list(PREDICTION_COLUMNS)].max(axis=1).sort_values(ascending=False)
    ranked = wrong.loc[surest.index]
    return _draw_examples(
        ranked,
        maps,
        seen_windows(ranked["row"].to_numpy(), model_input, waveform_input, ensemble),
        ensemble,
        {"predicted": "predicted", "consensus": "experts"},
        title=f"Most confident errors, n = {len(wrong)}",
        caption=_method_text(params, failing),
    )


def _sample(rows: pd.DataFrame) -> str:
    """Say how many windows of how many patients a table holds, however many rows each has."""
    windows = rows.drop_duplicates(["eeg_id", "window"])
    n_patients = windows["patient_id"].nunique()
    return f"n = {len(windows):,} windows of {n_patients:,} patients"


def _positive_by_source(maps: np.ndarray, panels: tuple[Panel, ...]) -> Mapping[Source, ChainMap]:
    """Mean of the windows' positive maps, each scaled to its own maximum."""
    positive = np.maximum(maps, 0)
    peaks = positive.max(axis=(1, 2), keepdims=True)
    scaled = np.divide(positive, peaks, out=np.zeros_like(positive), where=peaks > 0)
    return chain_maps(scaled.mean(axis=0), panels)


def draw_mean_maps(
    chosen: pd.DataFrame,
    maps: np.ndarray,
    ensemble: dict[str, Any],
    failing: list[str],
    params: ExplainabilityParams,
) -> Figure:
    """Draw the mean map of each predicted class, of right and of wrong predictions."""
    drawn = chosen[chosen["random"] & (chosen["consensus"] != NO_CONSENSUS)]
    if drawn.empty:
        return message("No window has votes, so none is known to be right or wrong")
    panels, means, counts = map_panels(ensemble), {}, {}
    for number in sorted(drawn["predicted"].unique()):
        for is_right, outcome in OUTCOMES.items():
            rows = drawn.index[(drawn["predicted"] == number) & (drawn["correct"] == is_right)]
            group = CLASS_NAMES[number], outcome
            counts[group] = len(rows)
            if len(rows):
                means[group] = _positive_by_source(maps[rows, number], panels)
    caption = f"{_method_text(params, failing)} Each window's map is scaled to its own maximum."
    return importance.mean_maps(means, counts, sample=_sample(drawn), caption=caption)


def draw_importance(
    chosen: pd.DataFrame,
    summary: pd.DataFrame,
    ensemble: dict[str, Any],
    failing: list[str],
    params: ExplainabilityParams,
) -> Figure:
    """Draw where the evidence for predicted classes lies: chains, bands and seconds."""
    where = {
        "picture": "over all panels",
        "waveform": "over all channels; waveforms have no frequency axis, so no bands",
    }
    caption = (
        f"{_method_text(params, failing)} Shares of the evidence for the predicted class "
        f"{where[explained_input(ensemble)]}; {params.confidence:.0%} intervals over patients."
    )
    sample = _sample(chosen[chosen["random"]])
    return importance.importance(summary, sample=sample, caption=caption)


def _told(sample: str, failing: list[str], params: ExplainabilityParams) -> dict[str, Any]:
    """What every figure of the tests says of them."""
    return {"failing": failing, "sample": sample, "confidence": params.confidence}


def draw_curves(
    windows: pd.DataFrame, curves: pd.DataFrame, failing: list[str], params: ExplainabilityParams
) -> Figure:
    """Draw insertion, deletion and ROAD."""
    return faithfulness.perturbation_curves(
        curves, chosen=_method_name(params), **_told(_sample(windows), failing, params)
    )


def draw_faithfulness(
    windows: pd.DataFrame, scores: pd.DataFrame, failing: list[str], params: ExplainabilityParams
) -> Figure:
    """Draw the scores of faithfulness."""
    return faithfulness.faithfulness_scores(
        scores, chosen=_method_name(params), **_told(_sample(windows), failing, params)
    )


def draw_randomisation(
    similarities: pd.DataFrame,
    judged: pd.DataFrame,
    failing: list[str],
    params: ExplainabilityParams,
) -> Figure:
    """Draw how maps change as weights are drawn anew."""
    return faithfulness.randomisation(
        judged,
        threshold=params.randomisation.threshold,
        **_told(_sample(similarities), failing, params),
    )


def draw_planted_evidence(
    found: pd.DataFrame, scores: pd.DataFrame, failing: list[str], params: ExplainabilityParams
) -> Figure:
    """Draw how much of the maps lies where evidence was planted."""
    sample = f"n = {found['eeg_id'].nunique():,} simulated windows"
    # A kind of maps without any evidence for a planted class has no mass that could lie anywhere.
    scored = [name for name in failing if name in set(scores["maps"])]
    return faithfulness.planted_evidence(scores, **_told(sample, scored, params))
