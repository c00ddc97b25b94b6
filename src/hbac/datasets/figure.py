"""A figure as a PNG file, which kedro-viz, notebooks and the report show."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from kedro_datasets._typing import ImagePreview
from matplotlib.figure import Figure

from hbac.datasets.file import FileDataset
from hbac.matplotlib_defaults import default_style

_SIGNATURE = b"\x89PNG"

_QUICKLY = {"compress_level": 1}
"""A tenth of a second sooner and more for a large figure: there may be hundreds of them."""


class Picture(bytes):
    """The bytes of a PNG file, which notebooks show."""

    def _repr_png_(self) -> bytes:
        return bytes(self)

    def __repr__(self) -> str:
        return f"Picture of {len(self) / 1024:.0f} KiB"

    @property
    def base64(self) -> str:
        """The bytes as text, as web pages embed them."""
        return base64.b64encode(self).decode()


class FigureDataset(FileDataset):
    """A matplotlib figure as a PNG file; loaded, it is a ``Picture``.

    Args:
        dpi: pixels an inch.
        filepath: path or URL of the file.
        file_options: those of ``FileDataset``.
    """

    kind = "a PNG file"

    def __init__(self, *, filepath: str, dpi: int = 100, **file_options: Any):
        super().__init__(filepath=filepath, **file_options)
        self._dpi = dpi

    def _read(self, path: str) -> Picture:
        content = self._fs.cat_file(path)
        if not content.startswith(_SIGNATURE):
            raise ValueError("another signature was expected")
        return Picture(content)

    def _write(self, path: str, data: Figure) -> None:
        # Ticks are made as late as this, as the user's matplotlibrc would have them.
        with Path(path).open("wb") as file, default_style():
            data.savefig(file, format="png", dpi=self._dpi, pil_kwargs=_QUICKLY)

    def preview(self) -> ImagePreview:
        """Return the file for kedro-viz."""
        return ImagePreview(self.load().base64)
