"""Windows that nobody has voted on, which teachers label."""

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from hbac.datasets import EEGDataset
from hbac.eeg import CHANNELS, Recording
from hbac.eeg.votes import PREDICTION_COLUMNS, VOTE_COLUMNS, VOTE_COUNT_COLUMNS
from hbac.pipelines import conversion, modeling, spectrogram
from hbac.pipelines.modeling.nodes import NO_FOLD, describe_ensemble, join_folds, split_folds
from hbac.pipelines.modeling.params import ModelingParams, SeenParams
from hbac.pipelines.modeling.training_nodes import KEYS, teach, train_fold, train_on_all
from hbac.pipelines.spectrogram.params import SpectrogramParams
from tests.conftest import configuration, recipe
from tests.pipelines import test_training_choices as choices

asked = choices.asked

N_LABELLED = len(choices.WINDOWS)
ADDED = choices.WINDOWS.iloc[[0, 3, 3]].assign(
    patient_id=[choices.WINDOWS["patient_id"].iloc[0], 98, 99],
    eeg_id=[choices.WINDOWS["eeg_id"].iloc[0], 980, 990],
    window=9,
    n_votes=0,
    **dict.fromkeys(VOTE_COLUMNS, np.nan),
    **dict.fromkeys(VOTE_COUNT_COLUMNS, 0),
)
WINDOWS = pd.concat([choices.WINDOWS, ADDED], ignore_index=True)
TAUGHT = choices.modeling(teacher_votes=4, teacher_fewest_votes=10)
FOLDS = split_folds(WINDOWS, TAUGHT)
OWN = FOLDS[0]["fold"].iloc[0]
"""The fold of the patient who has labels as well."""


def unlabelled(split):
    return split[split["n_votes"] == 0]


def said(split, seed):
    """What a teacher might have predicted of all that is not held out."""
    rows = split.loc[~split["held_out"], KEYS].reset_index(drop=True)
    shares = np.random.default_rng(seed).dirichlet(np.ones(6), len(rows))
    return rows.join(pd.DataFrame(shares, columns=list(PREDICTION_COLUMNS)))


def test_they_are_held_out_with_their_patient_and_change_no_fold():
    without = split_folds(choices.WINDOWS, TAUGHT)
    for split, before in zip(FOLDS, without, strict=True):
        pd.testing.assert_frame_equal(split[split["n_votes"] > 0], before, check_dtype=False)
        assert unlabelled(split)["fold"].tolist() == [OWN, NO_FOLD, NO_FOLD]
    assert [unlabelled(split)["held_out"].tolist() for split in FOLDS] == [
        [number == OWN, False, False] for number in range(2)
    ]


def test_their_targets_are_what_teachers_say_of_them(asked):
    for split in FOLDS:
        teachers = [said(split, seed) for seed in range(2)]
        options = asked(TAUGHT, split=split, teachers=teachers)
        taught = unlabelled(split[~split["held_out"]])["row"]
        assert len(taught) == (2 if split is FOLDS[OWN] else 3)
        assert set(taught) < set(options["stages"][0].rows)
        means = sum(table.set_index(KEYS) for table in teachers) / 2
        keys = pd.MultiIndex.from_frame(WINDOWS.loc[taught, KEYS])
        np.testing.assert_allclose(options["training_targets"][taught], means.loc[keys])
        validated = split.set_index("row").loc[options["validation_rows"]]
        assert (validated["n_votes"] > 0).all()
        assert validated["held_out"].all()


def test_they_weigh_as_their_teachers_do_and_have_no_part_in_the_second_stage(asked):
    params = choices.modeling(teacher_votes=4, vote_weighting=[1, 1], second_stage_votes=2)
    split = FOLDS[1 - OWN]
    first, second = asked(params, split=split, teachers=[said(split, 0)])["stages"]
    train = split[~split["held_out"]].set_index("row")
    votes, weights = train["n_votes"].replace(0, 4), first.weigh(0)[train.index]
    np.testing.assert_allclose(weights / weights[votes == 4][0], votes.clip(upper=10) / 4)
    assert (train["n_votes"][second.rows] >= 2).all()


def test_an_epoch_sees_one_of_an_eeg_beside_one_with_votes(asked):
    params = choices.modeling(teacher_votes=4, windows_per_epoch="one_per_eeg")
    split = FOLDS[1 - OWN]
    drawn = asked(params, split=split, teachers=[said(split, 0)])["stages"][0].draw
    seen = split.set_index("row").loc[drawn(np.random.default_rng(0))]
    theirs = seen[seen["eeg_id"] == ADDED["eeg_id"].iloc[0]]
    assert sorted(theirs["n_votes"] > 0) == [False, True]


def test_teachers_learn_nothing_of_them_and_predict_them(asked):
    for split in (*FOLDS, join_folds(FOLDS[0])):
        for votes in (10, 1000):
            params = choices.modeling(teacher_votes=4, teacher_fewest_votes=votes)
            rows = asked(params, train=teach, split=split)["stages"][0].rows
            assert not set(rows) & set(unlabelled(split)["row"])


