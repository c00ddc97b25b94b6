"""Whose a folder is: projects that move, real data in a simulated folder, others' networks."""

import json
import shutil

import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Node, Pipeline
from kedro_datasets.pandas import CSVDataset
from upath import UPath

from hbac.datasets import SimulationMarkDataset
from hbac.hooks.command import Call
from hbac.hooks.guard import GuardError
from hbac.hooks.location import Folders
from hbac.hooks.lock import LockHook, lock
from hbac.hooks.owner import OWNER_MARK, check_models, check_owner, check_predictions
from tests.reports.sessions import refusal, run
from tests.services import write_data_set

pytestmark = pytest.mark.slow

SMALL = {
    "simulation.patients": 6,
    "simulation.sessions_per_patient": [1, 1],
    "simulation.eegs_per_session": [1, 1],
    "simulation.eeg_seconds": [50, 50],
    "simulation.labels_per_eeg": [1, 1],
    "simulation.test_patients": 3,
    "simulation.test_long_seconds": [600, 600],
}


def convert(root, **params):
    run("conversion", raw_dir=str(root / "raw"), data_dir=str(root / "data"), n_jobs=1, **params)


@pytest.fixture
def converted(tmp_path):
    """A folder with a data set and what was made from it."""
    root = tmp_path / "here"
    write_data_set(root / "raw", 1)
    convert(root)
    return root


def test_a_project_that_has_moved_goes_on(converted, tmp_path):
    moved = converted.rename(tmp_path / "there")
    convert(moved)
    assert json.loads((moved / "data" / OWNER_MARK).read_text())["raw_dir"] == str(moved / "raw")


def test_raw_data_that_have_moved_alone_are_the_same(converted, tmp_path):
    (converted / "raw").rename(tmp_path / "elsewhere")
    run("conversion", raw_dir=str(tmp_path / "elsewhere"), data_dir=str(converted / "data"))


def test_another_data_set_in_the_place_of_a_moved_one_is_refused(converted, tmp_path):
    moved = converted.rename(tmp_path / "there")
    shutil.rmtree(moved / "raw")
    write_data_set(moved / "raw", 2)
    with pytest.raises(GuardError) as error:
        convert(moved)
    message = str(error.value)
    assert f"{moved / 'data'} holds what was made from {converted / 'raw'}" in message
    assert f"--params raw_dir={moved / 'raw'},data_dir=data/raw" in message
    assert message.endswith(f"remove {moved / 'data' / OWNER_MARK}")


def test_a_label_that_was_mended_makes_no_other_data_set(converted):
    table = converted / "raw/train.csv"
    table.write_text(table.read_text().replace(",3,", ",4,"))
    convert(converted)


def test_a_raw_dir_that_is_not_there_is_missing_even_where_its_files_are_optional(tmp_path):
    message = refusal("conversion", raw_dir=str(tmp_path / "typo"), data_dir=str(tmp_path / "data"))
    assert f"train_spectrograms: {tmp_path}/typo/train_spectrograms" in message
    assert "kedro run --pipeline demo" in message


def test_a_mark_that_cannot_be_read_is_named(converted):
    (converted / "data" / OWNER_MARK).write_text("")
    with pytest.raises(GuardError, match=r"cannot be read\. Remove it, if"):
        convert(converted)


def test_a_run_that_is_refused_leaves_nothing(tmp_path):
    raw, data = tmp_path / "raw", tmp_path / "data"
    folders = {"raw_dir": str(raw), "data_dir": str(data)}
    refusal("conversion", **folders, max_failure_rate=2)
    refusal(**folders)
    refusal("demo", **folders, **{"simulation.patients": 12})
    assert list(tmp_path.iterdir()) == []
    raw.mkdir()
    (raw / "train.csv").write_text("precious")
    refusal("simulation", **folders)
    assert [path.name for path in tmp_path.rglob("*")] == ["raw", "train.csv"]


