"""Kedro's runners: which of them may run what."""

from __future__ import annotations

from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.pipeline import Pipeline

from hbac.hooks.refusal import GuardError
from hbac.tracking.hook import TRAINING


def check_runner(runner: str, pipeline: Pipeline) -> None:
    """Refuse to train in processes of Kedro's, whose networks and MLflow runs nobody gathers.

    Args:
        runner: name of the runner.
        pipeline: what it is to run.

    Raises:
        GuardError: naming what uses several cores instead.
    """
    training = [node.name for node in pipeline.nodes if TRAINING in node.tags]
    if training and "ParallelRunner" in runner:
        raise GuardError(
            f"--runner ParallelRunner can't train networks, and {training[0]} does. Leave it out: "
            "work over many files takes all cores by itself (--params n_jobs=N says how many), and "
            "--runner ThreadRunner trains folds side by side"
        )


class RunnerHook:
    """Checks the runner before the first node."""

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline) -> None:
        """Check it."""
        check_runner(run_params.get("runner") or "", pipeline)
