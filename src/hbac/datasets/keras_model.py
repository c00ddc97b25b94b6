"""One Keras model in the ``.keras`` format."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

from kedro_datasets._typing import JSONPreview

from hbac.datasets.file import FileDataset
from hbac.datasets.unreadable import reading


class KerasModelDataset(FileDataset):
    """A Keras model with its weights, without its optimizer's state; no code is unpickled."""

    kind = "a Keras network"

    def _read(self, path: str) -> Any:
        import keras

        with tempfile.TemporaryDirectory() as folder:
            local = str(Path(folder, "model.keras"))
            try:
                self._fs.get_file(path, local)
            except FileNotFoundError as error:
                raise FileNotFoundError(
                    f"{path} is missing. Train it by the pipeline modeling, or copy it from where "
                    "its run was made"
                ) from error
            try:
                return keras.saving.load_model(local, compile=False)
            except Exception as error:
                raise ValueError(str(error).replace(local, path)) from error

    def _write(self, path: str, data: Any) -> None:
        data.save(path, include_optimizer=False)

    def preview(self) -> JSONPreview:
        """Return what the network is made of for kedro-viz, which loads no Keras for it."""
        with (
            reading(self._fs, self._filepath, self.kind),
            self._fs.open(self._filepath, "rb") as file,
            zipfile.ZipFile(file) as parts,
        ):
            saved = json.loads(parts.read("metadata.json"))
            layers = json.loads(parts.read("config.json"))["config"]["layers"]
        inputs = {
            layer["config"]["name"]: layer["config"]["batch_shape"]
            for layer in layers
            if layer["class_name"] == "InputLayer"
        }
        kinds = Counter(layer["class_name"] for layer in layers).most_common()
        return JSONPreview(json.dumps(saved | {"inputs": inputs, "layers": dict(kinds)}))
