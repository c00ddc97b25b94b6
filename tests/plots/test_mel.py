import numpy as np
import pytest

from hbac.eeg import CHAINS
from hbac.plots.mel import channel_spectrograms, mel_spectrograms


def _spectrogram(value):
    return np.full((128, 256, 4), value) + np.arange(4)


def test_a_column_a_spectrogram_a_row_a_chain_and_one_scale():
    figure = mel_spectrograms({"raw": _spectrogram(0), "denoised": _spectrogram(10)}, title="EEG 1")
    *panels, _ = figure.axes
    grid = np.array(panels).reshape(4, 2)
    assert [axes.get_title(loc="left") for axes in grid[0]] == ["raw", "denoised"]
    assert [axes.get_ylabel()[:2] for axes in grid[:, 0]] == list(CHAINS)
    images = [axes.images[0] for axes in grid.flat]
    shown = [image.get_array()[0, 0] for image in images]
    assert shown == [0, 10, 1, 11, 2, 12, 3, 13]
    assert {image.get_clim() for image in images} == {(0, 13)}
    assert images[0].get_extent() == [0, 50, 0, 20]


def test_what_has_no_four_chains_is_refused():
    with pytest.raises(ValueError, match=r"'raw' must have shape \(rows, columns, 4\)"):
        mel_spectrograms({"raw": np.zeros((128, 256))}, title="")
    with pytest.raises(ValueError, match="must hold one at least"):
        mel_spectrograms({}, title="")


def test_a_row_a_channel_shows_the_channels_of_each_chain_front_to_back():
    # Chain in ones, channel in tens.
    panels = np.repeat(np.arange(4) * 10, 32)[:, np.newaxis, np.newaxis] + np.zeros((128, 256, 4))
    figure = channel_spectrograms({"cwt": panels + np.arange(4)}, title="EEG 1", montage="average")
    *rows, _ = figure.axes
    assert [axes.get_ylabel() for axes in rows[:5]] == ["F7", "T3", "T5", "O1", "F8"]
    shown = [axes.images[0].get_array()[0, 0] for axes in rows]
    assert shown == [10 * channel + chain for chain in range(4) for channel in range(4)]
    assert rows[0].images[0].get_array().shape == (32, 256)
