"""What ships with the package beside its code."""

import json

import pytest

from hbac.shipped import pretrained_dir
from tests.conftest import PROJECT

MOST_BYTES = 4 * 2**20


@pytest.fixture
def shipped():
    """The folder of the shipped networks."""
    folder = pretrained_dir()
    if not (folder / "ensemble.json").exists():
        pytest.skip("no networks were put into the package yet")
    return folder


def test_networks_lie_in_the_package():
    assert pretrained_dir() == PROJECT / "src/hbac/pretrained"


def test_they_are_small(shipped):
    assert sum(path.stat().st_size for path in shipped.rglob("*") if path.is_file()) <= MOST_BYTES


def test_there_is_nothing_but_networks_their_record_and_their_card(shipped):
    named = {
        f"{one['name']}.keras"
        for one in json.loads((shipped / "ensemble.json").read_text())["networks"]
    }
    there = {path.name for path in shipped.iterdir() if not path.name.startswith(".")}
    assert there == {*named, "ensemble.json", "README.md"}


def test_they_see_the_eeg_alone(shipped):
    networks = json.loads((shipped / "ensemble.json").read_text())["networks"]
    assert {one["input"] for one in networks} == {"waveform"}


def test_the_card_says_that_they_are_not_for_clinical_use(shipped):
    assert "not for clinical use" in (shipped / "README.md").read_text()
