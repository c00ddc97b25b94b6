"""Where networks found their evidence, and whether that is true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from hbac.eeg.votes import CLASS_NAMES, PREDICTION_COLUMNS
from hbac.pipelines.explainability.params import ExplainabilityParams
from hbac.pipelines.reporting.params import ReportingParams
from hbac.pipelines.reporting.words import (
    Told,
    counted,
    estimate,
    figures_of,
    joined,
    keep,
    not_made,
    number,
    percent,
    picture_of,
)
from hbac.report import Block, FigureBlock, Folded, Heading, Notice, Paragraph, Section, Table

Pictures = bytes | None
Frame = pd.DataFrame | None

_RANDOM, _CENTRE = "random", "centre prior"
_SPARSENESS = "sparseness"
"""A score that is no test: a random map may be sparse as well."""


_EXPLAINED = {"picture": "spectrograms", "waveform": "EEG"}
"""What maps lie over, in words."""

_PLACES = {"picture": "by chain, frequency and time", "waveform": "by chain and time"}


def _seen(record: dict[str, Any] | None) -> str:
    """What maps lie over; runs of before waveforms were explained do not say so."""
    return (record or {}).get("input", "picture")


def _figures_of_maps(record: dict[str, Any] | None) -> dict[str, Told]:
    """The figures of where the evidence lies."""
    explained, seen = "", _seen(record)
    over, places = _EXPLAINED[seen], _PLACES[seen]
    if record is not None:
        explained = f" Chosen from n = {counted(record['n_windows'], 'explained window')}."
    return {
        "overview": (
            f"Maps of the evidence over the {over} of one window of each predicted class.",
            "Where the networks found evidence: a window of each predicted class. Colours end at "
            f"each class's largest value: they compare places, never windows.{explained}",
        ),
        "confident_errors": (
            "Maps of the evidence of the surest wrong predictions.",
            "The surest errors: what spoke for the class that was predicted, and for the class "
            f"that experts named.{explained}",
        ),
        "mean_maps": (
            "Mean maps of right and of wrong predictions, for each class.",
            "Mean maps of the predicted class, right and wrong predictions apart; the sample size "
            "stands over each.",
        ),
        "importance": (
            f"Share of the evidence {places}.",
            f"Where the evidence lies on average, {places}, beside an even "
            "spread; windows drawn at random, the sample size stands over each class.",
        ),
    }


def _figures_of_tests(record: dict[str, Any] | None) -> dict[str, Told]:
    """The figures of whether the maps are true."""
    tested = ""
    if record is not None:
        tested = f" n = {counted(record['n_tested'], 'window')} drawn at random."
    return {
        "faithfulness": (
            "Faithfulness scores of each kind of map, with intervals.",
            "Faithfulness of each method's maps, beside maps that know nothing of the network: "
            f"random ones and a prior at the centre.{tested}",
        ),
        "perturbation_curves": (
            "Probability of the class as parts of the window are put in or taken out.",
            "Probability of the predicted class as the most relevant parts of the window are put "
            f"in or taken out.{tested}",
        ),
        "randomisation": (
            "Likeness of maps to the trained network's as its weights are drawn anew.",
            "Maps of a network whose weights are drawn anew from the top down, as rank correlation "
            "with the trained one's. A method whose maps stay alike does not show what was "
            "learned; the sample size stands in the title.",
        ),
        "planted_evidence": (
            "Share of each method's maps inside the planted evidence, beside chance.",
            "Simulated windows in which one chain alone shows a pattern for some seconds: the "
            "share of the map that lies there. Chance is the region's share of what the networks "
            "see; n is over each part.",
        ),
    }


def _told_classes(window: dict[str, Any]) -> list[str]:
    """The predicted class, and the experts' where it is another."""
    numbers = dict.fromkeys([window["predicted"], window["consensus"]])
    return [CLASS_NAMES[at] for at in numbers if at >= 0]


