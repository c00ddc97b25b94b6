"""Each raw EEG is read once for all that a run makes of it."""

import json
from collections import Counter
from functools import partial

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from hbac.datasets import (
    EEGDataset,
    LabelsDataset,
    NpyDataset,
    OnePassDataset,
    ParallelPartitionedDataset,
    StackedArrayDataset,
    StackedArraysDataset,
    TableDataset,
)
from hbac.eeg import CHANNELS, Recording
from hbac.eeg.votes import VOTE_COLUMNS
from hbac.pipelines import inference, modeling, spectrogram
from hbac.pipelines.modeling.params import ModelingParams, SeenParams
from hbac.pipelines.spectrogram.params import SpectrogramParams
from hbac.shipped import pretrained_dir
from tests.conftest import recipe

SEED = recipe("seed")
SHIPPED = json.loads((pretrained_dir() / "ensemble.json").read_text())
NETWORK = {"architecture": "compact+resnet_1d", "weights": None}
INPUTS = ("model_input", "waveform_input", "band_power")
FEATURES = ("eeg_waveforms", "eeg_band_power", "eeg_regional", "shipped.eeg_waveforms")
EEGS = range(1, 5)


def recording(seed, seconds=70):
    data = np.random.default_rng(seed).normal(0, 20, (20, seconds * 200)).astype(np.float32)
    return Recording(data, CHANNELS)


def label(eeg, number):
    offset = number * (300.0 if eeg == EEGS[-1] else 10.0)
    row = {"eeg_id": eeg, "eeg_sub_id": number, "eeg_label_offset_seconds": offset}
    row |= {"spectrogram_id": -1, "spectrogram_sub_id": number, "label_id": 10 * eeg + number}
    row |= {"spectrogram_label_offset_seconds": 0.0, "patient_id": eeg, "expert_consensus": "LPD"}
    votes = dict.fromkeys(VOTE_COLUMNS, 0) | {"lpd_vote": 3, "gpd_vote": number}
    return row | votes


def spectrogram_params(**changes):
    return SpectrogramParams(**SEED["spectrogram"] | {"policy": "distinct_votes"} | changes)


def modeling_params(seconds=10):
    groups = SEED["modeling"]
    image = groups["image"] | {"panel_height": 16, "panel_width": 64}
    waveform = groups["waveform"] | {"seconds": seconds}
    network = groups["network"] | NETWORK
    return ModelingParams(**groups | {"image": image, "waveform": waveform, "network": network})


