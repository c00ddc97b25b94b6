"""What the parameters of training ask for: windows, weights, teachers, seeds, all folds."""

import json

import numpy as np
import pandas as pd
import pydantic
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.io.memory_dataset import _EMPTY
from kedro.runner import SequentialRunner

from hbac import models
from hbac.datasets.checkpoint import CheckpointDataset
from hbac.eeg.votes import PREDICTION_COLUMNS, VOTE_COLUMNS
from hbac.hooks.folds import Networks, _networks
from hbac.models.seeds import architecture_of, network_names, seed_of
from hbac.pipelines.explainability.networks import load_best
from hbac.pipelines.modeling.nodes import join_folds, split_folds
from hbac.pipelines.modeling.params import ModelingParams
from hbac.pipelines.modeling.pipeline import create_training
from hbac.pipelines.modeling.training_nodes import (
    KEYS,
    fixed_windows,
    made_from,
    teach,
    train_fold,
    train_on_all,
)
from hbac.pipelines.spectrogram.params import SpectrogramParams
from tests.conftest import recipe
from tests.pipelines.test_modeling import many_windows

SEED = recipe("seed")["modeling"]


def modeling(**training):
    """The recipe ``seed``, small, with changes of the training."""
    small = {"learning_rates": [1e-3, 1e-4], "batch_size": 16, "keep": "last"}
    network = SEED["network"] | {"architecture": "compact", "weights": None}
    image = SEED["image"] | {"panel_height": 8, "panel_width": 16}
    return ModelingParams(
        **SEED
        | {
            "n_folds": 2,
            "image": image,
            "network": network,
            "training": SEED["training"] | small | training,
        }
    )


def windows():
    """Twelve patients, with two or three windows an EEG."""
    table = many_windows()
    n_before = table.groupby("patient_id").cumcount()
    eeg_id = table["patient_id"] * 10 + n_before // 3
    return table.assign(eeg_id=eeg_id, window=table.groupby(eeg_id).cumcount())


WINDOWS = windows()
SPLIT = split_folds(WINDOWS, modeling())[0]
TRAIN, HELD_OUT = SPLIT[~SPLIT["held_out"]], SPLIT[SPLIT["held_out"]]
IMAGES = np.random.default_rng(0).normal(size=(len(SPLIT), 32, 32)).astype(np.float16)


class Stop(Exception):
    """Ends a training before it begins."""


@pytest.fixture
def asked(monkeypatch):
    """What a training is asked for: the options of ``fit_and_predict``."""

    def stop(model, images, targets, **options):
        raise Stop(options)

    def ask(params, train=train_fold, split=SPLIT, teachers=(), network="compact"):
        with monkeypatch.context() as patch:
            patch.setattr(models, "fit_and_predict", stop)
            with pytest.raises(Stop) as stopped:
                train(IMAGES, split, NoFile(), params, *teachers, architecture=network)
        return stopped.value.args[0]

    return ask


class Kept(MemoryDataset):
    """Holds its data when all nodes have read them."""

    def _release(self):
        pass


class NoFile:
    """Takes the place of a file that a training goes on from."""

    def of(self, made_from):
        return None


def test_an_epoch_sees_one_window_an_eeg_and_is_validated_by_one(asked):
    options = asked(modeling(windows_per_epoch="one_per_eeg", second_stage_votes=10))
    first, second = options["stages"]
    epochs = [first.draw(np.random.default_rng(epoch)) for epoch in range(60)]
    eeg_ids = SPLIT.set_index("row")["eeg_id"]
    for rows in epochs:
        assert sorted(eeg_ids[rows]) == sorted(TRAIN["eeg_id"].unique())
    assert set(np.concatenate(epochs)) == set(TRAIN["row"])
    agreed = TRAIN[TRAIN["n_votes"] >= 10]
    assert set(second.draw(np.random.default_rng(0))) <= set(agreed["row"])
    validated = SPLIT.loc[options["validation_rows"]]
    assert validated["eeg_id"].tolist() == HELD_OUT["eeg_id"].unique().tolist()
    most = HELD_OUT.groupby("eeg_id")["n_votes"].max()
    assert (validated.set_index("eeg_id")["n_votes"] == most).all()
    everything = asked(modeling())
    assert sorted(everything["stages"][0].draw(np.random.default_rng(0))) == TRAIN["row"].tolist()
    assert everything["validation_rows"].tolist() == HELD_OUT["row"].tolist()


def test_of_windows_with_as_many_votes_the_first_is_fixed():
    table = pd.DataFrame({"eeg_id": [1, 1, 1, 2], "n_votes": [3, 7, 7, 1], "window": [0, 1, 2, 0]})
    assert fixed_windows(table)["window"].tolist() == [1, 0]


