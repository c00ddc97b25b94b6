import io

import numpy as np
import pandas as pd
import pytest

from hbac.eeg.votes import CLASS_NAMES
from hbac.plots.scores import class_auroc, confusion, kl_by_tier, training_curves


def _ticks(labels):
    return [label.get_text() for label in labels]


def test_confusion_shows_shares_of_a_row_and_counts():
    matrix = np.diag([3.0, 1, 1, 1, 1, 0])
    matrix[0, 1] = 1
    axes = confusion(matrix, CLASS_NAMES, title="Confusion").axes[0]
    shown = axes.images[0].get_array()
    assert shown[0].tolist() == [0.75, 0.25, 0, 0, 0, 0]
    assert shown.mask.all(axis=1).tolist() == [False] * 5 + [True]
    assert axes.texts[0].get_text() == "75%\n(3)"
    assert _ticks(axes.get_yticklabels())[:2] == ["Seizure\nn = 4", "LPD\nn = 1"]
    assert _ticks(axes.get_xticklabels()) == list(CLASS_NAMES)


def test_confusion_refuses_a_matrix_of_another_size():
    with pytest.raises(ValueError, match="matrix must have shape"):
        confusion(np.ones((5, 6)), CLASS_NAMES, title="")


def test_kl_by_tier_keeps_the_order_of_tiers_and_models():
    rows = [
        (tier, model, kl * factor, n)
        for tier, n, factor in [("few", 12, 1.0), ("a lot", 3456, 0.5)]
        for model, kl in [("model", 0.4), ("uniform", 1.2), ("class prior", 1.0)]
    ]
    axes = kl_by_tier(pd.DataFrame(rows, columns=["tier", "model", "kl", "n"])).axes[0]
    assert _ticks(axes.get_xticklabels()) == ["few\nn = 12", "a lot\nn = 3,456"]
    assert _ticks(axes.get_legend().get_texts()) == ["model", "uniform", "class prior"]
    heights = [[bar.get_height() for bar in bars] for bars in axes.containers]
    assert heights == [[0.4, 0.2], [1.2, 0.6], [1.0, 0.5]]


def test_auroc_that_is_not_defined_is_said_so():
    table = pd.DataFrame({"class": ["LPD", "GPD"], "auroc": [0.9, np.nan], "n_positive": [1200, 0]})
    figure = class_auroc(table)
    axes = figure.axes[0]
    assert _ticks(axes.texts) == ["0.900", "not defined"]
    assert _ticks(axes.get_yticklabels()) == ["LPD\nn = 1,200", "GPD\nn = 0"]
    figure.savefig(io.BytesIO())


def _history(folds, epochs):
    rows = [(f, e, 1 / (e + 1), abs(e - 2 - f), 10.0**-e) for f in folds for e in range(epochs)]
    return pd.DataFrame(rows, columns=["fold", "epoch", "loss", "val_loss", "learning_rate"])


def test_best_epoch_of_each_fold_is_marked():
    loss, rate = training_curves(_history([0, 1], 5)).axes
    stars = [line for line in loss.lines if line.get_marker() == "*"]
    assert [(s.get_xdata()[0], s.get_ydata()[0]) for s in stars] == [(2, 0), (3, 0)]
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
