from hbac.pipelines.modeling.params import ModelingParams
from hbac.tracking.parameters import flatten, readable_parameters
from tests.conftest import recipe


def shown(name, **changes):
    parameters = recipe(name)
    modeling = ModelingParams(**parameters["modeling"])
    groups = {"modeling": modeling, "spectrogram": parameters["spectrogram"], "recipe": name}
    return readable_parameters(groups | changes)


def test_parameters_are_flattened_to_names():
    assert flatten({"a": {"b": 1, "c": [1, 2]}}, "m") == {"m.a.b": 1, "m.a.c": [1, 2]}


def test_values_are_written_as_in_the_yaml_files():
    strong = shown("strong")
    assert strong["modeling.blend"] == "true"
    assert strong["spectrogram.wavelet"] == "null"
    assert strong["spectrogram.band_pass"] == "[0.5, 20.0]"
    assert strong["modeling.network.architecture"] == "efficientnet_b2+efficientnet_1d"
    assert strong["recipe"] == "strong"


def test_only_what_makes_networks_differ_is_shown():
    simulation = {"patients": 8, "ambiguity": 0.2, "mains_frequency": 60}
    names = set(shown("seed", simulation=simulation, eda={"seed": 1}, evaluation={"draws": 9}))
    assert len(names) < 65
    assert not {"modeling.network.jit_compile", "modeling.training.feed"} & names
    assert {name for name in names if name.split(".")[0] not in ("modeling", "spectrogram")} == {
        "recipe",
        "simulation.patients",
        "simulation.ambiguity",
    }


def test_what_has_no_effect_is_left_out():
    seed, strong = shown("seed"), shown("strong")
    assert "modeling.training.learning_rates" in seed
    assert not {"modeling.training.epochs", "modeling.training.second_stage_epochs"} & set(seed)
    assert "modeling.training.teacher_votes" in seed
    assert "modeling.training.teacher_fewest_votes" not in seed
    assert "modeling.training.epochs" in strong
    assert not {"modeling.training.learning_rates", "spectrogram.noise"} & set(strong)
    of_waveforms = {"modeling.waveform.seconds", "modeling.augmentation.noise"}
    of_waveforms.add("modeling.network.waveform_pooling")
    assert of_waveforms <= set(strong)
    assert not of_waveforms & set(seed)