class Run:
    """The pipelines from raw EEG to what networks see, on files."""

    def __init__(self, folder):
        self.folder = folder
        self.spectrogram, self.modeling = spectrogram_params(), modeling_params()
        for eeg in EEGS:
            # The last one holds the 10 minutes of a window that starts at second 300.
            made = recording(eeg, seconds=660 if eeg == EEGS[-1] else 70)
            EEGDataset(filepath=str(folder / f"raw/{eeg}.parquet")).save(made)
        labels = pd.DataFrame([label(eeg, number) for eeg in EEGS for number in range(2)])
        labels.to_csv(folder / "train.csv", index=False)

    def _folder(self, kind, path, dataset, **options):
        return kind(
            path=str(self.folder / path),
            dataset=f"hbac.datasets.{dataset}",
            n_jobs=1,
            **{"filename_suffix": ".npy"} | options,
        )

    def _table(self, name, suffix="csv"):
        return TableDataset(filepath=str(self.folder / f"{name}.{suffix}"))

    def catalog(self):
        folder = partial(self._folder, ParallelPartitionedDataset)
        tables = ("windows", "located_windows", "model_windows")
        failures = {"type": "hbac.datasets.TableDataset", "filepath": str(self.folder / "bad.csv")}
        return DataCatalog(
            {
                "train_labels": LabelsDataset(filepath=str(self.folder / "train.csv"), votes=True),
                "unlabelled_labels": LabelsDataset(
                    filepath=str(self.folder / "none.csv"), votes=False, may_be_absent=True
                ),
                "train_eegs": folder("raw", "EEGDataset", filename_suffix=".parquet"),
                "train_spectrograms": MemoryDataset({}),
                "spectrogram_arrays": MemoryDataset({}),
                "spectrogram_failures": MemoryDataset(pd.DataFrame({"partition": []})),
                "eeg_spectrograms": self._folder(
                    OnePassDataset,
                    "eeg_spectrograms",
                    "NpyDataset",
                    beside={name: str(self.folder / name) for name in FEATURES},
                ),
                "assembled_inputs": StackedArraysDataset(
                    path=str(self.folder / "assembled"),
                    failures=failures,
                    max_failure_rate=0.5,
                    n_jobs=1,
                    may_be_empty=True,
                ),
                "ensemble": MemoryDataset(SHIPPED),
                "shipped.ensemble": MemoryDataset(SHIPPED),
                "shipped.waveform_input": StackedArrayDataset(
                    filepath=str(self.folder / "shipped.waveform_input.npy"), n_jobs=1
                ),
                "assembly_failures": TableDataset(filepath=failures["filepath"]),
                "misplaced_windows": self._table("misplaced"),
                "window_failures": self._table("window_failures"),
                "params:spectrogram": MemoryDataset(self.spectrogram),
                "params:modeling": MemoryDataset(self.modeling),
                "params:seen": MemoryDataset(
                    SeenParams(
                        architecture=self.modeling.network.architecture,
                        image=self.modeling.image,
                        waveform=self.modeling.waveform,
                    )
                ),
            }
            | {name: self._table(name, "parquet") for name in tables}
            | {name: folder(name, "NpyDataset") for name in FEATURES}
            | {
                name: NpyDataset(filepath=str(self.folder / f"{name}.npy"), links=True)
                for name in INPUTS
            }
        )

    def __call__(self, *names):
        """Run pipelines; return what networks see."""
        seen = {
            "modeling": INPUTS,
            "shipped": ("shipped.waveform_input",),
            "validation": ("waveform_input",),
        }
        steps = {
            "spectrogram": spectrogram.create_pipeline(shipped="shipped" in names),
            "modeling": modeling.create_pipeline(3, ["compact", "resnet_1d"]).to_outputs(*INPUTS),
            "shipped": inference.create_shipped_pipeline().to_outputs(*seen["shipped"]),
            "validation": inference.create_labelled_pipeline().to_outputs(*seen["validation"]),
        }
        catalog = self.catalog()
        SequentialRunner().run(sum((steps[name] for name in names[1:]), steps[names[0]]), catalog)
        return {made: catalog.load(made) for name in names for made in seen.get(name, ())}

    def table(self, name):
        return self.catalog().load(name)


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path)


@pytest.fixture
def reads(monkeypatch):
    """How often each raw file was read, beyond its metadata."""
    counted, read = Counter(), EEGDataset._read

    def watched(self, path, **options):
        counted[path.rpartition("/")[2]] += 1
        return read(self, path, **options)

    monkeypatch.setattr(EEGDataset, "_read", watched)
    return counted


ONCE = {f"{eeg}.parquet": 1 for eeg in EEGS}


def test_a_full_run_reads_each_eeg_once(run, reads):
    inputs = run("spectrogram", "modeling", "shipped")
    assert reads == ONCE
    assert [len(each) for each in inputs.values()] == [2 * len(EEGS)] * 4
    sources = run.table("model_windows")["spectrogram_source"]
    assert sources.value_counts().to_dict() == {"empty": 7, "computed": 1}
    assert inputs["model_input"][-1, :, :64].any()


def test_networks_of_another_run_are_validated_on_one_read(run, reads):
    seen = run("validation")["waveform_input"]
    assert reads == ONCE
    assert seen.shape == (2 * len(EEGS), 16, 1000)
    assert np.asarray(seen).any()


def test_a_second_run_reads_none(run, reads):
    run("spectrogram", "modeling", "shipped")
    reads.clear()
    run("spectrogram", "modeling", "shipped")
    assert reads == {}


def test_nothing_is_made_for_the_packages_networks_where_they_do_not_predict(run):
    run("spectrogram", "modeling")
    assert [file for file in run.folder.iterdir() if file.name.startswith("shipped")] == []


def test_a_second_run_does_not_ask_again_which_eegs_hold_ten_minutes(run, reads, monkeypatch):
    run("spectrogram")
    assert set(run.table("eeg_regional")) == {str(EEGS[-1])}
    reads.clear()
    asked = Counter()
    monkeypatch.setattr(EEGDataset, "_length", lambda self, path: asked.update([path]))
    run("spectrogram")
    assert not reads
    assert not asked


