"""Length of an EEG window, and shape of its spectrograms; known without what makes these."""

from typing import Literal

WINDOW_SECONDS = 50
"""Length of an EEG window; a label speaks of its central 10 s."""

CENTRE_SECONDS = 10.24
"""Length of the window's centre, of which the label speaks: 256 frames of 40 ms."""

N_MELS = 128
N_FRAMES = 256
MAX_FREQUENCY = 20.0

Channels = Literal["chains", "all"]
"""``chains``: the mean over each chain's four channels; ``all``: each of the 16 by itself."""

AS_FIRST: dict[str, str] = {"kind": "mel", "channels": "chains", "montage": "bipolar"}
"""What panels were before there was a choice."""
