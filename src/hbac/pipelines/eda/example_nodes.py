"""One example of each class: its 10 s of EEG as they are read, and its 10-minute spectrogram."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import pandas as pd
from kedro.io import DatasetError
from matplotlib.figure import Figure

from hbac.eeg.montage import chain_differences
from hbac.eeg.quality import mains_to_remove
from hbac.eeg.recording import Recording
from hbac.eeg.regional import ROW_SECONDS, WINDOW_ROWS, regional_window
from hbac.eeg.shape import WINDOW_SECONDS
from hbac.eeg.votes import CLASS_NAMES, CLASSES, VOTE_COLUMNS
from hbac.eeg.windows import LABEL_SECONDS
from hbac.pipelines.eda.signal_nodes import central_part, read_or_none
from hbac.plots.eeg import central_seconds, eeg_traces
from hbac.plots.regional import regional_spectrograms
from hbac.plots.style import message

logger = logging.getLogger(__name__)

_PLACES = [
    *("patient_id", "eeg_id", "eeg_label_offset_seconds"),
    *("spectrogram_id", "spectrogram_label_offset_seconds"),
]

_MOST_TRIED = 20
"""Readable EEGs of a class that are looked at for one without a gap."""


def _candidates(labels: pd.DataFrame, name: str) -> pd.DataFrame:
    """Labels of a class, one an EEG, those that most agree on first."""
    votes = labels[labels["expert_consensus"] == name]
    own = votes[VOTE_COLUMNS[CLASS_NAMES.index(name)]]
    of_all = votes[list(VOTE_COLUMNS)].sum(axis=1)
    told = votes[_PLACES].assign(votes=own, n_votes=of_all, margin=2 * own - of_all)
    told.insert(0, "class", name)
    return told.sort_values("margin", ascending=False, kind="stable").drop_duplicates("eeg_id")


def _gaps(candidates: pd.DataFrame, eegs: dict[str, Callable]) -> Iterator[tuple[int, float]]:
    """Row and share missing of the 10 s, of candidates that can be read."""
    for row, candidate in enumerate(candidates.itertuples()):
        recording = read_or_none(eegs[str(candidate.eeg_id)])
        if recording is None:
            continue
        part = central_part(recording, candidate)
        if part is not None:
            yield row, float(np.isnan(chain_differences(part)).mean())


def _choose(candidates: pd.DataFrame, eegs: dict[str, Callable]) -> pd.DataFrame:
    """The first without a gap, or else that with least missing; none where none can be read."""
    best, least = slice(0), np.inf
    for row, missing in islice(_gaps(candidates, eegs), _MOST_TRIED):
        if missing < least:
            best, least = [row], missing
        if missing == 0:
            break
    return candidates.iloc[best]


def choose_examples(labels: pd.DataFrame, eegs: dict[str, Callable[[], Recording]]) -> pd.DataFrame:
    """Choose the label of each class that is shown as its example.

    It is the one with most votes for its class, less those against it, whose EEG can be read and
    holds all of the 10 s that the label speaks of; the first of the table in a tie. Where the EEG
    of none is whole, it is the one with least missing among the first 20 that can be read.

    Args:
        labels: the columns of ``train.csv``.
        eegs: load functions of EEG files, by id; a label without a file is never chosen.

    Returns:
        A row a class, in class order: ``class``, ``patient_id``, ``eeg_id``,
        ``eeg_label_offset_seconds``, ``spectrogram_id``, ``spectrogram_label_offset_seconds``,
        ``votes`` (for the class) and ``n_votes``. A class without an example has no row.
    """
    with_file = labels[labels["eeg_id"].astype(str).isin(eegs)]
    chosen = [_choose(_candidates(with_file, name), eegs) for name in CLASS_NAMES]
    return pd.concat(chosen, ignore_index=True).drop(columns="margin")


def _describe(example: pd.Series) -> str:
    return f"{example['class']} ({example['votes']} of n = {example['n_votes']} votes)"


def _plot_eeg(example: pd.Series, eegs: dict[str, Callable[[], Recording]]) -> Figure:
    key, offset = str(example["eeg_id"]), float(example["eeg_label_offset_seconds"])
    recording = eegs[key]()
    start, end = (offset + second for second in central_seconds(WINDOW_SECONDS, LABEL_SECONDS))
    notch = mains_to_remove(recording.crop(start, LABEL_SECONDS))
    title = f"{_describe(example)}: EEG {key}, {start:g} to {end:g} s"
    return eeg_traces(recording, start=start, seconds=LABEL_SECONDS, notch=notch, title=title)


def _ten_minutes(
    example: pd.Series, spectrograms: dict[str, Callable[[], np.ndarray]]
) -> np.ndarray | str:
    """Power of an example's 10 minutes, or in words why there is none."""
    key, offset = str(example["spectrogram_id"]), example["spectrogram_label_offset_seconds"]
    if key not in spectrograms:
        return f"EEG {example['eeg_id']} has no spectrogram (spectrogram_id {key}, n = 0)"
    try:
        return regional_window(spectrograms[key](), offset)
    except (DatasetError, ValueError) as error:
        logger.error("Spectrogram %s is left out: %s", key, error)
        return f"no 10 minutes from second {offset:g} of spectrogram {key} can be read (n = 0)"


