"""From a file's units to microvolts."""

from __future__ import annotations

import re
import unicodedata

import numpy as np

from hbac.formats.limits import UnreadableRecordingError

_PER_VOLT = {"V": 1e6, "MV": 1e3, "UV": 1.0, "NV": 1e-3}
_WORDS = {
    "VOLT": "V",
    "VOLTS": "V",
    "MILLIVOLT": "MV",
    "MILLIVOLTS": "MV",
    "MICROVOLT": "UV",
    "MICROVOLTS": "UV",
    "MICROV": "UV",
    "UVOLT": "UV",
    "UVOLTS": "UV",
    "NANOVOLT": "NV",
    "NANOVOLTS": "NV",
}
_NO_VOLTAGE = {
    *("%", "MMHG", "CMH2O", "BPM", "1/MIN", "/MIN", "RPM", "L/MIN", "ML/S", "L/S", "HZ", "KHZ"),
    *("C", "DEGC", "°C", "K", "OHM", "KOHM", "Ω", "KΩ", "A", "MA", "UA", "S", "SEC", "MS", "DB"),
}
"""Units of what polygraphs record beside the EEG, some of it under an electrode's name, as O2."""

_NAMES = {"V": "V", "MV": "mV", "UV": "µV", "NV": "nV"}
# UTF-8 read as Latin-1, DOS code pages, and what is left of a byte that nobody could decode.
_MICRO = re.compile("Â?\N{MICRO SIGN}|\N{GREEK SMALL LETTER MU}|Î¼|æ|\ufffd(?=[Vv])|\\?(?=[Vv]$)")

LARGEST_MICROVOLTS = 20_000
"""Typical deviation of electrodes beyond which their unit can't be right."""

SMALLEST_MICROVOLTS = 0.002
"""And below which it can't: no amplifier resolves that."""

_NOISE_MICROVOLTS = 0.2
"""An amplifier's own noise is more: below it channels are flat, or the unit is wrong. Which of the
two can't be told, and to make EEG of what may be flat would be worse than the other way round."""

_TYPICAL = (2.0, 500.0)
"""Between these lies the typical deviation of EEG in microvolts. Units are a thousand apart, so no
more than one of them can bring a recording there."""


def microvolts(unit: str) -> float | None:
    """Microvolts in a unit such as ``uV``, ``µV``, ``mV``, ``V`` or ``nV``.

    Args:
        unit: as it stands in the file.

    Returns:
        The factor, or None for a unit that is missing or none of voltage.
    """
    text = unicodedata.normalize("NFC", _MICRO.sub("u", unit.strip(" \0[]()")))
    return _PER_VOLT.get(_WORDS.get(text.upper(), text.upper()))


def is_no_voltage(unit: str) -> bool:
    """Whether a unit is known to be that of something else."""
    return unit.strip(" \0[]()").upper() in _NO_VOLTAGE


def unit_name(factor: float) -> str:
    """Name the unit that holds so many microvolts."""
    return next(_NAMES[unit] for unit, per in _PER_VOLT.items() if per == factor)


def typical_deviation(signals: np.ndarray, *, sampling_rate: float) -> float:
    """How far a typical channel goes from its own level within a second.

    Offsets and drift do not count, nor do channels and seconds that are flat.

    Args:
        signals: shape ``(channels, samples)``, in any unit, NaN where missing.
        sampling_rate: samples a second.

    Returns:
        The median over the channels that are alive, of the median over seconds, of the median
        absolute deviation, in the signals' unit; 0 where nothing is alive.
    """
    length = max(round(sampling_rate), 2)
    known = signals[~np.isnan(signals).all(axis=1)]
    seconds = known[:, : known.shape[1] // length * length].reshape(len(known), -1, length)
    if not seconds.size:
        return 0.0
    # A second with a missing sample has no median, and is none of those that are counted.
    levels = np.median(seconds, axis=2, keepdims=True)
    deviations = np.median(np.abs(seconds - levels), axis=2)
    of_channels = [np.median(row[row > 0]) for row in deviations if (row > 0).any()]
    return float(np.median(of_channels)) if of_channels else 0.0


def _fits(deviation: float) -> list[float]:
    low, high = _TYPICAL
    return [factor for factor in _PER_VOLT.values() if low <= deviation * factor < high]


def decide_unit(unit: str, deviation: float) -> tuple[float, str]:
    """Decide how many microvolts a file's unit holds, by its word or else by the amplitude.

    Args:
        unit: the unit as it stands in the file.
        deviation: see ``typical_deviation``, in that unit.

    Returns:
        The factor, and a remark on what was assumed and why; "" where the unit says it.

    Raises:
        UnreadableRecordingError: if it is missing or can't be right, and amplitude does not tell.
    """
    stated = microvolts(unit)
    if stated is not None:
        is_right = SMALLEST_MICROVOLTS <= deviation * stated <= LARGEST_MICROVOLTS
        if deviation == 0 or (is_right and deviation * stated >= _NOISE_MICROVOLTS):
            return stated, ""
        if is_right:
            return stated, (
                f"channels deviate by {deviation * stated:.2g} µV, less than an amplifier's own "
                f"noise: they are flat, or the unit {clean_unit(unit)} is wrong"
            )
    problem = (
        f"the unit is {clean_unit(unit)}, in which channels deviate by {deviation * stated:.3g} µV"
        if stated is not None
        else f"the unit is {clean_unit(unit)}, and channels deviate by {deviation:.3g} of it"
    )
    fitting = _fits(deviation)
    if not fitting:
        raise UnreadableRecordingError(f"{problem}: that is no EEG, and no other unit makes it one")
    name = unit_name(fitting[0])
    return fitting[0], f"{problem}: taken for {name}, since EEG deviates by 2 to 500 µV"


def clean_unit(unit: str) -> str:
    """A unit for a message: what stands in the file, or that nothing does."""
    text = "".join(character for character in unit if character.isprintable()).strip()
    return f"{text!r}" if text else "not stated"
