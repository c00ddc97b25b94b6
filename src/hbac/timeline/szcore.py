"""Seizures in the format of SzCORE, by which detectors are compared.

Dan et al., SzCORE: Seizure Community Open-Source Research Evaluation framework for the validation
of electroencephalography-based automated seizure detection algorithms, Epilepsia 2025;66 Suppl
3:14-24, doi 10.1111/epi.18113: a row a seizure, and of a recording without one a single row
``bckg`` as long as the recording.
"""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from hbac.timeline.chains import chain_electrodes
from hbac.timeline.events import PATTERNS
from hbac.timeline.tsv import write_tsv

SEIZURE, BACKGROUND = "sz", "bckg"

UNKNOWN_START = datetime(1985, 1, 1)
"""What stands for a start that is not known, as in EDF+ whose dates were taken out: readers of the
format want a date."""

_DECIMALS = {"onset": 2, "duration": 2, "confidence": 4, "recordingDuration": 2}


def szcore_annotations(
    events: pd.DataFrame,
    *,
    duration: float,
    start: datetime | None = None,
    background_confidence: float = float("nan"),
) -> str:
    """Lay the seizures among a recording's events out as the text of an annotation file.

    Args:
        events: those of the recording, as ``hbac.timeline.find_events`` returns them.
        duration: of the recording in seconds, gaps included.
        start: when it began, written to the second, as the format has it.
        background_confidence: how sure it is that there is no seizure, written where there is none.

    Returns:
        ``onset``, ``duration``, ``eventType`` (``sz`` or ``bckg``), ``confidence``, ``channels``,
        the electrodes of the chains of a seizure, ``dateTime`` and ``recordingDuration``; ``n/a``
        where unknown.
    """
    seizures = events[events["trial_type"] == PATTERNS[0]]
    rows = [
        (
            event.onset,
            min(event.duration, duration - event.onset),
            SEIZURE,
            event.probability,
            ",".join(chain_electrodes(event.chains)),
        )
        for event in seizures.fillna({"chains": ""}).itertuples()
    ]
    rows = rows or [(0.0, duration, BACKGROUND, background_confidence, "")]
    columns = ["onset", "duration", "eventType", "confidence", "channels"]
    table = pd.DataFrame(rows, columns=columns)
    table["dateTime"] = f"{start or UNKNOWN_START:%Y-%m-%d %H:%M:%S}"
    table["recordingDuration"] = duration
    return write_tsv(table, _DECIMALS)
