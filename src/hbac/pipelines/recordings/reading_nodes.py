"""What each file of a folder of recordings was read as."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pandas as pd

from hbac.datasets.recordings import RecordingLoader
from hbac.formats.card import CARD_COLUMNS
from hbac.models.eeg_ensemble import check_length

logger = logging.getLogger(__name__)

RECORDING_COLUMNS = ("recording", "file", "status", "reason", *CARD_COLUMNS)
"""Of ``recordings.csv``; ``status`` is ``read`` or ``refused``, and ``reason`` says why."""

_N_NAMED = 3


def _describe(recording: str, load: RecordingLoader) -> dict[str, Any]:
    """A row of the table; a line in the log of what is read, since the timelines name the rest."""
    row = {"recording": recording, "file": Path(load.path).name, "status": "read", "reason": ""}
    try:
        card = load().card
        row |= card.as_row()
        check_length(card.duration)
    except (OSError, ValueError) as error:
        return row | {"status": "refused", "reason": str(error)}
    logger.info("%s: %s", recording, card)
    return row


def describe_recordings(recordings: dict[str, RecordingLoader]) -> pd.DataFrame:
    """Say of each recording what was read as what, or why it is not predicted.

    Args:
        recordings: by id, a callable that opens the recording.

    Returns:
        A row a recording, with ``RECORDING_COLUMNS``; a file that is refused, since it can't be
        read or is too short to be predicted, has its reason, and stops no other.

    Raises:
        ValueError: if none can be read; the message has the first reasons.
    """
    rows = [_describe(recording, load) for recording, load in recordings.items()]
    refused = [row for row in rows if row["status"] == "refused"]
    if len(refused) == len(rows):
        named = "\n".join(f"  {row['recording']}: {row['reason']}" for row in refused[:_N_NAMED])
        raise ValueError(f"none of the {len(rows)} recordings can be read. The first:\n{named}")
    table = pd.DataFrame(rows, columns=list(RECORDING_COLUMNS))
    return table.astype(dict.fromkeys(("n_channels", "n_gaps"), "Int64"))
