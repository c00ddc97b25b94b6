"""The project as its user meets it: commands in, files out."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from hbac import models
from hbac.datasets import EEGDataset
from hbac.eeg.votes import BAND_POWER_COLUMNS, PREDICTION_COLUMNS, VOTE_COLUMNS, VOTE_COUNT_COLUMNS
from hbac.pipelines.modeling.nodes import describe_ensemble
from hbac.pipelines.modeling.params import ModelingParams
from hbac.pipelines.spectrogram.params import SpectrogramParams
from tests.browser import open_page, served
from tests.conftest import PROJECT, recipe
from tests.services import end_of, kill, start_run, wait_until

_PREVIEWED = tuple(f"datasets.{kind}." for kind in ("table", "figure", "record", "keras_model"))

_PIPELINES = {
    *("simulation", "eda", "conversion", "spectrogram", "modeling", "ensembling", "evaluation"),
    *("explainability", "reporting", "inference", "external_validation", "pretraining", "demo"),
    *("recordings", "__default__"),
}

SMALLEST = {
    "demo.simulation.patients": 4,
    "demo.simulation.test_patients": 3,
    "demo.modeling.n_folds": 2,
    "demo.modeling.network.architecture": "compact",
    "demo.modeling.image.panel_height": 16,
    "demo.modeling.image.panel_width": 32,
    "demo.modeling.training.batch_size": 8,
    "demo.explainability.random_per_class": 1,
    "demo.explainability.errors": 1,
    "demo.explainability.figures_per_class": 1,
    "demo.explainability.faithfulness.subsets": 4,
    "demo.explainability.randomisation.windows": 2,
    "demo.explainability.planted.windows": 3,
}

NOTING = """
import pathlib, sys

_folder = pathlib.Path(__file__).parent


def _callers(frame):
    while frame is not None:
        yield frame.f_code.co_name
        frame = frame.f_back


def _note(event, arguments):
    if event != "open" or arguments[1] != "r" or "_eegs/" not in str(arguments[0]):
        return
    # Others ask for its length, which stands at its end, or tell data sets from each other.
    if "read_columns" in _callers(sys._getframe()):
        with (_folder / "opened").open("a") as lines:
            lines.write(f"{arguments[0]}\\n")


