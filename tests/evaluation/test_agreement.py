import numpy as np
import pytest

from hbac.evaluation import class_auroc, class_prior, confusion_matrix


def test_confusion_counts_rows_by_consensus():
    votes = np.eye(6)[[0, 0, 5]]
    predictions = np.eye(6)[[0, 1, 5]]
    matrix = confusion_matrix(votes, predictions)
    assert matrix[0, 0] == matrix[0, 1] == matrix[5, 5] == 1
    assert matrix.sum() == 3


def test_a_tie_counts_in_parts():
    votes = np.array([[0.5, 0.5, 0, 0, 0, 0]])
    matrix = confusion_matrix(votes, np.eye(6)[[1]])
    assert matrix[0, 1] == matrix[1, 1] == 0.5


def test_auroc_of_order_and_its_reverse():
    votes = np.eye(6)[[0, 0, 1, 1]]
    rising = np.array([0.9, 0.6, 0.4, 0.1])
    predictions = np.zeros((4, 6))
    predictions[:, 0], predictions[:, 1] = rising, rising
    table = class_auroc(votes, predictions).set_index("class")
    assert table.loc["seizure", "auroc"] == 1
    assert table.loc["lpd", "auroc"] == 0
    assert np.isnan(table.loc["gpd", "auroc"])
    assert table["n_positive"].tolist() == [2, 2, 0, 0, 0, 0]


def test_the_prior_of_a_fold_comes_from_the_others():
    votes = np.eye(6)[[0, 0, 1, 5]]
    prior = class_prior(votes, np.array([0, 0, 1, 1]))
    assert prior[0].tolist() == [0, 0.5, 0, 0, 0, 0.5]
    assert prior[2].tolist() == [1, 0, 0, 0, 0, 0]


def test_the_prior_of_a_single_fold_is_its_own_mean():
    votes = np.eye(6)[[0, 1, 1, 1]]
    assert class_prior(votes, np.full(4, -1))[0, 1] == pytest.approx(0.75)
