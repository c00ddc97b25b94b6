"""What the data set holds, how good it is, and what was set aside."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hbac.eeg.votes import CLASS_NAMES, CLASSES
from hbac.pipelines.reporting.data_tables import (
    table_of_agreement,
    table_of_classes,
    table_of_missing_data,
    table_of_overlap,
    table_of_quality,
)
from hbac.pipelines.reporting.params import ReportingParams
from hbac.pipelines.reporting.words import (
    Told,
    counted,
    figures_of,
    folded_table,
    keep,
    not_made,
    number,
    table_of,
)
from hbac.report import (
    Block,
    Fact,
    Facts,
    Folded,
    Heading,
    Notice,
    Paragraph,
    Section,
)

Pictures = bytes | None
Frame = pd.DataFrame | None

EXAMPLES = tuple(f"{what}_{name}" for name in CLASSES for what in ("eeg", "spectrogram"))
"""Names of the examples' figures in the pipeline ``eda``."""

_IN_THE_FIGURE = "The sample size stands in the figure."


def _quantities(counts: Frame) -> dict[str, int]:
    return {} if counts is None else dict(zip(counts["quantity"], counts["value"], strict=True))


def _sample(counts: Frame) -> str:
    n = _quantities(counts)
    if not n:
        return _IN_THE_FIGURE
    return (
        f"n = {counted(n['labels'], 'label')} of {counted(n['eegs'], 'EEG')} and "
        f"{counted(n['patients'], 'patient')}."
    )


def _tell_unlabelled(n: dict[str, int]) -> list[Block]:
    """How much there is that nobody has voted on; nothing where all have votes."""
    if "unlabelled_windows" not in n:
        return []
    text = (
        f"`unlabelled.csv` adds {counted(n['unlabelled_windows'], 'window')} without votes, of "
        f"{counted(n['unlabelled_eegs'], 'EEG')} and "
        f"{counted(n['unlabelled_patients'], 'patient')}, for teachers to label."
    )
    return [Paragraph(text)]


def _tell_counts(counts: pd.DataFrame) -> list[Block]:
    n = _quantities(counts)
    hours = n["eeg_seconds"] / 3600
    few, most = n["fewest_votes"], n["most_votes"]
    facts = [
        Fact(f"{n['patients']:,}", "patients"),
        Fact(f"{n['eegs']:,}", "EEG recordings", f"{number(hours, 1)} h with labels"),
        Fact(f"{n['labels']:,}", "labels", "each of 10 s, seen in 50 s of EEG"),
        Fact(f"{n['votes']:,}", "votes of experts", f"{few:,} to {most:,} a label"),
    ]
    names = {"quantity": "quantity", "value": "n", "meaning": "what is counted"}
    shown = counts.assign(
        quantity=counts["quantity"].str.replace("_", " ").str.replace("eeg", "EEG")
    )
    table = table_of(shown, "What the data set holds.", names)
    return [Facts(facts), *_tell_unlabelled(n), Folded("All counts", [table])]


def _class_figures(sample: str) -> dict[str, Told]:
    return {
        "class_distribution": (
            "Bar charts of how often each of the six classes is the experts' consensus.",
            "How often each class is the experts' consensus: by label, and counted other ways, "
            f"since labels of one recording overlap heavily. {sample}",
        ),
        "patients": (
            "Distributions of labels, windows and recordings by patient.",
            "Labels, windows and recordings by patient: a few patients may hold much of the data, "
            f"which is why folds and intervals are made of patients. {sample}",
        ),
        "cooccurrence": (
            "Matrix of which classes occur together in one patient.",
            f"Classes that occur in one and the same patient. {sample}",
        ),
    }


def _expert_figures(sample: str) -> dict[str, Told]:
    return {
        "vote_agreement": (
            "Votes by label, and how far experts agree.",
            "Votes by label and how far they agree. An entropy of 0 bits means that all experts "
            f"say the same, 2.58 bits that they are spread evenly over six classes. {sample}",
        ),
        "confusion": (
            "Matrix of which classes experts vote for on one and the same label.",
            "Which class a second expert names where a first has named the row's: what experts "
            f"confuse is hard to tell apart for a model, too. {sample}",
        ),
    }


