"""Networks of one architecture that differ by their seed alone."""

from __future__ import annotations

from collections.abc import Sequence


def network_names(architectures: Sequence[str], seeds: int) -> tuple[str, ...]:
    """Name the networks of a fold: ``compact``, ``compact-2``, ``compact-3`` ...

    Args:
        architectures: names that ``hbac.models.build_model`` knows.
        seeds: networks of each.
    """
    return tuple(
        name if number == 1 else f"{name}-{number}"
        for name in architectures
        for number in range(1, seeds + 1)
    )


def architecture_of(network: str) -> str:
    """The architecture of a network that ``network_names`` named."""
    return network.partition("-")[0]


def seed_of(network: str, seed: int) -> int:
    """The seed of a network: that of all training for the first, and others from it.

    Not the next numbers, which may be the seeds of other runs.
    """
    number = int(network.partition("-")[2] or 1)
    if number == 1:
        return seed
    # To name the networks of a run takes no NumPy, and kedro does so before it runs anything.
    import numpy as np

    return int(np.random.SeedSequence([abs(seed), number]).generate_state(1)[0] >> 1)
