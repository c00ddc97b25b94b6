"""Learning rates, one an epoch."""

from __future__ import annotations

import numpy as np


def cosine_rates(epochs: int, *, peak: float, warm_up: int) -> tuple[float, ...]:
    """Rise to a peak in equal steps, then fall along half a cosine.

    Loshchilov and Hutter, SGDR, 2017, arXiv:1608.03983, without restarts; the warm-up as in Goyal
    et al., 2017, arXiv:1706.02677. The last epoch still learns, at the rate that the cosine has
    in its middle.

    Args:
        epochs: how many rates.
        peak: rate of the first epoch after the warm-up.
        warm_up: epochs below the peak, fewer than ``epochs``.

    Raises:
        ValueError: if ``warm_up`` leaves no epoch.
    """
    if not 0 <= warm_up < epochs:
        raise ValueError(f"warm_up must leave one of {epochs} epochs, received {warm_up}")
    rising = peak * np.arange(1, warm_up + 1) / (warm_up + 1)
    n_falling = epochs - warm_up
    # Half a step past its start, so that neither the peak repeats nor the last rate is 0.
    progress = np.arange(n_falling) / max(n_falling - 0.5, 1)
    falling = peak * (1 + np.cos(np.pi * progress)) / 2
    return tuple(float(rate) for rate in (*rising, *falling))
