"""Keras as it ships, whatever a file in the user's home says.

Keras takes its backend, and how numbers and pictures are laid out, from ``keras.json`` in
``KERAS_HOME``, or in ``.keras`` in the user's home. What another project has put there would train
other networks, and have maps read over the wrong axes.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

_BACKENDS = ("tensorflow", "jax")


def _keras_json() -> Path:
    """Where Keras looks for it."""
    home = Path("~").expanduser()
    beside = home if os.access(home, os.W_OK) else Path("/tmp")
    return Path(os.environ.get("KERAS_HOME", beside / ".keras"), "keras.json").expanduser()


def _default_backend() -> str:
    installed = [name for name in _BACKENDS if find_spec(name) is not None]
    return (installed or _BACKENDS)[0]


def choose_backend() -> None:
    """Name Keras' backend before it is imported, unless ``KERAS_BACKEND`` does.

    It is TensorFlow, or where that isn't installed, jax.
    """
    if not os.environ.get("KERAS_BACKEND"):
        os.environ["KERAS_BACKEND"] = _default_backend()


def name_the_file(error: ValueError) -> ValueError:
    """Return an error that Keras raises on its import as one that names the file it read."""
    path = _keras_json()
    if not path.is_file() or "configuration" not in str(error):
        return error
    return ValueError(f"{path} can't be used: {error} Mend the file or delete it.")


def restore_defaults(keras: ModuleType) -> None:
    """Set whatever ``keras.json`` may have set, but the backend, as Keras sets it by itself.

    Args:
        keras: the module, just imported, or imported by somebody else before.

    Raises:
        RuntimeError: if it was imported before, and runs on the backend that the file names.
    """
    backend, chosen = keras.config.backend(), os.environ.get("KERAS_BACKEND")
    if not chosen and backend != _default_backend():
        raise RuntimeError(
            f"Keras was imported before hbac and runs on {backend}, as {_keras_json()} says: "
            f"import hbac first, or set KERAS_BACKEND={backend} if you mean it"
        )
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    # Environment variables for trying a script out, which would cut every training short.
    for name in ("set_max_epochs", "set_max_steps_per_epoch"):
        if hasattr(keras.config, name):
            getattr(keras.config, name)(None)
