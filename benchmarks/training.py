"""Whether reading and changing windows keeps up with the network, and an epoch with its steps.

One compiled network is trained in turn, over rounds:

    real    by ``model.fit`` on windows of a memory-mapped array, through
            ``hbac.models.batches.TrainingBatches``, changed as the recipe ``strong`` does, or where
            the network computes (``--feed``)
    device  by ``model.fit`` on one batch, made before, that already lies where the network computes
    epochs  by ``hbac.models.fit`` as the recipe ``strong`` does, with a fifth of the windows held
            out and a checkpoint on disk

``input_efficiency`` is the windows a second of ``real`` over those of ``device``, the median over
rounds; the first steps of each round are left out. ``cpu_efficiency`` is the same in CPU time of
all cores, which tells what a network on the CPU loses to making batches wherever other work on the
machine blurs the first. ``epoch_efficiency`` is the windows trained on in an epoch over its
seconds, from its begin to that of the next, over the windows a second of ``device`` (and
``epoch_cpu_efficiency`` in CPU time);
``last_epoch_efficiency`` that of the last, which alone is validated where the last is kept.
The first epoch, which compiles, is left out. Random numbers stand for the pictures. Memory
is that of two fresh processes which train the compact network by ``hbac.models.fit`` on N and on
4 N windows: what no file backs at its peak. The last line is one JSON object:

    python benchmarks/training.py --architecture compact
    KERAS_BACKEND=jax python benchmarks/training.py --precision mixed_bfloat16 --steps 100
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import joblib
import keras
import numpy as np
import psutil
import yaml
from conversion import MEGABYTE, MemoryWatch

from hbac.datasets import CheckpointDataset
from hbac.models import (
    Augmentation,
    ImageLayout,
    Stage,
    compiled_model,
    fit,
    has_gpu,
    predict,
    reset,
    resolve_precision,
)
from hbac.models.batches import TrainingBatches, default_workers
from hbac.models.feed import STEPS_PER_EXECUTION, fed_network, resolve_feed

PROJECT = Path(__file__).resolve().parents[1]
RECIPES = PROJECT / "conf/base/parameters_recipes.yml"
TIMES_MORE_WINDOWS = 4
MIN_INPUT, MIN_EPOCH = 0.97, 0.9
MAX_GROWTH_MB = 50
DIFFERENT_WINDOWS = 256


def strong_recipe() -> dict:
    """Return the parameters ``modeling`` of the recipe ``strong``."""
    return yaml.safe_load(RECIPES.read_text())["recipes"]["strong"]["modeling"]


def make_layout(size: tuple[int, int]) -> ImageLayout:
    """Return the layout of the recipe's three panels, or of two where they don't fit the width."""
    sources = tuple(strong_recipe()["image"]["sources"])
    return ImageLayout(sources if size[1] % len(sources) == 0 else sources[:2], size=size)


def write_windows(path: Path, n_windows: int, size: Sequence[int]) -> np.ndarray:
    """Write random pictures and return them memory-mapped, with random targets.

    Args:
        path: the file.
        n_windows: number of pictures.
        size: height and width.

    Returns:
        The pictures, shape ``(windows, height, width)``, float16.
    """
    shape = (n_windows, *size)
    rng = np.random.default_rng(0)
    images = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)
    for number, picture in enumerate(images):
        if number < DIFFERENT_WINDOWS:
            picture[...] = rng.standard_normal(size, np.float32)
        else:
            picture[...] = images[number % DIFFERENT_WINDOWS]
    images.flush()
    return np.load(path, mmap_mode="r")


def make_targets(n_windows: int) -> np.ndarray:
    """Return random vote fractions, shape ``(windows, 6)``."""
    return np.random.default_rng(1).dirichlet(np.ones(6), n_windows).astype(np.float32)


def on_device(batch: tuple[np.ndarray, ...], steps: int):
    """Return what ``model.fit`` takes, that yields one batch again and again.

    Raises:
        NotImplementedError: on another backend than TensorFlow or jax.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        # Batched anew, so that it has an open batch size as the real one: one traced function.
        rows = tf.data.Dataset.from_tensors(batch).unbatch()
        return rows.batch(len(batch[0])).cache().repeat(steps).prefetch(1)
    if keras.backend.backend() == "jax":
        import jax

        batch = jax.device_put(batch)
        return (batch for _ in range(steps))
    raise NotImplementedError(f"for TensorFlow and jax, received {keras.backend.backend()!r}")


