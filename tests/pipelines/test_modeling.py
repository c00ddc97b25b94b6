import copy
import json
from functools import partial

import numpy as np
import pandas as pd
import pytest

from hbac.datasets import CheckpointDataset
from hbac.datasets.checkpoint import CheckpointFile
from hbac.eeg import CHANNELS, Recording
from hbac.eeg.gaps import MISSING
from hbac.eeg.regional import regional_window_from_eeg
from hbac.eeg.votes import BAND_POWER_COLUMNS, PREDICTION_COLUMNS, VOTE_COLUMNS, VOTE_COUNT_COLUMNS
from hbac.evaluation.leakage import LeakageError
from hbac.models import preprocessing
from hbac.models.image import ImageLayout, build_image
from hbac.pipelines.explainability.networks import seen_windows
from hbac.pipelines.inference.nodes import assemble_inference_input, assemble_inference_waveforms
from hbac.pipelines.modeling.input_nodes import (
    assemble_model_input,
    assemble_waveform_input,
    locate_spectrograms,
    locate_training_spectrograms,
)
from hbac.pipelines.modeling.nodes import (
    collect_network_predictions,
    collect_oof_predictions,
    describe_ensemble,
    learn_blend,
    predict_band_power,
    split_folds,
)
from hbac.pipelines.modeling.params import ModelingParams
from hbac.pipelines.modeling.training_nodes import train_fold
from hbac.pipelines.spectrogram.nodes import compute_eeg_spectrograms
from hbac.pipelines.spectrogram.params import SpectrogramParams
from tests.conftest import configuration, recipe

SEED, STRONG, SIMULATION = recipe("seed"), recipe("strong"), recipe("simulation")
SMALL = {
    "n_folds": 3,
    "image": {"panel_height": 16, "panel_width": 64},
    "network": {"architecture": "compact", "weights": None},
    "training": {"learning_rates": [1e-3], "batch_size": 8, "seed": 1},
}


def modeling(base, **changes):
    """Parameters of a recipe, small, with changes a group."""
    merged = {
        name: (value | SMALL.get(name, {}) | changes.get(name, {}))
        if isinstance(value, dict)
        else changes.get(name, SMALL.get(name, value))
        for name, value in base["modeling"].items()
    }
    return ModelingParams(**merged)


PARAMS = modeling(SEED)
NO_FAILURES = pd.DataFrame({"partition": []})


def recording(seconds, seed=0):
    data = np.random.default_rng(seed).normal(size=(20, seconds * 200)).astype(np.float32)
    return Recording(data, CHANNELS)


@pytest.fixture(scope="module")
def files():
    """Three EEGs: one with a spectrogram, one long, one of 50 s alone."""
    long, short = recording(660), recording(50)
    recordings = {"1": short, "2": long, "3": short}
    eegs = {
        name: lambda channels=CHANNELS, whole=whole: whole.pick(channels)
        for name, whole in recordings.items()
    }
    power = np.random.default_rng(1).gamma(2, 10, (320, 400)).astype(np.float32)
    spectrograms = {"11": lambda: power}
    panels = np.random.default_rng(2).normal(size=(1, 128, 256, 4)).astype(np.float16)
    return eegs, spectrograms, dict.fromkeys(eegs, lambda: panels)


@pytest.fixture(scope="module")
def windows():
    table = pd.DataFrame(
        {
            "eeg_id": [1, 2, 3],
            "window": 0,
            "patient_id": [1, 2, 3],
            "spectrogram_id": [11, -1, -1],
            "eeg_offset_seconds": [0.0, 305.0, 0.0],
            "spectrogram_offset_seconds": [30.0, 0.0, 0.0],
            "n_votes": 3,
        }
    )
    return table.assign(**dict.fromkeys(VOTE_COLUMNS, 1 / 6))


