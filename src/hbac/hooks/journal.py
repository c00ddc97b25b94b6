"""Which nodes of a run have started, in whichever process Kedro's runner starts them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_VARIABLE = "HBAC_NODES_STARTED"
"""Names the journal's file to the processes of the run."""


class Journal:
    """A file of a run: a line a node that has started. It goes with the object."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="hbac-run-")
        self._file = Path(self._folder.name, "nodes")
        self._file.touch()
        os.environ[_VARIABLE] = str(self._file)

    @staticmethod
    def note(node: str) -> int:
        """Note a node that starts, and return its place among those that have."""
        file = Path(os.environ[_VARIABLE])
        # One call appends a line whole, whoever else does so at the time.
        with file.open("a") as lines:
            lines.write(f"{node}\n")
        return len(file.read_text().splitlines())

    def nodes(self) -> list[str]:
        """Names of those that have started, in order."""
        return self._file.read_text().splitlines()
