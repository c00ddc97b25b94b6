"""Wiring of the pipeline ``simulation``."""

from kedro.pipeline import Node, Pipeline

from hbac.pipelines.simulation.nodes import (
    plan_cohort,
    simulate_test_eegs,
    simulate_test_spectrograms,
    simulate_train_eegs,
    simulate_train_spectrograms,
)


def create_pipeline() -> Pipeline:
    """A plan of patients to the files of a data set."""
    return Pipeline(
        [
            Node(
                plan_cohort,
                "params:simulation",
                ["train_labels", "test_labels", "simulated_sessions"],
                name="plan_cohort",
            ),
            Node(
                simulate_train_eegs,
                "simulated_sessions",
                "train_eegs",
                name="simulate_train_eegs",
            ),
            Node(
                simulate_train_spectrograms,
                "simulated_sessions",
                "train_spectrograms",
                name="simulate_train_spectrograms",
            ),
            Node(
                simulate_test_eegs,
                "simulated_sessions",
                "test_eegs",
                name="simulate_test_eegs",
            ),
            Node(
                simulate_test_spectrograms,
                "simulated_sessions",
                "test_spectrograms",
                name="simulate_test_spectrograms",
            ),
        ],
        namespace="simulation",
        prefix_datasets_with_namespace=False,
    )
