import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from pydantic import ValidationError
from scipy.special import softmax

from hbac import explain
from hbac.eeg import CHANNELS, Recording
from hbac.eeg.votes import CLASS_NAMES, PREDICTION_COLUMNS
from hbac.models import predict_with_networks
from hbac.pipelines.explainability.faithfulness_nodes import (
    CENTRE,
    RANDOM,
    better_of,
    check_randomisation,
    judge_randomisation,
    kinds,
    measure_faithfulness,
    score_faithfulness,
)
from hbac.pipelines.explainability.figure_nodes import (
    draw_confident_errors,
    draw_curves,
    draw_faithfulness,
    draw_importance,
    draw_mean_maps,
    draw_overview,
    draw_planted_evidence,
    draw_randomisation,
    draw_windows,
)
from hbac.pipelines.explainability.intervals import estimate_means
from hbac.pipelines.explainability.networks import load_best, load_pools, map_panels
from hbac.pipelines.explainability.nodes import (
    choose_windows,
    compute_activation_maps,
    summarise_importance,
    tabulate_importance,
    tell_evidence,
)
from hbac.pipelines.explainability.params import ExplainabilityParams
from hbac.pipelines.explainability.planted_nodes import (
    assemble_planted_input,
    find_planted_evidence,
    plan_planted_windows,
    score_planted_evidence,
)
from hbac.pipelines.explainability.record import summarise_explanations
from hbac.pipelines.inference.nodes import UNSEEN
from hbac.pipelines.spectrogram.params import SpectrogramParams
from tests.conftest import recipe
from tests.pipelines.ensembles import ENSEMBLE, NETWORKS, predictions_table, windows_of


def small_params(**changes):
    """The parameters as they ship, but for sizes."""
    shipped = recipe()["explainability"]
    sizes = {"agreed_per_class": 1, "random_per_class": 2, "errors": 2, "draws": 50}
    tests = {"tile_rows": 2, "tile_columns": 4, "fractions": [0, 0.3, 1], "road_fractions": [0.5]}
    return ExplainabilityParams(
        **shipped
        | sizes
        | {"faithfulness": shipped["faithfulness"] | tests | {"subsets": 6, "batch_size": 16}}
        | {"randomisation": shipped["randomisation"] | {"windows": 3, "steps": 2}}
        | {"planted": shipped["planted"] | {"windows": 3}}
        | changes
    )


PARAMS = small_params()
NO_WAVEFORMS = np.empty(0, np.float16)


@pytest.fixture(scope="module")
def predictions(networks, images):
    """What the fold's network says of 12 windows, and votes that agree in half of them."""
    table = predictions_table(np.eye(6)[np.arange(12) % 6], n_votes=np.arange(12) + 3, fold=0)
    table["fold"] = np.arange(12) % 2
    rows = windows_of(table).assign(row=np.arange(12)).set_index("eeg_id")["row"]
    for fold, entry in enumerate(NETWORKS):
        of_fold = table.index[table["fold"] == fold]
        pictures = images[rows.loc[table.loc[of_fold, "eeg_id"]]].astype(np.float32)
        shares = np.asarray(networks[entry["name"]]()(pictures, training=False))
        table.loc[of_fold, list(PREDICTION_COLUMNS)] = shares
    predicted = table[list(PREDICTION_COLUMNS)].to_numpy().argmax(axis=1)
    votes = np.eye(6)[np.where(np.arange(12) < 6, predicted, (predicted + 1) % 6)]
    table[[name.replace("_pred", "_vote") for name in PREDICTION_COLUMNS]] = votes
    return table


@pytest.fixture(scope="module")
def chosen(predictions):
    return choose_windows(predictions, windows_of(predictions), {}, PARAMS)


@pytest.fixture(scope="module")
def maps(chosen, images, networks):
    return compute_activation_maps(chosen, images, NO_WAVEFORMS, networks, ENSEMBLE, PARAMS)


@pytest.fixture(scope="module")
def eegs():
    noise = np.random.default_rng(0).normal(0, 20, (20, 10_000)).astype(np.float32)
    return {str(eeg_id): lambda: Recording(noise, CHANNELS) for eeg_id in range(10, 22)}


