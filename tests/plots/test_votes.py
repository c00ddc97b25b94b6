import io

import numpy as np
import pandas as pd
import pytest

from hbac.eeg.votes import CLASS_NAMES
from hbac.plots.shares import ink_on, short_number
from hbac.plots.votes import expert_confusion, vote_agreement


@pytest.fixture
def labels():
    """Two labels of LPD, one of GPD; no other class."""
    return pd.DataFrame(
        {"expert_consensus": ["LPD", "LPD", "GPD"], "n_votes": [3, 3, 10], "entropy": [0, 0, 1.0]}
    )


@pytest.fixture
def agreement():
    """All agree on LPD; GPD has no majority; two tiers that say the same."""
    table = pd.DataFrame({"class": ["all", *CLASS_NAMES]}).assign(
        n_labels=[3, 0, 2, 1, 0, 0, 0],
        n_pair_labels=[3, 0, 3, 1, 0, 0, 0],
        one_vote_share=0.0,
        all_agree_share=[2 / 3, np.nan, 1, 0, np.nan, np.nan, np.nan],
        majority_share=0.0,
        no_majority_share=[1 / 3, np.nan, 0, 1, np.nan, np.nan, np.nan],
        agreement=[0.8, np.nan, 0.9, 0.4, np.nan, np.nan, np.nan],
    )
    table["kappa"] = table["agreement"] - 0.5
    for score in ("agreement", "kappa"):
        table[f"{score}_low"], table[f"{score}_high"] = table[score] - 0.1, table[score] + 0.1
    return pd.concat([table.assign(tier="all"), table.assign(tier="3-9")], ignore_index=True)


@pytest.fixture
def confusion():
    """Of pairs with LPD 60 agree and 40 say GPD; GPD with itself never."""
    return pd.DataFrame(
        {
            "class": ["LPD", "LPD", "GPD", "GPD"],
            "other": ["LPD", "GPD", "LPD", "GPD"],
            "share": [0.6, 0.4, 1.0, 0.0],
            "lift": [np.nan, 2.5, 1.0, np.nan],
            "n_pairs": [60, 12_345, 12_345, 0],
        }
    )


def _texts(axes):
    return [text.get_text() for text in axes.texts]


def test_every_label_is_counted_once(labels, agreement):
    votes = vote_agreement(labels, agreement).axes[0]
    assert votes.get_title(loc="left") == "Votes on a label, median 3"
    assert sum(bar.get_height() for bar in votes.patches) == 3


def test_groups_say_their_sample_sizes(labels, agreement):
    figure = vote_agreement(labels, agreement)
    _, levels, entropy, pairs, kappa = figure.axes
    assert figure.get_suptitle() == "Votes on labels, n = 3"
    for axes, ticks in ((levels, ["All\nn = 3", "Seizure\nn = 0", "LPD\nn = 2"]),
                        (pairs, ["All\nn = 3", "Seizure\nn = 0", "LPD\nn = 3"])):  # fmt: skip
        assert [label.get_text() for label in axes.get_yticklabels()][:3] == ticks
    assert sum(bar.get_width() for bar in levels.patches) == pytest.approx(3)
    assert entropy.get_ylim() == levels.get_ylim() == pairs.get_ylim() == (6.5, -0.5)
    assert [text.get_text() for text in kappa.get_legend().texts] == ["all labels", "3-9 votes"]
    assert "agreement 0.80 and kappa 0.30" in figure.get_supxlabel().replace("\n", " ")


def test_intervals_and_scores_are_drawn(labels, agreement):
    pairs = vote_agreement(labels, agreement).axes[3]
    intervals = pairs.collections[0].get_segments()
    assert intervals[0][:, 0] == pytest.approx([0.7, 0.9])
    assert pairs.lines[0].get_xdata()[[0, 2]] == pytest.approx([0.8, 0.9])


def test_agreement_that_is_not_defined_is_said_so(labels, agreement):
    figure = vote_agreement(labels, agreement.assign(kappa=np.nan))
    assert "kappa not defined" in figure.get_supxlabel().replace("\n", " ")
    figure.savefig(io.BytesIO())


def test_confusion_writes_shares_and_pairs(confusion):
    figure = expert_confusion(confusion)
    left, right = figure.axes[:2]
    assert figure.get_suptitle() == "Two experts of one label, n = 12,405 pairs"
    assert _texts(left) == ["60%\n60", "40%\n12k", "100%\n12k", "0%\n0"]
    assert _texts(right) == ["2.50x\n12k", "1.00x\n12k"]
    ticks = [label.get_text() for label in left.get_yticklabels()]
    assert ticks[:3] == ["Seizure\nn = 0", "LPD\nn = 12k", "GPD\nn = 12k"]
    assert np.isclose(right.images[0].get_array()[1, 2], np.log2(2.5))


def test_lost_column_is_named(labels, agreement, confusion):
    with pytest.raises(ValueError, match="lift"):
        expert_confusion(confusion.drop(columns="lift"))
    with pytest.raises(ValueError, match="entropy"):
        vote_agreement(labels.drop(columns="entropy"), agreement)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (9_999, "9,999"), (9_999.6, "10k"), (13_499, "13k"), (1_240_000, "1.2M")],
)
def test_counts_are_written_short(number, text):
    assert short_number(number) == text


def test_ink_reads_on_light_and_white_on_dark():
    assert ink_on("#000000") == ink_on((0.1, 0.1, 0.4)) == "white"
    assert ink_on("#ffffff") != "white"
