"""The 10-minute regional spectrograms, recovered from EEG by multitaper power."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import scipy

from hbac.eeg.gaps import bridge_gaps, live_differences, live_frames, on_live_stretches
from hbac.eeg.montage import CHAINS, chain_channels
from hbac.eeg.recording import SAMPLING_RATE, Recording
from hbac.eeg.spectra import mean_of_known

ROW_SECONDS = 2
"""Time between two rows of a regional spectrogram."""

WINDOW_ROWS = 300
"""Rows of the 10-minute window that belongs to a label."""

N_FREQUENCIES = 100
FREQUENCIES = np.arange(3, 3 + N_FREQUENCIES) * 200 / 1024
"""Centre of each frequency bin in Hz: 0.586 to 19.92."""

COLUMNS = tuple(
    f"{chain}_{np.floor(frequency * 100 + 0.5) / 100:g}"
    for chain in CHAINS
    for frequency in FREQUENCIES
)
"""Names of the 400 power columns of a spectrogram file, in its order; 3.125 Hz is ``3.13``."""

_WIDEST_SPAN = 1.5
"""Rows that a file may span, for each that it holds."""

_TAPER_SECONDS = 4
_TIME_HALF_BANDWIDTH = 2
_N_TAPERS = 3
_N_FFT = 1024
_PASS_BAND = (0.5, 40.0)


def _taper_windows(signals: np.ndarray, rows: int, sampling_rate: float) -> np.ndarray:
    """View of the 4-s windows centred on seconds 1, 3, 5 ..., shape (..., rows, samples)."""
    length = round(_TAPER_SECONDS * sampling_rate)
    step = round(ROW_SECONDS * sampling_rate)
    margin = (length - step) // 2
    padded = np.pad(signals, [(0, 0)] * (signals.ndim - 1) + [(margin, margin)], mode="reflect")
    return np.lib.stride_tricks.sliding_window_view(padded, length, axis=-1)[..., ::step, :][
        ..., :rows, :
    ]


def _multitaper_power(windows: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Mean power over the tapers in the 100 bins, shape (..., rows, 100)."""
    tapers = scipy.signal.windows.dpss(windows.shape[-1], _TIME_HALF_BANDWIDTH, _N_TAPERS)
    power = np.zeros((*windows.shape[:-1], N_FREQUENCIES), np.float32)
    for taper in tapers.astype(np.float32):
        spectrum = scipy.fft.rfft(windows * taper, _N_FFT)[..., 3 : 3 + N_FREQUENCIES]
        power += spectrum.real**2 + spectrum.imag**2
    return power / (sampling_rate * _N_TAPERS)


def _chain_power(channels: np.ndarray, rows: int, sampling_rate: float) -> np.ndarray:
    """Mean power of the channels that are there, shape (rows, 100); NaN where none is."""
    power = _multitaper_power(
        _taper_windows(bridge_gaps(channels), rows, sampling_rate), sampling_rate
    )
    length, step = (round(s * sampling_rate) for s in (_TAPER_SECONDS, ROW_SECONDS))
    starts = np.arange(rows) * step - (length - step) // 2
    power[~live_frames(~np.isnan(channels), starts, length)] = np.nan
    return mean_of_known(power, axis=0).astype(np.float32)


