"""How experts voted, and how far they agree: nodes that read the table of labels alone."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hbac.eeg.votes import CLASS_NAMES, VOTE_COLUMNS, vote_entropy, vote_fractions
from hbac.evaluation.agreement import agreement_of, joint_classes
from hbac.evaluation.bootstrap import PatientBootstrap, divide, hide_draws, resample_patients
from hbac.evaluation.consensus import leading_classes
from hbac.evaluation.divergence import VOTE_TIERS
from hbac.pipelines.eda.params import EdaParams

LEVELS = ("one vote", "all agree", "majority", "no majority")
"""A single vote, which agrees with none; all votes for one class; more than half; half or less."""

_N_CLASSES = len(CLASS_NAMES)


def tier_rows(n_votes: np.ndarray) -> dict[str, np.ndarray]:
    """Say which labels are in each of ``hbac.evaluation.VOTE_TIERS``, by their number of votes."""
    n_votes = np.asarray(n_votes)
    return {
        tier: (n_votes >= least) & (n_votes < below) for tier, (least, below) in VOTE_TIERS.items()
    }


def _level(votes: np.ndarray, largest: np.ndarray) -> pd.Categorical:
    conditions = [votes == 1, largest == 1, largest > 0.5]
    return pd.Categorical.from_codes(np.select(conditions, [0, 1, 2], default=3), LEVELS)


def describe_labels(labels: pd.DataFrame) -> pd.DataFrame:
    """Measure each label by its votes.

    Args:
        labels: the columns of ``train.csv``.

    Returns:
        The same rows and columns, ``expert_consensus`` as a categorical of ``CLASS_NAMES``, and
        ``window`` (whole number; labels of one EEG with the same votes share it, see
        ``distinct_votes`` in ``hbac.eeg.windows.select_windows``), ``n_votes``, ``entropy`` (bits,
        0 to log2 6), ``level`` (one of ``LEVELS``), ``tied`` (no single class has most votes) and
        ``consensus_leads`` (no class has more votes than the consensus).

    Raises:
        ValueError: if a label has no vote.
    """
    votes = labels[list(VOTE_COLUMNS)].to_numpy()
    fractions = vote_fractions(votes)
    leading = leading_classes(votes)
    consensus = pd.Categorical(labels["expert_consensus"], CLASS_NAMES)
    return labels.assign(
        expert_consensus=consensus,
        window=labels.groupby(["eeg_id", *VOTE_COLUMNS], sort=False).ngroup(),
        n_votes=votes.sum(axis=1),
        entropy=np.abs(vote_entropy(fractions)),
        level=_level(votes.sum(axis=1), fractions.max(axis=1)),
        tied=leading.sum(axis=1) > 1,
        consensus_leads=leading[np.arange(len(votes)), consensus.codes],
    )


def _expert_pairs(counts: np.ndarray) -> np.ndarray:
    """Joint classes of two experts of each label with two votes or more; 0 for the others.

    Labels share few distinct vote vectors, and no model is asked: any predictions serve.
    """
    table = pd.DataFrame(counts)
    which = table.groupby([*table], sort=False).ngroup().to_numpy()
    vectors = table.drop_duplicates().to_numpy()
    several = vectors.sum(axis=1) > 1
    joint = np.zeros((len(vectors), _N_CLASSES, _N_CLASSES))
    joint[several] = joint_classes(vectors[several], vectors[several])["expert-expert"]
    return joint.reshape(-1, _N_CLASSES**2)[which]


def _describe_groups(labels: pd.DataFrame) -> pd.DataFrame:
    """Counts and means over all labels, then over those of each consensus class."""
    flags = pd.get_dummies(labels["level"], dtype=float).add_suffix(" share")
    columns = ["n_votes", "entropy", "tied", *flags]
    wide = labels.join(flags)
    groups = wide.groupby("expert_consensus", observed=False)
    means = pd.concat([wide[columns].mean().to_frame("all").T, groups[columns].mean()])
    ids = ["patient_id", "eeg_id"]
    counts = pd.concat([wide[ids].nunique().to_frame("all").T, groups[ids].nunique()])
    means.insert(0, "n_labels", [len(wide), *groups.size()])
    means.insert(1, "n_eegs", counts["eeg_id"])
    means.insert(2, "n_patients", counts["patient_id"])
    means.columns = [name.replace(" ", "_") for name in means.columns]
    renamed = {"n_votes": "mean_votes", "entropy": "mean_entropy", "tied": "tied_share"}
    return means.rename(columns=renamed).rename_axis("class").reset_index()


def _score_pairs(pairs: np.ndarray, inside: np.ndarray, bootstrap: PatientBootstrap) -> dict:
    """Agreement and kappa with intervals: all classes, then each."""
    means = bootstrap.means(pairs, inside)
    marginals = pairs.reshape(-1, _N_CLASSES, _N_CLASSES).sum(axis=2) * inside[:, None]
    few = np.append(False, bootstrap.n_patients(marginals) < 2)
    n_labels = [inside.sum(), *(marginals > 0).sum(axis=0)]
    scores = {"n_pair_labels": n_labels}
    replicates = agreement_of(means.reshape(-1, _N_CLASSES, _N_CLASSES))
    for name, values in zip(("agreement", "kappa"), replicates, strict=True):
        estimate = bootstrap.estimate(hide_draws(values, few))
        scores[name], scores[f"{name}_low"], scores[f"{name}_high"] = estimate
    return scores


def tabulate_agreement(labels: pd.DataFrame, params: EdaParams) -> pd.DataFrame:
    """Summarise how far experts agree, by tier of votes and class.

    With ``c[k]`` of a label's ``n`` experts voting for class ``k``, two of them drawn at random say
    ``k`` and ``l`` with the chance ``c[k] (c[l] - [k = l]) / (n (n - 1))``. Its mean over labels
    with two votes or more is ``p[k, l]``, with the marginal sums ``a[k]``. Over all classes the
    agreement is ``A = sum p[k, k]``, by chance it is ``E = sum a[k]^2``; for class ``k`` it is
    ``p[k, k] / a[k]``, the chance that a second expert says ``k`` where a first does, and kappa is
    that of ``k`` against the rest. Kappa is ``(A - E) / (1 - E)``, that of Fleiss 1971 with labels
    counting alike however many votes they have, which between experts whose order means nothing is
    Cohen's, 1960. See ``hbac.evaluation.agreement``, also for what other studies count.

    Labels of one EEG overlap and resemble each other, so the 95 % intervals come from redrawing
    patients, 1,000 times; see ``hbac.evaluation.bootstrap``.

    Args:
        labels: see ``describe_labels``.
        params: the seed of the draws of patients.

    Returns:
        A row a ``tier`` (``VOTE_TIERS``) and ``class`` (``all``, then ``CLASS_NAMES``). Of labels
        with the class as consensus: ``n_labels``, ``n_eegs``, ``n_patients``, ``mean_votes``,
        ``mean_entropy`` (bits), ``tied_share`` and the shares of each of ``LEVELS``
        (``one_vote_share`` ...). Of pairs of experts, whatever the consensus: ``n_pair_labels``
        (labels with two votes or more, one at least for the class), ``agreement`` (0 to 1) and
        ``kappa`` (1 at most, 0 by chance), each with ``_low`` and ``_high``. NaN where not defined;
        intervals are NaN too where one patient has all.
    """
    pairs = _expert_pairs(labels[list(VOTE_COLUMNS)].to_numpy())
    bootstrap = resample_patients(labels["patient_id"].to_numpy(), seed=params.seed)
    n_votes = labels["n_votes"].to_numpy()
    tables = []
    for tier, inside in tier_rows(n_votes).items():
        table = _describe_groups(labels[inside])
        table.insert(0, "tier", tier)
        tables.append(table.assign(**_score_pairs(pairs, inside & (n_votes > 1), bootstrap)))
    return pd.concat(tables, ignore_index=True)


def _lift(sums: np.ndarray, marginal: np.ndarray) -> np.ndarray:
    """How many times as often as by chance the second of two who disagree says each class."""
    disagreeing = sums.sum(axis=1, keepdims=True) - np.diag(sums)[:, None]
    expected = divide(marginal, 1 - marginal[:, None])
    lift = divide(divide(sums, disagreeing), expected)
    np.fill_diagonal(lift, np.nan)
    return lift


def tabulate_confusion(labels: pd.DataFrame) -> pd.DataFrame:
    """Count which classes experts take for which: pairs of votes on one label.

    Args:
        labels: the six votes; labels with one vote have no pair.

    Returns:
        A row a ``class`` and ``other`` class (both of ``CLASS_NAMES``): ``share`` (of second
        experts who say ``other`` where a first says ``class``; the shares of a class sum to 1, NaN
        where none says it; labels count alike, see ``tabulate_agreement``), ``share_by_chance``
        (of all those labels' votes, ``a[l]`` there), ``lift`` (how many times as often as by chance
        those who disagree say ``other``: ``p[k, l] / (a[k] - p[k, k])`` over
        ``a[l] / (1 - a[k])``; NaN for the class itself), ``n_pairs`` (pairs of experts, each once
        a label, so several times where labels overlap) and ``n_labels`` (with such a pair).
    """
    counts = labels[list(VOTE_COLUMNS)].to_numpy(float)
    counts = counts[counts.sum(axis=1) > 1]
    sums = _expert_pairs(counts).sum(axis=0).reshape(_N_CLASSES, _N_CLASSES)
    marginal = divide(sums.sum(axis=0), sums.sum())
    pairs = counts.T @ counts - np.diag(counts.sum(axis=0))
    present = (counts > 0).astype(float)
    both = present.T @ present
    np.fill_diagonal(both, (counts > 1).sum(axis=0))
    np.fill_diagonal(pairs, np.diag(pairs) / 2)
    return pd.DataFrame(
        {
            "class": np.repeat(CLASS_NAMES, _N_CLASSES),
            "other": np.tile(CLASS_NAMES, _N_CLASSES),
            "share": divide(sums, sums.sum(axis=1, keepdims=True)).ravel(),
            "share_by_chance": np.tile(marginal, _N_CLASSES),
            "lift": _lift(sums, marginal).ravel(),
            "n_pairs": pairs.ravel().astype(int),
            "n_labels": both.ravel().astype(int),
        }
    )
