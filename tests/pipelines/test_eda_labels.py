import json

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from matplotlib.figure import Figure

from hbac.eeg.votes import CLASS_NAMES, VOTE_COLUMNS
from hbac.eeg.windows import select_windows
from hbac.evaluation.agreement import joint_classes
from hbac.pipelines.eda import create_pipeline
from hbac.pipelines.eda.label_nodes import (
    count_labels,
    tabulate_classes,
    tabulate_cooccurrence,
    tabulate_overlap,
    tabulate_patients,
)
from hbac.pipelines.eda.label_statistics import busiest_share, gini, tabulate_label_statistics
from hbac.pipelines.eda.params import EdaParams
from hbac.pipelines.eda.statistics import COLUMNS, collect_statistics, nest, tidy
from hbac.pipelines.eda.vote_nodes import describe_labels, tabulate_agreement, tabulate_confusion

NONE = pd.DataFrame(columns=["eeg_id", "spectrogram_id", "patient_id"], dtype=int)
PARAMS = EdaParams(seed=0, sample_size=1, windows_per_class=1)
FIGURES = ("class_distribution", "patients", "label_offsets", "vote_agreement", "confusion",
           "cooccurrence")  # fmt: skip


def _label(eeg, offset, spectrogram, start, patient, consensus, votes):
    row = {
        "eeg_id": eeg,
        "eeg_label_offset_seconds": offset,
        "spectrogram_id": spectrogram,
        "spectrogram_label_offset_seconds": start,
        "patient_id": patient,
        "expert_consensus": consensus,
    }
    return row | dict(zip(VOTE_COLUMNS, votes, strict=True))