def _offset_figures(sample: str) -> dict[str, Told]:
    return {
        "label_offsets": (
            "Distributions of the labels' places in their recordings.",
            "Where labels lie in their recordings, and how they overlap, in seconds. Windows that "
            f"overlap are not independent. {sample}",
        )
    }


def _example_figures(name: str) -> dict[str, Told]:
    return {
        f"eeg_{name.lower()}": (
            f"EEG of 10 seconds in the bipolar longitudinal montage, labelled {name}.",
            f"{name}: the 10 s that experts labelled, in the bipolar longitudinal montage, chains "
            "grouped, EKG below; amplitude by the scale bar in µV. n = 1 label, the example of "
            "its class.",
        ),
        f"spectrogram_{name.lower()}": (
            f"Spectrograms of four regions over 10 minutes, around a label of {name}.",
            f"{name}: the 10 minutes around the same label, spectrograms of the four chains "
            "(left and right lateral, left and right parasagittal), in Hz. n = 1 label.",
        ),
    }


def _examples(figures: dict[str, Pictures], params: ReportingParams) -> list[Block]:
    """A fold for each class whose example is there."""
    shown = {name: figures_of(figures, _example_figures(name), params) for name in CLASS_NAMES}
    return [Folded(f"Example: {name}", blocks) for name, blocks in shown.items() if blocks]


def _under(title: str, *blocks: list[Block]) -> list[Block]:
    """Blocks below a heading; none where there is nothing to show."""
    every = [block for some in blocks for block in some]
    return [Heading(title), *every] if every else []


def tell_data(
    params: ReportingParams,
    simulation_mark: str | None,
    counts_table: Frame,
    classes_table: Frame,
    agreement_table: Frame,
    overlap_table: Frame,
    **figures: Pictures,
) -> Section:
    """Tell what the data set holds.

    Args:
        params: what the report shows.
        simulation_mark: anything where hbac has simulated the data set.
        counts_table: ``quantity``, ``value`` and ``meaning``.
        classes_table: labels, windows and recordings by class; this and the others as the pipeline
            ``eda`` makes them.
        agreement_table: how far experts agree.
        overlap_table: how far windows overlap.
        **figures: of the pipeline ``eda``, by their names there.

    Returns:
        The section; with None for what was not made, it says which pipeline makes that.
    """
    sample = _sample(counts_table)
    tables = {"counts": counts_table, "classes": classes_table, "agreement": agreement_table}
    parts = {
        "Classes and patients": (
            figures_of(figures, _class_figures(sample), params),
            folded_table("Classes in numbers", table_of_classes, classes_table),
        ),
        "What experts say": (
            figures_of(figures, _expert_figures(sample), params),
            folded_table("Agreement in numbers", table_of_agreement, agreement_table),
        ),
        "Labels in time": (
            figures_of(figures, _offset_figures(sample), params),
            folded_table("Overlap in numbers", table_of_overlap, overlap_table),
        ),
        "One example of each class": (_examples(figures, params),),
    }
    made = tables | {f"{name}_figure": figures[name] for name in figures if name not in EXAMPLES}
    made["examples_of_each_class"] = parts["One example of each class"][0] or None
    source = "simulated by hbac" if simulation_mark is not None else "as it was given"
    blocks = [
        Paragraph(f"The data set, {source}, lies in `{params.raw_dir}`."),
        *keep(_tell_counts, counts_table),
        *(block for title, some in parts.items() for block in _under(title, *some)),
        *not_made(made, "eda"),
    ]
    return Section("data", "Data", blocks)