def test_a_run_that_the_lock_refuses_leaves_no_mark(tmp_path):
    write_data_set(tmp_path / "raw", 1)
    held = lock(UPath(tmp_path / "data"))
    with pytest.raises(GuardError, match="is being written to"):
        convert(tmp_path)
    held.release()
    assert not (tmp_path / "data" / OWNER_MARK).exists()


@pytest.fixture(scope="module")
def simulation(tmp_path_factory):
    root = tmp_path_factory.mktemp("simulation")
    run("simulation", raw_dir=str(root / "raw"), data_dir=str(root / "data"), **SMALL)
    return root


@pytest.fixture
def simulated(simulation, tmp_path):
    shutil.copytree(simulation, tmp_path / "copy")
    return tmp_path / "copy"


def simulate_again(root):
    run("simulation", raw_dir=str(root / "raw"), data_dir=str(root / "data"), **SMALL)


def is_simulated(root):
    return SimulationMarkDataset(filepath=str(root / "raw/.simulated-by-hbac")).exists()


def test_a_simulation_may_be_made_again(simulated):
    mark = simulated / "raw/.simulated-by-hbac"
    before = mark.read_text()
    assert is_simulated(simulated)
    simulate_again(simulated)
    assert is_simulated(simulated)
    assert mark.read_text() == before


def test_a_simulation_that_was_killed_goes_on(simulated):
    mark = simulated / "raw/.simulated-by-hbac"
    mark.write_text(json.dumps(json.loads(mark.read_text()) | {"files": {}}))
    (simulated / "raw/test.csv").unlink()
    shutil.rmtree(simulated / "raw/test_eegs")
    shutil.rmtree(simulated / "data")
    simulate_again(simulated)


def replace_all(raw):
    """As ``rm -rf raw/*`` does, which leaves hidden files."""
    for path in raw.iterdir():
        if not path.name.startswith("."):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    write_data_set(raw, 2)


def overwrite_a_table(raw):
    (raw / "train.csv").write_text("precious")


def add_a_recording(raw):
    (raw / "train_eegs/1.parquet").write_text("precious")


def overwrite_a_recording(raw):
    next((raw / "test_eegs").glob("*.parquet")).write_text("precious")


@pytest.mark.parametrize(
    "change", [replace_all, overwrite_a_table, add_a_recording, overwrite_a_recording]
)
def test_real_data_in_a_simulated_folder_are_never_written_to(simulated, change):
    change(simulated / "raw")
    before = {path: path.read_bytes() for path in simulated.rglob("*") if path.is_file()}
    with pytest.raises(GuardError, match=r"but hbac did not make .* and never writes to such"):
        simulate_again(simulated)
    assert {path: path.read_bytes() for path in before} == before
    assert not is_simulated(simulated)


def same(data):
    return data


def catalog_of(source, target):
    paths = {"source": source, "oof_predictions": target}
    return DataCatalog({name: CSVDataset(filepath=str(path)) for name, path in paths.items()})


PIPELINE = Pipeline([Node(same, "source", "oof_predictions")])


def folders_of(root, name, models):
    return Folders(UPath(root / name), UPath(root / f"data/{name}"), UPath(models))


@pytest.fixture
def trained(tmp_path):
    """Folders of a data set, from which networks were trained."""
    write_data_set(tmp_path / "first", 1)
    write_data_set(tmp_path / "second", 2)
    models = tmp_path / "data/first/06_models"
    models.mkdir(parents=True)
    (models / "fold_0.compact.keras").write_text("trained for days")
    own = {"raw_dir": str(tmp_path / "first")}
    (tmp_path / "data/first" / OWNER_MARK).write_text(json.dumps(own))
    return tmp_path