@pytest.fixture
def raw():
    """EEG 1 has three labels, two of them alike; EEG 3 has no spectrogram."""
    rows = [
        _label(1, 0.0, 7, 0.0, 11, "LPD", [0, 3, 0, 0, 0, 0]),
        _label(1, 4.0, 7, 4.0, 11, "LPD", [0, 3, 0, 0, 0, 0]),
        _label(1, 100.0, 7, 100.0, 11, "GPD", [0, 1, 2, 0, 0, 0]),
        _label(2, 0.0, 7, 200.0, 11, "GPD", [0, 0, 1, 0, 0, 0]),
        _label(3, 0.0, -1, 0.0, 12, "Seizure", [5, 0, 0, 0, 0, 5]),
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def labels(raw):
    return describe_labels(raw)


def _with_votes(votes):
    """A label an EEG and patient, of which only the votes matter."""
    rows = [
        _label(i, 0.0, i, 0.0, i, CLASS_NAMES[np.argmax(row)], row) for i, row in enumerate(votes)
    ]
    return describe_labels(pd.DataFrame(rows))


def _cell(table, column, **where):
    for name, value in where.items():
        table = table[table[name] == value]
    return table[column].item()


def test_counts_in_closed_form(raw):
    counts = count_labels(raw, NONE, {"1": None, "2": None}, {"7": None, "8": None})
    assert dict(zip(counts["quantity"], counts["value"], strict=True)) == {
        "patients": 2,
        "eegs": 3,
        "spectrograms": 1,
        "labels": 5,
        "labels_without_spectrogram": 1,
        "votes": 14,
        "fewest_votes": 1,
        "most_votes": 10,
        "eeg_seconds": 250,
        "eeg_files": 2,
        "eegs_without_file": 1,
        "spectrogram_files": 2,
        "spectrograms_without_file": 0,
    }


def test_labelled_files_that_are_not_there_are_named(raw, caplog):
    count_labels(raw, NONE, {"1": None, "2": None}, {"7": None})
    (line,) = caplog.messages
    assert line.startswith("1 of 3 eeg_ids in the label table have no file, such as 3; put")


def test_windows_without_votes_are_counted_and_their_absent_files_named(raw, caplog):
    unlabelled = pd.DataFrame(
        {"eeg_id": [1, 40, 40], "spectrogram_id": [7, -1, 9], "patient_id": [11, 13, 13]}
    )
    files = {"1": None, "2": None, "3": None}, {"7": None}
    counts = count_labels(raw, unlabelled, *files)
    without = count_labels(raw, NONE, *files)
    pd.testing.assert_frame_equal(counts[: len(without)], without)
    added = counts[len(without) :]
    assert dict(zip(added["quantity"], added["value"], strict=True)) == {
        "unlabelled_windows": 3,
        "unlabelled_patients": 2,
        "unlabelled_eegs": 2,
        "unlabelled_eegs_without_file": 1,
        "unlabelled_spectrograms_without_file": 1,
    }
    of_eegs, of_spectrograms = caplog.messages
    assert of_eegs.startswith("1 of 2 eeg_ids in unlabelled.csv have no file, such as 40; put")
    assert of_spectrograms.startswith("1 of 2 spectrogram_ids in unlabelled.csv have no file, such")


def test_labels_are_described_in_closed_form(raw, labels):
    before = raw.copy()
    third = -(2 / 3 * np.log2(2 / 3) + 1 / 3 * np.log2(1 / 3))
    assert labels["n_votes"].tolist() == [3, 3, 3, 1, 10]
    assert labels["entropy"].tolist() == pytest.approx([0, 0, third, 0, 1])
    assert labels["level"].tolist() == [
        "all agree", "all agree", "majority", "one vote", "no majority"
    ]  # fmt: skip
    assert labels["tied"].tolist() == [False, False, False, False, True]
    assert labels["consensus_leads"].all()
    pd.testing.assert_frame_equal(raw, before)


def test_windows_are_those_of_distinct_votes(raw, labels):
    assert labels["window"].tolist() == [0, 0, 1, 2, 3]
    assert labels["window"].nunique() == len(select_windows(raw, policy="distinct_votes"))


def test_consensus_that_others_outvote_is_found(raw):
    raw.loc[2, "expert_consensus"] = "LPD"
    assert describe_labels(raw)["consensus_leads"].tolist() == [True, True, False, True, True]


def test_label_without_votes_is_refused(raw):
    raw.loc[2, list(VOTE_COLUMNS)] = 0
    with pytest.raises(ValueError, match="row"):
        describe_labels(raw)


def test_patients_in_closed_form(labels):
    table = tabulate_patients(labels.sample(frac=1, random_state=0)).set_index("patient_id")
    assert table.index.tolist() == [11, 12]
    columns = ["n_labels", "n_windows", "n_eegs", "n_spectrograms", "n_votes", "eeg_seconds"]
    assert table[columns].to_numpy().tolist() == [[4, 3, 2, 1, 4, 154], [1, 1, 1, 0, 10, 50]]
    assert table["n_classes"].tolist() == [2, 1]
    assert table[
        ["seizure_labels", "lpd_labels", "gpd_labels", "other_labels"]
    ].to_numpy().tolist() == [
        [0, 2, 2, 0],
        [1, 0, 0, 0],
    ]
    assert table["cumulative_label_share"].tolist() == pytest.approx([0.8, 1])


def test_classes_in_closed_form(labels):
    table = tabulate_classes(labels)
    assert table["tier"].unique().tolist() == ["all", "under 3", "3-9", "10 and more"]
    every = table[table["tier"] == "all"].set_index("class")
    assert every.index.tolist() == list(CLASS_NAMES)
    assert every["n_labels"].tolist() == [1, 2, 2, 0, 0, 0]
    assert every["n_windows"].tolist() == [1, 1, 2, 0, 0, 0]
    assert every["n_eegs"].tolist() == [1, 1, 1, 0, 0, 0]
    assert every["n_patients"].tolist() == [1, 1, 1, 0, 0, 0]
    assert every["patient_share"].tolist() == [0.5, 0.5, 0.5, 0, 0, 0]
    shares = [0.5 / 5, (2 + 1 / 3) / 5, (2 / 3 + 1) / 5, 0, 0, 0.5 / 5]
    assert every["mean_vote_share"].tolist() == pytest.approx(shares)
    assert _cell(table, "label_share", tier="3-9", **{"class": "LPD"}) == pytest.approx(2 / 3)
    assert _cell(table, "n_labels", tier="under 3", **{"class": "GPD"}) == 1


def test_tier_without_labels_has_no_shares(labels):
    table = tabulate_classes(labels[labels["n_votes"] < 10])
    empty = table[table["tier"] == "10 and more"]
    assert empty["n_labels"].sum() == empty["n_patients"].sum() == 0
    assert empty.filter(like="share").isna().all(axis=None)


def test_agreement_in_closed_form(labels):
    table = tabulate_agreement(labels, PARAMS)
    every = table[table["tier"] == "all"].set_index("class")
    assert every.index.tolist() == ["all", *CLASS_NAMES]
    agreement = np.mean([1, 1, 1 / 3, 4 / 9])
    marginals = np.array([0.5, 2 + 1 / 3, 2 / 3, 0.5]) / 4
    chance = (marginals**2).sum()
    assert every.loc["all", "agreement"] == pytest.approx(agreement)
    assert every.loc["all", "kappa"] == pytest.approx((agreement - chance) / (1 - chance))
    assert every.loc["Seizure", "agreement"] == pytest.approx(4 / 9)
    assert every["n_pair_labels"].tolist() == [4, 1, 3, 1, 0, 0, 1]
    assert every["n_labels"].tolist() == [5, 1, 2, 2, 0, 0, 0]
    assert every.loc["all", "tied_share"] == pytest.approx(0.2)
    assert every.loc["GPD", ["one_vote_share", "majority_share"]].tolist() == [0.5, 0.5]
    assert every.loc["all", "mean_votes"] == pytest.approx(4)
    assert np.isnan(every.loc["LRDA", "agreement"])
    assert np.isnan(every.loc["Seizure", "kappa_low"])


@pytest.mark.parametrize(
    ("votes", "kappa"),
    [
        ([[2, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0], [0, 2, 0, 0, 0, 0]], 0),
        ([[3, 0, 0, 0, 0, 0], [0, 9, 0, 0, 0, 0]], 1),
        ([[1, 1, 0, 0, 0, 0]], -1),
    ],
    ids=["by chance", "full", "never"],
)
def test_kappa_of_known_votes(votes, kappa):
    table = tabulate_agreement(_with_votes(votes), PARAMS)
    assert table["kappa"].iloc[0] == pytest.approx(kappa)


def test_interval_holds_the_score_and_is_redrawn_from_the_seed():
    votes = np.random.default_rng(0).multinomial(5, [0.5, 0.3, 0.1, 0.05, 0.03, 0.02], 60)
    first = tabulate_agreement(_with_votes(votes), PARAMS)
    row = first.iloc[0]
    assert row["agreement_low"] < row["agreement"] < row["agreement_high"]
    pd.testing.assert_frame_equal(first, tabulate_agreement(_with_votes(votes), PARAMS))


def test_confusion_in_closed_form(labels):
    table = tabulate_confusion(labels)
    assert len(table) == 36
    lpd = table[table["class"] == "LPD"].set_index("other")
    assert lpd["share"].tolist() == pytest.approx([0, 6 / 7, 1 / 7, 0, 0, 0])
    assert lpd["n_pairs"].tolist() == [0, 6, 2, 0, 0, 0]
    assert lpd["n_labels"].tolist() == [0, 2, 1, 0, 0, 0]
    assert lpd["share_by_chance"]["GPD"] == pytest.approx(1 / 6)
    assert lpd["lift"]["GPD"] == pytest.approx(1 / ((1 / 6) / (1 - 7 / 12)))
    assert np.isnan(lpd["lift"]["LPD"])
    assert _cell(table, "n_pairs", **{"class": "Seizure", "other": "Other"}) == 25
    assert table.loc[table["class"] == "GRDA", "share"].isna().all()


def test_confusion_and_agreement_follow_the_evaluations_pairs():
    votes = np.random.default_rng(1).multinomial(7, np.full(6, 1 / 6), 50)
    labels = _with_votes(votes)
    joint = joint_classes(votes, votes)["expert-expert"].mean(axis=0)
    shares = tabulate_confusion(labels)["share"].to_numpy().reshape(6, 6)
    assert shares == pytest.approx(joint / joint.sum(axis=1, keepdims=True))
    agreement = tabulate_agreement(labels, PARAMS)["agreement"]
    assert agreement[1:7].to_numpy() == pytest.approx(np.diag(shares))


def test_cooccurrence_in_closed_form(labels):
    table = tabulate_cooccurrence(labels)
    assert len(table) == 6 * 6
    both = {"class": "LPD", "other": "GPD"}
    assert [_cell(table, name, **both) for name in ("n_patients", "n_of", "share", "lift")] == [
        1, 1, 1, 2
    ]  # fmt: skip
    alone = table[table["other"] == "alone"].set_index("class")
    assert alone["n_patients"].tolist() == [1, 0, 0, 0, 0, 0]
    assert np.isnan(alone["share"]["GRDA"])


def test_overlap_in_closed_form(labels):
    table = tabulate_overlap(labels.sample(frac=1, random_state=1)).set_index("window")
    assert table["n_labels"].tolist() == [5, 5, 4]
    assert table["n_files"].tolist() == [3, 3, 1]
    assert table["summed_seconds"].tolist() == [50, 250, 2400]
    assert table["covered_seconds"].tolist() == [44, 204, 800]
    assert table["n_neighbours"].tolist() == [2, 2, 3]
    assert table["overlapping_share"].tolist() == [0.5, 0.5, 1]
    assert table["median_step_seconds"].tolist() == [50, 50, 96]
    assert table["independent_windows"].tolist() == pytest.approx([4.4, 4.08, 4 / 3])


def test_gini_in_closed_form():
    assert gini([2, 2, 2]) == pytest.approx(0)
    assert gini([0, 3, 0]) == pytest.approx(2 / 3)
    assert np.isnan(gini([0, 0]))


def test_share_of_the_busiest_rounds_patients_up():
    patients = pd.DataFrame({"n_labels": [1] * 9 + [91]})
    assert busiest_share(patients) == pytest.approx(0.91)
    assert busiest_share(patients, 0.11) == pytest.approx(0.92)


def test_tidy_rows_and_their_record():
    one = tidy("labels", 5, unit="count", n=1, n_of="data sets", meaning="rows")
    some = tidy("share", {"LPD": 0.5, "GPD": np.nan}, unit="1", n={"GPD": 0, "LPD": 4},
                n_of="labels", by="class", meaning="of labels")  # fmt: skip
    assert one[["by", "group", "value", "n"]].to_numpy().tolist() == [["all", "all", 5, 1]]
    assert some["n"].tolist() == [4, 0]
    table, record = collect_statistics(one, some)
    assert table.columns.tolist() == list(COLUMNS)
    assert len(table) == 3
    assert record["labels"]["values"] == {"all": {"all": {"value": 5.0, "n": 1}}}
    assert record["share"]["values"]["class"]["GPD"] == {"value": None, "n": 0}
    assert record["share"]["unit"] == "1"


def test_statistic_that_stands_twice_is_refused():
    one = tidy("labels", 5, unit="count", n=1, n_of="data sets", meaning="rows")
    with pytest.raises(ValueError, match="labels"):
        collect_statistics(one, one)


def test_statistics_hold_what_the_tables_say(raw, labels):
    table = tabulate_label_statistics(
        labels,
        count_labels(raw, NONE, {}, {}),
        tabulate_patients(labels),
        tabulate_classes(labels),
        tabulate_agreement(labels, PARAMS),
        tabulate_overlap(labels),
    )
    values = {name: entry["values"] for name, entry in nest(table).items()}
    assert values["labels"]["all"]["all"]["value"] == 5
    assert values["labels_of_busiest_patients"]["all"]["all"] == {"value": 0.8, "n": 2}
    assert values["labels_of_a_patient"]["point"]["median"]["value"] == 2.5
    assert values["label_share"]["class"]["LPD"] == {"value": 0.4, "n": 5}
    assert values["label_share"]["class, 3-9 votes"]["LPD"]["n"] == 3
    assert values["covered_seconds"]["window"]["EEG window"]["value"] == 204
    assert values["agreement"]["class"]["Seizure"] == {"value": pytest.approx(4 / 9), "n": 1}
    assert values["patient_share"]["class"]["GRDA"] == {"value": 0, "n": 2}
    assert not table.duplicated(["statistic", "by", "group"]).any()
    assert table["meaning"].str.len().gt(0).all()


def _run(labels):
    everything = create_pipeline()
    signals = everything.from_nodes("eda.measure_eegs", "eda.choose_examples")
    nodes = everything - signals + everything.only_nodes("eda.collect_statistics")
    inputs = {
        "train_labels": labels,
        "unlabelled_labels": NONE,
        "train_eegs": {},
        "train_spectrograms": {},
        "eda_signal_statistics_table": pd.DataFrame(columns=list(COLUMNS)),
        "params:eda": PARAMS,
    }
    catalog = DataCatalog({name: MemoryDataset(data) for name, data in inputs.items()})
    outputs = SequentialRunner().run(nodes, catalog)
    return {name: output.load() for name, output in outputs.items()}


@pytest.mark.parametrize("rows", [slice(None), slice(4, 5)], ids=["all", "one without spectrogram"])
def test_nodes_make_every_figure_and_a_plain_record(raw, rows):
    before = raw.copy()
    outputs = _run(raw[rows])
    figures = {name for name, output in outputs.items() if isinstance(output, Figure)}
    assert figures == {f"eda_{name}_figure" for name in FIGURES}
    json.dumps(outputs["eda_statistics"], allow_nan=False)
    assert len(outputs["eda_statistics_table"]) > 100
    pd.testing.assert_frame_equal(raw, before)
