import numpy as np
import pytest

from hbac.models import Sampler
from hbac.models.sampling import balanced, one_of_each, systematic


def test_one_window_of_each_eeg_is_drawn_and_each_as_often():
    groups = np.array([7, 3, 7, 7, 3, 9])
    rng = np.random.default_rng(0)
    drawn = np.stack([one_of_each(groups, rng) for _ in range(3000)])
    assert (groups[drawn] == [3, 7, 9]).all()
    often = np.bincount(drawn.ravel(), minlength=6) / 3000
    np.testing.assert_allclose(often, [1 / 3, 1 / 2, 1 / 3, 1 / 3, 1 / 2, 1], atol=0.03)


def test_classes_are_seen_as_often_where_that_is_asked_for():
    shares = np.repeat(np.eye(6)[[0, 1]], [90, 10], axis=0)
    for balance, expected in [(0, [90, 10]), (0.5, [75, 25]), (1, [50, 50])]:
        times = balanced(shares, balance)
        assert times.mean() == pytest.approx(1)
        np.testing.assert_allclose((times @ shares)[:2], expected)


def test_a_window_is_seen_about_as_often_as_it_should_be():
    times = np.array([0.3, 2.5, 1.0, 0.2])
    rng = np.random.default_rng(0)
    drawn = np.stack([np.bincount(systematic(times, rng), minlength=4) for _ in range(4000)])
    assert (drawn.sum(axis=1) == 4).all()
    np.testing.assert_allclose(drawn.mean(axis=0), times, atol=0.04)
    assert ((drawn >= np.floor(times)) & (drawn <= np.ceil(times))).all()


def test_all_windows_are_seen_once_where_nothing_is_asked_for():
    rows = np.arange(50, 90)
    drawn = Sampler(rows)(np.random.default_rng(4))
    np.testing.assert_array_equal(drawn, np.random.default_rng(4).permutation(rows))


def test_an_epoch_has_as_many_windows_as_there_are_eegs():
    rng = np.random.default_rng(0)
    rows, groups = np.arange(100, 160), np.repeat(np.arange(20), 3)
    shares = np.repeat(np.eye(6)[[0, 1]], [54, 6], axis=0)
    epochs = [Sampler(rows, groups, shares, balance=1.0)(rng) for _ in range(400)]
    assert {len(epoch) for epoch in epochs} == {20}
    seen = np.concatenate(epochs)
    assert set(seen) == set(rows)
    assert (seen >= 154).mean() == pytest.approx(0.5, abs=0.03)
    each = [Sampler(rows, groups)(rng) for _ in range(9)]
    assert all(sorted(groups[epoch - 100]) == list(range(20)) for epoch in each)
    assert not np.array_equal(each[0], each[1])