def test_a_spectrogram_comes_from_its_file_or_its_eeg_or_is_empty(windows, files, caplog):
    located, _ = locate_spectrograms(windows, *files, NO_FAILURES)
    assert located["spectrogram_source"].tolist() == ["file", "computed", "empty"]
    assert "1 of 3 windows without a spectrogram file get one computed" in caplog.text
    assert "1 of 3 windows without a spectrogram file have too little EEG" in caplog.text


def test_pictures_show_the_windows_own_spectrogram(windows, files):
    eegs, spectrograms, panels = files
    located, _ = locate_spectrograms(windows, *files, NO_FAILURES)
    images = assemble_model_input(located, *files, PARAMS)
    layout = ImageLayout(size=(64, 128), eeg_order="seed")
    eeg = np.asarray(panels["1"]()[0], np.float32)
    np.testing.assert_array_equal(
        images[0](), build_image(spectrograms["11"]()[15:315], eeg, layout)
    )
    computed = regional_window_from_eeg(eegs["2"](), centre=330)
    np.testing.assert_array_equal(images[1](), build_image(computed, eeg, layout))
    assert not images[2]()[:, :64].any()
    assert images[2]()[:, 64:].any()


def test_windows_of_an_eeg_that_could_not_be_read_are_counted(windows, files, caplog):
    eegs, spectrograms, panels = files
    located, _ = locate_spectrograms(windows, eegs, spectrograms, {"1": panels["1"]}, NO_FAILURES)
    assert located["eeg_id"].tolist() == [1]
    assert "2 of 3 windows are lost with EEGs that could not be read: 2, 3" in caplog.text


def test_windows_of_an_eeg_that_was_withdrawn_since_are_lost(windows, files):
    eegs, spectrograms, panels = files
    left = {name: load for name, load in eegs.items() if name != "2"}
    located, _ = locate_spectrograms(windows, left, spectrograms, panels, NO_FAILURES)
    assert located["eeg_id"].tolist() == [1, 3]


def test_spectrograms_of_which_none_has_a_file_are_named(windows, files):
    eegs, _, panels = files
    with pytest.raises(ValueError, match=r"none of the 1 .* has a file, such as 11\.parquet"):
        locate_training_spectrograms(windows, eegs, {}, panels, NO_FAILURES)


def test_one_spectrogram_of_several_may_be_missing(windows, files, caplog):
    eegs, spectrograms, panels = files
    named = windows.assign(spectrogram_id=[11, 12, -1])
    located, _ = locate_training_spectrograms(named, eegs, spectrograms, panels, NO_FAILURES)
    assert located["spectrogram_source"].tolist() == ["file", "computed", "empty"]


def test_a_spectrogram_that_could_not_be_read_is_no_mystery(windows, files, caplog):
    eegs, _, panels = files
    failures = pd.DataFrame({"partition": [11]})
    located, _ = locate_training_spectrograms(windows, eegs, {}, panels, failures)
    assert located["spectrogram_source"].tolist() == ["empty", "computed", "empty"]
    assert (
        "1 of 3 windows lose a spectrogram file that is missing or could not be read: 11"
        in caplog.text
    )


