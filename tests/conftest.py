"""What all tests share."""

from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def iiic():
    """Folder of 22 real, expert-labelled EEG windows; they are not part of the project."""
    folder = PROJECT.parent / "shared" / "iiic"
    if not folder.is_dir():
        pytest.skip("real EEG is not here: ../shared/iiic does not exist beside the project")
    return folder
