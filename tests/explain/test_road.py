import numpy as np
import pytest

from hbac.explain.road import (
    Road,
    noisy_interpolation,
    noisy_linear_imputation,
    remove_and_debias,
    road_score,
)
from hbac.explain.tiles import Tiles
from hbac.models.image import ImageLayout
from hbac.models.waveform import WaveformLayout

RNG = np.random.default_rng(0)
PANELS = ImageLayout(size=(64, 64)).panels()
TILES = Tiles(PANELS, 2, 4)
STEPS = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]


def impute(pictures, removed, noise=0.0):
    return noisy_linear_imputation(
        pictures, removed, PANELS, noise=noise, rng=np.random.default_rng(0)
    )


def exact(panel, removed):
    """Solve the equations of one panel as a dense system."""
    height, width = panel.shape
    matrix = np.zeros((panel.size, panel.size))
    for i, j in np.ndindex(panel.shape):
        near = [(i + a, j + b, 1 / 12 if a and b else 1 / 6) for a, b in STEPS]
        near = [(a, b, w) for a, b, w in near if 0 <= a < height and 0 <= b < width]
        total = sum(weight for *_, weight in near)
        matrix[i * width + j, i * width + j] = 1
        for a, b, weight in near:
            matrix[i * width + j, a * width + b] = -weight / total
    gone, solved = removed.ravel(), panel.ravel().astype(float)
    solved[gone] = np.linalg.solve(
        matrix[np.ix_(gone, gone)], -matrix[gone][:, ~gone] @ solved[~gone]
    )
    return solved.reshape(panel.shape)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("level", [0, 300])
def test_it_solves_the_equations_of_each_panel(share, level):
    pictures = (level + RNG.normal(size=(2, 64, 64))).astype(np.float32)
    removed = np.stack([RNG.random((64, 64)) < share, TILES.paint(RNG.random(64) < share)])
    imputed = impute(pictures, removed)
    assert imputed.dtype == np.float32
    np.testing.assert_array_equal(imputed[~removed], pictures[~removed])
    for panel in PANELS:
        for picture, mask, filled in zip(pictures, removed, imputed, strict=True):
            part, gone = picture[panel.rows, panel.columns], mask[panel.rows, panel.columns]
            if not gone.all():
                found = filled[panel.rows, panel.columns]
                np.testing.assert_allclose(found, exact(part, gone), atol=5e-3)


def test_a_ramp_is_imputed_exactly():
    rows, columns = np.indices((64, 64))
    ramp = (0.3 * rows - 0.2 * columns)[None].astype(np.float32)
    removed = np.zeros((1, 64, 64), bool)
    for panel in PANELS:
        removed[:, panel.rows.start + 2 : panel.rows.stop - 3, panel.columns][..., 4:-5] = True
    np.testing.assert_allclose(impute(ramp, removed), ramp, atol=2e-3)


def test_panels_know_nothing_of_each_other():
    pictures = RNG.normal(size=(1, 64, 64)).astype(np.float32)
    removed = TILES.paint(RNG.random((1, 64)) < 0.7)
    loud, panel = pictures.copy(), PANELS[2]
    loud[:, panel.rows, panel.columns] *= 100
    outside = np.ones((64, 64), bool)
    outside[panel.rows, panel.columns] = False
    quiet, louder = impute(pictures, removed), impute(loud, removed)
    np.testing.assert_array_equal(quiet[:, outside], louder[:, outside])
    assert (quiet[:, ~outside] != louder[:, ~outside]).any()


def test_panels_that_are_gone_or_constant():
    pictures = RNG.normal(size=(1, 64, 64)).astype(np.float32)
    gone, even = PANELS[0], PANELS[1]
    pictures[:, even.rows, even.columns] = 0.7
    removed = np.zeros(pictures.shape, bool)
    removed[:, gone.rows, gone.columns] = True
    removed[:, even.rows, even.columns][..., 3:] = True
    imputed = impute(pictures, removed)
    mean = pictures[:, gone.rows, gone.columns].mean()
    np.testing.assert_allclose(imputed[:, gone.rows, gone.columns], mean, rtol=1e-5)
    np.testing.assert_allclose(imputed[:, even.rows, even.columns], 0.7, rtol=1e-6)


def test_noise_is_on_removed_pixels_alone_and_input_stays():
    pictures = RNG.normal(size=(3, 64, 64)).astype(np.float16)
    removed, before = TILES.paint(RNG.random((3, 64)) < 0.5), pictures.copy()
    added = impute(pictures, removed, noise=0.1) - impute(pictures, removed)
    np.testing.assert_array_equal(pictures, before)
    assert (added[~removed] == 0).all()
    assert added[removed].std() == pytest.approx(0.1, rel=0.05)
    assert added[removed].mean() == pytest.approx(0, abs=0.01)