def test_windows_that_agree_are_drawn_or_are_sure_errors_are_chosen():
    votes = np.eye(6)[[0] * 5 + [1] * 5]
    table = predictions_table(votes, n_votes=[3, 20, 5, 4, 4, 1, 2, 3, 9, 5], fold=0)
    wrong = np.array([0.9, 0.02, 0.02, 0.02, 0.02, 0.02])
    table.loc[9, list(PREDICTION_COLUMNS)] = wrong
    table.loc[8, list(PREDICTION_COLUMNS)] = np.roll(wrong, 1)
    chosen = choose_windows(
        table, windows_of(table), {}, small_params(errors=1, random_per_class=2)
    )
    assert chosen.loc[chosen["agreed"], "eeg_id"].tolist() == [11, 18]
    assert chosen.loc[chosen["error"], "eeg_id"].tolist() == [19]
    assert chosen.groupby("consensus")["random"].sum().tolist() == [2, 2]
    assert chosen.loc[chosen["eeg_id"] == 18, "correct"].item()
    np.testing.assert_array_equal(chosen["row"], 19 - chosen["eeg_id"])


def test_experts_of_one_label_agree_and_not_those_of_all_its_windows_labels():
    table = predictions_table(np.eye(6)[[0] * 3], n_votes=[9, 5, 7], fold=0)
    # The label with most votes is of another class than the votes of all labels together.
    table.loc[0, ["seizure_vote_count", "lpd_vote_count"]] = [2, 7]
    sizes = {"agreed_per_class": 1, "random_per_class": 1, "errors": 0}
    chosen = choose_windows(table, windows_of(table), {}, small_params(**sizes))
    assert chosen.loc[chosen["agreed"], "eeg_id"].tolist() == [12]


def test_errors_and_agreed_windows_are_drawn_before_others():
    table = predictions_table(np.eye(6)[[0] * 9], n_votes=[1, 2, 3, 4, 9, 5, 6, 7, 8], fold=0)
    table.loc[3, list(PREDICTION_COLUMNS)] = [0.1, 0.5, 0.1, 0.1, 0.1, 0.1]
    sizes = {"random_per_class": 9, "errors": 1, "figures_per_class": 3}
    chosen = choose_windows(table, windows_of(table), {}, small_params(**sizes))
    assert len(chosen) == 9
    drawn = chosen[chosen["drawn"]]
    assert {13, 14} <= set(drawn["eeg_id"])
    assert drawn.groupby("predicted").size().to_dict() == {0: 3, 1: 1}
    none = choose_windows(
        table, windows_of(table), {}, small_params(**sizes | {"figures_per_class": 0})
    )
    assert set(none.loc[none["drawn"], "eeg_id"]) == {13, 14}


def test_without_votes_the_prediction_names_the_class(eegs):
    table = predictions_table(np.full((2, 6), np.nan), n_votes=0, fold=UNSEEN)
    table["grda_pred"] = [0.9, 0.1]
    windows = windows_of(table).assign(eeg_offset_seconds=np.nan)
    long = Recording(np.zeros((20, 200 * 90), np.float32), CHANNELS)
    chosen = choose_windows(table, windows, eegs | {"10": lambda: long}, PARAMS)
    assert chosen.set_index("eeg_id")["predicted"].to_dict() == {10: 4, 11: 0}
    assert not chosen[["error", "correct"]].any(axis=None)
    assert chosen.set_index("eeg_id")["start_seconds"].to_dict() == {10: 20, 11: 0}


def test_a_held_out_window_is_explained_by_its_own_fold(chosen, images, networks):
    three = chosen.head(3).assign(fold=[0, 1, UNSEEN])
    maps = compute_activation_maps(three, images, NO_WAVEFORMS, networks, ENSEMBLE, PARAMS)
    assert maps.shape == (3, 6, 16, 16)
    alone = [
        compute_activation_maps(
            three.assign(fold=UNSEEN),
            images,
            NO_WAVEFORMS,
            networks,
            ENSEMBLE | {"networks": [entry]},
            PARAMS,
        )
        for entry in NETWORKS
    ]
    np.testing.assert_allclose(maps[0], alone[0][0], atol=1e-5)
    np.testing.assert_allclose(maps[1], alone[1][1], atol=1e-5)
    np.testing.assert_allclose(maps[2], (alone[0][2] + alone[1][2]) / 2, atol=1e-5)
    assert not np.allclose(alone[0][2], alone[1][2])


