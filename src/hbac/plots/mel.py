"""Spectrograms of one window, made in several ways, by chain and by channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hbac.eeg.montage import CHAINS, Montage
from hbac.eeg.shape import MAX_FREQUENCY
from hbac.eeg.time_frequency import channel_panels
from hbac.plots.eeg import CHAIN_COLOURS
from hbac.plots.style import MISSING, POWER_MAP, new_figure, styled


def _check(spectrograms: Mapping[str, np.ndarray]) -> None:
    if not spectrograms:
        raise ValueError("spectrograms must hold one at least, received none")
    for name, values in spectrograms.items():
        if values.ndim != 3 or values.shape[-1] != len(CHAINS):
            raise ValueError(
                f"{name!r} must have shape (rows, columns, {len(CHAINS)}), received {values.shape}"
            )


def _draw_grid(
    figure: Figure, columns: Mapping[str, Sequence[np.ndarray]], seconds: tuple[float, float]
) -> np.ndarray:
    """Draw panels, a column a heading, on one scale of colours; returns the axes."""
    values = np.concatenate([np.ravel(panel) for panels in columns.values() for panel in panels])
    known = values[~np.isnan(values)]
    low, high = np.percentile(known, [0.5, 99.5]) if known.size else (-1, 1)
    n_rows = len(next(iter(columns.values())))
    grid = figure.subplots(n_rows, len(columns), sharex=True, sharey=True, squeeze=False)
    for column, (name, panels) in zip(grid.T, columns.items(), strict=True):
        for axes, panel in zip(column, panels, strict=True):
            axes.set_facecolor(MISSING)
            image = axes.imshow(
                panel, cmap=POWER_MAP, vmin=low, vmax=high, origin="lower", aspect="auto",
                extent=(*seconds, 0, MAX_FREQUENCY),
            )  # fmt: skip
        column[0].set_title(name)
        column[-1].set_xlabel("time in the window (s)")
    label = "decibels, mapped to -1..1"
    figure.colorbar(image, ax=grid, label=label, extend="both", aspect=40, pad=0.01)
    return grid


def _name_channel(axes: Axes, name: str, colour: str) -> None:
    axes.set_ylabel(name, color=colour, weight="bold", rotation=0, ha="right", va="center")
    axes.set_yticks([0, MAX_FREQUENCY], ["0", f"{MAX_FREQUENCY:g} Hz"], fontsize=6)


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
    _check(spectrograms)
    figure = new_figure(5.6, title=f"{title}, n = 1 window")
    columns = {name: np.moveaxis(values, -1, 0) for name, values in spectrograms.items()}
    grid = _draw_grid(figure, columns, seconds)
    for axes, chain in zip(grid[:, 0], CHAINS, strict=True):
        axes.set_ylabel(f"{chain} (Hz)", color=CHAIN_COLOURS[chain], weight="bold")
    return figure


@styled
def channel_spectrograms(
    spectrograms: Mapping[str, np.ndarray],
    *,
    title: str,
    seconds: tuple[float, float] = (0.0, 50.0),
    montage: Montage = "bipolar",
) -> Figure:
    """Show a window's spectrograms of all channels side by side.

    Args:
        spectrograms: by heading, as ``mel_spectrograms`` takes them, with four channels in the rows
            of each chain; see ``hbac.eeg.time_frequency.window_spectrograms``.
        title: the figure's title.
        seconds: of the window at the left and right edges.
        montage: of which channels.

    Returns:
        A figure of a column a spectrogram and a row a channel, otherwise as ``mel_spectrograms``.

    Raises:
        ValueError: if there is no spectrogram, or one does not have four chains.
    """
    _check(spectrograms)
    figure = new_figure(9.6, title=f"{title}, n = 1 window")
    columns = {
        name: channel_panels(values, montage=montage) for name, values in spectrograms.items()
    }
    grid = _draw_grid(figure, {name: [*one.values()] for name, one in columns.items()}, seconds)
    colours = np.repeat([CHAIN_COLOURS[chain] for chain in CHAINS], len(grid) // len(CHAINS))
    for axes, name, colour in zip(grid[:, 0], next(iter(columns.values())), colours, strict=True):
        _name_channel(axes, name, colour)
    return figure
