"""A figure as a PNG file, which nothing but eyes reads back."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imread

from hbac.datasets.file import FileDataset

_DPI = 100

_QUICKLY = {"compress_level": 1}
"""A tenth of a second sooner and more for a large figure: there may be hundreds of them."""


class FigureDataset(FileDataset):
    """A matplotlib figure; loaded, it is an image, shape ``(height, width, 4)``, 0 to 1."""

    def _read(self, path: str) -> np.ndarray:
        with self._fs.open(path, "rb") as file:
            return imread(file, format="png")

    def _write(self, path: str, data: Figure) -> None:
        data.savefig(path, format="png", dpi=_DPI, pil_kwargs=_QUICKLY)