sys.addaudithook(_note)
"""
"""Python runs it at its start, wherever it is on the path."""


def kedro_run(*arguments, **params):
    """Run ``kedro run`` as a user would; returns its exit status and all that it printed."""
    return end_of(start_run(*arguments, **params))


def listing(folder):
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("demo")
    return {"raw_dir": root / "01_raw", "data_dir": root}


@pytest.fixture(scope="session")
def opened(tmp_path_factory):
    """Where it is noted which EEG files every process of the demo reads."""
    folder = tmp_path_factory.mktemp("opened")
    (folder / "sitecustomize.py").write_text(NOTING)
    return folder


@pytest.fixture(scope="session")
def demo(folders, opened):
    """What the demo printed; its files lie in data_dir."""
    store = f"sqlite:///{folders['data_dir'] / 'mlflow.db'}"
    os.environ["MLFLOW_TRACKING_URI"] = store
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(opened), prepend=os.pathsep)
        status, printed = kedro_run("--pipeline", "demo", **folders, **SMALLEST)
    assert status == 0, printed
    yield printed
    del os.environ["MLFLOW_TRACKING_URI"]


def test_it_names_what_it_made_and_where_to_look_next(demo, folders):
    named = [line.strip() for line in demo.partition("Made:")[2].partition("Look next:")[0].split()]
    paths = [name for name in named if name.startswith(str(folders["data_dir"]))]
    assert len(paths) > 40
    assert [path for path in paths if not os.path.exists(path)] == []
    assert "kedro viz run" in demo
    assert "mlflow ui" in demo


def test_the_report_of_a_first_run_says_that_its_data_are_simulated(demo, folders):
    report = (folders["data_dir"] / "08_reporting/report.html").read_text()
    assert "simulated by hbac" in report
    assert "as it was given" not in report


def test_conversion_leaves_every_value_as_it_was(demo, folders):
    raw = sorted((folders["raw_dir"] / "train_spectrograms").glob("*.parquet"))
    assert raw
    for file in raw:
        array = np.load(folders["data_dir"] / f"02_intermediate/spectrograms/{file.stem}.npy")
        expected = pd.read_parquet(file).iloc[:, 1:].to_numpy()
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, expected)


def test_every_labelled_eeg_has_its_spectrograms(demo, folders):
    labels = pd.read_csv(folders["raw_dir"] / "train.csv")
    for eeg_id in labels["eeg_id"].unique():
        array = np.load(folders["data_dir"] / f"04_feature/eeg_spectrograms/{eeg_id}.npy")
        assert array.shape == (1, 128, 256, 4)
        missing = np.isnan(array)
        np.testing.assert_array_equal(missing.all(axis=1), missing.any(axis=1))
        assert not missing.all()


@pytest.mark.parametrize(
    ("split", "times"),
    [
        # The sample of eda, and all that networks see, the shipped ones too.
        ("train", 2),
        ("test", 1),
    ],
)
def test_an_eeg_that_no_figure_shows_is_read_once_for_networks(demo, folders, opened, split, times):
    read = Counter(Path(name) for name in (opened / "opened").read_text().splitlines())
    files = [*(folders["raw_dir"] / f"{split}_eegs").glob("*.parquet")]
    assert min(read[file] for file in files) == times


def test_every_window_is_predicted_once_by_a_network_that_has_not_seen_its_patient(demo, folders):
    oof = pd.read_parquet(folders["data_dir"] / "07_model_output/oof_predictions.parquet")
    required = {"eeg_id", "patient_id", "fold", "n_votes", *VOTE_COLUMNS, *PREDICTION_COLUMNS}
    assert required <= set(oof)
    assert not oof["eeg_id"].duplicated().any()
    assert not oof[["patient_id", "fold"]].drop_duplicates()["patient_id"].duplicated().any()
    np.testing.assert_allclose(oof[list(PREDICTION_COLUMNS)].sum(axis=1), 1, atol=1e-4)
    np.testing.assert_allclose(oof[list(VOTE_COLUMNS)].sum(axis=1), 1)


def test_scores_are_those_of_the_predictions(demo, folders):
    metrics = json.loads((folders["data_dir"] / "08_reporting/metrics.json").read_text())
    oof = pd.read_parquet(folders["data_dir"] / "07_model_output/oof_predictions.parquet")
    votes, predictions = (
        oof[list(VOTE_COLUMNS)].to_numpy(),
        oof[list(PREDICTION_COLUMNS)].to_numpy(),
    )
    terms = np.where(votes > 0, votes * np.log(np.where(votes > 0, votes, 1) / predictions), 0)
    assert metrics["kl"]["all"]["model"] == pytest.approx(terms.sum(axis=1).mean(), rel=1e-5)


def test_every_chosen_window_is_explained_in_words_shares_and_a_figure(demo, folders):
    explained = folders["data_dir"] / "07_model_output/explanations"
    windows = pd.read_parquet(explained / "explained_windows.parquet")
    evidence = pd.read_parquet(explained / "evidence.parquet")
    importance = pd.read_parquet(explained / "importance.parquet")
    assert len(evidence) == 6 * len(windows)
    assert evidence["sentence"].str.contains(" Hz, |no evidence").all()
    np.testing.assert_allclose(
        importance.groupby(["eeg_id", "window", "class"], observed=True)["share"].sum(),
        1,
        atol=1e-3,
    )
    folder = folders["data_dir"] / "08_reporting/explanations/windows"
    drawn = windows[windows["drawn"]][["eeg_id", "window"]]
    predicted = evidence[evidence["predicted"]].merge(drawn)
    names = {
        f"{row['class'].lower()}_{row.eeg_id}_{row.window}.png" for _, row in predicted.iterrows()
    }
    assert {file.name for file in folder.glob("*.png")} == names


def test_the_tests_of_the_maps_are_reported_and_logged(demo, folders):
    record = json.loads((folders["data_dir"] / "08_reporting/explanations.json").read_text())
    assert record["method"] == "Fusion"
    client = mlflow.MlflowClient(f"sqlite:///{folders['data_dir'] / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("hbac").experiment_id
    (parent,) = client.search_runs([experiment], "attributes.run_name = 'seed compact demo 1'")
    road = record["faithfulness"]["ROAD"]["Fusion"]["value"]
    assert parent.data.metrics["faithfulness.ROAD.Fusion"] == pytest.approx(road)
    assert parent.data.metrics["planted.chance"] == pytest.approx(record["planted"]["chance"])
    logged = {file.path for file in client.list_artifacts(parent.info.run_id, "figures")}
    assert "figures/faithfulness_figure.png" in logged


def test_the_submission_has_the_competitions_form(demo, folders):
    submission = pd.read_csv(folders["data_dir"] / "07_model_output/submission.csv")
    test = pd.read_csv(folders["raw_dir"] / "test.csv")
    assert list(submission) == ["eeg_id", *VOTE_COLUMNS]
    assert submission["eeg_id"].tolist() == test["eeg_id"].tolist()
    predictions = pd.read_parquet(folders["data_dir"] / "07_model_output/predictions.parquet")
    assert set(predictions["spectrogram_source"]) == {"file", "computed", "empty"}
    assert "without a spectrogram file get one computed from their EEG" in demo


def test_the_runs_are_in_mlflow(demo, folders):
    client = mlflow.MlflowClient(f"sqlite:///{folders['data_dir'] / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("hbac").experiment_id
    runs = {run.info.run_name: run for run in client.search_runs([experiment])}
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    parent = runs.pop("seed compact demo 1")
    assert set(runs) == {"fold_0.compact", "fold_1.compact"}
    assert parent.data.params["modeling.network.architecture"] == "compact"
    assert "kl.all.model" in parent.data.metrics
    assert "system/cpu_utilization_percentage" in parent.data.metrics
    for name, run in runs.items():
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        losses = client.get_metric_history(run.info.run_id, "val_loss")
        epochs = pd.read_csv(
            folders["data_dir"] / f"06_models/{name.replace('.', '_')}_history.csv"
        )
        scored = epochs["val_loss"].dropna()
        # By the last epoch alone, of which the weights are kept.
        assert len(scored) == 1
        assert [loss.value for loss in losses] == pytest.approx(scored.tolist())


def test_the_registered_ensemble_predicts_what_inference_did(demo, folders):
    mlflow.set_tracking_uri(f"sqlite:///{folders['data_dir'] / 'mlflow.db'}")
    ensemble = mlflow.pyfunc.load_model("models:/hbac/1")
    predictions = pd.read_parquet(folders["data_dir"] / "07_model_output/predictions.parquet")
    # Of the others, networks see 10 minutes of spectrogram, and a window of EEG has none.
    predictions = predictions[predictions["spectrogram_source"] == "empty"]
    assert len(predictions)
    eegs = [
        EEGDataset(filepath=str(folders["raw_dir"] / f"test_eegs/{eeg_id}.parquet")).load()
        for eeg_id in predictions["eeg_id"]
    ]
    windows = [eeg.crop((eeg.duration - 50) / 2, 50).data for eeg in eegs]
    ours = ensemble.predict(pd.DataFrame({"eeg": windows}))
    np.testing.assert_allclose(ours, predictions[list(PREDICTION_COLUMNS)], atol=1e-5)


@pytest.fixture(scope="session")
def viz(demo, folders, tmp_path_factory):
    """What ``kedro viz build`` makes of the demo, in a folder that is a project."""
    root = tmp_path_factory.mktemp("viz")
    for name in ("conf", "src"):
        shutil.copytree(PROJECT / name, root / name)
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(PROJECT / name, root)
    (root / "data").symlink_to(folders["data_dir"])
    command = [sys.executable, "-m", "kedro", "viz", "build", "--include-previews"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return root / "build"


def test_kedro_viz_shows_every_pipeline_and_a_figure_in_a_browser(viz, tmp_path):
    with served(viz) as address:
        page = open_page(
            f"{address}/?pid=demo&sn=reliability_figure", tmp_path, until="data:image/png"
        )
    assert {file.name for file in (viz / "api/pipelines").iterdir()} == _PIPELINES
    for name in _PIPELINES:
        assert f'class="menu-option__content" title="{name}"' in page
    for name in ("simulation", "eda", "modeling", "explainability", "reporting"):
        assert f">{name}</text>" in page
    for layer in ("01_raw", "03_primary", "05_model_input", "08_reporting"):
        assert f">{layer}</li>" in page
    picture = re.search('src="data:image/png;base64,([^"]{1000,})"', page)[1]
    folder = viz.parent / "data/08_reporting/scores"
    assert base64.b64decode(picture) == (folder / "reliability.png").read_bytes()


def test_kedro_viz_shows_layers_in_the_order_of_the_folders(viz):
    for file in (viz / "api/pipelines").iterdir():
        shown = json.loads(file.read_text())
        present = {node["layer"] for node in shown["nodes"] if node.get("layer")}
        order = [layer for layer in shown["layers"] if layer in present]
        assert order == sorted(present), file.name


def test_kedro_viz_previews_every_table_record_figure_and_network(viz):
    nodes = [json.loads(file.read_text()) for file in (viz / "api/nodes").iterdir()]
    made = [
        node
        for node in nodes
        if os.path.isfile(node.get("filepath") or "")
        and node.get("type", "").startswith(_PREVIEWED)
    ]
    assert len(made) > 60
    assert [node["filepath"] for node in made if not node.get("preview")] == []


def test_a_second_run_makes_nothing_again(demo, folders):
    before = listing(folders["data_dir"])
    status, printed = kedro_run(
        "--pipeline", "demo", "--only-missing-outputs", **folders, **SMALLEST
    )
    assert status == 0, printed
    assert "Nothing to do: every output is there." in printed
    after = listing(folders["data_dir"])
    changed = [name for name in after if name not in before or after[name] != before[name]]
    assert [name for name in changed if name != ".hbac-raw-dir.json" and "mlflow" not in name] == []


@pytest.mark.slow
def test_partitions_are_not_made_twice_and_changed_ones_are(demo, folders):
    status, printed = kedro_run(
        "--pipeline", "demo", "--to-outputs", "model_input", **folders, **SMALLEST
    )
    assert status == 0, printed
    for line in ("train_eegs", "train_spectrograms", "spectrograms", "eeg_spectrograms"):
        assert f" {line}: 0 of " in printed


@pytest.fixture
def real(demo, folders, iiic, tmp_path):
    """Run a pipeline on the real windows, with the demo's networks."""
    before = listing(iiic)

    def run(pipeline):
        params = {
            "raw_dir": iiic,
            "data_dir": tmp_path / "iiic",
            "models_dir": folders["data_dir"] / "06_models",
            "eda.sample_size": 4,
            "eda.windows_per_class": 1,
            "explainability.random_per_class": 1,
            "explainability.errors": 1,
            "explainability.figures_per_class": 1,
            "explainability.planted.windows": 3,
        }
        status, printed = kedro_run("--pipeline", pipeline, **params)
        assert status == 0, printed
        return printed

    yield run
    assert listing(iiic) == before


