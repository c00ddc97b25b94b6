"""An ensemble of two small networks, and tables of windows for it."""

import keras
import numpy as np
import pandas as pd

from hbac import models
from hbac.eeg.votes import PREDICTION_COLUMNS, VOTE_COLUMNS, VOTE_COUNT_COLUMNS
from tests.conftest import recipe

NETWORKS = [
    {
        "name": f"fold_{fold}.compact",
        "fold": fold,
        "architecture": "compact",
        "input": "picture",
        "val_loss": 1.0 - fold / 10,
    }
    for fold in range(2)
]
ENSEMBLE = {
    "networks": NETWORKS,
    "image": recipe("seed")["modeling"]["image"] | {"panel_height": 16, "panel_width": 32},
    "spectrogram": {"wavelet": None},
    "blend": {"weights": [1.0], "bias": [0.0] * 6},
    "mirror": False,
}


def small_networks():
    """Two small networks with random weights of their own, by name, as callables."""
    made = {}
    for seed, name in enumerate(entry["name"] for entry in NETWORKS):
        keras.utils.set_random_seed(seed)
        network = models.build_model(architecture="compact", image_size=(64, 64))
        made[name] = lambda network=network: network
    return made


def predictions_table(votes, n_votes, fold):
    """Predictions of windows, all alike."""
    n = len(votes)
    frame = pd.DataFrame(
        {"eeg_id": range(10, 10 + n), "window": 0, "patient_id": range(n), "fold": fold}
    )
    votes = np.asarray(votes, float).T
    counts = np.nan_to_num(votes * n_votes).astype(int)
    return frame.assign(
        n_votes=n_votes,
        spectrogram_source="file",
        **dict(zip(VOTE_COUNT_COLUMNS, counts, strict=True)),
        **dict(zip(VOTE_COLUMNS, votes, strict=True)),
        **dict.fromkeys(PREDICTION_COLUMNS, 1 / 6),
    )


def windows_of(predictions):
    """Rows of the model's input, in another order than the predictions, as out-of-fold ones are."""
    columns = ["eeg_id", "window", *VOTE_COLUMNS, *VOTE_COUNT_COLUMNS, "n_votes"]
    return predictions.iloc[::-1][columns].assign(
        eeg_offset_seconds=0.0, patient_id=1, spectrogram_source="file"
    )
