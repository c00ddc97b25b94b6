import numpy as np
import pandas as pd
import pytest

from hbac import models
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
