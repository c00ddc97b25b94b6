"""Timelines written by hand, and what stands for a recording."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from hbac.eeg.votes import CLASS_NAMES, CLASSES, PREDICTION_COLUMNS


class Gap(NamedTuple):
    start: float
    stop: float


class Annotation(NamedTuple):
    onset: float
    duration: float
    text: str


@dataclass(frozen=True)
class StandIn:
    """What is asked of a recording here; ``hbac.formats.RecordingFile`` has more."""

    duration: float
    start: datetime | None = None
    gaps: tuple[Gap, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    path: str = "nowhere.edf"

    def __call__(self):
        return self


def timeline_of(step=10.0, **probabilities):
    """A timeline of so many steps as there are values of ``seizure``, ...; None is unreadable."""
    n_steps = len(next(iter(probabilities.values())))
    values = np.zeros((n_steps, len(CLASSES)))
    for name, column in probabilities.items():
        values[:, CLASSES.index(name)] = [np.nan if value is None else value for value in column]
    values[:, -1] = 1 - values[:, :-1].sum(axis=1)
    values[np.isnan(values).any(axis=1)] = np.nan
    table = pd.DataFrame(values, columns=list(PREDICTION_COLUMNS))
    starts = np.arange(n_steps) * step
    table.insert(0, "start_seconds", starts)
    table.insert(1, "stop_seconds", starts + step)
    read = ~np.isnan(values).any(axis=1)
    table["predicted_class"] = ""
    table.loc[read, "predicted_class"] = [CLASS_NAMES[i] for i in values[read].argmax(axis=1)]
    table["quality"] = read.astype(float)
    table["reason"] = np.where(read, "", "gap in the file")
    return table


def write_text(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
