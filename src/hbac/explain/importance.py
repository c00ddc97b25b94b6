"""How the evidence of many windows spreads over chains, frequency bands and seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from hbac.eeg import band_power
from hbac.eeg.chain_map import ChainMap
from hbac.eeg.montage import CHAINS
from hbac.eeg.panel import Source
from hbac.eeg.votes import CLASS_NAMES
from hbac.explain.evidence import overlap

BANDS = {**band_power.BANDS, "delta": (0.0, band_power.BANDS["delta"][1])}
"""Edges in Hz of the bands of the American Clinical Neurophysiology Society (Hirsch et al.,
"Standardized Critical Care EEG Terminology: 2021 Version", J. Clin. Neurophysiol. 38, 2021).
Delta begins at 0 Hz here and beta ends at 20, as the spectrograms do."""

OUTSIDE = "outside"
"""The margins of a picture below 0 and above 20 Hz, which show no EEG."""

EVERY_BAND = "all"
"""The one level of a waveform, in which frequencies are not told apart."""

BIN_SECONDS: dict[Source, int] = {"eeg": 1, "centre": 1, "waveform": 1, "regional": 10}
"""Length of a time bin. Bins begin at multiples of it; a panel may cover the first and the last of
them in part."""

Dimension = Literal["source", "chain", "band", "second"]

_BAND_NAMES = (*BANDS, OUTSIDE, EVERY_BAND)


def _band_shares(hertz: np.ndarray | None, n_rows: int) -> np.ndarray:
    """Share of each row in each band, outside and in all at once, shape ``(rows, 6)``."""
    if hertz is None:
        return np.eye(len(_BAND_NAMES))[[-1] * n_rows]
    edges = [low for low, _ in BANDS.values()] + [BANDS["beta"][1]]
    inside = overlap(hertz, edges)
    # Rounded, as the parts of a pixel that is all inside need not add up to exactly 1.
    outside = np.round(1 - inside.sum(axis=1, keepdims=True), 9)
    return np.hstack([inside, outside, np.zeros_like(outside)])


def _time_bins(seconds: np.ndarray, width: int) -> np.ndarray:
    """Edges of the bins that cover the columns."""
    first, last = np.round(seconds[[0, -1]] / width, 6)
    return np.arange(np.floor(first), np.ceil(last) + 1) * width


def _cells(chain_map: ChainMap) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sum what is positive over the cells of one source.

    Returns:
        Sums, shape ``(windows, classes, 4 chains, bands, bins)``, float32; the pixels in each cell
        of a chain, shape ``(bands, bins)``; and where the bins begin.
    """
    bins = _time_bins(chain_map.seconds, BIN_SECONDS[chain_map.source])
    rows = _band_shares(chain_map.hertz, chain_map.values.shape[-2]).astype(np.float32)
    columns = overlap(chain_map.seconds, bins).astype(np.float32)
    # Window by window, since the positive part of all would take as much memory as the maps.
    sums = [rows.T @ np.fmax(window, 0, dtype=np.float32) @ columns for window in chain_map.values]
    return np.stack(sums), np.outer(rows.sum(axis=0), columns.sum(axis=0)), bins[:-1]


def _frame(
    source: Source,
    shares: np.ndarray,
    chance: np.ndarray,
    begins: np.ndarray,
    names: dict[str, Sequence[str]],
) -> pd.DataFrame:
    """One row a cell of a source; cells that its picture lacks and windows of NaN left out."""
    present = (chance > 0) & ~np.isnan(shares)
    window, of_class, chain, band, time = np.nonzero(present)
    codes = {
        "class": of_class,
        "source": np.full(len(window), names["source"].index(source)),
        "chain": chain,
        "band": band,
    }
    named = {
        name: pd.Categorical.from_codes(code.astype(np.int8), list(names[name]))
        for name, code in codes.items()
    }
    return pd.DataFrame(
        {
            "window_row": window.astype(np.int32),
            **named,
            "second": begins[time].astype(np.int16),
            "share": shares[present].astype(np.float32),
            "chance": chance[band, time].astype(np.float32),
        }
    )


