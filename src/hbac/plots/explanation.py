"""Class-activation maps over the spectrogram panels that a network saw, beside the EEG."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure, SubFigure

from hbac.eeg.panel import Panel
from hbac.eeg.recording import Recording
from hbac.plots.eeg import LABEL_SECONDS, central_seconds, draw_eeg
from hbac.plots.style import INK, LEFT, MUTED, new_figure, say, styled

SOURCE_TITLES = {"regional": "10-min spectrogram", "eeg": "50-s EEG spectrogram"}
ACTIVATION_MAP = "YlOrRd"
PICTURE_MAP = LinearSegmentedColormap.from_list("paper", ["white", "#4d4d4d"])
CONTOURS = (0.5, 0.8)
"""Levels of the contour lines, as shares of a map's maximum."""

SHOWN_HERTZ = (0.0, 20.0)


def _by_source(panels: Sequence[Panel]) -> dict[str, list[Panel]]:
    sources = dict.fromkeys(panel.source for panel in panels)
    return {source: [p for p in panels if p.source == source] for source in sources}


def _scaled(activation: np.ndarray) -> np.ndarray:
    """Scale a map to 0..1 by its maximum; a map of zeros stays as it is."""
    activation = np.nan_to_num(np.asarray(activation, dtype=float))
    peak = activation.max()
    return activation / peak if peak > 0 else activation


def _gray_limits(image: np.ndarray) -> tuple[float, float]:
    low, high = np.nanpercentile(image, [1, 99])
    return float(low), float(max(high, low + 1e-6))


def _draw_picture(
    axes: Axes,
    picture: np.ndarray,
    limits: tuple[float, float],
    extent: tuple[float, ...],
    origin: str,
) -> None:
    """Draw the picture in gray, the darker the more power; a source that is absent is flat."""
    axes.imshow(
        picture, cmap=PICTURE_MAP, vmin=limits[0], vmax=limits[1], extent=extent, origin=origin,
        aspect="auto", interpolation="nearest",
    )  # fmt: skip
    if np.ptp(picture) == 0:
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.7}
        axes.text(
            0.5, 0.5, "no data", transform=axes.transAxes, ha="center", va="center", fontsize=7,
            color=MUTED, zorder=4, bbox=box,
        )  # fmt: skip
    axes.spines[:].set_visible(True)


def _draw_map(axes: Axes, activation: np.ndarray, extent: tuple[float, ...], origin: str) -> None:
    """Lay a map of 0..1 over a picture, the more opaque the higher, with contours."""
    axes.imshow(
        activation, cmap=ACTIVATION_MAP, vmin=0, vmax=1, alpha=0.75 * activation, extent=extent,
        origin=origin, aspect="auto", interpolation="nearest",
    )  # fmt: skip
    levels = [level for level in CONTOURS if activation.min() < level < activation.max()]
    if levels:
        axes.contour(
            activation, levels=levels, extent=extent, origin=origin, colors=INK,
            linewidths=0.6,
        )  # fmt: skip


def _draw_panel(axes: Axes, image: np.ndarray, activation: np.ndarray, panel: Panel) -> None:
    extent = (*panel.seconds, *panel.hertz)
    limits = _gray_limits(image[:, panel.columns])
    _draw_picture(axes, image[panel.rows, panel.columns], limits, extent, "lower")
    _draw_map(axes, activation[panel.rows, panel.columns], extent, "lower")
    axes.set(xlim=panel.seconds, ylim=SHOWN_HERTZ, yticks=[0, 10, 20])
    axes.tick_params(labelsize=6.5, length=2, pad=1)


