"""Evidence over a grey picture or behind a trace: what figures of one and many windows share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from hbac.eeg.chain_map import ChainMap
from hbac.eeg.montage import CHAINS
from hbac.eeg.panel import Source
from hbac.eeg.shape import MAX_FREQUENCY
from hbac.plots.style import INK, MUTED

SOURCE_TITLES: dict[Source, str] = {
    "eeg": "50-s EEG spectrogram",
    "regional": "10-min spectrogram",
    "centre": "10-s EEG spectrogram",
    "waveform": "bipolar EEG",
}
"""Sources in the order in which they are shown."""

PICTURE_MAP = LinearSegmentedColormap.from_list("paper", ["white", "#5a5a5a"])
EVIDENCE_MAP = LinearSegmentedColormap.from_list(
    "evidence",
    [
        (0.0, (0.02, 0.30, 0.65, 0.65)),
        (0.25, (0.25, 0.55, 0.85, 0.35)),
        (0.5, (0.6, 0.8, 1.0, 0.0)),
        (0.5, (1.0, 0.9, 0.5, 0.0)),
        (0.75, (1.0, 0.60, 0.10, 0.55)),
        (1.0, (0.78, 0.08, 0.05, 0.85)),
    ],
)
"""Clear at 0, blue against a class, orange to red for it."""

CONTOURS = {-0.5: "dashed", 0.5: "solid", 0.8: "solid"}
"""Contours as shares of a class's largest value; evidence against it is dashed."""

TOP_HERTZ = MAX_FREQUENCY

READING = (
    "Grey: the picture that the network saw, darker where there is more power. Colour: evidence "
    "for (orange, red) and against (blue) the class, as a share of its largest value over all "
    "panels shown; contours at 50 % and 80 %, dashed at -50 %."
)
"""How to read a picture under a map, for captions."""

READING_TRACES = (
    "Colour behind a trace: evidence for (orange, red) and against (blue) the class in that "
    "channel, as a share of its largest value over all channels and seconds shown."
)
"""How to read EEG with evidence behind it, for captions."""


def ordered(sources: Iterable[Source]) -> list[Source]:
    """Return sources in the order in which they are shown."""
    return [source for source in SOURCE_TITLES if source in set(sources)]


def reading_of(pictures: Mapping[Source, ChainMap]) -> str:
    """Say how to read pictures under a map, for captions."""
    if not any(picture.channels for picture in pictures.values()):
        return READING
    return f"{READING} The network saw each channel of the EEG; the mean of each chain is drawn."


def check_maps(what: str, maps: Mapping[Source, ChainMap], sources: Iterable[Source]) -> None:
    """Refuse pictures or maps that cannot be drawn.

    Args:
        what: the pictures or maps, in words.
        maps: by source.
        sources: that they must have.

    Raises:
        ValueError: if they have other sources, or values that do not fit their edges.
    """
    expected = ordered(sources)
    if not expected or set(maps) != set(expected):
        raise ValueError(f"{what} must have the sources {expected}, received {list(maps)}")
    for source, found in maps.items():
        rows = found.values.shape[-2] if found.hertz is None else len(found.hertz) - 1
        shape = (len(CHAINS), rows, len(found.seconds) - 1)
        if found.values.shape != shape:
            raise ValueError(
                f"{what}, {source}: values must have shape {shape}, received {found.values.shape}"
            )


def _shown(found: ChainMap) -> np.ndarray:
    """Values without the rows that are margins of the picture."""
    if found.hertz is None:
        return found.values
    return found.values[:, (found.hertz[1:] > 0) & (found.hertz[:-1] < TOP_HERTZ)]


def largest(maps: Iterable[ChainMap]) -> float:
    """Return the largest evidence for a class between 0 and 20 Hz.

    Where none speaks for it, the largest against it; 1 where there is none at all.
    """
    parts = [_shown(found) for found in maps]
    peak = max(float(part.max()) for part in parts)
    return peak if peak > 0 else max(-float(part.min()) for part in parts) or 1.0


def gray_limits(picture: ChainMap) -> tuple[float, float]:
    """Return the values shown white and dark: percentiles 1 and 99 of the chains with data."""
    chains = [values for values in _shown(picture) if np.ptp(values) > 0]
    if not chains:
        return 0.0, 1.0
    low, high = np.percentile(chains, [1, 99])
    return float(low), float(max(high, low + 1e-6))


