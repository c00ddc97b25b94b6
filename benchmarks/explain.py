"""How many class-activation maps a second, beside one Grad-CAM after another.

The same network and random pictures are mapped over rounds, in turn, by

    ours    a method of ``hbac.explain``: a batch of pictures forward once, and back once a class,
            in a graph that is traced once for all networks of an architecture
    naive   Grad-CAM as notebooks write it: for every picture and every class a model of its own
            that ends in the layer and the scores, a forward pass, and a gradient
    kept    the same, but for the model, which is made once

All are run once before; the last layer's maps of ours and of the naive way are compared. The naive
ways are run on fewer pictures, as they take the same time for each. Seconds are medians over
rounds. The last line is one JSON object; ``ratio`` is the maps a second of our Grad-CAM over those
of the naive way, ``ratio_kept`` over those with the model kept:

    python benchmarks/explain.py
    python benchmarks/explain.py --architecture compact --size 512 512
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable

import joblib
import keras
import numpy as np
import tensorflow as tf

from hbac.eeg.votes import CLASSES
from hbac.explain import METHODS, last_feature_layer
from hbac.models import build_model


def _both_ends(model: keras.Model) -> keras.Model:
    """Make a model that ends in the last feature layer and in the scores."""
    layer = model.get_layer(last_feature_layer(model))
    return keras.Model(model.inputs, [layer.output, model.get_layer("logits").output])


def naive_gradcam(both: keras.Model, image: np.ndarray, index: int) -> np.ndarray:
    """Map one class on one picture, shape ``(rows, columns)``."""
    with tf.GradientTape() as tape:
        features, scores = both(image[np.newaxis], training=False)
        score = scores[:, index]
    weights = tf.reduce_mean(tape.gradient(score, features), axis=(1, 2))
    return np.maximum((features[0] @ weights[0][:, tf.newaxis]).numpy()[..., 0], 0)


def map_naively(
    model: keras.Model, images: np.ndarray, kept: keras.Model | None = None
) -> np.ndarray:
    """Map every class on every picture, one after the other."""
    return np.stack(
        [
            [naive_gradcam(kept or _both_ends(model), image, k) for k in range(len(CLASSES))]
            for image in images
        ]
    )


def seconds_of(call: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure(
    model: keras.Model, images: np.ndarray, *, n_naive: int, rounds: int
) -> dict[str, float]:
    """Maps a second of every method and of the naive way, interleaved."""
    few, kept = images[:n_naive], _both_ends(model)
    calls = {name: lambda method=method: method(model, images) for name, method in METHODS.items()}
    calls["naive"] = lambda: map_naively(model, few)
    calls["kept"] = lambda: map_naively(model, few, kept)
    reference = map_naively(model, few)
    difference = np.abs(METHODS["gradcam"](model, few) - reference).max() / reference.max()
    for call in calls.values():
        call()
    seconds = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            seconds[name].append(seconds_of(call))
    n_maps = {
        name: len(CLASSES) * len(few if name in ("naive", "kept") else images) for name in calls
    }
    each = {name: np.array(taken) / n_maps[name] for name, taken in seconds.items()}
    return {
        "maps_per_second": {
            name: round(1 / statistics.median(taken), 1) for name, taken in each.items()
        },
        "ratio": round(statistics.median(each["naive"] / each["gradcam"]), 1),
        "ratio_kept": round(statistics.median(each["kept"] / each["gradcam"]), 1),
        "max_relative_diff": float(difference),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--architecture", default="efficientnet_b0")
    parser.add_argument("--size", type=int, nargs=2, default=(128, 128), help="of the pictures")
    parser.add_argument("--windows", type=int, default=32, help="pictures (32)")
    parser.add_argument("--naive-windows", type=int, default=2, help="pictures mapped naively (2)")
    parser.add_argument("--rounds", type=int, default=3, help="(3)")
    arguments = parser.parse_args()
    load = round(os.getloadavg()[0], 1)
    keras.utils.set_random_seed(0)
    model = build_model(architecture=arguments.architecture, image_size=tuple(arguments.size))
    images = np.random.default_rng(0).normal(size=(arguments.windows, *arguments.size))
    measured = measure(
        model,
        images.astype(np.float32),
        n_naive=arguments.naive_windows,
        rounds=arguments.rounds,
    )
    settings = vars(arguments) | {"cores": joblib.cpu_count(), "load_average_before": load}
    print(json.dumps(settings | measured))


if __name__ == "__main__":
    main()
