"""The pipeline recordings as users run it: by one command, anywhere, from a file to its page."""

import os
import subprocess
import sys

import pandas as pd
import pytest
from click.testing import CliRunner

import hbac.__main__ as command
from hbac.pipelines.recordings import create_pipeline
from tests.conftest import PROJECT, configuration
from tests.pipelines.test_recording_timelines import write_edf


@pytest.fixture
def reading():
    """The command ``read``, and the arguments with which it calls ``run``."""
    import click

    called = []

    @click.command()
    @click.option("--pipeline")
    @click.option("--params")
    def run(pipeline, params):
        called.append((pipeline, params))

    return command._read_command(run, {"run": {}}), called


def test_read_names_folders_wherever_it_is_called(reading, tmp_path, monkeypatch):
    read, called = reading
    (tmp_path / "a night").mkdir()
    monkeypatch.chdir(tmp_path)
    words = ["a night", "--out", "out", "--params", "recording.reading.step_seconds=5"]
    assert CliRunner().invoke(read, words).exit_code == 0
    assert called == [
        (
            "recordings",
            f"recordings={tmp_path}/a night,data_dir={tmp_path}/out,"
            "recording.reading.step_seconds=5",
        )
    ]


def test_read_refuses_what_is_not_there(reading, tmp_path):
    read, called = reading
    result = CliRunner().invoke(read, [str(tmp_path / "none.edf"), "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "none.edf' does not exist" in result.output
    assert not called


def test_every_dataset_of_the_pipeline_has_a_place():
    catalog = configuration()["catalog"]
    in_memory = {"found_events"}
    names = {name for name in create_pipeline().datasets() if not name.startswith("params:")}
    assert names - in_memory <= set(catalog)


def read_night(folder):
    return subprocess.run(
        [sys.executable, "-m", "hbac", "read", "night.edf", "--out", "out"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(PROJECT / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.slow
def test_a_recording_becomes_its_timeline_its_annotations_and_its_page(tmp_path):
    """Outside of the project's folder; nothing of the patient is in anything that is written."""
    write_edf(tmp_path / "night.edf", 90, patient="Ms_Elsewhere")
    done = read_night(tmp_path)
    assert done.returncode == 0, done.stdout
    out = tmp_path / "out"
    for name in (
        *("02_intermediate/recordings.csv", "03_primary/recording_spectrograms/night.npy"),
        *("07_model_output/timelines/night.parquet", "07_model_output/timelines_failures.csv"),
        *("07_model_output/events.csv", "07_model_output/burden.csv"),
        *("07_model_output/event_scores.csv", "07_model_output/annotations/night_events.tsv"),
        *("07_model_output/annotations/night_events.json", "08_reporting/trends/night.png"),
        "07_model_output/annotations/night_szcore.tsv",
        "07_model_output/annotations/night_annotations.edf",
        *("08_reporting/recordings/night.html", "08_reporting/recordings.html"),
    ):
        assert (out / name).stat().st_size > 0, name
    assert len(pd.read_parquet(out / "07_model_output/timelines/night.parquet")) == 9
    written = [file for file in tmp_path.rglob("*") if file.is_file() and file.name != "night.edf"]
    assert not [file for file in written if b"Elsewhere" in file.read_bytes()]
    assert "Elsewhere" not in done.stdout
    again = read_night(tmp_path)
    assert "timelines: 0 of 1 partitions to make" in again.stdout
