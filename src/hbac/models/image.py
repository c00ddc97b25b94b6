"""The picture that a network sees: spectrogram panels, chains down and sources across.

Row 0 of every panel is its lowest frequency. All sources are linear in Hz (the mel scale is,
below 1 kHz) and in time, so a panel's edges in seconds and Hz say all about its axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal, get_args

import numpy as np
from PIL import Image

from hbac.eeg.gaps import MISSING
from hbac.eeg.half import to_half
from hbac.eeg.montage import CHAINS, N_CHAIN_CHANNELS, Montage, channel_names
from hbac.eeg.panel import Panel, PictureSource
from hbac.eeg.regional import FREQUENCIES, N_FREQUENCIES, ROW_SECONDS, WINDOW_ROWS
from hbac.eeg.shape import CENTRE_SECONDS, MAX_FREQUENCY, N_FRAMES, N_MELS, WINDOW_SECONDS, Channels
from hbac.models.missing import fill_missing

Normalisation = Literal["window", "global"]
EEGOrder = Literal["aligned", "seed"]

SEED_ORDER = ("LL", "LP", "RL", "RP")
"""The chains of the EEG sources, top to bottom, in the public notebooks."""

MIRRORED_CHAIN = {"LL": "RL", "RL": "LL", "LP": "RP", "RP": "LP"}
"""Each chain's counterpart in the other hemisphere."""

CELL_HEIGHT, CELL_WIDTH = N_MELS, N_FRAMES
"""Size in pixels of one panel before the picture is scaled."""

LOG_POWER_RANGE = (-4.0, 8.0)

LOG_POWER_MEAN, LOG_POWER_STD = 0.2, 2.0
"""Of the clipped natural logarithm of regional power in microvolts squared a hertz: 0.16 and 2.03
in 10 real 10-minute windows, -0.38 and 2.30 in 36 simulated ones."""

_REGIONAL_SCALE = 0.5

_CHOICES = {
    "normalisation": Normalisation,
    "eeg_order": EEGOrder,
    "channels": Channels,
    "montage": Montage,
}


