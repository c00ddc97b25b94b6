"""The domain: recordings, montage, denoising, spectrograms, votes, windows and simulation.

Plain NumPy, SciPy and pandas; no framework. Shapes are ``(channels, samples)``, amplitudes
microvolts, times seconds, frequencies Hz, and chains always come in the order LL, RL, LP, RP.
"""

from hbac.eeg.band_power import band_powers
from hbac.eeg.montage import CHAINS, chain_differences
from hbac.eeg.recording import CHANNELS, ELECTRODES, SAMPLING_RATE, Recording
from hbac.eeg.regional import regional_spectrogram
from hbac.eeg.spectrogram import chain_spectrograms, log_mel_spectrogram
from hbac.eeg.time_frequency import window_spectrograms
from hbac.eeg.votes import CLASS_NAMES, CLASSES
from hbac.eeg.waveform import bipolar_waveforms

__all__ = [
    "CHAINS",
    "CHANNELS",
    "CLASSES",
    "CLASS_NAMES",
    "ELECTRODES",
    "SAMPLING_RATE",
    "Recording",
    "band_powers",
    "bipolar_waveforms",
    "chain_differences",
    "chain_spectrograms",
    "log_mel_spectrogram",
    "regional_spectrogram",
    "window_spectrograms",
]