def say_no_data(axes: Axes, picture: ChainMap, chain: int, base: float = 0.0) -> None:
    """Write so over a chain without data, whose picture is flat.

    Args:
        axes: in seconds and Hz.
        picture: of a source.
        chain: its number.
        base: where 0 Hz lies on the axes.
    """
    if np.ptp(picture.values[chain]) > 0:
        return
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8}
    axes.text(picture.seconds[[0, -1]].mean(), base + TOP_HERTZ / 2, "no data", ha="center",
              va="center", fontsize=7, color=MUTED, zorder=4, bbox=box)  # fmt: skip


def _centres(edges: np.ndarray) -> np.ndarray:
    """Centres of cells, with the outer edges before and after them."""
    return np.concatenate([edges[:1], (edges[:-1] + edges[1:]) / 2, edges[-1:]])


def draw_evidence(
    axes: Axes, found: ChainMap, chain: int, peak: float, base: float = 0.0
) -> list[Artist]:
    """Lay a chain's evidence over its picture, with contours.

    Args:
        axes: in seconds and Hz.
        found: evidence of a source.
        chain: its number.
        peak: the value that is shown in full colour.
        base: where 0 Hz lies on the axes.

    Returns:
        What was drawn: colours, and contours where the map reaches their levels.
    """
    values = np.clip(found.values[chain] / peak, -1, None)
    hertz = base + found.hertz
    colours = axes.imshow(values, cmap=EVIDENCE_MAP, vmin=-1, vmax=1, origin="lower", aspect="auto",
                          extent=(*found.seconds[[0, -1]], *hertz[[0, -1]]),
                          interpolation="bilinear", interpolation_stage="data")  # fmt: skip
    levels = [level for level in CONTOURS if values.min() < level < values.max()]
    if not levels:
        return [colours]
    # The colours reach beyond the centres of the outer cells, and so must the contours.
    lines = axes.contour(_centres(found.seconds), _centres(hertz), np.pad(values, 1, mode="edge"),
                         levels=levels, colors=INK, linewidths=0.7,
                         linestyles=[CONTOURS[level] for level in levels])  # fmt: skip
    return [colours, lines]


def draw_strip(
    axes: Axes, values: np.ndarray, seconds: np.ndarray, base: float, peak: float
) -> None:
    """Lay a channel's evidence behind its trace, one unit high.

    Args:
        axes: in seconds and trace distances.
        values: evidence, shape ``(columns,)``.
        seconds: edges of the columns.
        base: where the trace's base line lies on the axes.
        peak: the value that is shown in full colour.
    """
    axes.imshow(np.clip(values / peak, -1, None)[np.newaxis], cmap=EVIDENCE_MAP, vmin=-1, vmax=1,
                extent=(*seconds[[0, -1]], base - 0.5, base + 0.5), aspect="auto",
                interpolation="bilinear", interpolation_stage="data", zorder=0)  # fmt: skip


def draw_key(
    axes: Axes,
    *,
    orientation: Literal["vertical", "horizontal"] = "vertical",
    contours: bool = True,
) -> None:
    """Say what the colours of the evidence mean, on narrow axes of their own."""
    upright = orientation == "vertical"
    shades = np.linspace(-1, 1, 257)
    axes.imshow(shades[:, None] if upright else shades[None], cmap=EVIDENCE_MAP, vmin=-1, vmax=1,
                extent=(0, 1, -1, 1) if upright else (-1, 1, 0, 1), origin="lower",
                aspect="auto")  # fmt: skip
    for level, style in CONTOURS.items() if contours else ():
        draw = axes.axhline if upright else axes.axvline
        draw(level, color=INK, linewidth=0.7, linestyle=style)
    axes.set(xticks=[], yticks=[])
    value, label = (axes.yaxis, "\n") if upright else (axes.xaxis, " ")
    value.set_ticks([-1, -0.5, 0, 0.5, 0.8, 1], ["-1", "-0.5", "0", "0.5", "0.8", "1"], fontsize=7)
    value.set_label_text(f"against  evidence  for{label}(share of largest)", fontsize=7)
    if upright:
        value.tick_right()
        value.set_label_position("right")
    value.labelpad = 3 if upright else 1
    axes.tick_params(length=2, pad=1.5)
    axes.spines[:].set_visible(True)
