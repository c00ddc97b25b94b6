import numpy as np

from hbac.evaluation import confusion_matrix, expected_confusion


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
