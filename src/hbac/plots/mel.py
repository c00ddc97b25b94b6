"""Log-mel spectrograms of one window, made in several ways."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from hbac.eeg.montage import CHAINS
from hbac.eeg.spectrogram import MAX_FREQUENCY
from hbac.plots.eeg import CHAIN_COLOURS
from hbac.plots.style import MISSING, POWER_MAP, new_figure, styled


@styled
def mel_spectrograms(
    spectrograms: Mapping[str, np.ndarray],
    *,
    title: str,
    seconds: tuple[float, float] = (0.0, 50.0),
) -> Figure:
    """Show a window's spectrograms side by side.

    Args:
        spectrograms: by heading, from -1 to 1, NaN where missing, shape ``(rows, columns, 4)``;
            see ``hbac.eeg.spectrogram.chain_spectrograms``.
        title: the figure's title.
        seconds: of the window at the left and right edges.

    Returns:
        A figure of a column a spectrogram and a row a chain, in seconds and Hz. All share one
        colour scale, from the 0.5th to the 99.5th percentile; what is missing is gray.

    Raises:
        ValueError: if there is no spectrogram, or one does not have four chains.
    """
    if not spectrograms:
        raise ValueError("spectrograms must hold one at least, received none")
    for name, values in spectrograms.items():
        if values.ndim != 3 or values.shape[-1] != len(CHAINS):
            raise ValueError(
                f"{name!r} must have shape (rows, columns, {len(CHAINS)}), received {values.shape}"
            )
    values = np.concatenate([*map(np.ravel, spectrograms.values())])
    known = values[~np.isnan(values)]
    low, high = np.percentile(known, [0.5, 99.5]) if known.size else (-1, 1)
    figure = new_figure(5.6, title=f"{title}, n = 1 window")
    grid = figure.subplots(len(CHAINS), len(spectrograms), sharex=True, sharey=True, squeeze=False)
    for column, (name, spectrogram) in zip(grid.T, spectrograms.items(), strict=True):
        for axes, values in zip(column, np.moveaxis(spectrogram, -1, 0), strict=True):
            axes.set_facecolor(MISSING)
            image = axes.imshow(
                values, cmap=POWER_MAP, vmin=low, vmax=high, origin="lower", aspect="auto",
                extent=(*seconds, 0, MAX_FREQUENCY),
            )  # fmt: skip
        column[0].set_title(name)
        column[-1].set_xlabel("time in the window (s)")
    for axes, chain in zip(grid[:, 0], CHAINS, strict=True):
        axes.set_ylabel(f"{chain} (Hz)", color=CHAIN_COLOURS[chain], weight="bold")
    label = "decibels, mapped to -1..1"
    figure.colorbar(image, ax=grid, label=label, extend="both", aspect=40, pad=0.01)
    return figure
