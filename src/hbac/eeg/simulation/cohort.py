"""The plan of a data set: who is recorded when, which files are cut from it, what experts say.

The layout is that of the HMS-HBAC competition's data (Jing et al., "HMS - Harmful Brain Activity
Classification", Kaggle, 2024).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle, islice

import numpy as np
import pandas as pd

from hbac.eeg.recording import ELECTRODES
from hbac.eeg.regional import ROW_SECONDS, WINDOW_ROWS
from hbac.eeg.shape import WINDOW_SECONDS
from hbac.eeg.simulation.experts import PANEL_SIZES, cast_votes, draw_panel
from hbac.eeg.simulation.patient import CONDITIONS
from hbac.eeg.simulation.resemblance import expert_opinion
from hbac.eeg.simulation.session import Session
from hbac.eeg.simulation.timeline import Episode, Span, draw_episodes
from hbac.eeg.votes import CLASS_NAMES, CLASSES, VOTE_COLUMNS
from hbac.eeg.windows import LABEL_SECONDS, NO_SPECTROGRAM

SPECTROGRAM_SECONDS = WINDOW_ROWS * ROW_SECONDS

_MARGIN = (SPECTROGRAM_SECONDS - WINDOW_SECONDS) // 2
_CONCENTRATION = 5
# Longer than the 4 s of a spectrogram row and the 2 s to the next, so that a gap shows there too.
_GAP_SECONDS = (6, 12)

Range = tuple[int, int]
"""Fewest and most, both included."""


@dataclass(frozen=True)
class Excerpt:
    """An EEG file: a stretch of a session.

    Attributes:
        eeg_id: its id.
        start: its start in the session, in seconds.
        seconds: its length.
    """

    eeg_id: int
    start: int
    seconds: int


@dataclass(frozen=True)
class PlannedSession:
    """A session and the files that are cut from it.

    Attributes:
        split: ``train`` or ``test``.
        patient_id: whom it was recorded from.
        spectrogram_id: of its spectrogram file, -1 where there is none.
        session: what its samples follow from.
        excerpts: its EEG files.
    """

    split: str
    patient_id: int
    spectrogram_id: int
    session: Session
    excerpts: tuple[Excerpt, ...]

    @property
    def has_spectrogram(self) -> bool:
        """Whether it has a spectrogram file."""
        return self.spectrogram_id != NO_SPECTROGRAM


@dataclass(frozen=True)
class Cohort:
    """A planned data set.

    Attributes:
        train_labels: ``train.csv``.
        test_labels: ``test.csv``.
        sessions: of both splits.
    """

    train_labels: pd.DataFrame
    test_labels: pd.DataFrame
    sessions: tuple[PlannedSession, ...]


@dataclass
class _Draw:
    """Randomness of a plan, and the numbers that must not repeat."""

    rng: np.random.Generator
    used: set[int] = field(default_factory=set)

    def unique(self) -> int:
        """Draw an id of up to ten digits that was not drawn before."""
        while True:
            number = int(self.rng.integers(10**6, 2**32))
            if number not in self.used:
                self.used.add(number)
                return number

    def between(self, limits: Range) -> int:
        """Draw a whole number, both limits included."""
        return int(self.rng.integers(limits[0], limits[1] + 1))

    def even(self, limits: Range) -> int:
        """Draw an even number, both limits included if even."""
        return 2 * self.between((-(-limits[0] // 2), limits[1] // 2))

    def patterns(self) -> Iterator[str]:
        """Yield classes forever: each once in every six."""
        while True:
            yield from (CLASSES[k] for k in self.rng.permutation(len(CLASSES)))

    def conditions(self) -> Iterator[Iterator[str]]:
        """Yield conditions of patients forever: each once in every three.

        What a condition yields are the patterns of its patients' sessions, in turn.
        """
        patterns = [cycle(self.rng.permutation(condition).tolist()) for condition in CONDITIONS]
        while True:
            yield from (patterns[k] for k in self.rng.permutation(len(patterns)))

    def tiers(self) -> Iterator[int]:
        """Yield tiers of panels forever: each once in every three."""
        while True:
            yield from self.rng.permutation(len(PANEL_SIZES)).tolist()


def _draw_margin(draw: _Draw, spectrograms: bool) -> int:
    """Seconds of a session before its first EEG file, or after its last."""
    return _MARGIN + draw.even((0, 30)) if spectrograms else 0


def _draw_excerpts(draw: _Draw, count: int, seconds: Range, start: int) -> tuple[Excerpt, ...]:
    """Consecutive EEG files.

    Where labels have 10-minute windows, starts are odd, so that these start on even seconds, at a
    row.
    """
    excerpts = []
    for _ in range(count):
        length = WINDOW_SECONDS if draw.rng.random() < 0.25 else draw.even(seconds)
        excerpts.append(Excerpt(draw.unique(), start, length))
        start += length + draw.even((20, 60))
    return tuple(excerpts)


def _draw_family(draw: _Draw, schematic: float, neural_mass: float) -> str:
    chance = draw.rng.random()
    if chance < schematic:
        return "schematic"
    return "neural_mass" if chance < schematic + neural_mass else "anatomical"


def _draw_session(
    draw: _Draw,
    *,
    pattern: str,
    patient_seed: int,
    seconds: int,
    spans: Sequence[Span],
    ambiguity: float,
    mains_frequency: float,
    spectrograms: bool,
    schematic: float,
    neural_mass: float,
) -> Session:
    concentration = np.array([ambiguity, 1 - ambiguity]) * _CONCENTRATION
    return Session(
        seed=int(draw.rng.integers(2**32)),
        patient_seed=patient_seed,
        seconds=seconds,
        pattern=pattern,
        ambiguity=float(draw.rng.beta(*concentration)),
        episodes=draw_episodes(draw.rng, pattern, seconds, spans=spans, ongoing=not spectrograms),
        mains_frequency=mains_frequency,
        family=_draw_family(draw, schematic, neural_mass),
    )


def _spans(excerpts: Sequence[Excerpt]) -> list[Span]:
    return [(excerpt.start, excerpt.start + excerpt.seconds) for excerpt in excerpts]


def _plan_train_session(
    draw: _Draw,
    pattern: str,
    *,
    patient_id: int,
    patient_seed: int,
    eegs: Range,
    eeg_seconds: Range,
    spectrograms: bool,
    **common: float,
) -> PlannedSession:
    count, start = draw.between(eegs), _draw_margin(draw, spectrograms)
    excerpts = _draw_excerpts(draw, count, eeg_seconds, start)
    session = _draw_session(
        draw,
        pattern=pattern,
        patient_seed=patient_seed,
        seconds=excerpts[-1].start + excerpts[-1].seconds + _draw_margin(draw, spectrograms),
        spans=_spans(excerpts),
        spectrograms=spectrograms,
        **common,
    )
    spectrogram_id = draw.unique() if spectrograms else NO_SPECTROGRAM
    return PlannedSession("train", patient_id, spectrogram_id, session, excerpts)


def _plan_test_session(
    draw: _Draw,
    pattern: str,
    *,
    kind: str,
    long_seconds: Range,
    spectrograms: bool,
    **common: float,
) -> PlannedSession:
    """A session of a new patient; ``long`` gives an EEG of 10 minutes or more."""
    short = SPECTROGRAM_SECONDS if spectrograms else WINDOW_SECONDS
    seconds = draw.even(long_seconds) if kind == "long" else short
    middle = Excerpt(draw.unique(), (seconds - WINDOW_SECONDS) // 2, WINDOW_SECONDS)
    whole = replace(middle, start=0, seconds=seconds)
    # A table without offsets makes the first 50 s of a long EEG its window.
    looked_at = [replace(whole, seconds=WINDOW_SECONDS), middle] if kind == "long" else [middle]
    session = _draw_session(
        draw,
        pattern=pattern,
        patient_seed=int(draw.rng.integers(2**32)),
        seconds=seconds,
        spans=_spans(looked_at),
        spectrograms=spectrograms,
        **common,
    )
    paired = kind == "paired" and spectrograms
    spectrogram_id = draw.unique() if paired else NO_SPECTROGRAM
    excerpt = whole if kind == "long" else middle
    return PlannedSession("test", draw.unique(), spectrogram_id, session, (excerpt,))


def _without_ambiguity(session: Session) -> Session:
    """Return the session without ambiguity and, but for seizures, without pauses."""
    if session.pattern in ("seizure", "other"):
        return replace(session, ambiguity=0.0)
    starts = [episode.start for episode in session.episodes]
    stops = [episode.stop for episode in session.episodes]
    always = Episode(session.pattern, min(0.0, *starts), max(float(session.seconds), *stops))
    return replace(session, ambiguity=0.0, episodes=(always,))


def _clear_first_of_each_class(sessions: list[PlannedSession]) -> list[PlannedSession]:
    """Make the first session of each class a textbook example, so that every class has votes."""
    patterns = [plan.session.pattern for plan in sessions]
    cleared = list(sessions)
    for first in (patterns.index(name) for name in set(patterns)):
        cleared[first] = replace(
            sessions[first], session=_without_ambiguity(sessions[first].session)
        )
    return cleared


def _draw_gap(draw: _Draw, excerpt: Excerpt) -> Span:
    length = draw.rng.uniform(*_GAP_SECONDS)
    start = excerpt.start + draw.rng.uniform(0, excerpt.seconds - length)
    return round(float(start), 2), round(float(start + length), 2)


def _share(count: int, fraction: float) -> int:
    """Number of sessions that a fraction asks for: at least 1 unless it is 0."""
    return 0 if fraction == 0 else max(1, round(fraction * count))


def _damage(
    draw: _Draw, sessions: list[PlannedSession], *, gaps: float, dead_channels: float
) -> list[PlannedSession]:
    """Give a fraction of the sessions gaps in every file, and others a dead electrode."""
    order = draw.rng.permutation(len(sessions)).tolist()
    n_gaps = _share(len(sessions), gaps)
    damaged = list(sessions)
    for k in order[:n_gaps]:
        spans = tuple(_draw_gap(draw, excerpt) for excerpt in sessions[k].excerpts)
        damaged[k] = replace(sessions[k], session=replace(sessions[k].session, gaps=spans))
    for n, k in enumerate(order[n_gaps:][: _share(len(sessions), dead_channels)]):
        dead = str(draw.rng.choice(ELECTRODES))
        session = replace(sessions[k].session, dead_channel=dead, dead_is_missing=n % 2 == 1)
        damaged[k] = replace(sessions[k], session=session)
    return damaged


def _hides(gap: Span, centres: np.ndarray) -> bool:
    """Whether a gap takes more than half of the 10 s around one of some moments."""
    half = LABEL_SECONDS / 2
    shared = np.minimum(gap[1], centres + half) - np.maximum(gap[0], centres - half)
    return bool((shared > half).any())


def _uncover(plan: PlannedSession, labels: pd.DataFrame) -> PlannedSession:
    """Move gaps off what experts voted on: nobody can call what nobody can see.

    A gap that hides most of a label's 10 s goes to where the file's first label does not look yet.
    """
    gaps = []
    for gap, excerpt in zip(plan.session.gaps, plan.excerpts, strict=False):
        offsets = labels.loc[labels["eeg_id"] == excerpt.eeg_id, "eeg_label_offset_seconds"]
        if _hides(gap, excerpt.start + offsets.to_numpy() + WINDOW_SECONDS / 2):
            stop = excerpt.start + (WINDOW_SECONDS - LABEL_SECONDS) / 2
            gap = (round(stop - (gap[1] - gap[0]), 2), stop)
        gaps.append(gap)
    return replace(plan, session=replace(plan.session, gaps=tuple(gaps)))


def _draw_offsets(draw: _Draw, seconds: int, count: int) -> list[int]:
    """Even offsets of windows: the first at 0, the last ending with the file."""
    last = seconds - WINDOW_SECONDS
    between = draw.rng.permutation(np.arange(2, last, 2))[: max(count - 2, 0)]
    return sorted({0, last, *between.tolist()})


def _vote(panel: np.ndarray, session: Session, centre: float) -> dict[str, int | str]:
    """Consensus and votes on the 10 s around a moment of a session."""
    half = LABEL_SECONDS / 2
    votes = cast_votes(panel, expert_opinion(session, centre - half, centre + half))
    counts = dict(zip(VOTE_COLUMNS, votes.tolist(), strict=True))
    return {"expert_consensus": CLASS_NAMES[int(votes.argmax())], **counts}


def _spectrogram_offset(plan: PlannedSession, start: int) -> float:
    """Where a label's 10 minutes start in their file; 0 where there is none."""
    return float(start - _MARGIN) if plan.has_spectrogram else 0.0


