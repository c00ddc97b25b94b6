"""What the networks that ship with the package make of simulated patients."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hbac.eeg.votes import CLASS_NAMES, CLASSES, PREDICTION_COLUMNS
from hbac.pipelines.reporting.params import ReportingParams
from hbac.pipelines.reporting.words import (
    class_name,
    counted,
    estimate,
    interval,
    keep,
    number,
    percent,
    table_of,
)
from hbac.report import Block, Fact, Facts, Notice, Paragraph, Section, Table

_CAUTION = (
    "These patients are simulated, as those were that the networks learned from, by the same rules "
    "and another seed. The networks never saw them; still, the scores say nothing about real EEG."
)


def _facts(scores: dict[str, Any]) -> list[Block]:
    kl, top_1 = scores["kl"], scores["top_1"]
    prior = number(scores["kl_of_prior"]["value"])
    return [
        Facts(
            [
                Fact(
                    f"{number(kl['value'])} nats",
                    "KL divergence",
                    f"{interval(kl['low'], kl['high'])}; of the mean of all votes {prior}",
                ),
                Fact(
                    percent(top_1["value"]),
                    "of the windows: the most probable class is the consensus",
                    f"{percent(top_1['low'])} to {percent(top_1['high'])}",
                ),
            ]
        )
    ]


def _class_table(scores: dict[str, Any]) -> Table:
    rows = [(class_name(name), estimate(score)) for name, score in scores["auroc"].items()]
    sample = (
        f"n = {counted(scores['n_windows'], 'window')} of "
        f"{counted(scores['n_patients'], 'patient')}"
    )
    caption = (
        "Area under the ROC curve by class, with intervals over draws of patients; 0.5 is chance. "
        f"{sample}."
    )
    return Table(caption, ("class", "AUROC"), rows, frozenset({1}))


def _test_table(predictions: pd.DataFrame) -> Table:
    shares = predictions[list(PREDICTION_COLUMNS)].to_numpy()
    names = dict(zip(range(len(CLASSES)), CLASS_NAMES, strict=True))
    shown = predictions[["eeg_id"]].assign(
        **{
            "most probable class": [names[k] for k in shares.argmax(axis=1)],
            "probability": shares.max(axis=1),
        }
    )
    return table_of(shown, "The EEGs of the test split, whose votes nobody is told.")


def tell_shipped(
    params: ReportingParams, scores: dict[str, Any] | None, predictions: pd.DataFrame | None
) -> Section:
    """Tell how the networks of the package do on patients that they never saw.

    Args:
        params: what the report shows.
        scores: as ``hbac.pipelines.evaluation.brief.score_briefly`` returns them.
        predictions: of the test split.

    Returns:
        The section; without blocks where they have predicted nothing, as in most runs.
    """
    blocks = [*keep(_facts, scores), *([] if scores is None else [_class_table(scores)])]
    if predictions is not None:
        blocks.append(_test_table(predictions))
    if blocks:
        text = (
            "The package comes with networks that have learned from simulated patients alone; "
            "`src/hbac/pretrained/README.md` is their card. This is what they make of the labelled "
            "windows and of the test split of this data set."
        )
        blocks = [Paragraph(text), Notice(_CAUTION, "warning"), *blocks]
    return Section("shipped", "What the shipped networks make of these patients", blocks)