def test_weights_go_from_one_power_of_the_votes_to_another(asked):
    options = asked(
        modeling(learning_rates=[1e-3] * 3, vote_weighting=[0, 1], second_stage_votes=5)
    )
    first, second = options["stages"]
    rows, share = TRAIN["row"].to_numpy(), np.minimum(TRAIN["n_votes"], 10).to_numpy() / 10
    for epoch, power in enumerate([0, 0.5, 1]):
        weights = first.weigh(epoch)
        np.testing.assert_allclose(weights[rows], share**power / np.mean(share**power))
        assert not weights[HELD_OUT["row"]].any()
    votes = TRAIN.set_index("row")["n_votes"]
    seen = np.flatnonzero(second.weigh(0))
    assert (votes[seen] >= 5).all()
    np.testing.assert_allclose(
        second.weigh(0)[seen] / second.weigh(0)[seen].max(), np.minimum(votes[seen], 10) / 10
    )
    assert asked(modeling())["stages"][0].weigh is None


def test_the_optimizer_is_as_the_parameters_say(monkeypatch):
    options = {"weight_decay": 0.02, "clip_norm": 1.5, "average_momentum": 0.9}

    def stop(seed, **settings):
        raise Stop(settings)

    monkeypatch.setattr(models, "borrowed_model", stop)
    with pytest.raises(Stop) as stopped:
        train_fold(IMAGES, SPLIT, NoFile(), modeling(**options), architecture="compact")
    assert options.items() <= stopped.value.args[0].items()


def other_votes(split, rows):
    """The same split, but that experts said something else of some rows."""
    changed = split.copy()
    columns = list(VOTE_COLUMNS)
    changed.loc[rows, columns] = np.roll(changed.loc[rows, columns].to_numpy(), 1, axis=1)
    return changed


@pytest.fixture(scope="module")
def pseudo_labels():
    return teach(IMAGES, SPLIT, NoFile(), TAUGHT, architecture="compact")


TAUGHT = modeling(teacher_votes=4, teacher_fewest_votes=10)


def test_teachers_learn_nothing_of_what_their_fold_holds_out(pseudo_labels):
    pd.testing.assert_frame_equal(pseudo_labels[KEYS], TRAIN[KEYS].reset_index(drop=True))
    blind = teach(
        IMAGES, other_votes(SPLIT, HELD_OUT.index), NoFile(), TAUGHT, architecture="compact"
    )
    pd.testing.assert_frame_equal(blind, pseudo_labels)
    few = TRAIN.index[TRAIN["n_votes"] < 10]
    unaware = teach(IMAGES, other_votes(SPLIT, few), NoFile(), TAUGHT, architecture="compact")
    pd.testing.assert_frame_equal(unaware, pseudo_labels)
    many = TRAIN.index[TRAIN["n_votes"] >= 10]
    aware = teach(IMAGES, other_votes(SPLIT, many), NoFile(), TAUGHT, architecture="compact")
    assert not np.allclose(aware[list(PREDICTION_COLUMNS)], pseudo_labels[list(PREDICTION_COLUMNS)])


def test_no_epoch_of_a_teacher_is_chosen_by_what_is_held_out(asked):
    options = asked(modeling(keep="best", teacher_votes=4), train=teach)
    assert len(options["validation_rows"]) == 0
    assert options["keep"] == "last"
    assert set(options["stages"][0].rows) == set(TRAIN.loc[TRAIN["n_votes"] >= 10, "row"])


def test_a_teacher_counts_for_so_many_votes(asked, pseudo_labels):
    other = pseudo_labels.assign(**dict.fromkeys(PREDICTION_COLUMNS, 1 / 6))
    wanted = asked(TAUGHT, teachers=[pseudo_labels, other])["training_targets"]
    votes = TRAIN[list(VOTE_COLUMNS)].to_numpy()
    n_votes = TRAIN["n_votes"].to_numpy()[:, None]
    said = (pseudo_labels[list(PREDICTION_COLUMNS)].to_numpy() + 1 / 6) / 2
    expected = (n_votes * votes + 4 * said) / (n_votes + 4)
    np.testing.assert_allclose(wanted[TRAIN["row"]], expected, atol=1e-6)
    mixed = pseudo_labels.sample(frac=1, random_state=0)
    found = asked(TAUGHT, teachers=[mixed, other])["training_targets"]
    np.testing.assert_array_equal(found, wanted)
    alone = made_from("compact", IMAGES, SPLIT, TAUGHT)
    assert made_from("compact", IMAGES, SPLIT, TAUGHT, [pseudo_labels]) != alone


def test_teachers_of_other_windows_are_refused(pseudo_labels):
    eeg_id, window = pseudo_labels.loc[3, KEYS]
    message = f"1 of {len(TRAIN)} windows, the first is window {window} of eeg_id {eeg_id}"
    for train in (train_fold, train_on_all):
        with pytest.raises(ValueError, match=message):
            train(IMAGES, SPLIT, NoFile(), TAUGHT, pseudo_labels.drop(3), architecture="compact")


