"""Which of Kedro's runners may run what, and what an interrupted run leaves to the next."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from types import SimpleNamespace

import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Node, Pipeline

from hbac.datasets import RecordDataset
from hbac.hooks import RunnerHook, SummaryHook
from hbac.hooks.refusal import GuardError
from hbac.tracking.current import current_run
from tests.tracking.test_hook import HISTORY, INPUTS, OTHER, PIPELINE, runs, start, train

FOLDS = Pipeline(
    [
        Node(
            train,
            ["model_input", "fold_0_split"],
            [f"fold_{number}.compact.model", f"fold_{number}.compact.history"],
            name="train_fold",
            namespace=f"modeling.fold_{number}.compact",
            tags="training",
        )
        for number in range(4)
    ]
)


def names_and_statuses(root):
    return {name: run.info.status for name, run in runs(root).items()}


def test_training_is_refused_under_kedros_processes():
    with pytest.raises(GuardError, match=r"ParallelRunner can't train networks.*n_jobs=N"):
        RunnerHook().before_pipeline_run({"runner": "<x.ParallelRunner object>"}, PIPELINE)
    RunnerHook().before_pipeline_run({"runner": "ParallelRunner"}, Pipeline([OTHER]))
    for runner in ("SequentialRunner", "ThreadRunner", None):
        RunnerHook().before_pipeline_run({"runner": runner}, PIPELINE)


def test_folds_that_are_trained_side_by_side_have_a_run_each(hook, root):
    start(hook, FOLDS)
    all_open, seen = threading.Barrier(len(FOLDS.nodes)), {}

    def run(node):
        hook.before_node_run(node, INPUTS)
        all_open.wait(timeout=60)
        seen[node.namespace] = current_run().run_id
        hook.after_node_run(node, {node.outputs[1]: HISTORY})

    with ThreadPoolExecutor(len(FOLDS.nodes)) as pool:
        list(pool.map(run, FOLDS.nodes))
    hook.after_pipeline_run()
    assert names_and_statuses(root) == dict.fromkeys(
        ["seed modeling 1", *(f"fold_{number}.compact" for number in range(4))], "FINISHED"
    )
    assert len(set(seen.values())) == 4


def test_one_fold_that_fails_beside_another_fails_alone(hook, root):
    start(hook, FOLDS)
    first, second, *_ = FOLDS.nodes
    hook.before_node_run(first, INPUTS)
    hook.before_node_run(second, INPUTS)
    hook.on_node_error(first)
    hook.after_node_run(second, {second.outputs[1]: HISTORY})
    hook.on_pipeline_error()
    statuses = names_and_statuses(root)
    assert statuses[".".join(first.namespace.split(".")[1:])] == "FAILED"
    assert statuses[".".join(second.namespace.split(".")[1:])] == "FINISHED"


def test_the_next_run_in_a_process_ends_what_an_interrupted_one_left(hook, root):
    before = threading.active_count()
    start(hook, FOLDS)
    hook.before_node_run(FOLDS.nodes[0], INPUTS)
    hook.after_context_created(SimpleNamespace(project_path=root))
    assert set(names_and_statuses(root).values()) == {"KILLED"}
    assert threading.active_count() == before


def test_the_stop_button_of_a_notebook_ends_runs_with_their_cell(hook, root):
    pytest.importorskip("IPython")
    from IPython.testing.globalipapp import get_ipython, start_ipython

    shell = start_ipython() or get_ipython()
    shell.user_ns |= {
        "begin": lambda: (start(hook), hook.before_node_run(PIPELINE.nodes[0], INPUTS))
    }
    shell.run_cell("begin()\nraise KeyboardInterrupt")
    assert set(names_and_statuses(root).values()) == {"KILLED"}
    assert len(runs(root)) == 2


def _start_node(hook, node):
    hook.before_node_run(node)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_nodes_that_other_processes_ran_are_told_of(tmp_path, capsys, method):
    hook = SummaryHook()
    loader = SimpleNamespace(runtime_params={})
    hook.after_context_created(SimpleNamespace(project_path=tmp_path, config_loader=loader))
    hook.before_pipeline_run(Pipeline([OTHER]))
    child = get_context(method).Process(
        target=_start_node, args=(SummaryHook() if method == "spawn" else hook, OTHER)
    )
    child.start()
    child.join()
    assert child.exitcode == 0
    catalog = DataCatalog({"c": RecordDataset(filepath=str(tmp_path / "c.json"))})
    hook.after_pipeline_run(catalog)
    printed = capsys.readouterr().out
    assert "Made:" in printed
    assert "c.json" in printed


def test_a_process_of_kedros_opens_no_run(hook, root):
    start(hook)
    child = os.fork()
    if not child:
        hook.before_node_run(OTHER, {})
        os._exit(0 if hook._parent is None else 1)
    assert os.waitpid(child, 0)[1] == 0
    hook.after_pipeline_run()
    assert runs(root) == {}
