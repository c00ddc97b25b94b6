import pandas as pd
import pytest

from hbac.plots.members import members

TABLE = pd.DataFrame(
    {
        "member": ["seed", "strong_eeg"],
        "weight": [0.3, 0.7],
        "kl": [0.45, 0.41],
        "kl_low": [0.40, 0.36],
        "kl_high": [0.50, 0.46],
        "gain": [-0.001, 0.06],
        "gain_low": [-0.01, 0.03],
        "gain_high": [0.01, 0.09],
    }
)
ENSEMBLE = pd.Series({"kl": 0.39, "low": 0.35, "high": 0.43})
NAMES = ["seed", "strong_eeg"]
CORRELATIONS = pd.DataFrame([[1.0, 0.4], [0.4, 1.0]], NAMES, NAMES)


def test_each_member_has_a_row_with_its_weight_score_gain_and_correlations():
    figure = members(
        TABLE, ENSEMBLE, CORRELATIONS, sample="n = 9 windows of 3 patients", confidence=0.95
    )
    alone, gains, alike = figure.axes
    assert [text.get_text() for text in alone.get_yticklabels()] == [
        "seed\nweight 0.30",
        "strong_eeg\nweight 0.70",
    ]
    assert [text.get_text() for text in alone.texts] == ["0.450", "0.410"]
    assert [text.get_text() for text in gains.texts] == ["-0.001", "0.060"]
    assert "joined, 0.390" in alone.get_title(loc="left")
    assert [text.get_text() for text in alike.texts] == ["1.00", "0.40", "0.40", "1.00"]
    assert [text.get_text() for text in alike.get_xticklabels()] == NAMES


def test_a_table_without_a_column_is_refused():
    with pytest.raises(ValueError, match=r"lacks columns .*gain_low"):
        members(TABLE.drop(columns="gain_low"), ENSEMBLE, CORRELATIONS, sample="", confidence=0.95)