@pytest.mark.parametrize("base", [SEED, STRONG, SIMULATION], ids=["seed", "strong", "simulation"])
def test_inference_prepares_a_window_as_training_does(base, windows, files):
    eegs, spectrograms, _ = files
    params = modeling(base, network={"architecture": "compact+resnet_1d"})
    spectrogram = SpectrogramParams(**base["spectrogram"])
    tasks = compute_eeg_spectrograms(eegs, windows, spectrogram)
    panels = {name: partial(np.asarray, task()) for name, task in tasks.items()}
    located, _ = locate_spectrograms(windows, eegs, spectrograms, panels, NO_FAILURES)
    history = pd.DataFrame(
        {
            "network": ["fold_0.compact"] * 2 + ["fold_0.resnet_1d"],
            "val_loss": [0.5, 1.0, 2.0],
            "kept": [False, True, True],
        }
    )
    ensemble = json.loads(
        json.dumps(describe_ensemble(history, {"weights": [1]}, windows, params, spectrogram))
    )
    assert [network["val_loss"] for network in ensemble["networks"]] == [1.0, 2.0]
    read = (located, eegs, spectrograms, panels)
    pictures = (
        assemble_model_input(*read, params),
        assemble_inference_input(*read, ensemble, spectrogram),
    )
    waveforms = (
        assemble_waveform_input(located, eegs, params, spectrogram),
        assemble_inference_waveforms(located, eegs, ensemble),
    )
    for trained, inferred in (pictures, waveforms):
        assert list(trained) == list(inferred) == [0, 1, 2]
        for row in trained:
            assert trained[row]().any()
            assert trained[row]().dtype == np.float16
            np.testing.assert_array_equal(inferred[row](), trained[row]())
    with pytest.raises(ValueError, match=r"trained on EEG spectrograms with .* made with"):
        assemble_inference_input(*read, ensemble, spectrogram.model_copy(update={"notch": 50.0}))
    changed = copy.deepcopy(ensemble)
    changed["reference"]["picture"][1][5] += 0.1
    with pytest.raises(ValueError, match=r"picture differs by 0\.\d+ from the one"):
        assemble_inference_input(*read, changed, spectrogram)
    changed["reference"]["waveform"][1][5] += 0.5
    with pytest.raises(ValueError, match=r"waveform differs by 0\.\d+ from the one"):
        assemble_inference_waveforms(located, eegs, changed)


def test_the_middle_of_the_window_is_cut_out_of_the_whole_once_it_is_cleaned(windows, files):
    eegs = files[0]
    spectrogram = SpectrogramParams(**SIMULATION["spectrogram"])

    def waveforms(**changes):
        params = modeling(
            SIMULATION,
            network={"architecture": "symmetric_1d"},
            waveform={"scale": "fixed"} | changes,
        )
        return assemble_waveform_input(windows, eegs, params, spectrogram)[1]()

    whole = waveforms(seconds=50)
    assert whole.shape == (16, 5000)
    np.testing.assert_array_equal(waveforms(seconds=10), whole[:, 2000:3000])
    np.testing.assert_array_equal(waveforms(seconds=10, shift=1.5), whole[:, 1850:3150])
    slow = waveforms(seconds=10, sampling_rate=50)
    assert slow.shape == (16, 500)
    kept = slice(None), slice(10, -10)
    assert np.corrcoef(slow[kept].ravel(), whole[:, 2000:3000:2][kept].ravel())[0, 1] > 0.9


def recorded(base, windows, architecture, **changes):
    """The record of an ensemble of one network, as read from its file."""
    name = f"fold_0.{architecture}"
    history = pd.DataFrame({"network": [name], "val_loss": [1.0], "kept": [True]})
    params = modeling(base, network={"architecture": architecture}, **changes)
    spectrogram = SpectrogramParams(**base["spectrogram"])
    record = describe_ensemble(history, {"weights": [1]}, windows, params, spectrogram)
    return json.loads(json.dumps(record))


def test_waveforms_are_made_as_the_record_says_whatever_recipe_is_run(windows, files, monkeypatch):
    record = recorded(SIMULATION, windows, "symmetric_1d")
    assert record["waveform"] | {"shift": 0} == SIMULATION["modeling"]["waveform"]
    used = []
    make = preprocessing.bipolar_waveforms
    monkeypatch.setattr(
        preprocessing,
        "bipolar_waveforms",
        lambda recording, **settings: used.append(settings) or make(recording, **settings),
    )
    made = assemble_inference_waveforms(windows, files[0], record)
    assert made[0]().shape == (16, 1000)
    cleaning = {name: SIMULATION["spectrogram"][name] for name in ("clip", "notch", "band_pass")}
    assert used[-1] == cleaning | {"sampling_rate": 100}


def test_a_shift_in_training_changes_nothing_of_what_networks_are_fed_with(windows):
    shifted, not_shifted = (
        recorded(SIMULATION, windows, "symmetric_1d", waveform={"shift": shift}) for shift in (3, 0)
    )
    assert shifted == not_shifted
    inputs = np.empty((0,)), np.arange(1600.0).reshape(1, 1, 1600)
    np.testing.assert_array_equal(
        seen_windows(np.array([0]), *inputs, shifted), inputs[1][:, :, 300:1300]
    )


