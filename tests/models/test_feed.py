from dataclasses import replace

import numpy as np
import pytest

from hbac.models import (
    Augmentation,
    ImageLayout,
    Stage,
    WaveformLayout,
    compiled_model,
    feed,
    fit_and_predict,
    predict,
    reset,
)

SIZE = (32, 48)
BATCH_SIZE = 8


@pytest.mark.parametrize(
    ("gpu", "free", "expected"),
    [
        (False, None, "host"),
        (True, None, "stream"),
        (True, 100, "stream"),
        (True, 1000, "resident"),
    ],
)
def test_windows_stay_on_a_gpu_where_they_fit_beside_the_network(monkeypatch, gpu, free, expected):
    monkeypatch.setattr(feed, "has_gpu", lambda: gpu)
    monkeypatch.setattr(feed, "free_bytes", lambda: free)
    images = np.zeros(100, np.float16)
    assert feed.resolve_feed("auto", images) == expected
    assert feed.resolve_feed("host", images) == "host"


def test_networks_that_see_the_same_windows_share_them_on_the_gpu(monkeypatch, tmp_path):
    np.save(tmp_path / "windows.npy", np.ones((2, 3, 4), np.float16))
    images = np.load(tmp_path / "windows.npy", mmap_mode="r")
    monkeypatch.setattr(feed, "has_gpu", lambda: True)
    monkeypatch.setattr(feed, "free_bytes", lambda: 0)
    windows = feed._sent_over(images)
    assert feed._sent_over(np.load(images.filename, mmap_mode="r")) is windows
    assert feed.resolve_feed("auto", images) == "resident"
    del windows
    assert feed.resolve_feed("auto", images) == "stream"


PICTURE = ImageLayout(("regional", "eeg", "centre"), size=SIZE)
SHIFTED = WaveformLayout((16, 200), margin=30)


def drawn_data(folder, n_rows, n_columns):
    rng = np.random.default_rng(0)
    path = folder / f"{n_rows}.npy"
    np.save(path, rng.normal(size=(60, n_rows, n_columns)).astype(np.float16))
    return np.load(path, mmap_mode="r"), rng.dirichlet(np.full(6, 0.3), size=60)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return drawn_data(tmp_path_factory.mktemp("windows"), *SIZE)


def train(model, data, way, layout=PICTURE, rates=(1e-2, 1e-3)):
    """History and predictions of a training, with all that happens in one."""
    change = Augmentation(
        mirror=0.5,
        swap_chains=0.5,
        time_reversal=0.5,
        time_shift=0.3,
        frequency_mask=0.3,
        drop_stretch=0.3,
        mixup=0.4,
    )
    reset(model, 0)
    history, shares = fit_and_predict(
        model,
        *data,
        stages=[Stage(np.arange(45), rates), Stage(np.arange(20), rates[1:])],
        validation_rows=np.arange(45, 60),
        batch_size=BATCH_SIZE,
        seed=0,
        change=change.of(layout),
        mirror=layout.mirror,
        recalibration_batches=2,
        feed=way,
    )
    return history.drop(columns="seconds").astype(float), shares


@pytest.mark.slow
def test_a_training_is_the_same_however_windows_reach_the_network(data):
    model = compiled_model(
        architecture="compact", image_size=SIZE, dropout=0.2, average_momentum=0.8
    )
    host, shares = train(model, data, "host")
    kept = predict(model, data[0], np.arange(45, 60), batch_size=BATCH_SIZE, mirror=PICTURE.mirror)
    np.testing.assert_array_equal(shares, kept)
    for way in ("stream", "resident"):
        history, others = train(model, data, way)
        np.testing.assert_allclose(history, host, rtol=1e-3)
        np.testing.assert_allclose(others, shares, atol=1e-3)


@pytest.mark.slow
def test_so_is_one_of_shifted_windows_which_is_validated_by_their_middle(tmp_path):
    data = drawn_data(tmp_path, 16, 260)
    model = compiled_model(architecture="compact", image_size=SHIFTED.size)
    # Larger rates make much of how sums are rounded.
    options = {"layout": SHIFTED, "rates": (1e-4, 1e-4)}
    host, shares = train(model, data, "host", **options)
    middles, rows = data[0][:, :, 30:230], np.arange(45, 60)
    kept = predict(model, middles, rows, batch_size=BATCH_SIZE, mirror=SHIFTED.mirror)
    np.testing.assert_array_equal(shares, kept)
    for way in ("stream", "resident"):
        history, others = train(model, data, way, **options)
        np.testing.assert_allclose(history, host, rtol=1e-3)
        np.testing.assert_allclose(others, shares, atol=1e-3)
    options["layout"] = replace(SHIFTED, margin=0)
    fixed, _ = train(model, (middles, data[1]), "host", **options)
    assert np.abs(fixed["loss"] - host["loss"]).max() > 0.02


@pytest.mark.slow
def test_another_fold_traces_nothing_again(data, monkeypatch):
    model = compiled_model(architecture="compact", image_size=SIZE)
    train(model, data, "resident")
    layer, traced = model.get_layer("conv2"), []
    call = layer.call
    monkeypatch.setattr(layer, "call", lambda inputs: (traced.append(1), call(inputs))[1])
    images = np.load(data[0].filename, mmap_mode="r")
    train(model, (images, data[1]), "resident")
    assert traced == []


@pytest.mark.slow
def test_16_bits_of_which_the_loss_is_scaled_train_as_well(data):
    model = compiled_model(
        architecture="compact", image_size=SIZE, average_momentum=0.8, precision="mixed_float16"
    )
    history, shares = train(model, data, "host")
    single = compiled_model(architecture="compact", image_size=SIZE, average_momentum=0.8)
    expected, _ = train(single, data, "host")
    np.testing.assert_allclose(history["loss"], expected["loss"], rtol=0.05)
    np.testing.assert_allclose(train(model, data, "resident")[1], shares, atol=0.02)
