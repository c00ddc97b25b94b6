import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hbac import caches

NAMES = ("XDG_CACHE_HOME", "NUMBA_CACHE_DIR", "MPLCONFIGDIR")


@pytest.fixture(autouse=True)
def _environment(monkeypatch, tmp_path):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
def homeless(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file"))


def placed():
    caches.place_caches()
    return {name: os.environ[name] for name in NAMES if name in os.environ}


def test_a_home_that_is_writable_is_used(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert placed() == {}


def test_without_one_caches_lie_among_temporary_files(homeless, tmp_path):
    folder = tmp_path / f"hbac-caches-{os.getuid()}"
    assert placed() == {
        "XDG_CACHE_HOME": str(folder),
        "NUMBA_CACHE_DIR": str(folder / "numba"),
        "MPLCONFIGDIR": str(folder / "matplotlib"),
    }
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_is_set_stays(homeless, monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", "mine")
    assert placed()["NUMBA_CACHE_DIR"] == "mine"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert placed()["XDG_CACHE_HOME"] == str(tmp_path / "cache")


def test_a_user_without_a_name_has_no_home(monkeypatch, tmp_path):
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.chdir(tmp_path)
    assert "XDG_CACHE_HOME" in placed()
    assert not Path("~").exists()


def test_a_folder_that_others_may_write_to_is_not_trusted(homeless, tmp_path):
    folder = tmp_path / f"hbac-caches-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    other = Path(placed()["XDG_CACHE_HOME"])
    assert other != folder
    assert stat.S_IMODE(other.stat().st_mode) == 0o700


def test_a_link_is_not_trusted(homeless, tmp_path):
    (tmp_path / "planted").mkdir(mode=0o700)
    (tmp_path / f"hbac-caches-{os.getuid()}").symlink_to(tmp_path / "planted")
    assert Path(placed()["XDG_CACHE_HOME"]).is_dir()
    assert list((tmp_path / "planted").iterdir()) == []


def test_it_is_done_before_anything_is_compiled():
    script = "import sys, hbac; print({'numba', 'matplotlib'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr
