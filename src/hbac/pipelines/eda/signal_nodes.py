"""What the EEG and its spectrograms hold: nodes that read recordings."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import pandas as pd
from kedro.io import DatasetError
from matplotlib.figure import Figure

from hbac.eeg.recording import CHANNELS, Recording
from hbac.eeg.regional import ROW_SECONDS, WINDOW_ROWS
from hbac.eeg.spectrogram import WINDOW_SECONDS
from hbac.eeg.votes import VOTE_COLUMNS
from hbac.pipelines.eda.params import EdaParams
from hbac.plots.eeg import LABEL_SECONDS, central_seconds, eeg_traces
from hbac.plots.missing import missing_data
from hbac.plots.regional import regional_spectrograms
from hbac.plots.style import message

logger = logging.getLogger(__name__)


def _read(load: Callable[[], Recording]) -> Recording | None:
    """Read an EEG; None where that fails, and an error says why."""
    try:
        return load()
    except DatasetError as error:
        logger.error("An EEG is left out: %s", error)
        return None


def measure_missing_data(
    eegs: dict[str, Callable[[], Recording]], params: EdaParams
) -> pd.DataFrame:
    """Measure what share of each channel is missing, in a random sample of EEGs.

    Args:
        eegs: load functions of EEG files, by id.
        params: the sample's size and seed.

    Returns:
        A row an EEG (index ``eeg_id``, sorted) and a column a channel: share of samples that are
        NaN; 1 for a channel that the EEG lacks. An EEG that cannot be read is left out, and an
        error says so.
    """
    size = min(params.sample_size, len(eegs))
    sample = np.random.default_rng(params.seed).choice(sorted(eegs), size, replace=False)
    shares = {}
    for key in sorted(sample):
        recording = _read(eegs[key])
        if recording is not None:
            missing = np.isnan(recording.data).mean(axis=1)
            shares[key] = dict(zip(recording.channels, missing, strict=True))
    table = pd.DataFrame.from_dict(shares, orient="index", columns=list(CHANNELS), dtype=float)
    return table.fillna(1.0).rename_axis("eeg_id")


def tabulate_missing_data(shares: pd.DataFrame) -> pd.DataFrame:
    """Summarise by channel what is missing.

    Args:
        shares: a row an EEG, a column a channel; see ``measure_missing_data``.

    Returns:
        A row a channel: ``channel``, ``n_eegs`` (EEGs in the sample), ``mean_share``,
        ``worst_share`` (0 to 1), ``eegs_with_gaps`` and ``eegs_without_channel`` (counts).
    """
    return pd.DataFrame(
        {
            "n_eegs": len(shares),
            "mean_share": shares.mean(),
            "worst_share": shares.max(),
            "eegs_with_gaps": (shares > 0).sum(),
            "eegs_without_channel": (shares == 1).sum(),
        }
    ).reset_index(names="channel")


def plot_missing_data(shares: pd.DataFrame, eegs: dict[str, Callable[[], Recording]]) -> Figure:
    """Show what is missing, by channel and by EEG; see ``hbac.plots.missing.missing_data``."""
    return missing_data(shares, n_eegs=len(eegs))


def choose_example(
    labels: pd.DataFrame, eegs: dict[str, Callable[[], Recording]], params: EdaParams
) -> pd.DataFrame:
    """Choose the label that is shown as an example.

    Args:
        labels: the columns of ``train.csv``.
        eegs: load functions of EEG files, by id; a label without a file is never chosen.
        params: the EEG wanted, or ``None`` for any.

    Returns:
        The one row with most votes for a single class, the first of the table in a tie, whose EEG
        can be read.

    Raises:
        ValueError: if no label is left to choose from.
    """
    wanted = params.example_eeg_id
    candidates = labels[labels["eeg_id"].astype(str).isin(eegs)]
    if wanted is not None:
        candidates = candidates[candidates["eeg_id"] == wanted]
    agreed = candidates[list(VOTE_COLUMNS)].max(axis=1).to_numpy()
    for row in np.argsort(-agreed, kind="stable"):
        example = candidates.iloc[[row]].reset_index(drop=True)
        if _read(eegs[str(example["eeg_id"].iloc[0])]) is not None:
            return example
    which = "any EEG" if wanted is None else f"example_eeg_id {wanted}"
    raise ValueError(f"a label and a readable EEG file are needed for {which}, received none")


def _describe(label: pd.Series) -> str:
    votes = label[list(VOTE_COLUMNS)].astype(int)
    return f"{label['expert_consensus']} ({votes.max()} of n = {votes.sum()} votes)"


def plot_example_eeg(example: pd.DataFrame, eegs: dict[str, Callable[[], Recording]]) -> Figure:
    """Show the example's 50-s EEG window as traces, with the 10 s of its label marked.

    Args:
        example: one row of the table of labels.
        eegs: load functions of EEG files, by id.

    Returns:
        See ``hbac.plots.eeg.eeg_traces``; seconds count from the file's start.
    """
    label = example.iloc[0]
    key, offset = str(label["eeg_id"]), float(label["eeg_label_offset_seconds"])
    recording = eegs[key]()
    missing = np.isnan(recording.crop(offset, WINDOW_SECONDS).data).mean()
    title = (
        f"EEG {key} from {offset:g} s: {_describe(label)}, {missing:.0%} of samples missing "
        f"(shaded: the label's {LABEL_SECONDS} s)"
    )
    first, last = central_seconds(WINDOW_SECONDS, LABEL_SECONDS)
    marked = (offset + first, offset + last)
    return eeg_traces(recording, start=offset, seconds=WINDOW_SECONDS, title=title, marked=marked)


def plot_example_spectrogram(
    example: pd.DataFrame, spectrograms: dict[str, Callable[[], np.ndarray]]
) -> Figure:
    """Show the example's 10-minute regional spectrograms, with its 50-s EEG window marked.

    Args:
        example: one row of the table of labels.
        spectrograms: load functions of spectrogram files, by id.

    Returns:
        See ``hbac.plots.regional.regional_spectrograms``; seconds count from the file's start.
        Where there is no spectrogram, a figure that says so.
    """
    label = example.iloc[0]
    key, offset = str(label["spectrogram_id"]), float(label["spectrogram_label_offset_seconds"])
    if key not in spectrograms:
        return message(f"EEG {label['eeg_id']} has no spectrogram (spectrogram_id {key}, n = 0)")
    first = round(offset / ROW_SECONDS)
    power = spectrograms[key]()[first : first + WINDOW_ROWS]
    title = (
        f"Spectrogram {key} from {offset:g} s: {_describe(label)}, n = {len(power)} rows "
        f"(dashed: the {WINDOW_SECONDS}-s EEG window)"
    )
    start = first * ROW_SECONDS
    left, right = central_seconds(WINDOW_ROWS * ROW_SECONDS, WINDOW_SECONDS)
    marked = (start + left, start + right)
    return regional_spectrograms(power, title=title, start_seconds=start, marked=marked)
