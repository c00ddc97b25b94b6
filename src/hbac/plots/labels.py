"""Figures of the table of labels: classes, offsets and how far experts agree."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hbac.eeg.votes import CLASS_NAMES, VOTE_COLUMNS, vote_entropy, vote_fractions
from hbac.plots.style import CLASS_COLOURS, MUTED, SHARE_MAP, new_figure, styled

AGREEMENTS = ("all agree", "majority", "no majority")
"""All votes for one class; more than half of them; half or less."""


def count_classes(labels: pd.DataFrame) -> pd.DataFrame:
    """Count each class among labels and among EEGs.

    Args:
        labels: columns ``eeg_id`` and ``expert_consensus``.

    Returns:
        A row a class, in class order, and columns ``labels`` and ``eegs``. An EEG counts for the
        class of most of its labels; a tie goes to the first in class order.
    """
    table = pd.crosstab(labels["eeg_id"], labels["expert_consensus"])
    table = table.reindex(columns=list(CLASS_NAMES), fill_value=0)
    eegs = table.idxmax(axis=1).value_counts().reindex(CLASS_NAMES, fill_value=0)
    return pd.DataFrame({"labels": table.sum(), "eegs": eegs}, index=list(CLASS_NAMES))


def _draw_counts(axes: Axes, counts: pd.Series, unit: str) -> None:
    total = counts.sum()
    bars = axes.barh(counts.index, counts, color=[CLASS_COLOURS[name] for name in counts.index])
    texts = [f"{count:,}  ({count / total:.0%})" for count in counts]
    axes.bar_label(bars, texts, padding=4, fontsize=8)
    axes.set(title=f"By {unit}, n = {total:,}", xlabel=f"{unit}s", xlim=(0, 1.25 * counts.max()))
    axes.tick_params(axis="y", left=False)
    axes.grid(axis="x")


@styled
def class_distribution(labels: pd.DataFrame) -> Figure:
    """Show how often each class is the experts' consensus, by label and by EEG.

    Args:
        labels: columns ``eeg_id`` and ``expert_consensus``; see ``count_classes``.

    Returns:
        A figure of two axes.
    """
    counts = count_classes(labels)
    figure = new_figure(3.6, title="Class distribution")
    by_label, by_eeg = figure.subplots(1, 2, sharey=True)
    _draw_counts(by_label, counts["labels"], "label")
    _draw_counts(by_eeg, counts["eegs"], "EEG")
    by_label.invert_yaxis()
    return figure


def _draw_offsets(axes: Axes, offsets: pd.Series, title: str) -> None:
    edges = np.linspace(0, max(offsets.max(), 50), 51)
    axes.hist(offsets, bins=edges, color=CLASS_COLOURS["LPD"], edgecolor="white", linewidth=0.4)
    axes.set_yscale("log")
    axes.set(title=title, xlabel="offset (s)", xlim=(0, edges[-1]))
    axes.set_ylim(bottom=0.8)
    axes.grid(axis="y")


@styled
def label_offsets(labels: pd.DataFrame) -> Figure:
    """Show where in their files the labels' windows start, with counts on a log scale.

    Args:
        labels: columns ``eeg_label_offset_seconds`` and ``spectrogram_label_offset_seconds``.

    Returns:
        A figure of two axes, both in seconds.
    """
    figure = new_figure(3.6, title=f"Label offsets, n = {len(labels):,}")
    eeg, spectrogram = figure.subplots(1, 2, sharey=True)
    _draw_offsets(eeg, labels["eeg_label_offset_seconds"], "50-s window in its EEG")
    _draw_offsets(
        spectrogram,
        labels["spectrogram_label_offset_seconds"],
        "10-min window in its spectrogram",
    )
    eeg.set_ylabel("labels (log scale)")
    return figure


def measure_agreement(labels: pd.DataFrame) -> pd.DataFrame:
    """Measure how far the experts agree on each label.

    Args:
        labels: columns ``expert_consensus`` and the six votes.

    Returns:
        A row a label: ``consensus``, ``votes`` (how many), ``entropy`` (bits) and ``agreement``
        (one of ``AGREEMENTS``).

    Raises:
        ValueError: if a label has no vote.
    """
    votes = labels[list(VOTE_COLUMNS)].to_numpy()
    fractions = vote_fractions(votes)
    largest = fractions.max(axis=1)
    level = np.select([largest == 1, largest > 0.5], [0, 1], default=2)
    return pd.DataFrame(
        {
            "consensus": labels["expert_consensus"].to_numpy(),
            "votes": votes.sum(axis=1),
            "entropy": vote_entropy(fractions),
            "agreement": np.array(AGREEMENTS)[level],
        }
    )


def _draw_votes(axes: Axes, agreement: pd.DataFrame) -> None:
    groups = [agreement.loc[agreement["consensus"] == name, "votes"] for name in CLASS_NAMES]
    edges = np.arange(0.5, agreement["votes"].max() + 1.5)
    colours = [CLASS_COLOURS[name] for name in CLASS_NAMES]
    axes.hist(groups, bins=edges, stacked=True, color=colours, label=CLASS_NAMES)
    axes.set(title="Votes a label", xlabel="votes", ylabel="labels", xlim=(0, edges[-1] + 0.5))
    axes.locator_params(integer=True)
    axes.legend(title="consensus", title_fontsize=8)
    axes.grid(axis="y")


def _draw_agreement(axes: Axes, agreement: pd.DataFrame) -> None:
    counts = pd.crosstab(agreement["consensus"], agreement["agreement"])
    counts = counts.reindex(index=CLASS_NAMES, columns=AGREEMENTS, fill_value=0)
    shares = counts.div(counts.sum(axis=1).clip(lower=1), axis=0)
    colours = mpl.colormaps[SHARE_MAP]([0.85, 0.5, 0.2])
    left = np.zeros(len(shares))
    for name, colour in zip(AGREEMENTS, colours, strict=True):
        axes.barh(range(len(shares)), shares[name], left=left, color=colour, label=name)
        left += shares[name].to_numpy()
    ticks = [f"{name}\nn = {n:,}" for name, n in counts.sum(axis=1).items()]
    axes.set_yticks(range(len(shares)), ticks)
    axes.set(xlabel="share of labels", xlim=(0, 1))
    axes.set_title("Agreement by consensus", pad=20)
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=3, columnspacing=1, handlelength=1
    )


def _draw_entropy(axes: Axes, agreement: pd.DataFrame) -> None:
    sns.boxplot(
        agreement, x="entropy", y="consensus", hue="consensus", order=CLASS_NAMES,
        hue_order=CLASS_NAMES, palette=CLASS_COLOURS, orient="h", width=0.6, linewidth=0.8,
        fliersize=2, legend=False, ax=axes,
    )  # fmt: skip
    top = np.log2(len(CLASS_NAMES))
    axes.axvline(top, color=MUTED, linewidth=0.8, linestyle=":")
    axes.set(title="Entropy of votes", xlabel="bits", ylabel="", xlim=(-0.05, top + 0.05))
    axes.tick_params(axis="y", left=False, labelleft=False)
    axes.grid(axis="x")


@styled
def vote_agreement(labels: pd.DataFrame) -> Figure:
    """Show how many experts voted on each label and how far they agree, by consensus class.

    Args:
        labels: columns ``expert_consensus`` and the six votes.

    Returns:
        A figure of three axes: votes a label, levels of agreement, entropy of votes in bits (dotted
        line: votes spread evenly over the six classes).

    Raises:
        ValueError: if a label has no vote.
    """
    agreement = measure_agreement(labels)
    figure = new_figure(4.0, title=f"Votes on labels, n = {len(labels):,}")
    votes, levels, entropy = figure.subplots(1, 3, width_ratios=[1.1, 1, 1])
    _draw_votes(votes, agreement)
    _draw_agreement(levels, agreement)
    _draw_entropy(entropy, agreement)
    levels.set_ylim(len(CLASS_NAMES) - 0.5, -0.5)
    entropy.set_ylim(len(CLASS_NAMES) - 0.5, -0.5)
    return figure
