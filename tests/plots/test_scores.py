import io

import numpy as np
import pandas as pd
import pytest

from hbac.eeg.votes import CLASS_NAMES
from hbac.plots.scores import (
    agreement,
    class_ranking,
    confusions,
    kl_by_tier,
    reliability,
    training_curves,
)


def _ticks(labels):
    return [label.get_text() for label in labels]


def _tiers(*rows):
    table = pd.DataFrame(rows, columns=["tier", "model", "kl", "low", "high", "n", "n_patients"])
    return table, {"sample": "n = 12 windows of 3 patients", "confidence": 0.9}


def test_confusions_show_shares_of_a_row_and_counts():
    matrix = np.diag([3.0, 1, 1, 1, 1, 0])
    matrix[0, 1] = 1
    figure = confusions({"first": matrix, "second": matrix.T}, CLASS_NAMES, sample="n = 8")
    first, second = figure.axes[:2]
    shown = first.images[0].get_array()
    assert shown[0].tolist() == [0.75, 0.25, 0, 0, 0, 0]
    assert shown.mask.all(axis=1).tolist() == [False] * 5 + [True]
    assert first.texts[0].get_text() == "75%\n(3)"
    assert _ticks(first.get_yticklabels())[:2] == ["Seizure\nn = 4", "LPD\nn = 1"]
    assert _ticks(first.get_xticklabels()) == list(CLASS_NAMES)
    assert _ticks(second.get_yticklabels())[:2] == ["Seizure\nn = 3", "LPD\nn = 2"]
    assert "n = 8" in figure.get_suptitle()


def test_confusions_refuse_a_matrix_of_another_size():
    with pytest.raises(ValueError, match=r"received \{'odd': \(5, 6\)\}"):
        confusions({"odd": np.ones((5, 6))}, CLASS_NAMES, sample="")


def test_kl_by_tier_keeps_the_order_of_tiers_and_models():
    table, words = _tiers(
        *((tier, model, kl * factor, kl * factor - 0.1, kl * factor + 0.1, n, 7)
          for tier, n, factor in [("few", 12, 1.0), ("a lot", 3456, 0.5)]
          for model, kl in [("model", 0.4), ("uniform", 1.2), ("class prior", 1.0)])
    )  # fmt: skip
    figure = kl_by_tier(table, **words)
    axes = figure.axes[0]
    assert _ticks(axes.get_xticklabels()) == ["few\n12 (7)", "a lot\n3,456 (7)"]
    names = ["model", "uniform", "class prior", "90% interval over patients"]
    assert _ticks(axes.get_legend().get_texts()) == names
    heights = [[bar.get_height() for bar in bars] for bars in axes.containers]
    assert heights == [[0.4, 0.2], [1.2, 0.6], [1.0, 0.5]]
    ends = [line[:, 1].tolist() for line in axes.collections[0].get_segments()]
    np.testing.assert_allclose(ends, [[0.3, 0.5], [0.1, 0.3]])
    assert words["sample"] in figure.get_suptitle()


def test_warnings_are_written_below():
    table, words = _tiers(("all", "model", 0.4, np.nan, np.nan, 12, 1))
    warnings = ["The network does not beat chance.", "Nor luck."]
    figure = kl_by_tier(table, **words, warnings=warnings)
    assert figure.get_supxlabel() == "\n".join(warnings)
    figure.savefig(io.BytesIO())


def test_a_tier_without_windows_says_so():
    empty = ("under 3", "model", np.nan, np.nan, np.nan, 0, 0)
    table, words = _tiers(("all", "model", 0.4, 0.3, 0.5, 12, 3), empty)
    assert _ticks(kl_by_tier(table, **words).axes[0].texts) == ["0.40", "no windows"]


