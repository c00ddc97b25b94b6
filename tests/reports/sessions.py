"""Runs in this process, and what they say."""

import pytest
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from omegaconf import OmegaConf

from hbac.hooks.refusal import GuardError
from tests.conftest import PROJECT


def nested(params):
    """Parameters with dotted names, as ``--params`` nests them."""
    container = OmegaConf.create({})
    for name, value in params.items():
        OmegaConf.update(container, name, value)
    return OmegaConf.to_container(container)


def run(pipeline=None, *, project=PROJECT, env=None, **params):
    """Run a pipeline as ``kedro run --pipeline`` does; names of parameters may be dotted."""
    bootstrap_project(project)
    with KedroSession.create(project, env=env, runtime_params=nested(params)) as session:
        session.run(pipeline_names=[pipeline] if pipeline else None)


def refusal(pipeline=None, **params):
    """What a run that is refused before its first node says."""
    with pytest.raises(GuardError) as error:
        run(pipeline, **params)
    return str(error.value)