def test_an_eeg_that_grows_is_asked_again_whether_it_holds_ten_minutes(run):
    last = EEGS[-1]
    raw = EEGDataset(filepath=str(run.folder / f"raw/{last}.parquet"))
    raw.save(recording(last, seconds=400))
    run("spectrogram")
    assert not run.table("eeg_regional")
    raw.save(recording(last, seconds=660))
    run("spectrogram")
    assert set(run.table("eeg_regional")) == {str(last)}


def test_pipelines_that_run_alone_make_the_same(run, tmp_path, reads):
    together = run("spectrogram", "modeling")
    (tmp_path / "alone").mkdir()
    alone = Run(tmp_path / "alone")
    reads.clear()
    alone("spectrogram")
    made = alone("modeling")
    assert reads == ONCE
    for name in INPUTS:
        np.testing.assert_array_equal(made[name], together[name])


def test_what_is_stored_is_what_windows_of_the_file_give(run):
    stored = run("spectrogram", "modeling", "shipped")
    for eeg in EEGS:
        for name in FEATURES:
            (run.folder / f"{name}/{eeg}.npy").unlink(missing_ok=True)
    (run.folder / "shipped.waveform_input.npy").unlink()
    read = run("modeling", "shipped")
    for name in stored:
        assert np.asarray(read[name]).any()
        np.testing.assert_array_equal(read[name], stored[name])


def test_only_what_has_changed_is_made_again(run, reads):
    run("spectrogram", "modeling")
    changed = {path: path.stat().st_mtime_ns for path in run.folder.glob("eeg_*/*.npy")}
    run.modeling = modeling_params(seconds=20)
    reads.clear()
    inputs = run("spectrogram", "modeling")
    assert reads == ONCE
    assert inputs["waveform_input"].shape[2] == 2 * 10 * 100
    again = {path.parent.name for path, at in changed.items() if path.stat().st_mtime_ns != at}
    assert again == {"eeg_waveforms"}


def test_waveforms_of_other_settings_are_not_taken(run, reads):
    run("spectrogram", "modeling")
    run.modeling = modeling_params(seconds=20)
    reads.clear()
    inputs = run("modeling")
    assert inputs["waveform_input"].shape[2] == 2 * 10 * 100
    assert set(reads) == set(ONCE)


def test_an_eeg_that_cannot_be_read_is_tried_once(run, reads):
    catalog = run.catalog()
    (run.folder / "raw/2.parquet").write_bytes(b"no parquet")
    catalog["eeg_spectrograms"] = run._folder(
        OnePassDataset,
        "eeg_spectrograms",
        "NpyDataset",
        beside={name: str(run.folder / name) for name in FEATURES},
        max_failure_rate=0.5,
    )
    SequentialRunner().run(spectrogram.create_pipeline(), catalog)
    assert reads == ONCE
    assert set(catalog.load("eeg_waveforms")) == {"1", "3", "4"}


def test_a_window_of_which_not_all_can_be_made_is_set_aside_with_the_reason(run):
    whole = run("spectrogram", "modeling")
    windows = run.table("model_windows")
    assert run.table("window_failures").empty
    np.save(run.folder / "eeg_spectrograms/3.npy", np.zeros((1, 128, 256, 4), np.float16))
    inputs = run("modeling")
    lost = run.table("window_failures")
    assert lost[["eeg_id", "window"]].to_numpy().tolist() == [[3, 1]]
    assert "out of bounds" in lost["reason"].iloc[0]
    kept = ~((windows["eeg_id"] == 3) & (windows["window"] == 1)).to_numpy()
    pd.testing.assert_frame_equal(run.table("model_windows"), windows[kept].reset_index(drop=True))
    for name in ("waveform_input", "band_power"):
        np.testing.assert_array_equal(inputs[name], np.asarray(whole[name])[kept])
    assert inputs["model_input"].shape[0] == kept.sum()


def test_what_networks_see_takes_no_room_twice(run):
    run("spectrogram", "modeling")
    for name in INPUTS:
        assert (run.folder / f"{name}.npy").samefile(run.folder / f"assembled/{name}.npy")