def _sentences(window: dict[str, Any], evidence: pd.DataFrame) -> list[str]:
    mine = evidence[
        (evidence["eeg_id"] == window["eeg_id"]) & (evidence["window"] == window["window"])
    ].set_index("class")
    return [
        f"{mine.loc[name, 'sentence']} ({percent(mine.loc[name, 'share'])} of its evidence)"
        for name in _told_classes(window)
        if name in mine.index
    ]


def _said(window: dict[str, Any]) -> str:
    predicted, consensus = window["predicted"], window["consensus"]
    probability = window[PREDICTION_COLUMNS[predicted]]
    experts = (
        f"experts {CLASS_NAMES[consensus]} ({counted(int(window['n_votes']), 'vote')})"
        if consensus >= 0
        else "no votes"
    )
    return f"networks {CLASS_NAMES[predicted]} {probability:.2f}, {experts}"


def _picture_name(window: dict[str, Any]) -> str:
    return f"{CLASS_NAMES[window['predicted']].lower()}_{window['eeg_id']}_{window['window']}"


def _shown_windows(windows: pd.DataFrame, n: int) -> list[dict[str, Any]]:
    """So many of each predicted class: right ones first, and of these those agreed on."""
    order = ["correct", "agreed", "n_votes"]
    drawn = windows[windows["drawn"]].sort_values(order, ascending=False, kind="stable")
    shown = drawn.groupby("predicted").head(n).sort_values("predicted", kind="stable")
    return shown.to_dict("records")


def _tell_windows(
    windows: pd.DataFrame,
    evidence: pd.DataFrame,
    pictures: dict[str, Callable[[], bytes]],
    params: ReportingParams,
) -> list[Block]:
    """Single windows with their maps, and the words of all that have one."""
    blocks: list[Block] = []
    for window in _shown_windows(windows, params.windows_per_class):
        if (name := _picture_name(window)) in pictures:
            said = _said(window)
            told = "; ".join(_sentences(window, evidence))
            figure = FigureBlock(
                picture_of(pictures[name](), params),
                f"EEG of the window with the evidence marked; {said}.",
                f"EEG {window['eeg_id']}: {said}. {told}. n = 1 window.",
            )
            blocks.append(Folded(f"Predicted {CLASS_NAMES[window['predicted']]}: {said}", [figure]))
    if not blocks:
        return []
    return [Heading("Single windows"), *blocks, *_tell_sentences(windows, evidence)]


def _tell_sentences(windows: pd.DataFrame, evidence: pd.DataFrame) -> list[Block]:
    rows = [
        (str(window["eeg_id"]), _said(window), "; ".join(_sentences(window, evidence)))
        for window in windows[windows["drawn"]].to_dict("records")
    ]
    caption = (
        "Evidence in words: chain, frequencies in Hz where the networks see spectrograms, seconds "
        "of the EEG file, and the share of the class's evidence that lies there. "
        f"n = {counted(len(rows), 'window')}."
    )
    return [
        Folded(
            f"Evidence in words ({len(rows)})",
            [Table(caption, ("EEG", "said", "evidence"), rows)],
        )
    ]


def _apart(ours: dict[str, Any], others: dict[str, Any], better: str) -> str:
    """How two intervals lie to each other."""
    if None in (*ours.values(), *others.values()):
        return "no interval"
    ahead, behind = (ours, others) if better == "higher" else (others, ours)
    if ahead["low"] > behind["high"]:
        return "better, intervals apart"
    if ahead["high"] < behind["low"]:
        return "worse, intervals apart"
    return "intervals overlap"


