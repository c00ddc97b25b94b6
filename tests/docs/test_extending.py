"""The worked examples of docs/extending.md."""

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest
from kedro.io import DatasetError
from keras import layers

from hbac import explain, models
from hbac.datasets import CheckpointDataset, EEGDataset, KerasModelDataset, LabelsDataset
from hbac.eeg import CHANNELS
from hbac.eeg.votes import CLASS_NAMES, PREDICTION_COLUMNS, VOTE_COLUMNS, VOTE_COUNT_COLUMNS
from hbac.explain.gradcam import gradcam
from hbac.explain.hirescam import hirescam
from hbac.models import inputs
from hbac.models.preprocessing import picture_layout, window_panels, window_picture
from hbac.models.reference import describe_pictures, reference_recording
from hbac.pipelines.explainability.faithfulness_nodes import check_randomisation, kinds
from hbac.pipelines.explainability.nodes import compute_activation_maps
from hbac.pipelines.modeling.nodes import split_folds
from hbac.pipelines.modeling.params import ModelingParams
from hbac.pipelines.modeling.training_nodes import train_fold
from hbac.pipelines.spectrogram.params import SpectrogramParams
from hbac.tracking.predictor import EnsemblePredictor
from tests.conftest import PROJECT, recipe
from tests.explain import test_methods
from tests.explain.networks import branching_network, counting_network
from tests.pipelines.ensembles import ENSEMBLE
from tests.pipelines.test_explainability import small_params

SIZE = (64, 64)
N = 24
SPECTROGRAM = SpectrogramParams(**recipe("seed")["spectrogram"])


def example(name):
    spec = importlib.util.spec_from_file_location(name, PROJECT / f"docs/examples/{name}.py")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def xgradcam():
    """The example's map, registered as long as these tests run."""
    explain.METHODS["xgradcam"] = method = example("new_cam").xgradcam
    yield method
    del explain.METHODS["xgradcam"]


@pytest.fixture(scope="module")
def architecture():
    """The name of the example's network, registered as long as these tests run."""
    models.register_architecture("convnext", example("new_architecture").convnext, sees="picture")
    yield "convnext"
    del inputs.ARCHITECTURES["convnext"], inputs.INPUTS["convnext"]


@pytest.fixture(scope="module")
def pictures():
    """A class brightens its own part of the picture."""
    images = np.random.default_rng(0).normal(0, 0.3, (N, *SIZE))
    for row, image in enumerate(images):
        image[10 * (row % 6) : 10 * (row % 6) + 10] += 1
    return images.astype(np.float16)


@pytest.fixture(scope="module")
def windows():
    table = pd.DataFrame({"eeg_id": range(N), "window": 0, "patient_id": range(N)})
    votes = pd.DataFrame(np.eye(6)[np.arange(N) % 6], columns=list(VOTE_COLUMNS))
    votes[list(VOTE_COUNT_COLUMNS)] = 3 * votes.astype(int)
    places = {"eeg_offset_seconds": 0.0, "spectrogram_offset_seconds": 0.0, "spectrogram_id": -1}
    return table.assign(n_votes=3, spectrogram_source="empty", **places).join(votes)


@pytest.fixture(scope="module")
def trained(architecture, windows, pictures, tmp_path_factory):
    """The example's network as the pipeline trains and saves it: what it predicts, and its file."""
    base = recipe("seed")["modeling"]
    params = ModelingParams(
        **base
        | {"n_folds": 2, "image": ENSEMBLE["image"]}
        | {"network": base["network"] | {"architecture": f"{architecture}+compact"}}
        | {"training": base["training"] | {"learning_rates": [1e-3, 1e-3], "batch_size": 6}}
    )
    split = split_folds(windows, params)[0]
    folder = tmp_path_factory.mktemp("models")
    checkpoint = CheckpointDataset(filepath=str(folder / "x.npz")).load()
    made = train_fold(pictures, split, checkpoint, params, architecture=architecture)
    file = KerasModelDataset(filepath=str(folder / "fold_0.x.keras"))
    file.save(made[0])
    return *made, file


