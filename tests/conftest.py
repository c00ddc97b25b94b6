"""What all tests share."""

from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest
import scipy.linalg  # noqa: F401
from threadpoolctl import threadpool_limits

from hbac.config import ConfigLoader
from hbac.settings import CONFIG_LOADER_ARGS

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="session", autouse=True)
def _one_thread_of_blas():
    """Pytest's processes share the cores, on which threads of BLAS would wait for each other.

    Only libraries that are loaded are limited, hence SciPy's above.
    """
    with threadpool_limits(1, user_api="blas"):
        yield


def _shared_folder(name):
    """Real EEG beside the project, of which it is no part; the test is skipped without it."""
    folder = PROJECT.parent / "shared" / name
    if not folder.is_dir():
        pytest.skip(f"real EEG is not here: ../shared/{name} does not exist beside the project")
    return folder


@pytest.fixture(scope="session")
def iiic():
    """Folder of 22 real, expert-labelled EEG windows."""
    return _shared_folder("iiic")


@pytest.fixture(scope="session")
def recordings():
    """Folder of recordings that other amplifiers and programs wrote."""
    return _shared_folder("recordings")


def configuration(**runtime_params):
    """What ``conf`` holds, read as a run does that is given ``--params``."""
    return ConfigLoader(str(PROJECT / "conf"), runtime_params=runtime_params, **CONFIG_LOADER_ARGS)


@cache
def _parameters(name):
    return configuration(recipe=name)["parameters"]


def recipe(name="seed"):
    """The parameters as they ship; ``spectrogram`` and ``modeling`` are of a recipe."""
    return deepcopy(_parameters(name))