def _check(maps: Mapping[Source, ChainMap], class_names: Sequence[str]) -> None:
    shapes = {source: one.values.shape for source, one in maps.items()}
    n_windows = {shape[0] for shape in shapes.values() if len(shape) == 5}
    expected = (len(class_names), len(CHAINS))
    if len(n_windows) != 1 or any(shape[1:3] != expected for shape in shapes.values()):
        raise ValueError(
            f"values must have shape (windows, {expected[0]}, {expected[1]}, rows, columns), as "
            f"many windows in each source, received {shapes}"
        )


def importance_table(
    maps: Mapping[Source, ChainMap], *, class_names: Sequence[str] = CLASS_NAMES
) -> pd.DataFrame:
    """Share the evidence for each class of each window out over chains, bands and time bins.

    Only positive values count, NaN counts as 0. A pixel on the edge of a band or a bin is split.

    Args:
        maps: by source, values of shape ``(windows, classes, 4, rows, columns)``, made with
            ``start=0``, so that time counts from the start of each 50-s window.
        class_names: names of the classes, in order.

    Returns:
        A row a cell, with

        - ``window_row``: position of the window in the maps, int32;
        - ``class``, ``source``, ``chain`` and ``band`` (of ``BANDS``, or ``outside``; ``all`` of
          waveforms): categorical;
        - ``second``: where the time bin begins, from the start of the 50-s window, int16;
        - ``share``: of the window's and class's evidence over all sources, float32; those of a
          window and class sum to 1;
        - ``chance``: what an even map has there, that is the cell's share of the picture's area,
          float32.

        A window without evidence for a class has no rows of this class, since nowhere is not
        a place.

    Raises:
        ValueError: if the values' shapes differ from that or from each other.
    """
    _check(maps, class_names)
    cells = {source: _cells(one) for source, one in maps.items()}
    totals = sum(sums.sum(axis=(2, 3, 4), dtype=float) for sums, _, _ in cells.values())
    totals = np.where(totals > 0, totals, np.nan).astype(np.float32)[:, :, None, None, None]
    area = len(CHAINS) * sum(pixels.sum() for _, pixels, _ in cells.values())
    names = {"class": class_names, "source": list(maps), "chain": CHAINS, "band": _BAND_NAMES}
    frames = [
        _frame(source, sums / totals, pixels / area, begins, names)
        for source, (sums, pixels, begins) in cells.items()
    ]
    return pd.concat(frames, ignore_index=True)


def _middles(table: pd.DataFrame) -> pd.Series:
    """The middle of each row's time bin, as text."""
    return (table["second"] + table["source"].map(BIN_SECONDS).astype(float) / 2).map("{:g}".format)


def marginal(table: pd.DataFrame, by: Dimension) -> pd.DataFrame:
    """Sum the shares of each window and class over all dimensions but one.

    Sources stay apart, as their seconds differ: the shares of a source's levels sum to the share
    of the source. Pivoted to a row a window and a column a class, source and level, the result is
    a matrix whose NaN are the windows without evidence for a class; with those as 0 it is the
    numerator, and where it is known the denominator, of ratios over windows.

    Args:
        table: as ``importance_table`` returns it, or some of its rows.
        by: ``source``, ``chain``, ``band`` or ``second``.

    Returns:
        A row a window, class, source and level, with ``window_row``, ``class``, ``source``,
        ``dimension`` (``by``), ``level`` (text: ``RP``, ``delta``, or of a time bin its middle,
        such as ``18.5``), ``share`` and ``chance``.

    Raises:
        ValueError: if ``by`` is another.
    """
    if by not in ("source", "chain", "band", "second"):
        raise ValueError(f"by must be source, chain, band or second, received {by!r}")
    keys = list(dict.fromkeys(["window_row", "class", "source", by]))
    sums = table.groupby(keys, observed=True, sort=True)[["share", "chance"]].sum().reset_index()
    levels = _middles(sums) if by == "second" else sums[by].astype(str)
    kept = sums[["window_row", "class", "source"]]
    return kept.assign(dimension=by, level=levels, share=sums["share"], chance=sums["chance"])
