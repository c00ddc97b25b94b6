"""The words of ACNS 2021 for how much of a record a pattern takes up."""

from __future__ import annotations

import math

ABSENT = "absent"
"""No such pattern, for which ACNS has no word."""

PREVALENCE_WORDS = {
    "rare": 0.0,
    "occasional": 0.01,
    "frequent": 0.1,
    "abundant": 0.5,
    "continuous": 0.9,
}
"""From which share of the record on each word holds."""

_ROUNDING = 1e-9


def prevalence_word(share: float) -> str:
    """Say how prevalent a pattern is.

    After the American Clinical Neurophysiology Society's Standardized Critical Care EEG
    Terminology, 2021 version (Hirsch et al., J Clin Neurophysiol 2021;38:1-29, doi
    10.1097/WNP.0000000000000806): rare < 1 %, occasional 1-9 %, frequent 10-49 %, abundant
    50-89 %, continuous >= 90 % of the record or epoch.

    Args:
        share: of the readable time, 0 to 1; NaN where there is none.

    Returns:
        A word; ``absent`` of a share of 0, empty of NaN.

    Raises:
        ValueError: if the share is not between 0 and 1.
    """
    if math.isnan(share):
        return ""
    if not 0 <= share <= 1 + _ROUNDING:
        raise ValueError(f"a share must be between 0 and 1, received {share}")
    if share == 0:
        return ABSENT
    return [word for word, least in PREVALENCE_WORDS.items() if share >= least - _ROUNDING][-1]
