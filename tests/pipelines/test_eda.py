import subprocess
import sys

import numpy as np
import pandas as pd
import pydantic
import pytest
from kedro.io import DataCatalog, DatasetError, MemoryDataset
from kedro.runner import SequentialRunner
from matplotlib.figure import Figure

from hbac.eeg import CHANNELS, Recording
from hbac.eeg.votes import CLASSES, VOTE_COLUMNS
from hbac.pipelines.eda import create_pipeline
from hbac.pipelines.eda.example_nodes import (
    choose_examples,
    plot_example_eegs,
    plot_example_spectrograms,
)
from hbac.pipelines.eda.params import EdaParams
from hbac.pipelines.eda.signal_nodes import (
    describe_signals,
    measure_eegs,
    tabulate_missing_data,
    tabulate_quality,
    tabulate_spectra,
)
from hbac.pipelines.eda.statistics import COLUMNS
from hbac.plots.quality import quality_by_channel

PARAMS = EdaParams(seed=0, sample_size=2, windows_per_class=2)
ALL = EdaParams(seed=0, sample_size=99, windows_per_class=99)
FIGURES = {
    "eda_missing_data_figure",
    "eda_quality_figure",
    "eda_spectra_figure",
    *(f"eda_eeg_{name}_figure" for name in CLASSES),
    *(f"eda_spectrogram_{name}_figure" for name in CLASSES),
}


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
        "unlabelled_labels": labels[:0],
        "train_eegs": eegs,
        "train_spectrograms": spectrograms,
        "params:eda": params,
    }
    catalog = DataCatalog({name: MemoryDataset(data) for name, data in inputs.items()})
    outputs = SequentialRunner().run(create_pipeline(), catalog)
    return {name: output.load() for name, output in outputs.items()}


def _measured(labels, eegs, params=ALL):
    quality, spectra = measure_eegs(labels, eegs, params)
    return tabulate_missing_data(quality), tabulate_quality(quality), tabulate_spectra(spectra)


def test_missing_shares_are_exact(labels, eegs):
    table = _measured(labels, eegs)[0].set_index("channel")
    assert table.index.tolist() == list(CHANNELS)
    assert table.loc["Cz"].tolist() == pytest.approx([3, 2 / 3, 1, 2, 2])
    assert table.loc["Fz"].tolist() == pytest.approx([3, 1 / 3, 1, 1, 1])


def test_no_more_eegs_are_read_than_needed_and_each_once(labels):
    read = []
    eegs = {str(key): lambda key=key: read.append(key) or _recording(50) for key in range(20)}
    quality, spectra = measure_eegs(labels.assign(eeg_id=1), eegs, PARAMS)
    sample = quality["eeg_id"].unique().tolist()
    assert len(sample) == PARAMS.sample_size
    assert sorted(read) == sorted({*map(int, sample), 1})
    assert set(spectra.index.get_level_values("eeg_id")) == {1}
    again, _ = measure_eegs(labels, eegs, PARAMS)
    assert sample == again["eeg_id"].unique().tolist()
    other, _ = measure_eegs(labels, eegs, PARAMS.model_copy(update={"seed": 1}))
    assert sample != other["eeg_id"].unique().tolist()


def test_channel_that_an_eeg_lacks_counts_as_missing(labels):
    eegs = {"1": lambda: _recording(60).pick(CHANNELS[:-1])}
    missing, quality, _ = (table.iloc[-1] for table in _measured(labels, eegs))
    assert (missing["channel"], missing["mean_share"]) == ("EKG", 1)
    assert (quality["channel"], quality["n_eegs"]) == ("EKG", 0)
    assert np.isnan(quality["amplitude_uv_median"])


def _with_sine(hertz, microvolts, seconds=50):
    data = np.random.default_rng(0).normal(0, 1e-6, (len(CHANNELS), 200 * seconds))
    data[CHANNELS.index("F8")] += microvolts * np.sin(
        2 * np.pi * hertz * np.arange(200 * seconds) / 200
    )
    return Recording(data.astype(np.float32), CHANNELS)


