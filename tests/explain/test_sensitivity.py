import numpy as np
import pytest

from hbac.explain.fills import replace_by
from hbac.explain.sensitivity import sensitivity_n, subset_drops
from hbac.explain.tiles import Tiles
from hbac.models.image import ImageLayout

RNG = np.random.default_rng(0)
TILES = Tiles(ImageLayout(size=(32, 32)).panels(), 2, 4)
WEIGHTS = RNG.normal(size=64)
N = 6
PICTURES = RNG.normal(size=(N, 32, 32))
CLASSES = np.array([0, 1, 0, 1, 1, 0])


def linear(pictures):
    value = TILES.mean(pictures) @ WEIGHTS
    return np.stack([value, -value], axis=1)


def of_tiles(values):
    """Maps whose tiles sum up to the values."""
    return values[..., TILES.index] / 16


@pytest.fixture(scope="module")
def truth():
    """What each tile adds to the class of its picture."""
    return np.where(CLASSES == 0, 1, -1)[:, None] * TILES.mean(PICTURES) * WEIGHTS


@pytest.fixture(scope="module")
def removal():
    return subset_drops(
        linear,
        PICTURES,
        CLASSES,
        replace=replace_by(PICTURES, np.zeros((32, 32))),
        tiles=TILES,
        shares=[0.1, 0.3, 0.5],
        subsets=40,
        seed=0,
        batch_size=50,
    )


def test_drops_of_a_linear_score_are_sums_of_attributions(removal, truth):
    assert removal.subsets.shape == (3, 40, N, 64)
    expected = np.einsum("skpt,pt->skp", removal.subsets, truth)
    np.testing.assert_allclose(removal.drops, expected, atol=1e-5)
    sizes = removal.subsets.sum(axis=-1)
    assert (sizes == np.array([6, 19, 32])[:, None, None]).all()


def test_subsets_differ_and_hold_each_tile_alike(removal):
    assert len(np.unique(removal.subsets.reshape(-1, 64), axis=0)) == 3 * 40 * N
    share = removal.subsets[2].mean(axis=(0, 1))
    np.testing.assert_allclose(share, 0.5, atol=5 * 0.5 / np.sqrt(40 * N))


def test_true_attributions_correlate_fully_and_shuffled_ones_do_not(removal, truth):
    shuffled = RNG.permuted(truth, axis=1)
    maps = np.stack([of_tiles(values) for values in (truth, 5 * truth + 1, -truth, shuffled)])
    right, scaled, wrong, random = sensitivity_n(maps, TILES, *removal)
    np.testing.assert_allclose(right, 1, atol=1e-6)
    np.testing.assert_allclose(scaled, 1, atol=1e-6)
    np.testing.assert_allclose(wrong, -1, atol=1e-6)
    # The correlation of two random vectors of 64 has a deviation of 1 / 8.
    assert abs(random.mean()) < 3 / 8 / np.sqrt(N)
    assert np.abs(random).max() < 0.5


def test_maps_without_a_leading_axis(removal, truth):
    assert sensitivity_n(of_tiles(truth), TILES, *removal).shape == (N,)
    one = sensitivity_n(of_tiles(truth), TILES, removal.subsets[:1, :5], removal.drops[:1, :5])
    np.testing.assert_allclose(one, 1, atol=1e-6)


def test_what_does_not_vary_has_no_correlation(removal, truth):
    maps = of_tiles(truth).copy()
    maps[0], maps[1] = 0, 0.1
    drops = removal.drops.copy()
    drops[:, :, 2] = 7
    drops[0, :, 3] = 7
    values = sensitivity_n(maps, TILES, removal.subsets, drops)
    assert np.isnan(values[:3]).all()
    np.testing.assert_allclose(values[3:], 1, atol=1e-6)
