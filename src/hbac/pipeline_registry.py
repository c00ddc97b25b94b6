"""The project's pipelines by name."""

from kedro.pipeline import Pipeline, pipeline

from hbac.hooks.folds import Networks, configured_networks
from hbac.pipelines import (
    conversion,
    eda,
    ensembling,
    evaluation,
    explainability,
    inference,
    modeling,
    pretraining,
    recordings,
    reporting,
    simulation,
    spectrogram,
)

_DEMO_PARAMETERS = ("simulation", "modeling", "explainability")


def _external_validation() -> Pipeline:
    """Trained networks on another labelled data set: everything but modeling."""
    scored = {"oof_predictions": "predictions"}
    return (
        eda.create_pipeline()
        + conversion.create_pipeline()
        + spectrogram.create_pipeline()
        + inference.create_labelled_pipeline()
        + pipeline(evaluation.create_pipeline(), inputs=scored)
        + pipeline(explainability.create_pipeline(), inputs=scored)
        + reporting.create_pipeline()
    )


def _default(networks: Networks) -> Pipeline:
    return (
        eda.create_pipeline()
        + conversion.create_pipeline()
        + spectrogram.create_pipeline()
        + modeling.create_pipeline(*networks)
        + evaluation.create_pipeline()
        + explainability.create_pipeline()
        + reporting.create_pipeline()
    )


def _demo() -> Pipeline:
    """Everything, on a small simulated data set."""
    everything = (
        simulation.create_pipeline()
        + _default(configured_networks("demo"))
        + inference.create_pipeline()
        + inference.create_shipped_pipeline()
    )
    changed = {f"params:{name}": f"params:demo_parameters.{name}" for name in _DEMO_PARAMETERS}
    return pipeline(everything, parameters=changed)


def register_pipelines() -> dict[str, Pipeline]:
    """Name the pipelines; ``__default__`` runs those of a labelled data set in their order."""
    networks = configured_networks("base")
    return {
        "simulation": simulation.create_pipeline(),
        "eda": eda.create_pipeline(),
        "conversion": conversion.create_pipeline(),
        "spectrogram": spectrogram.create_pipeline(),
        "modeling": modeling.create_pipeline(*networks),
        "ensembling": ensembling.create_pipeline(),
        "evaluation": evaluation.create_pipeline(),
        "explainability": explainability.create_pipeline(),
        "inference": inference.create_pipeline(),
        "pretraining": pretraining.create_pipeline(*configured_networks("pretraining")),
        "recordings": recordings.create_pipeline(),
        "reporting": reporting.create_pipeline(),
        "external_validation": _external_validation(),
        "demo": _demo(),
        "__default__": _default(networks),
    }
