from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from hbac import models
from hbac.eeg.gaps import MISSING
from hbac.eeg.votes import PREDICTION_COLUMNS, VOTE_COLUMNS
from hbac.pipelines.inference.nodes import UNSEEN, predict_with_ensemble, write_submission
from hbac.pipelines.inference.params import InferenceParams
from tests.pipelines.ensembles import ENSEMBLE, predictions_table, windows_of

WAVEFORMS = np.empty(0)


def test_the_ensemble_is_the_mean_of_its_networks(networks, images):
    windows = windows_of(predictions_table(np.eye(6), n_votes=3, fold=0))
    predictions = predict_with_ensemble(
        images[:6], WAVEFORMS, windows, networks, ENSEMBLE, InferenceParams(batch_size=4)
    )
    apart = [models.predict(load(), images[:6], batch_size=4) for load in networks.values()]
    np.testing.assert_allclose(
        predictions[list(PREDICTION_COLUMNS)], np.mean(apart, axis=0), atol=1e-6
    )
    assert (predictions["fold"] == UNSEEN).all()


PRIOR = [0.3, 0.1, 0.1, 0.2, 0.1, 0.2]
BIASED = ENSEMBLE | {"prior": PRIOR, "blend": {"weights": [0.8], "bias": [0, 0, 0, 0, 0, 2.0]}}


def predicted(images, networks, ensemble):
    windows = windows_of(predictions_table(np.eye(6)[: len(images)], n_votes=3, fold=0))
    parameters = InferenceParams(batch_size=4)
    table = predict_with_ensemble(images, WAVEFORMS, windows, networks, ensemble, parameters)
    return table[list(PREDICTION_COLUMNS)].to_numpy()


def test_a_window_without_anything_is_predicted_to_be_the_prior(networks, images, caplog):
    some = images[:3].copy()
    some[1] = MISSING
    shares = predicted(some, networks, BIASED)
    np.testing.assert_allclose(shares[1], PRIOR, atol=1e-6)
    np.testing.assert_allclose(
        shares[[0, 2]], predicted(images[[0, 2]], networks, BIASED), atol=1e-6
    )
    assert "1 of 3 windows hold nothing in the picture" in caplog.text


def test_a_record_without_a_prior_gives_every_class_alike_and_says_so(networks, images, caplog):
    some = images[:2].copy()
    some[1] = MISSING
    np.testing.assert_allclose(predicted(some, networks, ENSEMBLE)[1], 1 / 6, atol=1e-6)
    assert "no class prior" in caplog.text
    caplog.clear()
    predicted(images[:2], networks, ENSEMBLE)
    assert not caplog.text


def test_a_network_that_is_shown_nothing_votes_the_prior():
    """Two networks that are sure of different classes, whatever they see."""

    def sure_of(number, kind):
        def predict_on_batch(batch):
            return np.tile(0.05 + 0.7 * np.eye(6, dtype=np.float32)[number], (len(batch), 1))

        name = f"fold_0.{kind}"
        network = SimpleNamespace(predict_on_batch=predict_on_batch)
        entry = {"name": name, "fold": 0, "architecture": kind, "input": kind}
        return entry, (name, lambda: network)

    entries, networks = zip(sure_of(0, "picture"), sure_of(5, "waveform"), strict=True)
    record = {"networks": entries, "mirror": False, "prior": PRIOR}
    record["blend"] = {"weights": [0.5, 0.5], "bias": [0.0] * 6}
    inputs = {kind: np.ones((2, 4, 8), np.float32) for kind in ("picture", "waveform")}
    inputs["waveform"][1] = MISSING
    mirrors = dict.fromkeys(inputs)
    both, picture_alone = models.predict_with_networks(
        dict(networks), inputs, record, mirrors, batch_size=2
    )
    assert both[0] == pytest.approx(both[5])
    expected = np.sqrt((0.05 + 0.7 * np.eye(6)[0]) * PRIOR)
    np.testing.assert_allclose(picture_alone, expected / expected.sum(), atol=1e-6)


def test_a_network_that_is_missing_is_named(networks, images):
    with pytest.raises(ValueError, match=r"names \['fold_1\.compact'\]"):
        predict_with_ensemble(
            images,
            WAVEFORMS,
            windows_of(predictions_table(np.eye(6), n_votes=3, fold=0)),
            {"fold_0.compact": networks["fold_0.compact"]},
            ENSEMBLE,
            InferenceParams(batch_size=4),
        )


def test_a_submission_has_a_row_an_eeg_in_the_labels_order(caplog):
    predictions = predictions_table(np.eye(6)[:2], n_votes=3, fold=UNSEEN)
    predictions.loc[0, list(PREDICTION_COLUMNS)] = np.eye(6)[3]
    submission = write_submission(predictions, pd.DataFrame({"eeg_id": [11, 99, 10]}))
    assert list(submission.columns) == ["eeg_id", *VOTE_COLUMNS]
    assert submission["eeg_id"].tolist() == [11, 99, 10]
    assert submission.loc[2, "lrda_vote"] == 1
    np.testing.assert_allclose(submission[list(VOTE_COLUMNS)].sum(axis=1), 1)
    assert "1 of 3 EEGs could not be read" in caplog.text
