"""How long commands take before they do anything, beside those of a Kedro project without hbac.

Each command runs several times in a process of its own, ours and a bare project's by turns. That
project has one pipeline with one node and no hooks. The commands are

    registry_list  ``kedro registry list``
    help           ``hbac --help``, beside the bare project's ``kedro run --help``
    first_node     ``kedro run --pipeline eda`` until the line that announces its first node

Medians are given in seconds, of the clock and of the processor; the latter depends little on what
else the machine is doing. ``ours`` is what hbac adds to Kedro.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from files import make_ids, write_eegs, write_labels, write_spectrograms

PROJECT = Path(__file__).resolve().parents[1]
N_FILES = 8
FIRST_NODE = re.compile(r"\[1/\d+\]|the first node")
SECONDS_UNTIL_KILLED = 10
BARE_PROJECT = {
    "pyproject.toml": """\
[tool.kedro]
package_name = "bare"
project_name = "bare"
kedro_init_version = "{kedro}"
source_dir = "src"
""",
    "src/bare/__init__.py": "",
    "src/bare/settings.py": "",
    "src/bare/pipeline_registry.py": """\
from kedro.pipeline import Node, Pipeline


def tell():
    print("the first node", flush=True)
    return 1


def register_pipelines():
    return {"__default__": Pipeline([Node(tell, None, "told", name="tell")])}
""",
    "conf/base/catalog.yml": "",
    "conf/local/credentials.yml": "",
}


def write_bare_project(folder: Path) -> Path:
    """Write a Kedro project with one node, and return its folder."""
    from kedro import __version__

    for name, text in BARE_PROJECT.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{kedro}", __version__))
    return folder


def write_raw_data(folder: Path) -> Path:
    """Write a data set of a few files, and return its folder."""
    ids = make_ids(N_FILES)
    write_eegs(folder / "train_eegs", ids)
    write_spectrograms(folder / "train_spectrograms", ids)
    write_labels(folder / "train.csv", ids, ids)
    return folder


def _processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _until_first_node(process: subprocess.Popen, words: list[str]) -> float:
    """Read until the first node is announced, and return the processor's seconds so far."""
    said = []
    for line in process.stdout:
        said.append(line)
        if FIRST_NODE.search(line):
            return _processor_seconds(psutil.Process(process.pid))
    raise SystemExit(f"{' '.join(words)} came to no node:\n{''.join(said)}")


def _end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(SECONDS_UNTIL_KILLED)
    except subprocess.TimeoutExpired:
        process.kill()


def _children_seconds() -> float:
    """Processor seconds of all processes that were started here and have ended."""
    times = os.times()
    return times.children_user + times.children_system


def measure(words: list[str], folder: Path, store: str, *, first_node: bool) -> dict[str, float]:
    """Run a command.

    Args:
        words: of the command, after ``python -m``.
        folder: where it runs.
        store: address of MLflow's store, which is no other's.
        first_node: end it as soon as its first node is announced.

    Returns:
        Seconds of the clock and of the processor.

    Raises:
        SystemExit: if it fails.
    """
    environment = os.environ | {"MLFLOW_TRACKING_URI": store, "PYTHONUNBUFFERED": "1"}
    start = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        if first_node:
            used = _until_first_node(process, words)
            seconds = time.monotonic() - start
            _end(process)
        else:
            before = _children_seconds()
            said, _ = process.communicate()
            seconds, used = time.monotonic() - start, _children_seconds() - before
            if process.returncode:
                raise SystemExit(f"{' '.join(words)} failed:\n{said}")
    return {"clock": seconds, "processor": used}


def commands(folder: Path) -> Iterator[tuple[str, str, list[str], Path]]:
    """Name, whose it is, words and place of each command."""
    bare, raw = write_bare_project(folder / "bare"), write_raw_data(folder / "raw")
    folders = f"raw_dir={raw},data_dir={folder / 'data'}"
    ours = {
        "registry_list": ["kedro", "registry", "list"],
        "help": ["hbac", "--help"],
        "first_node": ["kedro", "run", "--pipeline", "eda", "--params", folders],
    }
    others = {
        "registry_list": ["kedro", "registry", "list"],
        "help": ["kedro", "run", "--help"],
        "first_node": ["kedro", "run"],
    }
    for name, words in ours.items():
        yield name, "hbac", words, PROJECT
        yield name, "bare", others[name], bare


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(run[name] for run in runs), 2) for name in runs[0]}


def measure_all(folder: Path, rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    """Run all commands by turns.

    Args:
        folder: an empty folder.
        rounds: how often each; one more comes first, uncounted, so that all files are cached.

    Returns:
        By command: medians of hbac, of the bare project, and the difference.
    """
    planned = list(commands(folder))
    store = f"sqlite:///{folder / 'mlflow.db'}"
    runs: dict[str, dict[str, list]] = {name: {"hbac": [], "bare": []} for name, *_ in planned}
    for number in range(rounds + 1):
        for name, whose, words, place in planned:
            run = measure(words, place, store, first_node=name == "first_node")
            if number:
                runs[name][whose].append(run)
    measured = {}
    for name, of_both in runs.items():
        medians = {whose: _medians(of_one) for whose, of_one in of_both.items()}
        added = {
            kind: round(seconds - medians["bare"][kind], 2)
            for kind, seconds in medians["hbac"].items()
        }
        measured[name] = medians | {"ours": added}
        print(name, measured[name], flush=True)
    return measured


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="runs of each command (5)")
    arguments = parser.parse_args()
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory() as folder:
        measured = measure_all(Path(folder), arguments.rounds)
    print(json.dumps({"load_average_before": load, **measured}))


if __name__ == "__main__":
    main()
