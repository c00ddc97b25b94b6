"""A parameter that changes nothing is an error that names the one that would."""

from types import SimpleNamespace

import pytest
from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project

from hbac.hooks import FoldsHook
from hbac.hooks.parameters import ParameterFiles, check_effects, check_names
from hbac.hooks.refusal import GuardError
from hbac.hooks.values import check_types, check_uses
from tests.conftest import PROJECT, configuration
from tests.reports.sessions import nested, refusal


@pytest.fixture(scope="module", autouse=True)
def _pipelines():
    bootstrap_project(PROJECT)
    FoldsHook().after_context_created(SimpleNamespace(config_loader=configuration()))


def check(pipeline, **params):
    """As the hooks do before the first node."""
    loader = configuration(**nested(params))
    files = ParameterFiles(loader)
    check_names(files)
    values = loader["parameters"]
    check_types(values, pipelines, files.own_arrivals)
    check_uses(values, files.own_arrivals)
    check_effects(files, [pipeline] if pipeline else None, pipelines)


def refused(pipeline, **params):
    with pytest.raises(GuardError) as error:
        check(pipeline, **params)
    return str(error.value)


@pytest.mark.parametrize(
    ("pipeline", "name", "value", "meant"),
    [
        ("demo", "simulation.patients", 12, "Type demo.simulation.patients instead"),
        ("demo", "modeling.n_folds", 2, "Type demo.modeling.n_folds instead"),
        (None, "demo.modeling.n_folds", 3, "Type modeling.n_folds instead"),
        (None, "recipes.strong.modeling.n_folds", 3, "Type modeling.n_folds instead"),
        (None, "simulation.patients", 12, "It does with --pipeline simulation"),
        ("conversion", "eda.sample_size", 3, "It does with --pipeline eda, or with"),
        ("eda", "modeling.n_folds", 3, "with --pipeline modeling, or without --pipeline"),
        ("external_validation", "modeling.n_folds", 3, "with --pipeline modeling"),
        ("reporting", "eda.sample_size", 3, "with --pipeline eda"),
    ],
)
def test_what_the_run_does_not_read(pipeline, name, value, meant):
    message = refused(pipeline, **{name: value})
    assert message.startswith(f"the parameter {name} changes nothing in a run ")
    assert meant in message


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("modeling.n_fold", "did you mean modeling.n_folds?"),
        ("modeling.trainig.batch_size", "did you mean modeling.training.batch_size?"),
        ("demo.modeling.n_fold", "did you mean demo.modeling.n_folds?"),
        ("demo.modeling.augmentation.miror", "did you mean demo.modeling.augmentation.mirror?"),
        ("batch_size", "modeling.training.batch_size"),
        ("modeling.n_folds.x", "modeling.n_folds has no parameters below it"),
        ("modeling.quux", "modeling has augmentation, blend, "),
        ("raw_dri", "did you mean raw_dir?"),
        ("quux", "known are backend, data_dir, demo, "),
        ("quux", "oof_predictions, pretraining, "),
    ],
)
def test_what_nobody_knows(name, meant):
    message = refused("demo", **{name: 3})
    assert message.startswith(f"there is no parameter {name!r}; ")
    assert meant in message


def test_what_means_nothing_beside_other_values():
    message = refused(None, **{"modeling.training.epochs": 2})
    assert message.startswith("the parameter modeling.training.epochs changes nothing while ")
    assert "modeling.training.schedule is 'steps'" in message
    message = refused(None, **{"modeling.waveform.seconds": 10})
    assert "changes nothing while modeling.network.architecture is 'efficientnet_b0" in message


def test_a_group_is_no_value():
    assert "is a group of parameters, received 3" in refused(None, modeling=3)
    assert refused(None, **{"data_dir.x": 3}) == "data_dir is one value: --params data_dir=VALUE"


def test_a_value_of_the_wrong_type_is_named_as_it_was_given():
    message = refusal("demo", **{"demo.modeling.n_folds": "two"})
    assert "  demo.modeling.n_folds: Input should be a valid integer" in message
    assert "received 'two'" in message


def test_a_wrong_value_is_told_once():
    message = refused(None, **{"modeling.network.architecture": "resnet"})
    assert message.count("modeling.network.architecture") == 1
    assert message.count("received 'resnet'") == 1
    assert refused(None, **{"modeling.image.sources": "eeg"}).count("received 'eeg'") == 1


@pytest.mark.parametrize(
    ("pipeline", "params"),
    [
        ("demo", {"demo.simulation.patients": 12, "demo.modeling.augmentation.mirror": 0.5}),
        ("demo", {"eda.sample_size": 3, "recipe": "strong"}),
        (None, {"modeling.n_folds": 5, "eda.sample_size": 200}),
        (None, {"modeling.training.epochs": 2, "modeling.training.schedule": "cosine"}),
        (None, {"recipe": "strong", "recipes.strong.modeling.n_folds": 3}),
        (None, {"recipe": "simulation", "modeling.waveform.seconds": 50}),
        ("conversion", {"recipe": "strong", "n_jobs": 1, "models_dir": "x"}),
    ],
)
def test_what_changes_something_passes(pipeline, params):
    check(pipeline, **params)


def test_it_is_said_before_the_first_node(tmp_path):
    folders = {"raw_dir": str(tmp_path / "raw"), "data_dir": str(tmp_path / "data")}
    message = refusal("demo", **folders, **{"simulation.patients": 12})
    assert message.endswith("Type demo.simulation.patients instead")
    assert list(tmp_path.iterdir()) == []
