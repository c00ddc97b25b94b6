"""The sections of a recording's page, each from tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from hbac.eeg.votes import CLASS_NAMES, PREDICTION_COLUMNS
from hbac.formats.card import Card
from hbac.models.preprocessing import cleaning_of, record_of, seen_waveform
from hbac.pipelines.explainability.networks import explained_input
from hbac.pipelines.recordings.page_words import length, moment, started
from hbac.pipelines.reporting.words import NONE, counted, joined, number, percent
from hbac.plots.trend import kind_of
from hbac.report import (
    Block,
    Fact,
    Facts,
    FigureBlock,
    Folded,
    Heading,
    Notice,
    Paragraph,
    Section,
    Table,
    shrink,
)
from hbac.timeline.burden import OVERALL
from hbac.timeline.events import PATTERNS

SEIZURE = PATTERNS[0]

_LITTLE_READ = 0.5
"""Readable share of a recording below which its page warns."""

_MOST_CHANNELS = 24
"""Rows of a table that stands open."""

RESEARCH = (
    "For research. Not a medical device, cleared by no authority: nothing here may be used to "
    "diagnose, to treat, to alarm or to rank patients."
)

_CHAINS = (
    "Chains are those in which the networks found clearly more than an even share of their "
    "evidence at the event's most certain step: what they looked at, and no localisation of a "
    f"source. {NONE}: none stands out, or the event was not explained."
)

_LIMITS = (
    "The networks know six classes and nothing else: every stretch that can be read is shared out "
    "among them, whatever it shows. Patterns without a class, such as BIRDs, sleep or artefacts "
    "that look like EEG, come out as one of the six.",
    "Probabilities are the shares of votes that a panel of experts is expected to give. They are "
    "as good as the recordings that the networks learned from are like this one: expect less of "
    "other ages, montages, amplifiers and wards. What was measured on real EEG stands in "
    "docs/limits.md, and the card of the networks beside their files.",
    "A prediction speaks of the 10 s in the middle of its window. Events are joined from "
    "predictions by thresholds; their ends are no sharper than a step.",
    "That no event was found does not say that there was none.",
)


@dataclass(frozen=True)
class Told:
    """What a page tells of one recording, apart from its pictures.

    Attributes:
        name: the recording's id.
        card: what was read as what.
        timeline: a row a step.
        events: a row an event.
        burden: a row a period and class.
    """

    name: str
    card: Card
    timeline: pd.DataFrame
    events: pd.DataFrame
    burden: pd.DataFrame

    @property
    def start(self) -> datetime | None:
        """When the recording began."""
        return self.card.start

    @property
    def overall(self) -> pd.DataFrame:
        """The burden of the whole recording, by class."""
        return self.burden[self.burden["period"] == OVERALL].set_index("trial_type")

    def at(self, second: float) -> str:
        """Name a moment, in a table whose header says what time counts from."""
        return moment(self.start, second, self.card.duration)

    def at_words(self, second: float) -> str:
        """Name a moment in a sentence."""
        return self.at(second) + (" from the start" if self.start is None else "")


def picture_of(picture: bytes, colours: int | None) -> bytes:
    """A picture as a page embeds it: with so many colours, or all."""
    return bytes(picture) if colours is None else shrink(picture, colours=colours)


def readable_minutes(told: Told) -> tuple[float, float]:
    """Minutes with and without a prediction."""
    row = told.overall.iloc[0]
    return float(row["readable_minutes"]), float(row["unreadable_minutes"])


def _facts(told: Told) -> Facts:
    read, unread = readable_minutes(told)
    seizure = told.overall.loc[SEIZURE]
    n_seizures = int((told.events["trial_type"] == SEIZURE).sum())
    burden = (
        (length(60 * seizure["minutes"]),
         f"{counted(n_seizures, 'event')}, {percent(seizure['share'])} of the readable time")
        if read
        else (NONE, "nothing could be read")
    )  # fmt: skip
    facts = [
        Fact(length(told.card.duration), "recorded", started(told.start)),
        Fact(
            percent(read / (read + unread) if read + unread else None),
            "with a prediction",
            f"{length(60 * unread)} without; why stands below",
        ),
        Fact(burden[0], "seizure burden", burden[1]),
    ]
    if pd.notna(seizure["peak_share"]):
        where = told.at_words(seizure["peak_start_seconds"])
        level = seizure["peak_level"].replace(">=", "at least").replace("<", "under")
        detail = f"of the epochs from {where}; {level}"
        facts.append(Fact(percent(seizure["peak_share"]), "seizure in any 5 minutes", detail))
    return Facts(facts)


def _found(told: Told) -> str:
    """One sentence: how much of each pattern."""
    read, _ = readable_minutes(told)
    counts = told.events["trial_type"].value_counts()
    found = [
        f"{name} {length(60 * told.overall.loc[name, 'minutes'])} in "
        f"{counted(int(counts[name]), 'event')} ({told.overall.loc[name, 'prevalence']})"
        for name in PATTERNS
        if name in counts
    ]
    if not found:
        return (
            f"No event was found in the {length(60 * read)} that could be read. That does not say "
            "that there was none."
        )
    return f"Found in the {length(60 * read)} that could be read: {joined(found)}."


def _cautions(told: Told) -> list[Block]:
    read, unread = readable_minutes(told)
    cautions = []
    if not read:
        cautions.append("Nothing of this recording could be read; why stands below.")
    elif read < _LITTLE_READ * (read + unread):
        cautions.append(
            f"Only {percent(read / (read + unread))} of this recording could be read: what is said "
            "here speaks of that part alone."
        )
    if lacking := [name for name in told.card.missing if name != "EKG"]:
        cautions.append(
            f"Missing from the file: {joined(lacking)}. The networks have seen less than they are "
            "used to."
        )
    return [Notice(text, "warning") for text in cautions]


def tell_summary(told: Told) -> Section:
    """What was found, and what must be known before it is believed."""
    read, _ = readable_minutes(told)
    found = [Notice(_found(told), "note")] if read else []
    blocks = [*found, *_cautions(told), _facts(told), Paragraph(RESEARCH)]
    return Section("summary", "Summary", blocks)


def tell_trend(told: Told, picture: bytes) -> Section:
    """The hours at a glance."""
    figure = FigureBlock(
        picture,
        "Power of the four chains, stacked probabilities, events and readable share over time.",
        "From top to bottom: power of the left and right lateral and parasagittal chains; the six "
        "probabilities, stacked; events, a row a pattern; and the share of channels and samples "
        f"that can be read. Hatched: no prediction. n = {counted(len(told.timeline), 'step')}.",
    )
    return Section("trend", "The whole recording", [figure])


def _burden_table(told: Told) -> Table:
    read, unread = readable_minutes(told)
    rows = [
        (name, number(row["minutes"], 1), percent(row["share"]), row["prevalence"] or NONE)
        for name, row in told.overall.iterrows()
    ]
    caption = (
        "Time of each pattern, its share of the readable time, and the word of the American "
        f"Clinical Neurophysiology Society's terminology (2021) for it. Readable: {read:,.1f} "
        f"min; without a prediction, and in no share: {unread:,.1f} min."
    )
    header = ("pattern", "minutes", "share", "prevalence")
    return Table(caption, header, rows, frozenset({1, 2}))


def _hours_table(told: Told) -> list[Block]:
    """The shares by hour, folded away."""
    hours = told.burden[told.burden["period"] != OVERALL]
    if hours["period"].nunique() < 2:
        return []
    rows = []
    for period, of_hour in hours.groupby("period", sort=False):
        by_class = of_hour.set_index("trial_type")
        first, seizure = of_hour.iloc[0], by_class.loc[SEIZURE]
        shares = [percent(by_class.loc[name, "share"]) for name in CLASS_NAMES]
        unread = number(first["unreadable_minutes"], 1)
        rows.append((str(period), unread, *shares, percent(seizure["peak_share"])))
    header = ("hour", "unread, min", *CLASS_NAMES, "seizure in 5 min")
    caption = (
        "Share of each hour's readable time; last, the largest share of 10-s epochs with seizure "
        f"in any 5 minutes that end in the hour. n = {counted(len(rows), 'hour')}."
    )
    numeric = frozenset(range(1, len(header)))
    return [Folded(f"By hour ({len(rows)})", [Table(caption, header, rows, numeric)])]


def tell_burden(told: Told) -> Section:
    """How much of the readable time each pattern takes up."""
    return Section("burden", "Burden", [_burden_table(told), *_hours_table(told)])


def tell_events(told: Told, *, most: int) -> Section:
    """Every event, the most certain first."""
    if told.events.empty:
        return Section("events", "Events", [Paragraph("No event was found.")])
    ranked = told.events.sort_values("peak_probability", ascending=False, kind="stable")
    rows = [
        (
            told.at(event["onset"]),
            event["trial_type"],
            length(event["duration"]),
            number(event["probability"], 2),
            number(event["peak_probability"], 2),
            str(event["chains"]).replace(";", ", ") or NONE,
        )
        for event in ranked.head(most).to_dict("records")
    ]
    begins = "begins" if told.start else "begins (h:min:s from the start)"
    header = (begins, "pattern", "lasts", "mean probability", "highest", "chains")
    shown = f"the {most} most certain of them, " if len(ranked) > most else ""
    caption = (
        f"n = {counted(len(ranked), 'event')}, {shown}by the probability of their most certain "
        f"step. {_CHAINS}"
    )
    table = Table(caption, header, rows, frozenset({3, 4}))
    blocks: list[Block] = [table]
    if len(rows) > _MOST_CHANNELS:
        few = Table(caption, header, rows[:10], frozenset({3, 4}))
        blocks = [few, Folded(f"All that are listed ({len(rows)})", [table])]
    return Section("events", "Events by confidence", blocks)


def event_words(told: Told, event: Mapping[str, Any]) -> str:
    """Name an event by its class, its highest probability and when that is."""
    when = told.at_words(event["peak_seconds"])
    return f"{event['trial_type']} {event['peak_probability']:.2f} at {when}"


def tell_pages(told: Told, pages: Sequence[tuple[Mapping[str, Any], bytes]]) -> Section:
    """The EEG of the most certain events of each class, with what the networks looked at."""
    blocks: list[Block] = []
    for name in PATTERNS:
        figures = [
            FigureBlock(
                picture,
                f"EEG in the longitudinal bipolar montage, {event_words(told, event)}.",
                f"{event_words(told, event)}: EEG in the longitudinal bipolar montage with the "
                "evidence for this class. Colours end at this step's largest value: they compare "
                "places, never events. n = 1 step.",
            )
            for event, picture in pages
            if event["trial_type"] == name
        ]
        if figures:
            blocks += [Heading(name), figures[0]]
        if figures[1:]:
            blocks.append(Folded(f"Further events of {name} ({len(figures) - 1})", figures[1:]))
    return Section("eeg", "EEG of the most certain events", blocks)


def unread_reasons(timeline: pd.DataFrame) -> pd.DataFrame:
    """Time without a prediction by kind of reason.

    Returns:
        ``reason``, ``seconds`` in all, ``longest``, the longest stretch, and ``commonest``, the
        reason in full as most steps have it; the largest first.
    """
    kinds = timeline["reason"].fillna("").map(kind_of)
    runs = (kinds != kinds.shift()).cumsum()
    seconds = timeline["stop_seconds"] - timeline["start_seconds"]
    lost = pd.DataFrame({"reason": kinds, "run": runs, "seconds": seconds})[kinds != ""]
    by_run = lost.groupby(["reason", "run"])["seconds"].sum()
    reasons = by_run.groupby("reason").agg(seconds="sum", longest="max")
    full = timeline["reason"].groupby(kinds).agg(lambda texts: texts.mode().iloc[0])
    reasons = reasons.assign(commonest=full.reindex(reasons.index))
    return reasons.sort_values("seconds", ascending=False).reset_index()


def _mean(timeline: pd.DataFrame, column: str) -> float:
    weights = timeline["stop_seconds"] - timeline["start_seconds"]
    known = timeline[column].notna()
    total = weights[known].sum()
    return float((timeline[column] * weights)[known].sum() / total) if total else float("nan")


def _lost_table(told: Told) -> Block:
    """Time without a prediction, by reason."""
    n_lost = int(told.timeline[PREDICTION_COLUMNS[0]].isna().sum())
    rows = [
        (
            row["reason"],
            number(row["seconds"] / 60, 1),
            percent(row["seconds"] / told.card.duration),
            length(row["longest"]),
            row["commonest"],
        )
        for row in unread_reasons(told.timeline).to_dict("records")
    ]
    if not rows:
        return Paragraph("Every step has a prediction.")
    caption = (
        "Time without a prediction by its reason, its share of the recording, the longest stretch, "
        f"and the reason in full as most steps have it. n = {counted(n_lost, 'step')}."
    )
    header = ("reason", "minutes", "share", "longest", "most often")
    return Table(caption, header, rows, frozenset({1, 2}))


def _measures_table(timeline: pd.DataFrame) -> Table:
    """Means of what the steps were judged by."""
    shares = {
        "quality": "share of channels and samples that can be read",
        "flat_share": "flat: share of channels and seconds",
        "clipped_share": "beyond the range: share of channels and samples",
    }
    rows = [(what, percent(_mean(timeline, name))) for name, what in shares.items()]
    hum = number(_mean(timeline, "mains_db"), 1)
    rows.append(("mains hum of the typical channel, in dB over its neighbours", hum))
    caption = f"Means over the recording. n = {counted(len(timeline), 'step')}."
    return Table(caption, ("measure", "mean"), rows, frozenset({1}))


def tell_quality(told: Told) -> Section:
    """What could not be read and why, and how good the rest is."""
    blocks = [_lost_table(told), _measures_table(told.timeline)]
    return Section("quality", "What could be read", blocks)


def _folded_where_long(title: str, table: Table) -> Block:
    many = len(table.rows) > _MOST_CHANNELS
    return Folded(f"{title} ({len(table.rows)})", [table]) if many else table


def _channels_table(card: Card) -> Block:
    rows = [
        (one.channel, f"`{one.label}`", one.unit, f"{one.sampling_rate:g}", one.remark or NONE)
        for one in card.channels
    ]
    caption = (
        "What each channel was read from, with the unit and the samples a second of the file; all "
        f"is read in microvolts at 200 Hz. n = {counted(len(rows), 'channel')}."
    )
    header = ("channel", "label in the file", "unit", "Hz", "remark")
    return _folded_where_long("Channels", Table(caption, header, rows, frozenset({3})))


def _gaps_table(told: Told) -> list[Block]:
    gaps = told.card.gaps
    if not gaps:
        return []
    rows = [(told.at(gap.start), told.at(gap.stop), length(gap.stop - gap.start)) for gap in gaps]
    caption = f"Gaps in the file, on its own clock. n = {counted(len(rows), 'gap')}."
    return [_folded_where_long("Gaps", Table(caption, ("from", "to", "lasts"), rows))]


def _ignored(card: Card) -> list[Block]:
    if not card.ignored:
        return []
    labels = ", ".join(f"`{label}`" for label in card.ignored)
    return [Folded(f"Not read: {counted(len(card.ignored), 'signal')}", [Paragraph(labels)])]


def tell_file(told: Told) -> Section:
    """What was read as what."""
    card = told.card
    montage = card.montage + (f" against {card.reference}" if card.reference else "")
    rows = [
        ("file", f"`{card.file}`"),
        ("format", card.format),
        ("began", started(card.start)),
        ("lasts", length(card.duration)),
        ("montage", montage),
        ("missing", joined(card.missing) or NONE),
        ("gaps", f"{len(card.gaps)}, {length(card.gap_seconds)} in all" if card.gaps else NONE),
    ]
    sentences = (f"{remark[:1].upper()}{remark[1:].rstrip('.')}." for remark in card.remarks)
    remarks = [Heading("Assumed, and why"), *map(Paragraph, sentences)]
    caption = "The file. Names, dates of birth and ids in its header are left out."
    blocks = [
        Table(caption, ("what", "read"), rows),
        *(remarks if card.remarks else []),
        _channels_table(card),
        *_gaps_table(told),
        *_ignored(card),
    ]
    return Section("file", "What was read as what", blocks)


def _tell_networks(ensemble: Mapping[str, Any]) -> list[Block]:
    networks = ensemble["networks"]
    kinds = joined(sorted({one["architecture"] for one in networks}))
    cleaning = cleaning_of(ensemble)
    how = joined([f"`{name}` {'null' if x is None else x}" for name, x in cleaning.items()])
    seen = [f"Their EEG is cleaned as when they were trained: {how}."]
    if any(one["input"] == "waveform" for one in networks):
        waveform = seen_waveform(record_of(ensemble, "waveform"))
        seen.append(
            f"Those of the EEG itself see the middle {waveform['seconds']:g} s of each 50-s window "
            f"at {waveform['sampling_rate']:g} Hz."
        )
    rows = [
        (f"`{one['name']}`", one["architecture"], one["input"], number(one["val_loss"]))
        for one in networks
    ]
    caption = (
        "The networks, and the loss of each on the patients of its own data set that it was not "
        "trained on, in nats. It says nothing of other data sets."
    )
    header = ("network", "architecture", "sees", "validation loss")
    return [
        Paragraph(f"{counted(len(networks), 'network')} of {kinds}. {' '.join(seen)}"),
        Folded("The networks", [Table(caption, header, rows, frozenset({3}))]),
    ]


def _test_figures(pictures: Mapping[str, bytes], sample: str) -> list[Block]:
    told = {
        "curves": (
            "Probability of the class as the most relevant parts are put in or taken out.",
            f"Insertion and deletion. {sample}, drawn at random from those explained.",
        ),
        "randomisation": (
            "Likeness of maps to the trained network's as its weights are drawn anew.",
            f"The check by random weights. {sample}.",
        ),
    }
    return [FigureBlock(pictures[name], *words) for name, words in told.items()]


def _tell_tests(
    tests: Mapping[str, Any], pictures: Mapping[str, bytes], ensemble: Mapping[str, Any]
) -> list[Block]:
    """Whether maps are true, by the tests of this run."""
    if not tests["n_events"]:
        return []
    method = tests["method"]
    over = {"picture": "spectrograms", "waveform": "EEG"}[explained_input(ensemble)]
    text = (
        f"Maps of the evidence ({method}) lie over the {over}. Parts of it are put in or taken out "
        "by their rank in the map, and the networks' weights are drawn anew; a map that tells the "
        "truth moves the probability more than one that knows nothing, and falls apart with the "
        "weights. docs/explanations.md says how."
    )
    failed = (
        f"{method} fails the check by random weights on these events: its maps hardly depend on "
        "what the networks have learned."
    )
    sample = (
        f"n = {counted(tests['n_events'], 'event')} of "
        f"{counted(tests['n_recordings'], 'recording')} of the same run"
    )
    return [
        Heading("Are the maps true?"),
        Paragraph(text),
        *([Notice(failed, "warning")] if method in tests["failing"] else []),
        *_test_figures(pictures, sample),
    ]


def tell_networks(
    ensemble: Mapping[str, Any], tests: Mapping[str, Any], pictures: Mapping[str, bytes]
) -> Section:
    """Which networks predicted, whether their maps are true, and what they cannot do."""
    blocks = [
        *_tell_networks(ensemble),
        *_tell_tests(tests, pictures, ensemble),
        Heading("Limits"),
        *map(Paragraph, (RESEARCH, *_LIMITS)),
    ]
    return Section("networks", "The networks and their limits", blocks)
