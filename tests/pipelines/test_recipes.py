"""What every recipe promises of its networks: that missing data are no evidence."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hbac import models
from hbac.datasets.checkpoint import CheckpointDataset
from hbac.eeg.gaps import MISSING
from hbac.eeg.votes import VOTE_COLUMNS, VOTE_COUNT_COLUMNS
from hbac.models import efficientnet_1d, inputs
from hbac.pipelines.modeling.nodes import split_folds
from hbac.pipelines.modeling.params import ModelingParams
from hbac.pipelines.modeling.training_nodes import train_fold
from tests.conftest import recipe

PRIOR = np.array([0.1, 0.1, 0.1, 0.1, 0.2, 0.4])
N = 360
CLASSES = np.random.default_rng(0).permutation(np.repeat(np.arange(6), (N * PRIOR).astype(int)))

NETWORKS = [
    ("seed", "compact"),
    ("strong", "compact"),
    ("strong", "small_efficientnet_1d"),
    ("simulation", "symmetric_1d"),
]
"""Recipes and networks that learn within seconds, trained with the recipe's own augmentation."""

EPOCHS = {"small_efficientnet_1d": 18}

TRAININGS = 3
"""What is predicted where nothing is there varies between seeds by a factor of ten."""


def parameters(name, architecture):
    base = recipe(name)["modeling"]
    changes = {
        "image": {"panel_height": 16, "panel_width": 16},
        "network": {"architecture": architecture, "weights": None, "precision": "float32"},
        "training": {
            "schedule": "cosine",
            "epochs": EPOCHS.get(architecture, 15),
            "peak_learning_rate": 5e-3,
        },
    }
    changes["network"] |= {"batch_norm_momentum": 0.9}
    changes["training"] |= {"batch_size": 16, "second_stage_votes": 0, "average_momentum": None}
    return ModelingParams(
        **base | {"n_folds": 3} | {group: base[group] | new for group, new in changes.items()}
    )


def pictures(layout):
    """Each class brightens rows of its own in the panels of the first source."""
    shown = layout.blocks()[0]
    made = np.random.default_rng(1).normal(0, 0.5, (N, *layout.size))
    for window, number in zip(made, CLASSES, strict=True):
        panels = window[:, shown].reshape(4, layout.chain_height(), -1)
        panels[:, 2 * number : 2 * number + 3] += 1.5
    return made.astype(np.float16), shown


def waveforms():
    """Each class has a rhythm of its own in all channels, for a while."""
    rng = np.random.default_rng(1)
    made, shown = rng.normal(0, 0.5, (N, 16, 256)), slice(96, 160)
    time = np.arange(256)[shown]
    for window, number in zip(made, CLASSES, strict=True):
        window[:, shown] += 2 * np.sin(2 * np.pi * (number + 1) * time / 32 + rng.uniform(0, 6))
    return made.astype(np.float16), shown


def windows():
    table = pd.DataFrame({"eeg_id": range(N), "window": 0, "patient_id": range(N)})
    votes = pd.DataFrame(np.eye(6)[CLASSES], columns=list(VOTE_COLUMNS))
    votes[list(VOTE_COUNT_COLUMNS)] = 10 * votes.astype(int)
    places = {"eeg_offset_seconds": 0.0, "spectrogram_offset_seconds": 0.0, "spectrogram_id": -1}
    return table.assign(n_votes=10, spectrogram_source="empty", **places).join(votes)


def train(params, seen, split, architecture, folder):
    network, *_ = train_fold(
        seen,
        split,
        CheckpointDataset(filepath=str(folder / f"{params.training.seed}.npz")).load(),
        params,
        architecture=architecture,
    )
    return network


def small_efficientnet_1d(waveform, weights):
    """The network of ``strong`` for the EEG itself, with a block a stage and a quarter as wide."""
    small = {
        part: [replace(stage, blocks=1, filters=stage.filters // 4) for stage in stages]
        for part, stages in efficientnet_1d._PARTS.items()
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(efficientnet_1d, "_PARTS", small)
        for name in ("_STEM_FILTERS", "_CHAIN_FILTERS", "_ALL_FILTERS", "_TOP_FILTERS"):
            patch.setattr(efficientnet_1d, name, getattr(efficientnet_1d, name) // 4)
        return efficientnet_1d.efficientnet_1d(waveform, weights)


@pytest.fixture(scope="module", autouse=True)
def small_network():
    """Names the small network as long as these tests run."""
    name = "small_efficientnet_1d"
    models.register_architecture(name, small_efficientnet_1d, sees="waveform")
    yield
    del inputs.ARCHITECTURES[name], inputs.INPUTS[name]


@pytest.fixture(scope="module", params=NETWORKS, ids="-".join)
def trained(request, tmp_path_factory):
    """Networks, windows that they have not seen, and the columns that show their class."""
    name, architecture = request.param
    params, folder = parameters(name, architecture), tmp_path_factory.mktemp(name)
    seen, shown = (
        waveforms() if "waveform" in params.network.inputs else pictures(params.image.layout)
    )
    split = split_folds(windows(), params)[0]
    seeded = (
        params.model_copy(update={"training": params.training.model_copy(update={"seed": seed})})
        for seed in range(2024, 2024 + TRAININGS)
    )
    networks = [train(each, seen, split, architecture, folder) for each in seeded]
    return networks, seen[split["held_out"].to_numpy()], shown


def away_from_prior(networks, seen):
    """Mean divergence of predictions from the prior, in nats, of the median network."""
    shares = [models.predict(network, seen, batch_size=32) for network in networks]
    shares = np.maximum(shares, 1e-7)
    return np.median((shares * np.log(shares / PRIOR)).sum(axis=2).mean(axis=1))


@pytest.mark.slow
def test_what_is_missing_moves_predictions_towards_the_prior(trained):
    networks, seen, shown = trained
    complete = away_from_prior(networks, seen)
    assert complete > 1
    channels, gap = seen.copy(), seen.copy()
    channels[:, : seen.shape[1] * 3 // 4] = MISSING
    gap[:, :, shown] = MISSING
    # Each channel that is left shows the class, to a network that looks at all of them alike.
    most = 0.9 if networks[0].name == "symmetric_1d" else 0.6
    assert away_from_prior(networks, channels) < most * complete
    assert away_from_prior(networks, gap) < 0.15 * complete
    # Of networks that were trained on complete windows it is a tenth to a half.
    assert away_from_prior(networks, np.full_like(seen, MISSING)) < 0.06 * complete
