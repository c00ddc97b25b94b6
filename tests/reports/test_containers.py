"""A container's user: no entry in passwd, no home, nothing of the project or Python writable."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.reports.test_data_sets import SMALL
from tests.test_demo import SMALLEST

USER = "4242"
# Whoever owns the interpreter may have hidden it from others: reading is allowed, writing is not.
AS_USER = [
    *("setpriv", "--reuid", USER, "--regid", USER, "--clear-groups"),
    *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
]


def run_as_user(*command, **environment):
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return subprocess.run(
        [*AS_USER, sys.executable, *command],
        cwd=PROJECT,
        env=kept | {"HOME": "/nonexistent", "LANG": "C.UTF-8"} | environment,
        capture_output=True,
        text=True,
        timeout=1500,
    )


@pytest.fixture(scope="module")
def folder():
    """A folder that such a user may write to, and nothing else."""
    if os.geteuid() != 0:
        pytest.skip("only root may become a user without a name")
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    with pytest.raises(KeyError):
        pwd.getpwuid(int(USER))
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o777)
        probe = run_as_user("-c", "import os; os.open('probe', os.O_CREAT)")
        if "PermissionError" not in probe.stderr:
            pytest.skip(f"another user cannot be tried here: {probe.stderr[-300:]}")
        seen = run_as_user("-c", "import alembic, os; print(os.access(alembic.__file__, os.R_OK))")
        if seen.stdout.strip() != "True":
            pytest.skip("another user cannot see this environment: it lies in a private folder")
        yield Path(made)


def kedro_run(folder, *pipelines, **params):
    """Run pipelines in a folder; returns what is printed."""
    params |= {"raw_dir": folder / "01_raw", "data_dir": folder / "data", "max_failure_rate": 0}
    done = run_as_user(
        *("-m", "kedro", "run", "--pipelines", ",".join(pipelines)),
        *("--params", ",".join(f"{name}={value}" for name, value in params.items())),
        TMPDIR=str(folder),
        MLFLOW_TRACKING_URI=f"sqlite:///{folder}/mlflow.db",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def printed(folder):
    """What a run says from simulation to EEG spectrograms, and over the explored data."""
    # A comma would end a value of --params.
    sizes = {name: size for name, size in SMALL.items() if not isinstance(size, list)}
    return kedro_run(folder, "simulation", "eda", "conversion", "spectrogram", **sizes)


@pytest.mark.slow
def test_a_run_makes_everything(printed, folder):
    n_eegs = len(list((folder / "01_raw/train_eegs").glob("*.parquet")))
    assert n_eegs >= 6
    assert len(list((folder / "data/04_feature/eeg_spectrograms").glob("*.npy"))) == n_eegs
    assert (folder / "data/08_reporting/eda/statistics.json").stat().st_size > 0


@pytest.mark.slow
def test_it_says_nothing_of_caches(printed):
    words = ("warning", "cannot cache", "no writable cache", "mplconfigdir", "permission denied")
    assert [line for line in printed.splitlines() if any(w in line.lower() for w in words)] == []


@pytest.mark.slow
def test_what_was_compiled_is_kept_for_the_next_run(printed, folder):
    assert list((folder / f"hbac-caches-{USER}/numba").rglob("*.nbi"))


@pytest.mark.slow
def test_the_demo_ends_in_its_report(folder):
    root = folder / "demo"
    root.mkdir(mode=0o777)
    root.chmod(0o777)
    kedro_run(root, "demo", **SMALLEST)
    assert len(list((root / "data/06_models").glob("*.keras"))) == 2
    assert (root / "data/08_reporting/report.html").stat().st_size > 0
    assert (root / "mlflow.db").exists()
