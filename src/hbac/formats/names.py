"""What the labels of channels mean: electrodes, their references, pairs of electrodes, the EKG."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hbac.eeg.recording import CHANNELS, ELECTRODES

EKG = CHANNELS[-1]

MODERN_NAMES = {"T7": "T3", "T8": "T4", "P7": "T5", "P8": "T6"}
"""Names of the 10-10 system for electrodes of the 10-20 system that it renamed."""

_MISSPELT = {"01": "O1", "02": "O2"}
"""Zero for the letter O, as technicians type it."""

_CANONICAL = {name.upper(): name for name in ELECTRODES} | MODERN_NAMES | _MISSPELT

_PREFIX = re.compile(r"^(?:EEG|POL)[\s_:.]+", re.IGNORECASE)
_DASHES = str.maketrans(dict.fromkeys("\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}\N{HYPHEN}", "-"))
_PARTS = re.compile(r"^([^-/:_ ]+)(?:\s*[-/:_ ]\s*(.+))?$")
_NUMBERED = re.compile(r"-\d+$")
_EKG = re.compile(
    r"^(?:(?:EEG|POL|ECG|EKG)[\s_:.]+)?(?:ECG|EKG)[\s_]*(?:\d+|[LRI]+|V\d)?(?:[-/+:_ ].*)?$",
    re.IGNORECASE,
)

_OXYGEN = ("SAT", "SATURATION", "%")
"""What follows O2 where it is no electrode."""

COMMON = ("", "REF", "LE", "REFERENCE", "COMMON", "R", "G2", "G19", "0", "1")
"""What amplifiers write for the one input that all electrodes are measured against, whatever it
is; ``LE``, linked ears, is such an input."""


@dataclass(frozen=True)
class Label:
    """What a label says.

    Attributes:
        electrode: an electrode as in ``ELECTRODES``, or ``EKG``.
        against: what it was measured against: an electrode as in ``ELECTRODES``, another word in
            upper case such as ``AVG`` or ``A1``, or "" for any of ``COMMON``.
        word: how the label itself names that, in upper case; "" where it does not.
    """

    electrode: str
    against: str = ""
    word: str = ""


def clean(label: str) -> str:
    """A label without the spaces, zeros and dots that fields are filled with."""
    printable = "".join(character if character.isprintable() else " " for character in label)
    return " ".join(printable.translate(_DASHES).split()).rstrip(". ")


def read_label(label: str) -> Label | None:
    """Read a label such as ``EEG FP1-REF``, ``Fp1.``, ``POL T7``, ``T8-P8`` or ``ECG``.

    Args:
        label: as it stands in the file, in any case.

    Returns:
        What it says, or None where it names no channel of ours.
    """
    text = clean(label)
    if _EKG.match(text):
        return Label(EKG)
    parts = _PARTS.match(_PREFIX.sub("", text))
    if parts is None:
        return None
    electrode = _CANONICAL.get(parts[1].strip(". ").upper())
    if electrode is None:
        return None
    word = (parts[2] or "").strip(". ").upper()
    if word in _OXYGEN:
        return None
    other = word if word in _CANONICAL else _NUMBERED.sub("", word)
    against = _CANONICAL.get(other.strip(". "), other)
    return Label(electrode, "" if against in COMMON else against, word)
