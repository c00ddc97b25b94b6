"""Learning rates that change with every step."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Cosine:
    """A rate that rises evenly to a peak, step by step, and falls to 0 along half a cosine.

    Loshchilov and Hutter, SGDR, 2017, arXiv:1608.03983, without restarts; the warm-up as in Goyal
    et al., 2017, arXiv:1706.02677. As a sequence it holds each epoch's rate at its middle.

    Attributes:
        epochs: from the first step to the last.
        peak: the highest rate.
        warm_up: epochs below the peak, fewer than ``epochs``; not always whole.
    """

    epochs: int
    peak: float
    warm_up: float = 0

    def __post_init__(self) -> None:
        if not 0 <= self.warm_up < self.epochs:
            raise ValueError(
                f"warm_up must leave one of {self.epochs} epochs, received {self.warm_up}"
            )

    def __len__(self) -> int:
        return self.epochs

    def __getitem__(self, epoch: int) -> float:
        if not 0 <= epoch < self.epochs:
            raise IndexError(f"epoch must be one of {self.epochs}, received {epoch}")
        middle = epoch + 0.5
        if middle < self.warm_up:
            return self.peak * middle / self.warm_up
        fallen = (middle - self.warm_up) / (self.epochs - self.warm_up)
        return self.peak * (1 + math.cos(math.pi * fallen)) / 2
