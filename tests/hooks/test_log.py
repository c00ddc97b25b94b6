import logging
from types import SimpleNamespace

import pytest
from kedro.framework.project import LOGGING

from hbac.hooks import LoggingHook
from tests.conftest import PROJECT

LOGGER = logging.getLogger("kedro.io.data_catalog")


@pytest.fixture(autouse=True)
def _logging(monkeypatch):
    configured = dict(LOGGING.data)
    monkeypatch.delenv("KEDRO_LOGGING_CONFIG", raising=False)
    LOGGER.setLevel(logging.NOTSET)
    yield
    LOGGING.configure(configured)


def test_a_session_that_begins_elsewhere_logs_as_the_project_does(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    LoggingHook().after_context_created(SimpleNamespace(project_path=PROJECT))
    assert LOGGER.level == logging.WARNING


def test_another_file_that_was_named_stays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEDRO_LOGGING_CONFIG", "mine.yml")
    LoggingHook().after_context_created(SimpleNamespace(project_path=PROJECT))
    assert LOGGER.level == logging.NOTSET


def test_in_the_project_kedro_has_found_it(monkeypatch):
    monkeypatch.chdir(PROJECT)
    LoggingHook().after_context_created(SimpleNamespace(project_path=PROJECT))
    assert LOGGER.level == logging.NOTSET
