import keras
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from hbac import models
from hbac.eeg import CHANNELS, Recording
from hbac.eeg.votes import PREDICTION_COLUMNS, VOTE_COLUMNS
from hbac.pipelines.explainability.nodes import (
    choose_windows,
    compute_activation_maps,
    draw_activation_maps,
    draw_overview,
)
from hbac.pipelines.explainability.params import ExplainabilityParams
from hbac.pipelines.inference.nodes import (
    UNSEEN,
    predict_with_ensemble,
    write_submission,
)
from hbac.pipelines.inference.params import InferenceParams
from tests.conftest import recipe

PARAMS = ExplainabilityParams(windows_per_class=1, layer=None, batch_size=4)
NETWORKS = [
    {"name": f"fold_{fold}.compact", "fold": fold, "architecture": "compact", "input": "picture"}
    for fold in range(2)
]
ENSEMBLE = {
    "networks": NETWORKS,
    "image": recipe("seed")["modeling"]["image"] | {"panel_height": 16, "panel_width": 32},
    "blend": {"weights": [1.0], "bias": [0.0] * 6},
    "mirror": False,
}
WAVEFORMS = np.empty(0)


@pytest.fixture(scope="module")
def networks():
    """Two small networks with random weights of their own."""
    made = {}
    for seed, name in enumerate(entry["name"] for entry in NETWORKS):
        keras.utils.set_random_seed(seed)
        network = models.build_model(architecture="compact", image_size=(64, 64))
        made[name] = lambda network=network: network
    return made


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).normal(size=(8, 64, 64)).astype(np.float16)


def table(votes, n_votes, fold):
    n = len(votes)
    frame = pd.DataFrame(
        {"eeg_id": range(10, 10 + n), "window": 0, "patient_id": range(n), "fold": fold}
    )
    return frame.assign(
        n_votes=n_votes,
        spectrogram_source="file",
        **dict(zip(VOTE_COLUMNS, np.asarray(votes, float).T, strict=True)),
        **dict.fromkeys(PREDICTION_COLUMNS, 1 / 6),
    )


def windows_of(predictions):
    # In another order than the predictions, as out-of-fold tables are.
    return predictions.iloc[::-1][["eeg_id", "window", *VOTE_COLUMNS, "n_votes"]].assign(
        eeg_offset_seconds=0.0, patient_id=1, spectrogram_source="file"
    )


def test_the_windows_with_most_agreeing_votes_are_chosen():
    predictions = table(np.eye(6)[[0, 0, 1, 1]], n_votes=[3, 20, 5, 4], fold=0)
    chosen = choose_windows(predictions, windows_of(predictions), PARAMS)
    assert chosen["eeg_id"].tolist() == [11, 12]
    assert chosen["explained_class"].tolist() == [0, 1]
    assert chosen["row"].tolist() == [2, 1]


def test_without_votes_the_prediction_names_the_class():
    predictions = table(np.full((2, 6), np.nan), n_votes=0, fold=UNSEEN)
    predictions["grda_pred"] = [0.9, 0.1]
    chosen = choose_windows(predictions, windows_of(predictions), PARAMS)
    assert 4 in chosen["explained_class"].tolist()


def test_a_held_out_window_is_explained_by_its_own_fold(networks, images):
    predictions = table(np.eye(6)[[0, 1, 2]], n_votes=3, fold=[0, 1, UNSEEN])
    chosen = choose_windows(predictions, windows_of(predictions), PARAMS)
    maps = compute_activation_maps(chosen, images, networks, ENSEMBLE, PARAMS)
    assert maps.shape == (3, 6, 64, 64)
    alone = [
        compute_activation_maps(
            chosen.assign(fold=UNSEEN), images, networks, ENSEMBLE | {"networks": [entry]}, PARAMS
        )
        for entry in NETWORKS
    ]
    np.testing.assert_allclose(maps[0], alone[0][0], atol=1e-5)
    np.testing.assert_allclose(maps[1], alone[1][1], atol=1e-5)
    both = (alone[0][2] + alone[1][2]) / 2
    np.testing.assert_allclose(maps[2], both, atol=1e-5)
    assert not np.allclose(alone[0][2], alone[1][2])


def test_each_chosen_window_gets_a_figure(networks, images):
    predictions = table(np.eye(6)[[0, 5]], n_votes=3, fold=0)
    chosen = choose_windows(predictions, windows_of(predictions), PARAMS)
    maps = compute_activation_maps(chosen, images, networks, ENSEMBLE, PARAMS)
    recording = Recording(np.zeros((20, 10_000), np.float32), CHANNELS)
    eegs = {"10": lambda: recording, "11": lambda: recording}
    figures = draw_activation_maps(chosen, maps, images, eegs, ENSEMBLE)
    assert sorted(figures) == ["other_11_0.png", "seizure_10_0.png"]
    assert isinstance(draw_overview(chosen, maps, images, ENSEMBLE), Figure)


def test_the_ensemble_is_the_mean_of_its_networks(networks, images):
    windows = windows_of(table(np.eye(6), n_votes=3, fold=0))
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
            pd.DataFrame(),
            {"fold_0.compact": networks["fold_0.compact"]},
            ENSEMBLE,
            InferenceParams(batch_size=4),
        )


def test_maps_need_a_network_that_sees_pictures(networks, images):
    chosen = choose_windows(
        table(np.eye(6)[:1], 3, 0), windows_of(table(np.eye(6)[:1], 3, 0)), PARAMS
    )
    waveforms = [NETWORKS[0] | {"architecture": "resnet_1d", "input": "waveform"}]
    with pytest.raises(ValueError, match=r"sees pictures, the ensemble has \['resnet_1d'\]"):
        compute_activation_maps(
            chosen, images, networks, ENSEMBLE | {"networks": waveforms}, PARAMS
        )


def test_a_submission_has_a_row_an_eeg_in_the_labels_order(caplog):
    predictions = table(np.eye(6)[:2], n_votes=3, fold=UNSEEN)
    predictions.loc[0, list(PREDICTION_COLUMNS)] = np.eye(6)[3]
    submission = write_submission(predictions, pd.DataFrame({"eeg_id": [11, 99, 10]}))
    assert list(submission.columns) == ["eeg_id", *VOTE_COLUMNS]
    assert submission["eeg_id"].tolist() == [11, 99, 10]
    assert submission.loc[2, "lrda_vote"] == 1
    np.testing.assert_allclose(submission[list(VOTE_COLUMNS)].sum(axis=1), 1)
    assert "1 of 3 EEGs could not be read" in caplog.text
