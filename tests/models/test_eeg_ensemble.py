"""EEG in, six shares out: the numbers of ``inference``, for windows and along recordings."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from hbac.eeg import CHANNELS, SAMPLING_RATE, Recording, chain_differences, regional_spectrogram
from hbac.eeg.montage import BIPOLAR_NAMES
from hbac.eeg.regional import regional_window
from hbac.eeg.simulation import plan_cohort
from hbac.eeg.votes import CLASS_NAMES, PREDICTION_COLUMNS
from hbac.eeg.windows import select_windows
from hbac.models.eeg_ensemble import TIMELINE_COLUMNS, EEGEnsemble
from hbac.models.ensemble import predict_with_networks
from hbac.models.layouts import lay_out_members
from hbac.models.preprocessing import mirrors_of, picture_layout, window_panels, window_picture
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
from tests.conftest import recipe
from tests.pipelines import ensembles
from tests.shipped import SHIPPED, shipped_networks

SPECTROGRAM = SpectrogramParams(**recipe("seed")["spectrogram"])


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
    """The same of pictures, others of larger ones that show each channel, and the shipped."""
    others = {"kind": "cwt", "channels": "all", "wavelet": None, "band_pass": (0.5, 20.0)}
    cleaned = SPECTROGRAM.model_copy(update=others)
    shown = {"sources": ["eeg"], "panel_width": 64, "channels": "all"}
    larger = of_pictures.record | {
        "image": of_pictures.record["image"] | shown,
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
    cohort = plan_cohort(
        **parameters | {"seed": 5, "patients": 6, "schematic": 0.0, "neural_mass": 0.0}
    )
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


class Memory:
    """A recording of any length in memory."""

    def __init__(self, data, channels=CHANNELS):
        self.data, self.channels = np.asarray(data, np.float32), channels
        self.duration = self.data.shape[1] / SAMPLING_RATE
        self.longest_read = 0

    def read(self, start, seconds, channels):
        first, n = round(start * SAMPLING_RATE), round(seconds * SAMPLING_RATE)
        self.longest_read = max(self.longest_read, n)
        data = np.full((len(self.data), n), np.nan, np.float32)
        begin, end = max(first, 0), min(first + n, self.data.shape[1])
        data[:, begin - first : max(end, begin) - first] = self.data[:, begin:end]
        return Recording(data, self.channels).pick(channels)


def simulated(seconds, seed=5):
    """EEG of simulated patients, one after the other, without gaps."""
    parameters = recipe("simulation")["pretraining_parameters"]["simulation"]
    plan = {
        "seed": seed,
        "patients": max(6, -(-seconds // 50)),
        "schematic": 0.0,
        "neural_mass": 0.0,
    }
    whole = {"gap_fraction": 0.0, "dead_channel_fraction": 0.0}
    sessions = plan_cohort(**parameters | plan | whole).sessions
    eegs = [load().data for load in simulate_train_eegs(sessions).values()]
    data = np.concatenate(eegs, axis=1)[:, : seconds * SAMPLING_RATE]
    return data[:, np.isfinite(data).all(axis=0)]


@pytest.fixture(scope="module")
def long():
    """A little over 12 minutes, more than one block of windows, made once."""
    return simulated(733)


@pytest.fixture(scope="module")
def timeline(shipped, long):
    return shipped.predict_recording(Memory(long))


def shares(timeline):
    return timeline[list(PREDICTION_COLUMNS)].to_numpy()


def window_at(data, start):
    """The 50-s window from a second on, NaN beyond the ends."""
    return Memory(data).read(start, 50, CHANNELS).data


def test_a_timeline_has_a_row_a_step_and_no_holes(timeline, long):
    assert tuple(timeline) == TIMELINE_COLUMNS
    seconds = long.shape[1] / SAMPLING_RATE
    starts = np.arange(0, seconds, 10)
    np.testing.assert_array_equal(timeline["start_seconds"], starts)
    np.testing.assert_array_equal(timeline["stop_seconds"], np.minimum(starts + 10, seconds))
    predicted = timeline["reason"] == ""
    assert predicted.sum() > 60
    np.testing.assert_allclose(shares(timeline)[predicted].sum(axis=1), 1, atol=1e-5)
    assert np.isnan(shares(timeline)[~predicted]).all()
    best = shares(timeline)[predicted].argmax(axis=1)
    assert timeline["predicted_class"][predicted].tolist() == [CLASS_NAMES[k] for k in best]
    assert (timeline["predicted_class"][~predicted] == "").all()


def test_blocks_that_are_cleaned_at_once_give_the_numbers_of_windows(shipped, timeline, long):
    """Within 1e-4: what is left comes of rounding to half precision."""
    predicted = timeline[timeline["reason"] == ""].iloc[::7]
    windows = np.stack([window_at(long, start - 20) for start in predicted["start_seconds"]])
    np.testing.assert_allclose(shares(predicted), shipped.predict_windows(windows), atol=1e-4)


def test_steps_that_cannot_be_cleaned_at_once_are_those_of_windows(shipped, long):
    short = long[:, : 120 * SAMPLING_RATE].copy()
    short[CHANNELS.index("F7"), 10_000:10_500] = np.nan
    for step in (10, 7):
        made = shipped.predict_recording(Memory(short), step_seconds=step)
        made = made[made["reason"] == ""]
        windows = [window_at(short, start + step / 2 - 25) for start in made["start_seconds"]]
        expected = shipped.predict_windows(np.stack(windows))
        np.testing.assert_allclose(shares(made), expected, atol=1e-5)


def test_what_is_read_at_once_does_not_grow_with_the_recording(shipped, long):
    lengths = []
    for data in (long, np.tile(long, 2)):
        recording = Memory(data)
        shipped.predict_recording(recording)
        lengths.append(recording.longest_read / SAMPLING_RATE)
    assert lengths[0] == lengths[1] < 1000


def test_a_bipolar_recording_gets_the_numbers_of_its_electrodes(shipped, timeline, long):
    pairs = chain_differences(Recording(long, CHANNELS)).reshape(16, -1)
    made = shipped.predict_recording(Memory(pairs, BIPOLAR_NAMES))
    known = ~np.isnan(shares(timeline))
    np.testing.assert_allclose(shares(made)[known], shares(timeline)[known], atol=1e-4)


def test_a_gap_gets_no_prediction_and_all_around_it_do(shipped, long):
    data = long[:, : 200 * SAMPLING_RATE].copy()
    data[:, 83 * SAMPLING_RATE : 117 * SAMPLING_RATE] = np.nan
    made = shipped.predict_recording(Memory(data)).set_index("start_seconds")
    gap = made["reason"] == "gap in the file"
    assert made.index[gap].tolist() == [80, 90, 100, 110]
    assert (made["reason"][~gap] == "").all()
    assert made.loc[80, "usable_samples"] == pytest.approx(0.3)


def test_a_recording_ends_where_less_than_half_a_step_is_left(shipped, long):
    for seconds, reason in ((53, "recording ends"), (56, "")):
        made = shipped.predict_recording(Memory(long[:, : seconds * SAMPLING_RATE]))
        assert made["reason"].iloc[-1] == reason
        assert made["stop_seconds"].iloc[-1] == seconds


def test_a_short_recording_is_read_with_the_rest_missing(shipped, long):
    short = long[:, : 12 * SAMPLING_RATE]
    made = shipped.predict_recording(Memory(short))
    assert made["reason"].tolist() == ["", "recording ends"]
    expected = shipped.predict_windows(window_at(short, -20)[np.newaxis])
    np.testing.assert_allclose(shares(made)[:1], expected, atol=1e-5)
    with pytest.raises(ValueError, match="2 s are too short for a window of 10 s"):
        shipped.predict_recording(Memory(long[:, : 2 * SAMPLING_RATE]))


TIME = np.arange(120 * SAMPLING_RATE) / SAMPLING_RATE
GAINS = np.linspace(50, 300, len(CHANNELS))[:, np.newaxis]
SQUARE = np.sign(np.sin(2 * np.pi * TIME))


def clipped(eeg):
    """An amplifier that is at its limits most of the time, whatever a patient's EEG is like."""
    steps = eeg.reshape(len(eeg), -1, 10 * SAMPLING_RATE)
    limits = 0.4 * steps.std(axis=-1, keepdims=True)
    return np.clip(steps, -limits, limits).reshape(eeg.shape)


