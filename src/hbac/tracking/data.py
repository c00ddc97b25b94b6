"""Which data a network was trained on, as one number that tells two data sets apart."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable

import numpy as np
import pandas as pd

from hbac.models.identity import file_identity

_CHUNK = 1 << 24


_known: dict[Hashable, hashlib.blake2b] = {}
"""Of each file that was hashed: at full size that takes as long as some epochs."""


def _digest(model_input: np.ndarray) -> hashlib.blake2b:
    digest = hashlib.blake2b(digest_size=8)
    rows = max(1, _CHUNK // max(1, model_input[0].nbytes))
    for start in range(0, len(model_input), rows):
        digest.update(np.ascontiguousarray(model_input[start : start + rows]))
    return digest


def data_fingerprint(model_input: np.ndarray, windows: pd.DataFrame) -> str:
    """Hash the pictures and the windows that networks are trained on, as 16 hex digits.

    A file is hashed once in a process, as long as it stays as it is.
    """
    identity = file_identity(model_input)
    digest = _known.get(identity) or _digest(model_input)
    if identity is not None:
        _known[identity] = digest
    digest = digest.copy()
    digest.update(pd.util.hash_pandas_object(windows).to_numpy().tobytes())
    return digest.hexdigest()
