import numpy as np
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from hbac.datasets import FinishedRun, TableDataset
from hbac.eeg.votes import (
    BAND_POWER_COLUMNS,
    CLASSES,
    PREDICTION_COLUMNS,
)
from hbac.models.blend import Blend
from hbac.pipelines.ensembling import create_pipeline
from hbac.pipelines.ensembling.agreement import MembersDifferError, check_members
from hbac.pipelines.ensembling.nodes import (
    collect_members,
    copy_networks,
    describe_members,
    join_members,
    learn_members_blend,
)
from hbac.pipelines.ensembling.params import EnsemblingParams
from hbac.pipelines.evaluation.nodes import check_predictions
from hbac.pipelines.evaluation.params import EvaluationParams
from tests.models.test_layouts import record
from tests.pipelines.ensembles import predictions_table

N = 240
N_FOLDS = 3
LINEAR = EnsemblingParams(pool="linear", tier="all")
PARAMS = EvaluationParams(draws=50, confidence=0.9, n_bins=5, seed=0)


@pytest.fixture(scope="module")
def votes():
    return np.random.default_rng(0).multinomial(12, [0.3, 0.2, 0.2, 0.1, 0.1, 0.1], N) / 12


def run_of(votes, shares, recipe="seed", kind="picture", n_votes=12):
    """A finished run of three folds of one architecture."""
    folds = np.arange(len(votes)) % N_FOLDS
    table = predictions_table(votes, n_votes, folds).assign(
        **dict(zip(PREDICTION_COLUMNS, shares.T, strict=True)),
        **dict.fromkeys(BAND_POWER_COLUMNS, 1 / 6),
    )
    ensemble = record(recipe, kind)
    (entry,) = ensemble["networks"]
    ensemble["networks"] = [
        entry | {"name": f"fold_{fold}.{kind}", "fold": fold} for fold in range(N_FOLDS)
    ]
    ensemble |= {"classes": list(CLASSES), "blend": {"weights": [1.0], "bias": [0.0] * 6}}
    windows = table[["eeg_id", "window"]].assign(eeg_offset_seconds=10.0)
    networks = {one["name"]: lambda: kind.encode() for one in ensemble["networks"]}
    return FinishedRun(
        f"data/{recipe}", ensemble, windows, table, table.assign(input_missing=False), networks
    )


@pytest.fixture
def members(votes):
    """One that is right in seven of ten windows and one that is so in the others."""
    right = np.random.default_rng(1).random(N) < 0.7
    good, wrong = votes * 0.9 + 0.1 / 6, np.roll(votes, 3, axis=1) * 0.9 + 0.1 / 6
    return {
        "a": run_of(votes, np.where(right[:, None], good, wrong)),
        "b": run_of(votes, np.where(right[:, None], wrong, good), "strong", "waveform"),
    }


def changed(run, table="predictions", **columns):
    """The same run with other values in one row of a table."""
    values = getattr(run, table).copy()
    for name, value in columns.items():
        values.loc[7, name] = value
    return FinishedRun(**vars(run) | {table: values})


def test_runs_of_the_same_folds_and_labels_pass(members):
    check_members(members)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fold": 2}, r"patient_id 7 is in fold 1 of the member a and in fold 2 of b"),
        ({"lpd_vote": 5.0}, r"window 0 of eeg_id 17 has lpd_vote 5 in the member b"),
        ({"n_votes": 11}, r"eeg_id 17 has n_votes 11 in the member b .* and 12 in a"),
        (
            {"table": "windows", "eeg_offset_seconds": 12.0},
            r"eeg_id 17 has eeg_offset_seconds 12 in the member b",
        ),
    ],
)
def test_the_first_difference_is_named(members, change, message):
    with pytest.raises(MembersDifferError, match=message):
        check_members(members | {"b": changed(members["b"], **change)})


def test_an_ensemble_of_members_is_no_member(members):
    nested = FinishedRun(**vars(members["b"]) | {"ensemble": {"members": {"x": {}, "y": {}}}})
    with pytest.raises(MembersDifferError, match=r"member b .* is itself an ensemble, of x, y"):
        check_members(members | {"b": nested})


def test_windows_that_a_member_lacks_are_left_out(members, caplog):
    whole = members["b"]
    short = FinishedRun(**vars(whole) | {"predictions": whole.predictions.iloc[3:]})
    table, _ = collect_members({"a": members["a"], "b": short})
    assert table.groupby("member").size().to_dict() == {"a": N - 3, "b": N - 3}
    assert table["eeg_id"].min() == 13
    assert "3 of 240 windows of the member a (data/seed) are left out" in caplog.text


def test_a_network_that_is_not_there_is_named(members):
    del members["b"].networks["fold_1.waveform"]
    with pytest.raises(ValueError, match=r"member b .* lacks the network fold_1\.waveform"):
        copy_networks(members)