def _quality_figures(missing: Frame) -> dict[str, Told]:
    n = None if missing is None else int(missing["n_eegs"].max())
    sample = f"n = {counted(n, 'EEG')} drawn at random." if n else _IN_THE_FIGURE
    return {
        "missing_data": (
            "Share of missing samples in each of the 20 channels.",
            "Samples that are missing (NaN), by channel. A chain is the mean of its channels that "
            f"are there; where none is, networks see that it is missing. {sample}",
        ),
        "quality": (
            "Amplitude, flat, extreme and clipped shares and power-line hum of each channel.",
            "Amplitude (µV), what is flat, extreme or clipped, and power-line hum (dB) by "
            f"channel: electrodes that are off or loose stand out. {sample}",
        ),
        "spectra": (
            "Power spectra of the six classes, by chain.",
            "Power spectrum of each class and chain (dB above 1 µV²/Hz), of the 10 s that labels "
            "speak of, at most one window a patient and class; n stands beside each class.",
        ),
    }


def tell_quality(
    params: ReportingParams, missing_table: Frame, quality_table: Frame, **figures: Pictures
) -> Section:
    """Tell how good the recordings are.

    Args:
        params: what the report shows.
        missing_table: missing samples by channel.
        quality_table: amplitude and line noise by channel.
        **figures: of the pipeline ``eda``, by their names there.
    """
    told = _quality_figures(missing_table)
    shown = {name: figures_of(figures, {name: told[name]}, params) for name in told}
    inputs = {"missing_data": missing_table, "quality": quality_table}
    blocks = [
        *shown["missing_data"],
        *folded_table("Missing data in numbers", table_of_missing_data, missing_table),
        *shown["quality"],
        *folded_table("Quality in numbers", table_of_quality, quality_table),
        *shown["spectra"],
        *not_made(inputs | {f"{name}_figure": value for name, value in figures.items()}, "eda"),
    ]
    return Section("quality", "Quality of the recordings", blocks)


def _tell_failures(
    what: str, made: dict[str, Any], failures: pd.DataFrame, file: str, params: ReportingParams
) -> list[Block]:
    n_all = len(made) + len(failures)
    if failures.empty:
        return [Paragraph(f"{what}: none of {n_all:,} files was set aside.")]
    shown = failures.head(params.failures_shown).assign(reason=failures["reason"].astype(str))
    names = {"partition": "file", "reason": "reason"}
    caption = (
        f"{what}: {len(failures):,} of {n_all:,} files set aside, {len(shown):,} of them shown. "
        f"The full table, with tracebacks, is `{params.data_dir}/{file}`."
    )
    return [table_of(shown, caption, names, most=params.failures_shown)]


def tell_quarantine(
    params: ReportingParams,
    spectrograms: dict[str, Any] | None,
    spectrogram_failures: Frame,
    eeg_spectrograms: dict[str, Any] | None,
    eeg_failures: Frame,
) -> Section:
    """Tell which files could not be read and were set aside, and why.

    Args:
        params: what the report shows.
        spectrograms: what was made of the spectrogram files, by id.
        spectrogram_failures: ``partition`` and ``reason`` of those that failed in the last run.
        eeg_spectrograms: what was made of the EEG files, by id.
        eeg_failures: the same of the EEG files.
    """
    of_spectrograms = "02_intermediate/spectrograms_failures.csv"
    of_eegs = "04_feature/eeg_spectrograms_failures.csv"
    blocks: list[Block] = [
        Paragraph(
            "A file that is missing or cannot be read or used is set aside with the reason, and "
            "the rest go on; a run stops where too many fail (`max_failure_rate`, "
            "`tolerated_failures`)."
        )
    ]
    for what, made, failures, file, maker in (
        ("Spectrogram files", spectrograms, spectrogram_failures, of_spectrograms, "conversion"),
        ("EEG files", eeg_spectrograms, eeg_failures, of_eegs, "spectrogram"),
    ):
        if failures is None:
            text = f"{what} were not read yet. `kedro run --pipeline {maker}` reads them."
            blocks.append(Notice(text, "missing"))
        else:
            blocks += _tell_failures(what, made or {}, failures, file, params)
    return Section("quarantine", "Quarantine", blocks)
