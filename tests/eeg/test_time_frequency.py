import numpy as np
import pytest

from hbac.eeg import Recording, chain_spectrograms, window_spectrograms
from hbac.eeg.montage import (
    BIPOLAR_NAMES,
    CHAIN_ELECTRODES,
    CHAINS,
    chain_differences,
    channel_names,
)
from hbac.eeg.spectrogram import FIXED_RANGE_DB
from hbac.eeg.time_frequency import row_frequencies
from hbac.models.image import ImageLayout

KINDS = ("mel", "multitaper", "cwt", "superlet")
CHOICES = [
    *[(kind, "all", "bipolar") for kind in KINDS],
    *[("mel", "chains", "average"), ("mel", "all", "average")],
    *[("multitaper", "chains", "bipolar"), ("cwt", "chains", "average")],
]
FEW = [("mel", "all", "average"), ("multitaper", "chains", "bipolar"), ("cwt", "all", "average")]
ALONE = [choice for choice in CHOICES if choice[1] == "all"]
MEANS = [choice for choice in CHOICES if choice[1] == "chains"]
PLAIN = {"wavelet": None, "reference": "fixed"}


def noise(seed=0, seconds=50, deviation=10.0):
    rng = np.random.default_rng(seed)
    data = rng.normal(size=(len(CHAIN_ELECTRODES), seconds * 200)) * deviation
    return Recording(data.astype(np.float32), CHAIN_ELECTRODES)


def changed(recording, name, values):
    data = recording.data.copy()
    data[recording.channels.index(name)] = values
    return Recording(data, recording.channels)


def panels_of(recording, choice, **settings):
    kind, channels, montage = choice
    return window_spectrograms(
        recording, kind=kind, channels=channels, montage=montage, **PLAIN | settings
    )


def by_channel(panels):
    """Panels of 16 channels, shape (4 chains, 4 channels, 32 rows, 256 frames)."""
    return np.moveaxis(panels[..., :4], -1, 0).reshape(4, 4, 32, 256)


def decibels(panels):
    low, high = FIXED_RANGE_DB
    return (panels + 1) / 2 * (high - low) + low


@pytest.mark.parametrize(
    "settings",
    [
        {"wavelet": "db8", "noise": "mean"},
        {"clip": 500, "notch": 60, "band_pass": (0.5, 20), "reference": "fixed", "centre": True},
    ],
)
def test_the_first_choice_is_the_log_mel_spectrograms_of_the_chains_to_the_bit(settings):
    recording = changed(noise(), "T3", np.nan)
    np.testing.assert_array_equal(
        window_spectrograms(recording, **settings), chain_spectrograms(recording, **settings)
    )


@pytest.mark.parametrize("choice", CHOICES)
def test_all_are_stored_alike(choice):
    panels = panels_of(noise(), choice, centre=True)
    assert panels.shape == (128, 256, 8)
    assert panels.dtype == np.float32
    assert not np.isnan(panels).any()
    assert np.abs(panels).max() <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_each_channel_lies_in_its_own_rows_and_shows_its_own_frequency(kind):
    time = np.arange(10_000) / 200
    tones = 2.0 + np.arange(16)
    signals = 50 * np.sin(2 * np.pi * tones[:, np.newaxis] * time)
    recording = Recording(signals.astype(np.float32), BIPOLAR_NAMES)
    found = by_channel(panels_of(recording, (kind, "all", "bipolar"))).reshape(16, 32, 256)
    # Mel bands of less than two bins peak at a neighbour.
    peaks = row_frequencies(32)[found[..., 100:150].mean(axis=-1).argmax(axis=1)]
    np.testing.assert_allclose(peaks, tones, atol=0.7)


@pytest.mark.parametrize("choice", CHOICES)
def test_the_fixed_scale_keeps_decibels_and_tells_the_density(choice):
    recording = noise(deviation=30.0)
    louder = Recording(recording.data * 2, recording.channels)
    once, twice = (decibels(panels_of(one, choice)) for one in (recording, louder))
    # But where a channel is clipped.
    assert np.isclose(twice - once, 20 * np.log10(2), atol=0.01).mean() > 0.98
    # A pair has twice an electrode's variance, and its density is that over 100 Hz.
    density = 10 * np.log10((2 if choice[2] == "bipolar" else 15 / 16) * 30.0**2 / 100)
    # The median of power lies a little below its mean.
    assert -4 < np.median(once) - density < 0.5


@pytest.mark.parametrize("choice", FEW)
def test_a_scale_of_its_own_takes_each_channels_loudness_away(choice):
    recording = noise()
    louder = Recording(recording.data * 3, recording.channels)
    once, twice = (panels_of(one, choice, reference="channel") for one in (recording, louder))
    np.testing.assert_allclose(once, twice, atol=1e-3)
    assert once.max() > 0.5


