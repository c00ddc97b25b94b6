"""Settings are checked before the first node; what a run says last can be pasted."""

import json
import shlex
import socket

import click
import pytest
import yaml
from kedro.framework.cli.utils import _split_params

from hbac.hooks.command import Call
from hbac.hooks.refusal import GuardError
from hbac.hooks.run_settings import check_scheduler, check_settings
from tests.conftest import PROJECT
from tests.reports.sessions import refusal

SETTINGS = yaml.safe_load((PROJECT / "conf/base/globals.yml").read_text())


def refused(**changes):
    with pytest.raises(GuardError) as error:
        check_settings(SETTINGS | changes)
    return str(error.value)


def test_the_projects_own_settings_pass():
    check_settings(SETTINGS)
    check_settings(SETTINGS | {"raw_dir": PROJECT, "n_jobs": 2, "max_failure_rate": 1})


def test_it_is_said_before_the_first_node(tmp_path):
    message = refusal("conversion", n_jobs="two", data_dir=str(tmp_path / "data"))
    assert "n_jobs must be a whole number" in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value", "expected", "remedy"),
    [
        ("n_jobs", "two", "a whole number above 0, or -1 for a worker a core", "n_jobs=4"),
        ("n_jobs", 0, "a whole number above 0", "n_jobs=4"),
        ("n_jobs", 2.5, "a whole number above 0", "n_jobs=4"),
        ("n_jobs", True, "a whole number above 0", "n_jobs=4"),
        ("n_jobs", None, "a whole number above 0", "n_jobs=4"),
        ("max_failure_rate", "5%", "a share from 0 to 1", "max_failure_rate=0.05"),
        ("max_failure_rate", 5, "a share from 0 to 1", "max_failure_rate=0.05"),
        ("max_failure_rate", -0.1, "a share from 0 to 1", "max_failure_rate=0.05"),
        ("max_failure_rate", float("nan"), "a share from 0 to 1", "max_failure_rate=0.05"),
        ("on_error", "x", "one of quarantine, raise", "on_error=quarantine"),
        ("identify_by", "x", "one of modified, content", "identify_by=modified"),
        ("backend", "nonsense", "one of loky, threading, sequential, dask, ray", "backend=loky"),
        ("backend", ["loky"], "one of loky, ", "backend=loky"),
        ("data_dir", 202401, "a path", "data_dir=./NAME"),
        ("data_dir", None, "a path", "data_dir=./NAME"),
        ("raw_dir", "", "a path or a URL", "raw_dir=PATH"),
        ("raw_dir", "~/eeg", "a path without ~", '"raw_dir=$HOME/NAME"'),
    ],
)
def test_a_setting_that_cannot_be_meant(name, value, expected, remedy):
    message = refused(**{name: value})
    assert message.startswith(f"{name} must be {expected}")
    assert message.endswith(f", received {value!r}. Type --params {remedy}")


@pytest.mark.parametrize(("backend", "module"), [("dask", "distributed"), ("ray", "ray")])
def test_a_cluster_without_its_extra(monkeypatch, backend, module):
    monkeypatch.setattr(
        "hbac.hooks.run_settings.find_spec", lambda name: None if name == module else name
    )
    message = refused(backend=backend)
    assert f"backend={backend} needs the package {module}, which is not installed" in message
    assert f'pip install -c constraints.txt -e ".[{backend}]"' in message


def test_a_scheduler_without_a_cluster():
    message = refused(scheduler="tcp://127.0.0.1:8786")
    assert "scheduler=tcp://127.0.0.1:8786 has no effect with backend=loky" in message
    assert "--params backend=dask,scheduler=tcp://127.0.0.1:8786" in message


def test_a_scheduler_that_nobody_listens_at():
    pytest.importorskip("distributed", reason="distributed is not installed")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{closed.getsockname()[1]}"
    message = refusal("conversion", backend="dask", scheduler=address)
    assert message.startswith(f"nobody answers at scheduler={address}: ")
    with pytest.raises(GuardError, match="scheduler must be HOST:PORT"):
        check_scheduler(SETTINGS | {"backend": "dask", "scheduler": "x"})


@pytest.mark.parametrize(
    "folder",
    [
        "data/mine",
        "my data",
        "a,b",
        "a=b",
        "it's",
        'say "this"',
        "$HOME",
        "a: b",
        "a #b",
        "[a]",
        "{a: b}",
        "2024_01",
        "1e3",
        "null",
        "Grüße",
        " a ",
        "a\\b",
        "a: b: c",
        "'a",
        "[",
        "%a",
        "@a",
        "*a",
        "!a",
        "a\nb",
        "s3://bucket/data",
    ],
)
def test_a_command_names_a_folder_so_that_it_is_read_as_that_folder(folder):
    words = shlex.split(Call(folders=(("raw_dir", "raw"), ("data_dir", folder))).run("eda"))
    assert words[:5] == ["kedro", "run", "--pipeline", "eda", "--params"]
    context = click.Context(click.Command("run"))
    assert _split_params(context, click.Option(["--params"]), words[5]) == {
        "raw_dir": "raw",
        "data_dir": folder,
    }


def test_a_folder_may_be_a_path():
    call = Call(folders=(("data_dir", PROJECT / "my data"),))
    assert call.run() == f"kedro run --params 'data_dir={PROJECT}/my data'"


def test_a_command_repeats_the_environment_and_names_the_package_outside_of_a_project():
    assert Call(env="hms").command("kedro", "viz", "run") == "kedro viz run --env hms"
    assert Call(in_project=False).run("demo") == "hbac --pipeline demo"
    assert Call().run() == "kedro run"


def test_what_is_missing_is_made_where_this_run_reads(tmp_path):
    folders = {"raw_dir": str(tmp_path / "a b"), "data_dir": str(tmp_path / "c,d")}
    message = refusal("inference", **folders)
    command = next(line for line in message.splitlines() if "made by: " in line)
    words = shlex.split(command.partition("made by: ")[2])
    assert words[:5] == ["kedro", "run", "--pipeline", "modeling", "--params"]
    assert json.dumps(folders["data_dir"])[:-4] in words[5]
