"""Bipolar channels before and after denoising."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hbac.eeg.montage import BIPOLAR_PAIRS, CHAIN_NAMES
from hbac.plots.eeg import CHAIN_COLOURS, choose_sensitivity
from hbac.plots.style import ACCENT, INK, new_figure, styled


def _draw_chain(
    axes: Axes, chain: str, before: np.ndarray, after: np.ndarray, seconds: np.ndarray, step: float
) -> None:
    """Draw four channels, negative up, a step in microvolts apart."""
    lines = -step * np.arange(len(before))
    middle = np.median(before, axis=-1, keepdims=True)
    for signals, colour in ((before, ACCENT), (after, INK)):
        axes.plot(seconds, (middle - signals).T + lines, color=colour, linewidth=1.0)
    axes.set_yticks(lines, ["-".join(pair) for pair in BIPOLAR_PAIRS[chain]])
    axes.set_ylim(lines[-1] - step, 2 * step)
    axes.set_title(f"{chain}, {CHAIN_NAMES[chain]}", color=CHAIN_COLOURS[chain], weight="bold")


@styled
def before_and_after(
    raw: np.ndarray, denoised: np.ndarray, *, sampling_rate: float, start: float, seconds: float
) -> Figure:
    """Show what denoising takes from each bipolar channel.

    Args:
        raw: EEG in microvolts without NaN, shape ``(4, 4, samples)``: chains and their channels, as
            ``hbac.eeg.montage.chain_differences`` gives them.
        denoised: the same after denoising.
        sampling_rate: samples a second.
        start: first second shown.
        seconds: how many are shown.

    Returns:
        A figure of an axes a chain, in seconds; before in orange, after in black, negative up, all
        channels at one sensitivity, which the title names.

    Raises:
        ValueError: if the shapes differ or the stretch does not lie inside them.
    """
    if raw.shape != denoised.shape:
        raise ValueError(f"denoised must have shape {raw.shape}, received {denoised.shape}")
    first, last = round(start * sampling_rate), round((start + seconds) * sampling_rate)
    if not 0 <= first < last <= raw.shape[-1]:
        raise ValueError(
            f"{start:g} to {start + seconds:g} s must lie inside the "
            f"{raw.shape[-1] / sampling_rate:g} s of EEG"
        )
    before, after = raw[..., first:last], denoised[..., first:last]
    centred = before - np.median(before, axis=-1, keepdims=True)
    step = choose_sensitivity(centred.reshape(-1, last - first))
    title = f"Before (orange) and after (black), {step:g} µV between lines, n = 16 channels"
    figure = new_figure(7.0, title=title)
    times = np.arange(first, last) / sampling_rate
    for axes, chain, *channels in zip(
        figure.subplots(2, 2, sharex=True).flat, BIPOLAR_PAIRS, before, after, strict=True
    ):
        _draw_chain(axes, chain, *channels, times, step)
    figure.supxlabel("time in the window (s)", fontsize=8.5)
    return figure