def test_a_record_of_before_there_was_a_choice_means_the_whole_window(windows, files):
    record = recorded(STRONG, windows, "resnet_1d")
    before = {name: value for name, value in record.items() if name != "waveform"}
    now, then = (assemble_inference_waveforms(windows, files[0], each) for each in (record, before))
    assert then[0]().shape == (16, 5000)
    np.testing.assert_array_equal(then[0](), now[0]())


@pytest.mark.parametrize(
    ("group", "changes", "message"),
    [
        ("waveform", {"seconds": 60}, "less than or equal to 50"),
        ("waveform", {"seconds": 0.5}, "greater than or equal to 1"),
        ("waveform", {"scale": "channel"}, "'fixed' or 'window'"),
        ("waveform", {"shift": -1}, "greater than or equal to 0"),
        ("waveform", {"shift": 20.5}, "must be 20 or less, so that 10 s stay .* received 20.5"),
        ("network", {"pooling": "max"}, "'average', 'average_and_max', 'gem' or"),
        ("network", {"drop_path": 1.0}, "less than 1"),
        ("augmentation", {"low_pass": [60, 12]}, r"\[lowest, highest\], received \[60.0, 12.0\]"),
        ("augmentation", {"high_pass": [0, 1]}, "greater than 0"),
        ("augmentation", {"dip": 1.5}, "less than or equal to 1"),
    ],
)
def test_parameters_of_waveforms_that_make_no_sense_are_refused(group, changes, message):
    with pytest.raises(ValueError, match=message):
        modeling(SIMULATION, **{group: changes})


def test_networks_of_the_eeg_itself_may_pool_otherwise_and_start_from_weights_of_their_kind():
    names = "efficientnet_b0+compact+resnet_1d"
    network = {"architecture": names, "pooling": "gem", "waveform_pooling": "centre_attention"}
    settings = modeling(SEED, network=network | {"weights": "imagenet"}).network.settings
    assert settings("efficientnet_b0")["pooling"] == settings("compact")["pooling"] == "gem"
    assert settings("resnet_1d")["pooling"] == "centre_attention"
    started = [settings(name)["weights"] for name in names.split("+")]
    assert started == ["imagenet", None, None]
    alike = modeling(SEED, network=network | {"waveform_pooling": None}).network
    assert alike.settings("resnet_1d")["pooling"] == "gem"


def test_pictures_are_not_shifted():
    with pytest.raises(ValueError, match="pictures alone, as compact, received 2"):
        modeling(
            SIMULATION, network={"architecture": "compact"}, waveform={"shift": 2, "seconds": 10}
        )
    both = {"architecture": "compact+resnet_1d"}
    assert modeling(SIMULATION, network=both, waveform={"shift": 2}).waveform.shift == 2
    given = configuration(recipe="simulation", modeling={"waveform": {"shift": 2}})["parameters"]
    assert ModelingParams(**given["modeling"]).waveform.shift == 2
    # Kedro checks the parameters of all pipelines, whichever is run.
    assert ModelingParams(**given["demo_parameters"]["modeling"]).waveform.shift == 0


def test_pictures_have_no_middle_to_look_at():
    with pytest.raises(ValueError, match="compact sees pictures"):
        modeling(SEED, network={"architecture": "compact", "pooling": "centre_attention"})


def test_what_no_network_sees_is_not_made(windows, files):
    eegs = files[0]
    located, _ = locate_spectrograms(windows, *files, NO_FAILURES)
    spectrogram = SpectrogramParams(**SEED["spectrogram"])
    assert assemble_waveform_input(located, eegs, PARAMS, spectrogram) == {}
    waveforms_alone = modeling(SEED, network={"architecture": "resnet_1d"})
    assert assemble_model_input(located, *files, waveforms_alone) == {}


