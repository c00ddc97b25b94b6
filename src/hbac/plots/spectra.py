"""Power spectra of the six classes, chain by chain."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from hbac.eeg.montage import CHAINS
from hbac.eeg.votes import CLASS_NAMES
from hbac.plots.style import (
    INK,
    LEFT,
    RIGHT,
    message,
    new_figure,
    say_below,
    styled,
)

TICKS = (0.5, 1, 2, 4, 8, 13, 30, 60)
"""Frequencies in Hz that are named: the edges of the clinical bands and the ends."""

CAPTION = (
    "n: windows, each of another patient. Lines: mean over windows of the power density in dB, "
    "which is Welch's (Hann windows of 4 s) over the 10 s of which a label speaks, averaged over "
    "the four bipolar channels of a chain; LL, LP: left lateral and parasagittal, RL, RP: right. "
    "Gray: quartiles over windows, mean of the chains. Dotted: mean of the classes shown."
)

LOOKS = {
    "LL": {"color": LEFT, "linestyle": "-"},
    "RL": {"color": RIGHT, "linestyle": "-"},
    "LP": {"color": LEFT, "linestyle": (0, (4, 1.5))},
    "RP": {"color": RIGHT, "linestyle": (0, (4, 1.5))},
}
"""Side by colour, chain by line style, so that grey print tells them apart as far as it can."""


def _draw_class(axes: Axes, table: pd.DataFrame, name: str, everyone: pd.Series) -> None:
    """Draw the four chains of a class, their quartiles, and the mean of all classes."""
    own = table[table["class"] == name]
    n = 0
    if not own.empty:
        n = own["n_windows"].max()
        band = own.groupby("frequency_hz")[["q25_db", "q75_db"]].mean()
        axes.fill_between(band.index, band["q25_db"], band["q75_db"], color="#dcdcdc", linewidth=0,
                          label="quartiles")  # fmt: skip
    for chain in CHAINS:
        line = own[own["chain"] == chain]
        axes.plot(line["frequency_hz"], line["mean_db"], linewidth=1.2, label=chain, **LOOKS[chain])
    axes.plot(everyone.index, everyone, color=INK, linewidth=1, linestyle=":", label="all classes")
    axes.set_title(f"{name}, n = {n:,}")
    axes.grid(axis="both")


def _draw_frequencies(axes: Axes, frequencies: pd.Index) -> None:
    axes.set_xscale("log")
    axes.set_xticks(TICKS, [f"{hertz:g}" for hertz in TICKS])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(frequencies[0], frequencies[-1])


@styled
def class_spectra(table: pd.DataFrame) -> Figure:
    """Show the mean spectrum of each class, chain by chain.

    Args:
        table: a row a class, chain and frequency: ``class``, ``chain``, ``frequency_hz``,
            ``mean_db``, ``q25_db``, ``q75_db`` and ``n_windows``.

    Returns:
        A figure of six axes, one a class, each with the four chains, the quartiles over windows
        (mean over chains) and the mean of all classes; a logarithmic axis in Hz. In words where
        there is no window.
    """
    if table.empty:
        return message("No window of any class could be measured: no spectra (n = 0)")
    everyone = table.groupby("frequency_hz")["mean_db"].mean()
    figure = new_figure(6.2, title="Mean power spectra by class and chain")
    grid = figure.subplots(2, 3, sharex=True, sharey=True)
    for axes, name in zip(grid.flat, CLASS_NAMES, strict=True):
        _draw_class(axes, table, name, everyone)
    _draw_frequencies(axes, everyone.index)
    axes.set_ylim(table["mean_db"].min() - 3, table[["mean_db", "q75_db"]].max(axis=None) + 3)
    grid[0, 2].legend(loc="upper right")
    figure.supylabel("power (dB re 1 µV²/Hz)", fontsize=8.5)
    for axes in grid[1]:
        axes.set_xlabel("frequency (Hz)")
    say_below(figure, CAPTION)
    return figure