def _now() -> np.ndarray:
    return np.array([time.perf_counter(), time.process_time()])


class Clock(keras.callbacks.Callback):
    """Takes the seconds of an epoch's steps but the first ones."""

    def __init__(self, warm_up: int):
        super().__init__()
        self._warm_up = warm_up

    def on_epoch_begin(self, epoch, logs=None):
        """Wait for the first steps."""
        self._first = None

    def on_train_batch_end(self, batch, logs=None):
        """Begin when the warm-up has been computed; Keras may tell of several steps at once."""
        if self._first is None and batch >= self._warm_up - 1:
            keras.ops.convert_to_numpy(logs["loss"])
            self._first, self._start = batch, _now()
        self._last = batch

    def on_epoch_end(self, epoch, logs=None):
        """End; Keras has waited for the losses."""
        self.seconds = (_now() - self._start) / (self._last - self._first)


class EpochClock(keras.callbacks.Callback):
    """Takes when epochs begin, and when the last one ends."""

    def __init__(self):
        super().__init__()
        self.times = []

    def on_epoch_begin(self, epoch, logs=None):
        """Take the time."""
        self.times.append(_now())

    def on_train_end(self, logs=None):
        """Take the time."""
        self.times.append(_now())


def epoch_seconds(
    model: keras.Model, images: np.ndarray, held_out: int, folder: Path, arguments
) -> np.ndarray:
    """Train three epochs as the pipeline does.

    Returns:
        Seconds of the last two, and those of all cores, shape ``(2, 2)``.
    """
    recipe, layout = strong_recipe(), make_layout(images.shape[1:])
    training, clock = recipe["training"], EpochClock()
    (folder / "checkpoint.npz").unlink(missing_ok=True)
    reset(model, 0)
    fit(
        model,
        images,
        make_targets(len(images)),
        stages=[Stage(np.arange(held_out, len(images)), [1e-4] * 3)],
        validation_rows=np.arange(held_out),
        batch_size=arguments.batch_size,
        seed=0,
        change=Augmentation(**recipe["augmentation"]).of(layout),
        mirror=layout.mirror if recipe["mirrored_prediction"] else None,
        keep=training["keep"],
        recalibration_batches=training["recalibration_batches"],
        checkpoint=CheckpointDataset(filepath=str(folder / "checkpoint.npz")).load(),
        callbacks=[clock],
        workers=arguments.workers,
        feed=arguments.feed,
    )
    return np.diff(clock.times, axis=0)[1:]


def step_seconds(model: keras.Model, data, steps: int, warm_up: int) -> np.ndarray:
    """Train on data for some steps and return the seconds of one, and those of all cores."""
    clock = Clock(warm_up)
    model.fit(
        data,
        steps_per_epoch=None if isinstance(data, TrainingBatches) else steps + warm_up,
        callbacks=[clock],
        verbose=0,
        shuffle=False,
    )
    return clock.seconds


