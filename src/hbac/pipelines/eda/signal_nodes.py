"""What a sample of the recordings holds: gaps, amplitude, hum and spectra, each read once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from kedro.io import DatasetError
from matplotlib.figure import Figure

from hbac.eeg.band_power import BANDS
from hbac.eeg.montage import CHAINS
from hbac.eeg.quality import MAINS, MEASURES, channel_quality
from hbac.eeg.recording import CHANNELS, Recording
from hbac.eeg.shape import WINDOW_SECONDS
from hbac.eeg.spectra import chain_spectra
from hbac.eeg.votes import CLASS_NAMES
from hbac.eeg.windows import LABEL_SECONDS
from hbac.pipelines.eda.params import EdaParams
from hbac.pipelines.eda.statistics import tidy
from hbac.plots.eeg import central_seconds
from hbac.plots.missing import missing_data
from hbac.plots.quality import quality_by_channel

logger = logging.getLogger(__name__)

SPECTRUM_BAND = (0.5, 70.0)
"""Lowest and highest frequency of the spectra, in Hz: those that a clinical EEG shows."""

_CHAIN_OF_WINDOW = ["class", "patient_id", "eeg_id", "chain"]
_NO_SPECTRA = pd.DataFrame(index=pd.MultiIndex.from_arrays([[]] * 4, names=_CHAIN_OF_WINDOW))
_NO_QUALITY = pd.DataFrame(columns=list(MEASURES), index=pd.Index([], name="channel"), dtype=float)
_SPECTRUM = ["class", "chain", "frequency_hz"]
_QUARTILES = {"q25_db": 0.25, "median_db": 0.5, "q75_db": 0.75}

_MAIN_MEASURES = (
    ("amplitude_uv", "median", "uV"),
    ("flat_share", "mean", "1"),
    ("extreme_share", "mean", "1"),
    ("clipped_share", "mean", "1"),
    ("hum_db", "median", "dB"),
)
"""Measures of quality among the statistics, how they are summed up over EEGs, and their units."""


def read_or_none(load: Callable[[], Recording]) -> Recording | None:
    """Read an EEG; None where that fails, and an error says why."""
    try:
        return load()
    except DatasetError as error:
        logger.error("An EEG is left out: %s", error)
        return None


def central_part(recording: Recording, label: Any) -> Recording | None:
    """Cut the 10 s of which a label speaks; None where the file ends before, and an error says so.

    Args:
        recording: a whole file.
        label: its ``eeg_id``, and its ``eeg_label_offset_seconds``: where the 50-s window starts.
    """
    start, end = central_seconds(WINDOW_SECONDS, LABEL_SECONDS)
    try:
        return recording.crop(label.eeg_label_offset_seconds + start, end - start)
    except ValueError as error:
        logger.error(
            "A label of EEG %s, eeg_label_offset_seconds %g, is left out: %s",
            *(label.eeg_id, label.eeg_label_offset_seconds, error),
        )
        return None


def _draw_windows(labels: pd.DataFrame, sample: set[str], params: EdaParams) -> pd.DataFrame:
    """Draw labels of each class at random, one a patient at most, of sampled EEGs if possible."""
    drawn = labels.sample(frac=1, random_state=params.seed)
    is_sampled = drawn["eeg_id"].astype(str).isin(sample)
    drawn = drawn.iloc[np.argsort(~is_sampled, kind="stable")]
    drawn = drawn.drop_duplicates(["expert_consensus", "patient_id"])
    return drawn.groupby("expert_consensus").head(params.windows_per_class)


def _quality_of(recording: Recording) -> pd.DataFrame:
    """Quality of every channel that a recording should have."""
    quality = channel_quality(recording).reindex(pd.Index(CHANNELS, name="channel"))
    return quality.fillna({"missing_share": 1.0})


def _spectra_of(recording: Recording, windows: pd.DataFrame) -> list[pd.DataFrame]:
    """Spectra of the central 10 s of a recording's windows, a table a window."""
    tables = []
    for window in windows.itertuples():
        part = central_part(recording, window)
        if part is not None:
            frequencies, density = chain_spectra(part, band=SPECTRUM_BAND)
            place = [[window.expert_consensus], [window.patient_id], [window.eeg_id]]
            index = pd.MultiIndex.from_product([*place, list(CHAINS)], names=_CHAIN_OF_WINDOW)
            tables.append(pd.DataFrame(density, index, columns=frequencies))
    return tables


