"""How good the recordings are, by channel: amplitude, dead and loose electrodes, mains hum."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hbac.eeg.recording import CHANNELS
from hbac.plots.style import (
    ACCENT,
    INK,
    LEFT,
    MUTED,
    RIGHT,
    check_columns,
    message,
    new_figure,
    say_below,
    styled,
)

CAPTION = (
    "Dots and lines: median and quartiles over EEGs. Amplitude: 95th percentile of the absolute "
    "value after a high-pass at 0.5 Hz. Flat: seconds that span less than 1 µV. Extreme: seconds "
    "beyond 500 µV (EKG: 5 mV). Clipped: samples that far from a channel's baseline. Hum: power "
    "within 1 Hz of the mains frequency over that 2 to 5 Hz away; below 0 dB, a notch filter has "
    "been there. Blue: left, red: right, black: midline, EKG."
)


def _colour(channel: str) -> str:
    """Blue for the left half of the head, red for the right, black for the rest."""
    if not channel[-1].isdigit():
        return INK
    return LEFT if int(channel[-1]) % 2 else RIGHT


def _draw_quartiles(axes: Axes, table: pd.DataFrame, name: str) -> None:
    colours = [_colour(channel) for channel in table["channel"]]
    low, high = table[f"{name}_q25"], table[f"{name}_q75"]
    axes.hlines(range(len(table)), low, high, colors=colours, linewidth=2)
    axes.scatter(table[f"{name}_median"], range(len(table)), c=colours, s=22, zorder=3)


def _draw_shares(axes: Axes, table: pd.DataFrame) -> None:
    drawn = {
        "flat": ("flat_share_mean", {"facecolors": "none", "edgecolors": INK, "s": 40}),
        "extreme": ("extreme_share_mean", {"marker": "D", "color": ACCENT, "s": 12}),
        "clipped": ("clipped_share_mean", {"marker": "x", "color": MUTED, "s": 18}),
    }
    for label, (column, look) in drawn.items():
        axes.scatter(100 * table[column], range(len(table)), label=label, zorder=3, clip_on=False,
                     **look)  # fmt: skip


def _set_rows(rows: list[Axes], tables: list[pd.DataFrame]) -> None:
    for axes, table in zip(rows, tables, strict=True):
        axes.set_yticks(range(len(table)), table["channel"])
        axes.set_ylim(len(table) - 0.5, -0.5)
        axes.tick_params(axis="y", left=False, labelsize=7.5)
        axes.grid(axis="both")


def _name_columns(grid: np.ndarray, table: pd.DataFrame) -> None:
    shares = ["flat_share_mean", "extreme_share_mean", "clipped_share_mean"]
    most = 100 * table[shares].max(axis=None)
    grid[0, 0].set(title="Amplitude", xlim=(0, None))
    grid[0, 1].set(title="Unusable", xlim=(0, max(1.05 * most, 1)))
    grid[0, 2].set(title=f"Mains hum at {table['mains_hz'].iloc[0]} Hz")
    grid[1, 0].set(xlabel="amplitude (µV); EKG on its own scale", xlim=(0, None))
    grid[1, 1].set(xlabel="mean share of seconds, of samples (%)")
    grid[1, 2].set(xlabel="line to its neighbours (dB)")
    grid[0, 1].legend(loc="lower right", bbox_to_anchor=(1.02, 0.99), ncols=3)
    for axes in grid[:, 2]:
        axes.axvline(0, color=MUTED, linewidth=0.8)


@styled
def quality_by_channel(table: pd.DataFrame, *, n_eegs: int) -> Figure:
    """Show amplitude, flat and extreme seconds, clipped samples, and hum of each channel.

    Args:
        table: a row a channel: ``channel``, ``n_eegs``, ``mains_hz``, ``amplitude_uv``,
            ``flat_share``, ``extreme_share``, ``clipped_share`` and ``hum_db`` with ``_q25``,
            ``_median``, ``_q75`` and ``_mean``, of EEGs that have the channel.
        n_eegs: how many EEGs there are, of which those of the table are a sample.

    Returns:
        A figure of three columns of axes; in the row below, the EKG on its own scale. In words
        where there is no EEG.

    Raises:
        ValueError: if the table lacks a column.
    """
    check_columns(table, ["channel", "n_eegs", "mains_hz", "amplitude_uv_median", "hum_db_median"])
    n_sampled = table["n_eegs"].max()
    if not n_sampled:
        return message(f"No channel could be measured: n = 0 of {n_eegs:,} EEGs")
    figure = new_figure(5.2, title=f"Signal quality in n = {n_sampled:,} of {n_eegs:,} EEGs")
    is_ekg = table["channel"] == "EKG"
    tables = [table[~is_ekg], table[is_ekg]]
    grid = figure.subplots(2, 3, height_ratios=[len(CHANNELS) - 1, 1.6], sharey="row")
    for rows, part in zip(grid, tables, strict=True):
        _draw_quartiles(rows[0], part, "amplitude_uv")
        _draw_shares(rows[1], part)
        _draw_quartiles(rows[2], part, "hum_db")
    for column in grid.T:
        _set_rows(column, tables)
    for top, bottom in grid.T[1:]:
        bottom.sharex(top)
    _name_columns(grid, table)
    say_below(figure, CAPTION)
    return figure
