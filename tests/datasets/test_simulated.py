import pytest
from upath import UPath

from hbac.datasets import simulated


@pytest.fixture
def raw_dir(tmp_path):
    (tmp_path / "train.csv").write_text("simulated")
    (tmp_path / "train_eegs").mkdir()
    folder = UPath(tmp_path)
    simulated.begin(folder)
    simulated.note_table(folder, "train.csv")
    simulated.note_files(folder)
    return folder


def test_a_table_is_known_by_its_content(raw_dir):
    assert simulated.foreign_files(raw_dir) == []
    (raw_dir / "train.csv").write_text("real")
    (raw_dir / "test.csv").write_text("real")
    assert simulated.foreign_files(raw_dir) == ["train.csv", "test.csv"]


def test_a_recording_that_no_run_made_is_foreign(raw_dir):
    (raw_dir / "train_eegs/1.parquet").write_text("real")
    assert simulated.foreign_files(raw_dir) == ["train_eegs/1.parquet"]


@pytest.mark.parametrize("mark", ["", "{}", "[1]", '{"tables": 1, "files": {}}'])
def test_a_mark_that_says_nothing_vouches_for_nothing(raw_dir, mark):
    (raw_dir / simulated.MARK).write_text(mark)
    assert simulated.foreign_files(raw_dir) == ["train.csv"]


def test_a_mark_that_says_the_same_is_not_written_again(raw_dir):
    before = (raw_dir / simulated.MARK).stat().st_mtime_ns
    simulated.begin(raw_dir)
    simulated.note_table(raw_dir, "train.csv")
    simulated.note_files(raw_dir)
    assert (raw_dir / simulated.MARK).stat().st_mtime_ns == before
