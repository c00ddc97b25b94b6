"""Recordings to timelines: each made once, from what it was made from, whatever the others hold."""

import shutil
from types import SimpleNamespace

import edfio
import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog

from hbac.eeg import CHANNELS
from hbac.eeg.votes import PREDICTION_COLUMNS
from hbac.models.eeg_ensemble import TIMELINE_COLUMNS, EEGEnsemble
from hbac.pipelines.recordings.params import ReadingParams
from hbac.pipelines.recordings.reading_nodes import describe_recordings
from hbac.pipelines.recordings.timeline_nodes import (
    compute_recording_spectrograms,
    predict_timelines,
)
from hbac.shipped import pretrained_dir
from tests.conftest import configuration, recipe
from tests.shipped import SHIPPED, shipped_networks


def write_edf(path, seconds, seed=0, patient="X"):
    """A recording that looks like EEG: neighbours share what they pick up."""
    random = np.random.default_rng(seed)
    common = np.cumsum(random.normal(0, 3, seconds * 256))
    noise = random.normal(0, 6, (20, seconds * 256))
    smooth = np.cumsum(noise, axis=0)
    rhythm = np.linspace(0.2, 1, 20)[:, np.newaxis] * 60 * np.sin(np.arange(seconds * 256) / 30)
    data = 0.1 * (common - common.mean()) + smooth + rhythm
    signals = [
        edfio.EdfSignal(row, 256, label=f"EEG {name}-Ref", physical_dimension="uV")
        for name, row in zip(CHANNELS, data, strict=True)
    ]
    edfio.Edf(signals, patient=edfio.Patient(name=patient)).write(path)


@pytest.fixture
def place(tmp_path):
    """Two recordings that can be read, one that is too short, and one that is none."""
    raw = tmp_path / "raw"
    raw.mkdir()
    write_edf(raw / "night.edf", 60, seed=1)
    write_edf(raw / "day.edf", 45, seed=2)
    write_edf(raw / "short.edf", 2)
    (raw / "broken.edf").write_bytes(b"no recording")
    return SimpleNamespace(raw=raw, data=tmp_path / "data", models=None)


def configured(place, **changes):
    params = {"recordings": str(place.raw), "data_dir": str(place.data)} | changes
    if place.models:
        params["models_dir"] = str(place.models)
    return configuration(**params)


def run(place, n_jobs=1, **changes):
    """Run both nodes on a catalog of the project; return it."""
    config = configured(place, n_jobs=n_jobs)
    names = ("recordings", "recording.models", "recording.ensemble", "timelines")
    wanted = {name: config["catalog"][name] for name in (*names, "recording_spectrograms")}
    wanted["recording_spectrograms"]["n_jobs"] = 1
    catalog = DataCatalog.from_config(wanted)
    recordings = catalog["recordings"].load()
    cards = describe_recordings(recordings)
    catalog["recording_spectrograms"].save(compute_recording_spectrograms(recordings, cards))
    params = ReadingParams(**config["parameters"]["recording"]["reading"] | changes)
    catalog["timelines"].save(
        predict_timelines(
            recordings,
            cards,
            catalog["recording_spectrograms"].load(),
            catalog["recording.models"].load(),
            catalog["recording.ensemble"].load(),
            params,
        )
    )
    return catalog


def made(place):
    return {file.stem: file.stat().st_mtime_ns for file in files(place)}


def files(place):
    return sorted((place.data / "07_model_output" / "timelines").glob("*.parquet"))


def failures(place):
    return pd.read_csv(place.data / "07_model_output" / "timelines_failures.csv")


def test_what_can_be_read_is_and_the_rest_is_listed(place):
    catalog = run(place)
    timelines = catalog["timelines"].load()
    assert set(timelines) == {"night", "day"}
    night = timelines["night"]()
    assert tuple(night) == TIMELINE_COLUMNS
    assert (night["stop_seconds"] - night["start_seconds"] == 10).all()
    assert (night["reason"] == "").all()
    assert timelines["day"]()["stop_seconds"].iloc[-1] == 45
    spectrogram = catalog["recording_spectrograms"].load()["night"]()
    assert spectrogram.shape == (30, 400)
    assert np.isfinite(spectrogram).all()
    reasons = failures(place).set_index("partition")["reason"]
    assert reasons["short"] == "2 s are too short for a window of 10 s"
    assert set(reasons.index) == {"short", "broken"}


def test_where_nothing_can_be_read_the_run_fails(place):
    for name in ("night.edf", "day.edf"):
        (place.raw / name).unlink()
    (place.raw / "other.edf").write_bytes((place.raw / "short.edf").read_bytes())
    with pytest.raises(ValueError, match=r"none of the 3 recordings (?s:.)*2 s are too short"):
        run(place)


def test_what_was_refused_is_not_opened_again():
    cards = pd.DataFrame({"recording": ["bad"], "status": "refused", "reason": "it is empty"})
    reading = ReadingParams(**recipe()["recording"]["reading"])
    made = predict_timelines({"bad": pytest.fail}, cards, {}, shipped_networks(), SHIPPED, reading)
    with pytest.raises(ValueError, match=r"^it is empty$"):
        made["bad"]()


@pytest.mark.slow
def test_what_is_there_is_made_again_where_something_else_made_it(place, tmp_path):
    run(place)
    first = made(place)
    run(place)
    assert made(place) == first
    place.models = tmp_path / "models"
    shutil.copytree(pretrained_dir(), place.models, copy_function=shutil.copyfile)
    run(place)
    second = made(place)
    assert all(second[name] > first[name] for name in first)
    run(place)
    assert made(place) == second
    # Another network of the same name.
    networks = sorted(place.models.glob("*.keras"))
    shutil.copy(networks[1], networks[0])
    run(place)
    third = made(place)
    assert all(third[name] > second[name] for name in second)
    run(place, step_seconds=5)
    fourth = made(place)
    assert all(fourth[name] > third[name] for name in third)
    write_edf(place.raw / "day.edf", 50, seed=3)
    run(place, step_seconds=5)
    assert made(place)["day"] > fourth["day"]
    assert made(place)["night"] == fourth["night"]


@pytest.mark.slow
def test_recordings_side_by_side_share_their_networks(place, monkeypatch):
    loaded = []
    begin = EEGEnsemble.__init__
    monkeypatch.setattr(
        EEGEnsemble, "__init__", lambda self, *given: loaded.append(1) or begin(self, *given)
    )
    alone = run(place)["timelines"].load()["night"]()
    shutil.rmtree(place.data)
    both = run(place, n_jobs=2)["timelines"].load()["night"]()
    assert len(loaded) == 2
    columns = list(PREDICTION_COLUMNS)
    np.testing.assert_allclose(both[columns], alone[columns], atol=1e-6)


def test_steps_are_as_long_as_the_parameter_says(place):
    night = run(place, step_seconds=15)["timelines"].load()["night"]()
    assert night["start_seconds"].tolist() == [0, 15, 30, 45]
    np.testing.assert_array_equal(night["stop_seconds"], [15, 30, 45, 60])