def many_windows(n_patients=12):
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(n_patients), rng.integers(1, 9, n_patients))
    votes = np.eye(6)[rng.integers(0, 6, len(patient))]
    table = pd.DataFrame(
        {
            "eeg_id": np.arange(len(patient)),
            "window": 0,
            "patient_id": patient,
            "n_votes": rng.integers(1, 20, len(patient)),
            "spectrogram_id": -1,
            "spectrogram_source": "empty",
            "eeg_offset_seconds": 0.0,
            "spectrogram_offset_seconds": 0.0,
        }
    )
    counts = (votes.T * table["n_votes"].to_numpy()).astype(int)
    return table.assign(
        **dict(zip(VOTE_COLUMNS, votes.T, strict=True)),
        **dict(zip(VOTE_COUNT_COLUMNS, counts, strict=True)),
    )


def test_a_patient_is_in_one_fold_alone_and_every_window_is_held_out_once():
    table = many_windows()
    folds = split_folds(table, PARAMS)
    assert len(folds) == 3
    for number, fold in enumerate(folds):
        assert (fold["held_out"] == (fold["fold"] == number)).all()
        held_out = set(fold.loc[fold["held_out"], "patient_id"])
        assert held_out.isdisjoint(fold.loc[~fold["held_out"], "patient_id"])
        assert fold["row"].tolist() == list(range(len(table)))
    assert (sum(fold["held_out"].astype(int) for fold in folds) == 1).all()


def test_the_same_seed_makes_the_same_folds():
    first, again = (split_folds(many_windows(), PARAMS)[0]["fold"] for _ in range(2))
    assert first.equals(again)


def test_more_folds_than_patients_are_refused():
    with pytest.raises(ValueError, match="3 folds need as many patients, there are 2"):
        split_folds(many_windows(2), PARAMS)


def test_folds_that_share_a_recording_are_refused():
    table = many_windows()
    # One recording under the numbers of two patients, who can end in different folds.
    with pytest.raises(LeakageError, match="eeg_id 7"):
        split_folds(table.assign(eeg_id=7), PARAMS)


def test_nothing_is_trained_on_a_patient_that_is_held_out():
    split = split_folds(many_windows(), PARAMS)[0]
    first = split.index[split["held_out"]][0]
    split.loc[first, "held_out"] = False
    images = np.zeros((len(split), 64, 128), np.float16)
    checkpoint = CheckpointFile(None)
    with pytest.raises(LeakageError, match=f"patient_id {split.loc[first, 'patient_id']} is in"):
        train_fold(images, split, checkpoint, PARAMS, architecture="compact")


def test_the_seed_of_the_training_moves_nobody_to_another_fold():
    windows = many_windows(40)
    splits = [
        split_folds(windows, params)[0]["fold"].tolist()
        for params in (
            PARAMS,
            modeling(SEED, training={"seed": 5}),
            modeling(SEED, fold_seed=1),
        )
    ]
    assert splits[0] == splits[1]
    assert splits[0] != splits[2]


NOTHING, NO_WAVEFORM = 5, 9
"""Windows that have nothing to see at all, and no waveform."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two folds of two architectures by the recipe ``strong``: windows and what was made."""
    params = modeling(
        STRONG,
        n_folds=2,
        training={"epochs": 2, "second_stage_epochs": 1, "average_momentum": 0.5},
    )
    windows = many_windows()
    rng = np.random.default_rng(0)
    consensus = windows[list(VOTE_COLUMNS)].to_numpy().argmax(axis=1)
    inputs = {
        "compact": rng.normal(consensus[:, None, None], 1, (len(windows), 64, 192)) / 4,
        "resnet_1d": rng.normal(size=(len(windows), 16, 256)),
    }
    for lost in inputs.values():
        lost[NOTHING] = MISSING
    inputs["resnet_1d"][NO_WAVEFORM] = MISSING
    folder = tmp_path_factory.mktemp("checkpoints")
    networks, histories, predictions = {}, [], []
    for architecture, values in inputs.items():
        for number, split in enumerate(split_folds(windows, params)):
            name = f"fold_{number}.{architecture}"
            checkpoint = CheckpointDataset(filepath=str(folder / f"{name}.npz")).load()
            model, history, held_out = train_fold(
                values.astype(np.float16), split, checkpoint, params, architecture=architecture
            )
            networks[name] = model.get_weights()
            histories.append(history)
            predictions.append(held_out)
    return params, windows, inputs, folder, networks, histories, predictions


