import numpy as np
import pytest

from hbac.evaluation import PatientBootstrap, resample_patients


def test_the_first_replicate_is_the_data():
    values = np.array([[1.0, 10], [3, 10], [8, 40]])
    bootstrap = resample_patients(np.array(["b", "b", "a"]), draws=5, seed=0)
    np.testing.assert_allclose(bootstrap.means(values)[0], [4, 20])
    np.testing.assert_allclose(bootstrap.totals(values)[0], [12, 60])


def test_every_draw_holds_as_many_patients_as_there_are():
    bootstrap = resample_patients(np.arange(30) // 3, draws=50, seed=0)
    assert bootstrap.counts.shape == (51, 10)
    assert (bootstrap.counts.sum(axis=1) == 10).all()


def test_a_draw_weighs_all_windows_of_a_patient_alike():
    counts = np.array([[1.0, 1], [2, 0]])
    bootstrap = PatientBootstrap(np.array([0, 0, 1]), counts, 0.95)
    values = np.array([[1.0], [2], [9]])
    assert bootstrap.totals(values)[:, 0].tolist() == [12, 6]
    assert bootstrap.means(values)[:, 0].tolist() == [4, 1.5]


def test_the_same_seed_draws_the_same():
    first, again, other = (resample_patients(np.arange(9), draws=3, seed=s) for s in (1, 1, 2))
    assert (first.counts == again.counts).all()
    assert (first.counts != other.counts).any()


def test_the_interval_is_of_percentiles():
    bootstrap = resample_patients(np.arange(4), draws=101, confidence=0.8, seed=0)
    replicates = np.concatenate([[40.0], np.arange(101)])[:, None]
    value, low, high = bootstrap.estimate(replicates)
    assert (value[0], low[0], high[0]) == pytest.approx((40, 10, 90))


def test_the_interval_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(0)
    covered = []
    for seed in range(400):
        patients = np.repeat(np.arange(40), 4)
        values = random.normal(size=40)[patients] + random.normal(size=160)
        bootstrap = resample_patients(patients, draws=300, seed=seed)
        _, low, high = bootstrap.estimate(bootstrap.means(values[:, None]))
        covered.append(low[0] < 0 < high[0])
    assert 0.90 < np.mean(covered) < 0.98


def test_windows_that_resemble_each_other_count_as_one():
    patients = np.repeat(np.arange(60), 9)
    values = np.random.default_rng(0).normal(size=60)[patients][:, None]
    widths = {}
    for name, clusters in (("patients", patients), ("windows", np.arange(540))):
        bootstrap = resample_patients(clusters, draws=1000, seed=0)
        _, low, high = bootstrap.estimate(bootstrap.means(values))
        widths[name] = high[0] - low[0]
    assert widths["patients"] / widths["windows"] == pytest.approx(3, rel=0.15)


def test_one_patient_gives_no_interval():
    bootstrap = resample_patients(np.zeros(5), draws=20, seed=0)
    value, low, high = bootstrap.estimate(bootstrap.totals(np.ones((5, 1))))
    assert value[0] == 5
    assert np.isnan([low[0], high[0]]).all()


def test_a_score_of_one_patient_among_others_has_no_interval():
    bootstrap = resample_patients(np.arange(6), draws=20, seed=0)
    inside = np.arange(6) == 2
    value, low, _ = bootstrap.estimate(bootstrap.means(np.arange(6.0)[:, None], inside))
    assert value[0] == 2
    assert np.isnan(low[0])


def test_the_mean_of_nothing_does_not_exist():
    bootstrap = resample_patients(np.arange(6), draws=20, seed=0)
    estimate = bootstrap.estimate(bootstrap.means(np.ones((6, 2)), np.zeros(6, bool)))
    assert np.isnan(estimate).all()


@pytest.mark.parametrize(
    ("rows", "draws", "confidence"), [(0, 10, 0.95), (4, 0, 0.95), (4, 10, 1.0)]
)
def test_what_cannot_be_drawn_is_refused(rows, draws, confidence):
    with pytest.raises(ValueError, match=f"{rows} rows, {draws} draws and confidence {confidence}"):
        resample_patients(np.arange(rows), draws=draws, confidence=confidence, seed=0)
