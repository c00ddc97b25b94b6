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
from hbac.models.changes import Change
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


def strong_changes(size: tuple[int, int]) -> Change:
    """Return how the recipe ``strong`` changes windows of a size."""
    return Augmentation(**strong_recipe()["augmentation"]).of(make_layout(size))


def make_network(arguments: argparse.Namespace) -> keras.Model:
    """Compile the network that is asked for."""
    model = compiled_model(
        architecture=arguments.architecture,
        image_size=tuple(arguments.size),
        precision=arguments.precision,
        jit_compile={"auto": "auto", "true": True, "false": False}[arguments.jit],
    )
    reset(model, 0)
    return model


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


class Trial:
    """A compiled network, and all that it is trained on in turn.

    Args:
        images: the memory-mapped windows.
        folder: for checkpoints.
        arguments: of the command line.
    """

    def __init__(self, images: np.ndarray, folder: Path, arguments: argparse.Namespace):
        self.images, self.folder, self.arguments = images, folder, arguments
        self.targets, self.change = make_targets(len(images)), strong_changes(images.shape[1:])
        self.warm_up = arguments.workers + 2
        self.network = make_network(arguments)
        self.fed = fed_network(
            self.network, images, change=self.change, mirror=None, feed=arguments.feed
        )
        # Keras tells of so many steps at once, and it takes two such moments to measure.
        self.steps = max(arguments.steps, 2 * STEPS_PER_EXECUTION if self.fed else 0)
        self.real = self._real_batches()
        self.batch = self._batches(np.arange(arguments.batch_size)).make(0)

    def _batches(self, rows: np.ndarray, **settings) -> TrainingBatches:
        return TrainingBatches(
            self.images,
            self.targets,
            np.ones(len(self.images)),
            rows,
            batch_size=self.arguments.batch_size,
            seed=0,
            change=self.change,
            **settings,
        )

    def _real_batches(self) -> TrainingBatches:
        n_rows = (self.steps + self.warm_up) * self.arguments.batch_size
        return self._batches(
            np.resize(np.arange(len(self.images)), n_rows),
            workers=self.arguments.workers,
            inputs=self.fed and functools.partial(self.fed.inputs_of, images=self.images),
        )

    def _train(self, model: keras.Model, data, steps: int | None) -> np.ndarray:
        clock = Clock(self.warm_up)
        model.fit(data, steps_per_epoch=steps, callbacks=[clock], verbose=0, shuffle=False)
        return clock.seconds

    def step_alone(self) -> np.ndarray:
        """Seconds of a step on one batch that lies there, and those of all cores."""
        steps = self.arguments.steps + self.warm_up
        return self._train(self.network, on_device(self.batch, steps), steps)

    def step_and_input(self) -> np.ndarray:
        """Seconds of a step on windows that are read and changed, and those of all cores."""
        return self._train(self.fed or self.network, self.real, None)

    @property
    def n_trained(self) -> int:
        """Windows that an epoch trains on: four fifths, in whole batches."""
        batch_size = self.arguments.batch_size
        return len(self.images) * 4 // 5 // batch_size * batch_size

    def epochs(self) -> np.ndarray:
        """Train three epochs as the pipeline does.

        Returns:
            Seconds of the last two, and those of all cores, shape ``(2, 2)``.
        """
        recipe, layout = strong_recipe(), make_layout(self.images.shape[1:])
        clock, held_out = EpochClock(), len(self.images) - self.n_trained
        checkpoint = self.folder / "checkpoint.npz"
        checkpoint.unlink(missing_ok=True)
        reset(self.network, 0)
        fit(
            self.network,
            self.images,
            self.targets,
            stages=[Stage(np.arange(held_out, len(self.images)), [1e-4] * 3)],
            validation_rows=np.arange(held_out),
            batch_size=self.arguments.batch_size,
            seed=0,
            change=self.change,
            mirror=layout.mirror if recipe["mirrored_prediction"] else None,
            keep=recipe["training"]["keep"],
            recalibration_batches=recipe["training"]["recalibration_batches"],
            checkpoint=CheckpointDataset(filepath=str(checkpoint)).load(),
            callbacks=[clock],
            workers=self.arguments.workers,
            feed=self.arguments.feed,
        )
        return np.diff(clock.times, axis=0)[1:]


