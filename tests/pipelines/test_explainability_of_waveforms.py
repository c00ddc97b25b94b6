"""Explanations of an ensemble that sees the EEG itself."""

import keras
import numpy as np
import pytest
from keras import layers
from matplotlib.figure import Figure
from matplotlib.text import Text

from hbac import models
from hbac.eeg import CHANNELS, Recording
from hbac.eeg.votes import CLASS_NAMES, PREDICTION_COLUMNS
from hbac.models.preprocessing import waveform_layout
from hbac.pipelines.explainability.faithfulness_nodes import (
    better_of,
    check_randomisation,
    judge_randomisation,
    kinds,
    measure_faithfulness,
    score_faithfulness,
)
from hbac.pipelines.explainability.figure_nodes import (
    draw_confident_errors,
    draw_importance,
    draw_mean_maps,
    draw_overview,
    draw_windows,
)
from hbac.pipelines.explainability.networks import (
    Pool,
    architectures_left_out,
    explained_input,
    map_panels,
)
from hbac.pipelines.explainability.nodes import (
    choose_windows,
    compute_activation_maps,
    summarise_importance,
    tabulate_importance,
    tell_evidence,
)
from hbac.pipelines.explainability.planted_nodes import (
    assemble_planted_input,
    find_planted_evidence,
    plan_planted_windows,
    score_planted_evidence,
)
from hbac.pipelines.explainability.record import summarise_explanations
from hbac.pipelines.spectrogram.params import SpectrogramParams
from tests.conftest import recipe
from tests.pipelines import ensembles
from tests.pipelines.test_explainability import small_params

N, RATE = 8, 40
PARAMS = small_params()
NO_PICTURES = np.empty(0, np.float16)
NETWORK = {
    "name": "fold_0.one_chain",
    "fold": 0,
    "architecture": "one_chain",
    "input": "waveform",
    "val_loss": 1.0,
}
ENSEMBLE = {
    "networks": [NETWORK],
    "image": ensembles.ENSEMBLE["image"],
    "waveform": {"seconds": 10, "sampling_rate": RATE, "scale": "fixed"},
    "spectrogram": {"clip": 500.0, "notch": 60.0, "band_pass": [0.5, 15.0]},
    "blend": {"weights": [1.0], "bias": [0.0] * 6},
    "mirror": False,
}
LOOKED_AT = (slice(4, 8), slice(5 * RATE, 7 * RATE))
"""Channels of the right lateral chain, and seconds 25 and 26 of the window."""


