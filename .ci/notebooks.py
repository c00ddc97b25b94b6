"""Run every notebook on what a run has made, as `kedro jupyter lab` would.

    python .ci/notebooks.py raw_dir=PATH,data_dir=PATH

Ends with an error at the first cell that raises one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"


def run(path: Path, parameters: str) -> None:
    """Run a notebook in a kernel of its own; nothing is written.

    Args:
        path: the notebook.
        parameters: those of ``kedro run --params``.

    Raises:
        nbclient.exceptions.CellExecutionError: if a cell raises an error.
    """
    notebook = nbformat.read(path, as_version=4)
    # What the kernel of `kedro jupyter lab` does by itself, but for the parameters.
    load = f"%load_ext kedro.ipython\n%reload_kedro --params={parameters}"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(load))
    where = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, kernel_name="python3", timeout=300, resources=where).execute()


def main(parameters: str) -> None:
    """Run them all, and say how long each took."""
    for path in sorted(FOLDER.glob("*.ipynb")):
        begin = perf_counter()
        run(path, parameters)
        print(f"{path.name}: {perf_counter() - begin:.0f} s", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