@pytest.mark.slow
def test_real_eeg_goes_through_every_pipeline(real, tmp_path):
    printed = real("external_validation")
    reporting = tmp_path / "iiic/08_reporting"
    metrics = json.loads((reporting / "metrics.json").read_text())
    assert metrics["n_windows"] == 22
    assert metrics["kl"]["all"]["uniform"] == pytest.approx(1.447, abs=1e-3)
    predictions = pd.read_parquet(tmp_path / "iiic/07_model_output/predictions.parquet")
    assert predictions["spectrogram_source"].value_counts().to_dict() == {"empty": 12, "file": 10}
    assert "12 of 22 windows without a spectrogram file have too little EEG" in printed
    evidence = pd.read_parquet(tmp_path / "iiic/07_model_output/explanations/evidence.parquet")
    figures = list((reporting / "explanations/windows").glob("*.png"))
    assert len(evidence) >= len(figures) * 6 >= 36


@pytest.fixture
def of_eeg_alone(tmp_path):
    """A folder of two networks that see the EEG itself and have learnt nothing."""
    chosen = recipe("simulation")
    params = ModelingParams(**chosen["modeling"])
    names = ["fold_0.symmetric_1d", "fold_1.symmetric_1d"]
    folder = tmp_path / "models"
    folder.mkdir()
    for name in names:
        network = models.build_model(
            architecture="symmetric_1d",
            image_size=(16, params.waveform.layout.size[1]),
            pooling=params.network.pooling,
            input_scale=params.waveform.scale,
        )
        network.save(folder / f"{name}.keras")
    history = pd.DataFrame({"network": names, "kept": True, "val_loss": 1.0})
    windows = pd.DataFrame(1 / 6, [0], list(VOTE_COLUMNS)).assign(held_out=False, n_votes=6)
    blend = {"weights": [1.0], "bias": [0.0] * 6}
    spectrogram = SpectrogramParams(**chosen["spectrogram"])
    record = describe_ensemble(history, blend, windows, params, spectrogram)
    (folder / "ensemble.json").write_text(json.dumps(record))
    return folder


