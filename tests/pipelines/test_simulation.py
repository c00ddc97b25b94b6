import pickle
from pathlib import Path

import numpy as np
import pytest
import yaml
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from pydantic import ValidationError

from hbac.datasets.fingerprint import task_fingerprint
from hbac.eeg import CHANNELS, regional_spectrogram
from hbac.eeg.regional import COLUMNS
from hbac.eeg.simulation import simulate_session
from hbac.pipelines.simulation import create_pipeline, nodes
from hbac.pipelines.simulation.params import SimulationParams


def parameters(**changes):
    path = Path(__file__).parents[2] / "conf/base/parameters_simulation.yml"
    return yaml.safe_load(path.read_text())["simulation"] | {"seed": 1, "patients": 4} | changes


@pytest.fixture(scope="module")
def made():
    catalog = DataCatalog({"params:simulation": MemoryDataset(SimulationParams(**parameters()))})
    outputs = SequentialRunner().run(create_pipeline(), catalog)
    return {name: output.load() for name, output in outputs.items()}


@pytest.fixture(scope="module")
def sessions():
    return nodes.plan_cohort(SimulationParams(**parameters()))[2]


def test_every_label_has_its_files(made):
    assert set(made["train_eegs"]) == set(made["train_labels"]["eeg_id"].astype(str))
    spectrogram_ids = made["train_labels"]["spectrogram_id"].astype(str)
    assert set(made["train_spectrograms"]) == set(spectrogram_ids)
    assert set(made["test_eegs"]) == set(made["test_labels"]["eeg_id"].astype(str))


def test_some_test_rows_have_no_spectrogram(made):
    ids = set(made["test_labels"]["spectrogram_id"].astype(str))
    assert ids - set(made["test_spectrograms"]) == {"-1"}


def test_partitions_evaluate_to_an_eeg_and_its_own_spectrogram(made, sessions):
    planned = sessions[0]
    excerpt = planned.excerpts[0]
    eeg = made["train_eegs"][str(excerpt.eeg_id)]()
    table = made["train_spectrograms"][str(planned.spectrogram_id)]()
    whole = simulate_session(planned.session)
    assert eeg.channels == CHANNELS
    np.testing.assert_array_equal(eeg.data, whole.crop(excerpt.start, excerpt.seconds).data)
    np.testing.assert_array_equal(table[list(COLUMNS)], regional_spectrogram(whole))


def test_test_files_have_the_competitions_lengths(made):
    paired = next(iter(made["test_spectrograms"].values()))()
    assert len(paired) == 300
    seconds = {task.seconds for task in made["test_eegs"].values()}
    assert 50 in seconds
    assert max(seconds) >= 600


def test_partitions_travel_and_are_told_apart_by_value(made, sessions):
    again = nodes.simulate_train_eegs(sessions)
    for name, task in made["train_eegs"].items():
        travelled = pickle.loads(pickle.dumps(task))
        for other in (again[name], travelled):
            assert task_fingerprint(task) == task_fingerprint(other)
    assert len({task_fingerprint(task) for task in again.values()}) == len(again)


def test_a_simulated_eeg_takes_the_place_of_a_file(sessions):
    eeg = next(iter(nodes.simulate_train_eegs(sessions).values()))
    some = eeg(channels=("O1", "Fp1"))
    assert some.channels == ("O1", "Fp1")
    assert some.data.shape[1] == eeg.length()
    np.testing.assert_array_equal(some.data, eeg().pick(("O1", "Fp1")).data)


def test_without_spectrograms_there_is_no_file_of_one():
    params = SimulationParams(**parameters(spectrograms=False))
    labels, _, sessions = nodes.plan_cohort(params)
    assert nodes.simulate_train_spectrograms(sessions) == {}
    assert nodes.simulate_test_spectrograms(sessions) == {}
    assert set(nodes.simulate_train_eegs(sessions)) == set(labels["eeg_id"].astype(str))


def test_yaml_holds_every_parameter_and_a_typo_is_refused():
    assert set(parameters()) == set(SimulationParams.model_fields)
    with pytest.raises(ValidationError, match="patient_count"):
        SimulationParams(**parameters(patient_count=3))
    for name in parameters():
        incomplete = {key: value for key, value in parameters().items() if key != name}
        with pytest.raises(ValidationError, match=name):
            SimulationParams(**incomplete)


@pytest.mark.parametrize(
    "changes",
    [
        {"patients": 0},
        {"test_patients": 2},
        {"eeg_seconds": [40, 60]},
        {"eeg_seconds": [90, 60]},
        {"test_long_seconds": [300, 700]},
        {"gap_fraction": 1.5},
        {"ambiguity": 1.0},
        {"schematic": 0.6, "neural_mass": 0.5},
    ],
)
def test_sizes_that_cannot_be_are_refused(changes):
    with pytest.raises(ValidationError, match=next(iter(changes))):
        SimulationParams(**parameters(**changes))