def _plot_spectrogram(
    example: pd.Series, spectrograms: dict[str, Callable[[], np.ndarray]]
) -> Figure:
    key, power = example["spectrogram_id"], _ten_minutes(example, spectrograms)
    if isinstance(power, str):
        return message(f"{_describe(example)}: {power}")
    start = int(example["spectrogram_label_offset_seconds"] // ROW_SECONDS) * ROW_SECONDS
    end = start + ROW_SECONDS * len(power)
    title = f"{_describe(example)}: spectrogram {key}, {start} to {end} s, n = {len(power)} rows"
    left, right = central_seconds(WINDOW_ROWS * ROW_SECONDS, WINDOW_SECONDS)
    marked = (start + left, start + right)
    caption = (
        f"Dashed: the {WINDOW_SECONDS}-s EEG window, of whose central {LABEL_SECONDS} s the label "
        f"speaks. A row every {ROW_SECONDS} s; gray: missing."
    )
    return regional_spectrograms(
        power, title=title, start_seconds=start, marked=marked, caption=caption
    )


def _plot_each(
    examples: pd.DataFrame, plot: Callable[[pd.Series, dict], Figure], files: dict[str, Callable]
) -> dict[str, Figure]:
    """Draw each class's example; in words where a class has none."""
    figures = {}
    for key, name in zip(CLASSES, CLASS_NAMES, strict=True):
        rows = examples[examples["class"] == name]
        nothing = f"No label of {name} has an EEG that can be read: no example (n = 0)"
        figures[key] = message(nothing) if rows.empty else plot(rows.iloc[0], files)
    return figures


def plot_example_eegs(
    examples: pd.DataFrame, eegs: dict[str, Callable[[], Recording]]
) -> dict[str, Figure]:
    """Show the 10 s of which each example's label speaks as one page of EEG.

    Mains hum is taken out where it hides EEG; see ``hbac.eeg.quality.mains_to_remove``.

    Args:
        examples: a row a class; see ``choose_examples``.
        eegs: load functions of EEG files, by id.

    Returns:
        By class (``hbac.eeg.votes.CLASSES``), see ``hbac.plots.eeg.eeg_traces``; seconds count from
        the file's start. Where a class has no example, a figure that says so.
    """
    return _plot_each(examples, _plot_eeg, eegs)


def plot_example_spectrograms(
    examples: pd.DataFrame, spectrograms: dict[str, Callable[[], np.ndarray]]
) -> dict[str, Figure]:
    """Show each example's 10-minute regional spectrograms, with its 50-s EEG window marked.

    Args:
        examples: a row a class; see ``choose_examples``.
        spectrograms: load functions of spectrogram files, by id.

    Returns:
        By class (``hbac.eeg.votes.CLASSES``), see ``hbac.plots.regional.regional_spectrograms``;
        seconds count from the file's start. Where a class has no example or the example no
        spectrogram, a figure that says so.
    """
    return _plot_each(examples, _plot_spectrogram, spectrograms)
