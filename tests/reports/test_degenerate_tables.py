"""Tables with one of something, or none: each ends in a result that says so or a clear error."""

import io
import json
import logging

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, DatasetError, MemoryDataset
from kedro.runner import SequentialRunner
from matplotlib.figure import Figure

from hbac.eeg.votes import CLASS_NAMES, CLASSES, PREDICTION_COLUMNS, VOTE_COLUMNS
from hbac.eeg.windows import select_windows
from hbac.pipelines import eda, evaluation
from hbac.pipelines.eda.params import EdaParams
from hbac.pipelines.evaluation.nodes import check_predictions
from hbac.pipelines.evaluation.params import EvaluationParams
from hbac.pipelines.inference.nodes import (
    predict_with_ensemble,
    write_submission,
)
from hbac.pipelines.inference.params import InferenceParams
from hbac.pipelines.modeling.input_nodes import locate_spectrograms
from hbac.pipelines.modeling.nodes import split_folds
from hbac.pipelines.modeling.params import ModelingParams
from tests.conftest import recipe
from tests.pipelines.ensembles import ENSEMBLE, NETWORKS

NO_FAILURES = pd.DataFrame(columns=["partition", "reason", "traceback"])


def labels_of(votes, patients):
    """Two overlapping labels an EEG, a row of ``votes`` each."""
    votes = np.repeat(np.asarray(votes), 2, axis=0)
    number = np.arange(len(votes))
    return pd.DataFrame(votes, columns=list(VOTE_COLUMNS)).assign(
        eeg_id=number // 2,
        patient_id=np.repeat(patients, 2),
        spectrogram_id=100 + number // 2,
        label_id=number,
        eeg_label_offset_seconds=2.0 * (number % 2),
        spectrogram_label_offset_seconds=2.0 * (number % 2),
        expert_consensus=np.take(CLASS_NAMES, votes.argmax(axis=1)),
    )


EACH_CLASS, FIRST_CLASS = np.eye(6, dtype=int), np.eye(6, dtype=int)[[0] * 6]
TABLES = {
    "one reader": labels_of(EACH_CLASS, range(6)),
    "one class": labels_of(4 * FIRST_CLASS, range(6)),
    "one reader and class": labels_of(FIRST_CLASS, range(6)),
    "one patient": labels_of(3 * EACH_CLASS + 1, [7] * 6),
    "a class without votes": labels_of(3 * EACH_CLASS[:5], range(5)),
    "one window in a tier": labels_of([20, *[2] * 5] * EACH_CLASS.T, range(6)),
    "one label": labels_of([[0, 1, 0, 0, 0, 0]], [7]).head(1),
    "one label of many experts": labels_of([[5, 9, 0, 0, 0, 0]], [7]).head(1),
}


class KeptDataset(MemoryDataset):
    """Keeps what lies between two nodes, which runners otherwise let go."""

    def _release(self):
        pass


def run(pipeline, **inputs):
    """Run a pipeline in memory and return all that it made; every figure can be saved."""
    names = pipeline.all_outputs()
    catalog = DataCatalog({name: KeptDataset() for name in names})
    for name, data in inputs.items():
        catalog[name.replace("params_", "params:")] = MemoryDataset(data)
    SequentialRunner().run(pipeline, catalog)
    made = {name: catalog.load(name) for name in names}
    for data in made.values():
        if isinstance(data, Figure):
            data.savefig(io.BytesIO(), dpi=40)
    return made


def words_of(figure):
    return " ".join(text.get_text() for text in figure.findobj(lambda x: hasattr(x, "get_text")))


def explore(labels, pipeline):
    inputs = {
        "train_labels": labels,
        "unlabelled_labels": labels[:0],
        "train_eegs": dict.fromkeys(labels["eeg_id"].astype(str), unreadable),
        "train_spectrograms": {},
        "params_eda": EdaParams(seed=0, sample_size=9, windows_per_class=9),
    }
    needed = {name.replace("params:", "params_") for name in pipeline.inputs()}
    return run(pipeline, **{name: inputs[name] for name in needed})


def unreadable():
    raise DatasetError("not a readable parquet file")


@pytest.mark.parametrize("name", TABLES)
def test_eda_describes_it(name):
    labels = TABLES[name]
    tables = ("eda_label_statistics_table", "eda_confusion_table", "eda_cooccurrence_table")
    made = explore(labels, eda.create_pipeline().to_outputs(*tables))
    assert len(made["eda_label_statistics_table"]) > 100
    counts = made["eda_counts_table"].set_index("quantity")["value"]
    assert counts["labels"] == len(labels)
    assert counts["votes"] == labels.groupby("eeg_id")[list(VOTE_COLUMNS)].max().to_numpy().sum()


