import click
import numpy as np
import pytest
from kedro.io import DataCatalog, DatasetError

from hbac.datasets import EEGDataset, LabelsDataset
from hbac.eeg.votes import vote_fractions
from hbac.hooks import PlainHook


def error_of(function, *args):
    try:
        function(*args)
    except Exception as error:
        return error
    raise AssertionError(f"{function} raised nothing")


def end_at_the_command_line(error):
    with click.Context(click.Command("run")):
        PlainHook().on_pipeline_error(error)


def catalog(tmp_path):
    (tmp_path / "train.csv").write_text("eeg_id,patient_id\n5,x\n")
    return DataCatalog(
        {
            "labels": LabelsDataset(votes=True, filepath=str(tmp_path / "train.csv")),
            "eeg": EEGDataset(filepath=str(tmp_path / "train.csv")),
        }
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [("labels", "lacks the columns"), ("eeg", "is not a readable parquet file")],
)
def test_what_is_wrong_with_a_file_is_said_without_a_traceback(tmp_path, name, words):
    error = error_of(catalog(tmp_path).load, name)
    with pytest.raises(click.ClickException, match=words) as said:
        end_at_the_command_line(error)
    assert said.value.message == str(error)


def test_what_is_wrong_with_a_value_is_said_without_a_traceback():
    with pytest.raises(click.ClickException, match="votes must be at least 0"):
        end_at_the_command_line(error_of(vote_fractions, np.zeros((1, 6))))


@pytest.mark.parametrize(
    "error",
    [
        error_of(np.concatenate, []),
        error_of(vote_fractions, ["many"]),
        error_of(DataCatalog().load, "absent"),
        error_of({}.__getitem__, "absent"),
        DatasetError("never raised"),
    ],
    ids=str,
)
def test_a_fault_of_the_program_keeps_its_traceback(error):
    end_at_the_command_line(error)


def test_a_session_in_python_keeps_the_error_as_it_is():
    PlainHook().on_pipeline_error(error_of(vote_fractions, np.zeros((1, 6))))
