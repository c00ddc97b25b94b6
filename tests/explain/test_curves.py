import numpy as np
import pytest

from hbac.explain.curves import area, insertion_deletion
from hbac.explain.fills import replace_by
from hbac.explain.tiles import Tiles
from hbac.models.image import ImageLayout

RNG = np.random.default_rng(0)
TILES = Tiles(ImageLayout(size=(32, 32)).panels(), 2, 4)
FRACTIONS = np.array([0, 0.125, 0.25, 0.5, 1])
WEIGHTS = RNG.permutation(64).astype(float)
N = 5


def linear(pictures):
    """Class 0 sums up tiles, each with its own weight; class 1 is its negative."""
    value = TILES.mean(pictures) @ WEIGHTS
    return np.stack([value, -value], axis=1)


def test_of_a_linear_score_both_curves_are_partial_sums():
    pictures, fill = np.ones((N, 32, 32)), np.zeros((32, 32))
    truth = np.broadcast_to(WEIGHTS[TILES.index], pictures.shape)
    deletion, insertion = insertion_deletion(
        linear,
        pictures,
        truth,
        np.zeros(N, int),
        replace=replace_by(pictures, fill),
        tiles=TILES,
        fractions=FRACTIONS,
        batch_size=3,
    )
    falling = np.sort(WEIGHTS)[::-1]
    gained = np.array([falling[: round(64 * fraction)].sum() for fraction in FRACTIONS])
    np.testing.assert_allclose(insertion, np.tile(gained, (N, 1)))
    np.testing.assert_allclose(deletion, WEIGHTS.sum() - insertion)


def test_each_picture_has_its_own_class_map_and_fill():
    pictures, fill = RNG.normal(size=(N, 32, 32)), RNG.normal(size=(N, 32, 32))
    classes = np.array([0, 1, 0, 1, 1])
    sign = np.where(classes == 0, 1, -1)[:, None]
    gain = sign * TILES.mean(pictures - fill) * WEIGHTS
    curves = insertion_deletion(
        linear,
        pictures,
        gain[:, TILES.index],
        classes,
        replace=replace_by(pictures, fill),
        tiles=TILES,
        fractions=FRACTIONS,
    )
    falling = -np.sort(-gain, axis=1)
    gained = np.stack([falling[:, : round(64 * f)].sum(axis=1) for f in FRACTIONS], axis=1)
    empty = sign * (TILES.mean(fill) @ WEIGHTS)[:, None]
    np.testing.assert_allclose(curves.insertion, empty + gained, atol=1e-3)
    whole = empty + gain.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(curves.deletion, whole - gained, atol=1e-3)


def test_the_true_map_beats_one_at_random_and_its_opposite():
    pictures = np.ones((N, 32, 32))
    truth = np.broadcast_to(WEIGHTS[TILES.index], pictures.shape)
    random = RNG.permuted(np.tile(WEIGHTS, (N, 1)), axis=1)[:, TILES.index]
    kinds = np.stack([truth, random, -truth])
    curves = insertion_deletion(
        linear,
        pictures,
        kinds,
        np.zeros(N, int),
        replace=replace_by(pictures, np.zeros((32, 32))),
        tiles=TILES,
        fractions=FRACTIONS,
    )
    assert curves.insertion.shape == (3, N, 5)
    inserted, deleted = (area(values, FRACTIONS) for values in (curves.insertion, curves.deletion))
    assert (np.diff(inserted, axis=0) < 0).all()
    assert (np.diff(deleted, axis=0) > 0).all()
    assert (curves.deletion[..., 0] == WEIGHTS.sum()).all()
    assert (curves.deletion[..., -1] == 0).all()


def test_the_area_is_that_of_trapezoids_over_the_width():
    assert area(np.full((2, 3), 0.7), [0.1, 0.2, 0.9]) == pytest.approx([0.7, 0.7])
    assert area(np.array([0.0, 1.0]), [0, 1]) == pytest.approx(0.5)
    assert area(np.array([0.0, 1.0, 1.0]), [0, 0.2, 0.4]) == pytest.approx(0.75)
    for fractions in ([0, 0.5, 0.5], [0.3], [1, 0]):
        with pytest.raises(ValueError, match="must rise, received"):
            area(np.zeros(len(fractions)), fractions)