def bright(pictures):
    """Class 0 is the power of three tiles, class 1 its negative."""
    value = TILES.mean(np.square(pictures))[:, [3, 17, 40]].mean(axis=1)
    return np.stack([value, -value], axis=1)


@pytest.fixture(scope="module")
def evidence():
    """Pictures of noise, whose power goes with imputation, and where class 0 looks."""
    pictures, truth = RNG.normal(size=(4, 64, 64)), np.zeros((4, 64))
    truth[:, [3, 17, 40]] = 1
    return pictures, truth[:, TILES.index]


def test_the_true_map_loses_most_when_removed_first(evidence):
    pictures, truth = evidence
    random = RNG.normal(size=(4, 64))[:, TILES.index]
    curves = remove_and_debias(
        bright,
        pictures,
        np.stack([truth, random, -truth]),
        np.zeros(4, int),
        tiles=TILES,
        fractions=[0, 0.25, 0.5, 0.75, 1],
        noise=0.01,
        batch_size=5,
    )
    assert curves.most_first.shape == (3, 4, 5)
    power = bright(pictures)[:, 0]
    for most, least in zip(curves.most_first, curves.least_first, strict=True):
        np.testing.assert_allclose(most[:, 0], power, rtol=1e-5)
        np.testing.assert_array_equal(most[:, [0, -1]], least[:, [0, -1]])
    assert (curves.most_first[0, :, 1:] < 0.3 * power[:, None]).all()
    np.testing.assert_allclose(curves.least_first[0, :, :4], np.tile(power[:, None], 4), rtol=1e-5)
    right, chance, wrong = road_score(curves)
    assert (right > 0.2 * power).all()
    assert (right > chance).all()
    assert (chance > wrong).all()
    np.testing.assert_allclose(wrong, -right, atol=0.15)


def test_the_class_decides_the_sign(evidence):
    pictures, truth = evidence
    options = {"tiles": TILES, "fractions": [0.1, 0.5], "noise": 0.0}
    first, second = (
        remove_and_debias(bright, pictures, truth, np.full(4, label), **options) for label in (0, 1)
    )
    np.testing.assert_allclose(road_score(second), -road_score(first))


def test_the_score_is_half_the_mean_difference():
    curves = Road(np.array([[0.9, 0.1, 0.0]]), np.array([[0.9, 0.8, 0.4]]))
    assert road_score(curves) == pytest.approx([(0.7 + 0.4) / 3 / 2])


def test_of_waveforms_a_channel_is_imputed_from_itself_alone():
    layout = WaveformLayout((16, 80))
    tiles = Tiles(layout.panels(), 4, 4)
    waveforms = RNG.normal(size=(2, 16, 80)) + 100 * np.arange(16)[:, None]
    removed = tiles.paint(np.arange(len(tiles)) == 5)[np.newaxis].repeat(2, axis=0)
    assert removed[0, 1, 20:40].all()
    options = {"rng": np.random.default_rng(0)}
    plain, noisy = (
        noisy_interpolation(waveforms, removed, layout.panels(), noise=noise, **options)
        for noise in (0.0, 0.5)
    )
    assert np.abs(plain[:, 1] - 100).max() < 6
    added = noisy - plain
    assert (added[~removed] == 0).all()
    assert added[removed].std() == pytest.approx(0.5, abs=0.15)


def test_tiles_of_waveforms_are_removed_as_the_imputation_says():
    layout = WaveformLayout((16, 80))
    tiles = Tiles(layout.panels(), 4, 4)
    truth = (np.arange(len(tiles)) == 5).astype(float)[tiles.index][np.newaxis]
    waveforms = np.tile(np.sin(np.arange(80.0)), (1, 16, 1))

    def power(seen):
        value = np.square(seen[:, 1, 20:40]).mean(axis=1)
        return np.stack([value, -value], axis=1)

    curves = remove_and_debias(
        power,
        waveforms,
        truth,
        np.zeros(1, int),
        tiles=tiles,
        fractions=[1 / len(tiles)],
        noise=0.0,
        impute=noisy_interpolation,
    )
    line = np.interp(np.arange(20, 40), [19, 40], np.sin([19.0, 40.0]))
    assert curves.most_first.item() == pytest.approx(np.square(line).mean(), rel=1e-5)
    assert curves.least_first.item() == pytest.approx(power(waveforms)[0, 0], rel=1e-5)
