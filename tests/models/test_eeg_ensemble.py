"""EEG in, six shares out: the numbers that ``inference`` gives."""

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest

from hbac.eeg import CHANNELS, Recording
from hbac.eeg.simulation import plan_cohort
from hbac.eeg.votes import PREDICTION_COLUMNS
from hbac.eeg.windows import select_windows
from hbac.models.eeg_ensemble import EEGEnsemble
from hbac.models.layouts import lay_out_members
from hbac.models.preprocessing import picture_layout
from hbac.models.reference import describe_pictures
from hbac.pipelines.inference.nodes import (
    assemble_inference_input,
    assemble_inference_waveforms,
    assemble_other_inputs,
    predict_with_ensemble,
)
from hbac.pipelines.inference.params import InferenceParams
from hbac.pipelines.modeling.params import ModelingParams
from hbac.pipelines.simulation.nodes import simulate_train_eegs
from hbac.pipelines.spectrogram.nodes import compute_eeg_spectrograms
from hbac.pipelines.spectrogram.params import SpectrogramParams
from hbac.shipped import pretrained_dir
from tests.conftest import recipe
from tests.pipelines import ensembles

SHIPPED = json.loads((pretrained_dir() / "ensemble.json").read_text())
SPECTROGRAM = SpectrogramParams(**recipe("seed")["spectrogram"])


def shipped_networks():
    import keras

    return {
        one["name"]: lambda name=one["name"]: keras.models.load_model(
            pretrained_dir() / f"{name}.keras", compile=False
        )
        for one in SHIPPED["networks"]
    }


@pytest.fixture(scope="module")
def shipped():
    return EEGEnsemble(SHIPPED, shipped_networks())


@pytest.fixture(scope="module")
def of_pictures():
    """An ensemble of two small networks that see pictures alone."""
    modeling = recipe("seed")["modeling"]
    image = modeling["image"] | {"panel_height": 16, "panel_width": 32}
    layout = ModelingParams(**modeling | {"image": image}).image.layout
    record = ensembles.ENSEMBLE | {
        "spectrogram": SPECTROGRAM.model_dump(mode="json", exclude={"policy", "dtype"}),
        "reference": {"picture": describe_pictures(layout, SPECTROGRAM.settings)},
    }
    return EEGEnsemble(record, ensembles.small_networks())


@pytest.fixture(scope="module")
def of_members(shipped, of_pictures):
    """The same of pictures, others of larger ones made from other spectrograms, and the shipped."""
    cleaned = SPECTROGRAM.model_copy(update={"wavelet": None, "band_pass": (0.5, 20.0)})
    larger = of_pictures.record | {
        "image": of_pictures.record["image"] | {"sources": ["eeg"], "panel_width": 64},
        "spectrogram": cleaned.model_dump(mode="json", exclude={"policy", "dtype"}),
    }
    layout = picture_layout(larger)
    larger["reference"] = {"picture": describe_pictures(layout, cleaned.settings)}
    waveforms = SHIPPED | {"networks": SHIPPED["networks"][:2]}
    records = {"a": of_pictures.record, "b": larger, "c": waveforms}
    about = {name: {key: one[key] for key in ("blend", "mirror")} for name, one in records.items()}
    blend = {"pool": "linear", "weights": [0.2, 0.3, 0.5], "bias": [0.0] * 6}
    record = lay_out_members(records) | {"members": about, "blend": blend}
    loaders = {"a": of_pictures.networks, "b": of_pictures.networks, "c": shipped.networks}
    networks = {
        f"{member}.{name}": load
        for member, named in loaders.items()
        for name, load in named.items()
    }
    return EEGEnsemble(record, networks)


@pytest.fixture(scope="module")
def eegs():
    """Four simulated windows of 50 s; of one an electrode is missing, of another a stretch."""
    parameters = recipe("simulation")["pretraining_parameters"]["simulation"]
    cohort = plan_cohort(**parameters | {"seed": 5, "patients": 6, "schematic": 0.0})
    loaders = list(simulate_train_eegs(cohort.sessions).values())[:4]
    windows = np.stack([load().data for load in loaders])
    windows[1, CHANNELS.index("T3")] = np.nan
    windows[2, :, 3000:5300] = np.nan
    return windows


def _load(window, *, channels=CHANNELS):
    return Recording(window, CHANNELS).pick(channels)


def _computed(tasks):
    return {name: partial(lambda value: value, load()) for name, load in tasks.items()}