def test_a_recipe_of_two_architectures_becomes_one_prediction_a_window(trained):
    params, windows, _, _, networks, histories, predictions = trained
    assert [len(history) for history in histories] == [3] * 4
    assert [history["network"].iloc[0] for history in histories] == list(networks)
    table = collect_network_predictions(*predictions)
    assert table["architecture"].tolist() == ["compact"] * len(windows) + ["resnet_1d"] * len(
        windows
    )
    split = split_folds(windows, params)[0]
    features = np.random.default_rng(1).normal(size=(len(windows), 5))
    baseline = predict_band_power(features, split)
    oof = collect_oof_predictions(table, baseline, params)
    assert oof["eeg_id"].tolist() == sorted(windows["eeg_id"])
    np.testing.assert_allclose(oof[list(PREDICTION_COLUMNS)].sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(oof[list(BAND_POWER_COLUMNS)].sum(axis=1), 1, atol=1e-6)
    blend = learn_blend(table, params)
    assert len(blend["weights"]) == 2
    assert len(blend["bias"]) == 6
    plain = modeling(STRONG, blend=False, network={"architecture": "compact+resnet_1d"})
    mean = collect_oof_predictions(table, baseline, plain)[list(PREDICTION_COLUMNS)].to_numpy()
    parts = [
        part.sort_values("eeg_id")[list(PREDICTION_COLUMNS)].to_numpy()
        for _, part in table.groupby("architecture")
    ]
    expected = np.sqrt(parts[0] * parts[1])
    np.testing.assert_allclose(mean, expected / expected.sum(axis=1, keepdims=True), rtol=1e-4)
    assert not np.allclose(oof[list(PREDICTION_COLUMNS)], mean)


def test_a_window_without_anything_is_predicted_to_be_its_folds_prior(trained):
    params, windows, *_, predictions = trained
    table = collect_network_predictions(*predictions)
    lost = table[table["input_missing"]]
    assert lost["eeg_id"].tolist() == [NOTHING, NOTHING, NO_WAVEFORM]
    assert lost["architecture"].tolist() == ["compact", "resnet_1d", "resnet_1d"]
    split = split_folds(windows, params)[0]
    features = np.random.default_rng(1).normal(size=(len(windows), 5))
    oof = collect_oof_predictions(table, predict_band_power(features, split), params)
    others = split[split["fold"] != split.loc[NOTHING, "fold"]]
    prior = others[list(VOTE_COLUMNS)].mean().to_numpy()
    predicted = oof.set_index("eeg_id")[list(PREDICTION_COLUMNS)]
    np.testing.assert_allclose(predicted.loc[NOTHING], prior, atol=1e-6)
    assert not np.allclose(predicted.loc[NO_WAVEFORM], prior, atol=1e-2)


def test_a_training_that_is_done_is_not_done_again(trained):
    params, windows, inputs, folder, networks, histories, _ = trained
    images = inputs["resnet_1d"].astype(np.float16)
    split = split_folds(windows, params)[1]
    checkpoint = CheckpointDataset(filepath=str(folder / "fold_1.resnet_1d.npz")).load()
    model, history, _ = train_fold(images, split, checkpoint, params, architecture="resnet_1d")
    assert history["seconds"].tolist() == histories[3]["seconds"].tolist()
    for ours, before in zip(model.get_weights(), networks["fold_1.resnet_1d"], strict=True):
        np.testing.assert_array_equal(ours, before)
    _, other, _ = train_fold(images[:, ::-1], split, checkpoint, params, architecture="resnet_1d")
    assert other["seconds"].tolist() != histories[3]["seconds"].tolist()
