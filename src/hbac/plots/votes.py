"""Figures of experts' votes: how many there are, how far they agree and what gets confused."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from hbac.eeg.votes import CLASS_NAMES
from hbac.plots.shares import class_matrix, draw_bars, draw_matrix, short_number
from hbac.plots.style import (
    CLASS_COLOURS,
    INK,
    MUTED,
    SHARE_MAP,
    check_columns,
    message,
    new_figure,
    say_below,
    styled,
)

_LEVELS = ("one vote", "all agree", "majority", "no majority")
_LEVEL_COLOURS = ("#e3e3e3", *map(mpl.colors.to_hex, mpl.colormaps[SHARE_MAP]([0.85, 0.5, 0.2])))
_RATIO_MAP = "PuOr_r"
_WHISKERS = (0.05, 0.25, 0.5, 0.75, 0.95)
_N_CLASSES = len(CLASS_NAMES)
_FEWEST_SHOWN = 5
_TIER_LOOKS = (("o", INK), ("v", "#7fb8da"), ("s", "#3c7fb1"), ("D", "#08306b"))


def _draw_votes(axes: Axes, labels: pd.DataFrame) -> None:
    """Labels by number of votes, a stack a number, a part a consensus."""
    counts = pd.crosstab(labels["n_votes"], labels["expert_consensus"])
    counts = counts.reindex(columns=list(CLASS_NAMES), fill_value=0)
    bottom = np.zeros(len(counts))
    for name in CLASS_NAMES:
        axes.bar(counts.index, counts[name], 0.9, bottom=bottom, color=CLASS_COLOURS[name],
                 label=name)  # fmt: skip
        bottom += counts[name].to_numpy()
    median = labels["n_votes"].median()
    axes.set(title=f"Votes on a label, median {median:g}", xlabel="votes", ylabel="labels",
             xlim=(0.3, max(counts.index.max(), _FEWEST_SHOWN) + 0.7))  # fmt: skip
    axes.locator_params(integer=True)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.legend(title="consensus", title_fontsize=8)
    axes.grid(axis="y")


def _draw_levels(axes: Axes, agreement: pd.DataFrame) -> None:
    """How far a label's votes agree, a bar a class."""
    shares = agreement[[f"{name.replace(' ', '_')}_share" for name in _LEVELS]]
    colours = dict(zip(_LEVELS, _LEVEL_COLOURS, strict=True))
    draw_bars(axes, shares.set_axis(_LEVELS, axis=1), colours)
    axes.set_xlabel("share of labels")
    axes.set_title("Agreement on a label, by consensus", pad=20)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=4, columnspacing=0.8,
                handlelength=1, handletextpad=0.4, borderaxespad=0.1)  # fmt: skip


def _draw_entropy(axes: Axes, labels: pd.DataFrame) -> None:
    """A box a class, from the 5th to the 95th percentile, and the mean."""
    groups = [labels["entropy"]]
    groups += [labels.loc[labels["expert_consensus"] == name, "entropy"] for name in CLASS_NAMES]
    places = [place for place, group in enumerate(groups) if len(group)]
    points = np.array([np.quantile(groups[place], _WHISKERS) for place in places])
    low, first, middle, third, high = points.T
    colours = [CLASS_COLOURS[CLASS_NAMES[place - 1]] if place else "white" for place in places]
    axes.hlines(places, low, high, color=INK, linewidth=1)
    axes.barh(places, third - first, 0.6, left=first, color=colours, edgecolor=INK, zorder=2)
    axes.vlines(middle, np.subtract(places, 0.3), np.add(places, 0.3), color=INK, linewidth=2)
    means = [groups[place].mean() for place in places]
    axes.plot(means, places, "D", markersize=4, markerfacecolor="white", markeredgecolor=INK)
    top = np.log2(_N_CLASSES)
    axes.axvline(top, color=MUTED, linewidth=0.8, linestyle=":")
    axes.set(title="Entropy of a label's votes, by consensus", xlabel="bits",
             xlim=(-0.05, top + 0.05))  # fmt: skip
    axes.grid(axis="x")


def _name_groups(axes: Axes, sizes: pd.Series | None) -> None:
    """Write the classes at the left, with their sample sizes; only rows where there are none."""
    names = ("All", *CLASS_NAMES)
    if sizes is not None:
        names = [f"{name}\nn = {n:,}" for name, n in zip(names, sizes, strict=True)]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(_N_CLASSES + 0.5, -0.5)
    axes.tick_params(axis="y", left=False, labelleft=sizes is not None)


def _draw_pairs(axes: Axes, agreement: pd.DataFrame, score: str, title: str) -> None:
    """A dot and an interval a class and tier."""
    tiers = list(agreement["tier"].unique())
    for place, (tier, (marker, colour)) in enumerate(zip(tiers, _TIER_LOOKS, strict=False)):
        rows = agreement[agreement["tier"] == tier]
        at = np.arange(len(rows)) + (place - (len(tiers) - 1) / 2) * 0.19
        axes.hlines(at, rows[f"{score}_low"], rows[f"{score}_high"], color=colour, linewidth=1.4)
        text = "all labels" if tier == "all" else f"{tier} votes"
        axes.plot(rows[score], at, marker, color=colour, markersize=4, label=text)
    for line in range(_N_CLASSES):
        axes.axhline(line + 0.5, color=MUTED, linewidth=0.3)
    values = agreement[[score, f"{score}_low"]].min(axis=None)
    axes.set_title(title, pad=20)
    axes.set_xlim(min(-0.02, values - 0.02), 1.02)
    axes.grid(axis="x")


