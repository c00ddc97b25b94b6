from types import SimpleNamespace

import pytest
from kedro.io import DataCatalog

from hbac.datasets import TextDataset
from hbac.hooks import SummaryHook
from hbac.hooks.summary import made_by


@pytest.fixture
def last_words(tmp_path, capsys, monkeypatch):
    """What a run ends with that was given some parameters and environment, and made some files."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def end(runtime_params=None, *, store=None, made=""):
        if store:
            monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
        if made:
            (tmp_path / "report.html").write_text(made)
        loader = SimpleNamespace(runtime_params=runtime_params)
        catalog = DataCatalog({"report": TextDataset(filepath=str(tmp_path / "report.html"))})
        hook = SummaryHook()
        hook.after_context_created(SimpleNamespace(project_path=tmp_path, config_loader=loader))
        hook.before_pipeline_run(SimpleNamespace(nodes=[]))
        hook.after_pipeline_run(catalog)
        return [line.strip().split("   ")[0] for line in capsys.readouterr().out.splitlines()]

    return end


def test_commands_show_what_was_made_where_it_was_made(last_words):
    words = last_words({"raw_dir": "mine", "data_dir": "data/mine", "recipe": "strong"})
    assert "kedro viz run --params raw_dir=mine,data_dir=data/mine" in words
    assert "mlflow ui --backend-store-uri sqlite:///mlflow.db" in words


def test_commands_can_be_pasted(last_words):
    words = last_words({"data_dir": "my data"}, store="sqlite:////tmp/my data/mlflow.db")
    assert "kedro viz run --params 'data_dir=my data'" in words
    assert "mlflow ui --backend-store-uri 'sqlite:////tmp/my data/mlflow.db'" in words


def test_a_report_is_named_first_where_there_is_one(last_words):
    assert "report.html" not in last_words()
    words = last_words(made="<html>")
    assert words[words.index("Look next:") + 1] == "report.html"


def test_runs_are_shown_where_they_are_kept(last_words):
    assert "http://tracker:5000/#/experiments" in last_words(store="http://tracker:5000")
    assert "mlflow ui --backend-store-uri sqlite:///a.db" in last_words(store="sqlite:///a.db")


def test_a_folder_of_several_kinds_of_files_is_named_once(tmp_path):
    kinds = {name: TextDataset(filepath=str(tmp_path / "night.txt")) for name in ("a", "b")}
    node = SimpleNamespace(outputs=["a", "b"])
    assert made_by([node], DataCatalog(kinds), tmp_path) == {"other": ["night.txt"]}
