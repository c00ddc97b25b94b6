"""Two runs in folders, of networks with random weights, from their files to what uses them."""

import json

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from hbac.datasets import (
    FigureDataset,
    KerasModelDataset,
    ParallelPartitionedDataset,
    RecordDataset,
    RunsDataset,
    TableDataset,
)
from hbac.eeg.votes import CLASSES, PREDICTION_COLUMNS, VOTE_COLUMNS
from hbac.pipelines.ensembling import create_pipeline
from hbac.pipelines.ensembling.params import EnsemblingParams
from hbac.pipelines.evaluation.params import EvaluationParams
from hbac.pipelines.explainability.networks import architectures_left_out, load_pools
from hbac.pipelines.inference.nodes import UNSEEN, predict_with_ensemble
from hbac.pipelines.inference.params import InferenceParams
from tests.conftest import recipe
from tests.pipelines.ensembles import ENSEMBLE, NETWORKS, predictions_table, windows_of

WAVEFORMS = np.empty(0)
RECORD = ENSEMBLE | {
    "classes": list(CLASSES),
    "prior": [1 / 6] * 6,
    "waveform": recipe("seed")["modeling"]["waveform"],
}
TURNED = RECORD | {"image": RECORD["image"] | {"eeg_order": "aligned"}, "mirror": True}


def write_run(folder, record, networks, seed):
    """What ``modeling`` would leave of two folds; the predictions are drawn."""
    random = np.random.default_rng(seed)
    votes = np.random.default_rng(0).multinomial(6, np.full(6, 1 / 6), 60) / 6
    table = predictions_table(votes, 6, np.arange(60) % 2).assign(
        **dict(zip(PREDICTION_COLUMNS, random.dirichlet(np.ones(6), 60).T, strict=True))
    )
    tables = {
        "07_model_output/oof_predictions": table,
        "07_model_output/network_predictions": table.assign(input_missing=False),
        "05_model_input/model_windows": table[["eeg_id", "window"]].assign(eeg_offset_seconds=0.0),
    }
    for path, content in tables.items():
        TableDataset(filepath=f"{folder}/{path}.parquet").save(content)
    RecordDataset(filepath=f"{folder}/06_models/ensemble.json").save(record)
    for name, load in networks.items():
        KerasModelDataset(filepath=f"{folder}/06_models/{name}.keras").save(load())
    return str(folder)


def catalog_of(folder, members):
    """As ``conf`` has it."""
    partitions = {"path": f"{folder}/06_models", "filename_suffix": ".keras"}
    partitions |= {"backend": "sequential"}
    made = {
        "members": RunsDataset(folders=members),
        "member_networks": ParallelPartitionedDataset(
            dataset="hbac.datasets.BytesDataset", **partitions
        ),
        "models": ParallelPartitionedDataset(
            dataset="hbac.datasets.KerasModelDataset", **partitions
        ),
        "ensemble": RecordDataset(filepath=f"{folder}/06_models/ensemble.json"),
        "oof_predictions": TableDataset(filepath=f"{folder}/oof_predictions.parquet"),
        "members_figure": FigureDataset(filepath=f"{folder}/members.png"),
        "params:ensembling": MemoryDataset(EnsemblingParams(pool="linear", tier="all")),
        "params:evaluation": MemoryDataset(
            EvaluationParams(draws=20, confidence=0.9, n_bins=5, seed=0)
        ),
    }
    return DataCatalog(made)


@pytest.fixture(scope="module")
def joined(networks, tmp_path_factory):
    """Runs whose pictures differ in the order of chains, joined."""
    folder = tmp_path_factory.mktemp("runs")
    members = [
        write_run(folder / "a", RECORD, networks, 1),
        write_run(folder / "b", TURNED, networks, 2),
    ]
    catalog = catalog_of(folder / "joined", members)
    SequentialRunner().run(create_pipeline(), catalog)
    return folder / "joined", catalog


def test_the_folder_of_an_ensemble_is_as_that_of_a_run(joined):
    folder, catalog = joined
    names = {f"{member}.{entry['name']}.keras" for member in "ab" for entry in NETWORKS}
    assert names | {"ensemble.json"} <= {file.name for file in (folder / "06_models").iterdir()}
    record = json.loads((folder / "06_models/ensemble.json").read_text())
    assert record["layouts"]["picture_2"]["image"]["eeg_order"] == "aligned"
    oof = pd.read_parquet(folder / "oof_predictions.parquet")
    np.testing.assert_allclose(oof[list(PREDICTION_COLUMNS)].sum(axis=1), 1)
    assert (folder / "members.png").stat().st_size > 10_000
    assert {f"{name}.keras" for name in catalog["models"].load()} == names


def predicted(images, networks, record, **others):
    table = predict_with_ensemble(
        images,
        WAVEFORMS,
        windows_of(predictions_table(np.eye(6), n_votes=3, fold=0)),
        networks,
        record,
        InferenceParams(batch_size=4),
        others,
    )
    return table[list(PREDICTION_COLUMNS)].to_numpy()


def test_the_ensemble_predicts_the_weighted_mean_of_its_members(joined, networks, images):
    """Each member is shown its own pictures, and mirrors them in its own way or not at all."""
    _, catalog = joined
    record = catalog["ensemble"].load()
    first, second = images[:6], images[6:12]
    apart = [predicted(first, networks, RECORD), predicted(second, networks, TURNED)]
    assert np.abs(apart[0] - apart[1]).max() > 1e-3
    expected = np.tensordot(record["blend"]["weights"], apart, axes=1)
    models = catalog["models"].load()
    joined_shares = predicted(first, models, record, picture_2=second)
    np.testing.assert_allclose(joined_shares, expected, atol=1e-6)


def test_maps_explain_the_members_that_see_the_first_ones_picture(joined):
    _, catalog = joined
    record, models = catalog["ensemble"].load(), catalog["models"].load()
    weight = record["blend"]["weights"][0]
    assert architectures_left_out(record) == ["b.compact"]
    windows = pd.DataFrame({"fold": [0, 1, UNSEEN]} | dict.fromkeys(VOTE_COLUMNS, 1 / 6))
    pools = [(rows.tolist(), pool.weights) for rows, pool in load_pools(windows, models, record)]
    assert pools == [([2], [weight / 2] * 2), ([0], [weight]), ([1], [weight])]
    same = record | {
        "networks": [entry | {"input": "picture"} for entry in record["networks"]],
    }
    (_, pool), *_ = load_pools(windows, models, same)
    assert sum(pool.weights) == pytest.approx(1)
    assert len(pool.networks) == 4
