"""Nodes that make do with what is there: an input that nobody made is None to them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol, DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline

from hbac.hooks.location import location_of
from hbac.pipelines.tags import TAKES_WHAT_IS_THERE


def notes_of(dataset: Any) -> dict[str, Any]:
    """What a catalog entry says of itself under ``metadata.hbac``.

    ``optional``: it may be missing. ``made_with``: name of the dataset whose saving writes it.
    """
    return (getattr(dataset, "metadata", None) or {}).get("hbac") or {}


def may_be_absent(pipeline: Pipeline) -> set[str]:
    """Free inputs of a pipeline that only nodes with the tag ``TAKES_WHAT_IS_THERE`` take."""
    needed = {
        name
        for node in pipeline.nodes
        if TAKES_WHAT_IS_THERE not in node.tags
        for name in node.inputs
    }
    names = pipeline.inputs() - needed
    return {name for name in names if name != "parameters" and not name.startswith("params:")}


@contextmanager
def _replacing_quietly() -> Iterator[None]:
    """Kedro warns of each entry that is replaced; here that is meant, and no user can act on it."""

    def is_other(record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith("Replacing dataset")

    logger = logging.getLogger(DataCatalog.__module__)
    logger.addFilter(is_other)
    try:
        yield
    finally:
        logger.removeFilter(is_other)


def fill_absent(pipeline: Pipeline, catalog: CatalogProtocol) -> list[str]:
    """Put None in the place of what may be absent and is, and return its names.

    What another node of the pipeline makes beside its output stays as it is.
    """
    absent = []
    for name in sorted(may_be_absent(pipeline)):
        dataset = catalog.get(name)
        comes = notes_of(dataset).get("made_with") in pipeline.all_outputs()
        if location_of(dataset) and not comes and not dataset.exists():
            absent.append(name)
    with _replacing_quietly():
        for name in absent:
            catalog[name] = MemoryDataset(None)
    return absent


class AbsentHook:
    """Gives such nodes None for what is not there."""

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol) -> None:
        """Look once, before the first node."""
        fill_absent(pipeline, catalog)