def inferred(ensemble, eegs):
    """What the nodes of ``inference`` make of the same windows."""
    files = {str(number): partial(_load, window) for number, window in enumerate(eegs)}
    labels = pd.DataFrame({"eeg_id": range(len(eegs)), "patient_id": 1, "spectrogram_id": -1})
    windows = select_windows(labels, policy="per_eeg").assign(spectrogram_source="empty")
    seen = (
        assemble_inference_input(
            windows,
            files,
            {},
            _computed(compute_eeg_spectrograms(files, windows, SPECTROGRAM)),
            ensemble.record,
            SPECTROGRAM,
        ),
        assemble_inference_waveforms(windows, files, ensemble.record),
    )
    others = assemble_other_inputs(windows, files, {}, ensemble.record)
    predicted = predict_with_ensemble(
        *(np.stack([load() for load in tasks.values()] or [[]]) for tasks in seen),
        windows,
        ensemble.networks,
        ensemble.record,
        InferenceParams(batch_size=4),
        {name: np.stack([load() for load in tasks.values()]) for name, tasks in others.items()},
    )
    return predicted[list(PREDICTION_COLUMNS)].to_numpy()


@pytest.mark.parametrize("name", ["shipped", "of_pictures", "of_members"])
def test_windows_get_the_numbers_of_inference(name, eegs, request):
    ensemble = request.getfixturevalue(name)
    predicted = ensemble.predict_windows(eegs)
    assert predicted.std(axis=0).max() > 1e-4
    np.testing.assert_allclose(predicted, inferred(ensemble, eegs), atol=1e-6)
    np.testing.assert_allclose(ensemble.predict_windows(eegs[:1]), predicted[:1], atol=1e-6)


def test_members_that_see_other_pictures_are_each_shown_their_own(of_members, of_pictures, eegs):
    assert of_members.kinds == ("picture", "picture_2", "waveform")
    two_folds = SHIPPED | {"networks": SHIPPED["networks"][:2]}
    other = of_members.record["layouts"]["picture_2"]
    apart = [
        of_pictures.predict_windows(eegs),
        EEGEnsemble(of_pictures.record | other, of_pictures.networks).predict_windows(eegs),
        EEGEnsemble(two_folds, shipped_networks()).predict_windows(eegs),
    ]
    assert np.abs(apart[1] - apart[0]).max() > 1e-4
    expected = np.tensordot([0.2, 0.3, 0.5], apart, axes=1)
    np.testing.assert_allclose(of_members.predict_windows(eegs), expected, atol=1e-6)


class OneWindow:
    """A recording of 50 s, with nothing around it."""

    duration, channels = 50.0, CHANNELS

    def __init__(self, eeg):
        self._padded = np.pad(eeg, ((0, 0), (20000, 20000)), constant_values=np.nan)

    def read(self, start, seconds, channels=CHANNELS):
        first = round(200 * start) + 20000
        part = self._padded[:, first : first + round(200 * seconds)]
        return Recording(part, CHANNELS).pick(channels)


def test_members_are_shown_their_own_of_a_recording(of_members, eegs):
    """A recording that is one window, whose 10 minutes are missing as a window's are."""
    timeline = of_members.predict_recording(
        OneWindow(eegs[0]), regional=np.full((1, 400), np.nan, np.float32)
    )
    middle = timeline[timeline["start_seconds"] == 20]
    expected = of_members.predict_windows(eegs[:1])
    np.testing.assert_allclose(middle[list(PREDICTION_COLUMNS)], expected, atol=1e-3)


def test_a_window_of_nothing_gets_the_class_prior(shipped):
    nothing = np.full((1, 20, 10000), np.nan, np.float32)
    np.testing.assert_allclose(shipped.predict_windows(nothing)[0], SHIPPED["prior"])
    assert shipped.predict_windows(nothing[:0]).shape == (0, 6)


@pytest.mark.parametrize(
    ("eeg", "message"),
    [
        (np.zeros((20, 10000)), r"shape \(windows, 20, 10000\).*received \(20, 10000\)"),
        (np.zeros((1, 19, 10000)), r"received \(1, 19, 10000\)"),
        (np.zeros((1, 20, 12800)), r"received \(1, 20, 12800\)"),
        (np.full((1, 20, 10000), np.inf), "received infinity"),
        (np.full((1, 20, 10000), "1"), "must be numbers"),
    ],
)
def test_what_is_no_window_is_refused_with_what_is(shipped, eeg, message):
    with pytest.raises(ValueError, match=message):
        shipped.predict_windows(eeg)


def test_an_ensemble_that_lacks_a_network_is_refused():
    with pytest.raises(ValueError, match=r"names \['fold_0.symmetric_1d'.* its folder holds \[\]"):
        EEGEnsemble(SHIPPED, {})


def test_an_ensemble_whose_windows_were_made_otherwise_is_refused():
    other = SHIPPED | {"waveform": SHIPPED["waveform"] | {"seconds": 20.0}}
    with pytest.raises(ValueError, match="a reference waveform differs"):
        EEGEnsemble(other, shipped_networks())
