"""Which signals of a file are which of our channels, and what is lacking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from hbac.eeg.montage import BIPOLAR_NAMES, BIPOLAR_PAIRS, CHAIN_NAMES, CHAINS, pair_name
from hbac.eeg.recording import CHANNELS, ELECTRODES
from hbac.formats.limits import UnreadableRecordingError
from hbac.formats.names import EKG, Label, clean, read_label
from hbac.formats.source import Signal
from hbac.formats.units import clean_unit, is_no_voltage

BIPOLAR_CHANNELS = (*BIPOLAR_NAMES, EKG)
"""Channels of a recording that is bipolar already."""

_LEAST_COMMON = 5
"""An electrode that so many others are measured against is the reference; no chain has as many."""

_SLOWEST, _FASTEST = 25, 100_000
"""Samples a second below which a channel shows nothing of EEG, and above which nothing samples."""

_N_NAMED = 40

_SIDES = {
    "left": frozenset((*CHAINS["LL"], *CHAINS["LP"])),
    "right": frozenset((*CHAINS["RL"], *CHAINS["RP"])),
    "midline": frozenset(("Fz", "Cz", "Pz")),
}


@dataclass(frozen=True)
class Pick:
    """The signal that a channel is read from; ``sign`` is -1 for a pair the wrong way round."""

    signal: int
    sign: int = 1


@dataclass(frozen=True)
class Choice:
    """How a file's signals become a recording.

    Attributes:
        montage: ``referential`` or ``bipolar``.
        reference: what electrodes were measured against, as labels name it; "" where none does, or
            where it is bipolar.
        picks: by channel; absent ones are missing.
        remarks: what was assumed or dropped, and why.
    """

    montage: str
    reference: str
    picks: dict[str, Pick]
    remarks: tuple[str, ...]

    @property
    def channels(self) -> tuple[str, ...]:
        """Every channel of such a recording, missing ones included."""
        return BIPOLAR_CHANNELS if self.montage == "bipolar" else CHANNELS

    @property
    def missing(self) -> tuple[str, ...]:
        """Channels that the file lacks."""
        return tuple(name for name in self.channels if name not in self.picks)

    def only(self, channels: Container[str]) -> Choice:
        """The same, but for channels that can't be used after all."""
        kept = {name: pick for name, pick in self.picks.items() if name in channels}
        return replace(self, picks=kept)

    def pairs(self) -> frozenset[str]:
        """The chains' pairs that can be had."""
        if self.montage == "bipolar":
            return frozenset(self.picks) - {EKG}
        return frozenset(
            pair_name(front, back)
            for pairs in BIPOLAR_PAIRS.values()
            for front, back in pairs
            if front in self.picks and back in self.picks
        )


class Named(NamedTuple):
    """A signal whose label names a channel of ours, with the text of the label."""

    signal: int
    text: str
    label: Label

    @property
    def electrode(self) -> str:
        """The electrode, or the first of a pair."""
        return self.label.electrode


def _usable(signals: Sequence[Signal]) -> tuple[list[Named], list[str]]:
    """Signals whose labels name a channel of ours and that hold something, and remarks."""
    named, remarks = [], []
    for index, signal in enumerate(signals):
        label = read_label(signal.label)
        if label is None:
            continue
        fault = signal.fault
        slowest = 1 if label.electrode == EKG else _SLOWEST
        if not fault and not slowest <= signal.sampling_rate <= _FASTEST:
            fault = f"at {float(signal.sampling_rate):g} samples a second it shows no EEG"
        if not fault and is_no_voltage(signal.unit):
            fault = f"its unit is {clean_unit(signal.unit)}"
        if fault:
            remarks.append(f"{clean(signal.label)!r} is not used: {fault}")
        else:
            named.append(Named(index, clean(signal.label), label))
    return named, remarks


def _common_electrode(named: list[Named]) -> str | None:
    """The electrode, if any, that most others are measured against."""
    against = Counter(label.against for label in {each.label for each in named})
    electrode = max(ELECTRODES, key=lambda name: against[name])
    return electrode if against[electrode] >= _LEAST_COMMON else None


def _dropped(label: str, kept: str, channel: str) -> str:
    if label == kept:
        return f"{label!r} is there twice: the first is read"
    return f"{label!r} and {kept!r} are both {channel}: {kept!r} is read"


def _first_of_each(
    candidates: Iterable[tuple[str, Pick, str]],
) -> tuple[dict[str, Pick], list[str]]:
    """The first signal of each channel, and remarks on others."""
    picks: dict[str, Pick] = {}
    labels, remarks = {}, []
    for channel, pick, label in candidates:
        if channel not in picks:
            picks[channel], labels[channel] = pick, label
        elif channel != EKG:
            remarks.append(_dropped(label, labels[channel], channel))
    return picks, remarks


def _reference_of(side: frozenset[str], electrodes: list[Named]) -> str:
    """The reference that most electrodes of a side have."""
    covered: dict[str, set[str]] = {}
    for each in electrodes:
        if each.electrode in side:
            covered.setdefault(each.label.against, set()).add(each.electrode)
    return max(covered, key=lambda against: len(covered[against]), default="")


