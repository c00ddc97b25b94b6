import click
import pytest
from kedro.framework.cli.utils import find_run_command

from hbac.cli import run, split_params


def read(text):
    return split_params(click.Context(run), None, text)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("members=[a/b,c],data_dir=d", {"members": ["a/b", "c"], "data_dir": "d"}),
        ("x.y=[12.0,60.0], seed=3", {"x": {"y": [12.0, 60.0]}, "seed": 3}),
        ("raw_dir=a,data_dir=b]", {"raw_dir": "a", "data_dir": "b]"}),
        (r'raw_dir="a\u002cb",n_jobs=2', {"raw_dir": "a,b", "n_jobs": 2}),
        ("recipe=strong,", {"recipe": "strong"}),
        ("", {}),
    ],
)
def test_lists_keep_their_commas(text, values):
    assert read(text) == values


@pytest.mark.parametrize("text", ["members", "a=1,b", "=3"])
def test_what_names_no_value_is_refused(text):
    with pytest.raises(click.UsageError, match="NAME=VALUE"):
        read(text)


def test_kedro_and_hbac_run_by_it():
    assert find_run_command("hbac") is run
    named = {option.name: option for option in run.params}
    assert named["params"].callback is split_params
    assert named["pipeline"].callback is not split_params
