"""Both backends train alike, and each reads what the other wrote; also run as a program."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from hbac.models import (
    Augmentation,
    Cosine,
    ImageLayout,
    Stage,
    WaveformLayout,
    compiled_model,
    fit,
    predict,
    reset,
)
from tests.models.test_training import Kill, Memory

PROJECT = Path(__file__).parents[2]
BACKENDS = ("tensorflow", "jax")
LAYOUTS = {
    "compact": ImageLayout(size=(32, 64)),
    "resnet_1d": WaveformLayout((16, 256)),
    "symmetric_1d": WaveformLayout((16, 256)),
    "gru_1d": WaveformLayout((16, 256)),
    "squeezeformer_1d": WaveformLayout((16, 256)),
}
NETWORKS = {
    "symmetric_1d": {"input_scale": "window", "pooling": "average_and_max"},
    "gru_1d": {"pooling": "gem"},
    "squeezeformer_1d": {"pooling": "centre_attention", "drop_path": 0.1},
}
FEEDS = {"compact": "resident", "resnet_1d": "stream", "symmetric_1d": "host"}
FEEDS |= {"gru_1d": "stream", "squeezeformer_1d": "resident"}
BATCH_SIZE = 8


def make_data(architecture, folder):
    """Random windows in a memory-mapped file, and targets, the same in every process."""
    rng = np.random.default_rng(0)
    path = folder / f"{architecture}.{keras.backend.backend()}.images.npy"
    np.save(path, rng.normal(size=(24, *LAYOUTS[architecture].size)).astype(np.float16))
    return np.load(path, mmap_mode="r"), rng.dirichlet(np.full(6, 0.3), size=24)


def train(architecture, folder):
    """Train two epochs with an interruption between them, and write network and predictions."""
    layout, data, checkpoint = LAYOUTS[architecture], make_data(architecture, folder), Memory()
    change = Augmentation(
        0.5, time_shift=0.1, time_mask=0.1, frequency_mask=0.1, noise=0.5, mixup=0.3
    )
    options = {
        "stages": [Stage(np.arange(16), Cosine(2, 1e-2, warm_up=0.5))],
        "validation_rows": range(16, 24),
        "batch_size": BATCH_SIZE,
        "seed": 3,
        "change": change.of(layout),
        "mirror": layout.mirror,
        "recalibration_batches": 2,
        "checkpoint": checkpoint,
        "workers": 2,
        "feed": FEEDS.get(architecture, "auto"),
    }
    model = compiled_model(
        architecture=architecture,
        image_size=layout.size,
        dropout=0.2,
        average_momentum=0.8,
        weight_decay=0.1,
        clip_norm=1.0,
        **NETWORKS.get(architecture, {}),
    )
    reset(model, 0)
    try:
        fit(model, *data, **options, callbacks=[Kill(1)])
    except KeyboardInterrupt:
        reset(model, 1)
    assert fit(model, *data, **options)["epoch"].tolist() == [1, 2]
    name = f"{architecture}.{keras.backend.backend()}"
    model.save(folder / f"{name}.keras", include_optimizer=False)
    np.save(folder / f"{name}.npy", predict(model, data[0], batch_size=BATCH_SIZE))


def predict_as_other(architecture, folder):
    """Predict with the network that the other backend wrote."""
    ours = keras.backend.backend()
    other = BACKENDS[1 - BACKENDS.index(ours)]
    model = keras.saving.load_model(folder / f"{architecture}.{other}.keras", compile=False)
    shares = predict(model, make_data(architecture, folder)[0], batch_size=BATCH_SIZE)
    np.save(folder / f"{architecture}.{other}.by_{ours}.npy", shares)


def start(backend, folder):
    """Start a process for a backend; for jax, in a world without TensorFlow."""
    hidden = folder / "hidden"
    hidden.mkdir(exist_ok=True)
    (hidden / "tensorflow.py").write_text("raise ModuleNotFoundError('no tensorflow')\n")
    paths = {}
    if backend == "jax":
        ours = os.environ.get("PYTHONPATH")
        paths["PYTHONPATH"] = os.pathsep.join(filter(None, [str(hidden), ours]))
    errors = (folder / f"{backend}.log").open("w")
    return subprocess.Popen(
        [sys.executable, "-m", "tests.models.test_backends", str(folder)],
        cwd=PROJECT,
        env=os.environ | {"KERAS_BACKEND": backend} | paths,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What two processes write, one a backend, that wait for each other's networks."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed: pip install hbac[jax]")
    path = tmp_path_factory.mktemp("backends")
    processes = {backend: start(backend, path) for backend in BACKENDS}
    trained = [process.stdout.readline() for process in processes.values()]
    for backend, process in processes.items():
        process.communicate("go on\n" if all(trained) else "")
        assert process.returncode == 0, (path / f"{backend}.log").read_text()[-3000:]
    return path


@pytest.mark.slow
@pytest.mark.parametrize("architecture", LAYOUTS)
@pytest.mark.parametrize(("writer", "reader"), [BACKENDS, BACKENDS[::-1]])
def test_a_network_trained_on_one_backend_predicts_the_same_on_the_other(
    folder, architecture, writer, reader
):
    shares = np.load(folder / f"{architecture}.{writer}.npy")
    assert np.ptp(shares, axis=0).max() > 0.01
    by_reader = np.load(folder / f"{architecture}.{writer}.by_{reader}.npy")
    np.testing.assert_allclose(by_reader, shares, atol=1e-4)


if __name__ == "__main__":
    for name in LAYOUTS:
        train(name, Path(sys.argv[1]))
    sys.stdout.write("trained\n")
    sys.stdout.flush()
    if sys.stdin.readline():
        for name in LAYOUTS:
            predict_as_other(name, Path(sys.argv[1]))
