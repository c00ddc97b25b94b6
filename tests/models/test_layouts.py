import pytest

from hbac.models.layouts import lay_out_members
from hbac.models.preprocessing import kind_of, kinds_seen, record_of
from tests.conftest import recipe


def record(name, *kinds, **changes):
    """What ``modeling`` would leave of one fold by a recipe, with networks of some kinds."""
    parameters = recipe(name)
    spectrogram = {
        key: value
        for key, value in parameters["spectrogram"].items()
        if key not in ("policy", "dtype")
    }
    own = {key: parameters["modeling"][key] for key in ("image", "waveform")}
    return own | {
        "networks": [
            {"name": f"fold_0.{kind}", "fold": 0, "architecture": kind, "input": kind}
            for kind in kinds
        ],
        "spectrogram": spectrogram | changes.pop("spectrogram", {}),
        "reference": {kind: [[float(len(name))]] for kind in kinds},
        "mirror": name == "strong",
        "prior": [1 / 6] * 6,
        **changes,
    }


def inputs(joined):
    return {entry["name"]: entry["input"] for entry in joined["networks"]}


def test_members_that_see_the_same_share_it():
    same = record("seed", "picture", "waveform")
    joined = lay_out_members({"a": same, "b": same})
    assert inputs(joined) == {
        f"{member}.fold_0.{kind}": kind for member in "ab" for kind in ("picture", "waveform")
    }
    assert joined["layouts"] == {}
    assert [entry["member"] for entry in joined["networks"]] == ["a", "a", "b", "b"]
    assert joined["image"] == same["image"]


def test_what_another_member_sees_has_a_name_and_its_own_parameters():
    first, second = record("seed", "picture"), record("strong", "picture", "waveform")
    joined = lay_out_members({"a": first, "b": second, "c": record("strong", "picture")})
    assert list(inputs(joined).values()) == ["picture", "picture_2", "waveform", "picture_2"]
    assert [*joined["layouts"]] == ["picture_2", "waveform"]
    for name in ("picture_2", "waveform"):
        seen = record_of(joined, name)
        assert seen["spectrogram"] == second["spectrogram"]
        assert seen["reference"][kind_of(name)] == second["reference"][kind_of(name)]
    assert record_of(joined, "picture_2")["image"] == second["image"]
    assert record_of(joined, "picture")["image"] == first["image"]
    assert kinds_seen(joined) == ("picture", "picture_2", "waveform")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"wavelet": "db4"}, "waveform"),
        ({"clip": 100.0}, "waveform_2"),
    ],
)
def test_waveforms_are_told_apart_by_how_they_are_cleaned(changes, name):
    other = record("seed", "waveform", spectrogram=changes)
    joined = lay_out_members({"a": record("seed", "waveform"), "b": other})
    assert inputs(joined)["b.fold_0.waveform"] == name


def test_a_record_of_one_run_speaks_of_all_that_its_networks_see():
    alone = record("seed", "picture", "waveform")
    assert record_of(alone, "picture") == record_of(alone, "waveform") == alone


def test_a_record_of_before_there_was_a_choice_of_panels_sees_what_the_first_one_is():
    new = record("strong", "picture")
    old = new | {
        "image": {key: value for key, value in new["image"].items() if key != "channels"},
        "spectrogram": {
            key: value
            for key, value in new["spectrogram"].items()
            if key not in ("kind", "channels", "montage")
        },
    }
    assert lay_out_members({"a": old, "b": new})["layouts"] == {}
    other = record("strong", "picture", spectrogram={"montage": "average"})
    assert [*lay_out_members({"a": old, "b": other})["layouts"]] == ["picture_2"]