def test_quality_is_summed_up_over_eegs(labels):
    eegs = {str(k): lambda k=k: _with_sine(10, 40 * k) for k in (1, 2, 3)}
    table = _measured(labels, eegs)[1].set_index("channel")
    found = table.loc["F8", [f"amplitude_uv_{name}" for name in ("q25", "median", "q75", "mean")]]
    expected = np.sin(0.95 * np.pi / 2) * np.array([60, 80, 100, 80])
    assert found.tolist() == pytest.approx(expected, rel=0.01)
    assert table["flat_share_mean"].drop("F8").tolist() == [1] * (len(CHANNELS) - 1)
    assert table["extreme_share_mean"].max() == 0
    assert set(table["n_eegs"]) == {3}


@pytest.mark.parametrize("mains", [50, 60])
def test_mains_frequency_is_where_hum_stands_out(labels, mains):
    def load():
        hum = _with_sine(mains, 10).data
        return Recording(hum + _recording(50).data, CHANNELS)

    table = _measured(labels, {"1": load})[1]
    assert set(table["mains_hz"]) == {mains}


def test_spectra_are_of_the_labels_10_seconds_one_window_a_patient(labels):
    def load():
        recording = _with_sine(10, 30, 60)
        # Labels at 0 and 10 s speak of 20 to 30 and 30 to 40 s.
        recording.data[:, : 200 * 20] = recording.data[:, 200 * 40 :] = 1e4
        for name in ("F7", "T5", "F3", "P3", "F4", "P4"):
            recording.data[CHANNELS.index(name)] = 0
        return recording

    table = _measured(labels[:2], {"1": load})[2]
    assert set(table["n_windows"]) == {1}
    assert set(table["class"]) == {"LPD"}
    # Of the other chains each channel has a dead electrode: no row.
    assert set(table["chain"]) == {"RL"}
    peak = table.loc[table["mean_db"].idxmax()]
    assert peak["frequency_hz"] == 10
    # Half of the four channels have it; Hann puts 2/3 of 450 uV^2 in a bin of 0.25 Hz.
    assert peak["mean_db"] == pytest.approx(10 * np.log10(0.5 * 450 / 1.5 / 0.25), abs=0.01)


def test_spectra_of_a_class_are_averaged_in_decibels(labels):
    labels = labels.assign(patient_id=[1, 1, 2, 3], expert_consensus="LPD")[1:]
    eegs = {str(k): lambda k=k: _with_sine(10, 3 * 10 ** (k - 1)) for k in (1, 2, 3)}
    labels["eeg_label_offset_seconds"] = 0.0
    table = _measured(labels, eegs)[2]
    peak = table.loc[table["mean_db"].idxmax()]
    levels = 10 * np.log10(0.5 * 4.5 / 1.5 / 0.25) + np.array([0, 20, 40])
    assert peak["n_windows"] == 3
    assert peak["mean_db"] == pytest.approx(levels.mean(), abs=0.01)
    quartiles = peak[["q25_db", "median_db", "q75_db"]].tolist()
    assert quartiles == pytest.approx(np.quantile(levels, [0.25, 0.5, 0.75]), abs=0.01)


def test_statistics_are_tidy_and_hold_the_tables_numbers(labels, eegs):
    missing, quality, spectra = _measured(labels, eegs)
    table = describe_signals(missing, quality, spectra)
    assert tuple(table.columns) == COLUMNS
    assert not table.duplicated(["statistic", "by", "group"]).any()
    told = table.set_index(["statistic", "group"])
    assert told.loc[("sampled_eegs", "all"), "value"] == 3
    assert told.loc[("missing_share", "Cz"), "value"] == pytest.approx(2 / 3)
    assert told.loc[("amplitude_uv", "Cz"), "n"] == 1
    # White noise of 30 uV: twice 9 uV^2/Hz in the difference of two electrodes.
    delta = told.loc[("delta_power", "LPD")]
    assert (delta["n"], delta["n_of"]) == (1, "patients")
    assert delta["value"] == pytest.approx(10 * np.log10(18), abs=2)


