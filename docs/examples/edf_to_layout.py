"""EDF recordings of any ICU, laid out as the project reads them.

  python docs/examples/edf_to_layout.py EDF_DIR RAW_DIR                       for inference
  python docs/examples/edf_to_layout.py EDF_DIR RAW_DIR --labels labels.csv   with experts' votes

Each row of test.csv or train.csv gets the (up to) ten minutes of EEG around its moment: without
labels, the middle of every ten minutes of a recording. test_recordings.csv, or
train_recordings.csv, tells which recording and which seconds an eeg_id is.
"""

from __future__ import annotations

import argparse
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd

from hbac.datasets import EEGDataset, LabelsDataset
from hbac.eeg.recording import CHANNELS, ELECTRODES, SAMPLING_RATE, Recording
from hbac.eeg.votes import CLASS_NAMES, VOTE_COLUMNS
from hbac.eeg.windows import NO_SPECTROGRAM

logger = logging.getLogger(__name__)

STRETCH_SECONDS = 600
"""As much as the ten-minute spectrogram needs, which is computed from the EEG."""

WINDOW_SECONDS = 50
"""As much as a label needs, half of it on either side of its moment."""

MOST_MICROVOLTS = 20_000
"""Typical deviation of a channel from its median beyond which its unit can't be right."""

OTHER_NAMES = {"T7": "T3", "T8": "T4", "P7": "T5", "P8": "T6", "ECG": "EKG"}
"""Names of today for those of the competition's files."""

_CHANNEL_OF = {name.upper(): OTHER_NAMES.get(name, name) for name in (*CHANNELS, *OTHER_NAMES)}

LABEL_COLUMNS = ("file", "patient_id", "seconds", *VOTE_COLUMNS)
"""Of labels.csv: the recording's path in EDF_DIR, the middle of the ten seconds that were voted
on, in seconds of the recording, and the votes."""


def channel_name(label: str) -> str | None:
    """Read a label such as ``EEG Fp1-REF`` or ``T7``; None if it is none of our channels.

    A bipolar label such as ``Fp1-F7`` is none of them: what one electrode saw is lost in it.
    """
    label = re.sub(r"^(EEG|ECG|EKG|POL)\s+", "", label.strip(), flags=re.IGNORECASE)
    electrode, _, reference = (part.strip().upper() for part in label.partition("-"))
    return None if reference in _CHANNEL_OF else _CHANNEL_OF.get(electrode)


def find_channels(path: Path, labels: list[str]) -> dict[str, str]:
    """Find our channels among the labels of a file.

    Returns:
        Labels by channel; the EKG may be absent.

    Raises:
        ValueError: if an electrode is missing or there twice; the message names file and channel.
    """
    found: dict[str, str] = {}
    for label in labels:
        name = channel_name(label)
        if name in found:
            raise ValueError(f"{path}: both {found[name]!r} and {label!r} are {name}")
        if name:
            found[name] = label
    missing = [name for name in ELECTRODES if name not in found]
    if missing:
        raise ValueError(f"{path} lacks the channels {', '.join(missing)}; it has {labels}")
    return found


def open_edf(path: Path) -> mne.io.BaseRaw:
    """Open an EDF file without reading its samples.

    Raises:
        ValueError: if it is no EDF file or shorter than 50 s; the message names the file.
    """
    try:
        raw = mne.io.read_raw_edf(path, verbose="error")
    # mne raises whatever a broken header happens to cause.
    except Exception as error:
        raise ValueError(f"{path} can't be read as EDF: {error}") from error
    if raw.duration < WINDOW_SECONDS:
        raise ValueError(f"{path} must last {WINDOW_SECONDS} s or more, it has {raw.duration:g} s")
    return raw


def read_stretch(path: Path, start: float) -> Recording:
    """Read up to ten minutes, whole seconds, from second ``start``, in microvolts at 200 Hz.

    Raises:
        ValueError: if a channel is missing, or its values can't be microvolts.
    """
    raw = open_edf(path)
    rate, found = raw.info["sfreq"], find_channels(path, raw.ch_names)
    seconds = min(int(raw.duration - start), STRETCH_SECONDS)
    first, last = round(start * rate), round((start + seconds) * rate)
    # mne gives volts, whatever the file's unit.
    microvolts = 1e6 * raw.get_data(list(found.values()), first, last)
    deviations = np.median(np.abs(microvolts - np.median(microvolts, axis=1)[:, None]), axis=1)
    if deviations.max() > MOST_MICROVOLTS:
        label = list(found.values())[deviations.argmax()]
        raise ValueError(
            f"{path}: channel {label!r} deviates by {deviations.max():g} microvolts; does the file "
            "state the right unit?"
        )
    if rate != SAMPLING_RATE:
        # Not by Fourier transform, which would stretch time by up to a sample.
        microvolts = mne.filter.resample(
            microvolts, up=SAMPLING_RATE, down=rate, method="polyphase", verbose="error"
        )
    data = np.full((len(CHANNELS), microvolts.shape[1]), np.nan, np.float32)
    data[[CHANNELS.index(name) for name in found]] = microvolts
    return Recording(data, CHANNELS)


def _moments(duration: int) -> Iterator[float]:
    """The middle of every ten minutes, or that of a shorter recording."""
    stretches = max(duration // STRETCH_SECONDS, 1)
    length = min(duration, STRETCH_SECONDS)
    yield from ((number + 0.5) * length for number in range(stretches))


def unlabelled_rows(edf_dir: Path) -> list[dict[str, Any]]:
    """List what to predict: every ten minutes of every recording, each of which is a patient."""
    files = sorted(path for path in edf_dir.rglob("*") if path.suffix.lower() == ".edf")
    if not files:
        raise ValueError(f"there is no .edf file in {edf_dir}")
    return [
        {"file": str(path.relative_to(edf_dir)), "patient_id": number, "seconds": moment}
        for number, path in enumerate(files, start=1)
        for moment in _moments(int(open_edf(path).duration))
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
        ValueError: if a file is broken, lacks a channel, or has no 50 s around a moment.
    """
    table = pd.DataFrame(rows)
    durations = {}
    for name in table["file"].unique():
        raw = open_edf(edf_dir / name)
        find_channels(edf_dir / name, raw.ch_names)
        durations[name] = int(raw.duration)
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
        edf_dir: folder of EDF files, in folders of any depth.
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
    parser.add_argument("edf_dir", type=Path, help="folder of EDF files")
    parser.add_argument("raw_dir", type=Path, help="where to write")
    parser.add_argument("--labels", type=Path, help=f"CSV of {', '.join(LABEL_COLUMNS)}")
    parsed = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        convert(parsed.edf_dir, parsed.raw_dir, parsed.labels)
    except ValueError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
