import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from hbac.eeg import CHANNELS, Recording, chain_spectrograms, window_spectrograms
from hbac.pipelines.conversion.nodes import (
    convert_labelled_spectrograms,
    convert_spectrograms,
)
from hbac.pipelines.spectrogram.nodes import compute_eeg_spectrograms
from hbac.pipelines.spectrogram.params import SpectrogramParams
from tests.conftest import recipe

BASE = recipe("seed")["spectrogram"] | {"wavelet": None, "dtype": "float32"}
PARAMS = SpectrogramParams(**BASE | {"wavelet": "db8", "noise": "median"})


@pytest.fixture
def recording():
    data = np.random.default_rng(0).normal(size=(20, 60 * 200)).astype(np.float32)
    return Recording(data, CHANNELS)


@pytest.fixture
def load(recording):
    return lambda channels: recording.pick(channels)


def windows_at(*offsets):
    return pd.DataFrame({"eeg_id": 7, "window": range(len(offsets)), "eeg_offset_seconds": offsets})


def test_each_window_of_an_eeg_gets_its_spectrograms(recording, load):
    made = compute_eeg_spectrograms({"7": load}, windows_at(0, 10), PARAMS)
    spectrograms = made["7"]()
    assert spectrograms.shape == (2, 128, 256, 4)
    assert spectrograms.dtype == np.float32
    np.testing.assert_array_equal(spectrograms[1], chain_spectrograms(recording.crop(10, 50)))


def test_storage_may_be_half_precision(load):
    half = PARAMS.model_copy(update={"dtype": "float16"})
    made = compute_eeg_spectrograms({"7": load}, windows_at(0), half)["7"]()
    full = compute_eeg_spectrograms({"7": load}, windows_at(0), PARAMS)["7"]()
    assert made.dtype == np.float16
    assert np.abs(made - full).max() < 1e-3


@pytest.mark.parametrize(
    "choice",
    [
        {"kind": "mel", "channels": "chains", "montage": "bipolar"},
        {"kind": "cwt", "channels": "all", "montage": "average"},
    ],
)
def test_every_setting_reaches_the_spectrograms(recording, load, choice):
    settings = choice | {
        "clip": 2.0,
        "notch": 60.0,
        "band_pass": (0.5, 40.0),
        "wavelet": None,
        "noise": "mean",
        "reference": "fixed",
        "centre": True,
    }
    params = SpectrogramParams(**BASE | settings)
    spectrograms = compute_eeg_spectrograms({"7": load}, windows_at(10), params)["7"]()
    assert spectrograms.shape == (1, 128, 256, 8)
    expected = window_spectrograms(recording.crop(10, 50), **settings)
    np.testing.assert_array_equal(spectrograms[0], expected)


def test_eegs_without_a_window_are_left_alone(load):
    made = compute_eeg_spectrograms({"7": load, "8": load}, windows_at(0), PARAMS)
    assert list(made) == ["7"]


def test_eegs_of_which_none_has_a_file_are_named():
    message = "none of the 1 eeg_ids in the label table has a file, such as 7; look whether raw_dir"
    with pytest.raises(ValueError, match=message):
        compute_eeg_spectrograms({"8": lambda: None}, windows_at(0), PARAMS)


def test_one_missing_eeg_fails_alone(load):
    windows = pd.concat([windows_at(0), windows_at(0).assign(eeg_id=9)])
    made = compute_eeg_spectrograms({"7": load}, windows, PARAMS)
    assert made.keys() == {"7", "9"}
    assert made["7"]().shape == (1, 128, 256, 4)
    with pytest.raises(FileNotFoundError, match=r"names eeg_id 9, and there is no such file$"):
        made["9"]()


def test_a_typo_in_the_parameters_is_refused():
    with pytest.raises(ValidationError, match="wavelett"):
        SpectrogramParams(**BASE, wavelett="db8")


@pytest.mark.parametrize(
    "setting", [{"clip": -1}, {"notch": 120}, {"band_pass": (20, 0.5)}, {"noise": "mode"}]
)
def test_settings_that_make_no_sense_are_refused_before_the_run(setting):
    with pytest.raises(ValidationError, match=next(iter(setting))):
        SpectrogramParams(**BASE | setting)


def test_conversion_passes_every_spectrogram_on():
    power = np.array([[1, np.nan]], np.float32)
    converted = convert_spectrograms({"5": lambda: power})
    assert converted["5"]() is power


def test_a_window_beyond_its_eeg_is_named(load):
    tasks = compute_eeg_spectrograms({"7": load}, windows_at(0.0, 50_000.0), PARAMS)
    with pytest.raises(ValueError, match=r"eeg_offset_seconds is 50000: seconds 50000 to 50050 do"):
        tasks["7"]()


def test_conversion_sets_spectrograms_aside_that_labels_name_in_vain():
    power = np.array([[1, np.nan]], np.float32)
    labels = pd.DataFrame({"spectrogram_id": [5, 6, 6, -1]})
    converted = convert_labelled_spectrograms({"5": lambda: power, "8": lambda: power}, labels)
    assert converted.keys() == {"5", "6", "8"}
    assert converted["5"]() is power
    with pytest.raises(FileNotFoundError, match="names spectrogram_id 6, and there"):
        converted["6"]()


def test_conversion_names_spectrograms_of_which_none_is_there():
    labels = pd.DataFrame({"spectrogram_id": [5, -1]})
    with pytest.raises(
        ValueError, match=r"none of the 1 spectrogram_ids in .* the spectrogram_id -1$"
    ):
        convert_labelled_spectrograms({"8": lambda: None}, labels)


def test_a_data_set_may_have_no_spectrogram_at_all():
    assert convert_labelled_spectrograms({}, pd.DataFrame({"spectrogram_id": [-1, -1]})) == {}
