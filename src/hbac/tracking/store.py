"""Where runs are kept: the store, its experiment, and the address of its page."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shutil
import sqlite3
import ssl
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from http.client import HTTPException
from pathlib import Path
from urllib.parse import quote

import click
from filelock import FileLock

EXPERIMENT = "hbac"
DATABASE = "mlflow.db"
ARTIFACTS = "mlartifacts"

_LOCAL = "sqlite:///"
_SERVER = ("http://", "https://")
_ADDRESS = "MLFLOW_TRACKING_URI"
_SECONDS_TO_ANSWER = 5

_MISREAD = "%?"
"""What SQLAlchemy takes for more than a character of a file's name."""

_PLACES = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}
"""Columns of MLflow's database that hold an absolute place of artifacts."""


class TrackingError(click.ClickException):
    """A store of runs that can't be used."""


def tracking_uri(root: Path) -> str:
    """Address of the store: ``MLFLOW_TRACKING_URI``, or a database in the project's folder."""
    return os.environ.get(_ADDRESS) or f"{_LOCAL}{_readable(root.resolve())}/{DATABASE}"


@cache
def _readable(root: Path) -> Path:
    """A folder, or where SQLAlchemy would misread its name, a link to it while this process runs.

    It would open, and make, a database in another folder.
    """
    if not any(character in str(root) for character in _MISREAD):
        return root
    folder = Path(tempfile.mkdtemp(prefix="hbac-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    link = folder / "project"
    link.symlink_to(root, target_is_directory=True)
    return link


def _database(uri: str) -> Path | None:
    """The database's file, where the store is one."""
    return Path(uri.removeprefix(_LOCAL)).resolve() if uri.startswith(_LOCAL) else None


def experiment_name() -> str:
    """Name of the experiment: ``MLFLOW_EXPERIMENT_NAME``, or ``hbac``."""
    return os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT


def _without_login(uri: str) -> str:
    """An address without the name and the password that may stand in it."""
    return re.sub(r"(?<=://)[^/]*@", "", uri)


def _unusable(uri: str, reason: object) -> TrackingError:
    return TrackingError(
        f"runs can't be logged to {_without_login(uri)} ({reason}). Set {_ADDRESS} to a server "
        "that answers (http://HOST:PORT) or to a database (sqlite:////PATH/mlflow.db), or unset it "
        f"to keep runs in the project's folder, in {DATABASE}"
    )


def _check_answers(uri: str) -> None:
    try:
        urllib.request.urlopen(_without_login(uri), timeout=_SECONDS_TO_ANSWER).close()
    except urllib.error.HTTPError:
        return  # It answers; what it wants, such as a password, MLflow knows.
    except (OSError, ValueError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        if not isinstance(reason, ssl.SSLError):  # Whose certificates to trust, MLflow knows.
            raise _unusable(uri, reason) from error


def _check_writable(uri: str, file: Path) -> None:
    folder = next(folder for folder in file.parents if folder.exists())
    for place in (file, folder):
        if place.exists() and not os.access(place, os.W_OK):
            raise _unusable(uri, f"{place} can't be written to")


def check_store(uri: str) -> None:
    """Refuse a store that can't be used, rather than to try for minutes.

    Raises:
        TrackingError: with the address of a server that doesn't answer, or of a database that
            can't be written, and the reason.
    """
    file = _database(uri)
    if uri.startswith(_SERVER):
        _check_answers(uri)
    elif file is not None:
        _check_writable(uri, file)


def _columns(database: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in database.execute(f"PRAGMA table_info({table})")}


def _move_artifacts(file: Path, old: str, new: str) -> None:
    """Have a database look for artifacts in another folder; MLflow has no call for it."""
    with closing(sqlite3.connect(file)) as database, database:
        for table, names in _PLACES.items():
            for name in _columns(database, table).intersection(names):
                database.execute(
                    f"UPDATE {table} SET {name} = ? || substr({name}, ?) "
                    f"WHERE {name} = ? OR substr({name}, 1, ?) = ?",
                    (new, len(old) + 1, old, len(old) + 1, f"{old}/"),
                )


def _follow_move(client, experiment, file: Path):
    """Take the artifacts of a project that was moved or copied along, as they lie beside its runs.

    MLflow keeps absolute places: a copy would write into the folder of its original, and a moved
    project find none.
    """
    old, new = experiment.artifact_location, (file.parent / ARTIFACTS).as_uri()
    if old == new or not old.endswith(f"/{ARTIFACTS}"):
        return experiment
    _move_artifacts(file, old, new)
    return client.get_experiment(experiment.experiment_id)


def _use(uri: str) -> None:
    """Have all of MLflow use a store, and leave alone the variable that it would set.

    What the user did not set would else count as such for the next project in this process.
    """
    import mlflow

    before = os.environ.get(_ADDRESS)
    mlflow.set_tracking_uri(uri)
    if before is None:
        os.environ.pop(_ADDRESS, None)


@contextmanager
def _alone(file: Path | None) -> Iterator[None]:
    """Hold off other processes: two that make the tables at once are in each other's way."""
    if file is None or not os.access(file.parent, os.W_OK):
        yield
        return
    with FileLock(f"{file}.lock"):
        yield


def _make_database(uri: str, file: Path) -> None:
    """Make the tables, with a default experiment whose artifacts lie beside those of others.

    MLflow would put them below the working directory, whose name it writes into SQL as it is.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    SqlAlchemyStore(uri, (file.parent / ARTIFACTS).as_uri())


def _find_experiment(client):
    """The experiment that the environment names, or None where it is yet to be made."""
    from mlflow.exceptions import MlflowException

    number = os.environ.get("MLFLOW_EXPERIMENT_ID")
    if not number:
        return client.get_experiment_by_name(experiment_name())
    try:
        return client.get_experiment(number)
    except MlflowException as error:
        raise TrackingError(
            f"MLFLOW_EXPERIMENT_ID names the experiment {number}, which the store doesn't have. "
            "Unset it, or set MLFLOW_EXPERIMENT_NAME, which is made where it is not there"
        ) from error


def _open_experiment(client, file: Path | None) -> str:
    experiment = _find_experiment(client)
    if experiment is None:
        artifacts = (file.parent / ARTIFACTS).as_uri() if file else None
        # Tells the page to open on training runs rather than on traces of language models.
        kind = {"mlflow.experimentKind": "custom_model_development"}
        return client.create_experiment(experiment_name(), artifacts, tags=kind)
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    if file is not None:
        experiment = _follow_move(client, experiment, file)
    return experiment.experiment_id


def connect(root: Path):
    """Open the store and its experiment, made if need be.

    An experiment that was deleted is restored, and the artifacts of a project that was moved or
    copied are looked for where they are now.

    Args:
        root: the project's folder, which holds the database and the artifacts beside it, unless
            ``MLFLOW_TRACKING_URI`` says otherwise.

    Returns:
        An ``MlflowClient`` and the experiment's id.

    Raises:
        TrackingError: if the store can't be used, or lacks the experiment that is asked for.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # With seven, the default, a server that is gone holds up a run for minutes at each call.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    uri = tracking_uri(root)
    check_store(uri)
    from mlflow import MlflowClient

    _use(uri)
    file = _database(uri)
    try:
        with _alone(file):
            if file is not None and not file.exists():
                _make_database(uri, file)
            client = MlflowClient(uri)
            return client, _open_experiment(client, file)
    except TrackingError:
        raise
    except Exception as error:
        raise _unusable(uri, str(error).strip().partition("\n")[0]) from error


def numbered(client, experiment_id: str, name: str) -> str:
    """Append a number that no run of that name has yet, so that two can be told apart."""
    # The underscore of an architecture's name matches itself, too.
    same = client.search_runs([experiment_id], f"attributes.run_name LIKE '{name} %'")
    numbers = [
        int(text) for run in same if (text := run.info.run_name[len(name) :].strip()).isdigit()
    ]
    return f"{name} {max(numbers, default=0) + 1}"


def _experiment_id(file: Path) -> str | None:
    """Number of the experiment in a database, which is read without loading MLflow."""
    if number := os.environ.get("MLFLOW_EXPERIMENT_ID"):
        return number
    query = "SELECT experiment_id FROM experiments WHERE name = ?"
    with (
        contextlib.suppress(sqlite3.Error),
        closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)) as database,
    ):
        row = database.execute(query, (experiment_name(),)).fetchone()
        return row and str(row[0])


def page_of_runs(root: Path) -> tuple[str | None, str]:
    """Where the training runs are shown.

    MLflow's page opens an experiment by its traces of language models, of which there are none;
    this address is that of the workflow of model training.

    Args:
        root: the project's folder.

    Returns:
        The store that ``mlflow ui --backend-store-uri`` must be told, None where a server shows
        it; and the page's address, without the experiment's where there is none yet.
    """
    uri = os.environ.get(_ADDRESS) or f"{_LOCAL}{DATABASE}"
    if uri.startswith(_SERVER):
        return None, f"{_without_login(uri).rstrip('/')}/#/experiments"
    file = root / DATABASE if uri == f"{_LOCAL}{DATABASE}" else _database(uri)
    number = file and _experiment_id(file)
    runs = f"/{number}/runs?workflowType=machine_learning" if number else ""
    return uri, f"http://127.0.0.1:5000/#/experiments{runs}"
