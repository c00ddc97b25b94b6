import zipfile

import keras
import numpy as np
import pytest

from hbac.models import (
    ARCHITECTURES,
    INPUTS,
    build_model,
    copy_of,
    register_architecture,
    split_names,
)
from hbac.models.efficientnet import IMAGE_RANGE
from hbac.models.scale import scaled_by_window

SIZE = (32, 64)


def values(model, layer, images):
    part = keras.Model(model.input, model.get_layer(layer).output)
    return keras.ops.convert_to_numpy(part(np.asarray(images, np.float32), training=False))


def normalization(model):
    """Keras' own normalisation, whose name depends on what was built before."""
    return next(part for part in model.layers if isinstance(part, keras.layers.Normalization))


def test_compact_predicts_shares_of_six_classes():
    model = build_model(architecture="compact", image_size=SIZE, dropout=0.5)
    shares = keras.ops.convert_to_numpy(model(np.zeros((2, *SIZE), np.float32)))
    assert model.input.name == "image"
    assert model.input_shape == (None, *SIZE)
    assert shares.dtype == np.float32
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    logits = values(model, "logits", np.zeros((2, *SIZE)))
    np.testing.assert_allclose(np.exp(logits) / np.exp(logits).sum(1, keepdims=True), shares, 1e-5)


def test_batch_norm_momentum_reaches_every_layer_and_survives_a_file(tmp_path):
    model = build_model(architecture="compact", image_size=SIZE, batch_norm_momentum=0.7)
    model.save(tmp_path / "model.keras")
    for network in (model, keras.saving.load_model(tmp_path / "model.keras")):
        momenta = [
            layer.momentum
            for layer in network.layers
            if isinstance(layer, keras.layers.BatchNormalization)
        ]
        assert momenta == [0.7] * 4


def test_efficientnet_is_flat_and_sees_pixels_between_0_and_255():
    model = build_model(image_size=SIZE, batch_norm_momentum=0.8)
    assert not [layer for layer in model.layers if isinstance(layer, keras.Model)]
    assert model.get_layer("pooled_features").input is model.get_layer("top_activation").output
    low, high = IMAGE_RANGE
    images = np.zeros((1, *SIZE))
    images[0, 0, :5] = [2 * low, low, 0, high, 2 * high]
    expected = np.array([0, 0, 127.5, 255, 255])
    pixels = values(model, "rgb", images)
    np.testing.assert_allclose(pixels[0, 0, :5], np.repeat(expected[:, None], 3, 1), atol=1e-4)
    # Keras' own first step, which must be there once.
    np.testing.assert_allclose(
        values(model, normalization(model).name, images), pixels / 255, atol=1e-6
    )


@pytest.mark.parametrize(
    ("architecture", "application"),
    [
        ("efficientnet_b0", keras.applications.EfficientNetB0),
        pytest.param(
            "efficientnet_v2_s", keras.applications.EfficientNetV2S, marks=pytest.mark.slow
        ),
    ],
)
def test_a_weights_file_gives_the_network_that_imagenet_gives(
    architecture, application, tmp_path, monkeypatch
):
    source = application(include_top=False, weights=None, input_shape=(*SIZE, 3))
    if architecture == "efficientnet_b0":
        normalization(source).set_weights(
            [np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225]), np.array(0)]
        )
    path = str(tmp_path / "imagenet.weights.h5")
    source.save_weights(path)
    module = f"keras.src.applications.{application.__module__.rpartition('.')[2]}"
    monkeypatch.setattr(f"{module}.file_utils.get_file", lambda *args, **kwargs: path)
    images = np.random.default_rng(0).normal(size=(1, *SIZE))
    settings = {"architecture": architecture, "image_size": SIZE}
    downloaded = values(build_model(**settings, weights="imagenet"), "stem_conv", images)
    from_file = values(build_model(**settings, weights=path), "stem_conv", images)
    np.testing.assert_allclose(from_file, downloaded, atol=1e-4)
    assert np.abs(downloaded).max() > 0.1


def test_efficientnet_v2_scales_the_pixels_once():
    model = build_model(architecture="efficientnet_v2_s", image_size=SIZE)
    rescaling = [layer for layer in model.layers if isinstance(layer, keras.layers.Rescaling)]
    low, high = IMAGE_RANGE
    images = np.zeros((1, *SIZE))
    images[0, 0, :3] = [low, 0, high]
    scaled = values(model, rescaling[-1].name, images)
    np.testing.assert_allclose(scaled[0, 0, :3, 0], [-1, -1 + 127.5 / 128, -1 + 255 / 128], 1e-4)
    assert [layer.name for layer in rescaling[:-1]] == ["pixels"]


