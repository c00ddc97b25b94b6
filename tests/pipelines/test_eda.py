import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pydantic
import pytest
from kedro.io import DataCatalog, DatasetError, MemoryDataset
from kedro.runner import SequentialRunner
from matplotlib.figure import Figure

from hbac.eeg import CHANNELS, Recording
from hbac.eeg.votes import VOTE_COLUMNS
from hbac.pipelines.eda import create_pipeline
from hbac.pipelines.eda.label_nodes import count_labels
from hbac.pipelines.eda.params import EdaParams
from hbac.pipelines.eda.signal_nodes import (
    choose_example,
    measure_missing_data,
    plot_example_eeg,
    plot_example_spectrogram,
    tabulate_missing_data,
)

IIIC = Path(__file__).resolve().parents[2] / ".." / "shared" / "iiic"
PARAMS = EdaParams(seed=0, sample_size=2, example_eeg_id=None)
FIGURES = {
    "eda_class_distribution_figure",
    "eda_label_offsets_figure",
    "eda_vote_agreement_figure",
    "eda_missing_data_figure",
    "eda_example_eeg_figure",
    "eda_example_spectrogram_figure",
}
TABLES = {"eda_counts_table", "eda_missing_data_table"}


def _label(eeg, offset, spectrogram, patient, consensus, votes):
    row = {
        "eeg_id": eeg,
        "eeg_label_offset_seconds": offset,
        "spectrogram_id": spectrogram,
        "spectrogram_label_offset_seconds": offset,
        "patient_id": patient,
        "expert_consensus": consensus,
    }
    return row | dict(zip(VOTE_COLUMNS, votes, strict=True))


@pytest.fixture
def labels():
    """Two patients, three EEGs of 60, 50 and 50 s, of which the last has no spectrogram."""
    return pd.DataFrame(
        [
            _label(1, 0.0, 7, 11, "LPD", [0, 3, 0, 0, 0, 0]),
            _label(1, 10.0, 7, 11, "LPD", [0, 5, 0, 0, 0, 1]),
            _label(2, 0.0, 7, 11, "GPD", [0, 0, 5, 0, 0, 0]),
            _label(3, 0.0, -1, 12, "Seizure", [2, 0, 0, 0, 0, 2]),
        ]
    )


def _recording(seconds, missing=()):
    data = np.random.default_rng(0).normal(0, 30, (len(CHANNELS), 200 * seconds))
    for name in missing:
        data[CHANNELS.index(name)] = np.nan
    return Recording(data.astype(np.float32), CHANNELS)


@pytest.fixture
def eegs():
    return {
        "1": lambda: _recording(60),
        "2": lambda: _recording(50, ["Cz"]),
        "3": lambda: _recording(50, CHANNELS),
    }


@pytest.fixture
def spectrograms():
    return {"7": lambda: np.ones((305, 400), np.float32)}


def _run(labels, eegs, spectrograms, params=PARAMS):
    inputs = {
        "train_labels": labels,
        "train_eegs": eegs,
        "train_spectrograms": spectrograms,
        "params:eda": params,
    }
    catalog = DataCatalog({name: MemoryDataset(data) for name, data in inputs.items()})
    outputs = SequentialRunner().run(create_pipeline(), catalog)
    return {name: output.load() for name, output in outputs.items()}


def _value(counts, quantity):
    return counts.set_index("quantity")["value"][quantity]


def test_counts_in_closed_form(labels, eegs, spectrograms):
    del eegs["3"]
    counts = count_labels(labels, eegs, spectrograms)
    assert dict(zip(counts["quantity"], counts["value"], strict=True)) == {
        "patients": 2,
        "eegs": 3,
        "spectrograms": 1,
        "labels": 4,
        "labels_without_spectrogram": 1,
        "votes": 18,
        "fewest_votes": 3,
        "most_votes": 6,
        "eeg_seconds": 160,
        "eeg_files": 2,
        "eegs_without_file": 1,
        "spectrogram_files": 1,
        "spectrograms_without_file": 0,
    }


def test_missing_shares_are_exact(eegs):
    shares = measure_missing_data(eegs, PARAMS.model_copy(update={"sample_size": 9}))
    assert shares.index.tolist() == ["1", "2", "3"]
    assert shares.loc["1"].sum() == 0
    assert shares.loc["2"].loc[lambda share: share > 0].to_dict() == {"Cz": 1.0}
    assert (shares.loc["3"] == 1).all()
    table = tabulate_missing_data(shares).set_index("channel")
    assert table.index.tolist() == list(CHANNELS)
    assert table.loc["Cz"].tolist() == pytest.approx([3, 2 / 3, 1, 2, 2])
    assert table.loc["Fz"].tolist() == pytest.approx([3, 1 / 3, 1, 1, 1])


def test_no_more_eegs_are_read_than_the_sample_holds():
    read = []
    eegs = {str(key): lambda key=key: read.append(key) or _recording(1) for key in range(20)}
    shares = measure_missing_data(eegs, PARAMS)
    assert len(read) == len(shares) == PARAMS.sample_size
    assert shares.index.tolist() == measure_missing_data(eegs, PARAMS).index.tolist()
    other = PARAMS.model_copy(update={"seed": 1})
    assert shares.index.tolist() != measure_missing_data(eegs, other).index.tolist()


