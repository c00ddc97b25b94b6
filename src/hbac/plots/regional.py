"""Regional spectrograms: the power of the four chains over minutes."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from hbac.eeg.montage import CHAIN_NAMES, CHAINS
from hbac.eeg.regional import FREQUENCIES, N_FREQUENCIES, ROW_SECONDS
from hbac.plots.style import MISSING, POWER_MAP, new_figure, say_below, styled

_FLOOR = 1e-10
_DEFAULT_LIMITS = (-20.0, 30.0)


def decibels(power: np.ndarray) -> np.ndarray:
    """Ten times the decimal logarithm of power, not below -100; NaN stays NaN."""
    return 10 * np.log10(np.maximum(power, _FLOOR))


def colour_limits(power: np.ndarray) -> tuple[float, float]:
    """Choose the decibels at the ends of the colour scale.

    Args:
        power: any shape; zeros and NaN do not count.

    Returns:
        The 2nd and 98th percentile, at least 1 dB apart; -20 and 30 where no power is positive.
    """
    positive = power[power > 0]
    if not positive.size:
        return _DEFAULT_LIMITS
    low, high = np.percentile(decibels(positive), [2, 98])
    return float(low), float(max(high, low + 1))


def frequency_edges() -> tuple[float, float]:
    """Lower edge of the first and upper edge of the last frequency bin, in Hz."""
    half = (FREQUENCIES[1] - FREQUENCIES[0]) / 2
    return float(FREQUENCIES[0] - half), float(FREQUENCIES[-1] + half)


def _draw_chains(figure: Figure, power: np.ndarray, start_seconds: float) -> list[AxesImage]:
    low, high = colour_limits(power)
    extent = (start_seconds, start_seconds + ROW_SECONDS * len(power), *frequency_edges())
    colours = mpl.colormaps[POWER_MAP].with_extremes(bad=MISSING)
    images = []
    grid = figure.subplots(len(CHAINS), sharex=True, sharey=True)
    for axes, chain, part in zip(grid, CHAINS, np.split(power, len(CHAINS), axis=1), strict=True):
        picture = np.ma.masked_invalid(decibels(part.T))
        image = axes.imshow(
            picture, cmap=colours, vmin=low, vmax=high, extent=extent, origin="lower",
            aspect="auto", interpolation="nearest",
        )  # fmt: skip
        axes.set_title(f"{chain}, {CHAIN_NAMES[chain]}")
        axes.set_yticks([5, 10, 15, 20])
        images.append(image)
    axes.set_xlabel("time (s)")
    figure.supylabel("frequency (Hz)", fontsize=8.5)
    return images


@styled
def regional_spectrograms(
    power: np.ndarray,
    *,
    title: str = "",
    start_seconds: float = 0.0,
    marked: tuple[float, float] | None = None,
    caption: str = "",
) -> Figure:
    """Show the log power of the four chains over time and frequency.

    All chains share one colour scale, from the 2nd to the 98th percentile of power above zero.
    Zero power takes the scale's lowest colour, and missing power is gray.

    Args:
        power: microvolts squared a hertz, shape ``(rows, 400)``, columns as
            ``hbac.eeg.regional.COLUMNS``, a row every 2 s.
        title: the figure's title.
        start_seconds: time at the left edge.
        marked: a stretch to mark, from and to which second; none where ``None``.
        caption: what stands below the axes.

    Returns:
        A figure of four axes in seconds and Hz, LL, RL, LP, RP from top to bottom.

    Raises:
        ValueError: if the shape is another or there is no row.
    """
    power = np.asarray(power, dtype=float)
    if power.ndim != 2 or power.shape[1] != len(CHAINS) * N_FREQUENCIES or not len(power):
        raise ValueError(f"power must have shape (rows, 400), received {power.shape}")
    figure = new_figure(7.0, title=title)
    images = _draw_chains(figure, power, start_seconds)
    for image in images if marked is not None else []:
        for second in marked:
            image.axes.axvline(second, color="white", linewidth=1.2, linestyle="--")
    label = "power (dB re 1 µV²/Hz)"
    figure.colorbar(
        images[0], ax=[i.axes for i in images], extend="both", label=label, aspect=40, pad=0.01
    )
    if caption:
        say_below(figure, caption)
    return figure