def _label_excerpt(
    draw: _Draw, plan: PlannedSession, excerpt: Excerpt, *, tier: int, labels: Range
) -> list[dict[str, int | float | str]]:
    """Rows of ``train.csv`` for one EEG file, but for the number within the spectrogram."""
    panel = draw_panel(draw.rng, tier=tier)
    offsets = _draw_offsets(draw, excerpt.seconds, draw.between(labels))
    return [
        {
            "eeg_id": excerpt.eeg_id,
            "eeg_sub_id": number,
            "eeg_label_offset_seconds": float(offset),
            "spectrogram_id": plan.spectrogram_id,
            "spectrogram_label_offset_seconds": _spectrogram_offset(plan, excerpt.start + offset),
            "label_id": draw.unique(),
            "patient_id": plan.patient_id,
            **_vote(panel, plan.session, excerpt.start + offset + WINDOW_SECONDS / 2),
        }
        for number, offset in enumerate(offsets)
    ]


def _label(draw: _Draw, sessions: Sequence[PlannedSession], *, labels: Range) -> pd.DataFrame:
    """Make ``train.csv``."""
    tiers = draw.tiers()
    rows = [
        row
        for plan in sessions
        for excerpt in plan.excerpts
        for row in _label_excerpt(draw, plan, excerpt, tier=next(tiers), labels=labels)
    ]
    table = pd.DataFrame(rows)
    table.insert(4, "spectrogram_sub_id", table.groupby("spectrogram_id").cumcount())
    return table


