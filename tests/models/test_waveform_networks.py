"""Networks of the raw EEG: what each sees, and what of it stays apart."""

import zipfile

import keras
import numpy as np
import pytest

from hbac.explain import METHODS, map_by_methods
from hbac.explain.layers import cut_open, feature_layers
from hbac.explain.randomisation import cascade
from hbac.models import INPUTS, build_model, copy_of
from hbac.models.efficientnet import IMAGE_RANGE
from hbac.models.folded import FOLD, compressed, fold
from tests.models.test_architecture import values

OWN = {
    "efficientnet_1d": "chain_features",
    "gru_1d": "chain_joined",
    "squeezeformer_1d": "chain_joined",
}
NAMES = (*OWN, "folded_efficientnet_b0")
SAMPLES = 512


def predicted(model, waveforms):
    """Predict without the tracing that would take longer."""
    return keras.ops.convert_to_numpy(model(waveforms, training=False))


@pytest.fixture(
    scope="module", params=[*OWN, pytest.param("folded_efficientnet_b0", marks=pytest.mark.slow)]
)
def model(request):
    keras.utils.set_random_seed(0)
    return build_model(architecture=request.param, image_size=(16, SAMPLES), pooling="gem")


@pytest.fixture
def waveforms():
    return np.random.default_rng(0).normal(size=(2, 16, SAMPLES)).astype(np.float32)


def test_it_sees_every_channel(model, waveforms):
    assert INPUTS[model.name] == "waveform"
    np.testing.assert_allclose(predicted(model, waveforms).sum(axis=1), 1, rtol=1e-5)
    changed = np.repeat(waveforms[:1], 17, axis=0)
    changed[range(16), range(16)] = waveforms[1]
    *features, before = values(model, "pooled_features", changed)
    # A network that has learnt nothing tells little apart.
    away = np.abs(features - before).max(axis=1)
    assert (away > 1e-5 * np.abs(before).max()).all()


def test_explanations_look_at_layers_with_a_row_a_chain_and_columns_in_time(model):
    grids = feature_layers(model)
    assert {rows for rows, _ in grids.values()} <= {1, 4, 8, 16, 32, 64}
    (looked_at,) = METHODS["hirescam"].layers(model, least_rows=4)
    assert grids[looked_at][0] == 4
    assert looked_at == OWN.get(model.name, "top_activation")


def test_it_is_cut_open_where_explanations_look(model, waveforms):
    stage, *rest = cut_open(model, list(feature_layers(model)))
    seen = stage(waveforms, training=False)
    for stage in rest:
        seen = stage(seen, training=False)
    shares = keras.ops.convert_to_numpy(keras.ops.softmax(seen))
    np.testing.assert_allclose(shares, predicted(model, waveforms), rtol=1e-3)


@pytest.mark.slow
def test_every_map_and_randomised_weights_explain_it(model, waveforms):
    methods = list(METHODS.values())
    before = map_by_methods(methods, model, waveforms, least_rows=4, signed=True)
    assert all(np.isfinite(maps).all() and np.ptp(maps) > 0 for maps in before)
    weights = model.get_weights()
    with cascade(model, seed=0, steps=3) as stages:
        for _, randomised in stages:
            assert np.isfinite(predicted(randomised, waveforms)).all()
    for ours, theirs in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(("name", "layer"), OWN.items())
def test_chains_stay_apart_up_to_the_layer_that_is_explained(name, layer, waveforms):
    model = build_model(architecture=name, image_size=(16, SAMPLES))
    channels = [0, 5, 11, 15]
    changed = np.repeat(waveforms[:1], 5, axis=0)
    changed[range(4), channels] = waveforms[1, channels]
    *features, before = values(model, layer, changed)
    away = np.abs(features - before).max(axis=(2, 3))
    assert [np.flatnonzero(row > 1e-6).tolist() for row in away] == [[n // 4] for n in channels]


@pytest.mark.slow
def test_it_is_read_and_copied_without_code_of_ours(model, waveforms, tmp_path):
    model.save(tmp_path / "model.keras")
    assert b"hbac" not in zipfile.ZipFile(tmp_path / "model.keras").read("config.json")
    again = copy_of(keras.saving.load_model(tmp_path / "model.keras"))
    np.testing.assert_array_equal(predicted(again, waveforms), predicted(model, waveforms))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("samples", [10_000, 1003])
def test_it_takes_windows_at_200_hz_and_of_any_length(name, samples):
    model = build_model(architecture=name, image_size=(16, samples), pooling="centre_attention")
    assert np.isfinite(model(np.ones((1, 16, samples), np.float32))).all()


@pytest.mark.parametrize("name", OWN)
def test_wrong_channels_and_weights_are_refused(name):
    with pytest.raises(ValueError, match="received 15"):
        build_model(architecture=name, image_size=(15, 256))
    with pytest.raises(ValueError, match=f"{name} has no ready weights"):
        build_model(architecture=name, image_size=(16, 256), weights="imagenet")


@pytest.mark.parametrize("samples", [3 * FOLD, 3 * FOLD - 2])
def test_samples_of_a_channel_are_folded_below_each_other(samples):
    eeg = np.arange(1, 2 * samples + 1, dtype=np.float32).reshape(1, 2, samples, 1)
    waveform = keras.Input(eeg.shape[1:])
    seen = np.asarray(keras.Model(waveform, fold(waveform))(eeg))[0, ..., 0]
    for channel in range(2):
        rows = seen[channel * FOLD : (channel + 1) * FOLD]
        in_order = rows.T.ravel()
        np.testing.assert_array_equal(in_order[:samples], eeg[0, channel, :, 0])
        assert not in_order[samples:].any()


def test_folded_amplitudes_keep_their_order_within_what_pixels_show():
    waveform = keras.Input((1, FOLD, 1))
    low, high = IMAGE_RANGE
    eeg = np.array([-25, -12, -4, 0, 1, 4, 12, 25], np.float32).reshape(1, 1, FOLD, 1)
    seen = keras.ops.convert_to_numpy(keras.Model(waveform, compressed(waveform))(eeg)).ravel()
    pixels = 255 * (seen - low) / (high - low)
    assert (np.diff(pixels) > 5).all()
    assert pixels.min() > 0
    assert pixels.max() < 255
    assert pixels[3] == pytest.approx(127.5)
    assert pixels[5] == pytest.approx(127.5 * 1.5)
