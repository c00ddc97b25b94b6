"""Figures of the table of labels: classes, patients, and where labels lie in their files."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from hbac.eeg.votes import CLASS_NAMES
from hbac.plots.shares import class_matrix, draw_bars, draw_matrix
from hbac.plots.style import (
    ACCENT,
    CLASS_COLOURS,
    FAINT,
    INK,
    LEFT,
    MUTED,
    SHARE_MAP,
    check_columns,
    new_figure,
    say,
    say_below,
    styled,
)

_UNITS = {"labels": "Labels", "windows": "Windows", "eegs": "EEGs", "patients": "Patients"}
_LINES = {"labels": (ACCENT, "-"), "windows": (LEFT, "--"), "eegs": (INK, ":")}
_LABEL_COLUMNS = [f"{name.lower()}_labels" for name in CLASS_NAMES]
_BUSIEST = 0.1
_LONGEST_STEP = 60


def _scale_in_logs(axes: Axes, which: str) -> None:
    """Use a log scale on ``x`` or ``y`` whose ticks are plain numbers, not powers of ten."""
    axes.set(**{f"{which}scale": "log"})
    axis = {"x": axes.xaxis, "y": axes.yaxis}[which]
    axis.set_major_formatter(lambda x, _: f"{x:,.0f}" if x >= 1 else f"{x:g}")
    axes.minorticks_off()


def _draw_counts(axes: Axes, table: pd.DataFrame, unit: str) -> None:
    """A bar a class; for patients, who may have several classes, of all patients."""
    counts, share = table[f"n_{unit}"], table[f"{unit.removesuffix('s')}_share"]
    bars = axes.barh(table["class"], counts, color=[CLASS_COLOURS[name] for name in table["class"]])
    pairs = zip(counts, share, strict=True)
    texts = [f"{count:,} ({part:.0%})" if count else "0" for count, part in pairs]
    axes.bar_label(bars, texts, padding=3, fontsize=8)
    total = round((counts / share).max())
    axes.set(title=f"{_UNITS[unit]}, n = {total:,}", xlim=(0, 1.65 * counts.max()))
    axes.locator_params(axis="x", nbins=3, integer=True)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.tick_params(axis="y", left=False)
    axes.grid(axis="x")


def _draw_tiers(axes: Axes, classes: pd.DataFrame) -> None:
    shares = classes.pivot_table(index="tier", columns="class", values="label_share")
    shares = shares.reindex(index=classes["tier"].unique(), columns=list(CLASS_NAMES))
    sizes = classes.groupby("tier", sort=False)["n_labels"].sum()
    draw_bars(axes, shares, CLASS_COLOURS)
    ticks = [f"{tier} votes\nn = {n:,}" for tier, n in sizes.items()]
    axes.set_yticks(range(len(sizes)), [ticks[0].replace("all votes", "all labels"), *ticks[1:]])
    axes.set_title("Labels by number of votes", pad=20)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1), ncols=len(CLASS_NAMES),
                handlelength=1, borderaxespad=0.1)  # fmt: skip


@styled
def class_distribution(classes: pd.DataFrame) -> Figure:
    """Show how often each class occurs, among labels, windows, EEGs and patients, and by tier.

    Args:
        classes: columns ``tier`` (``all`` first), ``class``, ``n_labels``, ``n_windows``,
            ``n_eegs`` and ``n_patients`` with ``label_share`` ... ``patient_share`` (0 to 1), a row
            a tier and class.

    Returns:
        A figure of five axes: counts of all labels, windows, EEGs and patients, and each tier's
        labels by class. Labels and windows count by consensus, EEGs by the class of most of their
        labels, patients for each class they have.

    Raises:
        ValueError: if a column is missing, or all rows are.
    """
    check_columns(classes, ["tier", "class", *[f"n_{unit}" for unit in _UNITS]])
    figure = new_figure(5.6, title="Class distribution")
    grid = figure.add_gridspec(2, len(_UNITS), height_ratios=[1, 0.85])
    first = None
    for place, unit in enumerate(_UNITS):
        axes = figure.add_subplot(grid[0, place], sharey=first)
        _draw_counts(axes, classes[classes["tier"] == "all"], unit)
        axes.tick_params(labelleft=place == 0)
        first = first or axes
    first.invert_yaxis()
    _draw_tiers(figure.add_subplot(grid[1, :]), classes)
    say_below(
        figure,
        "Labels and windows count by the experts' consensus; labels of one EEG with the same votes "
        "are one window. EEGs count for the class of most of their labels, patients for each class "
        "that they have a label of.",
    )
    return figure


def _draw_spread(axes: Axes, patients: pd.DataFrame) -> None:
    """Of each unit, which share of patients has so many or more."""
    n = len(patients)
    for unit, (colour, line) in _LINES.items():
        counts = np.sort(patients[f"n_{unit}"])
        text = f"{_UNITS[unit]} {np.median(counts):,.4g}; {counts[-1]:,}"
        axes.step([0.9, *counts, counts[-1]], [1, *(1 - np.arange(n) / n), 0], where="pre",
                  color=colour, linestyle=line, linewidth=1.5, label=text)  # fmt: skip
    _scale_in_logs(axes, "x")
    axes.set(xlabel="a patient has so many or more", ylabel="share of patients", ylim=(0, 1.02))
    axes.set_title("How much there is of a patient (median; most)", pad=20)
    axes.set_xlim(0.9, 1.2 * max(2, patients["n_labels"].max()))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1), ncols=3, borderaxespad=0.1)
    axes.grid()


def _draw_concentration(axes: Axes, patients: pd.DataFrame) -> None:
    """Share of all that patients hold together, those with most first."""
    busiest = int(np.ceil(_BUSIEST * len(patients)))
    ranks = np.arange(len(patients) + 1) / len(patients)
    for unit, (colour, line) in _LINES.items():
        counts = np.sort(patients[f"n_{unit}"])[::-1]
        held = np.append(0, counts.cumsum()) / counts.sum()
        text = f"{_UNITS[unit]}: {held[busiest]:.0%}, n = {counts.sum():,}"
        axes.plot(ranks, held, color=colour, linestyle=line, linewidth=1.5, label=text)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, label="if all had the same")
    axes.axvline(busiest / len(patients), color=MUTED, linewidth=0.8, linestyle="--")
    title = f"held by the {busiest / len(patients):.0%} with most (n = {busiest:,})"
    axes.legend(loc="lower right", title=title, title_fontsize=8)
    axes.set(xlabel="share of patients, those with most first", ylabel="share of all",
             title="How unevenly it is held", xlim=(0, 1), ylim=(0, 1.02))  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    axes.grid()


def _draw_group(axes: Axes, shares: np.ndarray, main: int, start: int) -> None:
    """The patients of one main class, which is at the bottom: the surest at the left."""
    shares = shares[np.argsort(-shares[:, main], kind="stable")]
    edges = start + np.arange(len(shares) + 1)
    order = [main, *(place for place in range(len(CLASS_NAMES)) if place != main)]
    parts = np.vstack([shares, shares[-1:]]).T[order]
    colours = [CLASS_COLOURS[CLASS_NAMES[place]] for place in order]
    axes.stackplot(edges, parts, colors=colours, step="post", linewidth=0, antialiased=False)
    axes.axvline(edges[-1], color=INK, linewidth=0.8)
    axes.text(edges.mean(), 1.02, f"n = {len(shares):,}", ha="center", fontsize=8)


def _draw_mix(axes: Axes, patients: pd.DataFrame) -> None:
    """A column a patient: which share of their labels is of which class."""
    counts = patients[_LABEL_COLUMNS].to_numpy()
    shares = counts / counts.sum(axis=1, keepdims=True)
    main = shares.argmax(axis=1)
    starts = np.searchsorted(np.sort(main), range(len(CLASS_NAMES)))
    for place in np.unique(main):
        _draw_group(axes, shares[main == place], place, starts[place])
    axes.set(xlim=(0, len(shares)), ylim=(0, 1), ylabel="share of the patient's labels")
    axes.set_xlabel(f"patients, n = {len(shares):,}, grouped by the class of most of their labels")
    axes.set_title("Class mix of each patient", pad=34)
    axes.locator_params(axis="x", integer=True)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(handles=[Patch(color=CLASS_COLOURS[name], label=name) for name in CLASS_NAMES],
                loc="lower left", bbox_to_anchor=(-0.005, 1.07), ncols=len(CLASS_NAMES),
                handlelength=1, borderaxespad=0.1)  # fmt: skip


@styled
def labels_by_patient(patients: pd.DataFrame) -> Figure:
    """Show how much there is of each patient, how unevenly, and of which classes.

    Args:
        patients: columns ``n_labels``, ``n_windows``, ``n_eegs`` and the labels of each class,
            ``seizure_labels`` ... ``other_labels``, a row a patient.

    Returns:
        A figure of three axes: which share of patients has so much or more, which share of all the
        patients with most hold together, and each patient's labels by class, a column a patient.

    Raises:
        ValueError: if a column is missing, or all rows are.
    """
    check_columns(patients, [*[f"n_{unit}" for unit in _LINES], *_LABEL_COLUMNS])
    figure = new_figure(6.6, title=f"Labels, windows and EEGs by patient, n = {len(patients):,}")
    grid = figure.add_gridspec(2, 2)
    _draw_spread(figure.add_subplot(grid[0, 0]), patients)
    _draw_concentration(figure.add_subplot(grid[0, 1]), patients)
    _draw_mix(figure.add_subplot(grid[1, :]), patients)
    return figure


def _draw_offsets(axes: Axes, labels: pd.DataFrame, file: str, title: str) -> None:
    offsets = labels.loc[labels[f"{file}_id"] >= 0, f"{file}_label_offset_seconds"]
    if offsets.empty:
        axes.set_title(f"{title}, n = 0")
        say(axes, "no label has one")
        return
    last = max(offsets.max(), 50)
    axes.hist(offsets, bins=np.linspace(0, last, 51), color=LEFT, edgecolor="white", linewidth=0.4)
    _scale_in_logs(axes, "y")
    axes.set_title(f"{title}, n = {len(offsets):,}, median {offsets.median():,.4g} s")
    axes.set(xlabel="starts in its file at (s)", ylabel="labels (log scale)", xlim=(0, last))
    axes.set_ylim(bottom=0.8)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(axis="y")


def _draw_steps(axes: Axes, labels: pd.DataFrame) -> None:
    ordered = labels.sort_values(["eeg_id", "eeg_label_offset_seconds"])
    steps = ordered.groupby("eeg_id")["eeg_label_offset_seconds"].diff().dropna()
    axes.set_title(f"Steps between labels of one EEG, n = {len(steps):,}")
    if steps.empty:
        say(axes, "no EEG has two labels")
        return
    edges = np.arange(0, _LONGEST_STEP + 4, 2)
    axes.hist(steps.clip(upper=_LONGEST_STEP), bins=edges, color=LEFT, edgecolor="white",
              linewidth=0.4)  # fmt: skip
    _scale_in_logs(axes, "y")
    for seconds, text in ((10, "10-s labels"), (50, "50-s windows")):
        axes.axvline(seconds, color=ACCENT, linewidth=1, linestyle="--")
        axes.annotate(f"{text}\noverlap", (seconds, 1), xycoords=("data", "axes fraction"),
                      xytext=(-3, -2), textcoords="offset points", ha="right", va="top",
                      fontsize=7.5, color=ACCENT)  # fmt: skip
    axes.set(xlabel=f"from the label before (s); {_LONGEST_STEP} and more at the right",
             ylabel="labels (log scale)", xlim=(0, edges[-1]))  # fmt: skip
    axes.set_ylim(0.8, max(axes.get_ylim()[1], 8) ** 1.25)
    axes.grid(axis="y")


def _duration(seconds: float) -> str:
    """Seconds in the unit that people would use."""
    if seconds < 600:
        return f"{seconds:.0f} s"
    if seconds <= 6_000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 36_000 else f"{seconds / 3600:,.0f} h"


def _draw_cover(axes: Axes, overlap: pd.DataFrame) -> None:
    """What all windows sum to, and what they cover."""
    places = np.arange(len(overlap))
    summed, covered = overlap["summed_seconds"] / 3600, overlap["covered_seconds"] / 3600
    least = covered[covered > 0].min() / 3
    axes.barh(places - 0.19, summed, 0.36, color=FAINT, edgecolor=MUTED, linewidth=0.6,
              label="windows summed")  # fmt: skip
    axes.barh(places + 0.19, covered, 0.36, color=LEFT, label="covered, each second once")
    for place, row in enumerate(overlap.itertuples()):
        for shift, seconds in ((-0.19, row.summed_seconds), (0.19, row.covered_seconds)):
            times = seconds / row.seconds
            text = f"{_duration(seconds)} = {times:,.0f} x {row.seconds:g} s"
            axes.annotate(text, (max(seconds / 3600, least), place + shift), xytext=(3, 0),
                          textcoords="offset points", va="center", fontsize=7.5)  # fmt: skip
    rows = overlap.itertuples()
    ticks = [f"{row.window}, {row.seconds:g} s\nn = {row.n_labels:,}" for row in rows]
    axes.set_yticks(places, ticks)
    _scale_in_logs(axes, "x")
    axes.set(xlabel="hours (log scale)", xlim=(least, least * (summed.max() / least) ** 1.7))
    axes.set_ylim(len(overlap) - 0.5, -0.5)
    axes.set_title("How much they cover", pad=20)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1), ncols=2, borderaxespad=0.1)
    axes.tick_params(axis="y", left=False)


@styled
def label_offsets(labels: pd.DataFrame, overlap: pd.DataFrame) -> Figure:
    """Show where in their files the labels' windows start, and how far they overlap.

    Args:
        labels: columns ``eeg_id``, ``eeg_label_offset_seconds``, ``spectrogram_id`` (below 0
            where there is none) and ``spectrogram_label_offset_seconds``.
        overlap: columns ``window``, ``seconds``, ``n_labels``, ``summed_seconds``,
            ``covered_seconds`` and ``independent_windows``, a row a kind of window.

    Returns:
        A figure of four axes: starts in the EEG and in the spectrogram, steps between neighbouring
        labels of an EEG (all three in seconds, counts on a log scale), and for each kind of window
        the hours they sum to and cover.

    Raises:
        ValueError: if a column is missing, or all rows are.
    """
    check_columns(labels, ["eeg_id", "spectrogram_id", "eeg_label_offset_seconds"])
    check_columns(overlap, ["window", "seconds", "summed_seconds", "covered_seconds"])
    figure = new_figure(6.2, title=f"Label offsets and overlap, n = {len(labels):,}")
    (eeg, spectrogram), (steps, cover) = figure.subplots(2, 2)
    _draw_offsets(eeg, labels, "eeg", "50-s windows of EEG")
    _draw_offsets(spectrogram, labels, "spectrogram", "10-min windows of spectrogram")
    _draw_steps(steps, labels)
    _draw_cover(cover, overlap)
    return figure


def _draw_n_classes(axes: Axes, n_classes: pd.Series) -> None:
    counts = n_classes.value_counts().reindex(range(1, len(CLASS_NAMES) + 1), fill_value=0)
    bars = axes.bar(counts.index, counts, color=LEFT)
    texts = [f"{count:,}\n({count / len(n_classes):.0%})" for count in counts]
    axes.bar_label(bars, texts, padding=2, fontsize=8)
    axes.set(title="Classes of a patient", xlabel="classes", ylabel="patients")
    axes.set_ylim(0, 1.2 * counts.max())
    axes.set_xticks(counts.index)
    axes.locator_params(axis="y", integer=True)
    axes.grid(axis="y")


@styled
def class_cooccurrence(cooccurrence: pd.DataFrame, patients: pd.DataFrame) -> Figure:
    """Show which classes are found in one patient, and how many of them.

    Args:
        cooccurrence: columns ``class``, ``other`` (another class or none), ``n_patients``,
            ``n_of`` (patients with ``class``) and ``share`` (0 to 1), a row a pair.
        patients: column ``n_classes``, a row a patient.

    Returns:
        A figure of two axes: of the patients with one class (a row), the share that has another (a
        column), and how many patients have so many classes.

    Raises:
        ValueError: if a column is missing, or all rows are.
    """
    check_columns(cooccurrence, ["class", "other", "n_patients", "n_of", "share"])
    check_columns(patients, ["n_classes"])
    columns = list(dict.fromkeys([*CLASS_NAMES, *cooccurrence["other"]]))
    shares, counts = (class_matrix(cooccurrence, name, columns) for name in ("share", "n_patients"))
    texts = np.vectorize("{:.0%}\n{:,.0f}".format)(shares, counts)
    sizes = cooccurrence.groupby("class")["n_of"].first().reindex(CLASS_NAMES, fill_value=0)
    rows = [f"{name}\nn = {n:,}" for name, n in sizes.items()]
    figure = new_figure(4.6, title=f"Classes of one patient, n = {len(patients):,}")
    matrix, numbers = figure.subplots(1, 2, width_ratios=[2, 1])
    image = draw_matrix(matrix, shares, texts, rows=rows, columns=columns, colours=SHARE_MAP,
                        limits=(0, 1))  # fmt: skip
    matrix.set(xlabel="also have", ylabel="patients with",
               title="Share of a row's patients who also have the column's class")  # fmt: skip
    figure.colorbar(image, ax=matrix, format=PercentFormatter(1), shrink=0.8)
    _draw_n_classes(numbers, patients["n_classes"])
    say_below(
        figure,
        "A patient has a class who has a label of that consensus; below a share: its patients, n: "
        "those of the row. Alone: no other class.",
    )
    return figure
