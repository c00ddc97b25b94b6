import numpy as np
import pytest

from hbac.explain.sparseness import gini


def test_one_pixel_that_holds_everything():
    maps = np.zeros((2, 3, 8, 16), np.float32)
    maps[..., 5, 7] = -4
    assert gini(maps).shape == (2, 3)
    np.testing.assert_allclose(gini(maps), 1 - 1 / 128)


def test_pixels_alike_are_even():
    assert gini(np.full((8, 16), 0.3)) == pytest.approx(0, abs=1e-12)
    assert gini(np.zeros((8, 16))) == 0


def test_a_ramp_and_a_part_of_the_pixels():
    n = 128
    assert gini(np.arange(1, n + 1).reshape(8, 16)) == pytest.approx((n - 1) / (3 * n))
    some = np.zeros(n)
    some[:32] = 1
    assert gini(some.reshape(8, 16)) == pytest.approx(1 - 32 / n)


def test_scale_sign_and_order_do_not_matter():
    values = np.random.default_rng(0).normal(size=(8, 16))
    shuffled = np.random.default_rng(1).permuted(values)
    assert gini(-3 * shuffled) == pytest.approx(gini(values))
    assert gini(values) == pytest.approx(np.sqrt(2) - 1, abs=0.06)
