"""Which maps find evidence of which it is known where it is.

Simulated windows are decided by one chain and one stretch of 10 to 20 seconds: a seizure, LPD or
LRDA there, or nothing. The compact network is trained on them, and held-out windows are mapped by
every method at every layer, by fusions of the last layers, and before training. ``ratio`` is the
mean fraction of a map's positive mass inside the planted chain and seconds, over the share of the
picture that they cover; of that, the mean over trainings on different windows. Only EEG panels are
shown. The last line is one JSON object:

    python benchmarks/planted.py
    python benchmarks/planted.py --trainings 1
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable

import joblib
import keras
import numpy as np

from hbac.eeg import CLASSES, chain_spectrograms
from hbac.eeg.simulation import PlantedEvidence, plan_planted, simulate_planted
from hbac.explain import METHODS, chance, feature_layers, mass_inside, planted_mask, upsample
from hbac.explain.interpolation import repeat_cells
from hbac.models import (
    Cosine,
    ImageLayout,
    Stage,
    build_image,
    compiled_model,
    fit,
    predict,
    reset,
)

LAYOUT = ImageLayout(sources=("eeg",), size=(64, 128))
PATTERNS = ("seizure", "lpd", "lrda", "other")
EPOCHS, PEAK_RATE = 8, 3e-3

Mapping = Callable[[keras.Model, np.ndarray, np.ndarray], np.ndarray]


def picture(planted: PlantedEvidence) -> np.ndarray:
    """Make the picture of the middle of a recording, shape ``LAYOUT.size``."""
    window = simulate_planted(planted).crop(planted.window_start, 50)
    spectrograms = chain_spectrograms(
        window, clip=500, notch=60, band_pass=(0.5, 20), wavelet=None, reference="fixed"
    )
    return build_image(np.full((300, 400), np.nan), spectrograms, LAYOUT)


def _fused(method: str, depth: int, join: Callable[[list[np.ndarray]], np.ndarray]) -> Mapping:
    """Join one method's maps of the last layers, each scaled to its own maximum."""

    def maps(model: keras.Model, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
        names = list(feature_layers(model))[-depth:]
        parts = [
            METHODS[method](model, images, class_indices=classes, layer=name) for name in names
        ]
        scaled = [part / np.maximum(part.max(axis=(2, 3), keepdims=True), 1e-9) for part in parts]
        return join([repeat_cells(part, parts[0].shape[2:]) for part in scaled])

    return maps


def _geometric(parts: list[np.ndarray]) -> np.ndarray:
    return np.prod(parts, axis=0) ** (1 / len(parts))


def _arithmetic(parts: list[np.ndarray]) -> np.ndarray:
    return np.mean(parts, axis=0)


def mappings(model: keras.Model) -> dict[str, Mapping]:
    """Name every way to map that is compared."""
    found = {
        f"{method.name}, {layer}": lambda *args, method=method, layer=layer: method(
            args[0], args[1], class_indices=args[2], layer=layer
        )
        for name, method in METHODS.items()
        if name != "fusion"
        for layer in feature_layers(model)
    }
    for depth in (2, 3):
        for name, join in (("geometric", _geometric), ("arithmetic", _arithmetic)):
            for method in ("hirescam", "layercam", "gradcam"):
                shown = f"{name} mean of {METHODS[method].name}, last {depth}"
                found[shown] = _fused(method, depth, join)
    fusion = METHODS["fusion"]
    return found | {"Fusion": lambda *args: fusion(args[0], args[1], class_indices=args[2])}


def _masks(plans: list[PlantedEvidence]) -> np.ndarray:
    places = [
        {"chain": one.chain, "seconds": one.seconds, "start": one.window_start} for one in plans
    ]
    panels = LAYOUT.panels()
    return np.stack([planted_mask(panels, LAYOUT.size, **place) for place in places])


def ratios(model: keras.Model, plans: list[PlantedEvidence], images: np.ndarray) -> dict:
    """Mass in the planted region over chance, by the way to map."""
    masks, blocks = _masks(plans), (4, 1)
    classes = np.array([[CLASSES.index(one.pattern) for one in plans]])
    found = {}
    for name, mapping in mappings(model).items():
        cells = np.maximum(mapping(model, images, classes)[:, 0], 0)
        mass = np.nan_to_num(mass_inside(upsample(cells, LAYOUT.size, blocks=blocks), masks))
        found[name] = float((mass / chance(masks)).mean())
    return found


def train(model: keras.Model, images: np.ndarray, targets: np.ndarray, held_out: np.ndarray):
    """Train on the windows that are not held out."""
    rows = np.setdiff1d(np.arange(len(images)), held_out)
    fit(
        model,
        images,
        targets,
        stages=[Stage(rows, Cosine(EPOCHS, peak=PEAK_RATE, warm_up=1))],
        validation_rows=held_out,
        batch_size=16,
        seed=0,
        keep="last",
    )


def measure(windows: int, held_out: int, seed: int) -> tuple[dict, dict, float]:
    """Ratios before and after one training, and the share of held-out windows told rightly."""
    plans = plan_planted(windows + held_out, seed=seed, duration=56, patterns=PATTERNS)
    tasks = joblib.Parallel(n_jobs=-1)
    images = np.stack(tasks(joblib.delayed(picture)(one) for one in plans))
    targets = np.eye(len(CLASSES), dtype=np.float32)[[CLASSES.index(p.pattern) for p in plans]]
    mirrored = LAYOUT.mirror(images[:windows])
    both = np.concatenate([images, mirrored]), np.concatenate([targets, targets[:windows]])
    model = compiled_model(
        architecture="compact", image_size=LAYOUT.size, batch_norm_momentum=0.9, jit_compile=False
    )
    reset(model, seed)
    rows = np.arange(windows, windows + held_out)
    shown = [row for row in rows if plans[row].pattern != "other"]
    asked = [plans[row] for row in shown], images[shown].astype(np.float32)
    before = ratios(model, *asked)
    train(model, *both, rows)
    right = predict(model, images, rows, batch_size=16).argmax(axis=1) == targets[rows].argmax(1)
    return before, ratios(model, *asked), float(right.mean())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--windows", type=int, default=160, help="to train on (160)")
    parser.add_argument("--held-out", type=int, default=90, help="(90)")
    parser.add_argument("--trainings", type=int, default=3, help="(3)")
    arguments = parser.parse_args()
    load = round(os.getloadavg()[0], 1)
    runs = [
        measure(arguments.windows, arguments.held_out, seed) for seed in range(arguments.trainings)
    ]
    untrained, trained = (
        {name: round(float(np.mean([run[k][name] for run in runs])), 2) for name in runs[0][k]}
        for k in (0, 1)
    )
    for name in sorted(trained, key=trained.get, reverse=True):
        print(f"{trained[name]:6.2f}  untrained {untrained[name]:5.2f}  {name}")
    settings = vars(arguments) | {"cores": joblib.cpu_count(), "load_average_before": load}
    accuracy = [round(run[2], 3) for run in runs]
    record = {"accuracy": accuracy, "ratio": trained, "ratio_untrained": untrained}
    print(json.dumps(settings | record))


if __name__ == "__main__":
    main()