def test_channel_that_an_eeg_lacks_counts_as_missing():
    eegs = {"1": lambda: _recording(1).pick(CHANNELS[:-1])}
    shares = measure_missing_data(eegs, PARAMS)
    assert shares.loc["1", "EKG"] == 1
    assert shares.loc["1"].sum() == 1


def test_example_is_the_first_label_with_most_votes_for_a_class(labels, eegs):
    example = choose_example(labels, eegs, PARAMS)
    assert example[["eeg_id", "eeg_label_offset_seconds"]].to_numpy().tolist() == [[1, 10]]


def test_example_can_be_named(labels, eegs):
    wanted = PARAMS.model_copy(update={"example_eeg_id": 3})
    assert choose_example(labels, eegs, wanted)["eeg_id"].tolist() == [3]


def test_example_without_a_file_is_never_chosen(labels, eegs):
    del eegs["1"]
    assert choose_example(labels, eegs, PARAMS)["eeg_id"].tolist() == [2]
    with pytest.raises(ValueError, match="example_eeg_id 1"):
        choose_example(labels, eegs, PARAMS.model_copy(update={"example_eeg_id": 1}))


def test_example_eeg_shows_the_labels_window(labels, eegs):
    figure = plot_example_eeg(labels[1:2], eegs)
    assert figure.axes[0].get_xlim() == (10, 60)
    said = "EEG 1 from 10 s: LPD (5 of n = 6 votes), 0% of samples missing"
    assert figure.get_suptitle().startswith(said)


def test_example_spectrogram_shows_the_labels_window(labels, spectrograms):
    figure = plot_example_spectrogram(labels[1:2], spectrograms)
    assert figure.axes[0].images[0].get_extent()[:2] == [10, 610]
    assert figure.get_suptitle().split(" (dashed")[0].endswith("n = 300 rows")


@pytest.mark.parametrize("row", [0, 3])
def test_absent_spectrogram_is_said_so(labels, row):
    figure = plot_example_spectrogram(labels[row : row + 1], {})
    assert "has no spectrogram" in figure.axes[0].texts[0].get_text()


def test_pipeline_makes_every_table_and_figure(labels, eegs, spectrograms):
    before = labels.copy()
    outputs = _run(labels, eegs, spectrograms)
    assert set(outputs) == FIGURES | TABLES
    assert all(isinstance(outputs[name], Figure) for name in FIGURES)
    assert outputs["eda_missing_data_figure"].get_suptitle() == "Missing data in n = 2 of 3 EEGs"
    pd.testing.assert_frame_equal(labels, before)


def test_pipeline_runs_on_one_label_without_spectrograms(labels, eegs):
    outputs = _run(labels[3:], {"3": eegs["3"]}, {})
    assert _value(outputs["eda_counts_table"], "spectrograms") == 0
    assert "n = 0" in outputs["eda_example_spectrogram_figure"].axes[0].texts[0].get_text()


@pytest.mark.skipif(not IIIC.is_dir(), reason="no real data in ../shared/iiic")
def test_pipeline_runs_on_real_data():
    def read(path):
        table = pd.read_parquet(path)
        return Recording(table.to_numpy(np.float32).T, tuple(table.columns))

    def read_power(path):
        return pd.read_parquet(path).drop(columns="time").to_numpy(np.float32)

    eegs = {p.stem: lambda p=p: read(p) for p in (IIIC / "train_eegs").glob("*.parquet")}
    spectrograms = {
        p.stem: lambda p=p: read_power(p) for p in (IIIC / "train_spectrograms").glob("*.parquet")
    }
    outputs = _run(pd.read_csv(IIIC / "train.csv"), eegs, spectrograms)
    counts = outputs["eda_counts_table"]
    assert [_value(counts, name) for name in ("eegs", "spectrograms", "labels")] == [22, 10, 22]
    assert _value(counts, "labels_without_spectrogram") == 12
    title = outputs["eda_example_eeg_figure"].get_suptitle()
    said = "EEG 920000005 from 0 s: LPD (26 of n = 26 votes), 80% of samples missing"
    assert title.startswith(said)


def test_unknown_parameter_is_refused():
    with pytest.raises(pydantic.ValidationError, match="sample_sise"):
        EdaParams(seed=0, sample_sise=3, sample_size=2, example_eeg_id=None)


def test_pipeline_imports_neither_keras_nor_mlflow():
    code = (
        "import sys; from hbac.pipelines.eda import create_pipeline; create_pipeline(); "
        "print(sorted({'keras', 'mlflow', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_eeg_that_cannot_be_read_is_left_out(eegs, caplog):
    def broken():
        raise DatasetError("4.parquet is not a readable parquet file")

    shares = measure_missing_data(
        eegs | {"4": broken}, EdaParams(seed=0, sample_size=99, example_eeg_id=None)
    )
    assert "4" not in shares.index
    assert len(shares) == len(eegs)
    assert "4.parquet" in caplog.text


def test_an_eeg_that_cannot_be_read_is_no_example(labels, eegs, caplog):
    def broken():
        raise DatasetError("1.parquet is not a readable parquet file")

    example = choose_example(labels, eegs | {"1": broken}, PARAMS)
    assert example["eeg_id"].tolist() == [2]
    assert "1.parquet" in caplog.text
