import io

import numpy as np
import pandas as pd
import pytest

from hbac.eeg.votes import CLASS_NAMES, VOTE_COLUMNS
from hbac.plots.labels import (
    class_distribution,
    count_classes,
    label_offsets,
    measure_agreement,
    vote_agreement,
)


@pytest.fixture
def labels():
    """EEG 1 is twice LPD and once seizure, EEG 2 GPD and GRDA once each, EEG 3 other."""
    votes = np.zeros((6, 6), int)
    votes[[0, 1, 2], [1, 1, 0]] = 3
    votes[3], votes[4], votes[5] = [0, 0, 4, 0, 2, 0], [0, 0, 2, 0, 2, 0], [1, 1, 1, 1, 1, 1]
    table = pd.DataFrame(votes, columns=list(VOTE_COLUMNS))
    return table.assign(
        eeg_id=[1, 1, 1, 2, 2, 3],
        expert_consensus=["LPD", "LPD", "Seizure", "GPD", "GRDA", "Other"],
        eeg_label_offset_seconds=[0.0, 2.0, 4.0, 0.0, 100.0, 0.0],
        spectrogram_label_offset_seconds=[0.0, 2.0, 4.0, 0.0, 200.0, 0.0],
    )


def test_classes_are_counted_by_label_and_by_eeg(labels):
    counts = count_classes(labels)
    assert counts.index.tolist() == list(CLASS_NAMES)
    assert counts["labels"].tolist() == [1, 2, 1, 0, 1, 1]
    assert counts["eegs"].tolist() == [0, 1, 1, 0, 0, 1]


def test_class_distribution_says_its_sample_sizes(labels):
    by_label, by_eeg = class_distribution(labels).axes
    assert by_label.get_title(loc="left") == "By label, n = 6"
    assert by_eeg.get_title(loc="left") == "By EEG, n = 3"
    assert [bar.get_width() for bar in by_label.patches] == [1, 2, 1, 0, 1, 1]
    assert by_label.texts[1].get_text() == "2  (33%)"


def test_offsets_are_counted_on_a_log_scale(labels):
    figure = label_offsets(labels)
    assert figure.get_suptitle() == "Label offsets, n = 6"
    for axes, last in zip(figure.axes, [100, 200], strict=True):
        assert axes.get_yscale() == "log"
        assert axes.get_xlim() == (0, last)
        assert axes.get_xlabel() == "offset (s)"
        assert sum(bar.get_height() for bar in axes.patches) == 6


def test_agreement_is_measured_in_closed_form(labels):
    table = measure_agreement(labels)
    assert table["votes"].tolist() == [3, 3, 3, 6, 4, 6]
    assert table["agreement"].tolist() == ["all agree"] * 3 + ["majority"] + ["no majority"] * 2
    third = -(2 / 3 * np.log2(2 / 3) + 1 / 3 * np.log2(1 / 3))
    assert table["entropy"].to_numpy() == pytest.approx([0, 0, 0, third, 1, np.log2(6)])


def test_vote_agreement_counts_every_label_once(labels):
    figure = vote_agreement(labels)
    votes, levels, entropy = figure.axes
    assert figure.get_suptitle() == "Votes on labels, n = 6"
    assert sum(bar.get_height() for bar in votes.patches) == 6
    ticks = [label.get_text() for label in levels.get_yticklabels()]
    assert ticks[:2] == ["Seizure\nn = 1", "LPD\nn = 2"]
    assert sum(bar.get_width() for bar in levels.patches) == pytest.approx(5)
    assert entropy.get_ylim() == levels.get_ylim() == (5.5, -0.5)


@pytest.mark.parametrize("draw", [class_distribution, label_offsets, vote_agreement])
def test_one_label_is_enough(labels, draw):
    draw(labels[3:4]).savefig(io.BytesIO())


def test_a_label_without_votes_is_refused(labels):
    labels.loc[2, list(VOTE_COLUMNS)] = 0
    with pytest.raises(ValueError, match="row"):
        vote_agreement(labels)
