"""A map in the clinician's words: which chains, which frequencies, which seconds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hbac.eeg.chain_map import ChainMap
from hbac.eeg.montage import CHAIN_NAMES, CHAINS
from hbac.eeg.panel import Source
from hbac.eeg.shape import MAX_FREQUENCY

LEAST_SHARE = 0.25
"""Share of a map's evidence between 0 and 20 Hz that a source must hold to be spoken of."""

_PREFERENCE: tuple[Source, ...] = ("eeg", "centre", "waveform", "regional")


@dataclass(frozen=True)
class Evidence:
    """Where most of the evidence for one class of one window lies.

    Attributes:
        chains: one or more of LL, RL, LP and RP, in this order.
        hertz: lowest and highest frequency, within 0 and 20; None where it was read from waveforms.
        seconds: begin and end in the recording's own time; on the 10-minute panels they may lie
            before its start.
        source: the panels that it was read from.
        share: how much of the map's positive values, over all sources, lies inside these chains,
            frequencies and seconds, above 0 and at most 1.
        channels: those of the chains that hold most of it, such as ``F4-C4``, where each channel
            has a panel of its own and not all of them do.
    """

    chains: tuple[str, ...]
    hertz: tuple[float, float] | None
    seconds: tuple[float, float]
    source: Source
    share: float
    channels: tuple[str, ...] = ()


