import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from matplotlib.figure import Figure

from hbac.eeg.votes import BAND_POWER_COLUMNS, PREDICTION_COLUMNS, VOTE_COLUMNS, VOTE_COUNT_COLUMNS
from hbac.pipelines.evaluation import create_pipeline
from hbac.pipelines.evaluation.nodes import check_predictions
from hbac.pipelines.evaluation.params import EvaluationParams

PROJECT = Path(__file__).parents[2]
ONE_VOTE = {"n_votes": 1} | dict(zip(VOTE_COUNT_COLUMNS, np.eye(6, dtype=int)[0], strict=True))


@pytest.fixture
def predictions():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "eeg_id": np.arange(40),
            "patient_id": np.arange(40) // 4,
            "fold": np.arange(40) % 2,
            "n_votes": rng.integers(1, 20, 40),
        }
    )
    votes, guesses = rng.dirichlet(np.ones(6), (2, 40))
    counts = rng.multinomial(table["n_votes"], votes)
    return table.assign(
        **dict(zip(VOTE_COUNT_COLUMNS, counts.T, strict=True)),
        **dict(zip(VOTE_COLUMNS, votes.T, strict=True)),
        **dict(zip(PREDICTION_COLUMNS, guesses.T, strict=True)),
    )


class KeptDataset(MemoryDataset):
    """Keeps what lies between two nodes, which runners otherwise let go."""

    def _release(self):
        pass


def run(predictions, *wanted):
    """Run what makes the named outputs, or all of it, and return every output."""
    pipeline = create_pipeline()
    if wanted:
        pipeline = pipeline.to_outputs(*wanted)
    names = pipeline.all_outputs()
    catalog = DataCatalog({name: KeptDataset() for name in names})
    params = EvaluationParams(draws=40, confidence=0.95, n_bins=5, seed=0)
    catalog["oof_predictions"] = MemoryDataset(predictions)
    catalog["params:evaluation"] = MemoryDataset(params)
    SequentialRunner().run(pipeline, catalog)
    return {name: catalog.load(name) for name in names}


def summarise(predictions):
    return run(predictions, "metrics")["metrics"]


def names_of(record, prefix=""):
    """Names of a record's numbers, joined by dots, without the folds."""
    if not isinstance(record, dict):
        return {prefix}
    items = record.items() if not prefix.endswith("by_fold") else ()
    return {name for key, item in items for name in names_of(item, f"{prefix}.{key}")}


def with_band_power(predictions):
    votes = predictions[list(VOTE_COLUMNS)].to_numpy()
    shares = dict(zip(BAND_POWER_COLUMNS, (0.9 * votes + 0.1 / 6).T, strict=True))
    return predictions.assign(**shares)


def test_it_runs_alone_on_any_table_of_predictions(predictions):
    made = run(predictions)
    metrics = made["metrics"]
    votes = predictions[list(VOTE_COLUMNS)].to_numpy()
    guesses = predictions[list(PREDICTION_COLUMNS)].to_numpy()
    expected = (votes * np.log(votes / guesses)).sum(axis=1).mean()
    assert metrics["kl"]["all"]["model"] == pytest.approx(expected)
    assert metrics["kl"]["all"]["uniform"] == pytest.approx(
        (votes * np.log(votes * 6)).sum(axis=1).mean()
    )
    assert metrics["kl"]["all"]["band power"] is None
    assert metrics["kl"]["all"]["n"] == metrics["n_windows"] == 40
    assert sum(metrics["kl"][tier]["n"] for tier in ("under 3", "3-9", "10 and more")) == 40
    assert np.sum(metrics["confusion"]) == pytest.approx(40)
    figures = [name for name in made if name.endswith("_figure")]
    assert len(figures) == 5
    assert all(isinstance(made[name], Figure) for name in figures)
    titles = [made[name].get_suptitle() for name in figures if "agreement" not in name]
    assert all("n = 40 windows of 10 patients" in title for title in titles)


