"""The records of several runs as one, which says of each network what it sees."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from hbac.eeg.filters import CLEANING
from hbac.models.inputs import Input
from hbac.models.preprocessing import panel_settings, seen_waveform

_SHARED = ("image", "waveform", "spectrogram", "reference")


def layout_of(kind: Input, record: Mapping[str, Any]) -> dict[str, Any]:
    """What of a run's record says how its pictures or its waveforms are made."""
    made = {"spectrogram": record["spectrogram"]}
    made |= {"image": record["image"]} if kind == "picture" else {"waveform": seen_waveform(record)}
    known = record.get("reference", {})
    return made | ({"reference": {kind: known[kind]}} if kind in known else {})


def _identity(kind: Input, layout: Mapping[str, Any]) -> Any:
    """What tells one layout from another: of waveforms, cleaning alone and no spectrogram."""
    if kind == "picture":
        # Which channels panels show is said once, of the spectrograms.
        image = {name: value for name, value in layout["image"].items() if name != "channels"}
        return kind, image, panel_settings(layout)
    cleaning = {name: layout["spectrogram"][name] for name in CLEANING}
    seen = {name: layout["waveform"][name] for name in ("seconds", "sampling_rate")}
    return kind, seen, cleaning


class _Names:
    """Names of what networks see, each layout once."""

    def __init__(self, first: Mapping[str, Any]):
        self._first = first
        self._known: list[tuple[Any, str]] = []
        self.layouts: dict[str, dict[str, Any]] = {}

    def _new(self, kind: Input) -> str:
        taken = {name for _, name in self._known}
        names = (kind if number == 1 else f"{kind}_{number}" for number in count(1))
        return next(name for name in names if name not in taken)

    def of(self, kind: Input, record: Mapping[str, Any]) -> str:
        """The name of what a run's networks of one kind see."""
        layout = layout_of(kind, record)
        identity = _identity(kind, layout)
        for known, name in self._known:
            if known == identity:
                return name
        name = self._new(kind)
        self._known.append((identity, name))
        if record is not self._first:
            self.layouts[name] = layout
        return name


def lay_out_members(records: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Put the networks of several runs into one record.

    What the first run's networks see is said as in a record of its own. What others see besides has
    a name of its own, such as ``picture_2``.

    Args:
        records: by member, the record beside its networks.

    Returns:
        ``networks`` (each with ``member``, and ``input`` as it is named here), ``image``,
        ``waveform``, ``spectrogram``, ``reference``, ``mirror`` and ``prior`` of the first run, and
        ``layouts``: by name, those of them in which another input differs.
    """
    first = next(iter(records.values()))
    names, networks = _Names(first), []
    for member, record in records.items():
        for entry in record["networks"]:
            own = {
                "name": f"{member}.{entry['name']}",
                "member": member,
                "input": names.of(entry["input"], record),
            }
            networks.append(entry | own)
    kept = (*_SHARED, "mirror", "prior")
    shared = {name: first[name] for name in kept if name in first}
    return {"networks": networks, **shared, "layouts": names.layouts}