def _draw_source(
    figure: SubFigure, image: np.ndarray, maps: np.ndarray, panels: list[Panel], *, names: list[str]
) -> None:
    """Draw a source's grid: a row a class, a column a chain."""
    grid = figure.subplots(len(maps), len(panels), sharex="col", sharey=True, squeeze=False)
    for axes_row, activation, name in zip(grid, maps, names, strict=True):
        for axes, panel in zip(axes_row, panels, strict=True):
            _draw_panel(axes, image, activation, panel)
        axes_row[0].set_ylabel(name, rotation=0, ha="right", va="center", labelpad=4)
    for axes, panel in zip(grid[0], panels, strict=True):
        axes.set_title(panel.chain, loc="center", weight="bold", fontsize=8.5)
    first = panels[0]
    source = SOURCE_TITLES.get(first.source, first.source)
    figure.suptitle(source, fontsize=9)
    figure.supxlabel("time (s)", fontsize=8)
    if any(names):
        figure.supylabel("frequency (Hz)", fontsize=8)


def _draw_votes(
    axes: Axes, votes: np.ndarray, prediction: np.ndarray, class_names: Sequence[str]
) -> None:
    rows = np.arange(len(class_names))
    bars = [
        axes.barh(rows - 0.2, votes, 0.36, color="#a6a6a6", label="experts' votes"),
        axes.barh(rows + 0.2, prediction, 0.36, color=LEFT, label="prediction"),
    ]
    for group in bars:
        axes.bar_label(group, fmt="%.2f", padding=2, fontsize=7)
    axes.set_yticks(rows, class_names)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set(xlim=(0, 1.12), xticks=[0, 0.25, 0.5, 0.75, 1], xlabel="share of votes, probability")
    axes.tick_params(axis="y", left=False)
    axes.grid(axis="x")
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=2, columnspacing=1)


def _draw_evidence(
    figure: SubFigure,
    recording: Recording | None,
    votes: np.ndarray,
    prediction: np.ndarray,
    class_names: Sequence[str],
) -> None:
    """Draw the EEG, and the votes beside the prediction."""
    eeg, bars = figure.subplots(1, 2, width_ratios=[2.6, 1])
    if recording is None:
        say(eeg, "EEG not given")
    else:
        draw_eeg(eeg, recording, marked=central_seconds(recording.duration, LABEL_SECONDS))
    _draw_votes(bars, np.asarray(votes, float), np.asarray(prediction, float), class_names)


@styled
def activation_maps(
    image: np.ndarray,
    maps: np.ndarray,
    panels: Sequence[Panel],
    recording: Recording | None,
    *,
    class_names: Sequence[str],
    votes: np.ndarray,
    prediction: np.ndarray,
    title: str,
) -> Figure:
    """Show where in its picture a network saw each class, beside the EEG itself.

    Each map is scaled to its own maximum, so that colours compare places and never classes.
    Contours stand at 50 % and 80 % of that maximum.

    Args:
        image: the picture, shape ``(H, W)``.
        maps: class-activation maps, at least 0, shape ``(6, H, W)``.
        panels: where each chain of each source lies in the picture.
        recording: the window's EEG, of which the central 10 s are marked; ``None`` if not at hand.
        class_names: names of the classes, in order.
        votes: the experts' vote fractions, shape ``(6,)``; NaN where unknown.
        prediction: predicted probabilities, shape ``(6,)``.
        title: the figure's title.

    Returns:
        A figure: EEG traces, votes beside prediction, and below them a grid of panels in seconds
        and Hz (0 to 20), a row a class and a column a chain of a source.

    Raises:
        ValueError: if the maps do not fit the picture or the classes.
    """
    if maps.shape != (len(class_names), *image.shape):
        expected = (len(class_names), *image.shape)
        raise ValueError(f"maps must have shape {expected}, received {maps.shape}")
    image = np.asarray(image, dtype=np.float32)
    scaled = np.stack([_scaled(activation) for activation in maps])
    names = [f"{name}\np = {p:.2f}" for name, p in zip(class_names, prediction, strict=True)]
    sources = _by_source(panels)
    figure = new_figure(9.2, title=title)
    figure.get_layout_engine().set(h_pad=0.02, w_pad=0.02)
    top, bottom = figure.subfigures(2, 1, height_ratios=[1, 1.2])
    _draw_evidence(top, recording, votes, prediction, class_names)
    parts = bottom.subfigures(1, len(sources), squeeze=False)[0]
    for place, (part, chains) in enumerate(zip(parts, sources.values(), strict=True)):
        _draw_source(part, image, scaled, chains, names=names if not place else [""] * len(names))
    bars = ScalarMappable(cmap=ACTIVATION_MAP)
    parts[-1].colorbar(
        bars,
        ax=parts[-1].axes,
        label="activation, share of the class's maximum",
        aspect=50,
        pad=0.02,
    )
    return figure


