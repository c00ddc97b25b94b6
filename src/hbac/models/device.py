"""Where networks compute: whether there is a GPU, what it can do, and how much still fits on it."""

from __future__ import annotations

import sys
from contextlib import suppress

import keras

_BFLOAT16_SINCE, _TENSOR_CORES_SINCE = (8, 0), (7, 0)
"""CUDA's compute capability of the first cards with units for bfloat16 (A100), and with units for
float16 (V100, T4): elsewhere 16 bits are slower than 32."""


def has_gpu() -> bool:
    """Tell whether Keras' backend sees a GPU."""
    try:
        return bool(keras.distribution.list_devices("gpu"))
    except RuntimeError:  # jax without one
        return False


def compute_capability() -> tuple[int, int] | None:
    """Return CUDA's compute capability of the first GPU; ``None`` where the backend tells none."""
    backend = keras.backend.backend()
    with suppress(AttributeError, KeyError, IndexError, ValueError):
        if backend == "jax":
            major, minor = sys.modules["jax"].devices("gpu")[0].compute_capability.split(".")
            return int(major), int(minor)
        experimental = sys.modules[backend].config.experimental
        (gpu, *_) = sys.modules[backend].config.list_physical_devices("GPU")
        return experimental.get_device_details(gpu)["compute_capability"]
    return None


def resolve_precision(precision: str) -> str:
    """Name Keras' dtype policy.

    Args:
        precision: a policy, or ``auto``: on a GPU the 16 bits that it has units for,
            ``mixed_bfloat16`` before ``mixed_float16``; else ``float32``.
    """
    if precision != "auto":
        return precision
    capability = compute_capability() if has_gpu() else None
    if capability is None or capability < _TENSOR_CORES_SINCE:
        return "float32"
    return "mixed_bfloat16" if capability >= _BFLOAT16_SINCE else "mixed_float16"


def free_bytes() -> int | None:
    """Return how much memory of the first GPU is free; ``None`` where nothing tells."""
    backend = keras.backend.backend()
    if not has_gpu():
        return None
    if backend == "jax":
        found = sys.modules["jax"].devices("gpu")[0].memory_stats() or {}
        if {"bytes_limit", "bytes_in_use"} <= set(found):
            return found["bytes_limit"] - found["bytes_in_use"]
        return None
    with suppress(ImportError):
        import pynvml

        with suppress(pynvml.NVMLError):
            pynvml.nvmlInit()
            # What TensorFlow has reserved for itself counts as free: it reserves nearly all.
            total = pynvml.nvmlDeviceGetMemoryInfo(pynvml.nvmlDeviceGetHandleByIndex(0)).total
            used = sys.modules[backend].config.experimental.get_memory_info("GPU:0")["current"]
            return total - used
    return None