def test_a_new_architecture_is_trained_like_any_other(trained):
    _, history, predictions, _ = trained
    assert history["network"].unique().tolist() == ["fold_0.convnext"]
    assert history["loss"].iloc[1] < history["loss"].iloc[0]
    assert len(predictions) == N / 2
    np.testing.assert_allclose(predictions[list(PREDICTION_COLUMNS)].sum(axis=1), 1, atol=1e-5)


def test_its_file_is_used_where_its_name_is_not_known(trained, pictures, monkeypatch):
    model, *_, file = trained
    monkeypatch.delitem(inputs.ARCHITECTURES, "convnext")
    monkeypatch.delitem(inputs.INPUTS, "convnext")
    expected = models.predict(model, pictures, batch_size=8)
    entry = {"name": "fold_0.x", "architecture": "convnext", "input": "picture", "fold": 0}
    record = ENSEMBLE | {"networks": [entry], "classes": list(CLASS_NAMES)}
    networks = {"fold_0.x": file.load}
    shares = models.predict_with_networks(
        networks, {"picture": pictures}, record, {"picture": None}, batch_size=8
    )
    np.testing.assert_allclose(shares, expected, atol=1e-5)
    # As MLflow serves it.
    folder = Path(file._filepath).parent
    record |= {"spectrogram": SPECTROGRAM.model_dump(mode="json", exclude={"policy", "dtype"})}
    layout = picture_layout(record)
    record |= {"reference": {"picture": describe_pictures(layout, SPECTROGRAM.settings)}}
    (folder / "ensemble.json").write_text(json.dumps(record))
    config = {"keras_backend": keras.backend.backend(), "most_windows": 2, "largest_mb": 1}
    context = SimpleNamespace(artifacts={"networks": str(folder)}, model_config=config)
    served = EnsemblePredictor()
    served.load_context(context)
    window = reference_recording().crop(0, 50)
    answer = served.predict(context, pd.DataFrame({"eeg": [window.data]}))
    picture = window_picture(None, window_panels(window, SPECTROGRAM.settings), layout)
    np.testing.assert_allclose(
        answer, models.predict(model, picture[None], batch_size=1), atol=1e-5
    )


def test_it_is_explained_by_every_map_and_these_are_tested(trained, pictures, windows, xgradcam):
    model = trained[0]
    assert list(explain.feature_layers(model).values()) == [(16, 16), (8, 8), (4, 4)]
    assert explain.last_feature_layer(model) == "features"
    methods = list(explain.METHODS.values())
    grids = [maps.shape[2:] for maps in explain.map_by_methods(methods, model, pictures[:2])]
    assert dict(zip(explain.METHODS, grids, strict=True)) == {
        **dict.fromkeys(("fusion", "layercam"), (16, 16)),
        **dict.fromkeys(("gradcam", "gradcam_plusplus", "hirescam", "eigencam"), (4, 4)),
        "xgradcam": (8, 8),
    }
    entry = {"name": "x", "architecture": "convnext", "input": "picture", "fold": 0}
    record = ENSEMBLE | {"networks": [entry | {"val_loss": 1.0}]}
    chosen = windows.head(6).assign(fold=0, row=range(6), predicted=range(6), random=True)
    inputs = pictures, np.empty(0)  # no network sees waveforms
    explained = chosen, *inputs, {"x": lambda: model}, record, small_params(method="xgradcam")
    assert np.abs(compute_activation_maps(*explained)).max(axis=(1, 2, 3)).all()
    assert set(check_randomisation(*explained)["maps"]) == {m.name for m in methods}
    assert "XGrad-CAM" in kinds()