NO_PATTERN = {
    "zero": np.zeros_like,
    "attenuated": lambda eeg: eeg / eeg.std(),
    "bursts": lambda eeg: np.where(TIME % 10 < 3, eeg, 0.02 * eeg),
    "open electrodes": lambda eeg: np.random.default_rng(1).normal(0, 50, eeg.shape),
    "electrodes that drift": lambda eeg: np.cumsum(
        np.random.default_rng(1).normal(0, 5, eeg.shape), axis=1
    ),
    "mains": lambda eeg: np.sin(2 * np.pi * 60 * TIME) * GAINS,
    "calibration": lambda eeg: np.tile(50 * SQUARE, (len(CHANNELS), 1)),
    "calibration of many gains": lambda eeg: GAINS * SQUARE,
    "clipped": clipped,
}


@pytest.mark.parametrize("name", NO_PATTERN)
def test_what_shows_no_pattern_is_never_a_confident_one(name, shipped, long):
    made = shipped.predict_recording(Memory(NO_PATTERN[name](long[:, : len(TIME)])))
    patterns = made[list(PREDICTION_COLUMNS[:-1])].to_numpy()
    assert not (patterns > 0.5).any()
    assert (made["reason"] != "").mean() > 0.5


def test_simulated_seizures_are_predicted(shipped):
    parameters = recipe("simulation")["pretraining_parameters"]["simulation"]
    cohort = plan_cohort(
        **parameters | {"seed": 6, "patients": 40, "schematic": 0.0, "neural_mass": 0.0}
    )
    eegs = list(simulate_train_eegs(cohort.sessions).values())
    seizures = np.flatnonzero(cohort.train_labels["expert_consensus"] == "Seizure")
    assert len(seizures) > 4
    made = pd.concat(
        [shipped.predict_recording(Memory(eegs[k]().data)).iloc[2:3] for k in seizures]
    )
    assert (made["reason"] == "").all()
    assert (made["predicted_class"] == "Seizure").mean() > 0.5