def _tell_tests(record: dict[str, Any], better: dict[str, str]) -> list[Block]:
    method = record["method"]
    rows = [
        (
            score,
            better.get(score, ""),
            estimate(of_maps[method], 2),
            estimate(of_maps[_RANDOM], 2),
            estimate(of_maps[_CENTRE], 2),
            _apart(of_maps[method], of_maps[_RANDOM], better[score]),
        )
        for score, of_maps in record["faithfulness"].items()
        if score != _SPARSENESS and score in better
    ]
    caption = (
        f"Faithfulness of the maps that are shown ({method}) beside maps that know nothing of the "
        f"network. n = {counted(record['n_tested'], 'window')}; {record['intervals']}. Scores of "
        "one window are paired, so intervals that overlap do not prove them equal."
    )
    header = ("score", "better", method, "random maps", "centre prior", "against random maps")
    return [Table(caption, header, rows, frozenset({2, 3, 4}))]


def _tell_verdict(record: dict[str, Any], threshold: float) -> list[Block]:
    method, failing = record["method"], record["failing"]
    likeness, planted = record["randomisation"][method], record["planted"]
    fails = method in failing
    judged = "fail" if fails else "pass"
    check = (
        f"The maps that are shown ({method}) {judged} the randomisation check: with weights drawn "
        f"anew, their rank correlation with the trained network's is {estimate(likeness, 2)}; "
        f"above {number(threshold, 2)} fails."
    )
    others = [name for name in failing if name != method]
    if others:
        check += f" {joined(others)} {'fails' if len(others) == 1 else 'fail'}."
    found = (
        f"Where evidence was planted in simulated windows, {percent(planted[method]['value'])} "
        f"({percent(planted[method]['low'])} to {percent(planted[method]['high'])}) of the map "
        f"lies there; {percent(planted['chance'])} is chance, and the networks name the planted "
        f"class in {percent(planted['detected'])} of these windows."
    )
    return [Notice(check, "warning" if fails else "note"), Paragraph(found)]


def _better(faithfulness: Frame) -> dict[str, str]:
    if faithfulness is None:
        return {}
    return dict(zip(faithfulness["score"], faithfulness["better"], strict=True))


def _introduction(record: dict[str, Any] | None) -> str:
    """What a map is, and of which networks."""
    seen = _seen(record)
    text = (
        f"A map shows where in the {_EXPLAINED[seen]} the networks found evidence for a class, "
        f"{_PLACES[seen]}. It says what the networks used, not what they should have used."
    )
    left_out = (record or {}).get("left_out")
    if left_out:
        text += f" What {joined(left_out)} adds to the predictions is not explained here."
    return text


def tell_explanations(
    params: ReportingParams,
    explainability: ExplainabilityParams,
    scores: dict[str, Any] | None,
    faithfulness_table: Frame,
    windows: Frame,
    evidence: Frame,
    window_figures: dict[str, Callable[[], bytes]] | None,
    **figures: Pictures,
) -> Section:
    """Tell where the networks found their evidence, and how far that is to be believed.

    Args:
        params: what the report shows.
        explainability: how maps were made and tested.
        scores: the tests of the maps.
        faithfulness_table: the same by score and kind of map; says which direction is better.
        windows: those that were explained.
        evidence: a sentence a window and class.
        window_figures: load functions of single windows' figures.
        **figures: of the pipeline ``explainability``, by their names there.
    """
    of_maps, of_tests = _figures_of_maps(scores), _figures_of_tests(scores)
    threshold, better = explainability.randomisation.threshold, _better(faithfulness_table)
    where = figures_of(figures, of_maps, params)
    tests = figures_of(figures, of_tests, params)
    inputs = {"tests_of_the_maps": scores, "explained_windows": windows}
    inputs |= {f"{name}_figure": figures.get(name) for name in of_maps | of_tests}
    blocks = [
        Paragraph(_introduction(scores)),
        *keep(lambda record: _tell_verdict(record, threshold), scores),
        *where,
        *keep(lambda *some: _tell_windows(*some, params), windows, evidence, window_figures),
        *([Heading("Are the maps true?")] if tests else []),
        *keep(lambda record: _tell_tests(record, better), scores),
        *tests,
        *not_made(inputs, "explainability"),
    ]
    return Section("explanations", "Explanations", blocks)
