"""What each file of a folder of recordings was read as."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pandas as pd

from hbac.datasets.recordings import RecordingLoader
from hbac.formats import UnreadableRecordingError
from hbac.formats.card import CARD_COLUMNS

logger = logging.getLogger(__name__)

RECORDING_COLUMNS = ("recording", "file", "status", "reason", *CARD_COLUMNS)
"""Of ``recordings.csv``; ``status`` is ``read`` or ``refused``, and ``reason`` says why."""

_N_NAMED = 3


def _describe(recording: str, load: RecordingLoader) -> dict[str, Any]:
    """A row of the table, and a line in the log."""
    row = {"recording": recording, "file": Path(load.path).name, "status": "read", "reason": ""}
    try:
        card = load().card
    except (UnreadableRecordingError, OSError) as error:
        logger.warning("%s: refused: %s", recording, error)
        return row | {"status": "refused", "reason": str(error)}
    logger.info("%s: %s", recording, card)
    return row | card.as_row()


def describe_recordings(recordings: dict[str, RecordingLoader]) -> pd.DataFrame:
    """Say of each recording what was read as what, or why it can't be read.

    Args:
        recordings: by id, a callable that opens the recording.

    Returns:
        A row a recording, with ``RECORDING_COLUMNS``; a file that is refused has its reason, and
        stops no other.

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
