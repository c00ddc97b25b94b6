"""The training benchmark and the pipeline ``modeling`` on a machine with a GPU; see ``gpu.sh``.

Settings come from environment variables, in capitals those below with ``HBAC_`` before. The last
line is one JSON object: what ``benchmarks/training.py`` printed for each precision and each way to
feed the network; of the pipeline on synthetic recordings the seconds of each epoch and the GPU's
load while it trained, as MLflow recorded it; and the hours that 5 folds of 4 epochs on 17,089
windows would take at the speeds measured.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from scale import prepare

PROJECT = Path(__file__).resolve().parents[1]
RUNS = {
    "float32": ("float32", "auto"),
    "mixed_bfloat16": ("mixed_bfloat16", "auto"),
    "mixed_bfloat16_stream": ("mixed_bfloat16", "stream"),
    "mixed_bfloat16_host": ("mixed_bfloat16", "host"),
}
"""Precision and feed."""
DEFAULTS = {
    "architecture": "efficientnet_b0",
    "panel_height": 128,
    "panel_width": 256,
    "batch_size": 64,
    "steps": 128,
    "rounds": 3,
    "windows": 8192,
    "memory_windows": 256,
    # EEG files of the pipeline's run, some seven windows each; so many differ, the rest are links.
    "eegs": 600,
    "templates": 50,
    "folds": 2,
    "epochs": 4,
}
FOLDS, EPOCHS, WINDOWS = 5, 4, 17_089
RUN = """
import json, sys
from pathlib import Path
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
bootstrap_project(Path.cwd())
names, params = sys.argv[1].split(","), json.loads(sys.argv[2])
with KedroSession.create(Path.cwd(), runtime_params=params) as session:
    session.run(pipeline_names=names)
"""


def read_settings() -> dict:
    """Return the defaults, with what the environment changes."""
    return {
        name: type(default)(os.environ.get(f"HBAC_{name.upper()}", default))
        for name, default in DEFAULTS.items()
    }


def measure_step(precision: str, feed: str, settings: dict) -> dict:
    """Run ``benchmarks/training.py`` in a process of its own."""
    height, width = 4 * settings["panel_height"], 2 * settings["panel_width"]
    memory = settings["memory_windows"] if precision == "float32" else 0
    options = {
        "--architecture": settings["architecture"],
        "--batch-size": settings["batch_size"],
        "--precision": precision,
        "--feed": feed,
        "--windows": settings["windows"],
        "--steps": settings["steps"],
        "--rounds": settings["rounds"],
        "--memory-windows": memory,
    }
    command = [sys.executable, str(PROJECT / "benchmarks/training.py")]
    command += ["--size", str(height), str(width)]
    command += [str(part) for pair in options.items() for part in pair]
    print(" ".join(command[1:]), flush=True)
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    print(output, flush=True)
    return json.loads(output.splitlines()[-1])


def runtime_params(folder: Path, settings: dict) -> dict:
    """Return what the run changes of the recipe ``strong``."""
    recipe = {
        "n_folds": settings["folds"],
        "image": {
            "sources": ["regional", "eeg"],
            "panel_height": settings["panel_height"],
            "panel_width": settings["panel_width"],
        },
        "network": {"architecture": settings["architecture"], "weights": None},
        "training": {
            "epochs": settings["epochs"],
            "second_stage_votes": 0,
            "batch_size": settings["batch_size"],
        },
    }
    paths = {"raw_dir": str(folder / "raw"), "data_dir": str(folder / "data")}
    return {**paths, "recipe": "strong", "modeling": recipe}


def load_while_training(store: str) -> dict[str, float]:
    """Return medians of the machine's load, as MLflow sampled it while folds were trained."""
    import mlflow

    client = mlflow.MlflowClient(store)
    (experiment,) = [each for each in client.search_experiments() if each.name == "hbac"]
    runs = client.search_runs([experiment.experiment_id])
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    spans = [(run.info.start_time, run.info.end_time) for run in runs if run not in parents]
    medians = {}
    for name in parents[0].data.metrics:
        history = client.get_metric_history(parents[0].info.run_id, name)
        values = [
            metric.value
            for metric in history
            if any(start <= metric.timestamp <= end for start, end in spans)
        ]
        if name.startswith("system/") and "network" not in name and values:
            medians[name.removeprefix("system/")] = round(statistics.median(values), 1)
            if "utilization" in name:
                medians[name.removeprefix("system/") + "_max"] = round(max(values), 1)
    return medians


def run_pipelines(folder: Path, settings: dict) -> dict:
    """Make recordings and train on them by the project's pipelines.

    Args:
        folder: an empty folder.
        settings: see ``DEFAULTS``.

    Returns:
        Windows, seconds of each epoch and the load meanwhile.
    """
    import pandas as pd

    eegs = settings["eegs"]
    data = prepare(folder, eegs, max(1, eegs * 2 // 3), min(settings["templates"], eegs))
    store = os.environ.setdefault("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
    params = json.dumps(runtime_params(folder, settings))
    names = "conversion,spectrogram,modeling"
    print("kedro run --pipelines", names, flush=True)
    subprocess.run([sys.executable, "-c", RUN, names, params], check=True, cwd=PROJECT)
    history = pd.read_csv(folder / "data/07_model_output/training_history.csv")
    windows = pd.read_parquet(folder / "data/05_model_input/model_windows.parquet")
    return {
        "eegs": data["eegs"],
        "windows": len(windows),
        "folds": settings["folds"],
        "epoch_seconds": history["seconds"].round(2).tolist(),
        "val_loss": history["val_loss"].round(3).tolist(),
        "load_while_training": load_while_training(store),
    }


def full_run_hours(measured: dict) -> float:
    """Hours of all epochs of all folds at measured speeds, the last of each validated."""
    steps = WINDOWS * (FOLDS - 1) / FOLDS / measured["images_per_second_of_the_step"]
    first, last = (measured[name] for name in ("epoch_efficiency", "last_epoch_efficiency"))
    return round(FOLDS * steps * ((EPOCHS - 1) / first + 1 / last) / 3600, 3)


def main() -> None:
    """Measure and print."""
    settings = read_settings()
    steps = {name: measure_step(*run, settings) for name, run in RUNS.items()}
    with tempfile.TemporaryDirectory() as folder:
        pipeline = run_pipelines(Path(folder), settings)
    hours = {name: full_run_hours(measured) for name, measured in steps.items()}
    results = {"settings": settings, **steps, "pipeline": pipeline, "full_run_hours": hours}
    print(json.dumps(results))


if __name__ == "__main__":
    main()
