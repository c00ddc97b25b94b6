"""What all tests share."""

from pathlib import Path

import pytest
from kedro.config import OmegaConfigLoader

from hbac.settings import CONFIG_LOADER_ARGS

PROJECT = Path(__file__).parents[1]


def shared_folder(name):
    """Real EEG beside the project, of which it is no part; the test is skipped without it."""
    folder = PROJECT.parent / "shared" / name
    if not folder.is_dir():
        pytest.skip(f"real EEG is not here: ../shared/{name} does not exist beside the project")
    return folder


@pytest.fixture(scope="session")
def iiic():
    """Folder of 22 real, expert-labelled EEG windows."""
    return shared_folder("iiic")


def recipe(name):
    """The parameters ``spectrogram`` and ``modeling`` of a recipe, as they ship."""
    loader = OmegaConfigLoader(
        str(PROJECT / "conf"), runtime_params={"recipe": name}, **CONFIG_LOADER_ARGS
    )
    return loader["parameters"]