def regional_spectrogram(recording: Recording) -> np.ndarray:
    """Compute the power spectrogram of each chain as the competition's files hold it.

    Each bipolar channel is band-passed 0.5-40 Hz (Butterworth of order 4, zero phase). Multitaper
    power (Thomson, "Spectrum estimation and harmonic analysis", Proc. IEEE 70, 1982) with 4-s
    windows, a 2-s step, time-half-bandwidth 2, 3 Slepian tapers and a 1024-point transform is
    averaged over the chain's four channels. Row ``k`` is centred on second ``2 k + 1``; windows
    that reach past an end are filled by reflection. What lies between two gaps is filtered as if
    it were alone, and a channel's row is missing where more than half of its window is; the mean
    is over those that are there. See ``hbac.eeg.gaps``.

    Args:
        recording: EEG of at least 4 s at 200 Hz, NaN where missing.

    Returns:
        Power in microvolts squared a hertz, shape ``(seconds // 2, 400)``, float32, columns as
        ``COLUMNS``; NaN in rows that none of a chain's channels has.

    Raises:
        ValueError: if the sampling rate is not 200 Hz, the recording is shorter than 4 s, or an
            electrode is missing.
    """
    if recording.sampling_rate != 200:
        raise ValueError(f"sampling_rate must be 200 Hz, received {recording.sampling_rate}")
    if recording.duration < _TAPER_SECONDS:
        raise ValueError(f"at least {_TAPER_SECONDS} s are needed, received {recording.duration}")
    rate, rows = recording.sampling_rate, int(recording.duration // ROW_SECONDS)
    band_pass = scipy.signal.butter(4, _PASS_BAND, "bandpass", fs=rate, output="sos")
    filtered = on_live_stretches(
        live_differences(recording),
        partial(scipy.signal.sosfiltfilt, band_pass),
        sampling_rate=rate,
    ).astype(np.float32, copy=False)
    return np.concatenate([_chain_power(chain, rows, rate) for chain in filtered], axis=1)


def long_regional_spectrogram(
    recording: Any, *, chunk_seconds: int = 3600, margin_seconds: int = 20
) -> np.ndarray:
    """Compute the regional spectrogram of a recording of any length, chunk by chunk.

    Each chunk is read with a margin on either side, within which the band-pass settles: its
    slowest part falls to a millionth in 12 s. So the rows are those of ``regional_spectrogram``
    of the whole, but for the first and last rows of a gap longer than the margin, where what
    bridges it differs.

    Args:
        recording: anything with ``duration``, ``channels`` and ``read(start, seconds, channels)``;
            see ``hbac.formats.RecordingFile``.
        chunk_seconds: seconds of each chunk, an even number.
        margin_seconds: seconds read before and after it, an even number.

    Returns:
        As ``regional_spectrogram``.

    Raises:
        ValueError: as ``regional_spectrogram``.
    """
    rows = int(recording.duration // ROW_SECONDS)
    end = round(recording.duration * SAMPLING_RATE) / SAMPLING_RATE
    power = np.full((rows, len(COLUMNS)), np.nan, np.float32)
    for start in range(0, rows * ROW_SECONDS, chunk_seconds):
        begin = max(start - margin_seconds, 0)
        stop = min(start + chunk_seconds + margin_seconds, end)
        chunk = recording.read(begin, stop - begin, chain_channels(recording))
        made = regional_spectrogram(chunk)[(start - begin) // ROW_SECONDS :]
        part = power[start // ROW_SECONDS :][: chunk_seconds // ROW_SECONDS]
        part[:] = made[: len(part)]
    return power


def _check_times(time: np.ndarray, rows: np.ndarray) -> None:
    """Refuse times that do not say which row is which."""
    known = np.isfinite(time) & (time >= 0)
    if not known.all():
        raise ValueError(f"time must be at least 0 s in every row, received {time[~known][0]:g}")
    ordered = np.sort(rows)
    again = np.flatnonzero(np.diff(ordered) == 0)
    if len(again):
        second = ROW_SECONDS * ordered[again[0]] + 1
        raise ValueError(f"time must rise by {ROW_SECONDS} s a row; second {second:g} has two rows")
    if len(rows) and (ordered[0] >= WINDOW_ROWS or ordered[-1] >= _WIDEST_SPAN * len(rows)):
        raise ValueError(
            f"time must count from the start of the file, {ROW_SECONDS} s a row; {len(rows)} rows "
            f"from {time.min():g} to {time.max():g} s leave too many open"
        )


def rows_by_time(power: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Put each row of a regional spectrogram in the place of its time.

    Args:
        power: shape ``(rows, 400)``, in any order.
        time: the middle of each row in seconds from the file's start, shape ``(rows,)``.

    Returns:
        Shape ``(last row, 400)``, C-contiguous: row ``k`` is that of second ``2 k + 1``, NaN where
        there is none.

    Raises:
        ValueError: if a time is missing or negative; two rows have the same; the first is 10
            minutes or more from the start; or over a third of the rows are missing. Other units,
            other steps and counts that ran over are found by these.
    """
    rows = time // ROW_SECONDS
    if np.array_equal(rows, np.arange(len(power))):
        return np.ascontiguousarray(power)
    _check_times(time, rows)
    placed = np.full((int(rows.max(initial=-1)) + 1, power.shape[1]), np.nan, power.dtype)
    placed[rows.astype(int)] = power
    return placed


def holds_regional_window(n_rows: int, offset: float) -> bool:
    """Whether a regional spectrogram holds the 10 minutes from ``offset`` seconds.

    They may end a row past its end, as some of the competition's do; NaN is the middle.
    """
    return bool(np.isnan(offset)) or 0 <= offset // ROW_SECONDS <= n_rows - WINDOW_ROWS + 1


def regional_window(power: np.ndarray, offset: float) -> np.ndarray:
    """Cut the 10-minute window that starts ``offset`` seconds into a regional spectrogram.

    Args:
        power: shape ``(rows, 400)``, at least 300 rows.
        offset: start in seconds, NaN for the middle; a window that would end a row past the end
            is moved back by it.

    Returns:
        Shape ``(300, 400)``, a view.

    Raises:
        ValueError: if the window starts before the spectrogram or ends past it.
    """
    if not holds_regional_window(len(power), offset):
        raise ValueError(
            f"a spectrogram of {ROW_SECONDS * len(power)} s does not hold 10 minutes from second "
            f"{offset:g}"
        )
    last = len(power) - WINDOW_ROWS
    start = last // 2 if np.isnan(offset) else min(int(offset // ROW_SECONDS), last)
    return power[start : start + WINDOW_ROWS]


def covers_regional_window(duration: float, centre: float) -> bool:
    """Whether ``duration`` seconds of EEG hold the 10 minutes around second ``centre``."""
    half = WINDOW_ROWS * ROW_SECONDS / 2
    return half <= centre <= duration - half


def regional_window_from_eeg(recording: Recording, centre: float) -> np.ndarray:
    """Compute the 10-minute regional spectrogram centred on second ``centre`` of a recording.

    Returns:
        Power, shape ``(300, 400)``, float32.

    Raises:
        ValueError: if the recording does not hold the 10 minutes.
    """
    seconds = WINDOW_ROWS * ROW_SECONDS
    return regional_spectrogram(recording.crop(centre - seconds / 2, seconds))
