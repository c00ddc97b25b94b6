from itertools import permutations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from hbac.eeg.votes import CLASSES
from hbac.evaluation import COMPARISONS, expert_agreement, resample_patients
from hbac.evaluation.agreement import agreement_of, joint_classes


def score(counts, predicted, patients=None, draws=50):
    counts = np.asarray(counts, float)
    patients = np.arange(len(counts)) if patients is None else patients
    predictions = np.eye(6)[predicted]
    bootstrap = resample_patients(patients, draws=draws, seed=0)
    table = expert_agreement(counts, predictions, bootstrap)
    return table.set_index(["comparison", "class"])


def test_every_comparison_has_all_classes_and_each():
    table = score(np.full((3, 6), 2), [0, 1, 2])
    assert table.index.tolist() == [(c, k) for c in COMPARISONS for k in ("all", *CLASSES)]


def test_pairs_of_experts_are_all_ordered_pairs():
    counts = np.array([[3.0, 2, 0, 0, 0, 1]])
    experts = [0, 0, 0, 1, 1, 5]
    expected = np.zeros((6, 6))
    for first, second in permutations(range(6), 2):
        expected[experts[first], experts[second]] += 1 / 30
    joint = joint_classes(counts, np.eye(6)[[0]])["expert-expert"][0]
    np.testing.assert_allclose(joint, expected)


def test_the_majority_of_an_expert_is_that_of_the_others():
    counts = np.array([[2.0, 1, 0, 0, 0, 0]])
    joint = joint_classes(counts, np.eye(6)[[0]])["expert-majority"][0]
    # Each of the two who say seizure meets a tie of seizure and LPD, the third meets seizure.
    assert joint[0, 0] == joint[0, 1] == pytest.approx(1 / 3)
    assert joint[1, 0] == pytest.approx(1 / 3)


@pytest.mark.parametrize("comparison", COMPARISONS)
def test_joint_distributions_sum_to_one(comparison):
    random = np.random.default_rng(0)
    counts = random.multinomial(7, np.full(6, 1 / 6), 20).astype(float)
    joint = joint_classes(counts, random.dirichlet(np.ones(6), 20))[comparison]
    np.testing.assert_allclose(joint.sum(axis=(1, 2)), 1)


def test_kappa_of_two_raters_is_cohens():
    random = np.random.default_rng(0)
    first = random.integers(0, 6, 300)
    second = np.where(random.random(300) < 0.5, first, random.integers(0, 6, 300))
    joint = np.zeros((6, 6))
    np.add.at(joint, (first, second), 1 / 300)
    agreement, kappa = agreement_of(joint)
    assert agreement[0] == pytest.approx((first == second).mean())
    assert kappa[0] == pytest.approx(cohen_kappa_score(first, second))
    for at in range(6):
        assert agreement[1 + at] == pytest.approx((second[first == at] == at).mean())
        assert kappa[1 + at] == pytest.approx(cohen_kappa_score(first == at, second == at))


def test_kappa_of_experts_is_that_of_fleiss():
    counts = np.array([[4.0, 1, 0, 0, 0, 0], [0, 5, 0, 0, 0, 0], [2, 0, 0, 0, 0, 3]])
    pairs = ((counts**2).sum(axis=1) - 5) / 20
    chance = ((counts.sum(axis=0) / 15) ** 2).sum()
    table = score(counts, [0, 1, 5])
    assert table.loc[("expert-expert", "all"), "agreement"] == pytest.approx(pairs.mean())
    expected = (pairs.mean() - chance) / (1 - chance)
    assert table.loc[("expert-expert", "all"), "kappa"] == pytest.approx(expected)


def test_the_model_agrees_with_the_share_of_experts_who_say_the_same():
    table = score([[3, 1, 0, 0, 0, 0], [0, 0, 0, 0, 2, 2]], [0, 1])
    assert table.loc[("model-expert", "all"), "agreement"] == pytest.approx(0.375)
    assert table.loc[("model-majority", "all"), "agreement"] == pytest.approx(0.5)
    assert table.loc[("model-majority", "seizure"), "agreement"] == 1
    assert table.loc[("model-expert", "lpd"), "agreement"] == 0


def test_a_model_that_always_says_one_class_is_no_better_than_chance():
    table = score([[3, 1, 0, 0, 0, 0], [0, 0, 0, 0, 2, 2]], [0, 0])
    assert table.loc[("model-expert", "seizure"), "agreement"] == 1
    assert table.loc[("model-expert", "seizure"), "kappa"] == pytest.approx(0)
    assert table.loc[("model-expert", "all"), "kappa"] == pytest.approx(0)


def test_experts_who_always_agree_have_full_kappa():
    table = score(np.eye(6)[[0, 1, 2]] * 5, [0, 1, 2])
    for comparison in COMPARISONS:
        assert table.loc[(comparison, "all"), "kappa"] == pytest.approx(1)
    assert np.isnan(table.loc[("model-expert", "grda"), "agreement"])


def test_windows_with_one_vote_are_left_out():
    table = score([[1, 0, 0, 0, 0, 0], [2, 0, 0, 0, 0, 0], [0, 2, 0, 0, 0, 0]], [5, 0, 1])
    assert (table["n"] == 2).all()
    assert table.loc[("model-expert", "all"), "agreement"] == 1


def test_without_pairs_there_is_no_agreement():
    table = score(np.eye(6), range(6))
    assert (table["n"] == 0).all()
    assert table.drop(columns="n").isna().all(axis=None)


def test_a_class_of_one_patient_has_no_interval():
    table = score([[2, 1, 0, 0, 0, 0], [0, 0, 2, 1, 0, 0], [0, 0, 1, 2, 0, 0]], [0, 2, 3])
    rows = table.loc["expert-expert"]
    assert rows.loc["seizure"][["agreement_low", "kappa_low"]].isna().all()
    assert rows.loc["gpd"][["agreement_low", "kappa_low"]].notna().all()