@pytest.mark.slow
def test_networks_of_eeg_alone_are_validated_and_explained(demo, folders, of_eeg_alone, tmp_path):
    params = {
        "raw_dir": folders["raw_dir"],
        "data_dir": tmp_path / "data",
        "models_dir": of_eeg_alone,
        "explainability.random_per_class": 1,
        "explainability.figures_per_class": 1,
        "explainability.planted.windows": 3,
    }
    status, printed = kedro_run("--pipeline", "external_validation", **params)
    assert status == 0, printed
    scores = json.loads((tmp_path / "data/08_reporting/explanations.json").read_text())
    assert scores["input"] == "waveform"
    explained = tmp_path / "data/07_model_output/explanations"
    evidence = pd.read_parquet(explained / "evidence.parquet")
    assert evidence["seconds_low"].notna().any()
    assert evidence["hertz_low"].isna().all()
    maps = np.load(explained / "activation_maps.npy")
    assert maps.shape[1:] == (6, 16, 100)
    assert list((tmp_path / "data/08_reporting/explanations/windows").glob("*.png"))
    report = (tmp_path / "data/08_reporting/report.html").read_text()
    assert "where in the EEG the networks found evidence" in report


def test_without_raw_data_it_says_what_to_type(tmp_path):
    status, printed = kedro_run(raw_dir=tmp_path / "nowhere", data_dir=tmp_path / "data")
    assert status != 0
    assert "nowhere/train.csv" in printed
    assert "kedro run --pipeline demo" in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"modelling.n_folds": 3}, "did you mean modeling"),
        ({"eda.sample_sizes": 3}, "sample_sizes"),
        ({"eda.sample_size": "many"}, "sample_size"),
        ({"recipe": "weak"}, "one of ['seed', 'simulation', 'strong'], received 'weak'"),
    ],
)
def test_a_typo_in_the_parameters_fails_before_the_first_node(params, message, iiic, tmp_path):
    status, printed = kedro_run("--pipeline", "eda", raw_dir=iiic, data_dir=tmp_path, **params)
    assert status != 0
    assert message in printed
    assert "[1/" not in printed