def test_networks_of_another_data_set_are_not_trained_over(trained):
    models = trained / "data/first/06_models"
    folders = folders_of(trained, "second", models)
    catalog = catalog_of(trained / "second/train.csv", models / "new.keras")
    call = Call(folders=tuple((name, str(path)) for name, path in folders._asdict().items()))
    with pytest.raises(GuardError) as error:
        check_models(PIPELINE, catalog, folders, call)
    message = str(error.value)
    assert f"networks trained on {trained / 'first'}. To score them" in message
    assert "kedro run --pipeline external_validation --params raw_dir=" in message
    assert f"models_dir={models}\n" in message
    # Whoever only reads them may.
    check_models(PIPELINE, catalog_of(models / "x", trained / "elsewhere"), folders, call)


def test_external_validation_without_its_name_is_refused(trained):
    data, models = trained / "data/second", trained / "data/first/06_models"
    message = refusal(raw_dir=str(trained / "second"), data_dir=str(data), models_dir=str(models))
    assert message.startswith(f"this run would train into {models}, which holds networks trained ")
    assert "kedro run --pipeline external_validation --params " in message
    assert not data.exists()
    assert [path.name for path in models.iterdir()] == ["fold_0.compact.keras"]


def test_networks_of_nobody_are_not_trained_over(trained):
    (trained / "data/first" / OWNER_MARK).unlink()
    models = trained / "data/first/06_models"
    folders = folders_of(trained, "second", models)
    catalog = catalog_of(trained / "second/train.csv", models / "new.keras")
    with pytest.raises(GuardError, match="of which nobody knows the data"):
        check_models(PIPELINE, catalog, folders, Call())


def test_simulated_networks_are_trained_again_and_never_over_those_of_a_data_set(trained):
    models = trained / "data/first/06_models"
    folders = folders_of(trained, "second", models)
    # What pretraining reads lies in no raw_dir.
    catalog = catalog_of(trained / "planned.csv", models / "new.keras")
    with pytest.raises(GuardError, match="holds networks trained on"):
        check_models(PIPELINE, catalog, folders, Call())
    (trained / "data/first" / OWNER_MARK).unlink()
    check_models(PIPELINE, catalog, folders, Call())


@pytest.mark.parametrize("place", ["data/first/06_models", "data/first/other_models"])
def test_ones_own_networks_and_a_new_folder_are_trained_into(trained, place):
    models = trained / place
    name = "first" if models.exists() else "second"
    folders = folders_of(trained, name, models)
    catalog = catalog_of(trained / name / "train.csv", models / "new.keras")
    check_models(PIPELINE, catalog, folders, Call())


def test_a_folder_of_networks_is_locked_from_wherever_it_is_written_to(trained):
    models = trained / "data/first/06_models"
    hook = LockHook()
    hook._folders = folders_of(trained, "first", models)
    held = lock(UPath(models))
    catalog = catalog_of(trained / "first/train.csv", models / "new.keras")
    with pytest.raises(GuardError, match="is being written to by"):
        hook.before_pipeline_run(PIPELINE, catalog)
    held.release()


def test_predictions_that_were_named_to_be_scored_are_not_written_over(tmp_path):
    folders = folders_of(tmp_path, "first", tmp_path / "models")
    (tmp_path / "oof.csv").write_text("another run's")
    catalog = catalog_of(tmp_path / "first/train.csv", tmp_path / "oof.csv")
    with pytest.raises(GuardError, match=r"--pipeline evaluation --params oof_predictions="):
        check_predictions(PIPELINE, catalog, folders, Call())


def test_two_data_sets_never_share_a_folder(trained):
    folders = Folders(
        UPath(trained / "second"), UPath(trained / "data/first"), UPath(trained / "m")
    )
    catalog = catalog_of(trained / "second/train.csv", trained / "data/first/out.csv")
    with pytest.raises(GuardError, match=f"holds what was made from {trained / 'first'}; two"):
        check_owner(PIPELINE, catalog, folders, Call())


def test_a_pipeline_without_raw_data_claims_no_folder(trained):
    folders = Folders(
        UPath(trained / "second"), UPath(trained / "data/first"), UPath(trained / "m")
    )
    catalog = catalog_of(trained / "data/first/in.csv", trained / "data/first/out.csv")
    check_owner(PIPELINE, catalog, folders, Call())