def measure_eegs(
    labels: pd.DataFrame, eegs: dict[str, Callable[[], Recording]], params: EdaParams
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure the quality of a random sample of EEGs, and the spectra of windows of each class.

    Each EEG is read once, one at a time. Windows come from the sampled EEGs first; where those hold
    too few of a class, from others drawn at random, whose quality does not count. One that cannot
    be read is left out, and an error says so.

    Args:
        labels: the columns of ``train.csv``.
        eegs: load functions of EEG files, by id.
        params: how many EEGs, how many windows a class, and the seed.

    Returns:
        Quality: a row an EEG and channel of ``CHANNELS``, ``eeg_id``, ``channel`` and
        ``hbac.eeg.quality.MEASURES``; a channel that the EEG lacks is missing throughout.
        Spectra: a row a window and chain (index ``class``, ``patient_id``, ``eeg_id``, ``chain``),
        of the central 10 s of the window, in microvolts squared a hertz; a column a frequency in
        Hz; see ``hbac.eeg.spectra.chain_spectra``. No patient has two windows of one class.
    """
    size = min(params.sample_size, len(eegs))
    sample = set(np.random.default_rng(params.seed).choice(sorted(eegs), size, replace=False))
    with_file = labels[labels["eeg_id"].astype(str).isin(eegs)]
    windows = _draw_windows(with_file, sample, params)
    keys = windows["eeg_id"].astype(str)
    quality, spectra = {}, []
    for key in sorted(sample | set(keys)):
        recording = read_or_none(eegs[key])
        if recording is not None:
            spectra += _spectra_of(recording, windows[keys == key])
            if key in sample:
                quality[key] = _quality_of(recording)
    measured = quality or {"": _NO_QUALITY}
    return pd.concat(measured, names=["eeg_id"]).reset_index(), pd.concat(spectra or [_NO_SPECTRA])


def _missing_shares(quality: pd.DataFrame) -> pd.DataFrame:
    """A row an EEG, a column a channel."""
    shares = quality.pivot_table(index="eeg_id", columns="channel", values="missing_share")
    return shares.reindex(columns=list(CHANNELS)).astype(float)


def tabulate_missing_data(quality: pd.DataFrame) -> pd.DataFrame:
    """Summarise by channel what is missing.

    Args:
        quality: a row an EEG and channel; see ``measure_eegs``.

    Returns:
        A row a channel: ``channel``, ``n_eegs`` (EEGs in the sample), ``mean_share``,
        ``worst_share`` (0 to 1), ``eegs_with_gaps`` and ``eegs_without_channel`` (counts).
    """
    shares = _missing_shares(quality)
    return pd.DataFrame(
        {
            "n_eegs": len(shares),
            "mean_share": shares.mean(),
            "worst_share": shares.max(),
            "eegs_with_gaps": (shares > 0).sum(),
            "eegs_without_channel": (shares == 1).sum(),
        }
    ).reset_index(names="channel")


def plot_missing_data(quality: pd.DataFrame, eegs: dict[str, Callable[[], Recording]]) -> Figure:
    """Show what is missing, by channel and by EEG; see ``hbac.plots.missing.missing_data``."""
    return missing_data(_missing_shares(quality), n_eegs=len(eegs))


def _mains_of(quality: pd.DataFrame) -> int:
    """The mains frequency where the sample was recorded: hum, or a notch, stands out there."""
    distances = [quality[f"hum_{mains}_db"].astype(float).abs().mean() for mains in MAINS]
    return MAINS[int(np.argmax(np.nan_to_num(distances)))]


def tabulate_quality(quality: pd.DataFrame) -> pd.DataFrame:
    """Summarise the quality of each channel over the EEGs that have it.

    Args:
        quality: a row an EEG and channel; see ``measure_eegs``.

    Returns:
        A row a channel: ``channel``, ``n_eegs`` (with a sample of it), ``mains_hz`` (50 or 60, the
        same throughout: where hum or a notch stands out more), and ``_q25``, ``_median``, ``_q75``
        and ``_mean`` over EEGs of ``amplitude_uv``, ``flat_share``, ``extreme_share``,
        ``clipped_share`` and ``hum_db`` (at ``mains_hz``); see ``hbac.eeg.quality``.
    """
    mains = _mains_of(quality)
    measured = quality.rename(columns={f"hum_{mains}_db": "hum_db"})
    channels = measured.astype({"channel": pd.CategoricalDtype(list(CHANNELS))}).groupby(
        "channel", observed=False
    )
    table = pd.DataFrame({"n_eegs": channels["amplitude_uv"].count(), "mains_hz": mains})
    for name in ("amplitude_uv", "flat_share", "extreme_share", "clipped_share", "hum_db"):
        values = channels[name]
        for quantile, suffix in ((0.25, "q25"), (0.5, "median"), (0.75, "q75")):
            table[f"{name}_{suffix}"] = values.quantile(quantile).astype(float)
        table[f"{name}_mean"] = values.mean().astype(float)
    return table.reset_index().astype({"channel": str})


def plot_quality(table: pd.DataFrame, eegs: dict[str, Callable[[], Recording]]) -> Figure:
    """Show the quality by channel; see ``hbac.plots.quality.quality_by_channel``."""
    return quality_by_channel(table, n_eegs=len(eegs))


def tabulate_spectra(spectra: pd.DataFrame) -> pd.DataFrame:
    """Summarise the spectra of each class and chain over windows.

    Args:
        spectra: a row a window and chain; see ``measure_eegs``.

    Returns:
        A row a class, chain and frequency: ``class``, ``chain``, ``frequency_hz``, ``mean_db``,
        ``q25_db``, ``median_db``, ``q75_db`` (over windows, of 10 log10 of microvolts squared a
        hertz) and ``n_windows`` (with data in that chain, each of another patient). A class or
        chain without a window has no row.
    """
    if spectra.empty:
        return pd.DataFrame(columns=[*_SPECTRUM, "mean_db", *_QUARTILES, "n_windows"])
    groups = (10 * np.log10(spectra.where(spectra > 0))).groupby(["class", "chain"])
    summaries = {name: groups.quantile(share) for name, share in _QUARTILES.items()}
    summaries = {"mean_db": groups.mean(), **summaries, "n_windows": groups.count()}
    orders = [[*CLASS_NAMES], [*CHAINS]]
    rows = [pair for pair in product(*orders) if pair in groups.indices]
    table = pd.DataFrame(
        [(*row, hertz) for row in rows for hertz in spectra.columns], columns=_SPECTRUM
    ).assign(**{name: summary.loc[rows].to_numpy().ravel() for name, summary in summaries.items()})
    return table[table["n_windows"] > 0].reset_index(drop=True)


def _describe_channels(missing: pd.DataFrame, quality: pd.DataFrame) -> list[pd.DataFrame]:
    missing, quality = missing.set_index("channel"), quality.set_index("channel")
    mains = quality["mains_hz"].iloc[0]
    told = [
        ("missing_share", missing["mean_share"], "1", missing["n_eegs"], "mean over EEGs"),
        *(
            (name, quality[f"{name}_{summary}"], unit, quality["n_eegs"], f"{summary} over EEGs")
            for name, summary, unit in _MAIN_MEASURES
        ),
    ]
    meanings = MEASURES | {"hum_db": MEASURES[f"hum_{mains}_db"]}
    tables = []
    for name, values, unit, n, summary in told:
        meaning = f"{meanings[name]}; {summary}"
        tables.append(
            tidy(name, values, unit=unit, n=n, n_of="EEGs", by="channel", meaning=meaning)
        )
    return tables


def _describe_bands(spectra: pd.DataFrame) -> list[pd.DataFrame]:
    """Power by class in each clinical band."""
    about = {"unit": "dB re 1 uV^2/Hz", "n_of": "patients", "by": "class"}
    n = spectra.groupby("class", sort=False)["n_windows"].max()
    tables = []
    for band, (low, high) in BANDS.items():
        inside = (spectra["frequency_hz"] >= low) & (spectra["frequency_hz"] < high)
        levels = spectra[inside].groupby("class", sort=False)["mean_db"].mean()
        meaning = (
            f"power density from {low:g} to {high:g} Hz; mean of dB over frequencies, chains and "
            "windows, one a patient"
        )
        tables.append(tidy(f"{band}_power", levels, n=n, meaning=meaning, **about))
    return tables


def describe_signals(
    missing: pd.DataFrame, quality: pd.DataFrame, spectra: pd.DataFrame
) -> pd.DataFrame:
    """Gather the main numbers on recordings in one tidy table.

    Args:
        missing: see ``tabulate_missing_data``.
        quality: see ``tabulate_quality``.
        spectra: see ``tabulate_spectra``.

    Returns:
        See ``hbac.pipelines.eda.statistics.tidy``: by channel what is missing, amplitude, flat and
        extreme seconds, clipped samples and hum; by class the power in the bands of
        ``hbac.eeg.band_power``.
    """
    n_eegs = int(missing["n_eegs"].iloc[0])
    sampled = tidy(
        "sampled_eegs", n_eegs, unit="count", n=n_eegs, n_of="EEGs",
        meaning="EEGs drawn at random and read",
    )  # fmt: skip
    mains = tidy(
        "mains_frequency", quality["mains_hz"].iloc[0], unit="Hz", n=n_eegs, n_of="EEGs",
        meaning="of 50 and 60 Hz, where hum or a notch stands out more",
    )  # fmt: skip
    tables = [sampled, mains, *_describe_channels(missing, quality), *_describe_bands(spectra)]
    return pd.concat(tables, ignore_index=True)