TWO = ENSEMBLE | {
    # Each network stands for an architecture in one fold and for the other in the other.
    "networks": [
        *NETWORKS,
        *(one | {"fold": 1 - one["fold"], "architecture": "b"} for one in NETWORKS),
    ],
    "blend": {"weights": [0.3, 0.9], "bias": list(np.linspace(-1, 1, 6))},
}


def predict_with(entries, networks, pictures):
    return predict_with_networks(
        networks, {"picture": pictures}, TWO | {"networks": entries}, {}, batch_size=4
    )


def test_what_is_explained_is_the_ensembles_prediction(chosen, images, networks):
    """Two architectures, blended: the pooled logits of a fold give the fold's prediction."""
    pictures = images[:4].astype(np.float32)
    for fold in range(2):
        ((rows, pool),) = load_pools(chosen.head(4).assign(fold=fold), networks, TWO)
        assert rows.tolist() == [0, 1, 2, 3]
        shares = explain.probabilities(pool.logits(batch_size=4))(pictures)
        of_fold = [entry for entry in TWO["networks"] if entry["fold"] == fold]
        np.testing.assert_allclose(shares, predict_with(of_fold, networks, pictures), atol=1e-5)


def test_a_window_new_to_all_folds_is_explained_by_the_mean_of_theirs(chosen, images, networks):
    pictures = images[:4].astype(np.float32)
    windows = chosen.head(4)
    pools = [
        next(load_pools(windows.assign(fold=fold), networks, TWO))[1] for fold in (UNSEEN, 0, 1)
    ]
    joined, *of_folds = (pool.logits(batch_size=4)(pictures) for pool in pools)
    np.testing.assert_allclose(joined, np.mean(of_folds, axis=0), atol=1e-5)
    parts = [softmax(logits, axis=1) for logits in of_folds]
    expected = predict_with(TWO["networks"], networks, pictures)
    np.testing.assert_allclose(np.mean(parts, axis=0), expected, atol=1e-5)


def test_of_an_ensemble_of_both_kinds_pictures_are_explained_and_the_log_says_so(
    chosen, images, networks, caplog
):
    of_eeg = [
        one | {"name": f"fold_{one['fold']}.x", "architecture": "resnet_1d", "input": "waveform"}
        for one in NETWORKS
    ]
    both = ENSEMBLE | {
        "networks": [*NETWORKS, *of_eeg],
        "blend": {"weights": [0.5, 0.5], "bias": [0.0] * 6},
    }
    caplog.set_level("INFO")
    three = chosen.head(3)
    maps = compute_activation_maps(three, images, NO_WAVEFORMS, networks, both, PARAMS)
    alone = compute_activation_maps(three, images, NO_WAVEFORMS, networks, ENSEMBLE, PARAMS)
    np.testing.assert_allclose(maps, 0.5 * alone, atol=1e-6)
    said = [line for line in caplog.messages if "left out" in line]
    assert said == ["Maps explain the networks that see a picture; what resnet_1d adds is left out"]


def test_a_stored_map_has_whole_cells_for_every_panel():
    odd = ENSEMBLE | {"image": ENSEMBLE["image"] | {"panel_height": 30, "panel_width": 3}}
    panels = map_panels(odd)
    assert {panel.rows.stop - panel.rows.start for panel in panels} == {7}
    assert {panel.columns.stop - panel.columns.start for panel in panels} == {1}