def test_without_teachers_they_are_left_out(asked, caplog):
    params = choices.modeling(prior_votes=0)
    plain = split_folds(WINDOWS, params)[1 - OWN]
    assert "3 windows without votes are left out" in caplog.text
    for train, split in ((train_fold, plain), (train_on_all, join_folds(plain))):
        options = asked(params, train=train, split=split)
        assert not set(options["stages"][0].rows) & set(unlabelled(split)["row"])
        assert np.isfinite(options["training_targets"]).all()
    spectrogram_params = SpectrogramParams(**recipe("seed")["spectrogram"])
    history = pd.DataFrame({"network": ["fold_0.compact"], "val_loss": [1.0], "kept": [True]})
    prior = describe_ensemble(history, {}, plain, params, spectrogram_params)["prior"]
    np.testing.assert_allclose(prior, choices.WINDOWS[list(VOTE_COLUMNS)].mean())


SIMULATION = recipe("simulation")
NETWORK = "symmetric_1d"


def raw_data(folder):
    """Four patients with labels, one of whom has a window without as well, and a fifth patient."""
    labels = []
    for patient in range(1, 6):
        data = np.random.default_rng(patient).normal(0, 20, (20, 60 * 200)).astype(np.float32)
        file = EEGDataset(filepath=str(folder / f"train_eegs/{patient}.parquet"))
        file.save(Recording(data, CHANNELS))
        ids = dict.fromkeys(["eeg_id", "patient_id", "label_id"], patient)
        sub_ids = dict.fromkeys(["eeg_sub_id", "spectrogram_sub_id"], 0)
        offsets = {f"{kind}_label_offset_seconds": 0 for kind in ("eeg", "spectrogram")}
        votes = dict.fromkeys(VOTE_COLUMNS, 0) | {VOTE_COLUMNS[1 + patient % 2]: 12}
        consensus = {"expert_consensus": ("LPD", "GPD")[patient % 2], "spectrogram_id": -1}
        labels.append(ids | sub_ids | offsets | consensus | votes)
    table = pd.DataFrame(labels)
    table[:4].to_csv(folder / "train.csv", index=False)
    without = table.drop(columns=["expert_consensus", *VOTE_COLUMNS]).iloc[[0, 4]]
    without.assign(eeg_label_offset_seconds=5.0).to_csv(folder / "unlabelled.csv", index=False)


@pytest.mark.slow
def test_a_run_learns_from_them_and_scores_the_rest(tmp_path):
    raw_data(tmp_path / "raw")
    groups, waveform = SIMULATION["modeling"], SIMULATION["modeling"]["waveform"] | {"shift": 1.0}
    training = {"epochs": 1, "batch_size": 4, "teacher_votes": 3, "teacher_fewest_votes": 1}
    params = ModelingParams(
        **groups | {"n_folds": 2, "waveform": waveform, "training": groups["training"] | training}
    )
    seen = SeenParams(architecture=NETWORK, image=params.image, waveform=params.waveform)
    folders = {"raw_dir": str(tmp_path / "raw"), "data_dir": str(tmp_path / "data"), "n_jobs": 1}
    catalog = DataCatalog.from_config(configuration(**folders)["catalog"])
    catalog["params:modeling"] = MemoryDataset(params)
    catalog["params:seen"] = MemoryDataset(seen)
    catalog["params:spectrogram"] = MemoryDataset(SpectrogramParams(**SIMULATION["spectrogram"]))
    steps = (
        conversion.create_pipeline()
        + spectrogram.create_pipeline()
        + modeling.create_pipeline(2, [NETWORK], full_fit=True, taught=True)
    )
    SequentialRunner().run(steps, catalog)
    windows = catalog.load("model_windows")
    assert windows["eeg_id"].tolist() == [1, 1, 2, 3, 4, 5]
    assert windows["n_votes"].tolist() == [12, 0, 12, 12, 12, 0]
    assert catalog.load("waveform_input").shape == (6, 16, 1200)
    for fold in ("0", "1", "all"):
        split = catalog.load(f"fold_{fold}_split")
        told = catalog.load(f"fold_{fold}_{NETWORK}_pseudo_labels")
        trained_on = split.loc[~split["held_out"], KEYS].reset_index(drop=True)
        pd.testing.assert_frame_equal(told[KEYS], trained_on)
        assert 5 in told["eeg_id"].tolist()
        assert np.isfinite(told[list(PREDICTION_COLUMNS)]).all(axis=None)
    assert catalog.load("oof_predictions")["eeg_id"].tolist() == [1, 2, 3, 4]
    assert np.isfinite(catalog.load("training_history")["loss"]).all()
    assert sum(catalog.load("ensemble")["prior"]) == pytest.approx(1)
