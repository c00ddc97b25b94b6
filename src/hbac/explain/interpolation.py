"""Maps enlarged from a layer's cells to the pixels of the picture."""

from __future__ import annotations

import numpy as np


def _interpolation(n_out: int, n_in: int) -> np.ndarray:
    """Weights of linear interpolation between cell centres, shape ``(n_out, n_in)``."""
    centres = (np.arange(n_out, dtype=np.float32) + 0.5) * n_in / n_out - 0.5
    centres = np.clip(centres, 0, n_in - 1)
    return np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(n_in, dtype=np.float32)))


def _block_interpolation(n_out: int, n_in: int, blocks: int) -> np.ndarray:
    """The same within each of ``blocks`` equal parts; across them where cells straddle parts."""
    if n_in % blocks or n_out % blocks:
        return _interpolation(n_out, n_in)
    return np.kron(
        np.eye(blocks, dtype=np.float32), _interpolation(n_out // blocks, n_in // blocks)
    )


def repeat_cells(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Enlarge maps by giving each pixel the value of the cell that its centre lies in.

    Args:
        maps: shape ``(..., rows, columns)``.
        size: height and width of the result.

    Returns:
        Shape ``(..., height, width)``.
    """
    rows, columns = (
        ((np.arange(n_out) + 0.5) * n_in / n_out).astype(int)
        for n_out, n_in in zip(size, maps.shape[-2:], strict=True)
    )
    return maps[..., rows[:, None], columns]


def upsample(
    maps: np.ndarray, size: tuple[int, int], *, blocks: tuple[int, int] = (1, 1)
) -> np.ndarray:
    """Enlarge maps to the size of the picture by bilinear interpolation.

    A cell's value stands at its centre, and the outermost half cells repeat it.

    Args:
        maps: shape ``(..., rows, columns)``.
        size: height and width of the picture in pixels.
        blocks: down and across, how many panels make the picture: nothing is interpolated from
            one panel into the next, where another chain begins. Cells that panels don't divide
            are interpolated all the same.

    Returns:
        Shape ``(..., height, width)``.
    """
    rows = _block_interpolation(size[0], maps.shape[-2], blocks[0])
    columns = _block_interpolation(size[1], maps.shape[-1], blocks[1])
    return rows @ maps @ columns.T
