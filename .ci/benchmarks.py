"""Run every benchmark at a tiny size: a claim that can't be repeated is found before it rots.

    python .ci/benchmarks.py [NAME ...]

Figures of tiny runs say nothing of speed and are compared with nothing. What is checked is that a
benchmark ends, and that its last line is one JSON object.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

PROJECT = Path(__file__).parents[1]
FOLDER = PROJECT / "benchmarks"
PARTS = ("files.py", "gpu.py")
"""What benchmarks are made of, and is none by itself."""

TINY = {
    "ablation.py": "--seeds 1 --patients 8 --only mirrored",
    "carry_over.py": "--patients 12 --epochs 1 --only recipe",
    "conversion.py": "--files 4 --rounds 1",
    "eda.py": "--rows 600 --eegs 120 --spectrograms 80 --patients 20",
    "eeg_spectrogram.py": "--files 4 --rounds 1",
    "evaluation.py": "--rows 500 --patients 40 --draws 20",
    "explain.py": "--architecture compact --size 32 64 --windows 2 --naive-windows 1 --rounds 1",
    "gpu.sh": "",
    "panels.py": "--windows 1 --rounds 1",
    "planted.py": "--windows 16 --held-out 12 --trainings 1",
    "realism.py": "--patients 6 --sessions 3",
    "recordings.py": "--hours 0.1 --picture-hours 0.05 --memory-hours 0.05 --patients 6 --rounds 1",
    "scale.py": "--eegs 4 --spectrograms 4 --templates 2 --partitions 20",
    "sim_to_real.py": "--patients 12 --seeds 1 --epochs 1",
    "serving.py": "--requests 2 --batches 1",
    "simulation.py": "--patients 6 --rounds 1",
    "stack.py": "--rows 8 --size 32 --rounds 1",
    "startup.py": "--rounds 1",
    "training.py": "--architecture compact --size 64 96 --batch-size 4 --windows 16 --steps 2 "
    "--rounds 1 --memory-windows 8",
}
TINY_GPU = {
    "HBAC_ARCHITECTURE": "compact",
    "HBAC_PANEL_HEIGHT": "16",
    "HBAC_PANEL_WIDTH": "32",
    "HBAC_BATCH_SIZE": "4",
    "HBAC_STEPS": "2",
    "HBAC_ROUNDS": "1",
    "HBAC_MEMORY_WINDOWS": "0",
    "HBAC_EEGS": "12",
    "HBAC_TEMPLATES": "3",
    "HBAC_EPOCHS": "2",
    "PYTHON": sys.executable,
}


def run(name: str) -> str:
    """Run a benchmark, and say how long it took.

    Raises:
        SystemExit: with all that it printed, if it fails or its last line is no JSON object.
    """
    begin = perf_counter()
    command = ["bash"] if name.endswith(".sh") else [sys.executable]
    done = subprocess.run(
        [*command, FOLDER / name, *TINY[name].split()],
        cwd=PROJECT,
        env=os.environ | TINY_GPU,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = done.stdout.splitlines()
    try:
        good = done.returncode == 0 and isinstance(json.loads(lines[-1]), dict)
    except (IndexError, ValueError):
        good = False
    if not good:
        raise SystemExit(f"{done.stdout}\nbenchmarks/{name} ended with status {done.returncode}")
    return f"{name}: {perf_counter() - begin:.0f} s"


def main(*names: str) -> None:
    """Run those named, or all, two at a time.

    Raises:
        SystemExit: if one fails, or there is one that nobody gave a tiny size.
    """
    files = {file.name for file in FOLDER.iterdir() if file.suffix in (".py", ".sh")}
    if files != {*TINY, *PARTS}:
        raise SystemExit(f"give a tiny size to {sorted(files ^ {*TINY, *PARTS})}")
    with ThreadPoolExecutor(2) as pool:
        for line in pool.map(run, names or TINY):
            print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