def _test_table(sessions: Sequence[PlannedSession]) -> pd.DataFrame:
    """Make ``test.csv``."""
    rows = [(plan.spectrogram_id, plan.excerpts[0].eeg_id, plan.patient_id) for plan in sessions]
    return pd.DataFrame(rows, columns=["spectrogram_id", "eeg_id", "patient_id"])


def _test_kinds(count: int, without_spectrogram: float) -> list[str]:
    """What each test patient has: a pair of files, a long EEG alone, or a short EEG alone."""
    alone = min(max(2, round(without_spectrogram * count)), count)
    return [*(("long", "short")[k % 2] for k in range(alone)), *["paired"] * (count - alone)]


def _check_ranges(least: dict[str, int], ranges: dict[str, Range]) -> None:
    for name, limits in ranges.items():
        if not least.get(name, 1) <= limits[0] <= limits[1]:
            raise ValueError(
                f"{name} must be increasing and at least {least.get(name, 1)}, received {limits}"
            )


def _check_families(schematic: float, neural_mass: float) -> None:
    """Raise ``ValueError`` where the fractions of two families are more than 1 together."""
    if schematic + neural_mass > 1 + 1e-9:
        raise ValueError(
            "schematic and neural_mass must be at most 1 together, received "
            f"{schematic:g} and {neural_mass:g}"
        )