def test_each_fold_has_teachers_of_its_own():
    training = create_training(3, ["compact", "resnet_1d"], full_fit=True, taught=True)
    trained = [node for node in training.nodes if "training" in node.tags]
    assert len(trained) == 8
    for node in trained:
        fold = node.namespace.split(".")[0]
        teachers = {name for name in node.inputs if name.endswith("pseudo_labels")}
        assert teachers == {f"{fold}_{name}_pseudo_labels" for name in ("compact", "resnet_1d")}
        assert f"{fold}_split" in node.inputs
    untaught = create_training(3, ["compact", "resnet_1d"])
    assert not any("teach" in node.name or "fold_all" in node.name for node in untaught.nodes)


def test_networks_of_one_architecture_have_seeds_of_their_own(asked):
    names = network_names(["compact", "resnet_1d"], 3)
    assert names[:3] == ("compact", "compact-2", "compact-3")
    assert [architecture_of(name) for name in names] == ["compact"] * 3 + ["resnet_1d"] * 3
    seeds = {seed_of(name, 7) for name in names[:3]}
    assert len(seeds) == 3
    assert seed_of("compact", 7) == 7
    assert seed_of("compact-2", 7) != seed_of("compact", 8)
    assert asked(modeling(seed=7), network="compact-2")["seed"] == seed_of("compact-2", 7)
    assert modeling(seeds=2).networks == ("compact", "compact-2")
    wired = {node.namespace for node in create_training(1, names[:2]).nodes if node.namespace}
    assert wired == {"fold_0.compact", "fold_0.compact-2"}


def test_the_configuration_says_what_is_wired():
    training = {"seeds": 2, "full_fit": True, "teacher_votes": 3}
    parameters = {"modeling": {"n_folds": 4, "network": {"architecture": "compact"}}}
    parameters["modeling"]["training"] = training
    assert _networks(parameters) == Networks(4, ("compact", "compact-2"), True, True)
    training |= {"seeds": "many", "full_fit": "yes", "teacher_votes": None}
    assert _networks(parameters) == Networks(4, ("compact",))


def test_all_folds_have_no_epoch_that_is_best(asked):
    with pytest.raises(pydantic.ValidationError, match="set keep to last, received best"):
        modeling(full_fit=True, keep="best")
    options = asked(modeling(full_fit=True), train=train_on_all, split=join_folds(SPLIT))
    assert set(options["stages"][0].rows) == set(SPLIT["row"])
    assert len(options["validation_rows"]) == 0


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """Two folds and all of them, two seeds, with teachers: what a run of the pipeline makes."""
    folder = tmp_path_factory.mktemp("everything")
    params = modeling(seeds=2, full_fit=True, teacher_votes=4, learning_rates=[1e-3])
    spectrogram = SpectrogramParams(**recipe("seed")["spectrogram"])
    training = create_training(2, params.networks, full_fit=True, taught=True)
    given = {"model_windows": WINDOWS, "model_input": IMAGES}
    given |= {"params:modeling": params, "params:spectrogram": spectrogram}
    kept = training.all_outputs() | given.keys()
    datasets = {name: Kept(given.get(name, _EMPTY), copy_mode="assign") for name in kept}
    for name in training.inputs() - given.keys():
        datasets[name] = CheckpointDataset(filepath=str(folder / f"{name}.npz"))
    SequentialRunner().run(training, DataCatalog(datasets))
    return datasets


@pytest.mark.slow
def test_networks_of_all_folds_say_that_nothing_scores_them(everything):
    record = json.loads(json.dumps(everything["ensemble"].load(), allow_nan=False))
    names = [one["name"] for one in record["networks"]]
    assert names == [
        f"fold_{fold}.{name}" for name in ("compact", "compact-2") for fold in (0, 1)
    ] + ["fold_all.compact", "fold_all.compact-2"]
    assert [one["fold"] for one in record["networks"]] == [0, 1, 0, 1, "all", "all"]
    losses = [one["val_loss"] for one in record["networks"]]
    assert losses[4:] == [None, None]
    assert all(loss > 0 for loss in losses[:4])
    scored = everything["network_predictions"].load()
    assert sorted(scored["fold"].unique()) == [0, 1]
    assert scored.groupby("architecture").size().to_dict() == {
        "compact": len(WINDOWS),
        "compact-2": len(WINDOWS),
    }


@pytest.mark.slow
def test_new_recordings_are_read_by_all_and_known_ones_by_who_has_not_seen_them(everything):
    record = everything["ensemble"].load() | {"mirror": False}
    made = {one["name"]: everything[f"{one['name']}.model"].load() for one in record["networks"]}
    networks = {name: lambda network=network: network for name, network in made.items()}
    inputs = {"picture": IMAGES[:8]}
    shares = models.predict_with_networks(networks, inputs, record, {"picture": None}, batch_size=8)
    folds = []
    for fold in ("0", "1", "all"):
        names = [f"fold_{fold}.compact", f"fold_{fold}.compact-2"]
        logs = [np.log(models.predict(made[name], IMAGES[:8], batch_size=8)) for name in names]
        pooled = np.exp(np.mean(logs, axis=0))
        folds.append(pooled / pooled.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(shares, np.mean(folds, axis=0), atol=1e-4)
    rows, _ = load_best(SPLIT, networks, record)
    assert set(SPLIT["fold"].to_numpy()[rows]) in ({0}, {1})