def test_eda_without_a_second_vote_says_that_nothing_can_be_compared():
    drawn = ("eda_confusion_figure", "eda_vote_agreement_figure")
    made = explore(TABLES["one reader"], eda.create_pipeline().to_outputs(*drawn))
    table = made["eda_confusion_table"]
    assert table["n_pairs"].sum() == table["n_labels"].sum() == 0
    assert table[["share", "share_by_chance", "lift"]].isna().all(axis=None)
    assert "No label has two votes" in words_of(made["eda_confusion_figure"])
    agreement = made["eda_agreement_table"]
    assert (agreement["n_pair_labels"] == 0).all()
    assert agreement["kappa"].isna().all()
    assert agreement.loc[0, "one_vote_share"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_every_figure_of_eda_and_the_record_are_made(name):
    made = explore(TABLES[name], eda.create_pipeline())
    json.dumps(made["eda_statistics"], allow_nan=False)


@pytest.mark.parametrize("name", TABLES)
def test_evaluation_scores_it(name):
    windows = select_windows(TABLES[name], policy="distinct_votes")
    guesses = np.random.default_rng(0).dirichlet(np.ones(6), len(windows))
    predictions = windows.assign(fold=-1, **dict(zip(PREDICTION_COLUMNS, guesses.T, strict=True)))
    metrics = run(
        evaluation.create_pipeline().to_outputs("metrics"),
        oof_predictions=predictions,
        params_evaluation=EvaluationParams(draws=20, confidence=0.95, n_bins=5, seed=0),
    )["metrics"]
    json.dumps(metrics, allow_nan=False)
    assert metrics["n_windows"] == len(windows)
    assert metrics["kl"]["all"]["model"] > 0
    assert metrics["agreement"]["n"] == (windows["n_votes"] >= 2).sum()


def test_no_prediction_to_score_is_said_with_where_to_look():
    windows = select_windows(TABLES["one label"], policy="per_eeg").assign(fold=-1)
    none = windows.assign(**dict.fromkeys(PREDICTION_COLUMNS, 1 / 6)).head(0)
    with pytest.raises(ValueError, match=r"no row to score.* eeg_spectrogram_failures says why"):
        check_predictions(none)


@pytest.mark.parametrize(
    ("patients", "remedy"),
    [
        ([1, 2, 3], r"5 folds .* there are 3 \(in 3 windows .*: set modeling.n_folds to 3 or less"),
        ([1, 1], "there are 1 .*: training needs windows of two patients at least"),
        ([], r"there are 0 \(in 0 windows whose EEG could be read\): training needs"),
    ],
)
def test_more_folds_than_patients_are_refused_with_what_to_do(patients, remedy):
    windows = select_windows(labels_of(EACH_CLASS[: len(patients)], patients), policy="per_eeg")
    with pytest.raises(ValueError, match=remedy):
        split_folds(windows, ModelingParams(**recipe("seed")["modeling"]))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    "votes", [EACH_CLASS[:5], FIRST_CLASS[:5], EACH_CLASS[[0, 0, 1, 1, 2]]], ids=str
)
def test_as_many_folds_as_patients_hold_a_patient_each(votes, seed):
    windows = select_windows(labels_of(votes, range(5)), policy="per_eeg")
    base = recipe("seed")["modeling"]
    params = ModelingParams(**base | {"training": base["training"] | {"seed": seed}})
    splits = split_folds(windows, params)
    assert [int(split["held_out"].sum()) for split in splits] == [1] * 5


@pytest.mark.parametrize("policy", ["per_eeg", "distinct_votes"])
def test_no_label_makes_no_window(policy):
    none = TABLES["one label"].head(0)
    windows = select_windows(none, policy=policy)
    assert windows.empty
    assert list(windows) == list(select_windows(TABLES["one label"], policy=policy))


def test_where_no_eeg_of_the_test_set_can_be_read_each_class_gets_a_sixth(caplog):
    test = pd.DataFrame({"eeg_id": [5, 3], "spectrogram_id": [6, -1], "patient_id": [7, 8]})
    eegs = {"3": unreadable, "5": unreadable}
    files = {"eegs": eegs, "spectrograms": {}, "eeg_spectrograms": {}}
    windows, _ = locate_spectrograms(
        select_windows(test, policy="per_eeg"), **files, failures=NO_FAILURES
    )
    networks = {entry["name"]: unreadable for entry in NETWORKS}
    empty = np.empty(0, np.float16)
    predictions = predict_with_ensemble(
        empty, empty, windows, networks, ENSEMBLE, InferenceParams(batch_size=4)
    )
    with caplog.at_level(logging.WARNING):
        submission = write_submission(predictions, test)
    assert submission["eeg_id"].tolist() == [5, 3]
    np.testing.assert_allclose(submission[list(VOTE_COLUMNS)], 1 / len(CLASSES))
    assert "No EEG could be read" in caplog.text
    assert "2 of 2 EEGs could not be read and get 1/6 a class" in caplog.text
