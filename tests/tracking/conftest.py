"""A store of runs, which takes seconds to make and is therefore copied."""

import shutil
import signal
from types import SimpleNamespace

import pytest

from hbac.tracking.hook import MlflowHook
from hbac.tracking.store import connect


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        connect(folder)
    return folder / "mlflow.db"


@pytest.fixture
def root(empty_store, tmp_path, monkeypatch):
    """A project's folder with a store in it."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    shutil.copy(empty_store, tmp_path)
    yield tmp_path
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def hook(root):
    hook = MlflowHook()
    hook.after_context_created(SimpleNamespace(project_path=root))
    return hook
