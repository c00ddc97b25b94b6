"""Recordings of any ICU, in any format that is read, laid out as the modelling pipelines read them.

  python docs/examples/edf_to_layout.py EDF_DIR RAW_DIR                       for inference
  python docs/examples/edf_to_layout.py EDF_DIR RAW_DIR --labels labels.csv   with experts' votes

Each row of test.csv or train.csv gets the (up to) ten minutes of EEG around its moment: without
labels, the middle of every ten minutes of a recording. test_recordings.csv, or
train_recordings.csv, tells which recording and which seconds an eeg_id is.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from kedro.io import DatasetError

from hbac.datasets import EEGDataset, LabelsDataset, RecordingsDataset
from hbac.eeg.recording import CHANNELS, Recording
from hbac.eeg.votes import CLASS_NAMES, VOTE_COLUMNS
from hbac.eeg.windows import NO_SPECTROGRAM
from hbac.formats import RecordingFile, open_recording

logger = logging.getLogger(__name__)

STRETCH_SECONDS = 600
"""As much as the ten-minute spectrogram needs, which is computed from the EEG."""

WINDOW_SECONDS = 50
"""As much as a label needs, half of it on either side of its moment."""

LABEL_COLUMNS = ("file", "patient_id", "seconds", *VOTE_COLUMNS)
"""Of labels.csv: the recording's path in EDF_DIR, the middle of the ten seconds that were voted
on, in seconds of the recording, and the votes."""


def open_file(path: Path) -> RecordingFile:
    """Open a recording that the layout can hold.

    Raises:
        ValueError: if it can't be read, is bipolar already, or shorter than 50 s; the message
            names the file.
    """
    recording = open_recording(path)
    if recording.channels != CHANNELS:
        raise ValueError(f"{path} is bipolar already, and the layout holds electrodes")
    if recording.duration < WINDOW_SECONDS:
        raise ValueError(
            f"{path} must last {WINDOW_SECONDS} s or more, it has {recording.duration:g} s"
        )
    return recording


def read_stretch(path: Path, start: float) -> Recording:
    """Read up to ten minutes, whole seconds, from second ``start``, in microvolts at 200 Hz."""
    recording = open_file(path)
    return recording.read(start, min(int(recording.duration - start), STRETCH_SECONDS))


def _moments(recording: RecordingFile) -> Iterator[float]:
    """The middle of every ten minutes, or that of a shorter recording; none in a gap."""
    duration = int(recording.duration)
    length = min(duration, STRETCH_SECONDS)
    for number in range(max(duration // STRETCH_SECONDS, 1)):
        moment = (number + 0.5) * length
        if not any(gap.start <= moment < gap.stop for gap in recording.gaps):
            yield moment


def unlabelled_rows(edf_dir: Path) -> list[dict[str, Any]]:
    """List what to predict: every ten minutes of every recording, each of which is a patient."""
    files = [loader.name for loader in RecordingsDataset(path=str(edf_dir)).load().values()]
    return [
        {"file": name, "patient_id": number, "seconds": moment}
        for number, name in enumerate(files, start=1)
        for moment in _moments(open_file(edf_dir / name))
    ]


def labelled_rows(labels: Path) -> list[dict[str, Any]]:
    """List what was labelled.

    Raises:
        ValueError: if a column is missing.
    """
    table = pd.read_csv(labels)
    missing = [name for name in LABEL_COLUMNS if name not in table]
    if missing:
        raise ValueError(f"{labels} lacks the columns {missing}")
    return table[list(LABEL_COLUMNS)].to_dict("records")


def place(rows: list[dict[str, Any]], edf_dir: Path) -> pd.DataFrame:
    """Number the rows, and say where the EEG of each one starts and where in it its window does.

    Raises:
        ValueError: if a file can't be read, or has no 50 s around a moment.
    """
    table = pd.DataFrame(rows)
    durations = {}
    for name in table["file"].unique():
        recording = open_file(edf_dir / name)
        logger.info("%s: %s", name, recording.card)
        durations[name] = int(recording.duration)
    duration = table["file"].map(durations)
    half = WINDOW_SECONDS / 2
    outside = table[(table["seconds"] < half) | (table["seconds"] > duration - half)]
    if len(outside):
        file, seconds = outside[["file", "seconds"]].iloc[0]
        raise ValueError(f"{file} has no {half:g} s of EEG on either side of second {seconds:g}")
    latest = (duration - STRETCH_SECONDS).clip(lower=0)
    start = np.minimum((table["seconds"] - STRETCH_SECONDS / 2).clip(lower=0), latest)
    offset = table["seconds"] - start - half
    return table.assign(eeg_id=range(1, len(table) + 1), start_seconds=start, offset=offset)


def label_table(table: pd.DataFrame) -> pd.DataFrame:
    """Lay rows out as test.csv, or with votes as train.csv."""
    ids = table[["eeg_id", "patient_id"]].assign(spectrogram_id=NO_SPECTROGRAM)
    if VOTE_COLUMNS[0] not in table:
        return ids
    votes = table[list(VOTE_COLUMNS)]
    return ids.assign(
        eeg_sub_id=0,
        eeg_label_offset_seconds=table["offset"],
        spectrogram_sub_id=0,
        spectrogram_label_offset_seconds=0.0,
        label_id=table["eeg_id"],
        expert_consensus=np.array(CLASS_NAMES)[votes.to_numpy().argmax(axis=1)],
    ).join(votes)


def convert(edf_dir: Path, raw_dir: Path, labels: Path | None = None) -> None:
    """Write a data set in the project's layout.

    Args:
        edf_dir: folder of recordings, in folders of any depth.
        raw_dir: where to write.
        labels: table of moments and votes, or None.

    Raises:
        ValueError: if the data set is there already, or a file can't be used.
    """
    part = "train" if labels else "test"
    target = raw_dir / f"{part}.csv"
    if target.exists():
        raise ValueError(f"{target} exists already; name another folder")
    table = place(labelled_rows(labels) if labels else unlabelled_rows(edf_dir), edf_dir)
    for row in table.itertuples():
        recording = read_stretch(edf_dir / row.file, row.start_seconds)
        EEGDataset(filepath=str(raw_dir / f"{part}_eegs" / f"{row.eeg_id}.parquet")).save(recording)
        logger.info("%s: %g s from second %g", row.file, recording.duration, row.start_seconds)
    recordings = table[["eeg_id", "file", "start_seconds", "seconds"]]
    recordings.to_csv(raw_dir / f"{part}_recordings.csv", index=False)
    # Last, so that a table never names EEGs that are not there.
    LabelsDataset(filepath=str(target), votes=bool(labels)).save(label_table(table))


def main(arguments: list[str] | None = None) -> None:
    """Run as a command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("edf_dir", type=Path, help="folder of recordings")
    parser.add_argument("raw_dir", type=Path, help="where to write")
    parser.add_argument("--labels", type=Path, help=f"CSV of {', '.join(LABEL_COLUMNS)}")
    parsed = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        convert(parsed.edf_dir, parsed.raw_dir, parsed.labels)
    except (ValueError, DatasetError) as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