def measure_round(trial: Trial, number: int) -> dict[str, np.ndarray]:
    """Measure both kinds of steps, in an order that changes from round to round, and epochs."""
    kinds, found = {"real": trial.step_and_input, "device": trial.step_alone}, {}
    for name in ("real", "device") if number % 2 else ("device", "real"):
        # Nothing is made ahead meanwhile for a training that has ended.
        trial.real.shuffle(epoch=number)
        found[name] = kinds[name]()
    shown = {name: (each * 1e3).round(1).tolist() for name, each in found.items()}
    print(f"round {number}" if number else "compiling", shown, "ms a step, and of CPU", flush=True)
    if number:
        found["epochs"] = trial.epochs()
        print("epochs of", found["epochs"].round(2).tolist(), "s", flush=True)
    return found


def measure_rounds(trial: Trial, rounds: int) -> dict[str, np.ndarray]:
    """Measure in turn, after one round that compiles.

    Returns:
        Seconds and those of all cores: of a step, ``real`` and ``device``, shape ``(rounds, 2)``,
        and of the last two epochs, ``epochs``, shape ``(rounds, 2, 2)``.
    """
    found = [measure_round(trial, number) for number in range(rounds + 1)][1:]
    return {name: np.stack([each[name] for each in found]) for name in found[0]}


def epoch_figures(seconds: dict[str, np.ndarray], n_trained: int, batch_size: int) -> dict:
    """What of an epoch's time the steps alone would take."""
    of_steps = n_trained / batch_size * seconds["device"][:, np.newaxis]
    whole, last = np.median(of_steps / seconds["epochs"], axis=0).round(3).tolist()
    return {
        "epoch_efficiency": whole[0],
        "epoch_cpu_efficiency": whole[1],
        "last_epoch_efficiency": last[0],
        "last_epoch_cpu_efficiency": last[1],
        "epoch_windows": n_trained,
    }


def step_figures(seconds: dict[str, np.ndarray], batch_size: int) -> dict:
    """What of a step's time the step alone would take, and how long both take."""
    ratios = np.median(seconds["device"] / seconds["real"], axis=0).round(3).tolist()
    real, device = (float(np.median(seconds[name][:, 0])) for name in ("real", "device"))
    return {
        "input_efficiency": ratios[0],
        "cpu_efficiency": ratios[1],
        "images_per_second": round(batch_size / real, 1),
        "images_per_second_of_the_step": round(batch_size / device, 1),
        "step_ms": round(device * 1e3, 1),
        "step_and_input_ms": round(real * 1e3, 1),
    }


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


def measure_speed(images: np.ndarray, folder: Path, arguments: argparse.Namespace) -> dict:
    """Measure steps, epochs, and what threads and predictions make of it."""
    trial, batch_size = Trial(images, folder, arguments), arguments.batch_size
    seconds = measure_rounds(trial, arguments.rounds)
    return {
        "feed": resolve_feed(arguments.feed, images),
        **epoch_figures(seconds, trial.n_trained, batch_size),
        **step_figures(seconds, batch_size),
        "one_thread_images_per_second": one_thread_speed(trial.real, batch_size),
        "predicted_images_per_second": prediction_speed(trial.network, images, batch_size),
    }


def watch_memory(path: Path, batch_size: int) -> None:
    """Train the compact network on a file of windows and print its peaks in bytes as JSON."""
    with MemoryWatch(psutil.Process(), 0.02) as watch:
        images = np.load(path, mmap_mode="r")
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
            change=strong_changes(images.shape[1:]),
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


def command_line() -> argparse.ArgumentParser:
    """Return what the command takes."""
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
    return parser


def main() -> None:
    """Measure and print."""
    arguments = command_line().parse_args()
    if arguments.workers is None:
        arguments.workers = default_workers()
    if arguments.watch:
        watch_memory(arguments.watch, arguments.batch_size)
        return
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(run(Path(folder), arguments)))


if __name__ == "__main__":
    main()
