import numpy as np
import pytest

from hbac.explain.baselines import centre_prior, random_maps
from hbac.models.image import ImageLayout
from hbac.models.waveform import WaveformLayout

SIZE = (64, 192)
LAYOUT = ImageLayout(sources=("regional", "eeg", "centre"), size=SIZE)
PANELS = LAYOUT.panels()


def test_random_maps_are_cells_enlarged_within_each_panel():
    maps = random_maps(40, PANELS, SIZE, cells=(2, 4), seed=0)
    assert maps.shape == (40, *SIZE)
    assert maps.dtype == np.float32
    panel = maps[:, PANELS[3].rows, PANELS[3].columns]
    assert panel.shape == (40, 16, 64)
    corner = panel[:, :4, :8]
    np.testing.assert_array_equal(corner, np.broadcast_to(corner[:, :1, :1], corner.shape))
    between = np.diff(panel[:, 0, 8:24], axis=1)
    np.testing.assert_allclose(between, between[:, :1] * np.ones(15), atol=1e-5)
    assert np.abs(between).max() > 0.01


def test_random_maps_tell_nothing_of_each_other():
    maps = random_maps(400, PANELS, SIZE, cells=(2, 4), seed=0)
    corners = maps[:, ::16, ::64].reshape(400, -1)
    assert corners.shape[1] == len(PANELS)
    correlation = np.corrcoef(corners.T) - np.eye(len(PANELS))
    assert np.abs(correlation).max() < 0.25
    assert corners.mean() == pytest.approx(0, abs=0.05)
    assert corners.std() == pytest.approx(1, abs=0.05)


def test_a_seed_makes_the_same_maps():
    first, again, other = (
        random_maps(2, PANELS, SIZE, cells=(2, 4), seed=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.9


@pytest.mark.parametrize(
    ("source", "middle", "sigma"), [("regional", 300, 60), ("eeg", 25, 5), ("centre", 25, 5)]
)
def test_the_centre_prior_is_a_gaussian_in_time(source, middle, sigma):
    prior = centre_prior(PANELS, SIZE)
    for panel in PANELS:
        if panel.source != source:
            continue
        part = prior[panel.rows, panel.columns]
        edges = np.linspace(*panel.seconds, part.shape[1] + 1)
        seconds = (edges[1:] + edges[:-1]) / 2
        expected = np.exp(-((seconds - middle) ** 2) / (2 * sigma**2))
        np.testing.assert_allclose(part, np.tile(expected, (len(part), 1)), rtol=1e-4, atol=1e-7)


def test_the_prior_is_highest_where_the_label_speaks():
    prior = centre_prior(PANELS, SIZE)
    assert prior.min() >= 0
    assert 0.97 < prior.max() <= 1
    eeg = prior[PANELS[4].rows, PANELS[4].columns].sum(axis=0)
    central = slice(round(64 * 20 / 50), round(64 * 30 / 50))
    assert eeg[central].sum() / eeg.sum() == pytest.approx(0.68, abs=0.03)


def test_baselines_of_waveforms_point_at_the_middle_or_anywhere():
    layout = WaveformLayout((16, 1000), 20)
    prior = centre_prior(layout.panels(), layout.size)
    assert (prior == prior[0]).all()
    assert prior[0].argmax() in (499, 500)
    # 5 s to either side of the 10 of which the label speaks.
    assert prior[0, 600] == pytest.approx(np.exp(-0.5), abs=0.01)
    maps = random_maps(3, layout.panels(), layout.size, cells=(4, 8), seed=0)
    assert maps.shape == (3, 16, 1000)
    assert maps.std() > 0.3
