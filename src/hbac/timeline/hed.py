"""Tags of the Hierarchical Event Descriptors (HED) for patterns and where they are."""

from __future__ import annotations

from hbac.timeline.chains import split_chains

HED_VERSION = "score_2.1.0"
"""The schema whose terms these are: HED-SCORE with the standard schema in it. A data set names it
as ``HEDVersion`` in its ``dataset_description.json``."""

HED_TAGS = {
    "Seizure": "Data-feature, Electroencephalographic-seizure",
    "LPD": "Data-feature, Lateralized-periodic-discharges",
    "GPD": "Data-feature, Generalized-periodic-discharges",
    "LRDA": "Data-feature, (Rhythmic-delta-activity, Lateral, Label/LRDA)",
    "GRDA": "Data-feature, (Rhythmic-delta-activity, Label/GRDA)",
}
"""A string of tags for each pattern. HED-SCORE has a term for rhythmic delta activity, and none for
its being lateralised or generalised: a label holds that name, and the side is the event's own."""

_GENERALISED = ("GPD", "GRDA")
_SIDES = {"L": "Left", "R": "Right"}


def location_tags(pattern: str, chains: str) -> str:
    """Tag the side of the head on which an event is seen.

    Args:
        pattern: of ``HED_TAGS``. A generalised one has no side, wherever the networks looked.
        chains: their names, such as ``LL;LP``; empty where unknown.

    Returns:
        ``Left``, ``Right``, ``Left, Right``, or empty text.
    """
    sides = {_SIDES[chain[0]] for chain in split_chains(chains)}
    return "" if pattern in _GENERALISED else ", ".join(sorted(sides))