def _plan_train(
    draw: _Draw, *, patients: int, sessions_per_patient: Range, **of_session
) -> list[PlannedSession]:
    sessions = []
    for patterns in islice(draw.conditions(), patients):
        who = {"patient_id": draw.unique(), "patient_seed": int(draw.rng.integers(2**32))}
        shown = islice(patterns, draw.between(sessions_per_patient))
        sessions += [_plan_train_session(draw, pattern, **who, **of_session) for pattern in shown]
    return _clear_first_of_each_class(sessions)


def _plan_test(
    draw: _Draw, *, patients: int, without_spectrogram: float, **of_session
) -> list[PlannedSession]:
    kinds = _test_kinds(patients, without_spectrogram)
    return [
        _plan_test_session(draw, pattern, kind=kind, **of_session)
        for kind, pattern in zip(kinds, draw.patterns(), strict=False)
    ]


def plan_cohort(
    *,
    patients: int,
    sessions_per_patient: Range,
    eegs_per_session: Range,
    eeg_seconds: Range,
    labels_per_eeg: Range,
    test_patients: int,
    test_without_spectrogram: float,
    test_long_seconds: Range,
    ambiguity: float,
    gap_fraction: float,
    dead_channel_fraction: float,
    mains_frequency: float,
    seed: int,
    spectrograms: bool = True,
    schematic: float = 0.0,
    neural_mass: float = 0.0,
) -> Cohort:
    """Plan a data set: patients, sessions, files, labels and votes.

    A patient keeps to the patterns of a condition from session to session. From six patients on,
    or three with two sessions each, every class is the consensus of some label: the first session
    of each is a textbook example that experts agree on. A label's EEG window and spectrogram
    window share their centre exactly, and the 10-minute window always lies inside its file, where
    there is one.

    Args:
        patients: number of patients of the training split.
        sessions_per_patient: fewest and most sessions of a patient.
        eegs_per_session: fewest and most EEG files that are cut from a session.
        eeg_seconds: shortest and longest of them, at least 50; a quarter are of 50 s.
        labels_per_eeg: fewest and most labels of a file; one of 50 s has one, longer ones two.
        test_patients: number of patients of the test split, each with one EEG.
        test_without_spectrogram: fraction of them without a spectrogram file, at least two of
            them: in turn with an EEG of 10 minutes or more, and with one of 50 s.
        test_long_seconds: shortest and longest of the former.
        ambiguity: mean over sessions of how ambiguous they are, between 0 and 1.
        gap_fraction: fraction of the sessions whose files have NaN stretches, which hide no more
            than half of the 10 s of a label; of a fraction above 0, each split has at least one.
        dead_channel_fraction: fraction with a dead electrode, constant and NaN in turn; likewise.
        mains_frequency: of the power line, in Hz.
        seed: the same seed and sizes give the same plan.
        spectrograms: whether there are 10-minute spectrograms. If not, a session is as long as
            its EEG files, as if cut from a longer one: what it shows may have begun before it and
            go on after it.
        schematic: fraction of the sessions that are of the family without anatomy; see
            ``hbac.eeg.simulation.schematic``.
        neural_mass: fraction that columns of cortex make; see
            ``hbac.eeg.simulation.neural_mass_looks``. What is left is of the anatomical family.

    Returns:
        The label tables and the sessions.

    Raises:
        ValueError: if a range is not increasing, a file would be too short, or the fractions of
            the families are more than 1 together.
    """
    _check_families(schematic, neural_mass)
    _check_ranges(
        {"eeg_seconds": WINDOW_SECONDS, "test_long_seconds": SPECTROGRAM_SECONDS},
        {
            "sessions_per_patient": sessions_per_patient,
            "eegs_per_session": eegs_per_session,
            "eeg_seconds": eeg_seconds,
            "labels_per_eeg": labels_per_eeg,
            "test_long_seconds": test_long_seconds,
        },
    )
    draw = _Draw(np.random.default_rng(seed))
    common = {
        "ambiguity": ambiguity,
        "mains_frequency": mains_frequency,
        "spectrograms": spectrograms,
        "schematic": schematic,
        "neural_mass": neural_mass,
    }
    damage = {"gaps": gap_fraction, "dead_channels": dead_channel_fraction}
    train = _plan_train(
        draw,
        patients=patients,
        sessions_per_patient=sessions_per_patient,
        eegs=eegs_per_session,
        eeg_seconds=eeg_seconds,
        **common,
    )
    test = _plan_test(
        draw,
        patients=test_patients,
        without_spectrogram=test_without_spectrogram,
        long_seconds=test_long_seconds,
        **common,
    )
    train, test = (_damage(draw, sessions, **damage) for sessions in (train, test))
    labels = _label(draw, train, labels=labels_per_eeg)
    train = [_uncover(plan, labels) for plan in train]
    return Cohort(labels, _test_table(test), (*train, *test))
