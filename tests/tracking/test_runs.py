from types import SimpleNamespace

import pandas as pd
import pytest
from kedro.pipeline import Node, Pipeline

from hbac.tracking import ensemble
from hbac.tracking.hook import JOINING, MlflowHook
from hbac.tracking.runs import folders_of_runs
from tests.tracking.test_hook import runs, start, train_one

DESCRIBE = Node(lambda given: None, "given", "ensemble", name="describe", tags=JOINING)
RECORD = {
    "networks": [
        {"name": f"{member}.fold_0.compact", "member": member, "architecture": "compact"}
        for member in "ab"
    ],
    "members": {name: {"folder": f"data/{name}"} for name in "ab"},
    "blend": {"pool": "linear", "weights": [0.25, 0.75], "bias": [0.0] * 6},
}
POOLS = pd.DataFrame(
    {"tier": ["all", "all", "under 3"], "model": ["ensemble", "pool: mean", "ensemble"]}
).assign(kl=[0.5, 0.6, 0.7])
MEMBERS = pd.DataFrame({"tier": ["all", "under 3"], "member": "a", "weight": 0.25}).assign(
    kl=[0.8, 0.9], gain=[0.01, 0.02]
)


class Loader(dict):
    """A configuration, of which nothing is given at run time."""

    runtime_params = None


@pytest.fixture
def trained(root, monkeypatch):
    """A run of ``modeling`` in a data_dir that is relative to the project."""
    hook = MlflowHook()
    loader = Loader(globals={"data_dir": "data/a"})
    hook.after_context_created(SimpleNamespace(project_path=root, config_loader=loader))
    start(hook)
    train_one(hook)
    hook.after_pipeline_run()
    (run,) = (run for run in runs(root).values() if "data_dir" in run.data.tags)
    monkeypatch.chdir(root)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root}/mlflow.db")
    return run.info.run_id


def test_a_run_is_found_by_its_id(trained, root):
    found = folders_of_runs(["elsewhere", trained])
    assert found == ["elsewhere", str(root / "data/a")]


def test_a_run_that_is_not_there_is_named(trained):
    with pytest.raises(ValueError, match=f"no run {'0' * 32}: name the data_dir"):
        folders_of_runs(["0" * 32])


def test_folders_need_no_store(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert folders_of_runs(["a", "b/c"]) == ["a", "b/c"]
    assert not any(tmp_path.iterdir())


def test_joined_runs_become_a_run_and_a_registered_version(hook, root, monkeypatch):
    asked = {}

    def register(run, record, *, networks, tags):
        asked.update(networks=networks, tags=tags)

    monkeypatch.setattr(ensemble, "register_ensemble", register)
    networks = {f"{entry['name']}.model": entry["name"] for entry in RECORD["networks"]}
    start(hook, Pipeline([DESCRIBE]))
    monkeypatch.setattr(hook, "_catalog", networks)
    hook._parameters = lambda pipeline: {"ensembling.pool": "linear"}
    hook.before_node_run(DESCRIBE, {})
    for name, data in {"ensemble": RECORD, "pool_scores": POOLS, "member_scores": MEMBERS}.items():
        hook.after_dataset_saved(name, data)
    hook.after_pipeline_run()
    (run,) = runs(root).values()
    assert run.data.params == {"ensembling.pool": "linear", "members": "a, b"}
    assert run.data.metrics == {
        "kl.all.model": 0.5,
        "kl.under_3.model": 0.7,
        "member.a.weight": 0.25,
        "member.a.kl": 0.8,
        "member.a.gain": 0.01,
    }
    assert asked["networks"] == {name.removesuffix(".model"): one for name, one in networks.items()}
    assert asked["tags"] == {"member.a": "data/a", "member.b": "data/b"}