def test_examples_are_those_most_agree_on(labels, eegs):
    examples = choose_examples(labels, eegs).set_index("class")
    # EEG 3 has no sample, but Seizure has no other.
    assert examples.index.tolist() == ["Seizure", "LPD", "GPD"]
    assert examples["eeg_id"].tolist() == [3, 1, 2]
    assert examples.loc["LPD", ["votes", "n_votes"]].tolist() == [5, 6]
    assert examples["eeg_label_offset_seconds"].tolist() == [0, 10, 0]


def test_votes_against_a_class_count_against_its_example(labels, eegs):
    labels = labels.assign(expert_consensus="LPD")[:2]
    labels["eeg_id"] = [1, 2]
    labels.loc[1, "other_vote"] = 3
    assert choose_examples(labels, eegs)["eeg_id"].tolist() == [1]


def test_example_has_no_gap_if_another_has_none(labels, eegs):
    labels = labels.assign(expert_consensus="Other", other_vote=[1, 2, 3, 9])
    labels["eeg_id"] = [1, 1, 2, 3]
    eegs["2"] = lambda: _recording(50, ["F8"])
    assert choose_examples(labels, eegs)["eeg_id"].tolist() == [1]
    del eegs["1"]
    assert choose_examples(labels, eegs)["eeg_id"].tolist() == [2]


def test_example_without_a_file_is_never_chosen(labels, eegs):
    del eegs["1"]
    assert choose_examples(labels, eegs)["eeg_id"].tolist() == [3, 2]


def test_example_eeg_shows_the_10_seconds_of_its_label(labels, eegs):
    figures = plot_example_eegs(choose_examples(labels, eegs), eegs)
    assert list(figures) == list(CLASSES)
    assert figures["lpd"].axes[0].get_xlim() == (30, 40)
    said = [text.get_text() for text in figures["lpd"].texts]
    assert "LPD (5 of n = 6 votes): EEG 1, 30 to 40 s" in said


def test_example_spectrogram_shows_the_labels_window(labels, eegs, spectrograms):
    figures = plot_example_spectrograms(choose_examples(labels, eegs), spectrograms)
    figure = figures["lpd"]
    assert figure.axes[0].images[0].get_extent()[:2] == [10, 610]
    assert [line.get_xdata()[0] for line in figure.axes[0].lines] == [285, 335]
    assert figure.get_suptitle().endswith("10 to 610 s, n = 300 rows")


def _words(figure):
    return figure.axes[0].texts[0].get_text()


def test_absent_example_or_spectrogram_is_said_so(labels, eegs, spectrograms):
    examples = choose_examples(labels, eegs)
    figures = plot_example_spectrograms(examples, spectrograms)
    assert "EEG 3 has no spectrogram" in _words(figures["seizure"])
    assert "No label of Other" in _words(figures["other"])
    assert "No label of Other" in _words(plot_example_eegs(examples, eegs)["other"])
    assert "has no spectrogram" in _words(plot_example_spectrograms(examples, {})["lpd"])


def test_a_label_beyond_its_eeg_is_left_out_by_name(labels, eegs, caplog):
    beyond = labels.assign(eeg_label_offset_seconds=[0.0, 50_000.0, 0.0, 0.0])
    examples = choose_examples(beyond, eegs)
    assert examples["eeg_label_offset_seconds"].tolist() == [0.0, 0.0]
    assert "A label of EEG 1, eeg_label_offset_seconds 50000, is left out" in caplog.text


def unreadable():
    raise DatasetError("7.parquet is not a readable parquet file")


@pytest.mark.parametrize("load", [unreadable, lambda: np.ones((302, 400), np.float32)])
def test_a_spectrogram_without_the_labels_window_is_said_so(labels, eegs, load, caplog):
    figures = plot_example_spectrograms(choose_examples(labels, eegs), {"7": load})
    assert "no 10 minutes from second 10 of spectrogram 7 can be read" in _words(figures["lpd"])
    assert figures["gpd"] is not None
    assert "Spectrogram 7 is left out: " in caplog.text


