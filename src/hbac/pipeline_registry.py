"""The project's pipelines by name."""

from collections.abc import Callable
from functools import partial
from threading import RLock
from typing import Any

from kedro.pipeline import Pipeline, pipeline

from hbac import pipelines
from hbac.hooks.folds import Networks, configured_networks

_DEMO_PARAMETERS = ("simulation", "seen", "modeling", "explainability")

_one_wires = RLock()


class WiredOnUse(Pipeline):
    """A pipeline that is wired when it is first looked into.

    A run, and a command that only names them, then imports no more than it needs.

    Args:
        wire: makes the pipeline that this one is.
    """

    def __init__(self, wire: Callable[[], Pipeline]):
        self._wire = wire

    def __getattr__(self, name: str) -> Any:
        """Wire, where Python finds that something is not there yet."""
        with _one_wires:
            if "_wire" in vars(self):
                vars(self).update(vars(self._wire()))
                del self._wire
        return object.__getattribute__(self, name)


def _created(name: str) -> Pipeline:
    return getattr(pipelines, name).create_pipeline()


def _modeling() -> Pipeline:
    return pipelines.modeling.create_pipeline(*configured_networks("base"))


def _pretraining() -> Pipeline:
    return pipelines.pretraining.create_pipeline(*configured_networks("pretraining"))


def _external_validation() -> Pipeline:
    """Trained networks on another labelled data set: everything but modeling."""
    scored = {"oof_predictions": "predictions"}
    return (
        _created("eda")
        + _created("conversion")
        + pipelines.inference.create_labelled_pipeline()
        + pipeline(_created("evaluation"), inputs=scored)
        + pipeline(_created("explainability"), inputs=scored)
        + _created("reporting")
    )


def _labelled(networks: Networks, *, shipped: bool = False) -> Pipeline:
    return (
        _created("eda")
        + _created("conversion")
        + pipelines.spectrogram.create_pipeline(shipped=shipped)
        + pipelines.modeling.create_pipeline(*networks)
        + _created("evaluation")
        + _created("explainability")
        + _created("reporting")
    )


def _default() -> Pipeline:
    return _labelled(configured_networks("base"))


def _demo() -> Pipeline:
    """Everything, on a small simulated data set."""
    everything = (
        _created("simulation")
        + _labelled(configured_networks("demo"), shipped=True)
        + pipelines.inference.create_pipeline(shipped=True)
        + pipelines.inference.create_shipped_pipeline()
    )
    changed = {f"params:{name}": f"params:demo_parameters.{name}" for name in _DEMO_PARAMETERS}
    return pipeline(everything, parameters=changed)


_WIRED_BY: dict[str, Callable[[], Pipeline]] = {
    "simulation": partial(_created, "simulation"),
    "eda": partial(_created, "eda"),
    "conversion": partial(_created, "conversion"),
    "spectrogram": partial(_created, "spectrogram"),
    "modeling": _modeling,
    "ensembling": partial(_created, "ensembling"),
    "evaluation": partial(_created, "evaluation"),
    "explainability": partial(_created, "explainability"),
    "inference": partial(_created, "inference"),
    "pretraining": _pretraining,
    "recordings": partial(_created, "recordings"),
    "reporting": partial(_created, "reporting"),
    "external_validation": _external_validation,
    "demo": _demo,
    "__default__": _default,
}


def register_pipelines() -> dict[str, Pipeline]:
    """Name the pipelines; ``__default__`` runs those of a labelled data set in their order."""
    return {name: WiredOnUse(wire) for name, wire in _WIRED_BY.items()}
