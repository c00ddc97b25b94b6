from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hbac.formats.resample import n_resampled, ratio, resample

RATES = [Fraction(rate) for rate in (1, 64, 100, 128, 250, 256, 500, 512, 1000, 1024, 2048, 4096)]
ODD = [Fraction("199.8"), Fraction(250) / Fraction("1.0000003"), Fraction(1000, 3)]


def noise(seconds, rate, n_channels=2):
    return (
        np.random.default_rng(0).normal(0, 50, (n_channels, int(seconds * rate))).astype(np.float32)
    )


def run(values, rate, first=0, last=None):
    step = ratio(rate)
    n = values.shape[1]
    end = n_resampled(n, step) if last is None else last
    return resample(lambda begin, stop: values[:, begin:stop], n, step, first, end)


@pytest.mark.parametrize("rate", RATES[1:] + ODD, ids=float)
def test_a_sine_keeps_its_height_and_its_time(rate):
    time = np.arange(int(30 * rate)) / float(rate)
    values = np.float32([np.sin(2 * np.pi * 7 * time), np.cos(2 * np.pi * 20 * time)])
    found = run(values, rate)
    at = np.arange(found.shape[1]) / 200
    expected = [np.sin(2 * np.pi * 7 * at), np.cos(2 * np.pi * 20 * at)]
    inside = slice(100, -100)
    np.testing.assert_allclose(found[:, inside], np.array(expected)[:, inside], atol=2e-3)


@pytest.mark.parametrize(
    ("rate", "alias"),
    [(250, 110), (256, 120), (500, 110), (500, 190), (1024, 110), (1024, 390), (4096, 1000)],
)
def test_what_would_come_back_as_an_alias_is_kept_out(rate, alias):
    time = np.arange(20 * rate) / rate
    found = run(np.float32([100 * np.sin(2 * np.pi * alias * time)]), Fraction(rate))
    assert np.abs(found[:, 100:-100]).max() < 100 * 10 ** (-65 / 20)


@pytest.mark.parametrize("rate", RATES + ODD, ids=float)
def test_a_constant_stays_what_it_is_up_to_the_ends(rate):
    found = run(np.full((1, int(20 * rate)), 37.5, np.float32), rate)
    assert found.shape[1] == n_resampled(int(20 * rate), ratio(rate))
    np.testing.assert_allclose(found, 37.5, rtol=1e-5)


def test_as_many_samples_come_out_as_fall_within():
    assert n_resampled(512, ratio(Fraction(256))) == 400
    assert n_resampled(1, ratio(Fraction(256))) == 1
    assert n_resampled(86_400 * 250, ratio(ODD[1])) == 86_400 * 200


@settings(max_examples=60, deadline=None)
@given(
    rate=st.sampled_from(RATES[1:] + ODD),
    cuts=st.lists(st.floats(0, 1), min_size=1, max_size=6),
    gap=st.tuples(st.floats(0, 1), st.floats(0, 0.3)),
)
def test_in_parts_it_comes_out_as_in_one(rate, cuts, gap):
    values = noise(37.3, rate) + np.float32([[0], [5000]])
    n = values.shape[1]
    values[1, int(gap[0] * n) : int((gap[0] + gap[1]) * n)] = np.nan
    whole = run(values, rate)
    total = whole.shape[1]
    borders = sorted({0, total, *(int(cut * total) for cut in cuts)})
    parts = [run(values, rate, *pair) for pair in pairwise(borders)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_beside_a_gap_nothing_rings():
    values = np.full((2, 2560), 1000, np.float32)
    values[0, 1000:1256] = np.nan
    found = run(values, Fraction(256))
    missing = np.isnan(found)
    assert not missing[1].any()
    seconds = np.flatnonzero(missing[0]) / 200
    assert (seconds.min(), seconds.max()) == pytest.approx((1000 / 256, 1255 / 256), abs=0.005)
    np.testing.assert_allclose(found[~missing], 1000, rtol=1e-4)


def test_a_gap_changes_only_what_is_near_it():
    values = noise(20, 256)
    holed = values.copy()
    holed[0, 2560:2816] = np.nan
    before, after = run(values, Fraction(256)), run(holed, Fraction(256))
    changed = np.flatnonzero(np.abs(before[0] - after[0]) > 1e-3) / 200
    assert changed.min() > 10 - 0.11
    assert changed.max() < 11 + 0.11
    np.testing.assert_array_equal(before[1], after[1])
