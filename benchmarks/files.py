"""Benchmark files: the competition's layout, sizes and looks, made in milliseconds each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from hbac.eeg.recording import CHANNELS, SAMPLING_RATE
from hbac.eeg.regional import COLUMNS, FREQUENCIES, ROW_SECONDS, WINDOW_ROWS
from hbac.eeg.shape import WINDOW_SECONDS
from hbac.eeg.simulation import artefacts, discharges, patterns, scalp
from hbac.eeg.simulation.background import coloured_noise, power_law, simulate_background
from hbac.eeg.votes import CLASS_NAMES, VOTE_COLUMNS
from hbac.eeg.windows import NO_SPECTROGRAM

_FIRST_ID = 500_000_000
_SPECTROGRAMS_PER_PATIENT = 6
_MEAN_LABELS_OF_LONG_EEG = 11


def tiny_array() -> np.ndarray:
    """Return the smallest partition that there is; worker processes find it by its name."""
    return np.zeros(1)


def make_ids(n: int, seed: int = 0) -> list[int]:
    """Return ``n`` increasing ids of nine or ten digits, like the competition's."""
    steps = np.random.default_rng(seed).integers(1, 100_000, n)
    return (_FIRST_ID + np.cumsum(steps)).tolist()


def _discharges(random: np.random.Generator, samples: int) -> np.ndarray:
    """Periodic discharges over one side, shape ``(19, samples)``, microvolts."""
    focus = str(random.choice(scalp.LEFT_FOCI + scalp.RIGHT_FOCI))
    field = scalp.lateralised_field(focus, width=0.6, contralateral=0.2)
    return patterns.simulate_periodic_discharges(
        random,
        np.ones(samples),
        frequency=random.uniform(0.6, 2.2),
        jitter=0.1,
        phases=discharges.BIPHASIC,
        field=random.uniform(40, 120) * field,
    )


def make_eeg(seconds: int, seed: int) -> pd.DataFrame:
    """Make one EEG: background, alpha, a common reference, mains, pops; discharges in every other.

    Args:
        seconds: its length.
        seed: an even one adds periodic discharges.

    Returns:
        Microvolts in steps of 0.01, as an amplifier's digitised values are; a row a sample at
        200 Hz, a column a channel of ``hbac.eeg.CHANNELS``, float32.
    """
    random = np.random.default_rng(seed)
    samples = seconds * SAMPLING_RATE
    eeg = np.empty((len(CHANNELS), samples), np.float32)
    eeg[:-1] = simulate_background(
        random,
        samples,
        exponent=1.6,
        amplitude=random.uniform(6, 20),
        slowing=random.uniform(0.2, 1),
        posterior=8.0,
        posterior_frequency=random.uniform(7, 11),
    )
    eeg[:-1] += artefacts.simulate_pops(random, samples, per_minute=2)
    if seed % 2 == 0:
        eeg[:-1] += _discharges(random, samples)
    eeg[-1] = 600 * artefacts.simulate_heartbeats(random, samples, rate=random.uniform(60, 110))
    eeg += coloured_noise(random, power_law(exponent=1, rms=8), shape=(1, samples))
    eeg += artefacts.simulate_mains(
        random, samples, frequency=60, amplitude=1, channels=len(CHANNELS)
    )
    return pd.DataFrame(np.round(eeg, 2).T, columns=list(CHANNELS))


