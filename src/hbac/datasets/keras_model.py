"""One Keras model in the ``.keras`` format."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hbac.datasets.file import FileDataset


class KerasModelDataset(FileDataset):
    """A Keras model with its weights, without its optimizer's state; no code is unpickled."""

    def _read(self, path: str) -> Any:
        import keras

        with tempfile.TemporaryDirectory() as folder:
            local = str(Path(folder, "model.keras"))
            self._fs.get_file(path, local)
            return keras.saving.load_model(local, compile=False)

    def _write(self, path: str, data: Any) -> None:
        data.save(path, include_optimizer=False)