def test_weights_are_the_shares_of_windows_that_members_are_right_in(members):
    table, _ = collect_members(members)
    blend = learn_members_blend(table, LINEAR)
    assert blend["pool"] == "linear"
    assert blend["weights"] == pytest.approx([0.7, 0.3], abs=0.06)
    mean = learn_members_blend(table, LINEAR.model_copy(update={"pool": "mean"}))
    assert mean["weights"] == [0.5, 0.5]


def test_a_tier_teaches_alone(members, votes):
    """Windows of few votes, in which the second member alone is right, teach nothing."""
    few = np.arange(N) % 2 == 0
    n_votes = np.where(few, 2, 12)
    good, bad = votes, np.roll(votes, 3, axis=1) * 0.9 + 0.1 / 6
    runs = {
        "a": run_of(votes, np.where(few[:, None], bad, good), n_votes=n_votes),
        "b": run_of(votes, np.where(few[:, None], good, bad), n_votes=n_votes),
    }
    table, _ = collect_members(runs)
    for tier, best in (("10 and more", 0), ("under 3", 1)):
        params = LINEAR.model_copy(update={"tier": tier})
        assert learn_members_blend(table, params)["weights"][best] > 0.9
    with pytest.raises(ValueError, match="'3-9', and outside of fold 0 no window has so many"):
        join_members(table, LINEAR.model_copy(update={"tier": "3-9"}))


def test_each_fold_is_joined_by_what_the_others_teach(members):
    table, _ = collect_members(members)
    joined = join_members(table, LINEAR)
    fold = joined["fold"] == 0
    others = table[table["fold"] != 0]
    weights = learn_members_blend(others, LINEAR)["weights"]
    parts = [
        part.loc[part["fold"] == 0, list(PREDICTION_COLUMNS)] for _, part in table.groupby("member")
    ]
    expected = Blend(tuple(weights), (0.0,) * 6, "linear")([part.to_numpy() for part in parts])
    np.testing.assert_allclose(joined.loc[fold, list(PREDICTION_COLUMNS)], expected)
    assert not {"member", "input_missing"} & set(joined)
    check_predictions(joined)


def test_what_no_network_saw_keeps_its_prior(members):
    """A bias a class, which a log-linear pool learns, must not move it."""
    members = {
        name: changed(run, "network_predictions", input_missing=True)
        for name, run in members.items()
    }
    table, _ = collect_members(members)
    joined = join_members(table, LINEAR.model_copy(update={"pool": "log-linear"}))
    alone = table[table["eeg_id"] == 17][list(PREDICTION_COLUMNS)]
    np.testing.assert_allclose(joined.loc[7, list(PREDICTION_COLUMNS)].astype(float), alone.mean())


def test_the_record_says_of_each_network_whose_it_is_and_what_it_sees(members):
    _, records = collect_members(members)
    blend = {"pool": "linear", "weights": [0.7, 0.3], "bias": [0.0] * 6}
    networks = copy_networks(members)
    ensemble = describe_members(records, blend, networks)
    assert [entry["name"] for entry in ensemble["networks"]] == list(networks)
    assert {entry["member"]: entry["input"] for entry in ensemble["networks"]} == {
        "a": "picture",
        "b": "waveform",
    }
    assert ensemble["members"]["b"]["mirror"] is True
    assert ensemble["members"]["b"]["folder"] == "data/strong"
    assert ensemble["layouts"]["waveform"]["spectrogram"]["clip"] == 500.0
    assert ensemble["blend"] == blend
    networks.pop("b.fold_2.waveform")
    with pytest.raises(ValueError, match=r"\['b.fold_2.waveform'\] were not copied"):
        describe_members(records, blend, networks)


def test_the_pipeline_says_what_each_member_adds(members, tmp_path):
    """The third member is the first again, and adds nothing to it."""
    inputs = {
        "members": members | {"c": members["a"]},
        "params:ensembling": LINEAR,
        "params:evaluation": PARAMS,
    }
    tables = ("member_scores", "pool_scores", "member_correlations")
    catalog = DataCatalog(
        {name: MemoryDataset(value, copy_mode="assign") for name, value in inputs.items()}
        | {name: TableDataset(filepath=f"{tmp_path}/{name}.parquet") for name in tables}
    )
    made = SequentialRunner().run(create_pipeline(), catalog)
    scores = catalog["member_scores"].load()
    of_all = scores[scores["tier"] == "all"].set_index("member")
    assert of_all["weight"].sum() == pytest.approx(1)
    assert of_all.loc["b", "gain_low"] > 0.05
    assert of_all.loc[["a", "c"], "gain"].abs().max() < 0.01
    assert (of_all["kl_low"] < of_all["kl"]).all()
    pools = catalog["pool_scores"].load()
    kl = pools[pools["tier"] == "all"].set_index("model")["kl"]
    assert kl["ensemble"] == kl["pool: linear"]
    assert kl["pool: mean"] < kl["member: a"] < kl["member: b"]
    alike = catalog["member_correlations"].load()
    assert alike.loc["a", "c"] == pytest.approx(1)
    assert alike.loc["a", "b"] < 0.5
    assert len(made["ensemble"].load()["networks"]) == 3 * N_FOLDS
    assert len(made["members_figure"].load().axes) == 3
