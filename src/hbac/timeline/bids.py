"""Events as the Brain Imaging Data Structure (BIDS) has them: a table, and what describes it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hbac.timeline.events import EVENT_COLUMNS
from hbac.timeline.hed import HED_TAGS, HED_VERSION, location_tags
from hbac.timeline.tsv import write_tsv

_HED_COLUMN = "HED"
_DECIMALS = {
    "onset": 3,
    "duration": 3,
    "probability": 4,
    "peak_probability": 4,
    "peak_seconds": 3,
}

_LEVELS = {
    "Seizure": "Electrographic seizure",
    "LPD": "Lateralised periodic discharges",
    "GPD": "Generalised periodic discharges",
    "LRDA": "Lateralised rhythmic delta activity",
    "GRDA": "Generalised rhythmic delta activity",
}


def bids_stem(recording: str) -> str:
    """Name what lies beside a recording: BIDS has ``sub-1_events.tsv`` for ``sub-1_eeg.edf``."""
    return recording.removesuffix("_eeg") if recording.startswith("sub-") else recording


def bids_events(events: pd.DataFrame) -> str:
    """Lay events out as the text of an ``_events.tsv``.

    Args:
        events: those of one recording, as ``hbac.timeline.find_events`` returns them.

    Returns:
        ``onset``, ``duration``, ``trial_type``, ``probability``, ``peak_probability``,
        ``peak_seconds``, ``chains`` and ``HED``, the side of the head; ``n/a`` where unknown.
    """
    table = events[list(EVENT_COLUMNS)].fillna({"chains": ""})
    seen = zip(table["trial_type"], table["chains"], strict=True)
    table[_HED_COLUMN] = [location_tags(pattern, chains) for pattern, chains in seen]
    return write_tsv(table, _DECIMALS)


def bids_sidecar() -> dict[str, Any]:
    """Describe the columns of an ``_events.tsv``, as BIDS asks for in an ``_events.json``.

    All but ``HED``, the name of which HED reserves: a description of it is an error there.
    """
    return {
        "onset": {
            "Description": "Start of the event, from the start of the recording, gaps included",
            "Units": "s",
        },
        "duration": {"Description": "Length of the event, gaps included", "Units": "s"},
        "trial_type": {
            "LongName": "Pattern",
            "Description": (
                "Pattern of the ictal-interictal-injury continuum that hbac's networks predict, "
                f"after ACNS 2021; HED tags are of {HED_VERSION}"
            ),
            "Levels": _LEVELS,
            _HED_COLUMN: HED_TAGS,
        },
        "probability": {"Description": "Mean of the pattern's probability in the event, 0 to 1"},
        "peak_probability": {"Description": "Largest probability of the pattern in the event"},
        "peak_seconds": {
            "Description": "Middle of the stretch with the largest probability, as onset",
            "Units": "s",
        },
        "chains": {
            "Description": (
                "Bipolar chains where the networks found their evidence, joined by semicolons: LL, "
                "RL left and right lateral, LP, RP left and right parasagittal"
            )
        },
    }