def test_pictures_show_the_ten_minutes_of_the_recording(of_pictures, long):
    recording = Memory(long)
    made = of_pictures.predict_recording(recording, step_seconds=50)
    whole = regional_spectrogram(Recording(long, CHANNELS))
    middle = int(np.argmin(np.abs(made["start_seconds"] + 25 - recording.duration / 2)))
    centre = made["start_seconds"][middle] + 25
    window = Recording(window_at(long, centre - 25), CHANNELS)
    picture = window_picture(
        regional_window(whole, centre - 300),
        window_panels(window, of_pictures.record["spectrogram"]),
        picture_layout(of_pictures.record),
    )
    expected = predict_with_networks(
        of_pictures.networks,
        {"picture": picture[np.newaxis]},
        of_pictures.record,
        mirrors_of(of_pictures.record),
        batch_size=1,
    )
    np.testing.assert_allclose(shares(made)[[middle]], expected, atol=1e-6)
    given = of_pictures.predict_recording(recording, step_seconds=50, regional=whole)
    np.testing.assert_allclose(shares(given), shares(made), atol=1e-5)
    empty = of_pictures.predict_recording(
        recording, step_seconds=50, regional=np.full_like(whole, np.nan)
    )
    assert np.abs(shares(empty) - shares(made)).max() > 1e-4


def test_members_are_shown_their_own_of_a_recording(of_members, eegs):
    """A recording that is one window, whose 10 minutes are missing as a window's are."""
    timeline = of_members.predict_recording(
        Memory(eegs[0]), regional=np.full((1, 400), np.nan, np.float32)
    )
    middle = timeline[timeline["start_seconds"] == 20]
    expected = of_members.predict_windows(eegs[:1])
    np.testing.assert_allclose(middle[list(PREDICTION_COLUMNS)], expected, atol=1e-3)
