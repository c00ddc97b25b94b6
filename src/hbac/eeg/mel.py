"""Mel power of EEG below 20 Hz, to float32's precision, faster than by a Fourier transform.

librosa defines it. Of the transform's 513 bins only 103 count, and those of a window of 128
samples, padded to 1024, are a product with 103 windowed cosines and 103 sines. Below 20 Hz a window
of 0.64 s tells little more than 2 x 20 x 0.64 numbers: to float32's precision either matrix has
rank 19, and two thin factors do its work at an eighth of the cost, the first on frames that are
folded about their middle. All of a channel is done in one piece of memory, which stays in the
processor's cache.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import NamedTuple

import librosa
import numba
import numpy as np

FLOOR = np.float32(1e-10)
"""Power below which there is none."""

_LINE_BYTES = 64
"""Bytes of a line of the processor's cache, and of its widest vectors."""


def _count_bins(sampling_rate: float, n_fft: int, max_frequency: float) -> int:
    """Count the transform's bins below a frequency; two or more."""
    return max(min(int(np.ceil(max_frequency / sampling_rate * n_fft)), n_fft // 2 + 1), 2)


def _mel_weights(
    sampling_rate: float, n_fft: int, n_mels: int, max_frequency: float
) -> tuple[np.ndarray, np.ndarray]:
    """The mel filters of librosa without most of their zeros.

    Returns:
        The weights of each band's bins, ``(n_mels, bins)``, two or more and as many as the widest
        band has, and the first bin of each, ``(n_mels,)``.
    """
    with warnings.catch_warnings():
        # With a shorter transform than 1024 points, bands may be narrower than its bins.
        warnings.filterwarnings("ignore", "Empty filters detected", UserWarning)
        filters = librosa.filters.mel(
            sr=sampling_rate, n_fft=n_fft, n_mels=n_mels, fmin=0, fmax=max_frequency
        )
    used = filters > 0
    widest = max(used.sum(axis=1).max(), 2)
    last = _count_bins(sampling_rate, n_fft, max_frequency) - widest
    first = np.minimum(used.argmax(axis=1), last)
    return np.take_along_axis(filters, first[:, np.newaxis] + np.arange(widest), axis=1), first


def _fourier_factors(n_bins: int, n_fft: int, win_length: int) -> tuple[np.ndarray, np.ndarray]:
    """Windowed cosines and windowed sines of folded frames, ``(2, n_bins, half)``, as products.

    The phase counts from the window's middle: of the transform only the power is used. Cosines are
    even about it and sines odd, and so half of a frame's samples, ``win_length // 2``, are enough
    of either, once those of the other half are added to them or taken from them.

    Returns:
        Shapes ``(2, n_bins, rank)`` and ``(2, rank, half)``, float32, with zeros up to multiples of
        four, which ``_multiply`` takes.
    """
    samples = np.arange(win_length // 2) + win_length % 2 / 2
    angles = 2 * np.pi / n_fft * np.outer(np.arange(n_bins), samples)
    window = librosa.filters.get_window("hann", win_length)[-len(samples) :].copy()
    window[samples == 0] /= 2  # The sample in the middle is its own mirror image.
    basis = np.stack([np.cos(angles), np.sin(angles)]) * window
    left, scales, right = np.linalg.svd(basis, full_matrices=False)
    rank = int((scales > np.finfo(np.float32).eps * scales.max()).sum(axis=1).max())
    factors = (left * scales[:, np.newaxis])[..., :rank], right[:, :rank]
    return tuple(_in_fours(factor.astype(np.float32)) for factor in factors)


def _in_fours(matrices: np.ndarray) -> np.ndarray:
    """Add rows and columns of zeros up to multiples of four, shape ``(n, rows, columns)``."""
    return np.pad(matrices, [(0, 0), *((0, -length % 4) for length in matrices.shape[1:])])


def _aligned(*shape: int) -> np.ndarray:
    """Room for single precision that begins where a line of the processor's cache does.

    Vectors that lie across two lines take twice as long to read.
    """
    size, of_a_line = int(np.prod(shape)), _LINE_BYTES // 4
    memory = np.empty(size + of_a_line, np.float32)
    first = -(memory.ctypes.data // 4) % of_a_line
    return memory[first : first + size].reshape(shape)


class MelTransform(NamedTuple):
    """What makes mel powers of frames.

    Attributes:
        left: bins of parts, ``(2, bins, rank)``: cosines, then sines.
        right: parts of folded frames, ``(2, rank, half)``.
        weights: of each mel band's bins, ``(n_mels, widest)``.
        first: first bin of each band, ``(n_mels,)``.
        hop_length: samples from one frame to the next.
        win_length: samples of a frame.
        padding: samples of the first frame that lie before the first sample.
    """

    left: np.ndarray
    right: np.ndarray
    weights: np.ndarray
    first: np.ndarray
    hop_length: int
    win_length: int
    padding: int


@lru_cache
def mel_transform(
    *,
    sampling_rate: float,
    n_fft: int,
    win_length: int,
    n_mels: int,
    max_frequency: float,
    hop_length: int,
) -> MelTransform:
    """Prepare for librosa's ``melspectrogram``: centred frames, Hann window, Slaney's scale.

    Args:
        sampling_rate: samples a second.
        n_fft: length of the zero-padded transform, in samples.
        win_length: length of the window, in samples.
        n_mels: number of bands from 0 Hz on.
        max_frequency: upper edge of the highest, in Hz.
        hop_length: samples from one frame to the next.
    """
    n_bins = _count_bins(sampling_rate, n_fft, max_frequency)
    left, right = _fourier_factors(n_bins, n_fft, win_length)
    weights, first = _mel_weights(sampling_rate, n_fft, n_mels, max_frequency)
    padding = n_fft // 2 - (n_fft - win_length) // 2
    return MelTransform(left, right, weights, first, hop_length, win_length, padding)


class Workspace(NamedTuple):
    """What lies between a channel's samples and its mel bands, the same memory for all channels.

    Rows run along the frames, in whole lines of the cache.

    Attributes:
        phases: samples, ``(hop_length, hops)``: those of a row lie a hop apart.
        folded: sums and differences of each frame's two halves, ``(2, half, frames)``.
        parts: these, as ``right`` has them, ``(2, rank, frames)``.
        spectrum: cosines and sines, ``(2, bins, frames)``.
        power: of mel bands, ``(n_mels, frames)``.
        loudest: power of each frame's loudest band, ``(frames,)``.
    """

    phases: np.ndarray
    folded: np.ndarray
    parts: np.ndarray
    spectrum: np.ndarray
    power: np.ndarray
    loudest: np.ndarray

    @classmethod
    def of(cls, transform: MelTransform, n_frames: int) -> Workspace:
        """Make one for so many frames."""
        _, n_bins, rank = transform.left.shape
        n_frames += -n_frames % (_LINE_BYTES // 4)
        hops = n_frames + transform.win_length // transform.hop_length + 1
        return cls(
            np.empty((transform.hop_length, hops), np.float32),
            _aligned(2, transform.right.shape[2], n_frames),
            _aligned(2, rank, n_frames),
            _aligned(2, n_bins, n_frames),
            _aligned(len(transform.weights), n_frames),
            _aligned(n_frames),
        )


@numba.njit(cache=True)
def _spread(signal, padding, phases):
    """Lay a channel out so that samples of one place in their frames stand beside each other.

    Unsigned where all samples are there: Numba looks whether an index that could be negative is.
    """
    hop_length, hops = phases.shape
    for hop in range(hops):
        start = hop * hop_length - padding
        first, last = max(0, -start), min(hop_length, len(signal) - start)
        if first == 0 and last == hop_length:
            begin = np.uint64(start)
            for phase in range(np.uint64(hop_length)):
                phases[phase, hop] = signal[begin + phase]
        else:
            phases[:, hop] = 0
            for phase in range(first, last):
                phases[phase, hop] = signal[start + phase]


@numba.njit(cache=True)
def _fold_frames(phases, win_length, folded):
    """Sums and differences of each frame's two halves about its middle."""
    hop_length = len(phases)
    for k in range(folded.shape[1]):
        after, before = (win_length + 1) // 2 + k, win_length // 2 - k
        late = phases[after % hop_length, after // hop_length :]
        early = phases[before % hop_length, before // hop_length :]
        for frame in range(folded.shape[2]):
            folded[0, k, frame] = late[frame] + early[frame]
            folded[1, k, frame] = late[frame] - early[frame]


@numba.njit(cache=True)
def _four(row, first):
    return row[first], row[first + 1], row[first + 2], row[first + 3]


@numba.njit(cache=True, fastmath={"contract"})
def _multiply(left, right, product):
    """Multiply two small matrices, four rows and four columns of the left at once.

    So a vector of the right is read once for four of the product's rows. BLAS is as fast where it
    takes the processor's widest vectors and half as fast where it doesn't, and its bits differ.
    """
    product[:] = 0
    for i in range(0, left.shape[0], 4):
        for k in range(0, left.shape[1], 4):
            a0, a1, a2, a3 = _four(left[i], k)
            b0, b1, b2, b3 = _four(left[i + 1], k)
            c0, c1, c2, c3 = _four(left[i + 2], k)
            d0, d1, d2, d3 = _four(left[i + 3], k)
            for j in range(product.shape[1]):
                w, x, y, z = right[k, j], right[k + 1, j], right[k + 2, j], right[k + 3, j]
                product[i, j] += a0 * w + a1 * x + a2 * y + a3 * z
                product[i + 1, j] += b0 * w + b1 * x + b2 * y + b3 * z
                product[i + 2, j] += c0 * w + c1 * x + c2 * y + c3 * z
                product[i + 3, j] += d0 * w + d1 * x + d2 * y + d3 * z


@numba.njit(cache=True)
def _mel_power(spectrum, weights, first, power, loudest):
    """Weigh the power of cosines and sines by the mel filters, and find each frame's loudest band.

    What ``spectrum`` held is lost.
    """
    n_mels, n_frames = power.shape
    for fourier in range(spectrum.shape[1]):
        for frame in range(n_frames):
            cosine, sine = spectrum[0, fourier, frame], spectrum[1, fourier, frame]
            spectrum[0, fourier, frame] = cosine * cosine + sine * sine
    loudest[:] = 0
    for band in range(n_mels):
        bins, weight, of_band = spectrum[0, first[band] :], weights[band], power[band]
        for frame in range(n_frames):
            of_band[frame] = weight[0] * bins[0, frame] + weight[1] * bins[1, frame]
        for k in range(2, len(weight)):
            for frame in range(n_frames):
                of_band[frame] += weight[k] * bins[k, frame]
        for frame in range(n_frames):
            loudest[frame] = max(loudest[frame], of_band[frame])


@numba.njit(cache=True)
def _loudest_there(loudest, live):
    top = FLOOR
    for frame in range(len(live)):
        if live[frame]:
            top = max(top, loudest[frame])
    return top


@numba.njit(cache=True)
def _multiply_clipped(power, live, top, lowest, product):
    """Multiply by a channel's live frames, as shares of its top, clipped at both ends.

    No power is below the floor.
    """
    one = np.float32(1)
    scale = one / top
    lowest = max(lowest, FLOOR * scale)
    for band in range(product.shape[0]):
        for frame in range(product.shape[1]):
            share = min(max(power[band, frame] * scale, lowest), one)
            product[band, frame] *= share if live[frame] else one


@numba.njit(cache=True)
def multiply_shares(signals, live, transform, fixed_top, lowest, workspace, product):
    """Multiply by channels' mel powers, as shares of their tops, clipped at both ends.

    Args:
        signals: float32, ``(channels, samples)``, no NaN.
        live: which of their frames are there, ``(channels, frames)``; a channel without power is
            taken out.
        transform: see ``mel_transform``.
        fixed_top: power that is 1, or 0 where that is the power of each channel's loudest band.
        lowest: least share.
        workspace: for as many frames.
        product: of what was there before, ``(n_mels, frames)``, or of the first of the frames.
    """
    for channel in range(len(signals)):
        _spread(signals[channel], transform.padding, workspace.phases)
        _fold_frames(workspace.phases, transform.win_length, workspace.folded)
        for parity in range(2):
            folded, parts = workspace.folded[parity], workspace.parts[parity]
            _multiply(transform.right[parity], folded, parts)
            _multiply(transform.left[parity], parts, workspace.spectrum[parity])
        _mel_power(
            workspace.spectrum,
            transform.weights,
            transform.first,
            workspace.power,
            workspace.loudest,
        )
        top = fixed_top if fixed_top > 0 else _loudest_there(workspace.loudest, live[channel])
        if top <= FLOOR:
            live[channel] = False
        _multiply_clipped(workspace.power, live[channel], top, lowest, product)
