"""Which Keras trains and predicts here, on what, and with which settings."""

from __future__ import annotations

import sys

import keras


def keras_in_force() -> dict[str, str]:
    """Return what decides, beside code and parameters, which numbers a network computes.

    Returns:
        ``version`` of Keras, ``backend`` and ``backend_version``, ``floatx``, ``epsilon`` and
        ``image_data_format``.
    """
    backend = keras.config.backend()
    return {
        "version": keras.__version__,
        "backend": backend,
        "backend_version": sys.modules[backend].__version__,
        "floatx": keras.config.floatx(),
        "epsilon": str(keras.config.epsilon()),
        "image_data_format": keras.config.image_data_format(),
    }