@pytest.mark.parametrize("choice", ALONE)
def test_a_missing_electrode_leaves_a_gap_in_its_channels_alone(choice):
    whole = noise()
    data = whole.data.copy()
    data[CHAIN_ELECTRODES.index("T3"), 4000:6000] = np.nan
    found = by_channel(panels_of(Recording(data, CHAIN_ELECTRODES), choice))
    lost = np.isnan(found).all(axis=2)
    names = [channel_names(chain, choice[2]) for chain in CHAINS]
    expected = np.array([["T3" in name.split("-") for name in of_chain] for of_chain in names])
    np.testing.assert_array_equal(lost[..., 115:140].all(axis=-1), expected)
    assert not lost[..., :95].any()
    assert not lost[..., 160:].any()
    assert not np.isnan(found[~expected]).any()


@pytest.mark.parametrize("choice", MEANS)
def test_a_chains_mean_is_over_the_channels_that_are_there(choice):
    data = noise().data.copy()
    data[CHAIN_ELECTRODES.index("T3"), 4000:6000] = np.nan
    found = panels_of(Recording(data, CHAIN_ELECTRODES), choice)
    assert not np.isnan(found).any()
    # What is there is as loud as before: a gap is not taken for silence.
    assert abs(found[:, 120:135, 0].mean() - found[:, 20:80, 0].mean()) < 0.1
    nothing = np.full_like(data, np.nan)
    assert np.isnan(panels_of(Recording(nothing, CHAIN_ELECTRODES), choice)).all()


@pytest.mark.parametrize("choice", FEW)
def test_an_electrodes_offset_does_not_matter(choice):
    recording = noise()
    far = changed(recording, "C3", recording.data[CHAIN_ELECTRODES.index("C3")] + 8000)
    once, moved = (panels_of(one, choice, clip=500.0) for one in (recording, far))
    np.testing.assert_allclose(once[:, 5:-5], moved[:, 5:-5], atol=0.02)


def test_what_all_electrodes_share_is_not_in_their_average():
    recording = noise()
    hum = 200 * np.sin(2 * np.pi * 5 * np.arange(10_000) / 200)
    shared = Recording((recording.data + hum).astype(np.float32), recording.channels)
    alone, together = (panels_of(one, ("cwt", "all", "average")) for one in (recording, shared))
    np.testing.assert_allclose(alone, together, atol=1e-2)


def test_no_channel_jumps_where_another_electrode_comes_loose():
    recording = changed(noise(), "O2", noise().data[CHAIN_ELECTRODES.index("O2")] + 5000)
    data = recording.data.copy()
    data[CHAIN_ELECTRODES.index("O2"), 5000:] = np.nan
    found = by_channel(panels_of(Recording(data, CHAIN_ELECTRODES), ("cwt", "all", "average")))
    left = found[0, 0]
    np.testing.assert_allclose(left[:, 120:136].mean(), left[:, 20:100].mean(), atol=0.1)


@pytest.mark.parametrize("choice", FEW)
def test_the_mirrored_picture_is_the_picture_of_the_mirrored_head(choice):
    sides = {"1": "2", "2": "1", "3": "4", "4": "3", "5": "6", "6": "5", "7": "8", "8": "7"}
    recording = noise()
    swapped = tuple(name[:-1] + sides[name[-1]] for name in CHAIN_ELECTRODES)
    mirrored = Recording(recording.data, swapped)
    layout = ImageLayout(
        ("eeg",), size=(512, 256), eeg_order="seed", channels=choice[1], montage=choice[2]
    )

    def picture(one):
        panels = np.moveaxis(panels_of(one, choice), -1, 0)
        chains = dict(zip(CHAINS, panels, strict=True))
        return np.vstack([chains[chain] for chain in layout.chains("eeg")])[np.newaxis]

    np.testing.assert_allclose(layout.mirror(picture(recording)), picture(mirrored), atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bipolar_recording_has_the_bipolar_montage_alone(kind):
    recording = noise()
    pairs = Recording(chain_differences(recording).reshape(16, -1), BIPOLAR_NAMES)
    choice = kind, "all", "bipolar"
    np.testing.assert_array_equal(panels_of(pairs, choice), panels_of(recording, choice))
    with pytest.raises(ValueError, match=r"common average needs electrodes.*montage=bipolar"):
        panels_of(pairs, (kind, "all", "average"))


@pytest.mark.parametrize(
    "setting", [{"kind": "fourier"}, {"channels": "bipolar"}, {"montage": "laplacian"}]
)
def test_an_unknown_choice_is_named(setting):
    (name,) = setting
    with pytest.raises(ValueError, match=f"{name} must be one of .*received '{setting[name]}'"):
        window_spectrograms(noise(), **setting)


@pytest.mark.parametrize("kind", KINDS)
def test_a_short_window_is_refused(kind):
    with pytest.raises(ValueError, match=r"the centre takes 10\.24 s"):
        panels_of(noise(seconds=8), (kind, "all", "bipolar"), centre=True)
    with pytest.raises(ValueError, match="at least 256 samples"):
        panels_of(noise(seconds=1), (kind, "all", "bipolar"))