def _on_common_references(electrodes: list[Named]) -> tuple[list[Named], list[str]]:
    """Electrodes of each side that share its reference, and remarks on others.

    Chains never cross the midline, so either side may have a reference of its own, as A1 and A2.
    """
    chosen = {side: _reference_of(names, electrodes) for side, names in _SIDES.items()}
    side_of = {name: side for side, names in _SIDES.items() for name in names}
    words = {side: against or "the common reference" for side, against in chosen.items()}
    kept = [each for each in electrodes if each.label.against == chosen[side_of[each.electrode]]]
    taken = {each.electrode for each in kept}
    remarks = [
        f"{each.text!r} is not used: other {side_of[each.electrode]} electrodes are against "
        f"{words[side_of[each.electrode]]}"
        for each in electrodes
        if each.electrode not in taken
    ]
    if kept and chosen["left"] != chosen["right"]:
        remarks.append(
            f"left and right electrodes are against {words['left']} and {words['right']}: only "
            "pairs of one side cancel them"
        )
    return kept, remarks


def _referential(named: list[Named]) -> Choice:
    common = _common_electrode(named)
    pairs = frozenset(ELECTRODES) - {common}
    hearts = [each for each in named if each.electrode == EKG]
    electrodes = [
        each for each in named if each.electrode != EKG and each.label.against not in pairs
    ]
    kept, remarks = _on_common_references(electrodes)
    candidates = ((each.electrode, Pick(each.signal), each.text) for each in kept + hearts)
    picks, dropped = _first_of_each(candidates)
    words = dict.fromkeys(each.label.word for each in kept if each.label.word)
    if common:
        remarks.append(f"{common} is the reference, and so itself missing")
    return Choice("referential", ", ".join(words), picks, (*remarks, *dropped))


def _as_pair(label: Label) -> tuple[str, int] | None:
    for name, sign in (
        (pair_name(label.electrode, label.against), 1),
        (pair_name(label.against, label.electrode), -1),
    ):
        if name in BIPOLAR_NAMES:
            return name, sign
    return (EKG, 1) if label.electrode == EKG else None


def _bipolar(named: list[Named]) -> Choice:
    candidates = []
    for index, text, label in named:
        pair = _as_pair(label)
        if pair:
            candidates.append((pair[0], Pick(index, pair[1]), text))
    picks, remarks = _first_of_each(sorted(candidates, key=lambda each: -each[1].sign))
    turned = [name for name, pick in picks.items() if pick.sign < 0]
    if turned:
        remarks.append(f"{', '.join(turned)} stand the other way round: their signs are changed")
    return Choice("bipolar", "", picks, tuple(remarks))


def _what_is_missing(choice: Choice) -> str:
    """Name what chains lack, in the terms of the recording's montage."""
    lacking = [name for name in choice.missing if name != EKG]
    if choice.montage == "referential":
        lacking = [name for name in lacking if any(name in chain for chain in CHAINS.values())]
    return ", ".join(lacking)


def chain_shares(choice: Choice) -> dict[str, float]:
    """Share of each chain's four pairs that can be had."""
    there = choice.pairs()
    return {
        chain: sum(pair_name(*pair) in there for pair in pairs) / len(pairs)
        for chain, pairs in BIPOLAR_PAIRS.items()
    }


def require_chains(choice: Choice, signals: Sequence[Signal], *, least_chains: float) -> None:
    """Refuse a recording that lacks too many of the chains' pairs.

    Args:
        choice: which signals are channels.
        signals: of the file.
        least_chains: share of the 16 pairs that must be there.

    Raises:
        UnreadableRecordingError: if fewer are there; the message names what is missing.
    """
    n = len(choice.pairs())
    if n >= least_chains * len(BIPOLAR_NAMES):
        return
    kind = "channels" if choice.montage == "bipolar" else "electrodes"
    labels = ", ".join(repr(clean(signal.label)) for signal in signals[:_N_NAMED])
    more = f" and {len(signals) - _N_NAMED} more" if len(signals) > _N_NAMED else ""
    because = "".join(f"; {remark}" for remark in choice.remarks)
    raise UnreadableRecordingError(
        f"too few {kind}: {n} of the chains' {len(BIPOLAR_NAMES)} pairs can be had, and "
        f"least_chains = {least_chains:g} asks for {least_chains:.0%}. Missing: "
        f"{_what_is_missing(choice)}. The file holds {labels}{more}{because}"
    )


def choose(signals: Sequence[Signal]) -> Choice:
    """Choose the signals that our channels are read from.

    A recording counts as bipolar where it holds more of the chains' pairs as channels than can be
    made of its electrodes.

    Args:
        signals: of the file.
    """
    named, remarks = _usable(signals)
    choice = max(_referential(named), _bipolar(named), key=lambda each: len(each.pairs()))
    return replace(choice, remarks=(*remarks, *choice.remarks))


def lacking_chains(choice: Choice) -> tuple[str, ...]:
    """Remarks on the chains of which pairs are missing."""
    return tuple(
        f"{CHAIN_NAMES[name]} chain: {share:.0%} of its pairs can be had"
        for name, share in chain_shares(choice).items()
        if share < 1
    )