def one_chain_network():
    """Class 0 is what lies above 0 in one chain for two seconds, class 1 what lies below."""
    image = keras.Input((16, 10 * RATE), name="image")
    features = layers.Reshape((16, 10 * RATE, 1), name="picture")(image)
    features = layers.Conv2D(
        2, (1, 4), strides=(1, 4), activation="relu", use_bias=False, name="features"
    )(features)
    model_end = layers.Dense(6, name="logits")(layers.Flatten()(features))
    model = keras.Model(image, layers.Softmax()(model_end), name="one_chain")
    mean = np.full((1, 4, 1, 1), 0.25)
    model.get_layer("features").set_weights([np.concatenate([mean, -mean], axis=-1)])
    kernel = np.zeros((16, 10 * RATE // 4, 2, 6))
    columns = slice(LOOKED_AT[1].start // 4, LOOKED_AT[1].stop // 4)
    kernel[LOOKED_AT[0], columns, [0], 0] = kernel[LOOKED_AT[0], columns, [1], 1] = 0.05
    model.get_layer("logits").set_weights([kernel.reshape(-1, 6), np.zeros(6)])
    return model


@pytest.fixture(scope="module")
def networks():
    network = one_chain_network()
    return {NETWORK["name"]: lambda: network}


@pytest.fixture(scope="module")
def waveforms():
    """A little noise on a level above 0 in half of the windows, and below in the others."""
    noise = np.random.default_rng(0).normal(0, 0.2, size=(N, 16, 10 * RATE))
    return (noise + np.where(np.arange(N) % 2, -1, 1)[:, None, None]).astype(np.float16)


@pytest.fixture(scope="module")
def chosen(networks, waveforms):
    table = ensembles.predictions_table(np.eye(6)[[0, 1] * (N // 2)], n_votes=3, fold=0)
    windows = ensembles.windows_of(table)
    rows = windows.assign(row=np.arange(N)).set_index("eeg_id")["row"].loc[table["eeg_id"]]
    network = networks[NETWORK["name"]]()
    shares = network(waveforms[rows].astype(np.float32), training=False)
    table[list(PREDICTION_COLUMNS)] = keras.ops.convert_to_numpy(shares)
    return choose_windows(table, windows, {}, small_params(random_per_class=4))


@pytest.fixture(scope="module")
def maps(chosen, waveforms, networks):
    params = small_params(method="hirescam")
    return compute_activation_maps(chosen, NO_PICTURES, waveforms, networks, ENSEMBLE, params)


@pytest.fixture(scope="module")
def eegs():
    noise = np.random.default_rng(0).normal(0, 20, (20, 10_000)).astype(np.float32)
    return {str(eeg_id): lambda: Recording(noise, CHANNELS) for eeg_id in range(10, 10 + N)}


def test_pictures_are_explained_where_a_network_sees_them_and_waveforms_otherwise():
    both = ENSEMBLE | {"networks": [NETWORK, *ensembles.NETWORKS]}
    assert explained_input(ENSEMBLE) == "waveform"
    assert explained_input(both) == "picture"
    assert architectures_left_out(both) == ["one_chain"]
    assert architectures_left_out(ENSEMBLE) == []


def test_a_map_lies_over_the_seconds_that_the_network_sees():
    assert waveform_layout(ENSEMBLE).seconds == (20, 30)
    assert waveform_layout({"networks": [NETWORK]}).size == (16, 5000)
    panels = map_panels(ENSEMBLE)
    assert [panel.chain for panel in panels] == ["LL", "RL", "LP", "RP"]
    assert {panel.seconds for panel in panels} == {(20, 30)}
    assert [panel.rows for panel in panels] == [slice(4 * k, 4 * k + 4) for k in range(4)]
    assert [panel.columns for panel in panels] == [slice(0, RATE)] * 4


def test_all_evidence_lies_where_the_network_looks(maps, chosen):
    assert maps.shape == (len(chosen), 6, 16, RATE)
    for of_window, window in zip(maps, chosen.to_dict("records"), strict=True):
        positive = np.maximum(of_window[window["predicted"]], 0)
        inside = positive[4:8, 20:28].sum()
        # Cells of a quarter of a second are interpolated, so that those beside share in it.
        assert inside > 0.95 * positive.sum() > 0
        assert positive[[*range(4), *range(8, 16)]].sum() == 0


def test_the_sentence_names_chain_and_seconds_of_the_recording(maps, chosen):
    evidence = tell_evidence(chosen.assign(start_seconds=100.0), maps, ENSEMBLE)
    told = evidence[evidence["predicted"]]
    assert set(told["chains"]) == {"RL"}
    assert told["sentence"].str.endswith(": right lateral chain, 125-127 s").all()
    assert told["hertz_low"].isna().all()
    assert set(told["source"]) == {"waveform"}


def test_shares_by_second_are_those_of_the_two_it_looks_at_and_bands_are_not_told(maps, chosen):
    table = tabulate_importance(chosen, maps, ENSEMBLE)
    assert set(table["band"]) == {"all"}
    summary = summarise_importance(chosen, table, PARAMS)
    seconds = summary[summary["dimension"] == "second"].groupby("level")["share"].mean()
    assert seconds[["25.5", "26.5"]].sum() > 0.95
    chains = summary[summary["dimension"] == "chain"].groupby("level")
    assert chains["share"].mean()["RL"] == pytest.approx(1)
    assert chains["chance"].mean().tolist() == pytest.approx([0.25] * 4)


@pytest.fixture(scope="module")
def measured(chosen, waveforms, networks):
    return measure_faithfulness(chosen, NO_PICTURES, waveforms, networks, ENSEMBLE, PARAMS)


def test_a_true_map_is_told_from_one_at_random(measured):
    curves, scores = score_faithfulness(*measured, PARAMS)
    assert set(scores["score"]) == set(better_of("waveform"))
    assert set(curves["fill"]) == {"flat line", "interpolated", "imputed"}
    values = scores.pivot_table("value", "score", "maps")
    for score, better in better_of("waveform").items():
        if score in ("sparseness", "insertion, interpolated", "deletion, interpolated"):
            continue  # the level is the evidence, and a line from sample to sample keeps it
        ahead = values.loc[score, "HiResCAM"] - values.loc[score, "random"]
        assert (ahead > 0.01) == (better == "higher"), score
    assert values.loc["sensitivity-n", "HiResCAM"] > 0.9


def test_maps_of_waveforms_are_compared_with_those_of_random_weights(chosen, waveforms, networks):
    similarities = check_randomisation(chosen, NO_PICTURES, waveforms, networks, ENSEMBLE, PARAMS)
    judged, _ = judge_randomisation(similarities, PARAMS)
    last = judged[judged["step"] == judged["step"].max()].set_index("maps")["similarity"]
    assert last["HiResCAM"] < 0.3


@pytest.fixture(scope="module")
def planted(networks):
    plans = plan_planted_windows(ENSEMBLE, PARAMS)
    spectrogram = SpectrogramParams(**recipe("seed")["spectrogram"])
    tasks = assemble_planted_input(plans, ENSEMBLE, spectrogram)
    seen = np.stack([task() for task in tasks.values()])
    return plans, seen, find_planted_evidence(plans, seen, networks, ENSEMBLE, PARAMS)


def test_evidence_is_planted_in_the_seconds_that_the_network_sees(planted):
    plans, seen, found = planted
    assert seen.shape == (3, 16, 10 * RATE)
    for plan in plans:
        start, stop = plan["seconds"]
        assert 295 <= start < stop <= 305
        assert 2 <= stop - start <= 4.2
    # One chain of four for 2 to 4 of 10 s.
    assert found["chance"].between(0.05, 0.11).all()
    mean = found[found["maps"] == "random"]["value"].mean()
    assert mean == pytest.approx(found["chance"].mean(), abs=0.06)


def test_planted_waveforms_are_cleaned_as_those_of_training(planted):
    power = np.abs(np.fft.rfft(planted[1].astype(float))) ** 2
    hertz = np.fft.rfftfreq(10 * RATE, 1 / RATE)
    assert power[..., hertz > 17].mean() < 0.05 * power[..., (hertz > 5) & (hertz < 12)].mean()


def test_a_window_is_drawn_with_its_traces_and_without_spectrograms(chosen, maps, eegs):
    evidence = tell_evidence(chosen, maps, ENSEMBLE)
    told = [], PARAMS
    tasks = draw_windows(chosen, maps, evidence, NO_PICTURES, eegs, ENSEMBLE, *told)
    assert len(tasks) == chosen["drawn"].sum()
    window = chosen.iloc[0]
    name = f"{CLASS_NAMES[window['predicted']].lower()}_{window['eeg_id']}_0"
    figure = tasks[name]()
    said = " ".join(text.get_text().replace("\n", " ") for text in figure.findobj(Text))
    assert "right lateral chain, 25-27 s" in said
    assert "spectrogram" not in said
    assert figure.axes[0].get_xlim() == (20, 30)


def test_the_data_set_gets_its_figures_and_record(
    chosen, maps, waveforms, networks, measured, planted
):
    told = ENSEMBLE, [], PARAMS
    summary = summarise_importance(chosen, tabulate_importance(chosen, maps, ENSEMBLE), PARAMS)
    wrong = chosen.assign(error=True, consensus=2)
    figures = [
        draw_overview(chosen, maps, NO_PICTURES, waveforms, *told),
        draw_confident_errors(wrong, maps, NO_PICTURES, waveforms, *told),
        draw_mean_maps(chosen, maps, *told),
        draw_importance(chosen, summary, *told),
    ]
    assert all(isinstance(figure, Figure) for figure in figures)
    titles = [axes.get_title(loc="left") for axes in figures[1].axes]
    assert "experts: GPD" in titles
    similarities = check_randomisation(chosen, NO_PICTURES, waveforms, networks, ENSEMBLE, PARAMS)
    judged, failing = judge_randomisation(similarities, PARAMS)
    record = summarise_explanations(
        chosen,
        score_faithfulness(*measured, PARAMS)[1],
        judged,
        failing,
        score_planted_evidence(planted[2], PARAMS),
        ENSEMBLE,
        PARAMS,
    )
    assert record["input"] == "waveform"
    assert record["left_out"] == []
    assert set(record["planted"]) == {*kinds(), "chance", "detected"}


def test_hemispheres_that_a_network_joins_late_are_told_apart():
    """Nothing but one chain has EEG, and features of nothing are 0: it has all evidence."""
    keras.utils.set_random_seed(0)
    network = models.build_model(
        architecture="symmetric_1d",
        image_size=(16, 10 * RATE),
        pooling="average_and_max",
        input_scale="window",
    )
    pool = Pool([network], [1.0], [0.0] * 6, waveform_layout(ENSEMBLE))
    waveforms = np.zeros((2, 16, 10 * RATE), np.float32)
    waveforms[:, LOOKED_AT[0]] = np.random.default_rng(0).normal(size=(2, 4, 10 * RATE))
    names = ["fusion", "gradcam", "hirescam", "layercam"]
    maps = pool.maps(waveforms, names, size=(16, RATE), class_indices=range(6))
    assert maps.shape == (4, 2, 6, 16, RATE)
    of_chains = np.abs(maps).reshape(4, 2, 6, 4, -1).max(axis=-1)
    assert (of_chains[..., 1] > 0).mean() > 0.9
    assert of_chains[..., [0, 2, 3]].max() == 0