def measure_speed(images: np.ndarray, folder: Path, arguments: argparse.Namespace) -> dict:
    """Measure the three in turn.

    Args:
        images: the memory-mapped windows.
        folder: for checkpoints.
        arguments: of the command line.

    Returns:
        What was measured, of one step in milliseconds.
    """
    recipe, size = strong_recipe(), tuple(arguments.size)
    model = compiled_model(
        architecture=arguments.architecture,
        image_size=size,
        precision=arguments.precision,
        jit_compile={"auto": "auto", "true": True, "false": False}[arguments.jit],
    )
    reset(model, 0)
    change = Augmentation(**recipe["augmentation"]).of(make_layout(size))
    fed = fed_network(model, images, change=change, mirror=None, feed=arguments.feed)
    warm_up = arguments.workers + 2
    # Keras tells of so many steps at once, and it takes two such moments to measure.
    steps = max(arguments.steps, 2 * STEPS_PER_EXECUTION) if fed else arguments.steps
    n_rows = (steps + warm_up) * arguments.batch_size
    real = TrainingBatches(
        images,
        make_targets(len(images)),
        np.ones(len(images)),
        np.resize(np.arange(len(images)), n_rows),
        batch_size=arguments.batch_size,
        seed=0,
        change=change,
        workers=arguments.workers,
        inputs=fed and functools.partial(fed.inputs_of, images=images),
    )
    batch = one_batch(images, arguments.batch_size, change)
    n_trained = len(images) * 4 // 5 // arguments.batch_size * arguments.batch_size
    held_out = len(images) - n_trained
    seconds, epochs = {"real": [], "device": []}, []
    for number in range(arguments.rounds + 1):
        for name in ("real", "device") if number % 2 else ("device", "real"):
            real.shuffle(epoch=number)
            if name == "real":
                taken = step_seconds(fed or model, real, steps, warm_up)
            else:
                data = on_device(batch, arguments.steps + warm_up)
                taken = step_seconds(model, data, arguments.steps, warm_up)
            seconds[name].append(taken)
        if number:
            epochs.append(epoch_seconds(model, images, held_out, folder, arguments))
            print("epochs of", epochs[-1].round(2).tolist(), "s", flush=True)
        taken = {name: (each[-1] * 1e3).round(1).tolist() for name, each in seconds.items()}
        print(
            "compiling" if number == 0 else f"round {number}",
            taken,
            "ms a step, and of CPU",
            flush=True,
        )
    ratios = [step / real for step, real in zip(seconds["device"], seconds["real"], strict=True)]
    efficiency, of_cpu = np.median(ratios[1:], axis=0).round(3).tolist()
    medians = {name: np.median(each[1:], axis=0)[0] for name, each in seconds.items()}
    n_steps = n_trained / arguments.batch_size
    of_steps = n_steps * np.array(seconds["device"][1:])[:, np.newaxis]
    of_epochs = np.median(of_steps / epochs, axis=0).round(3).tolist()
    return {
        "feed": resolve_feed(arguments.feed, images),
        "epoch_efficiency": of_epochs[0][0],
        "epoch_cpu_efficiency": of_epochs[0][1],
        "last_epoch_efficiency": of_epochs[1][0],
        "last_epoch_cpu_efficiency": of_epochs[1][1],
        "epoch_windows": n_trained,
        "input_efficiency": efficiency,
        "cpu_efficiency": of_cpu,
        "images_per_second": round(arguments.batch_size / medians["real"], 1),
        "images_per_second_of_the_step": round(arguments.batch_size / medians["device"], 1),
        "step_ms": round(medians["device"] * 1e3, 1),
        "step_and_input_ms": round(medians["real"] * 1e3, 1),
        "one_thread_images_per_second": one_thread_speed(real, arguments.batch_size),
        "predicted_images_per_second": prediction_speed(model, images, arguments.batch_size),
    }


def one_batch(images: np.ndarray, batch_size: int, change) -> tuple[np.ndarray, ...]:
    """Return a batch as the network sees it: windows in 32 bits, targets and weights."""
    batches = TrainingBatches(
        images,
        make_targets(len(images)),
        np.ones(len(images)),
        np.arange(batch_size),
        batch_size=batch_size,
        seed=0,
        change=change,
    )
    return batches.make(0)


def one_thread_speed(batches: TrainingBatches, batch_size: int) -> float:
    """Windows a second of one thread that makes batches and does nothing else."""
    seconds = []
    for index in range(min(10, len(batches))):
        start = time.perf_counter()
        batches.make(index)
        seconds.append(time.perf_counter() - start)
    return round(batch_size / statistics.median(seconds), 1)


def prediction_speed(model: keras.Model, images: np.ndarray, batch_size: int) -> float:
    """Windows a second of ``hbac.models.predict``, compiling left out."""
    predict(model, images, range(batch_size), batch_size=batch_size)
    rows = range(min(len(images), 8 * batch_size))
    start = time.perf_counter()
    predict(model, images, rows, batch_size=batch_size)
    return round(len(rows) / (time.perf_counter() - start), 1)


