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
    """The others are alive, but show nothing."""
    data = np.random.default_rng(0).normal(0, 1e-6, (19, seconds * 200)).astype(np.float32)
    for name, signal in electrodes.items():
        data[ELECTRODES.index(name)] += signal
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
    assert np.abs(np.delete(waveforms, [after - 1, after], axis=0)).max() < 1e-6


def test_what_the_new_rate_cannot_hold_is_removed():
    times = np.arange(10_000) / 200
    aliased = recording_of(T3=40 * np.sin(2 * np.pi * 90 * times))
    assert np.abs(bipolar_waveforms(aliased, **RAW)[:, 50:-50]).max() < 0.01
    assert bipolar_waveforms(aliased, **RAW, sampling_rate=50).shape == (16, 2500)


def test_values_are_bounded():
    recording = recording_of(T3=1e6 * np.sin(np.arange(10_000)))
    assert np.abs(bipolar_waveforms(recording, **RAW)).max() == LIMIT
    clipped = bipolar_waveforms(recording, clip=40, notch=None, band_pass=None)
    # Resampling overshoots at the corners that the clip leaves.
    assert np.abs(clipped).max() < 1.5 * 40 / UNIT_MICROVOLTS


@pytest.mark.parametrize("cleaning", [RAW, RAW | {"clip": 500.0}, RAW | {"band_pass": (0.5, 20)}])
def test_an_offset_and_a_drift_of_millivolts_take_no_eeg_away(cleaning):
    times = np.arange(10_000) / 200
    wave = 40 * np.sin(2 * np.pi * 10 * times)
    plain, beyond = (
        bipolar_waveforms(recording_of(T3=wave + offset), **cleaning)[:, 500:-500]
        for offset in (0, 3000 + 40 * times)
    )
    np.testing.assert_allclose(beyond, plain, atol=0.05)


def test_what_is_missing_is_missing_and_the_rest_as_if_it_stood_alone():
    recording = recording_of(T3=40 * np.sin(np.arange(10_000) / 3), C3=np.nan)
    alone = recording.crop(0, 20)
    recording.data[4, 4000:6000] = np.nan
    cleaning = {"clip": 500.0, "notch": 60.0, "band_pass": (0.5, 20.0)}
    waveforms = bipolar_waveforms(recording, **cleaning)
    lost = {pair for pair, rows in zip(BIPOLAR_CHANNELS, waveforms, strict=True)
            if np.isnan(rows).all()}  # fmt: skip
    assert lost == {("F3", "C3"), ("C3", "P3")}
    front = BIPOLAR_CHANNELS.index(("Fp1", "F7"))
    assert np.flatnonzero(np.isnan(waveforms[front])).tolist() == list(range(2000, 3000))
    expected = bipolar_waveforms(alone, **cleaning)[front, :1990]
    np.testing.assert_allclose(waveforms[front, :1990], expected, atol=1e-5)


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
