import numpy as np
import pandas as pd
import pytest

from hbac.eeg import CHANNELS, Recording
from hbac.eeg.regional import regional_window_from_eeg
from hbac.eeg.votes import VOTE_COLUMNS
from hbac.models.image import ImageLayout, build_image
from hbac.pipelines.modeling.nodes import (
    assemble_model_input,
    locate_spectrograms,
    locate_training_spectrograms,
    split_folds,
)
from hbac.pipelines.modeling.params import ModelingParams

PARAMS = ModelingParams(
    n_folds=3,
    image={"sources": ["regional", "eeg"], "fit": "crop", "height": 64, "width": 128},
    network={
        "architecture": "compact",
        "weights": None,
        "dropout": 0.0,
        "batch_norm_momentum": 0.8,
        "jit_compile": "auto",
    },
    training={"learning_rates": [1e-3], "batch_size": 8, "seed": 1},
)
NO_FAILURES = pd.DataFrame({"partition": []})


def recording(seconds, seed=0):
    data = np.random.default_rng(seed).normal(size=(20, seconds * 200)).astype(np.float32)
    return Recording(data, CHANNELS)


@pytest.fixture(scope="module")
def files():
    """Three EEGs: one with a spectrogram, one long, one of 50 s alone."""
    long, short = recording(660), recording(50)
    eegs = {"1": lambda: short, "2": lambda: long, "3": lambda: short}
    power = np.random.default_rng(1).gamma(2, 10, (320, 400)).astype(np.float32)
    spectrograms = {"11": lambda: power}
    panels = np.random.default_rng(2).normal(size=(1, 128, 256, 4)).astype(np.float16)
    return eegs, spectrograms, dict.fromkeys(eegs, lambda: panels)


@pytest.fixture(scope="module")
def windows():
    table = pd.DataFrame(
        {
            "eeg_id": [1, 2, 3],
            "window": 0,
            "patient_id": [1, 2, 3],
            "spectrogram_id": [11, -1, -1],
            "eeg_offset_seconds": [0.0, 305.0, 0.0],
            "spectrogram_offset_seconds": [30.0, 0.0, 0.0],
            "n_votes": 3,
        }
    )
    return table.assign(**dict.fromkeys(VOTE_COLUMNS, 1 / 6))


def test_a_spectrogram_comes_from_its_file_or_its_eeg_or_is_empty(windows, files, caplog):
    located = locate_spectrograms(windows, *files, NO_FAILURES)
    assert located["spectrogram_source"].tolist() == ["file", "computed", "empty"]
    assert "1 of 3 windows without a spectrogram file get one computed" in caplog.text
    assert "1 of 3 windows without a spectrogram file have too little EEG" in caplog.text


def test_pictures_show_the_windows_own_spectrogram(windows, files):
    eegs, spectrograms, panels = files
    located = locate_spectrograms(windows, *files, NO_FAILURES)
    images = assemble_model_input(located, *files, PARAMS)
    layout = ImageLayout(size=(64, 128))
    eeg = np.asarray(panels["1"]()[0], np.float32)
    np.testing.assert_array_equal(
        images[0](), build_image(spectrograms["11"]()[15:315], eeg, layout)
    )
    computed = regional_window_from_eeg(eegs["2"](), centre=330)
    np.testing.assert_array_equal(images[1](), build_image(computed, eeg, layout))
    assert not images[2]()[:, :64].any()
    assert images[2]()[:, 64:].any()


def test_windows_of_an_eeg_that_could_not_be_read_are_counted(windows, files, caplog):
    eegs, spectrograms, panels = files
    located = locate_spectrograms(windows, eegs, spectrograms, {"1": panels["1"]}, NO_FAILURES)
    assert located["eeg_id"].tolist() == [1]
    assert "2 of 3 windows are lost with EEGs that could not be read: 2, 3" in caplog.text


def test_a_spectrogram_id_without_its_file_is_named(windows, files):
    eegs, _, panels = files
    with pytest.raises(ValueError, match=r"have no file, such as 11\.parquet"):
        locate_training_spectrograms(windows, eegs, {}, panels, NO_FAILURES)


def test_a_spectrogram_that_could_not_be_read_is_no_mystery(windows, files, caplog):
    eegs, _, panels = files
    failures = pd.DataFrame({"partition": [11]})
    located = locate_training_spectrograms(windows, eegs, {}, panels, failures)
    assert located["spectrogram_source"].tolist() == ["empty", "computed", "empty"]
    assert "1 of 3 windows lose a spectrogram file that could not be read: 11" in caplog.text


def many_windows(n_patients=12):
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(n_patients), rng.integers(1, 9, n_patients))
    votes = np.eye(6)[rng.integers(0, 6, len(patient))]
    table = pd.DataFrame({"eeg_id": np.arange(len(patient)), "patient_id": patient, "n_votes": 1})
    return table.assign(**dict(zip(VOTE_COLUMNS, votes.T, strict=True)))


def test_a_patient_is_in_one_fold_alone_and_every_window_is_held_out_once():
    table = many_windows()
    folds = split_folds(table, PARAMS)
    assert len(folds) == 3
    for number, fold in enumerate(folds):
        assert (fold["held_out"] == (fold["fold"] == number)).all()
        held_out = set(fold.loc[fold["held_out"], "patient_id"])
        assert held_out.isdisjoint(fold.loc[~fold["held_out"], "patient_id"])
        assert fold["row"].tolist() == list(range(len(table)))
    assert (sum(fold["held_out"].astype(int) for fold in folds) == 1).all()


def test_the_same_seed_makes_the_same_folds():
    first, again = (split_folds(many_windows(), PARAMS)[0]["fold"] for _ in range(2))
    assert first.equals(again)


def test_more_folds_than_patients_are_refused():
    with pytest.raises(ValueError, match="3 folds need as many patients, there are 2"):
        split_folds(many_windows(2), PARAMS)