def make_spectrogram(rows: int, seed: int) -> pd.DataFrame:
    """Make one regional spectrogram: log-normal power that falls with frequency, some rows missing.

    Args:
        rows: its length, a row every 2 s.
        seed: of everything in it.

    Returns:
        ``time`` in seconds, int64, and 400 columns of power in microvolts squared a hertz in steps
        of 0.01, float32, in the order of ``hbac.eeg.regional.COLUMNS``.
    """
    random = np.random.default_rng(seed)
    slow = 0.2 * np.cumsum(random.standard_normal((rows, 1), np.float32), axis=0)
    noise = 0.6 * random.standard_normal((rows, len(COLUMNS)), np.float32)
    mean = np.tile(2.5 - 1.6 * np.log(FREQUENCIES), len(COLUMNS) // len(FREQUENCIES))
    power = np.round(np.exp(mean.astype(np.float32) + np.tanh(slow) + noise), 2)
    power[random.random(rows) < 0.01] = np.nan
    table = pd.DataFrame(power, columns=list(COLUMNS))
    table.insert(0, "time", 1 + ROW_SECONDS * np.arange(rows))
    return table


def write_eegs(
    folder: Path, ids: Sequence[int], seconds: int | Sequence[int] = WINDOW_SECONDS, seed: int = 0
) -> None:
    """Write EEG files ``ID.parquet`` as pandas does by default: snappy and dictionaries.

    Args:
        folder: made where it is not there.
        ids: an id a file.
        seconds: length of all files, or of each.
        seed: of everything in them.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    lengths = np.broadcast_to(seconds, len(ids)).tolist()
    for place, (eeg_id, length) in enumerate(zip(ids, lengths, strict=True)):
        make_eeg(length, seed + place).to_parquet(Path(folder, f"{eeg_id}.parquet"))


def write_spectrograms(
    folder: Path, ids: Sequence[int], rows: int = WINDOW_ROWS, seed: int = 0
) -> None:
    """Write spectrogram files ``ID.parquet`` as pandas does by default: snappy and dictionaries.

    Args:
        folder: made where it is not there.
        ids: an id a file.
        rows: rows of each, 300 or more; a row every 2 s.
        seed: of everything in them.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    for place, spectrogram_id in enumerate(ids):
        path = Path(folder, f"{spectrogram_id}.parquet")
        make_spectrogram(rows, seed + place).to_parquet(path)


def _owners(n_eegs: int, spectrogram_ids: Sequence[int]) -> pd.DataFrame:
    """The recording and the patient of each EEG: several EEGs a recording, and so a patient."""
    recordings = np.arange(n_eegs) % max(len(spectrogram_ids), 1)
    spectrograms = np.array(spectrogram_ids or [NO_SPECTROGRAM], np.int64)
    return pd.DataFrame(
        {
            "spectrogram_id": spectrograms[recordings],
            "patient_id": 1 + recordings // _SPECTROGRAMS_PER_PATIENT,
        }
    )


def _offsets(random: np.random.Generator, lengths: np.ndarray) -> pd.DataFrame:
    """Even offsets in seconds of each EEG's labels: at its start, at its end, and in between."""
    spare = lengths - WINDOW_SECONDS
    n_labels = np.where(spare > 0, 2 + random.poisson(_MEAN_LABELS_OF_LONG_EEG - 2, len(spare)), 1)
    place = np.repeat(np.arange(len(lengths)), n_labels)
    part = random.random(len(place))
    ends = np.cumsum(n_labels) - 1
    part[ends] = 1
    part[ends - n_labels + 1] = 0
    offsets = pd.DataFrame({"place": place, "offset": 2 * np.round(part * spare[place] / 2)})
    return offsets.sort_values(["place", "offset"], ignore_index=True)


def _votes(random: np.random.Generator, patients: np.ndarray) -> pd.DataFrame:
    """Votes of 3 to 20 experts a label, who disagree more in some labels than in others."""
    n_classes = len(CLASS_NAMES)
    agreement = random.uniform(0, 0.8, (len(patients), 1))
    chances = (1 - agreement) / n_classes + agreement * np.eye(n_classes)[patients % n_classes]
    counts = random.multinomial(random.integers(3, 21, len(patients)), chances)
    votes = pd.DataFrame(counts, columns=list(VOTE_COLUMNS))
    votes.insert(0, "expert_consensus", np.array(CLASS_NAMES)[counts.argmax(axis=1)])
    return votes


def make_labels(
    eeg_ids: Sequence[int],
    spectrogram_ids: Sequence[int],
    *,
    eeg_seconds: int | Sequence[int] = WINDOW_SECONDS,
    spectrogram_rows: int = WINDOW_ROWS,
    seed: int = 0,
) -> pd.DataFrame:
    """Make the label table: a label for an EEG of 50 s, several overlapping ones for a longer one.

    Args:
        eeg_ids: an id an EEG.
        spectrogram_ids: an id a spectrogram, shared by several EEGs where there are fewer; none
            where no EEG has one.
        eeg_seconds: length of all EEGs, or of each.
        spectrogram_rows: rows of every spectrogram; no label reaches past its end.
        seed: of offsets and votes.

    Returns:
        A row a label, with the columns of the competition's ``train.csv``.
    """
    random = np.random.default_rng(seed)
    lengths = np.broadcast_to(eeg_seconds, len(eeg_ids))
    offsets = _offsets(random, lengths)
    place, offset = offsets["place"].to_numpy(), offsets["offset"].to_numpy()
    owners = _owners(len(eeg_ids), spectrogram_ids).iloc[place].reset_index(drop=True)
    last = ROW_SECONDS * (spectrogram_rows - WINDOW_ROWS)
    sub_ids = offsets.groupby("place").cumcount()
    labels = {
        "eeg_id": np.array(eeg_ids)[place],
        "eeg_sub_id": sub_ids,
        "eeg_label_offset_seconds": offset,
        "spectrogram_id": owners["spectrogram_id"],
        "spectrogram_sub_id": sub_ids,
        "spectrogram_label_offset_seconds": np.minimum(offset, last),
        "label_id": 1 + np.arange(len(place)),
        "patient_id": owners["patient_id"],
    }
    return pd.DataFrame(labels).join(_votes(random, owners["patient_id"].to_numpy()))


def write_labels(
    path: Path, eeg_ids: Sequence[int], spectrogram_ids: Sequence[int], **settings
) -> None:
    """Write the table of ``make_labels`` as ``train.csv``; ``settings`` are those of it."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    make_labels(eeg_ids, spectrogram_ids, **settings).to_csv(path, index=False)
