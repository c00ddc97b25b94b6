import numpy as np
import pytest

from hbac.eeg.chain_map import chain_maps
from hbac.eeg.montage import CHAINS, channel_names
from hbac.models.image import ImageLayout
from hbac.models.waveform import WaveformLayout

LAYOUT = ImageLayout(size=(64, 64), eeg_order="seed")


def test_every_panel_finds_its_chain_in_whatever_order_the_picture_has():
    picture = np.zeros((64, 64))
    for number, panel in enumerate(LAYOUT.panels()):
        picture[panel.rows, panel.columns] = number
    maps = chain_maps(picture, LAYOUT.panels())
    assert list(maps) == ["regional", "eeg"]
    for source, chain_map in maps.items():
        assert chain_map.values.shape == (4, 16, 32)
        names = [panel.chain for panel in LAYOUT.panels() if panel.source == source]
        offset = 4 if source == "eeg" else 0
        for values, chain in zip(chain_map.values, CHAINS, strict=True):
            assert (values == names.index(chain) + offset).all()


def test_rows_are_hertz_and_columns_seconds_of_the_recording():
    maps = chain_maps(np.zeros((2, 6, 64, 64)), LAYOUT.panels(), start=1000)
    eeg, regional = maps["eeg"], maps["regional"]
    assert eeg.values.shape == (2, 6, 4, 16, 32)
    np.testing.assert_allclose(eeg.hertz[[0, 8, 16]], [0, 10, 20])
    np.testing.assert_allclose(eeg.seconds[[0, 16, 32]], [1000, 1025, 1050])
    # 512 of the 600 s are left of the cropped panel, around the same moment.
    np.testing.assert_allclose(regional.seconds[[0, 16, 32]], [769, 1025, 1281])
    assert regional.hertz[0] < 0 < 20 < regional.hertz[-1]


def test_a_source_without_a_chain_is_named():
    with pytest.raises(ValueError, match="source eeg must have"):
        chain_maps(np.zeros((64, 64)), LAYOUT.panels()[:7])


def test_rows_of_a_waveform_are_channels():
    layout = WaveformLayout((16, 400), 40)
    waveform = np.arange(16)[:, np.newaxis] * np.ones(400)
    (found,) = chain_maps(waveform, layout.panels(), start=100).values()
    assert found.source == "waveform"
    assert found.hertz is None
    np.testing.assert_array_equal(found.values[:, :, 0], np.arange(16).reshape(4, 4))
    # The middle 10 s of the 50.
    np.testing.assert_allclose(found.seconds[[0, -1]], [120, 130])


def test_channels_keep_their_values_and_a_chain_has_their_mean_and_sum():
    layout = ImageLayout(("regional", "eeg"), size=(64, 64), eeg_order="seed", channels="all")
    picture = np.random.default_rng(0).random((64, 64))
    maps = chain_maps(picture, layout.panels())
    assert maps["regional"].channels == {}
    eeg = maps["eeg"]
    assert list(eeg.channels)[3:6] == ["T5-O1", "Fp2-F8", "F8-T4"]
    assert eeg.values.shape == (4, 16, 32)
    assert len(eeg.hertz) == 17
    for panel in layout.panels():
        if panel.channel is not None:
            part = picture[panel.rows, panel.columns]
            np.testing.assert_array_equal(eeg.channels[panel.channel], part)
    of_chain = np.mean([eeg.channels[pair] for pair in channel_names("RP", "bipolar")], axis=0)
    np.testing.assert_allclose(eeg.values[3], np.repeat(of_chain, 4, axis=0))
    np.testing.assert_allclose(eeg.values.sum(), picture[:, 32:].sum())
