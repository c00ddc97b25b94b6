import numpy as np

from hbac.evaluation import accuracy, confusion_matrix, expected_confusion, resample_patients


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


def test_expected_confusion_keeps_both_doubts():
    votes = np.array([[0.75, 0.25, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1]])
    predictions = np.array([[0.5, 0.5, 0, 0, 0, 0], [0, 0, 0, 0, 0.25, 0.75]])
    matrix = expected_confusion(votes, predictions)
    assert matrix[:2, :2].tolist() == [[0.375, 0.375], [0.125, 0.125]]
    assert matrix[5].tolist() == [0, 0, 0, 0, 0.25, 0.75]
    assert matrix.sum() == 2


def test_accuracy_counts_ties_in_parts_and_has_an_interval_over_patients():
    votes = np.array([[1, 0, 0, 0, 0, 0], [0.5, 0.5, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1]])
    predictions = np.eye(6)[[0, 1, 4]]
    bootstrap = resample_patients(np.arange(3), draws=400, seed=0)
    value, low, high = accuracy(votes, predictions, bootstrap)
    assert value[0] == 0.5
    assert low[0] < 0.2
    assert high[0] > 0.8
