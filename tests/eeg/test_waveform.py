import numpy as np
import pytest

from hbac.eeg import ELECTRODES, Recording
from hbac.eeg.waveform import (
    BIPOLAR_CHANNELS,
    LIMIT,
    MIRRORED_CHANNELS,
    N_BIPOLAR,
    UNIT_MICROVOLTS,
    bipolar_waveforms,
)

RAW = {"clip": None, "notch": None, "band_pass": None}
SIDES = {"Fp1": "Fp2", "F7": "F8", "T3": "T4", "T5": "T6", "O1": "O2"}
SIDES |= {"F3": "F4", "C3": "C4", "P3": "P4"}


def recording_of(seconds=50, **electrodes):
    data = np.zeros((19, seconds * 200), np.float32)
    for name, signal in electrodes.items():
        data[ELECTRODES.index(name)] = signal
    return Recording(data, ELECTRODES)


def test_a_sine_keeps_its_frequency_and_its_height_in_units():
    times = np.arange(10_000) / 200
    waveforms = bipolar_waveforms(recording_of(T3=40 * np.sin(2 * np.pi * 10 * times)), **RAW)
    assert waveforms.shape == (N_BIPOLAR, 5000) == (16, 5000)
    assert waveforms.dtype == np.float32
    after = BIPOLAR_CHANNELS.index(("T3", "T5"))
    expected = 40 / UNIT_MICROVOLTS * np.sin(2 * np.pi * 10 * np.arange(5000) / 100)
    np.testing.assert_allclose(waveforms[after, 50:-50], expected[50:-50], atol=0.01)
    np.testing.assert_allclose(waveforms[after - 1], -waveforms[after], atol=1e-5)
    assert not np.delete(waveforms, [after - 1, after], axis=0).any()


def test_what_the_new_rate_cannot_hold_is_removed():
    times = np.arange(10_000) / 200
    aliased = recording_of(T3=40 * np.sin(2 * np.pi * 90 * times))
    assert np.abs(bipolar_waveforms(aliased, **RAW)[:, 50:-50]).max() < 0.01
    assert bipolar_waveforms(aliased, **RAW, sampling_rate=50).shape == (16, 2500)


def test_values_are_bounded_and_missing_samples_filled():
    recording = recording_of(T3=1e6, C3=np.nan)
    recording.data[0, 100:200] = np.nan
    waveforms = bipolar_waveforms(recording, **RAW)
    assert np.isfinite(waveforms.astype(np.float16)).all()
    assert np.abs(waveforms).max() == LIMIT
    assert np.abs(bipolar_waveforms(recording, clip=40, notch=None, band_pass=None)).max() < 2.1


def test_channels_are_cleaned():
    times = np.arange(10_000) / 200
    mains = recording_of(T3=100 * np.sin(2 * np.pi * 40 * times))
    assert np.abs(bipolar_waveforms(mains, **RAW)).max() > 4
    notched = bipolar_waveforms(mains, clip=None, notch=40, band_pass=None)
    assert np.abs(notched[:, 500:-500]).max() < 0.01


def test_mirrored_channels_lie_over_the_other_hemisphere():
    other = SIDES | {right: left for left, right in SIDES.items()}
    for channel, mirrored in zip(BIPOLAR_CHANNELS, MIRRORED_CHANNELS, strict=True):
        assert BIPOLAR_CHANNELS[mirrored] == tuple(other[name] for name in channel)
    assert (MIRRORED_CHANNELS[MIRRORED_CHANNELS] == np.arange(16)).all()


def test_a_sampling_rate_must_be_positive():
    with pytest.raises(ValueError, match="received 0"):
        bipolar_waveforms(recording_of(), **RAW, sampling_rate=0)
