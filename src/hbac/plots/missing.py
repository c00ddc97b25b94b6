"""How much of the EEG is missing, by channel and by recording."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from hbac.plots.style import CLASS_COLOURS, INK, new_figure, styled


def _draw_channels(axes: Axes, shares: pd.DataFrame) -> None:
    axes.barh(shares.columns, shares.mean().fillna(0), color=CLASS_COLOURS["LPD"], label="mean")
    axes.plot(shares.max(), shares.columns, "|", color=INK, markersize=7, label="worst EEG")
    axes.set(title="By channel", xlabel="share of samples missing", xlim=(0, 1.02))
    axes.invert_yaxis()
    axes.tick_params(axis="y", left=False, labelsize=7.5)
    axes.legend(loc="lower left", bbox_to_anchor=(0.55, 1), ncols=2)
    axes.grid(axis="x")


def _draw_recordings(axes: Axes, shares: pd.Series) -> None:
    axes.hist(shares, bins=np.linspace(0, 1, 21), color=CLASS_COLOURS["LPD"], edgecolor="white")
    axes.set(title="By EEG", xlabel="share of samples missing", ylabel="EEGs (log scale)")
    axes.set(xlim=(0, 1.02), ylim=(0.8, 1.5 * max(len(shares), 1)), yscale="log")
    # A tick such as $10^1$ has matplotlib look for fonts that few machines have, and say so.
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="y")


@styled
def missing_data(shares: pd.DataFrame, *, n_eegs: int) -> Figure:
    """Show the share of samples that are missing.

    Args:
        shares: a row an EEG, a column a channel, share of samples that are NaN, 0 to 1.
        n_eegs: how many EEGs there are, of which those in ``shares`` are a sample.

    Returns:
        A figure of two axes: mean and worst share by channel, number of EEGs by share.
    """
    title = f"Missing data in n = {len(shares):,} of {n_eegs:,} EEGs"
    figure = new_figure(4.4, title=title)
    channels, recordings = figure.subplots(1, 2)
    _draw_channels(channels, shares)
    _draw_recordings(recordings, shares.mean(axis=1))
    return figure