@pytest.mark.parametrize("panel_height", [4, 16, 128])
def test_a_stored_map_has_whole_cells_for_every_channel(panel_height):
    each = ENSEMBLE | {
        "image": ENSEMBLE["image"] | {"panel_height": panel_height},
        "spectrogram": {"channels": "all"},
    }
    panels = map_panels(each)
    heights = {
        source: {panel.rows.stop - panel.rows.start for panel in panels if panel.source == source}
        for source in ("regional", "eeg")
    }
    of_channel = max(panel_height // 16, 1)
    assert heights == {"regional": {4 * of_channel}, "eeg": {of_channel}}


def test_a_method_that_is_not_known_is_named_beside_those_that_are():
    with pytest.raises(ValidationError, match=r"\['eigencam', .*'layercam'\], received 'scorecam'"):
        small_params(method="scorecam")


def test_evidence_is_told_for_every_class_in_the_recordings_time(chosen, maps):
    late = chosen.assign(start_seconds=1000.0)
    evidence = tell_evidence(late, maps, ENSEMBLE)
    assert len(evidence) == 6 * len(chosen)
    assert evidence.groupby(["eeg_id", "window"])["predicted"].sum().eq(1).all()
    told = evidence.dropna(subset=["chains"])
    assert len(told) > len(chosen)
    eeg = told[told["source"] == "eeg"]
    assert eeg["seconds_low"].min() >= 1000
    assert eeg["seconds_high"].max() <= 1050
    first = evidence.iloc[0]
    assert first["sentence"].startswith(f"{first['class']} {first['probability']:.2f}: ")


def test_importance_is_averaged_over_windows_drawn_at_random(chosen, maps):
    importance = tabulate_importance(chosen, maps, ENSEMBLE)
    shares = importance.groupby(["eeg_id", "class"], observed=True)["share"].sum()
    np.testing.assert_allclose(shares, 1, atol=1e-4)
    summary = summarise_importance(chosen, importance, PARAMS)
    drawn = chosen[chosen["random"]]
    name = CLASS_NAMES[drawn["predicted"].iloc[0]]
    of_class = drawn[drawn["predicted"] == drawn["predicted"].iloc[0]]
    mine = importance[importance["eeg_id"].isin(of_class["eeg_id"]) & (importance["class"] == name)]
    expected = mine.groupby(["eeg_id", "source", "chain"], observed=True)["share"].sum()
    expected = expected.groupby(["source", "chain"], observed=True).mean()
    found = summary[(summary["class"] == name) & (summary["dimension"] == "chain")]
    assert (found["n"] == len(of_class)).all()
    for row in found.itertuples():
        assert row.share == pytest.approx(expected[row.source, row.level], rel=1e-4)
    # 24 or 26 of 16 x 16 cells: the margins of the 10-minute panel belong to no chain's evidence.
    assert found["chance"].sum() == pytest.approx(1, rel=1e-4)


@pytest.fixture(scope="module")
def measured(chosen, images, networks):
    return measure_faithfulness(chosen, images, NO_WAVEFORMS, networks, ENSEMBLE, PARAMS)


def test_every_kind_of_map_is_scored_on_the_same_windows(measured, chosen):
    curves, scores = measured
    assert set(scores["score"]) == set(better_of("picture"))
    assert set(scores["maps"]) == set(kinds()) == set(curves["maps"])
    n_windows = scores["eeg_id"].nunique()
    assert (scores.groupby(["maps", "score"]).size() == n_windows).all()
    assert set(scores["eeg_id"]) <= set(chosen.loc[chosen["random"], "eeg_id"])


def test_curves_begin_and_end_where_no_map_matters(measured):
    curves, _ = measured
    ends = curves[curves["fraction"].isin([0, 1]) & curves["curve"].isin(["insertion", "deletion"])]
    spread = ends.groupby(["eeg_id", "curve", "fill", "fraction"])["value"].agg(np.ptp)
    np.testing.assert_allclose(spread, 0, atol=1e-6)
    whole = curves[(curves["curve"] == "deletion") & (curves["fraction"] == 0)]
    assert whole.groupby("eeg_id")["value"].nunique().eq(1).all()


def test_a_curve_starts_at_the_predictions_probability(measured, predictions):
    curves, _ = measured
    whole = curves[(curves["curve"] == "deletion") & (curves["fraction"] == 0)]
    probability = predictions.set_index("eeg_id")[list(PREDICTION_COLUMNS)].max(axis=1)
    np.testing.assert_allclose(whole["value"], probability.loc[whole["eeg_id"]], atol=1e-4)


def test_scores_have_intervals_and_a_better_end(measured):
    curves, scores = score_faithfulness(*measured, PARAMS)
    assert set(scores["better"]) == {"higher", "lower"}
    assert (scores["low"] <= scores["value"] + 1e-9).all()
    assert (scores["high"] >= scores["value"] - 1e-9).all()
    one = scores[(scores["score"] == "sparseness") & (scores["maps"] == RANDOM)]
    raw = measured[1]
    mine = raw[(raw["score"] == "sparseness") & (raw["maps"] == RANDOM)]["value"]
    assert one["value"].item() == pytest.approx(mine.mean())
    assert {"fraction", "fill", "curve", "low"} <= set(curves)


def test_a_value_that_does_not_exist_is_left_out_of_its_mean():
    table = pd.DataFrame(
        {"eeg_id": [1, 2, 3], "window": 0, "patient_id": [1, 2, 3], "value": [1, np.nan, 3]}
    ).assign(maps="x")
    means = estimate_means(table, ["maps"], PARAMS)
    assert means[["value", "n"]].to_numpy().tolist() == [[2, 2]]


def test_maps_of_random_weights_are_compared_with_the_trained_ones(chosen, images, networks):
    before = networks["fold_1.compact"]().get_weights()
    similarities = check_randomisation(chosen, images, NO_WAVEFORMS, networks, ENSEMBLE, PARAMS)
    for weight, after in zip(before, networks["fold_1.compact"]().get_weights(), strict=True):
        np.testing.assert_array_equal(weight, after)
    assert set(similarities["maps"]) == set(kinds()) - {RANDOM, CENTRE}
    # The network of fold 1 has the lower loss, so its own windows are compared.
    compared = chosen.set_index("eeg_id").loc[similarities["eeg_id"]]
    assert compared["fold"].eq(1).all()
    assert compared["random"].all()
    judged, failing = judge_randomisation(similarities, PARAMS)
    assert judged["step"].unique().tolist() == [0, 1, 2]
    assert set(failing) <= set(kinds())


def test_weights_are_drawn_anew_in_a_network_that_no_other_node_sees(
    chosen, images, networks, monkeypatch
):
    changed, cascade = [], explain.cascade

    def spy(model, **settings):
        changed.append(model)
        return cascade(model, **settings)

    monkeypatch.setattr(explain, "cascade", spy)
    check_randomisation(chosen, images, NO_WAVEFORMS, networks, ENSEMBLE, PARAMS)
    assert changed
    assert changed[0] not in [load() for load in networks.values()]


def test_the_best_network_is_one_that_some_windows_are_new_to(chosen, networks):
    first = chosen[chosen["fold"] == 0]
    rows, pool = load_best(first, networks, ENSEMBLE)
    assert rows.tolist() == list(range(len(first)))
    assert pool.networks == [networks["fold_0.compact"]()]


def test_a_map_that_stays_the_same_fails(caplog):
    ids = pd.DataFrame({"eeg_id": [1, 2], "window": 0, "patient_id": [1, 2]})
    tables = [
        ids.assign(maps=maps, step=step, layer=f"layer{step}", value=value)
        for maps, values in {"stubborn": (0.9, 0.8), "honest": (0.9, 0.1)}.items()
        for step, value in enumerate(values, start=1)
    ]
    judged, failing = judge_randomisation(pd.concat(tables, ignore_index=True), PARAMS)
    assert failing == ["stubborn"]
    assert "stubborn" in caplog.text
    assert judged[judged["step"] == 0]["similarity"].tolist() == [1, 1]


@pytest.fixture(scope="module")
def planted(networks):
    plans = plan_planted_windows(ENSEMBLE, PARAMS)
    spectrogram = SpectrogramParams(**recipe("seed")["spectrogram"])
    tasks = assemble_planted_input(plans, ENSEMBLE, spectrogram)
    pictures = np.stack([task() for task in tasks.values()])
    return plans, pictures, find_planted_evidence(plans, pictures, networks, ENSEMBLE, PARAMS)


def test_planted_evidence_is_looked_for_where_it_was_planted(planted):
    plans, pictures, found = planted
    assert pictures.shape == (3, 64, 64)
    assert len(found) == 3 * len(kinds())
    assert found["chance"].between(0.01, 0.2).all()
    assert found.groupby("eeg_id")["chain"].first().tolist() == [plan["chain"] for plan in plans]
    scores = score_planted_evidence(found, PARAMS)
    every = scores[(scores["class"] == "All") & (scores["maps"] == "Grad-CAM")]
    mine = found[found["maps"] == "Grad-CAM"]["value"]
    assert every["mass"].item() == pytest.approx(mine.mean())
    assert every["n"].item() == mine.notna().sum()


def test_every_window_gets_a_figure_that_tells_its_evidence(chosen, maps, images, eegs):
    evidence = tell_evidence(chosen, maps, ENSEMBLE)
    tasks = draw_windows(chosen, maps, evidence, images, eegs, ENSEMBLE, ["Fusion"], PARAMS)
    assert len(tasks) == chosen["drawn"].sum() == len(chosen)
    name, task = next(iter(tasks.items()))
    window = chosen.iloc[0]
    assert name == f"{CLASS_NAMES[window['predicted']].lower()}_{window['eeg_id']}_0"
    figure = task()
    said = " ".join(text.get_text().replace("\n", " ") for text in figure.findobj(Text))
    sentences = evidence[(evidence["eeg_id"] == window["eeg_id"]) & evidence["predicted"]]
    assert sentences["sentence"].item() in said
    assert "fails the randomisation check" in said


def test_a_failing_kind_of_maps_without_planted_evidence_is_no_error(planted):
    scores = score_planted_evidence(planted[2], PARAMS)
    left = scores[scores["maps"] != "LayerCAM"]
    assert draw_planted_evidence(planted[2], left, ["LayerCAM"], PARAMS).axes


def test_the_data_set_gets_its_figures(chosen, maps, images, measured, planted, networks):
    told = [], PARAMS
    importance = tabulate_importance(chosen, maps, ENSEMBLE)
    similarities = check_randomisation(chosen, images, NO_WAVEFORMS, networks, ENSEMBLE, PARAMS)
    judged, failing = judge_randomisation(similarities, PARAMS)
    curves, scores = score_faithfulness(*measured, PARAMS)
    found = planted[2]
    figures = [
        draw_overview(chosen, maps, images, NO_WAVEFORMS, ENSEMBLE, *told),
        draw_confident_errors(chosen, maps, images, NO_WAVEFORMS, ENSEMBLE, *told),
        draw_mean_maps(chosen, maps, ENSEMBLE, *told),
        draw_importance(chosen, summarise_importance(chosen, importance, PARAMS), ENSEMBLE, *told),
        draw_curves(measured[0], curves, failing, PARAMS),
        draw_faithfulness(measured[1], scores, failing, PARAMS),
        draw_randomisation(similarities, judged, failing, PARAMS),
        draw_planted_evidence(found, score_planted_evidence(found, PARAMS), failing, PARAMS),
    ]
    unknown = chosen.assign(consensus=-1, error=False)
    figures += [
        draw_mean_maps(unknown, maps, ENSEMBLE, *told),
        draw_confident_errors(unknown, maps, images, NO_WAVEFORMS, ENSEMBLE, *told),
    ]
    assert all(isinstance(figure, Figure) for figure in figures)
    record = summarise_explanations(
        chosen, scores, judged, failing, score_planted_evidence(found, PARAMS), ENSEMBLE, PARAMS
    )
    assert record["method"] == "Fusion"
    assert set(record["faithfulness"]) == set(better_of("picture"))
    assert set(record["planted"]) == {*kinds(), "chance", "detected"}
    deletion = record["faithfulness"]["deletion, mean spectrum"]["Fusion"]
    assert deletion["low"] <= deletion["value"] <= deletion["high"]