@dataclass(frozen=True)
class ImageLayout:
    """Which panels make the picture, how they fit their cells, and its size.

    Attributes:
        sources: the sources, left to right.
        fit: how the 100 x 300 pixels of a regional panel fill a cell of 128 x 256: ``crop`` cuts
            22 columns from either end and leaves margins of 14 rows, ``stretch`` resamples.
        size: height and width of the picture in pixels; cells are averaged down to it.
        normalisation: ``window`` standardises each regional panel by its own mean and deviation;
            ``global`` by ``LOG_POWER_MEAN`` and ``LOG_POWER_STD``, which keeps its level.
        eeg_order: ``aligned`` puts the chains of every source in the order LL, RL, LP, RP;
            ``seed`` those of ``eeg`` and ``centre`` in ``SEED_ORDER``, so that a row of the
            picture no longer shows one chain.
        channels: ``chains`` where a panel of ``eeg`` and ``centre`` is the mean of a chain's
            channels; ``all`` where each has its own, four below one another in the chain's rows.
        montage: which channels these are.

    Raises:
        ValueError: if there is no source, a source repeats or any value is unknown, or the cells
            do not divide the size.
    """

    sources: tuple[PictureSource, ...] = ("regional", "eeg")
    fit: Literal["crop", "stretch"] = "crop"
    size: tuple[int, int] = (512, 512)
    normalisation: Normalisation = "window"
    eeg_order: EEGOrder = "aligned"
    channels: Channels = "chains"
    montage: Montage = "bipolar"
    sampling_rate: ClassVar[None] = None
    margin: ClassVar[int] = 0

    def __post_init__(self) -> None:
        for name, known in _CHOICES.items():
            if getattr(self, name) not in get_args(known):
                raise ValueError(
                    f"{name} must be one of {get_args(known)}, received {getattr(self, name)!r}"
                )
        if not set(self.sources) <= set(get_args(PictureSource)):
            raise ValueError(
                f"sources must be of {get_args(PictureSource)}, received {self.sources}"
            )
        if not self.sources or len(set(self.sources)) < len(self.sources):
            raise ValueError(f"sources must be given once each, received {self.sources}")
        height, width = self.size
        least = len(CHAINS) * max(map(self._panels_a_chain, self.sources))
        if min(self.size) < 1 or height % least or width % len(self.sources):
            raise ValueError(
                f"size must be a multiple of {least} rows and {len(self.sources)} columns, "
                f"received {self.size}"
            )

    @classmethod
    def of_panels(
        cls,
        sources: Sequence[PictureSource],
        *,
        panel_height: int,
        panel_width: int,
        **how: str,
    ) -> ImageLayout:
        """Lay out panels of a size, as parameters and records say it.

        Args:
            sources: the sources, left to right.
            panel_height: pixels.
            panel_width: pixels.
            how: ``fit``, ``normalisation``, ``eeg_order``, ``channels`` and ``montage``.
        """
        size = len(CHAINS) * panel_height, len(sources) * panel_width
        return cls(tuple(sources), size=size, **how)

    def _edges(self, source: PictureSource) -> tuple[tuple[float, float], tuple[float, float]]:
        """Seconds and Hz at the edges of a source's cells."""
        if source == "eeg":
            return (0.0, float(WINDOW_SECONDS)), (0.0, MAX_FREQUENCY)
        if source == "centre":
            start = round((WINDOW_SECONDS - CENTRE_SECONDS) / 2, 6)
            return (start, WINDOW_SECONDS - start), (0.0, MAX_FREQUENCY)
        cut, margin = _regional_cut_and_margin() if self.fit == "crop" else (0, 0)
        bin_width = FREQUENCIES[1] - FREQUENCIES[0]
        seconds = (float(cut * ROW_SECONDS), float((WINDOW_ROWS - cut) * ROW_SECONDS))
        low = FREQUENCIES[0] - (margin + 0.5) * bin_width
        high = FREQUENCIES[-1] + (margin + 0.5) * bin_width
        return seconds, (float(low), float(high))

    def _panels_a_chain(self, source: PictureSource) -> int:
        return N_CHAIN_CHANNELS if self.channels == "all" and source != "regional" else 1

    def _panel_channels(self, source: PictureSource, chain: str) -> tuple[str | None, ...]:
        """Channels of a chain's panels, top to bottom; None for all in one."""
        alone = self._panels_a_chain(source) > 1
        return channel_names(chain, self.montage) if alone else (None,)

    def chains(self, source: PictureSource) -> tuple[str, ...]:
        """Return the chains of a source, top to bottom."""
        seed = self.eeg_order == "seed" and source != "regional"
        return SEED_ORDER if seed else tuple(CHAINS)

    def blocks(self) -> tuple[slice, ...]:
        """Return the columns of each source, left to right; time runs along each."""
        width = self.size[1] // len(self.sources)
        return tuple(slice(k * width, (k + 1) * width) for k in range(len(self.sources)))

    def panel_heights(self) -> tuple[int, ...]:
        """Return, by source, after how many rows the frequencies begin anew at 0 Hz."""
        return tuple(self.chain_height() // self._panels_a_chain(each) for each in self.sources)

    def chain_height(self) -> int:
        """Return the rows of one chain: those of its panel, or its panels."""
        return self.size[0] // len(CHAINS)

    def _column_panels(self, source: PictureSource, columns: slice) -> list[Panel]:
        named = [
            (chain, channel)
            for chain in self.chains(source)
            for channel in self._panel_channels(source, chain)
        ]
        edges = np.linspace(0, self.size[0], len(named) + 1).astype(int).tolist()
        return [
            Panel(source, chain, slice(*rows), columns, *self._edges(source), channel)
            for (chain, channel), rows in zip(named, pairwise(edges), strict=True)
        ]

    def panels(self) -> tuple[Panel, ...]:
        """Return every panel, source by source and from top to bottom."""
        columns = zip(self.sources, self.blocks(), strict=True)
        return tuple(panel for column in columns for panel in self._column_panels(*column))

    def middle(self, images: np.ndarray) -> np.ndarray:
        """Return pictures as they are, since they are stored without margins."""
        return images

    def mirror(self, pictures: np.ndarray) -> np.ndarray:
        """Swap the hemispheres: LL with RL and LP with RP, in every source.

        Args:
            pictures: shape ``(batch, height, width)``.

        Returns:
            New pictures, of the same shape and dtype.

        Raises:
            ValueError: if the pictures are not of the layout's size.
        """
        if pictures.shape[1:] != tuple(self.size):
            raise ValueError(
                f"pictures must have shape (batch, {self.size[0]}, {self.size[1]}), "
                f"received {pictures.shape}"
            )
        cells = pictures.reshape(len(pictures), len(CHAINS), -1, self.size[1])
        mirrored = np.empty_like(cells)
        for source, columns in zip(self.sources, self.blocks(), strict=True):
            chains = self.chains(source)
            rows = [chains.index(MIRRORED_CHAIN[chain]) for chain in chains]
            mirrored[..., columns] = cells[:, rows, :, columns]
        return mirrored.reshape(pictures.shape)


def _regional_cut_and_margin() -> tuple[int, int]:
    return (WINDOW_ROWS - CELL_WIDTH) // 2, (CELL_HEIGHT - N_FREQUENCIES) // 2


def _resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resample by averaging over the area of each new pixel."""
    if image.shape == (height, width):
        return image
    picture = Image.fromarray(np.ascontiguousarray(image, np.float32))
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX))


def _standardised_log_power(power: np.ndarray, normalisation: Normalisation) -> np.ndarray:
    """Clip, log and standardise one panel of power; NaN where it is missing."""
    log_power = np.log(np.clip(power, *np.exp(LOG_POWER_RANGE)))
    if not (power > 0).any():
        return np.full_like(log_power, np.nan)
    if normalisation == "global":
        return (log_power - LOG_POWER_MEAN) / LOG_POWER_STD
    present = log_power[~np.isnan(log_power)]
    return (log_power - present.mean()) / (present.std() + 1e-6)


def regional_cells(
    power: np.ndarray,
    *,
    fit: Literal["crop", "stretch"],
    normalisation: Normalisation = "window",
) -> list[np.ndarray]:
    """Make the four cells of a 10-minute window.

    Args:
        power: regional power, shape ``(300, 400)``, NaN where missing; a chain without any power
            is missing, too.
        fit: see ``ImageLayout``.
        normalisation: see ``ImageLayout``.

    Returns:
        Four arrays of shape ``(128, 256)``, in chain order; ``MISSING`` where there is no power.

    Raises:
        ValueError: if the shape is another.
    """
    if power.shape != (WINDOW_ROWS, len(CHAINS) * N_FREQUENCIES):
        raise ValueError(f"power must have shape (300, 400), received {power.shape}")
    panels = [
        fill_missing(_standardised_log_power(chain.T, normalisation) * _REGIONAL_SCALE)
        for chain in np.split(power, len(CHAINS), axis=1)
    ]
    if fit == "stretch":
        return [_resize(panel, CELL_HEIGHT, CELL_WIDTH) for panel in panels]
    cut, margin = _regional_cut_and_margin()
    margins = [(margin, margin), (0, 0)]
    return [np.pad(panel[:, cut:-cut], margins, constant_values=MISSING) for panel in panels]


def _check_eeg(eeg: np.ndarray, layout: ImageLayout) -> None:
    n_chains = len(CHAINS)
    if eeg.shape not in [(CELL_HEIGHT, CELL_WIDTH, n) for n in (n_chains, 2 * n_chains)]:
        raise ValueError(
            f"eeg must have shape (128, 256, 4) or (128, 256, 8), received {eeg.shape}"
        )
    if "centre" in layout.sources and eeg.shape[-1] == n_chains:
        raise ValueError(
            "the source centre needs eeg of shape (128, 256, 8), made with centre=True, "
            f"received {eeg.shape}"
        )


def build_image(regional: np.ndarray, eeg: np.ndarray, layout: ImageLayout) -> np.ndarray:
    """Lay the panels of one window out as one picture.

    Args:
        regional: regional power of the 10-minute window, shape ``(300, 400)``, NaN where missing.
        eeg: spectrograms of the 50-s window, shape ``(128, 256, 4)``, or ``(128, 256, 8)`` with
            those of its centre last, NaN where missing; see
            ``hbac.eeg.time_frequency.window_spectrograms``.
        layout: which panels, how, and how large.

    Returns:
        Shape ``layout.size``, float16; ``hbac.eeg.gaps.MISSING`` where something is missing.

    Raises:
        ValueError: if an input has another shape, or the layout shows the centre and ``eeg`` has
            none.
    """
    _check_eeg(eeg, layout)
    panels = list(np.moveaxis(fill_missing(eeg), -1, 0))
    n_chains = len(CHAINS)
    cells = {
        "regional": lambda: regional_cells(
            regional, fit=layout.fit, normalisation=layout.normalisation
        ),
        "eeg": lambda: panels[:n_chains],
        "centre": lambda: panels[n_chains:],
    }
    blocks = []
    for source in layout.sources:
        of_chain = dict(zip(CHAINS, cells[source](), strict=True))
        blocks.append(np.vstack([of_chain[chain] for chain in layout.chains(source)]))
    return to_half(_resize(np.hstack(blocks), *layout.size))