def _caption(agreement: pd.DataFrame) -> str:
    pairs = agreement[(agreement["tier"] == "all") & (agreement["class"] == "all")].iloc[0]
    scores = [
        f"{name} {pairs[name]:.2f}" if np.isfinite(pairs[name]) else f"{name} not defined"
        for name in ("agreement", "kappa")
    ]
    return (
        f"Box: quartiles and median; whiskers: 5th and 95th percentile; diamond: mean; dotted: "
        f"votes spread evenly. Pairs: two experts of a label, n = {pairs['n_pair_labels']:,} "
        f"labels with two votes or more, of a class those with a vote for it; lines: 95 % interval "
        f"over patients. Agreement: a second expert says the class where a first does. Kappa: "
        f"beyond chance, the class against the rest; of all classes {' and '.join(scores)}."
    )


@styled
def vote_agreement(labels: pd.DataFrame, agreement: pd.DataFrame) -> Figure:
    """Show how many experts voted on each label and how far they agree.

    Args:
        labels: columns ``expert_consensus``, ``n_votes`` and ``entropy`` (bits), a row a label.
        agreement: columns ``tier`` (``all`` first), ``class`` (``all``, then the six),
            ``n_labels``, ``n_pair_labels``, ``one_vote_share``, ``all_agree_share``,
            ``majority_share``, ``no_majority_share``, and ``agreement`` and ``kappa`` each with
            ``_low`` and ``_high``, a row a tier and class.

    Returns:
        A figure of five axes: votes on a label, levels of agreement, entropy of votes, and by class
        and tier the agreement and the kappa of two experts.

    Raises:
        ValueError: if a column is missing, or all rows are.
    """
    check_columns(labels, ["expert_consensus", "n_votes", "entropy"])
    check_columns(agreement, ["tier", "class", "n_labels", "n_pair_labels", "agreement", "kappa"])
    every = agreement[agreement["tier"] == "all"]
    figure = new_figure(7.6, title=f"Votes on labels, n = {len(labels):,}")
    above, below = figure.subfigures(2, 1, height_ratios=[1, 1.1])
    votes, levels, entropy = above.subplots(1, 3)
    pairs, kappa = below.subplots(1, 2)
    _draw_votes(votes, labels)
    _draw_levels(levels, every)
    _draw_entropy(entropy, labels)
    _draw_pairs(pairs, agreement, "agreement", "Agreement of two experts")
    _draw_pairs(kappa, agreement, "kappa", "Kappa of two experts (0: as by chance)")
    kappa.legend(loc="lower left", ncols=4, bbox_to_anchor=(-0.02, 1), columnspacing=1,
                 handletextpad=0.2, borderaxespad=0.1)  # fmt: skip
    for axes, sizes in ((levels, every["n_labels"]), (pairs, every["n_pair_labels"])):
        _name_groups(axes, sizes)
    for axes in (entropy, kappa):
        _name_groups(axes, None)
    say_below(figure, _caption(agreement))
    return figure


@styled
def expert_confusion(confusion: pd.DataFrame) -> Figure:
    """Show which classes experts take for which: pairs of votes on one label.

    Args:
        confusion: columns ``class``, ``other``, ``share`` (of second experts who say ``other``
            where a first says ``class``), ``lift`` (how many times what chance would give, among
            those who disagree) and ``n_pairs``, a row a pair of classes.

    Returns:
        A figure of two axes: the shares, and the lift of those off the diagonal; in words where
        no label has two votes.

    Raises:
        ValueError: if a column is missing, or all rows are.
    """
    check_columns(confusion, ["class", "other", "share", "lift", "n_pairs"])
    shares, lift = (class_matrix(confusion, name) for name in ("share", "lift"))
    pairs = np.nan_to_num(class_matrix(confusion, "n_pairs"))
    counts = np.vectorize(short_number)(pairs)
    rows = [
        f"{name}\nn = {short_number(n)}"
        for name, n in zip(CLASS_NAMES, pairs.sum(axis=1), strict=True)
    ]
    total = int(np.triu(pairs).sum())
    if total == 0:
        return message("No label has two votes, so no two experts can be compared: n = 0 pairs")
    figure = new_figure(4.9, title=f"Two experts of one label, n = {total:,} pairs")
    left, right = figure.subplots(1, 2)
    image = draw_matrix(left, shares, np.vectorize("{:.0%}\n{}".format)(shares, counts), rows=rows,
                        columns=CLASS_NAMES, colours=SHARE_MAP, limits=(0, 1))  # fmt: skip
    figure.colorbar(image, ax=left, format=PercentFormatter(1), shrink=0.8)
    logs = np.log2(lift, out=np.full_like(lift, np.nan), where=lift > 0)
    times = np.vectorize("{:.2f}x\n{}".format)(lift, counts)
    image = draw_matrix(right, logs, times, rows=CLASS_NAMES,
                        columns=CLASS_NAMES, colours=_RATIO_MAP, limits=(-2, 2))  # fmt: skip
    bar = figure.colorbar(image, ax=right, ticks=[-2, -1, 0, 1, 2], shrink=0.8, extend="both")
    bar.ax.set_yticklabels(["1/4", "1/2", "1", "2", "4"])
    left.set(title="Share of second experts who say the column (below: pairs)",
             xlabel="the second says", ylabel="the first says")  # fmt: skip
    right.set(title="If they disagree: times as often as by chance", xlabel="the second says")
    say_below(
        figure,
        "Below a share: pairs of experts, counted on each label; n: the row's. Labels with two "
        "votes or more count alike, however many pairs they have. By chance: those who disagree "
        "spread over the other classes as all votes do; gray: there are none.",
    )
    return figure
