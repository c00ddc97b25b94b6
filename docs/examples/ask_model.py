"""Ask a served model for the classes of EEG windows, or for the timeline of a recording."""

import base64
from pathlib import Path

import numpy as np
import pandas as pd
import requests


def ask(address: str, inputs: dict, **params) -> pd.DataFrame:
    """Send a request, and return the table of the answer; what is refused says why."""
    answer = requests.post(f"{address}/invocations", json={"inputs": inputs, "params": params})
    if answer.status_code != 200:
        raise ValueError(answer.json()["message"])
    return pd.DataFrame(answer.json()["predictions"])


def ask_windows(address: str, eeg: np.ndarray) -> pd.DataFrame:
    """EEG in microvolts at 200 Hz, shape (windows, 20, 10000), NaN where a sample is missing."""
    numbers = eeg.astype(float).round(2)
    return ask(address, {"eeg": np.where(np.isnan(numbers), None, numbers).tolist()})


def ask_recording(address: str, file: Path, step_seconds: int = 10) -> pd.DataFrame:
    """One recording, as EDF."""
    text = base64.b64encode(file.read_bytes()).decode()
    return ask(address, {"edf": text}, step_seconds=step_seconds)
