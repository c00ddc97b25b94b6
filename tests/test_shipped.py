"""What ships with the package beside its code."""

import numpy as np
import pytest

from hbac.eeg.simulation import plan_cohort
from hbac.eeg.votes import VOTE_COLUMNS
from hbac.evaluation import kl_divergence
from hbac.models import predict_with_networks
from hbac.models.preprocessing import waveforms_of
from hbac.models.reference import check_reference
from hbac.models.waveform import mirror_waveforms
from hbac.pipelines.modeling.input_nodes import assemble_waveforms
from hbac.pipelines.simulation.nodes import simulate_train_eegs
from hbac.shipped import pretrained_dir
from tests.conftest import PROJECT, recipe
from tests.shipped import SHIPPED, shipped_networks

MOST_BYTES = 4 * 2**20


def test_networks_lie_in_the_package():
    assert pretrained_dir() == PROJECT / "src/hbac/pretrained"


def test_they_are_small():
    files = [path for path in pretrained_dir().rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES


def test_there_is_nothing_but_networks_their_record_and_their_card():
    named = {f"{one['name']}.keras" for one in SHIPPED["networks"]}
    there = {path.name for path in pretrained_dir().iterdir() if not path.name.startswith(".")}
    assert there == {*named, "ensemble.json", "README.md"}


def test_they_see_the_eeg_alone():
    assert {one["input"] for one in SHIPPED["networks"]} == {"waveform"}


def test_they_are_fed_as_they_were():
    check_reference("waveform", SHIPPED)


def test_the_card_says_that_they_are_not_for_clinical_use():
    assert "not for clinical use" in (pretrained_dir() / "README.md").read_text()


@pytest.fixture(scope="module")
def strangers():
    """Simulated patients of a seed that the networks were not trained on: votes and waveforms."""
    parameters = recipe("simulation")["pretraining_parameters"]["simulation"]
    cohort = plan_cohort(
        **parameters | {"seed": 77, "patients": 60, "schematic": 0.0, "neural_mass": 0.0}
    )
    windows = cohort.train_labels.assign(eeg_offset_seconds=0.0)
    eegs = simulate_train_eegs(cohort.sessions)
    made = assemble_waveforms(windows, eegs, *waveforms_of(SHIPPED))
    votes = windows[list(VOTE_COLUMNS)].to_numpy(float)
    return votes / votes.sum(axis=1, keepdims=True), np.stack([load() for load in made.values()])


@pytest.fixture(scope="module")
def predicted(strangers):
    """What the ensemble says of waveforms."""
    networks = {name: load() for name, load in shipped_networks().items()}
    loaders = {name: lambda network=network: network for name, network in networks.items()}

    def predict(waveforms):
        return predict_with_networks(
            loaders,
            {"waveform": waveforms},
            SHIPPED,
            {"waveform": mirror_waveforms},
            batch_size=32,
        )

    return predict


def test_they_know_simulated_patients_that_they_never_saw(strangers, predicted):
    votes, waveforms = strangers
    prior = np.tile(SHIPPED["prior"], (len(votes), 1))
    own = kl_divergence(votes, predicted(waveforms)).mean()
    assert own < 0.8 * kl_divergence(votes, prior).mean()


def test_left_and_right_are_alike_to_them(strangers, predicted):
    _, waveforms = strangers
    np.testing.assert_allclose(
        predicted(mirror_waveforms(waveforms)), predicted(waveforms), atol=1e-3
    )


def test_neither_unit_nor_gain_matters(strangers, predicted):
    _, waveforms = strangers
    np.testing.assert_allclose(predicted(waveforms * 4), predicted(waveforms), atol=1e-2)


def test_what_is_missing_moves_them_towards_the_prior(strangers, predicted):
    _, waveforms = strangers
    prior = np.tile(SHIPPED["prior"], (len(waveforms), 1))
    seconds, nothing = waveforms.copy(), np.zeros_like(waveforms)
    seconds[:, :, 150:] = 0
    whole, part, none = (
        kl_divergence(prior, predicted(each)).mean() for each in (waveforms, seconds, nothing)
    )
    assert part < 0.5 * whole
    assert none == pytest.approx(0, abs=1e-6)