def test_pipeline_makes_every_table_and_figure(labels, eegs, spectrograms):
    before = labels.copy()
    outputs = _run(labels, eegs, spectrograms)
    assert set(outputs) >= {*FIGURES, "eda_statistics_table", "eda_statistics"}
    figures = [name for name in outputs if name.endswith("_figure")]
    assert all(isinstance(outputs[name], Figure) for name in figures)
    assert outputs["eda_missing_data_figure"].get_suptitle() == "Missing data in n = 2 of 3 EEGs"
    pd.testing.assert_frame_equal(labels, before)


def test_pipeline_runs_on_one_label_without_spectrograms(labels, eegs):
    outputs = _run(labels[3:], {"3": eegs["3"]}, {})
    assert "n = 0" in _words(outputs["eda_spectrogram_seizure_figure"])
    assert "n = 0" in _words(outputs["eda_spectra_figure"])


def test_recordings_are_told_of_where_there_is_none(labels):
    missing, quality, spectra = _measured(labels, {})
    assert (missing["n_eegs"] == 0).all()
    assert (quality["n_eegs"] == 0).all()
    assert spectra.empty
    assert "n = 0" in _words(quality_by_channel(quality, n_eegs=0))
    assert describe_signals(missing, quality, spectra)["n"].max() == 0
    assert choose_examples(labels, {}).empty


def test_pipeline_runs_on_real_data(iiic):
    def read(path):
        table = pd.read_parquet(path)
        return Recording(table.to_numpy(np.float32).T, tuple(table.columns))

    def read_power(path):
        return pd.read_parquet(path).drop(columns="time").to_numpy(np.float32)

    eegs = {p.stem: lambda p=p: read(p) for p in (iiic / "train_eegs").glob("*.parquet")}
    spectrograms = {
        p.stem: lambda p=p: read_power(p) for p in (iiic / "train_spectrograms").glob("*.parquet")
    }
    labels = pd.read_csv(iiic / "train.csv")
    examples = choose_examples(labels, eegs)
    said = [f"{row.votes} of {row.n_votes}" for row in examples.itertuples()]
    assert said == ["20 of 20", "26 of 26", "22 of 22", "21 of 21", "18 of 18", "3 of 3"]
    page = plot_example_eegs(examples, eegs)["lpd"]
    assert "LPD (26 of n = 26 votes): EEG 920000005, 20 to 30 s" in [
        text.get_text() for text in page.texts
    ]
    assert "has no spectrogram" in _words(
        plot_example_spectrograms(examples, spectrograms)["other"]
    )
    missing, quality, spectra = _measured(labels, eegs)
    # Ten of 22 windows are real in their central 10 s alone.
    assert missing["mean_share"].tolist() == pytest.approx([10 / 22 * 0.8] * len(CHANNELS))
    assert set(quality["mains_hz"]) == {60}
    assert spectra.groupby("class")["n_windows"].max().sum() == 22


def test_unknown_parameter_is_refused():
    with pytest.raises(pydantic.ValidationError, match="sample_sise"):
        EdaParams(seed=0, sample_sise=3, sample_size=2, windows_per_class=2)


def test_pipeline_imports_neither_keras_nor_mlflow():
    code = (
        "import sys; from hbac.pipelines.eda import create_pipeline; create_pipeline(); "
        "print(sorted({'keras', 'mlflow', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _broken():
    raise DatasetError("1.parquet is not a readable parquet file")


def test_an_eeg_that_cannot_be_read_is_left_out(labels, eegs, caplog):
    quality, spectra = measure_eegs(labels, eegs | {"1": _broken}, ALL)
    assert quality["eeg_id"].unique().tolist() == ["2", "3"]
    assert 1 not in spectra.index.get_level_values("eeg_id")
    assert "1.parquet" in caplog.text


def test_an_eeg_that_cannot_be_read_is_no_example(labels, eegs, caplog):
    examples = choose_examples(labels, eegs | {"1": _broken})
    assert examples["class"].tolist() == ["Seizure", "GPD"]
    assert "1.parquet" in caplog.text


def test_a_label_beyond_its_files_end_is_left_out(labels, eegs, caplog):
    labels["eeg_label_offset_seconds"] += 35
    assert choose_examples(labels, {"2": eegs["2"]}).empty
    assert "seconds 55 to 65 do not lie inside" in caplog.text
    assert _measured(labels, {"2": eegs["2"]})[2].empty
