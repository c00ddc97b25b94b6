import numpy as np
import pytest

from hbac.eeg.panel import Panel
from hbac.explain.tiles import Tiles, scores_without
from hbac.models.image import ImageLayout

RNG = np.random.default_rng(0)
PANELS = ImageLayout(size=(32, 32)).panels()
TILES = Tiles(PANELS, 2, 4)


def test_tiles_are_equal_rectangles_inside_panels():
    assert len(TILES) == 8 * 2 * 4
    assert TILES.index.shape == (32, 32)
    assert (np.bincount(TILES.index.ravel()) == 4 * 4).all()
    for number, panel in enumerate(PANELS):
        inside = np.unique(TILES.index[panel.rows, panel.columns])
        np.testing.assert_array_equal(inside, number * 8 + np.arange(8))
    first = TILES.index[:8, :16]
    np.testing.assert_array_equal(first[::4, ::4], np.arange(8).reshape(2, 4))


def test_panels_of_unlike_size_have_equally_many_tiles():
    left = Panel("regional", "LL", slice(0, 4), slice(0, 8), (0, 600), (0, 20))
    right = Panel("eeg", "LL", slice(0, 4), slice(8, 12), (0, 50), (0, 20))
    tiles = Tiles((left, right), 2, 2)
    np.testing.assert_array_equal(np.bincount(tiles.index.ravel()), [8] * 4 + [4] * 4)
    np.testing.assert_allclose(tiles.mean(np.full((3, 4, 12), 2.0)), 2)
    np.testing.assert_allclose(tiles.sum(np.ones((4, 12))), [8] * 4 + [4] * 4)


def test_mean_and_sum_agree_with_the_index():
    maps = RNG.normal(size=(2, 3, 32, 32))
    expected = [maps[..., TILES.index == tile].sum(axis=-1) for tile in range(len(TILES))]
    np.testing.assert_allclose(TILES.sum(maps), np.moveaxis(expected, 0, -1))
    np.testing.assert_allclose(TILES.mean(maps), TILES.sum(maps) / 16)
    values = RNG.normal(size=(5, len(TILES))).astype(np.float32)
    np.testing.assert_allclose(TILES.mean(values[:, TILES.index]), values, rtol=1e-6)


def test_painting_marks_whole_tiles():
    selected = RNG.random((5, len(TILES))) < 0.3
    painted = TILES.paint(selected)
    assert painted.shape == (5, 32, 32)
    np.testing.assert_array_equal(TILES.mean(painted), selected)


def test_the_most_relevant_tiles_come_first():
    values = np.stack([RNG.permutation(len(TILES)) for _ in range(3)]).astype(float)
    order = TILES.rank(values[:, TILES.index], seed=0)
    expected = np.arange(len(TILES))[::-1]
    np.testing.assert_array_equal(np.take_along_axis(values, order, axis=-1)[1], expected)
    first = TILES.first(order, [0, 0.25, 1])
    assert first.shape == (3, 3, len(TILES))
    np.testing.assert_array_equal(first.sum(axis=-1), [[0] * 3, [16] * 3, [64] * 3])
    np.testing.assert_array_equal(first[1], values >= 48)


def test_ties_are_ordered_by_chance_and_not_panel_by_panel():
    maps = np.zeros((2, 32, 32))
    maps[0, TILES.index == 7] = 1
    order = TILES.rank(maps, seed=0)
    assert order[0, 0] == 7
    rest = order[1][order[1] != 7]
    np.testing.assert_array_equal(order[0, 1:], rest)
    assert len(np.unique(order[1, :16] // 8)) > 4
    np.testing.assert_array_equal(order, TILES.rank(maps, seed=0))
    assert (order[1] != TILES.rank(maps, seed=1)[1]).any()


def test_ends_are_scored_once_however_many_maps_there_are():
    pictures = RNG.normal(size=(3, 32, 32))
    removed = np.zeros((4, 2, 3, len(TILES)), bool)
    removed[1:] = True
    removed[2, 0, 1, 5] = False
    seen = []

    def score(changed):
        assert changed.dtype == np.float32
        seen.append(len(changed))
        return np.stack([changed.sum(axis=(1, 2)), -changed.sum(axis=(1, 2))], axis=1)

    def blank(numbers, pixels):
        return np.where(pixels, 0, pictures[numbers])

    classes = np.array([0, 1, 0])
    values = scores_without(
        score, pictures, classes, removed, tiles=TILES, replace=blank, batch_size=2
    )
    assert seen == [2, 2, 2, 1]
    expected = np.zeros((4, 2, 3))
    expected[0] = pictures.sum(axis=(1, 2)) * [1, -1, 1]
    expected[2, 0, 1] = -TILES.sum(pictures)[1, 5]
    np.testing.assert_allclose(values, expected, atol=1e-4)


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match="8 x 16 pixels does not divide into 3 x 4"):
        Tiles(PANELS, 3, 4)
    with pytest.raises(ValueError, match="into 0 x 4"):
        Tiles(PANELS, 0, 4)
    with pytest.raises(ValueError, match="cover some 0 and some 1 times"):
        Tiles(PANELS[1:], 2, 4)
    with pytest.raises(ValueError, match="cover some 1 and some 2 times"):
        Tiles((*PANELS, PANELS[0]), 2, 4)
    with pytest.raises(ValueError, match=r"\(\.\.\., 32, 32\), received \(2, 16, 16\)"):
        TILES.mean(np.zeros((2, 16, 16)))
    with pytest.raises(ValueError, match=r"within 0\.\.1, received \[0\.5, 1\.5\]"):
        TILES.first(np.arange(64), [0.5, 1.5])
    common = {"tiles": TILES, "replace": None}
    with pytest.raises(ValueError, match=r"\(2, 32, 32\) and \(3,\)"):
        scores_without(None, np.zeros((2, 32, 32)), np.zeros(3, int), None, **common)
    with pytest.raises(ValueError, match=r"\(\.\.\., 2, 64\), received \(1, 64\)"):
        scores_without(
            None, np.zeros((2, 32, 32)), np.zeros(2, int), np.zeros((1, 64), bool), **common
        )
