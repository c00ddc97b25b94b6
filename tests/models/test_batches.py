import time

import numpy as np
import pytest

from hbac.models import (
    Augmentation,
    ImageLayout,
    Stage,
    batches,
    compiled_model,
    fit,
    reset,
)
from hbac.models.batches import TrainingBatches, check_images, default_workers

SIZE = (32, 32)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    images = rng.normal(size=(40, *SIZE)).astype(np.float16)
    return images, rng.dirichlet(np.full(6, 0.3), size=40).astype(np.float32)


def make_batches(data, workers):
    change = Augmentation(mirror=0.5, time_shift=0.2, time_mask=0.2, mixup=0.4)
    return TrainingBatches(
        *data,
        np.ones(40),
        np.arange(30),
        batch_size=8,
        seed=1,
        change=change.of(ImageLayout(size=SIZE)),
        workers=workers,
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f2"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_named(dtype, value):
    images = np.zeros((3, 4, 4), dtype)
    images[2] = np.finfo(np.float16).max
    images[1, 2, 3] = value
    check_images(images, np.array([2, 0]), batch_size=2)
    with pytest.raises(ValueError, match=f"row 1 holds {value}"):
        check_images(images, np.array([2, 1, 0]), batch_size=2)


def test_batches_are_read_in_order_while_others_are_used(data):
    images = data[0]
    read = []
    for batch in batches.image_batches(images, np.arange(29, -1, -1), batch_size=8):
        time.sleep(0.01)
        read.append(batch)
    np.testing.assert_array_equal(np.concatenate(read)[:30], images[29::-1])
    np.testing.assert_array_equal(read[-1][-2:], images[[29, 28]])


@pytest.mark.parametrize("workers", [1, 3, 9])
def test_batches_are_the_same_however_many_threads_make_them(data, workers):
    alone, ahead = make_batches(data, 0), make_batches(data, workers)
    for epoch in (0, 1, 1, 5):
        alone.shuffle(epoch=epoch)
        ahead.shuffle(epoch=epoch)
        # The second begins anew after an epoch that was left early.
        for stop in (2, len(alone)):
            for index in range(stop):
                for ours, theirs in zip(ahead[index], alone[index], strict=True):
                    np.testing.assert_array_equal(ours, theirs)


def test_training_is_the_same_however_many_threads_make_batches(data):
    histories = []
    for workers in (3, 0):
        # Anew: what Keras does with batches before a first fit must not be seen in it.
        model = compiled_model(architecture="compact", image_size=SIZE)
        reset(model, 0)
        stages = [Stage(np.arange(30), [1e-3, 1e-3])]
        options = {"validation_rows": range(30, 40), "batch_size": 4, "seed": 0}
        histories.append(fit(model, *data, stages=stages, workers=workers, **options))
    np.testing.assert_allclose(histories[0]["loss"], histories[1]["loss"], rtol=1e-5)


def test_an_error_in_a_thread_is_raised(data):
    with pytest.raises(IndexError, match="out of bounds"):
        make_batches((data[0][:3], data[1]), 2)[0]


@pytest.mark.parametrize(
    ("backend", "gpu", "cores", "expected"),
    [
        ("tensorflow", False, 16, 0),
        ("tensorflow", True, 16, 8),
        ("jax", False, 2, 1),
        ("jax", True, 6, 5),
        ("jax", True, 1, 1),
    ],
)
def test_threads_are_as_many_as_the_machine_has_use_for(monkeypatch, backend, gpu, cores, expected):
    monkeypatch.setattr(batches.keras.backend, "backend", lambda: backend)
    monkeypatch.setattr(batches, "has_gpu", lambda: gpu)
    monkeypatch.setattr(batches.joblib, "cpu_count", lambda: cores)
    assert default_workers() == expected
