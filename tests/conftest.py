"""What all tests share."""

from pathlib import Path

import pytest
from kedro.config import OmegaConfigLoader

from hbac.settings import CONFIG_LOADER_ARGS

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def iiic():
    """Folder of 22 real, expert-labelled EEG windows; they are not part of the project."""
    folder = PROJECT.parent / "shared" / "iiic"
    if not folder.is_dir():
        pytest.skip("real EEG is not here: ../shared/iiic does not exist beside the project")
    return folder


def recipe(name):
    """The parameters ``spectrogram`` and ``modeling`` of a recipe, as they ship."""
    loader = OmegaConfigLoader(
        str(PROJECT / "conf"), runtime_params={"recipe": name}, **CONFIG_LOADER_ARGS
    )
    return loader["parameters"]
