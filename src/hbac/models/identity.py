"""Which file stands behind a memory-mapped array, so that nothing is found out twice."""

from __future__ import annotations

import os
from collections.abc import Hashable

import numpy as np


def file_identity(array: np.ndarray) -> Hashable | None:
    """Return what tells a memory-mapped file, as it is now, from others.

    Args:
        array: of any kind.

    Returns:
        ``None`` of an array in memory, which may change unseen, and of a part of a file.
    """
    path = getattr(array, "filename", None)
    if path is None or not array.flags.c_contiguous:
        return None
    state = os.stat(path)
    if array.offset + array.nbytes != state.st_size:
        return None
    return str(path), state.st_ino, state.st_mtime_ns, array.shape, array.dtype.str