@pytest.mark.parametrize(
    ("promise", "network"),
    [
        (test_methods.test_each_class_finds_its_own_planted_square, counting_network),
        (test_methods.test_finer_layers_classes_and_batches_can_be_chosen, branching_network),
        (test_methods.test_only_signed_maps_hold_what_speaks_against_a_class, branching_network),
        (test_methods.test_scores_and_not_probabilities_are_explained, counting_network),
        (test_methods.test_each_picture_can_have_a_class_of_its_own, branching_network),
        (test_methods.test_unusable_input_is_named, branching_network),
    ],
)
def test_a_new_map_keeps_what_every_map_promises(promise, network, xgradcam):
    promise(xgradcam, network())


def linear_network(kernel):
    """One feature, the picture itself, and a class that weighs its cells by a kernel."""
    image = keras.Input(kernel.shape, name="image")
    features = layers.Conv2D(1, 1, use_bias=False, name="features")(
        layers.Reshape((*kernel.shape, 1))(image)
    )
    logits = layers.Dense(6, use_bias=False, name="logits")(layers.Flatten()(features))
    model = keras.Model(image, layers.Softmax()(logits))
    model.get_layer("features").set_weights([np.ones((1, 1, 1, 1))])
    model.get_layer("logits").set_weights([np.outer(kernel.ravel(), np.eye(6)[0])])
    return model


def test_cells_count_for_the_weight_of_a_feature_by_their_value(xgradcam):
    """The slopes 2 and 4 under the values 1 and 3 are 3.5 in the mean, and 1.5 in a plain one."""
    model = linear_network(np.array([[2.0, 4.0], [0.0, 0.0]]))
    picture = np.array([[[1.0, 3.0], [0.0, 0.0]]])
    maps = xgradcam(model, picture, class_indices=[0])
    np.testing.assert_allclose(maps[0, 0], 3.5 * picture[0], rtol=1e-5)
    np.testing.assert_allclose(gradcam(model, picture)[0, 0], 1.5 * picture[0], rtol=1e-5)


def test_a_feature_whose_cells_cancel_gets_the_plain_mean(xgradcam):
    model = linear_network(np.array([[2.0, 4.0], [0.0, 0.0]]))
    picture = np.array([[[3.0, -3.0], [0.0, 0.0]]])
    maps = xgradcam(model, picture, class_indices=[0], signed=True)
    np.testing.assert_allclose(maps[0, 0], 1.5 * picture[0], rtol=1e-5)


def test_behind_a_relu_the_map_sums_up_to_what_hirescam_does(xgradcam, pictures):
    keras.utils.set_random_seed(0)
    model = models.build_model(architecture="compact", image_size=SIZE)
    assert xgradcam.layers(model) == ["features3"]
    chosen = {"layer": "features3", "signed": True}
    maps, others = xgradcam(model, pictures[:4], **chosen), hirescam(model, pictures[:4], **chosen)
    assert not np.allclose(maps, others, atol=1e-2 * np.abs(others).max())
    sums = others.sum(axis=(2, 3))
    np.testing.assert_allclose(maps.sum(axis=(2, 3)), sums, atol=1e-4 * np.abs(sums).max())


LABELS = {
    **{name: f"EEG {name}-REF" for name in CHANNELS},
    **{"Fp1": "FP1", "T3": "EEG T7-Ref", "T4": "T8", "T5": "EEG P7-LE", "T6": "p8", "EKG": "ECG"},
}


def sines(seconds, rate):
    """A sine a channel, the first of 1 Hz and 20 microvolts, the next of 2 Hz and 21 ..."""
    time = np.arange(seconds * rate) / rate
    return {
        label: (20 + number) * np.sin(2 * np.pi * (number + 1) * time)
        for number, label in enumerate(LABELS.values())
    }