def test_a_simulation_never_writes_into_a_foreign_raw_dir(tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "train.csv").write_text("precious")
    status, printed = kedro_run("--pipeline", "simulation", raw_dir=raw, data_dir=tmp_path / "data")
    assert status != 0
    assert "never writes to such" in printed
    assert [entry.name for entry in raw.iterdir()] == ["train.csv"]


@pytest.mark.slow
def test_a_broken_and_a_missing_file_are_set_aside_and_the_rest_go_on(demo, folders, tmp_path):
    raw = tmp_path / "raw"
    (raw / "train_eegs").mkdir(parents=True)
    (raw / "train.csv").write_bytes((folders["raw_dir"] / "train.csv").read_bytes())
    for file in (folders["raw_dir"] / "train_eegs").glob("*.parquet"):
        os.link(file, raw / "train_eegs" / file.name)
    broken, missing, *rest = sorted((raw / "train_eegs").glob("*.parquet"))
    for file in (broken, missing):
        file.unlink()
    broken.write_text("Fp1,F3\n1,2\n")
    paths = {"raw_dir": raw, "data_dir": tmp_path / "data"}
    status, printed = kedro_run("--pipeline", "spectrogram", **paths)
    assert status == 0, printed
    failures = pd.read_csv(tmp_path / "data/04_feature/eeg_spectrograms_failures.csv", dtype=str)
    reasons = failures.set_index("partition")["reason"]
    assert reasons.keys().tolist() == [broken.stem, missing.stem]
    assert "is not a readable parquet file" in reasons[broken.stem]
    assert f"names eeg_id {missing.stem}, and there is no such file" in reasons[missing.stem]
    made = list((tmp_path / "data/04_feature/eeg_spectrograms").glob("*.npy"))
    assert len(made) == len(rest)


