import io

import numpy as np
import pandas as pd
import pytest

from hbac.eeg.votes import CLASS_NAMES
from hbac.plots.labels import (
    class_cooccurrence,
    class_distribution,
    label_offsets,
    labels_by_patient,
)


@pytest.fixture
def classes():
    """Ten labels of which the class LPD has none; the second tier is empty."""
    counts = np.array([4, 0, 2, 1, 1, 2])
    table = pd.DataFrame({"class": CLASS_NAMES})
    for unit, total in (("label", 10), ("window", 10), ("eeg", 10), ("patient", 5)):
        table[f"n_{unit}s"] = counts
        table[f"{unit}_share"] = counts / total
    empty = table.assign(tier="under 3", n_labels=0, label_share=np.nan)
    return pd.concat([table.assign(tier="all"), empty], ignore_index=True)


@pytest.fixture
def patients():
    """Ten patients: the first has 91 labels, the others one each."""
    labels = pd.DataFrame(0, range(10), [f"{name.lower()}_labels" for name in CLASS_NAMES])
    labels["lpd_labels"] = [90] + 4 * [1] + 5 * [0]
    labels["seizure_labels"] = [1] + 4 * [0] + 5 * [1]
    return labels.assign(n_labels=[91] + 9 * [1], n_windows=1, n_eegs=1, n_classes=[2] + 9 * [1])


@pytest.fixture
def labels():
    return pd.DataFrame(
        {
            "eeg_id": [1, 1, 1, 2, 2, 3],
            "spectrogram_id": [7, 7, 7, 7, 7, -1],
            "eeg_label_offset_seconds": [0.0, 2.0, 4.0, 100.0, 0.0, 0.0],
            "spectrogram_label_offset_seconds": [0.0, 2.0, 4.0, 0.0, 200.0, 0.0],
        }
    )


@pytest.fixture
def overlap():
    return pd.DataFrame(
        {
            "window": ["label", "spectrogram window"],
            "seconds": [10, 600],
            "n_labels": [6, 0],
            "summed_seconds": [60.0, 0.0],
            "covered_seconds": [44.0, 0.0],
            "independent_windows": [4.4, 0.0],
        }
    )


@pytest.fixture
def cooccurrence():
    """Two patients with Seizure and LPD, one with Seizure alone."""
    return pd.DataFrame(
        {
            "class": ["Seizure", "Seizure", "LPD", "LPD"],
            "other": ["LPD", "alone", "Seizure", "alone"],
            "n_patients": [2, 1, 2, 0],
            "n_of": [3, 3, 2, 2],
            "share": [2 / 3, 1 / 3, 1.0, 0.0],
        }
    )


def _title(axes):
    return axes.get_title(loc="left")


def _texts(axes):
    return [text.get_text() for text in axes.texts]


def test_class_distribution_says_its_sample_sizes(classes):
    *panels, tiers = class_distribution(classes).axes
    assert [_title(axes) for axes in panels] == [
        "Labels, n = 10", "Windows, n = 10", "EEGs, n = 10", "Patients, n = 5"
    ]  # fmt: skip
    assert [bar.get_width() for bar in panels[0].patches] == [4, 0, 2, 1, 1, 2]
    assert _texts(panels[0])[:2] == ["4 (40%)", "0"]
    assert _texts(panels[3])[0] == "4 (80%)"
    ticks = [label.get_text() for label in tiers.get_yticklabels()]
    assert ticks == ["all labels\nn = 10", "under 3 votes\nn = 0"]
    assert sum(bar.get_width() for bar in tiers.patches) == pytest.approx(1)


def test_patients_who_hold_most_are_counted(patients):
    figure = labels_by_patient(patients)
    spread, concentration, mix = figure.axes
    assert figure.get_suptitle() == "Labels, windows and EEGs by patient, n = 10"
    texts = [text.get_text() for text in concentration.get_legend().texts]
    assert texts[:2] == ["Labels: 91%, n = 100", "Windows: 10%, n = 10"]
    assert spread.get_legend().texts[0].get_text() == "Labels 1; 91"
    assert spread.get_xscale() == "log"
    assert _texts(mix) == ["n = 5", "n = 5"]
    assert mix.get_xlim() == (0, 10)


def test_offsets_are_counted_on_a_log_scale(labels, overlap):
    figure = label_offsets(labels, overlap)
    eeg, spectrogram, steps, cover = figure.axes
    assert figure.get_suptitle() == "Label offsets and overlap, n = 6"
    for axes, last, n in ((eeg, 100, 6), (spectrogram, 200, 5)):
        assert axes.get_yscale() == "log"
        assert axes.get_xlim() == (0, last)
        assert axes.get_xlabel().endswith("(s)")
        assert sum(bar.get_height() for bar in axes.patches) == n
    assert _title(steps) == "Steps between labels of one EEG, n = 3"
    heights = [bar.get_height() for bar in steps.patches]
    assert (heights[1], heights[-1], sum(heights)) == (2, 1, 3)
    assert _texts(cover)[:2] == ["60 s = 6 x 10 s", "44 s = 4 x 10 s"]


def test_what_is_absent_is_said_so(labels, overlap):
    alone = labels[labels["eeg_id"] == 3]
    _, spectrogram, steps, _ = label_offsets(alone, overlap).axes
    assert _texts(spectrogram) == ["no label has one"]
    assert _texts(steps) == ["no EEG has two labels"]


def test_cooccurrence_writes_shares_and_patients(cooccurrence, patients):
    figure = class_cooccurrence(cooccurrence, patients)
    matrix, numbers = figure.axes[:2]
    assert figure.get_suptitle() == "Classes of one patient, n = 10"
    assert sorted(_texts(matrix)) == ["0%\n0", "100%\n2", "33%\n1", "67%\n2"]
    assert matrix.get_yticklabels()[0].get_text() == "Seizure\nn = 3"
    assert matrix.get_xticklabels()[-1].get_text() == "alone"
    assert [bar.get_height() for bar in numbers.patches] == [9, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("lost", ["n_labels", "class"])
def test_lost_column_is_named(classes, lost):
    with pytest.raises(ValueError, match=lost):
        class_distribution(classes.drop(columns=lost))


def test_one_patient_and_label_are_enough(patients, labels, overlap):
    labels_by_patient(patients[:1]).savefig(io.BytesIO())
    label_offsets(labels[:1], overlap).savefig(io.BytesIO())