def test_ranking_says_what_is_not_defined():
    score = {"auroc": [0.9, 0.8, np.nan], "auprc": [0.7, 0.6, np.nan]}
    ends = {f"{name}_low": [0.65, np.nan, np.nan] for name in score}
    ends |= {f"{name}_high": [0.95, np.nan, np.nan] for name in score}
    counts = {"n_positive": [1200, 30, 0], "n_positive_patients": [50, 1, 0]}
    table = pd.DataFrame(
        {"class": ["LPD", "GPD", "LRDA"], "prevalence": 0.3} | score | ends | counts
    )
    figure = class_ranking(table, sample="n = 2", confidence=0.95)
    auroc, auprc = figure.axes
    expected = ["0.900 (0.650 to 0.950)", "0.800 (no interval)", "not defined"]
    assert _ticks(auroc.texts) == expected
    assert _ticks(auprc.texts)[0] == "0.700 (0.650 to 0.950)"
    assert _ticks(auroc.get_yticklabels()) == ["LPD\n1,200 (50)", "GPD\n30 (1)", "LRDA\n0 (0)"]
    assert auroc.get_xlim()[0] < 0.5
    figure.savefig(io.BytesIO())


def _reliability(versions):
    classes = CLASS_NAMES * len(versions)
    names = np.repeat(versions, 6)
    low, observed, high = 0.1, 0.2, 0.4
    curves = pd.DataFrame({"predictions": names, "class": classes, "predicted": 0.3})
    errors = pd.DataFrame({"predictions": names, "class": classes, "ece": 0.1})
    return reliability(
        curves.assign(observed=observed, low=low, high=high),
        errors.assign(ece_low=0.05, ece_high=0.2),
        sample="n = 9",
        confidence=0.95,
    )


def test_reliability_shows_every_class_and_version():
    figure = _reliability(["before", "after"])
    assert len(figure.axes) == 6
    axes = figure.axes[1]
    assert axes.get_title(loc="left").splitlines() == [
        "LPD",
        "ECE before: 0.100 (0.050 to 0.200)",
        "ECE after: 0.100 (0.050 to 0.200)",
    ]
    assert [line.get_linestyle() for line in axes.lines] == [":", "-", "--"]
    assert _ticks(figure.legends[0].get_texts())[:2] == ["before", "after"]
    figure.savefig(io.BytesIO())


def test_reliability_without_temperature():
    figure = _reliability(["before"])
    assert all(len(axes.lines) == 2 for axes in figure.axes)


def test_agreement_sets_the_model_beside_experts():
    rows = [
        (comparison, name, value, value, value, np.nan, np.nan, np.nan)
        for comparison, value in [("expert-expert", 0.5), ("model-expert", 0.6), ("other", 0.9)]
        for name in ["All", "LPD"]
    ]
    ends = [f"{score}{end}" for score in ("agreement", "kappa") for end in ("", "_low", "_high")]
    table = pd.DataFrame(rows, columns=["comparison", "class", *ends])
    figure = agreement(table, sample="n = 4", confidence=0.95)
    percent, kappa = figure.axes
    assert [line.get_xdata().tolist() for line in percent.lines] == [[0.5, 0.5], [0.6, 0.6]]
    assert _ticks(kappa.texts) == ["not defined"] * 4
    assert _ticks(percent.get_yticklabels()) == ["All", "LPD"]
    figure.savefig(io.BytesIO())


def _history(folds, epochs):
    rows = [
        (f, e, 1 / (e + 1), abs(e - 2 - f), 10.0**-e, e == f + 1)
        for f in folds
        for e in range(epochs)
    ]
    columns = ["network", "epoch", "loss", "val_loss", "learning_rate", "kept"]
    return pd.DataFrame(rows, columns=columns)


def test_the_kept_epoch_of_each_fold_is_marked():
    loss, rate = training_curves(_history([0, 1], 5)).axes
    stars = [line for line in loss.lines if line.get_marker() == "*"]
    assert [(s.get_xdata()[0], s.get_ydata()[0]) for s in stars] == [(1, 1), (2, 1)]
    assert len({star.get_color() for star in stars}) == 2
    assert rate.get_yscale() == "log"


def test_training_is_dashed_and_validation_solid():
    train, validation = training_curves(_history([0], 5)).axes[0].lines[:2]
    assert (train.get_linestyle(), validation.get_linestyle()) == ("--", "-")
    assert train.get_ydata()[0] == 1
    assert validation.get_ydata()[0] == 2


def test_training_without_validation_can_be_saved():
    history = _history([0], 1).assign(val_loss=np.nan)
    training_curves(history).savefig(io.BytesIO())