def watch_memory(path: Path, batch_size: int) -> None:
    """Train the compact network on a file of windows and print its peaks in bytes as JSON."""
    with MemoryWatch(psutil.Process(), 0.02) as watch:
        images = np.load(path, mmap_mode="r")
        layout = make_layout(images.shape[1:])
        model = compiled_model(architecture="compact", image_size=images.shape[1:])
        reset(model, 0)
        n_validation = len(images) // 4
        fit(
            model,
            images,
            make_targets(len(images)),
            stages=[Stage(np.arange(n_validation, len(images)), [1e-4, 1e-4])],
            validation_rows=np.arange(n_validation),
            batch_size=batch_size,
            seed=0,
            change=Augmentation(**strong_recipe()["augmentation"]).of(layout),
        )
    print(json.dumps(watch.peaks))


def measure_memory(folder: Path, arguments: argparse.Namespace) -> dict[str, float]:
    """Watch memory at N and at 4 N windows; megabytes."""
    peaks = []
    for factor in (1, TIMES_MORE_WINDOWS):
        path = folder / f"windows_{factor}.npy"
        write_windows(path, factor * arguments.memory_windows, arguments.size)
        command = [sys.executable, __file__, "--watch", str(path)]
        command += ["--batch-size", str(arguments.batch_size)]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        peaks.append(json.loads(output.splitlines()[-1])["anonymous"] / MEGABYTE)
        path.unlink()
    few, many = peaks
    return {
        "memory_windows": arguments.memory_windows,
        "anonymous_mb_at_n": round(few, 1),
        "anonymous_mb_at_4n": round(many, 1),
        "anonymous_growth_mb": round(many - few, 1),
    }


def describe(arguments: argparse.Namespace) -> dict:
    """Return what the figures depend on."""
    backend = keras.backend.backend()
    device = f"CPU, {joblib.cpu_count()} cores, {platform.machine()}"
    if has_gpu():
        device = ", ".join(keras.distribution.list_devices("gpu"))
    return {
        "architecture": arguments.architecture,
        "size": list(arguments.size),
        "batch_size": arguments.batch_size,
        "precision": resolve_precision(arguments.precision),
        "jit": arguments.jit,
        "workers": arguments.workers,
        "steps": arguments.steps,
        "rounds": arguments.rounds,
        "backend": backend,
        "device": device,
        "cores": joblib.cpu_count(),
        "load_average_before": round(os.getloadavg()[0], 1),
    }


def run(folder: Path, arguments: argparse.Namespace) -> dict:
    """Measure everything that was asked for."""
    results = describe(arguments)
    images = write_windows(folder / "windows.npy", arguments.windows, arguments.size)
    results |= measure_speed(images, folder, arguments)
    bars = {
        f"{name}_{bar}": results[name] >= bar
        for name, bar in (("input_efficiency", MIN_INPUT), ("epoch_efficiency", MIN_EPOCH))
    }
    if arguments.memory_windows:
        results |= measure_memory(folder, arguments)
        bars["memory_flat"] = results["anonymous_growth_mb"] < MAX_GROWTH_MB
    return results | {"bars": bars}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--architecture", default="efficientnet_b0", help="(efficientnet_b0)")
    parser.add_argument("--size", type=int, nargs=2, default=[512, 512], help="(512 512)")
    parser.add_argument("--batch-size", type=int, default=32, help="windows a step (32)")
    parser.add_argument("--precision", default="float32", help="Keras' dtype policy (float32)")
    parser.add_argument("--windows", type=int, default=256, help="windows in the file (256)")
    parser.add_argument("--steps", type=int, default=20, help="measured steps a round (20)")
    parser.add_argument("--rounds", type=int, default=5, help="(5)")
    parser.add_argument("--jit", choices=("auto", "true", "false"), default="auto", help="XLA")
    parser.add_argument("--workers", type=int, help="threads that make batches (as hbac.models)")
    parser.add_argument("--feed", default="auto", help="how windows reach the network (auto)")
    parser.add_argument(
        "--memory-windows", type=int, default=256, help="N of the memory; 0 leaves it out (256)"
    )
    parser.add_argument("--watch", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.workers is None:
        arguments.workers = default_workers()
    if arguments.watch:
        watch_memory(arguments.watch, arguments.batch_size)
        return
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(run(Path(folder), arguments)))


if __name__ == "__main__":
    main()