def write_edf(path, signals, rate, *, unit="uV", scale=0.1):
    """Write records of one second; a step is ``scale`` of the unit."""
    n = len(signals)
    digital = np.stack([np.round(values / scale) for values in signals.values()]).astype("<i2")
    limits = [f"{scale * limit:.6g}" for limit in (-32768, 32767)]
    begin = [("0", 8), ("X X X X", 80), ("Startdate X X X X", 80), ("01.01.20", 8), ("00.00.00", 8)]
    begin += [(256 * (n + 1), 8), ("", 44), (digital.shape[1] // rate, 8), (1, 8), (n, 4)]
    columns = [(list(signals), 16), ([""] * n, 80), ([unit] * n, 8)]
    columns += [([limits[0]] * n, 8), ([limits[1]] * n, 8), ([-32768] * n, 8), ([32767] * n, 8)]
    columns += [([""] * n, 80), ([rate] * n, 8), ([""] * n, 32)]
    fields = begin + [(value, width) for values, width in columns for value in values]
    header = "".join(str(value).ljust(width) for value, width in fields)
    path.parent.mkdir(parents=True, exist_ok=True)
    records = digital.reshape(n, -1, rate).transpose(1, 0, 2)
    path.write_bytes(header.encode("latin-1") + records.tobytes())


@pytest.fixture(scope="module")
def edf():
    return example("edf_to_layout")


def test_the_example_reads_the_channels_as_microvolts_at_200_hz(edf, tmp_path):
    write_edf(tmp_path / "edf" / "a" / "one.EDF", sines(60, 256), 256)
    volts = {label: values / 1000 for label, values in sines(60, 200).items()}
    volts.pop("ECG")
    extra = {"Photic": volts["T8"], "Fp1-F7": volts["T8"]}
    write_edf(tmp_path / "edf" / "two.edf", volts | extra, 200, unit="mV", scale=1e-4)
    edf.main([str(tmp_path / "edf"), str(tmp_path / "raw")])
    table = LabelsDataset(filepath=str(tmp_path / "raw" / "test.csv"), votes=False).load()
    assert table.to_dict("list") == {
        "eeg_id": [1, 2],
        "patient_id": [1, 2],
        "spectrogram_id": [-1, -1],
    }
    # Resampling does not know what lies beyond the ends.
    inside = np.arange(200, 11_800)
    expected = np.stack(list(sines(60, 200).values()))[:, inside]
    for eeg_id, tolerance in ((1, 0.2), (2, 0.06)):
        path = tmp_path / "raw" / "test_eegs" / f"{eeg_id}.parquet"
        recording = EEGDataset(filepath=str(path)).load()
        assert recording.channels == CHANNELS
        assert recording.data.shape == (20, 60 * 200)
        n = 20 if eeg_id == 1 else 19
        np.testing.assert_allclose(recording.data[:n, inside], expected[:n], atol=tolerance)
    assert np.isnan(recording.data[19]).all()


def test_a_long_recording_is_a_row_every_ten_minutes(edf, tmp_path):
    write_edf(tmp_path / "long.edf", sines(1250, 50), 50)
    edf.convert(tmp_path, tmp_path / "raw")
    table = pd.read_csv(tmp_path / "raw" / "test_recordings.csv")
    assert table["start_seconds"].tolist() == [0, 600]
    assert table["seconds"].tolist() == [300, 900]
    path = tmp_path / "raw" / "test_eegs" / "2.parquet"
    assert EEGDataset(filepath=str(path)).load().duration == 600


def test_labels_keep_their_moments_and_votes(edf, tmp_path):
    moments = [30, 640, 1225]
    signals = sines(1250, 50)
    for moment in moments:
        signals["EEG Fz-REF"][50 * moment - 25 : 50 * moment + 25] = 1000
    write_edf(tmp_path / "long.edf", signals, 50)
    votes = pd.DataFrame(3 * np.eye(6, dtype=int)[[0, 3, 5]], columns=list(VOTE_COLUMNS))
    labels = votes.assign(file="long.edf", patient_id=7, seconds=moments)
    labels.to_csv(tmp_path / "labels.csv", index=False)
    edf.main([str(tmp_path), str(tmp_path / "raw"), "--labels", str(tmp_path / "labels.csv")])
    table = LabelsDataset(filepath=str(tmp_path / "raw" / "train.csv"), votes=True).load()
    assert table["expert_consensus"].tolist() == [CLASS_NAMES[k] for k in (0, 3, 5)]
    assert table["patient_id"].tolist() == [7] * 3
    for row in table.itertuples():
        path = tmp_path / "raw" / "train_eegs" / f"{row.eeg_id}.parquet"
        window = EEGDataset(filepath=str(path)).load().crop(row.eeg_label_offset_seconds, 50)
        high = np.flatnonzero(window.pick(("Fz",)).data[0] > 500) / 200
        assert (high.min(), high.max()) == pytest.approx((24.5, 25.5), abs=0.05)


def test_what_is_odd_about_a_file_is_said_and_the_rest_is_read(edf, tmp_path, caplog):
    signals = sines(50, 100) | {"T4": np.zeros(5000)}
    del signals["p8"]
    write_edf(tmp_path / "edf" / "one.edf", signals, 100, unit="")
    with caplog.at_level("INFO"):
        edf.convert(tmp_path / "edf", tmp_path / "raw")
    assert "missing T6" in caplog.text
    assert "'T4' and 'T8' are both T4: 'T8' is read" in caplog.text
    assert "the unit is not stated" in caplog.text
    data = EEGDataset(filepath=str(tmp_path / "raw" / "test_eegs" / "1.parquet")).load().data
    assert np.flatnonzero(np.isnan(data).all(axis=1)).tolist() == [CHANNELS.index("T6")]
    expected = np.stack(list(sines(50, 200).values()))[0, 200:-200]
    np.testing.assert_allclose(data[0, 200:-200], expected, atol=0.2)


@pytest.mark.parametrize(
    ("kept", "factor", "message"),
    [
        (6, 1, r"one\.edf: too few electrodes.*Missing: .*Fp2"),
        (20, 50, r"one\.edf: the unit is not stated"),
    ],
)
def test_files_that_can_not_be_used_are_named(edf, kept, factor, message, tmp_path, capsys):
    signals = {name: factor * each for name, each in list(sines(50, 100).items())[:kept]}
    write_edf(tmp_path / "edf" / "one.edf", signals, 100, unit="")
    raw = tmp_path / "raw"
    with pytest.raises(SystemExit, match="1"):
        edf.main([str(tmp_path / "edf"), str(raw)])
    assert re.search(message, capsys.readouterr().err)
    assert not (raw / "test.csv").exists()


def test_what_is_no_recording_or_no_moment_of_one_is_named(edf, tmp_path):
    raw = tmp_path / "raw"
    with pytest.raises(DatasetError, match="holds no recording"):
        edf.convert(tmp_path, raw)
    (tmp_path / "broken.edf").write_text("0       nothing")
    with pytest.raises(ValueError, match=r"broken\.edf: it holds 15 bytes"):
        edf.convert(tmp_path, raw)
    write_edf(tmp_path / "broken.edf", sines(40, 100), 100)
    with pytest.raises(ValueError, match=r"broken\.edf must last 50 s or more, it has 40 s"):
        edf.convert(tmp_path, raw)
    write_edf(tmp_path / "broken.edf", sines(60, 100), 100)
    labels = tmp_path / "labels.csv"
    labels.write_text(f"{','.join(edf.LABEL_COLUMNS)}\nbroken.edf,1,40,1,0,0,0,0,0\n")
    with pytest.raises(ValueError, match=r"broken\.edf has no 25 s .* second 40"):
        edf.convert(tmp_path, raw, labels)
    labels.write_text("file\n")
    with pytest.raises(ValueError, match=r"labels\.csv lacks the columns \['patient_id'"):
        edf.convert(tmp_path, raw, labels)
    edf.convert(tmp_path, raw)
    with pytest.raises(ValueError, match=r"test\.csv exists already"):
        edf.convert(tmp_path, raw)
