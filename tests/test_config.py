"""Configuration that several ask for is read once."""

import pytest

from hbac.config import ConfigLoader


@pytest.fixture
def loader(tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "base/globals.yml").write_text("seed: 1\n")
    (tmp_path / "base/parameters.yml").write_text("eda: {sample_size: 3}\n")
    return ConfigLoader(str(tmp_path), base_env="base", default_run_env="base")


def test_files_are_read_once(loader, tmp_path):
    assert loader["parameters"] == {"eda": {"sample_size": 3}}
    (tmp_path / "base/parameters.yml").write_text("eda: {sample_size: 4}\n")
    assert loader["parameters"] == {"eda": {"sample_size": 3}}


def test_what_one_changes_no_other_sees(loader):
    loader["parameters"]["eda"]["sample_size"] = 5
    assert loader["parameters"] == {"eda": {"sample_size": 3}}


def test_what_is_set_holds(loader):
    assert loader["globals"] == {"seed": 1}
    loader["globals"] = {"seed": 2}
    assert loader["globals"] == {"seed": 2}


def test_what_is_not_there_is_an_error(loader):
    with pytest.raises(KeyError, match="quux"):
        loader["quux"]