def overlap(edges: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Split pixels among bins by length.

    Args:
        edges: edges of the pixels, rising, shape ``(pixels + 1,)``.
        bins: edges of the bins, rising, in the same unit, shape ``(bins + 1,)``.

    Returns:
        The share of each pixel that lies in each bin, shape ``(pixels, bins)``.
    """
    edges, bins = np.asarray(edges, float), np.asarray(bins, float)
    begin = np.maximum(edges[:-1, None], bins[:-1])
    end = np.minimum(edges[1:, None], bins[1:])
    return np.maximum(end - begin, 0) / np.diff(edges)[:, None]


def _positive(chain_map: ChainMap) -> np.ndarray:
    values = np.asarray(chain_map.values, float)
    if values.ndim != 3 or len(values) != len(CHAINS):
        raise ValueError(
            f"values of {chain_map.source} must have shape (4, rows, columns), "
            f"received {values.shape}"
        )
    return np.fmax(values, 0)


def _in_range(chain_map: ChainMap, hertz: tuple[float, float] | None) -> np.ndarray:
    """The share of each row between two frequencies, shape ``(rows, 1)``; all of a channel."""
    if chain_map.hertz is None:
        return np.ones((chain_map.values.shape[-2], 1))
    return overlap(chain_map.hertz, hertz)


def _evidence(maps: Mapping[Source, ChainMap]) -> dict[Source, np.ndarray]:
    """What speaks for the class between 0 and 20 Hz, by source, shape ``(4, rows, columns)``."""
    whole = (0, MAX_FREQUENCY)
    return {source: _positive(one) * _in_range(one, whole) for source, one in maps.items()}


def chain_shares(maps: Mapping[Source, ChainMap]) -> np.ndarray:
    """Share the evidence for a class out among the chains.

    Args:
        maps: by source, one class of one window, values of shape ``(4, rows, columns)``.

    Returns:
        Shape ``(4,)``, in the order LL, RL, LP, RP: the share of all sources' positive values
        between 0 and 20 Hz; they sum to 1, or are 0 where there is no evidence.

    Raises:
        ValueError: if values have another shape.
    """
    by_chain = sum(mass.sum(axis=(1, 2)) for mass in _evidence(maps).values())
    return by_chain / (by_chain.sum() or 1.0)


def _spoken_of(masses: Mapping[Source, np.ndarray]) -> Source | None:
    """The first source in order of preference with enough evidence, or None without any."""
    total = sum(mass.sum() for mass in masses.values())
    if not total:
        return None
    known = (source for source in _PREFERENCE if source in masses)
    return next(source for source in known if masses[source].sum() >= LEAST_SHARE * total)


def _shortest_from_edge(mass: np.ndarray, edges: np.ndarray) -> tuple[float, float]:
    """The shortest interval from an edge upwards that holds half of the mass."""
    below = np.concatenate([[0], np.cumsum(mass)])
    half = below[-1] / 2
    starts, target = edges[below <= half], np.minimum(below[below <= half] + half, below[-1])
    last = np.searchsorted(below, target) - 1
    ends = edges[last] + (target - below[last]) / mass[last] * np.diff(edges)[last]
    best = np.argmin(ends - starts)
    return float(starts[best]), float(ends[best])


def _shortest_half(mass: np.ndarray, edges: np.ndarray) -> tuple[float, float]:
    """The shortest interval that holds half of the mass, which is even within each bin.

    As an interval of half the mass slides along, its length is linear in its place until one of
    its ends meets an edge: a shortest one has an end there.
    """
    low, high = _shortest_from_edge(mass, edges)
    mirrored_high, mirrored_low = _shortest_from_edge(mass[::-1], -edges[::-1])
    if mirrored_low - mirrored_high < high - low:
        return -mirrored_low, -mirrored_high
    return low, high


def _stretch(mass: np.ndarray, edges: np.ndarray) -> tuple[float, float]:
    """The shortest half, and beside it what is at least half as dense."""
    low, high = _shortest_half(mass, edges)
    width = np.diff(edges)
    density = np.divide(mass, width, out=np.zeros_like(mass), where=width > 0)
    dense = density >= mass.sum() / 2 / (high - low) / 2
    at = np.searchsorted(edges, low, "right") - 1
    while at >= 0 and dense[at]:
        low, at = float(edges[at]), at - 1
    at = np.searchsorted(edges, high, "left") - 1
    while at < len(dense) and dense[at]:
        high, at = float(edges[at + 1]), at + 1
    return low, high


def _told_hertz(mass: np.ndarray, chain_map: ChainMap) -> tuple[float, float] | None:
    """The stretch of frequencies, where there are any."""
    if chain_map.hertz is None:
        return None
    return _stretch(mass, np.clip(chain_map.hertz, 0, MAX_FREQUENCY))


def _told_channels(chain_map: ChainMap, told: np.ndarray) -> tuple[str, ...]:
    """Channels of some chains with at least half as much evidence as the one with the most."""
    masses = {name: np.fmax(values, 0).sum() for name, values in chain_map.channels.items()}
    names = np.array(list(masses), object).reshape(len(CHAINS), -1)[told].ravel()
    most = max((masses[name] for name in names), default=0)
    strong = tuple(name for name in names if masses[name] >= most / 2)
    return strong if len(strong) < len(names) else ()


def locate(maps: Mapping[Source, ChainMap]) -> Evidence | None:
    """Find the chains, frequencies and seconds that speak for a class.

    Only positive values between 0 and 20 Hz count, NaN counts as 0. These are the rules:

    - Source: the first of ``eeg``, ``centre``, ``waveform`` and ``regional`` that holds at least
      ``LEAST_SHARE`` of all sources' evidence. An expert votes on the 50-s EEG, so this is what
      is spoken of wherever it can be.
    - Chains: those with at least half as much evidence as the chain that has the most. Of their
      channels, where each has a panel, the same.
    - Frequencies and seconds, each from the sum of those chains over the other axis: the shortest
      interval that holds half of the evidence, and what adjoins it and is at least half as dense.
      Without the latter, half of an even stretch would be told, and which half by chance.
      Waveforms have no frequencies to tell.

    Args:
        maps: by source, one class of one window, values of shape ``(4, rows, columns)``.

    Returns:
        The evidence, or None where there is none.

    Raises:
        ValueError: if values have another shape.
    """
    masses = _evidence(maps)
    source = _spoken_of(masses)
    if source is None:
        return None
    chain_map, mass = maps[source], masses[source]
    by_chain = mass.sum(axis=(1, 2))
    told = by_chain >= by_chain.max() / 2
    hertz = _told_hertz(mass[told].sum(axis=(0, 2)), chain_map)
    seconds = _stretch(mass[told].sum(axis=(0, 1)), chain_map.seconds)
    picture = _positive(chain_map)[told].sum(axis=0)
    inside = _in_range(chain_map, hertz).T @ picture @ overlap(chain_map.seconds, seconds)
    total = sum(_positive(one).sum() for one in maps.values())
    chains = tuple(chain for chain, is_told in zip(CHAINS, told, strict=True) if is_told)
    channels = _told_channels(chain_map, told)
    return Evidence(chains, hertz, seconds, source, float(inside.item() / total), channels)


def _chain_words(chains: tuple[str, ...]) -> str:
    if len(chains) == len(CHAINS):
        return "all four chains"
    pairs = [CHAIN_NAMES[chain].split() for chain in CHAINS if chain in chains]
    kinds = [kind for _, kind in pairs]
    both = [f"both {kind}" for kind in dict.fromkeys(kinds) if kinds.count(kind) == 2]
    alone = [f"{side} {kind}" for side, kind in pairs if kinds.count(kind) == 1]
    if len(alone) == 2 and pairs[0][0] == pairs[1][0]:
        alone[1] = pairs[1][1]
    names = alone + both
    return f"{' and '.join(names)} chain{'s' if len(chains) > 1 else ''}"


def _hertz_words(hertz: tuple[float, float]) -> str:
    # An edge that float arithmetic moved by less than this is still on its half hertz.
    hair = 1e-6
    low, high = math.floor(2 * hertz[0] + hair) / 2, math.ceil(2 * hertz[1] - hair) / 2
    return f"{low:g}-{high:g} Hz"


def _seconds_words(seconds: tuple[float, float], source: Source) -> str:
    """The 10 minutes reach beyond the EEG, so that their seconds need a word more."""
    low, high = round(seconds[0]), round(seconds[1])
    if low == high:
        low, high = math.floor(seconds[0]), math.ceil(seconds[1])
    if source != "regional":
        return f"{low}-{high} s"
    if low >= 0:
        words = f"{low}-{high} s after"
    elif high <= 0:
        words = f"{-low}-{-high} s before"
    else:
        words = f"{-low} s before to {high} s after"
    return f"{words} the EEG recording starts (10-min spectrogram)"


def describe(name: str, probability: float, evidence: Evidence | None) -> str:
    """Put a class, its probability and its evidence into one sentence.

    Args:
        name: the class, as a clinician writes it.
        probability: of the class, between 0 and 1.
        evidence: as ``locate`` returns it.

    Returns:
        Such as ``LRDA 0.71: right parasagittal chain, 1-2 Hz, 18-31 s``; frequencies rounded
        outwards to half hertz, times to the nearest second; without frequencies where it was read
        from waveforms; with channels, as in ``right parasagittal chain (F4-C4 C4-P4)``, where some
        stand out. What comes from the 10-minute panels says so, and when: ``95 s before to 20 s
        after the EEG recording starts``.
    """
    if evidence is None:
        return f"{name} {probability:.2f}: no evidence for it in what the network saw"
    place = _chain_words(evidence.chains)
    if evidence.channels:
        place += f" ({' '.join(evidence.channels)})"
    words = [place, _seconds_words(evidence.seconds, evidence.source)]
    if evidence.hertz is not None:
        words.insert(1, _hertz_words(evidence.hertz))
    return f"{name} {probability:.2f}: {', '.join(words)}"


def shaded_stretches(
    maps: Mapping[Source, ChainMap], *, level: float = 0.5
) -> list[tuple[str, float, float]]:
    """List the seconds of each chain to shade in the EEG.

    A column of a chain is shaded where its evidence, summed over 0 to 20 Hz, is at least ``level``
    times that of the strongest column of all chains. The source is the one that ``locate``
    speaks of, so that sentence and shading agree.

    Args:
        maps: by source, one class of one window, values of shape ``(4, rows, columns)``.
        level: above 0 and at most 1.

    Returns:
        Chain, begin and end in the recording's own time, chain by chain; nothing where there is
        no evidence, or it lies in the 10-minute panels.

    Raises:
        ValueError: if the level is out of range or values have another shape.
    """
    if not 0 < level <= 1:
        raise ValueError(f"level must be above 0 and at most 1, received {level}")
    masses = _evidence(maps)
    source = _spoken_of(masses)
    if source in (None, "regional"):
        return []
    by_column, seconds = masses[source].sum(axis=1), maps[source].seconds
    strong = np.pad(by_column >= level * by_column.max(), [(0, 0), (1, 1)])
    steps = np.diff(strong.astype(int), axis=1)
    return [
        (chain, float(seconds[begin]), float(seconds[end]))
        for chain, step in zip(CHAINS, steps, strict=True)
        for begin, end in zip(np.flatnonzero(step > 0), np.flatnonzero(step < 0), strict=True)
    ]
