import numpy as np

from hbac.evaluation import error_correlations

VOTES = np.array([[0.5, 0.5], [0.5, 0.5]])


def shares(first, second):
    return VOTES + np.array([[first, -first], [second, -second]])


def test_errors_alike_opposed_and_unrelated():
    predictions = {
        "a": shares(0.2, 0.2),
        "twice": shares(0.4, 0.4),
        "opposed": shares(-0.1, -0.1),
        "unrelated": shares(0.2, -0.2),
    }
    table = error_correlations(VOTES, predictions)
    np.testing.assert_allclose(table.loc["a"], [1, 1, -1, 0], atol=1e-12)
    assert list(table.index) == list(table) == list(predictions)
    np.testing.assert_allclose(table, table.T)


def test_who_makes_no_errors_correlates_with_nobody():
    table = error_correlations(VOTES, {"right": VOTES, "a": shares(0.2, 0.1)})
    assert table["right"].isna().all()
    np.testing.assert_allclose(table.loc["a", "a"], 1)
