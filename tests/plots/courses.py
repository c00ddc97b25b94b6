"""Recordings of hours with known content."""

from datetime import datetime

import numpy as np
import pandas as pd

from hbac.eeg.votes import PREDICTION_COLUMNS
from hbac.plots.stretch import Course

START = datetime(2030, 3, 9, 21, 14, 5)


def timeline(seconds, *, unread=()):
    """Steps of 10 s, the last of what is left, of LPD at 0.6.

    None are from and to some seconds, each with its reason.
    """
    starts = np.arange(0, seconds, 10.0)
    shares = np.full((len(starts), 6), 0.08)
    shares[:, 1] = 0.6
    table = pd.DataFrame(shares, columns=list(PREDICTION_COLUMNS))
    table = table.assign(
        start_seconds=starts,
        stop_seconds=np.minimum(starts + 10, seconds),
        quality=1.0,
        flat_share=0.0,
        clipped_share=0.0,
        mains_db=2.0,
        reason="",
        predicted_class="LPD",
    )
    for first, last, reason in unread:
        lost = (starts >= first) & (starts < last)
        table.loc[lost, list(PREDICTION_COLUMNS)] = np.nan
        table.loc[lost, ["quality", "reason", "predicted_class"]] = [0.25, reason, ""]
    return table


def events(*rows):
    """Events from onset, duration and class."""
    table = pd.DataFrame(rows, columns=["onset", "duration", "trial_type"])
    return table.assign(
        probability=0.6, peak_probability=0.7, peak_seconds=table["onset"] + 5, chains=""
    )


def course(seconds=600, *, name="night", start=START, unread=(), happened=()):
    """A recording whose power is 1, and 10 in LL from its half on."""
    power = np.ones((seconds // 2, 400), np.float32)
    power[seconds // 4 :, :100] = 10
    return Course(
        name, start, float(seconds), power, timeline(seconds, unread=unread), events(*happened)
    )