def test_a_network_of_waveforms_sees_every_channel_and_keeps_chains_apart():
    model = build_model(architecture="resnet_1d", image_size=(16, 512))
    rng = np.random.default_rng(0)
    waveforms = rng.normal(size=(1, 16, 512))
    before = values(model, "chain_features", waveforms)
    assert before.shape == (1, 4, 4, 128)
    for channel in range(16):
        changed = waveforms.copy()
        changed[0, channel] += rng.normal(size=512)
        away = np.abs(values(model, "chain_features", changed) - before).max(axis=(0, 2, 3))
        assert np.flatnonzero(away > 1e-6).tolist() == [channel // 4]


@pytest.mark.parametrize("size", [SIZE, (64, 32)])
def test_features_are_averaged_or_their_largest_stands_beside(size):
    images = np.random.default_rng(0).normal(size=(2, *size))
    settings = {"architecture": "compact", "image_size": size}
    model = build_model(**settings, pooling="average_and_max")
    maps = values(model, "features4", images)
    both = np.concatenate([maps.mean(axis=(1, 2)), maps.max(axis=(1, 2))], axis=1)
    np.testing.assert_allclose(values(model, "pooled_features", images), both, rtol=1e-5)
    average = build_model(**settings).get_layer("pooled_features")
    assert average.output.shape == (None, maps.shape[-1])


def test_a_window_is_divided_by_its_own_scale_before_anything_else():
    settings = {"architecture": "resnet_1d", "image_size": (16, 256)}
    waveforms = np.random.default_rng(0).normal(size=(3, 16, 256)).astype(np.float32)
    waveforms[1] *= 30
    waveforms[2, 4:] = 0
    scaled = build_model(**settings, input_scale="window")
    expected = scaled_by_window(waveforms)
    np.testing.assert_allclose(values(scaled, "picture", waveforms)[..., 0], expected, rtol=1e-5)
    fixed = values(build_model(**settings), "picture", waveforms)[..., 0]
    np.testing.assert_array_equal(fixed, waveforms)


def test_a_file_of_a_network_asks_for_no_code_of_ours(tmp_path):
    model = build_model(
        architecture="symmetric_1d",
        image_size=(16, 256),
        pooling="average_and_max",
        input_scale="window",
    )
    waveforms = np.random.default_rng(0).normal(size=(2, 16, 256)).astype(np.float32)
    model.save(tmp_path / "model.keras")
    config = zipfile.ZipFile(tmp_path / "model.keras").read("config.json").decode()
    assert "hbac" not in config
    again = keras.saving.load_model(tmp_path / "model.keras")
    shares = model.predict_on_batch(waveforms)
    np.testing.assert_array_equal(again.predict_on_batch(waveforms), shares)
    np.testing.assert_array_equal(copy_of(again).predict_on_batch(waveforms), shares)


def test_sixteen_bits_are_for_computing_and_the_last_layers_keep_thirty_two():
    model = build_model(architecture="compact", image_size=SIZE, precision="mixed_bfloat16")
    policies = {layer.name: layer.dtype_policy for layer in model.layers}
    assert policies["conv2"].compute_dtype == "bfloat16"
    assert policies["conv2"].variable_dtype == "float32"
    assert policies["logits"].compute_dtype == policies["probabilities"].compute_dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"


def test_pipelines_know_what_each_architecture_sees_without_keras():
    assert list(INPUTS) == list(ARCHITECTURES)
    assert split_names("efficientnet_b0+resnet_1d") == ("efficientnet_b0", "resnet_1d")
    with pytest.raises(ValueError, match="named once"):
        split_names("compact+compact")
    with pytest.raises(ValueError, match="received 'vgg'"):
        split_names("compact+vgg")


@pytest.mark.parametrize(
    ("name", "sees", "message"),
    [
        ("compact", "picture", "an architecture 'compact' already"),
        ("a+b", "picture", r"identifier, received 'a\+b'"),
        ("mine", "sound", r"one of \('picture', 'waveform'\), received 'sound'"),
    ],
)
def test_a_name_that_can_not_be_registered_is_named(name, sees, message):
    before = dict(ARCHITECTURES)
    with pytest.raises(ValueError, match=message):
        register_architecture(name, "somewhere:build", sees=sees)
    assert before == ARCHITECTURES


def test_without_a_network_the_error_says_what_to_do(tmp_path, monkeypatch):
    def offline(*args, **kwargs):
        raise Exception("URL fetch failure")

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", offline)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(OSError, match=r"efficientnetb0_notop\.h5 into .*models.* null") as error:
        build_model(image_size=SIZE, weights="imagenet")
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"architecture": "resnet"}, r"\['compact', .*'resnet_1d', .*received 'resnet'"),
        ({"architecture": "compact", "weights": "imagenet"}, "received 'imagenet'"),
        ({"architecture": "resnet_1d", "image_size": (15, 64)}, "received 15"),
        ({"weights": "/no/such/file.h5"}, "received '/no/such/file.h5'"),
    ],
)
def test_unknown_names_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        build_model(**{"image_size": SIZE} | settings)


@pytest.mark.parametrize(
    ("content", "remedy"),
    [(b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"), (b"", "make it again")],
)
def test_a_weights_file_that_holds_none_is_named(tmp_path, content, remedy):
    path = tmp_path / "efficientnetb0_notop.h5"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"b0_notop\.h5 .*holds {len(content)} bytes.*{remedy}"):
        build_model(image_size=SIZE, weights=str(path))
