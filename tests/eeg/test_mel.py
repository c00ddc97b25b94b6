import librosa
import numpy as np
import pytest

from hbac.eeg.mel import FLOOR, Workspace, mel_transform, multiply_shares

RATE = 200
MELS = 32
LOWEST = np.float32(1e-8)


def _noise(*shape):
    return np.random.default_rng(0).normal(0, 20, shape).astype(np.float32)


def _shares(signals, *, live=None, fixed_top=0, **settings):
    settings = {"n_fft": 1024, "win_length": 128, "hop_length": 39} | settings
    transform = mel_transform(sampling_rate=RATE, n_mels=MELS, max_frequency=20, **settings)
    n_frames = 1 + signals.shape[1] // settings["hop_length"]
    if live is None:
        live = np.ones((len(signals), n_frames), bool)
    product = np.ones((MELS, n_frames), np.float32)
    workspace = Workspace.of(transform, n_frames)
    multiply_shares(signals, live, transform, np.float32(fixed_top), LOWEST, workspace, product)
    return product


def _power(signal, *, n_fft=1024, win_length=128, hop_length=39):
    return librosa.feature.melspectrogram(
        y=signal,
        sr=RATE,
        n_fft=n_fft,
        win_length=win_length,
        hop_length=hop_length,
        n_mels=MELS,
        fmin=0,
        fmax=20,
    )


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"win_length": 65},
        {"win_length": 64, "hop_length": 8},
        {"hop_length": 200},
        {"n_fft": 512, "hop_length": 1},
    ],
    ids=["as_panels", "odd_window", "as_centre", "gaps_between_frames", "every_sample"],
)
def test_shares_are_those_of_librosa(settings):
    signal = _noise(1999)
    power = _power(signal, **settings)
    expected = np.maximum(power / power.max(), LOWEST)
    np.testing.assert_allclose(_shares(signal[np.newaxis], **settings), expected, rtol=1e-4)


def test_shares_of_channels_are_multiplied():
    signals = _noise(3, 1999)
    expected = np.prod([_shares(signal[np.newaxis]) for signal in signals], axis=0)
    np.testing.assert_allclose(_shares(signals), expected, rtol=1e-5)


def test_what_exceeds_a_fixed_top_is_one():
    signal, power = _noise(1999), _power(_noise(1999))
    top = np.median(power)
    expected = np.clip(power / top, None, 1)
    np.testing.assert_allclose(_shares(signal[np.newaxis], fixed_top=top), expected, rtol=1e-4)


def test_a_frame_that_is_missing_is_no_top_and_changes_nothing():
    signal = _noise(1999)
    signal[800:900] *= 100
    power = _power(signal)
    live = power.max(axis=0) < 100 * np.median(power)
    assert 0 < live.sum() < len(live)
    shares = _shares(signal[np.newaxis], live=live[np.newaxis].copy())
    assert (shares[:, ~live] == 1).all()
    expected = power[:, live] / power[:, live].max()
    np.testing.assert_allclose(shares[:, live], np.maximum(expected, LOWEST), rtol=1e-4)


def test_a_channel_without_power_is_taken_out():
    signals = np.stack([_noise(1999), np.full(1999, np.sqrt(FLOOR) / 1e4)])
    live = np.ones((2, 1 + 1999 // 39), bool)
    shares = _shares(signals, live=live)
    assert live.all(axis=1).tolist() == [True, False]
    assert not live[1].any()
    np.testing.assert_array_equal(shares, _shares(signals[:1]))
