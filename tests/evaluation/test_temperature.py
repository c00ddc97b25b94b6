import numpy as np
import pytest

from hbac.evaluation import (
    cross_fit_temperatures,
    fit_temperature,
    kl_divergence,
    scale_temperature,
)

FRACTIONS = np.random.default_rng(0).dirichlet(np.ones(6), 300)


def test_temperature_1_changes_nothing():
    np.testing.assert_allclose(scale_temperature(FRACTIONS, 1), FRACTIONS)


def test_temperature_2_is_the_root():
    expected = np.sqrt(FRACTIONS)
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(scale_temperature(FRACTIONS, 2), expected)


def test_each_row_can_have_its_own():
    scaled = scale_temperature(FRACTIONS[:2], np.array([1, 3]))
    np.testing.assert_allclose(scaled[0], FRACTIONS[0])
    np.testing.assert_allclose(scaled[1:], scale_temperature(FRACTIONS[1:2], 3))


@pytest.mark.filterwarnings("error")
def test_certainty_stays_finite():
    scaled = scale_temperature(np.eye(6), np.full(6, 20))
    assert np.isfinite(scaled).all()
    assert (scaled.argmax(axis=1) == np.arange(6)).all()


@pytest.mark.parametrize("temperature", [0.4, 1, 2.5])
def test_the_temperature_that_was_applied_is_found(temperature):
    distorted = scale_temperature(FRACTIONS, 1 / temperature)
    assert fit_temperature(FRACTIONS, distorted) == pytest.approx(temperature, rel=1e-3)


def test_scaling_lowers_the_divergence():
    votes = np.random.default_rng(1).multinomial(5, FRACTIONS) / 5
    sure = scale_temperature(FRACTIONS, 0.3)
    scaled = scale_temperature(sure, fit_temperature(votes, sure))
    assert kl_divergence(votes, scaled).mean() < kl_divergence(votes, sure).mean()


def test_a_fold_has_the_temperature_of_the_others():
    folds = np.repeat([0, 1], 150)
    predictions = scale_temperature(FRACTIONS, np.where(folds == 0, 1 / 2, 1 / 3))
    temperatures = cross_fit_temperatures(FRACTIONS, predictions, folds)
    assert temperatures == {0: pytest.approx(3, rel=1e-3), 1: pytest.approx(2, rel=1e-3)}


def test_one_fold_alone_has_none():
    temperatures = cross_fit_temperatures(FRACTIONS, FRACTIONS, np.full(300, -1))
    assert list(temperatures) == [-1]
    assert np.isnan(temperatures[-1])
