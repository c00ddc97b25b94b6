"""The package away from its project: installed from a wheel, with its own configuration."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from kedro.config import OmegaConfigLoader
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

from hbac.hooks import GuardHook
from hbac.hooks.guard import check_configuration
from hbac.hooks.parameters import ParameterFiles, check_names
from hbac.hooks.refusal import GuardError
from hbac.settings import CONFIG_LOADER_ARGS
from hbac.shipped import conf_source, pretrained_dir
from tests.conftest import PROJECT
from tests.reports.sessions import refusal
from tests.services import write_data_set

KEPT = ("PATH", "TMPDIR", "LANG", "PIP_INDEX_URL", "PIP_FIND_LINKS", "PIP_CERT", "SSL_CERT_FILE")


def loader_of(source, **params):
    return OmegaConfigLoader(str(source), runtime_params=params, **CONFIG_LOADER_ARGS)


@pytest.fixture
def archive(tmp_path):
    """What ``kedro package`` puts beside a wheel."""
    path = tmp_path / "conf-hbac.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(PROJECT / "conf", "conf", filter=lambda f: None if "local/" in f.name else f)
    return path


def test_an_archive_of_the_configuration_knows_its_parameters(archive):
    check_names(ParameterFiles(loader_of(archive, eda={"sample_size": 3})))
    with pytest.raises(GuardError, match=r"'eda\.sampl_size'; did you mean eda\.sample_size\?"):
        check_names(ParameterFiles(loader_of(archive, eda={"sampl_size": 3})))


def test_the_guard_takes_an_archive(archive, tmp_path):
    loader = loader_of(archive, eda={"sample_size": 3}, raw_dir="x", data_dir="y")
    GuardHook().after_context_created(SimpleNamespace(config_loader=loader, project_path=tmp_path))


def test_a_folder_without_a_configuration_is_named(tmp_path):
    with pytest.raises(GuardError, match=f"the configuration in {tmp_path} can't be read: "):
        check_configuration(loader_of(tmp_path))


def test_a_configuration_that_lacks_a_setting_is_named(tmp_path):
    shutil.copytree(PROJECT / "conf", tmp_path / "conf")
    (tmp_path / "conf/base/globals.yml").write_text("seed: 1\n")
    loader = loader_of(tmp_path / "conf", n_jobs=1)
    with pytest.raises(GuardError, match=r"lacks in base/globals\.yml: raw_dir, data_dir"):
        check_configuration(loader)


def test_a_pipeline_that_is_not_there_is_named():
    assert refusal("edda") == "there is no pipeline 'edda'; did you mean eda?"
    assert "there is no pipeline 'x'; known are simulation, eda, " in refusal("x")
    # As a notebook does: what was asked for before is not asked for again.
    with KedroSession.create(PROJECT) as session:
        session.load_context()


def test_nothing_is_sent_anywhere(monkeypatch):
    for name in ("DO_NOT_TRACK", "KEDRO_DISABLE_TELEMETRY"):
        monkeypatch.delenv(name, raising=False)
    bootstrap_project(PROJECT)
    with KedroSession.create(PROJECT) as session:
        plugins = [type(plugin).__module__ for plugin in session._hook_manager.get_plugins()]
    assert "hbac.hooks.guard" in plugins
    assert not any(module.startswith("kedro_telemetry") for module in plugins)


def test_the_configuration_of_the_project_is_used_where_it_is_installed_in_place():
    assert conf_source() == PROJECT / "conf"


def run_there(folder, *command, **environment):
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    done = subprocess.run(
        command, cwd=folder, env=kept | environment, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """An environment with the wheel, whose other packages are this environment's."""
    copy, root = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("environment")
    for name in ("conf", "src"):
        shutil.copytree(PROJECT / name, copy / name)
    (copy / "conf/local/credentials.yml").write_text("secret: 1\n")
    for name in ("pyproject.toml", "setup.py", "README.md", ".telemetry"):
        shutil.copy(PROJECT / name, copy / name)
    status, printed = run_there(copy, sys.executable, "-m", "kedro", "package", HOME=str(root))
    if "No matching distribution" in printed or "Could not find a version" in printed:
        pytest.skip("what builds the wheel cannot be had here")
    assert status == 0, printed
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / "venv"], check=True)
    python = root / "venv/bin/python"
    script = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    site = Path(run_there(root, python, "-c", script)[1].strip())
    (site / "others.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    wheel = next((copy / "dist").glob("*.whl"))
    pip = [sys.executable, "-m", "pip", "--python", python]
    status, printed = run_there(root, *pip, "install", "--no-deps", "--no-index", wheel)
    assert status == 0, printed
    return SimpleNamespace(python=python, site=site / "hbac", conf=copy / "dist/conf-hbac.tar.gz")


@pytest.fixture
def empty(tmp_path):
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


@pytest.mark.slow
def test_the_wheel_holds_what_is_no_code(package):
    def files(folder):
        return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}

    assert files(package.site / "conf/base") == files(PROJECT / "conf/base")
    assert files(package.site / "conf/local") == {".gitkeep"}
    assert {"report.css", "report.html.jinja"} <= files(package.site / "report")
    assert "card.md.jinja" in files(package.site / "pipelines/pretraining")
    shipped = {name for name in files(pretrained_dir()) if not name.startswith(".")}
    assert files(package.site / "pretrained") == shipped


@pytest.mark.slow
def test_it_runs_in_an_empty_folder(package, empty, tmp_path):
    raw = write_data_set(tmp_path / "raw", 2)
    command = [package.python.with_name("hbac"), "--pipeline", "eda"]
    status, printed = run_there(empty, *command, "--params", f"raw_dir={raw}", HOME=str(tmp_path))
    assert status == 0, printed
    assert (empty / "data/08_reporting/eda/statistics.json").exists()
    assert [path.name for path in empty.iterdir()] == ["data"]
    assert "sending anonymous usage data" not in printed
    assert "kedro viz" not in printed


@pytest.mark.slow
def test_another_configuration_is_taken(package, empty, tmp_path):
    raw = write_data_set(tmp_path / "raw", 1)
    command = [package.python, "-m", "hbac", "--pipelines", "conversion,spectrogram"]
    command += [
        "--conf-source",
        package.conf,
        "--params",
        f"raw_dir={raw},spectrogram.dtype=float32",
    ]
    status, printed = run_there(empty, *command, HOME=str(tmp_path))
    assert status == 0, printed
    assert list((empty / "data/04_feature/eeg_spectrograms").glob("*.npy"))


@pytest.mark.slow
def test_an_error_is_said_in_the_packages_own_words(package, empty):
    status, printed = run_there(empty, package.python, "-m", "hbac", "--pipeline", "eda")
    assert status == 1
    assert "Error: missing input:" in printed
    assert "  hbac --pipeline demo " in printed
    assert "Traceback" not in printed
    status, printed = run_there(empty, package.python, "-m", "hbac", "--help")
    assert status == 0
    assert "--conf-source" in printed
