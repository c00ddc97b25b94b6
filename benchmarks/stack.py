"""How fast the networks' input is stacked: in blocks, against a flush for every row.

Pictures of float16 are made in no time, so that what is measured is the writing. Both ways write
the same rows in turn, on one core, and every file is removed at once.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from hbac.datasets import StackedArrayDataset


def picture(row: int, size: int) -> np.ndarray:
    """Return a picture that differs from row to row."""
    return np.full((size, size), row % 100, np.float16)


def stack_in_blocks(path: Path, n_rows: int, size: int) -> None:
    """Stack as the project does."""
    dataset = StackedArrayDataset(filepath=str(path), n_jobs=1)
    dataset.save({row: partial(picture, row, size) for row in range(n_rows)})


def flush_every_row(path: Path, n_rows: int, size: int) -> None:
    """Stack as the project did: a row is mapped, written and flushed by itself."""
    shape = (n_rows, size, size)
    np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)
    for row in range(n_rows):
        stack = np.lib.format.open_memmap(path, mode="r+")
        stack[row] = picture(row, size)
        stack.flush()


def _milliseconds(stack: Callable[[Path, int, int], None], n_rows: int, size: int) -> float:
    """Time for a row."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        stack(Path(folder, "stack.npy"), n_rows, size)
        return 1000 * (time.perf_counter() - start) / n_rows


def main() -> None:
    """Measure both ways in turn and print the figures as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--size", type=int, default=512, help="height and width of a picture")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    load, ways = os.getloadavg()[0], {"blocks": stack_in_blocks, "row": flush_every_row}
    # The first time, the code that makes rows is read, to tell what they are made from.
    _milliseconds(stack_in_blocks, 2, options.size)
    times = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, way in ways.items():
            times[name].append(_milliseconds(way, options.rows, options.size))
    figures = {
        "rows": options.rows,
        "bytes_per_row": picture(0, options.size).nbytes,
        "load": round(load, 1),
        **{f"ms_per_row_{name}": round(median(each), 2) for name, each in times.items()},
        "flush_ratio": round(
            median(row / block for row, block in zip(times["row"], times["blocks"], strict=True)),
            2,
        ),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