@pytest.mark.slow
def test_one_fold_that_is_killed_and_run_again_alone_gives_what_it_gave(demo, folders):
    file = folders["data_dir"] / "07_model_output/folds/fold_1_compact_predictions.parquet"
    history = folders["data_dir"] / "06_models/fold_1_compact_history.csv"
    checkpoint = folders["data_dir"] / "06_models/checkpoints/fold_1.compact.npz"
    before, epochs = pd.read_parquet(file), pd.read_csv(history).drop(columns="seconds")
    checkpoint.unlink()
    alone = ("--pipeline", "demo", "--namespaces", "modeling.fold_1")
    run = start_run(*alone, **folders, **SMALLEST)
    wait_until(checkpoint.exists)
    kill(run)
    status, printed = kedro_run(*alone, **folders, **SMALLEST)
    assert status == 0, printed
    assert "[1/1] modeling.fold_1.compact.train_fold" in printed
    assert "Going on after epoch" in printed
    pd.testing.assert_frame_equal(pd.read_parquet(file), before, rtol=1e-4, atol=1e-6)
    again = pd.read_csv(history).drop(columns="seconds")
    pd.testing.assert_frame_equal(again, epochs, rtol=1e-4, atol=1e-6)


def test_predictions_from_elsewhere_are_scored(demo, folders, tmp_path):
    table = pd.read_parquet(folders["data_dir"] / "07_model_output/oof_predictions.parquet")
    columns = ["eeg_id", "patient_id", "fold", "n_votes", *VOTE_COLUMNS, *PREDICTION_COLUMNS]
    columns += [*VOTE_COUNT_COLUMNS, *BAND_POWER_COLUMNS]
    table[columns].to_parquet(tmp_path / "mine.parquet")
    paths = {"oof_predictions": tmp_path / "mine.parquet", "data_dir": tmp_path / "data"}
    status, printed = kedro_run("--pipeline", "evaluation", **paths)
    assert status == 0, printed
    theirs = json.loads((tmp_path / "data/08_reporting/metrics.json").read_text())
    ours = json.loads((folders["data_dir"] / "08_reporting/metrics.json").read_text())
    assert theirs == ours


def test_wiring_every_pipeline_loads_neither_keras_nor_mlflow():
    code = (
        "import sys; from pathlib import Path; from kedro.framework.project import pipelines; "
        "from kedro.framework.startup import bootstrap_project; bootstrap_project(Path.cwd()); "
        "print(len(pipelines), {'keras', 'tensorflow', 'mlflow'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(len(_PIPELINES)), "set()"]
