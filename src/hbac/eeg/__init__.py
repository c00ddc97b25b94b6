"""The domain: recordings, montage, denoising, spectrograms, votes, windows and simulation.

Plain NumPy, SciPy and pandas; no framework. Shapes are ``(channels, samples)``, amplitudes
microvolts, times seconds, frequencies Hz, and chains always come in the order LL, RL, LP, RP.

Names load on first use, since few of them need compiled code.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "band_power": ["band_powers"],
        "half": ["to_half"],
        "montage": ["CHAINS", "chain_differences"],
        "recording": ["CHANNELS", "ELECTRODES", "SAMPLING_RATE", "Recording"],
        "regional": ["regional_spectrogram"],
        "spectrogram": ["chain_spectrograms", "log_mel_spectrogram"],
        "time_frequency": ["window_spectrograms"],
        "votes": ["CLASSES", "CLASS_NAMES"],
        "waveform": ["bipolar_waveforms"],
    },
)
