"""How many microvolts each channel's unit holds, by the file's word or by the amplitude."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hbac.formats.choose import Choice
from hbac.formats.limits import UnreadableRecordingError
from hbac.formats.names import EKG
from hbac.formats.source import Source
from hbac.formats.units import clean_unit, decide_unit, microvolts, typical_deviation

_N_LOOKS = 8
_LOOK_SECONDS = 4


def _look(source: Source, signals: list[int]) -> np.ndarray:
    """A few seconds here and there of signals of one rate, in their unit."""
    rate = source.signals[signals[0]].sampling_rate
    total = int(sum(stretch.seconds for stretch in source.stretches) * rate)
    length = min(int(_LOOK_SECONDS * rate), total)
    begins = np.linspace(0, total - length, _N_LOOKS).astype(int)
    parts = [source.read(signals, begin, begin + length) for begin in np.unique(begins)]
    values = np.concatenate(parts, axis=1)
    gains = [source.signals[index].gain for index in signals]
    return values * np.abs(np.array(gains, np.float32))[:, None]


def _deviation(source: Source, signals: Sequence[int]) -> float:
    """Typical deviation of signals that have a unit in common."""
    rates = {source.signals[index].sampling_rate for index in signals}
    found = []
    for rate in sorted(rates):
        alike = [index for index in signals if source.signals[index].sampling_rate == rate]
        values = _look(source, alike)
        found.append(typical_deviation(values, sampling_rate=float(rate)))
    return float(np.median([each for each in found if each > 0] or [0.0]))


def _decide(
    source: Source, choice: Choice, units: dict[str, list[str]]
) -> tuple[dict[str, float], list[str]]:
    """Microvolts in each unit of electrodes that can be told, and remarks on the others."""
    factors, remarks, faults = {}, [], []
    for unit, names in units.items():
        signals = [choice.picks[name].signal for name in names]
        try:
            factors[unit], remark = decide_unit(unit, _deviation(source, signals))
            remarks += [remark] if remark else []
        except UnreadableRecordingError as error:
            faults.append(error)
            remarks.append(f"{', '.join(names)} are not used: {error}")
    if faults and not factors:
        raise faults[0]
    return factors, remarks


def find_scales(source: Source, choice: Choice) -> tuple[dict[str, float], tuple[str, ...]]:
    """Decide how many microvolts the unit of each channel holds.

    Args:
        source: the file.
        choice: which of its signals are channels.

    Returns:
        The factor of each channel that can be used, by channel, and remarks on what was assumed.

    Raises:
        UnreadableRecordingError: if neither unit nor amplitude tells, of any electrode.
    """
    unit_of = {name: source.signals[pick.signal].unit for name, pick in choice.picks.items()}
    units: dict[str, list[str]] = {}
    for name, unit in unit_of.items():
        if name != EKG:
            units.setdefault(unit, []).append(name)
    by_unit, remarks = _decide(source, choice, units)
    factors = {name: by_unit[unit] for name, unit in unit_of.items() if unit in by_unit}
    if EKG in unit_of and EKG not in factors:
        factor = microvolts(unit_of[EKG])
        if factor is None:
            remarks.append(f"{EKG} is not used: its unit is {clean_unit(unit_of[EKG])}")
        else:
            factors[EKG] = factor
    return factors, tuple(remarks)