def test_scores_lie_in_their_intervals(predictions):
    metrics = summarise(predictions)
    interval = metrics["kl_interval"]["all"]["model"]
    assert interval["low"] < metrics["kl"]["all"]["model"] < interval["high"]
    for name, auroc in metrics["auroc"].items():
        assert metrics["auroc_interval"][name]["low"] <= auroc
    pairs = metrics["agreement"]["expert-expert"]["kappa"]
    assert pairs["low"] < pairs["value"] < pairs["high"]
    json.dumps(metrics, allow_nan=False)


def test_the_record_has_the_same_names_in_every_run(predictions):
    full = summarise(with_band_power(predictions))
    alone = predictions.head(22).assign(patient_id=1, fold=-1, **ONE_VOTE)
    assert names_of(full) == names_of(summarise(alone))


def test_predictions_from_band_power_are_a_baseline(predictions):
    made = run(with_band_power(predictions), "metrics")
    models = ["model", "band power", "class prior", "uniform"]
    assert made["kl_by_tier"]["model"].unique().tolist() == models
    difference = made["metrics"]["kl_difference"]["all"]["band power"]
    kl = made["metrics"]["kl"]["all"]
    assert difference["value"] == pytest.approx(kl["model"] - kl["band power"])
    assert difference["low"] > 0


def test_a_network_that_beats_no_baseline_is_warned_of(predictions, caplog):
    made = run(predictions, "metrics", "kl_by_tier_figure")
    warnings = made["metrics"]["warnings"]
    assert [w.split(":")[0].split()[-1] for w in warnings] == ["prior", "uniform"]
    assert [r.getMessage() for r in caplog.records if r.levelname == "WARNING"] == warnings
    written = made["kl_by_tier_figure"].get_supxlabel().replace("\n", " ")
    assert written == " ".join(warnings)


def test_a_network_that_beats_all_is_not(predictions):
    votes = predictions[list(VOTE_COLUMNS)].to_numpy()
    good = dict(zip(PREDICTION_COLUMNS, (0.9 * votes + 0.1 / 6).T, strict=True))
    made = run(predictions.assign(**good), "metrics", "kl_by_tier_figure")
    assert made["metrics"]["warnings"] == []
    assert made["kl_by_tier_figure"].get_supxlabel() == ""


def test_each_fold_has_a_temperature(predictions):
    made = run(predictions, "metrics", "reliability_curve")
    temperature = made["metrics"]["calibration"]["temperature"]
    assert temperature["by_fold"] == {
        "0": pytest.approx(made["temperatures"]["temperature"][0]),
        "1": pytest.approx(made["temperatures"]["temperature"][1]),
    }
    assert temperature["kl_after"]["value"] < temperature["kl_before"]["value"]
    assert made["reliability_curve"]["predictions"].nunique() == 2


def test_one_fold_alone_has_no_temperature(predictions):
    made = run(predictions.assign(fold=-1), "metrics", "reliability_curve")
    temperature = made["metrics"]["calibration"]["temperature"]
    assert temperature["by_fold"] == {"-1": None}
    assert temperature["kl_before"]["value"] is not None
    assert temperature["kl_after"]["value"] is None
    assert made["reliability_curve"]["predictions"].unique().tolist() == ["as predicted"]


@pytest.mark.filterwarnings("error::RuntimeWarning", "error::UserWarning")
@pytest.mark.parametrize(
    "change",
    [
        {"fold": -1, "patient_id": 1} | ONE_VOTE,
        {"patient_id": range(22)},
        ONE_VOTE | dict(zip(VOTE_COLUMNS, np.eye(6)[0], strict=True)),
        dict(zip(PREDICTION_COLUMNS, np.eye(6)[5], strict=True)),
    ],
)
def test_few_or_uniform_windows_make_no_noise(predictions, change):
    json.dumps(summarise(predictions.head(22).assign(**change)), allow_nan=False)