def _stacked(picture: np.ndarray, panels: list[Panel]) -> np.ndarray:
    """Stack a source's chains, the first on top, high frequencies up, without margins."""
    parts = []
    for panel in panels:
        part = picture[panel.rows, panel.columns]
        edges = np.linspace(*panel.hertz, len(part) + 1)
        centres = (edges[:-1] + edges[1:]) / 2
        inside = (centres >= SHOWN_HERTZ[0]) & (centres <= SHOWN_HERTZ[1])
        parts.append(part[inside][::-1])
    return np.vstack(parts)


def _draw_stack(
    axes: Axes, image: np.ndarray, activation: np.ndarray | None, panels: list[Panel]
) -> None:
    """Draw a source's chains one above another, with the map where one is given."""
    picture = _stacked(image, panels)
    extent = (*panels[0].seconds, len(panels), 0)
    _draw_picture(axes, picture, _gray_limits(picture), extent, "upper")
    if activation is not None:
        _draw_map(axes, _stacked(activation, panels), extent, "upper")
    axes.hlines(range(1, len(panels)), *panels[0].seconds, color=INK, linewidth=0.6)
    axes.set_yticks(np.arange(len(panels)) + 0.5, [panel.chain for panel in panels], fontsize=7)
    axes.set(xlim=panels[0].seconds, ylim=(len(panels), 0))
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=7, length=2)


@styled
def overview(
    images: np.ndarray, maps: np.ndarray, panels: Sequence[Panel], titles: Sequence[str]
) -> Figure:
    """Show many windows in little room: each one's picture, and the same under a map.

    Args:
        images: pictures, shape ``(n, H, W)``.
        maps: one map a picture, at least 0, shape ``(n, H, W)``, each scaled to its own maximum.
        panels: where each chain of each source lies in the picture.
        titles: one a picture, such as its consensus and prediction.

    Returns:
        A figure of ``n`` rows; two columns a source, without and with the map. Each axes stacks
        the chains, 0 to 20 Hz each.

    Raises:
        ValueError: if there is no picture, or maps or titles are not as many.
    """
    if not len(images) or images.shape != maps.shape or len(titles) != len(images):
        raise ValueError(
            f"images, maps and titles must be as many, received {images.shape}, {maps.shape} and "
            f"{len(titles)}"
        )
    sources = _by_source(panels)
    figure = new_figure(0.8 + 1.35 * len(images), title=f"Activation maps, n = {len(images)}")
    grid = figure.subplots(len(images), 2 * len(sources), squeeze=False, sharex="col", sharey=True)
    for axes_row, image, activation, title in zip(grid, images, maps, titles, strict=True):
        image, scaled = np.asarray(image, np.float32), _scaled(activation)
        for place, chains in enumerate(sources.values()):
            _draw_stack(axes_row[2 * place], image, None, chains)
            _draw_stack(axes_row[2 * place + 1], image, scaled, chains)
        axes_row[0].set_title(title, fontsize=8)
    for place, source in enumerate(sources):
        plain, mapped = grid[-1, 2 * place : 2 * place + 2]
        plain.set_xlabel(f"{SOURCE_TITLES.get(source, source)}, time (s)")
        mapped.set_xlabel("the same with its map, time (s)")
    return figure
