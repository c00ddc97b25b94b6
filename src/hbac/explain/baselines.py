"""Maps that know nothing of the network: what a map must beat to be worth looking at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hbac.eeg.panel import Panel
from hbac.explain.interpolation import upsample
from hbac.explain.tiles import panel_shape

_CENTRE_SECONDS = {"eeg": 5.0, "centre": 5.0, "waveform": 5.0, "regional": 60.0}
"""Standard deviation of the centre prior by source. The label speaks of the central 10 s, hence
5 s to either side; in the 10 minutes, where 10 s are a few pixels, the same tenth of the window as
in the 50 s."""


def random_maps(
    n: int,
    panels: Sequence[Panel],
    size: tuple[int, int],
    *,
    cells: tuple[int, int],
    seed: int,
) -> np.ndarray:
    """Draw maps at random that are as smooth as those of a network.

    Each panel gets cells of independent normal values, enlarged to its size by bilinear
    interpolation.

    Args:
        n: how many maps.
        panels: what makes up the picture.
        size: height and width of the picture in pixels.
        cells: rows and columns of a panel's cells: those of the network's feature maps that lie
            over a panel.
        seed: of the draws.

    Returns:
        Signed evidence, shape ``(n, height, width)``, float32.
    """
    rng = np.random.default_rng(seed)
    maps = np.zeros((n, *size), np.float32)
    for panel in panels:
        drawn = rng.normal(size=(n, *cells))
        maps[:, panel.rows, panel.columns] = upsample(drawn, panel_shape(panel))
    return maps


def centre_prior(panels: Sequence[Panel], size: tuple[int, int]) -> np.ndarray:
    """Point at the moment of which the label speaks, in all chains and frequencies alike.

    That moment is the middle of every source's window: 25 s of the EEG, 300 s of the 10 minutes.
    The prior is a Gaussian in time around it, with a standard deviation of 5 s, of 60 s in the 10
    minutes.

    Args:
        panels: what makes up the picture.
        size: height and width of the picture in pixels.

    Returns:
        One map, highest 1, shape ``(height, width)``, float32.
    """
    prior = np.zeros(size, np.float32)
    for panel in panels:
        edges = np.linspace(*panel.seconds, panel_shape(panel)[1] + 1)
        distance = (edges[:-1] + edges[1:]) / 2 - np.mean(panel.seconds)
        bell = np.exp(-0.5 * (distance / _CENTRE_SECONDS[panel.source]) ** 2)
        prior[panel.rows, panel.columns] = bell
    return prior