@pytest.mark.filterwarnings("error::RuntimeWarning", "error::UserWarning")
def test_what_does_not_exist_can_be_drawn(predictions):
    votes = dict(zip(VOTE_COLUMNS, np.eye(6)[0], strict=True))
    for name, data in run(predictions.head(22).assign(patient_id=1, **ONE_VOTE, **votes)).items():
        if name.endswith("_figure"):
            data.savefig(io.BytesIO(), dpi=30)


@pytest.mark.filterwarnings("error::RuntimeWarning", "error::UserWarning")
def test_a_single_window_is_scored(predictions):
    metrics = summarise(predictions.head(1))
    assert metrics["kl"]["all"]["n"] == 1
    assert metrics["kl_interval"]["all"]["model"] == {"low": None, "high": None}


def test_a_score_that_does_not_exist_is_null(predictions):
    metrics = summarise(predictions.assign(n_votes=20))
    assert metrics["kl"]["under 3"]["model"] is None


def test_every_output_but_those_kept_in_memory_is_in_the_catalog():
    catalog = yaml.safe_load((PROJECT / "conf/base/catalog_evaluation.yml").read_text())
    kept = {"scored_predictions", "patient_bootstrap", "baseline_warnings"}
    assert create_pipeline().all_outputs() == {*catalog, *kept}
    paths = [entry["filepath"] for entry in catalog.values()]
    assert len(set(paths)) == len(paths)


def test_parameters_are_complete():
    written = yaml.safe_load((PROJECT / "conf/base/parameters_evaluation.yml").read_text())
    EvaluationParams(**written["evaluation"] | {"seed": 0})


def test_windows_without_votes_are_left_out(predictions):
    predictions.loc[:9, "n_votes"] = 0
    assert len(check_predictions(predictions)) == 30


def test_experts_of_one_label_are_compared(predictions):
    assert summarise(predictions)["agreement"]["n"] == (predictions["n_votes"] >= 2).sum()
    agreed = dict(zip(VOTE_COUNT_COLUMNS, 3 * np.eye(6, dtype=int)[1], strict=True))
    metrics = summarise(predictions.assign(**agreed))
    assert metrics["agreement"]["expert-expert"]["agreement"]["value"] == 1


def test_windows_of_which_no_label_is_known_are_left_out_of_agreement(predictions, caplog):
    alone = predictions.drop(columns=list(VOTE_COUNT_COLUMNS))
    whole = dict(zip(VOTE_COLUMNS, (1 / 3, 2 / 3, 0, 0, 0, 0), strict=True))
    alone.loc[:9, ["n_votes", *whole]] = (6, *whole.values())
    assert summarise(alone)["agreement"]["n"] == 10
    assert "30 of 40 windows are left out of expert agreement, such as eeg_id 10" in caplog.text
    assert "seizure_vote_count ... other_vote_count" in caplog.text


def test_predictions_without_any_votes_are_refused(predictions):
    with pytest.raises(ValueError, match="none of 40 predictions has votes"):
        check_predictions(predictions.assign(n_votes=0))


def test_a_missing_column_is_named(predictions):
    with pytest.raises(ValueError, match="'gpd_pred'"):
        check_predictions(predictions.drop(columns="gpd_pred"))


def test_predictions_that_do_not_sum_to_one_are_named(predictions):
    predictions.loc[5, "gpd_pred"] += 0.5
    with pytest.raises(ValueError, match=r"eeg_id 5 sum to 1\.5"):
        check_predictions(predictions)


def test_baselines_that_do_not_sum_to_one_are_named(predictions):
    table = with_band_power(predictions)
    table.loc[3, "lpd_band_power"] = np.nan
    with pytest.raises(ValueError, match="from band power must sum to 1; those of eeg_id 3"):
        check_predictions(table)


def test_a_missing_column_of_a_baseline_is_named(predictions):
    table = with_band_power(predictions).drop(columns="lpd_band_power")
    with pytest.raises(ValueError, match="'lpd_band_power'"):
        check_predictions(table)
