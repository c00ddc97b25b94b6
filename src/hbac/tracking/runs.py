"""Finished runs by their ids in MLflow."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from kedro.utils import find_kedro_project

from hbac.tracking.store import connect

DATA_DIR = "data_dir"
"""Tag of a run that trains: where it writes."""

_ID = re.compile(r"[0-9a-f]{32}")


def _folder_of(client, run_id: str) -> str:
    from mlflow.exceptions import MlflowException

    try:
        folder = client.get_run(run_id).data.tags.get(DATA_DIR)
    except MlflowException as error:
        raise ValueError(
            f"MLflow has no run {run_id}: name the data_dir of the run, or set "
            "MLFLOW_TRACKING_URI to the store that has it"
        ) from error
    if folder is None:
        raise ValueError(
            f"the run {run_id} does not say where it wrote, as it trained nothing or an earlier "
            "hbac made it: name its data_dir"
        )
    return folder


def folders_of_runs(names: Sequence[str]) -> list[str]:
    """Put the folder that a run wrote to in the place of its id.

    Args:
        names: ids of MLflow's, and anything else, which stays as it is.

    Raises:
        ValueError: if there is no such run, or it does not say where it wrote.
    """
    if not any(map(_ID.fullmatch, names)):
        return list(names)
    client, _ = connect(find_kedro_project(Path.cwd()) or Path.cwd())
    return [_folder_of(client, name) if _ID.fullmatch(name) else name for name in names]
