import io
import re
from functools import partial

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from PIL import Image

from hbac.eeg.votes import CLASS_NAMES, CLASSES, PREDICTION_COLUMNS
from hbac.evaluation import COMPARISONS
from hbac.pipelines import eda, evaluation, explainability
from hbac.pipelines.eda.params import EdaParams
from hbac.pipelines.evaluation.params import EvaluationParams
from hbac.pipelines.explainability.params import ExplainabilityParams
from hbac.pipelines.modeling.params import ModelingParams
from hbac.pipelines.reporting import create_pipeline
from hbac.pipelines.reporting.params import ReportingParams
from hbac.pipelines.reporting.summary_nodes import is_trained_by
from hbac.pipelines.reporting.words import estimate, not_made, number, table_of
from hbac.pipelines.spectrogram.params import SpectrogramParams
from tests.conftest import configuration, recipe

HEADINGS = [
    *("Summary", "Data", "Quality of the recordings", "Quarantine", "Scores"),
    *("Calibration", "Explanations", "How it was made"),
]
MADE_BY = ("eda", "conversion", "spectrogram", "evaluation", "modeling", "explainability")


@pytest.fixture(scope="module")
def configured():
    loader = configuration()
    return loader["parameters"], loader["catalog"]


@pytest.fixture(scope="module")
def parameters(configured):
    raw, _ = configured
    types = {
        "reporting": ReportingParams,
        "eda": EdaParams,
        "spectrogram": SpectrogramParams,
        "modeling": ModelingParams,
        "evaluation": EvaluationParams,
        "explainability": ExplainabilityParams,
    }
    typed = {f"params:{name}": made(**raw[name]) for name, made in types.items()}
    return typed | {"params:recipe": raw["recipe"]}


def test_networks_that_saw_other_waveforms_are_not_those_of_the_parameters():
    modeling = ModelingParams(**recipe("simulation")["modeling"])
    record = {
        "image": modeling.image.model_dump(mode="json"),
        "waveform": modeling.waveform.model_dump(mode="json"),
        "networks": [{"architecture": "symmetric_1d", "fold": fold} for fold in range(3)],
    }
    assert is_trained_by(modeling, record)
    assert not is_trained_by(modeling, record | {"waveform": record["waveform"] | {"seconds": 50}})
    del record["waveform"]
    assert not is_trained_by(modeling, record)


def report(parameters, **made):
    """Run the pipeline on what was made; everything else was not."""
    pipeline = create_pipeline()
    data = dict.fromkeys(pipeline.inputs()) | parameters | made
    catalog = DataCatalog({name: MemoryDataset(value) for name, value in data.items()})
    return SequentialRunner().run(pipeline, catalog)["report"].load()


def section(page, name):
    """What a section says, without tags."""
    found = re.search(rf'<section id="{name}".*?</section>', page, re.S)[0]
    return " ".join(re.sub(r"<[^>]+>", " ", found).split())


def about(value):
    return {"value": value, "low": value - 0.1, "high": value + 0.1}


def ends(value):
    return {"low": value - 0.1, "high": value + 0.1}


def metrics(*warnings):
    kl = {"model": 0.5, "band power": 0.75, "class prior": 1.25, "uniform": None}
    by_class = dict.fromkeys((*CLASSES, "all"), 0.25)
    kappas = {name: {"agreement": about(0.5), "kappa": about(0.4)} for name in COMPARISONS}
    differences = {"band power": about(-0.25), "class prior": about(-0.75)}
    nothing = dict.fromkeys(("value", "low", "high"))
    return {
        "n_windows": 40,
        "n_patients": 12,
        "intervals": "95% of 1000 draws of patients",
        "kl": {"all": kl | {"n": 40}},
        "kl_interval": {"all": {name: ends(value or 0) for name, value in kl.items()}},
        "kl_difference": {"all": differences | {"uniform": nothing}},
        "agreement": kappas | {"n": 30},
        "calibration": {
            "ece": by_class,
            "ece_interval": {name: ends(0.25) for name in by_class},
            "temperature": {
                "by_fold": {"0": 1.5, "1": 0.5},
                **{f"{s}_{at}": about(0.3) for s in ("kl", "ece") for at in ("before", "after")},
            },
        },
        "warnings": list(warnings),
    }


def picture():
    stored = io.BytesIO()
    Image.new("RGB", (30, 20)).save(stored, "PNG")
    return stored.getvalue()


def failures(n):
    rows = [(f"{number}", f"bad <file> {number}", "") for number in range(n)]
    return pd.DataFrame(rows, columns=["partition", "reason", "traceback"])


def test_with_nothing_made_every_section_says_what_makes_it(parameters):
    page = report(parameters)
    assert re.findall(r'<h2 id="[a-z]+-title">(.*?)</h2>', page) == HEADINGS
    assert "<img" not in page
    for name in MADE_BY:
        assert f"<code>kedro run --pipeline {name}</code>" in page


def test_the_verdict_comes_first(parameters):
    told = section(report(parameters, metrics=metrics()), "summary")
    assert told.startswith(
        "Summary Result. The networks predict the experts&#39; votes better than all 2 baselines. "
        "Their mean KL divergence is lower than that of the closest one (regression on band "
        "power) by 0.250 nats (0.150 to 0.350)."
    )
    assert "40 windows of 12 patients" in told
    assert "0.500 nats" in told


def test_a_network_that_beats_no_baseline_gets_no_praise(parameters):
    sentence = "The network does not beat the baseline uniform."
    told = section(report(parameters, metrics=metrics(sentence)), "summary")
    assert told.startswith("Summary Warning. The networks are not shown to predict")
    assert sentence in told
    assert "Result." not in told


def test_simulated_data_is_said_to_be_so(parameters):
    assert "data set is simulated" in section(report(parameters, simulation_mark=""), "summary")
    assert "simulated" not in section(report(parameters), "summary")


QUANTITIES = ("patients", "eegs", "labels", "votes", "fewest_votes", "most_votes", "eeg_seconds")


def counts(**added):
    quantities = dict.fromkeys(QUANTITIES, 1) | added
    rows = [(name, value, "") for name, value in quantities.items()]
    return pd.DataFrame(rows, columns=["quantity", "value", "meaning"])


def test_what_nobody_has_voted_on_is_told_of_where_there_is_some(parameters):
    added = {"unlabelled_windows": 3, "unlabelled_eegs": 2, "unlabelled_patients": 1}
    told = section(report(parameters, eda_counts_table=counts(**added)), "data")
    assert "unlabelled.csv adds 3 windows without votes, of 2 EEGs and 1 patient," in told
    assert "unlabelled EEGs 2" in told
    assert "unlabelled" not in section(report(parameters, eda_counts_table=counts()), "data")


def test_a_figure_is_told_of_with_its_sample_size(parameters):
    page = report(parameters, metrics=metrics(), kl_by_tier_figure=picture())
    caption = re.search(r"<figcaption>(.*?)<a", page, re.S)[1]
    assert "n = 40 windows of 12 patients." in caption
    assert page.count("<img") == 1


def test_every_figure_that_is_there_is_shown_once(parameters):
    names = [name for name in create_pipeline().inputs() if name.endswith("_figure")]
    names += ["explanation_overview", "training_curves"]
    page = report(parameters, **dict.fromkeys(names, picture()))
    assert page.count("<img") == page.count("<figcaption>") == len(names) > 30


def test_files_that_were_set_aside_are_counted_and_listed(parameters):
    page = report(
        parameters,
        spectrogram_arrays={"a": None},
        spectrogram_failures=failures(0),
        eeg_spectrograms={"b": None},
        eeg_spectrogram_failures=failures(60),
    )
    told = section(page, "quarantine")
    assert "Spectrogram files: none of 1 files was set aside." in told
    assert "EEG files: 60 of 61 files set aside, 50 of them shown." in told
    assert "04_feature/eeg_spectrograms_failures.csv" in told
    assert "bad &lt;file&gt; 49" in told
    assert "bad &lt;file&gt; 50" not in told
    assert "60 files could not be used" in section(page, "summary")


def explained(parameters, fails, **of_record):
    """Explanations of one window that was predicted LPD and voted GPD."""
    maps = {"Fusion": about(0.9), "random": about(0.2), "centre prior": about(0.85)}
    record = {
        "input": "picture",
        "left_out": ["resnet_1d"],
        "method": "Fusion",
        "n_windows": 1,
        "n_tested": 1,
        "intervals": "95% of 1000 draws of patients",
        "failing": ["Fusion"] if fails else [],
        "faithfulness": {"ROAD": maps, "deletion": maps},
        "randomisation": maps,
        "planted": maps | {"chance": 0.05, "detected": 0.5},
    } | of_record
    probabilities = dict(zip(PREDICTION_COLUMNS, np.eye(6)[1], strict=True))
    window = {"eeg_id": 7, "window": 0, "predicted": 1, "consensus": 2, "n_votes": 3} | {
        **dict.fromkeys(("correct", "agreed"), False),
        "drawn": True,
    }
    said = {"eeg_id": 7, "window": 0, "share": 0.5}
    sentences = [said | {"class": name, "sentence": f"{name}: here"} for name in CLASS_NAMES]
    better = pd.DataFrame({"score": ["ROAD", "deletion"], "better": ["higher", "lower"]})
    return report(
        parameters,
        explanation_scores=record,
        faithfulness=better,
        explained_windows=pd.DataFrame([window | probabilities]),
        evidence=pd.DataFrame(sentences),
        explanation_figures={"lpd_7_0": partial(picture)},
    )


def test_an_explained_window_is_shown_with_its_evidence_in_words(parameters):
    told = section(explained(parameters, fails=False), "explanations")
    assert "networks LPD 1.00, experts GPD (3 votes)" in told
    assert "LPD: here (50.0 % of its evidence); GPD: here (50.0 % of its evidence)" in told
    assert "Seizure: here" not in told


def test_what_maps_lie_over_is_told_and_who_is_left_out(parameters):
    over_pictures = section(explained(parameters, fails=False), "explanations")
    assert "where in the spectrograms the networks found evidence" in over_pictures
    assert "What resnet_1d adds to the predictions is not explained here." in over_pictures
    waveforms = {"input": "waveform", "left_out": []}
    over_eeg = section(explained(parameters, fails=False, **waveforms), "explanations")
    assert "where in the EEG the networks found evidence for a class, by chain and time" in over_eeg
    assert "is not explained here" not in over_eeg


def test_maps_are_judged_by_the_direction_in_which_a_score_is_better(parameters):
    told = section(explained(parameters, fails=False), "explanations")
    assert re.search(r"ROAD higher [^a-z]*(to [^a-z]*)* better, intervals apart", told)
    assert re.search(r"deletion lower [^a-z]*(to [^a-z]*)* worse, intervals apart", told)


def test_maps_that_fail_are_warned_of(parameters):
    page = explained(parameters, fails=True)
    assert "(Fusion) fail the randomisation check" in section(page, "summary")
    assert "Warning. The maps that are shown (Fusion) fail" in section(page, "explanations")
    assert "fail the randomisation" not in section(explained(parameters, fails=False), "summary")


def test_parameters_stand_with_their_meaning(parameters):
    told = section(report(parameters), "provenance")
    assert "modeling.training.batch_size 32 windows a step" in told
    assert "spectrogram.clip null largest amplitude left, in microvolts, or null" in told
    assert "not a medical device" in told


def test_how_waveforms_are_made_is_told_as_it_stands_beside_their_networks(parameters):
    network = {"name": "fold_0.symmetric_1d", "fold": 0, "architecture": "symmetric_1d"}
    record = {
        "networks": [network | {"input": "waveform", "val_loss": 0.5}],
        "image": {},
        "waveform": {"seconds": 10, "sampling_rate": 50, "scale": "window"},
        "spectrogram": {"clip": 500.0, "notch": None, "band_pass": [0.5, 30.0]},
    }
    told = section(report(parameters, ensemble=record), "provenance")
    assert "the middle 10 s of each window at 50 Hz, cleaned as when they were trained: " in told
    assert "clip 500.0, notch null and band_pass [0.5, 30.0]" in told
    pictures = record | {"networks": [network | {"input": "picture", "val_loss": 0.5}]}
    assert "Networks that see waveforms are fed" not in section(
        report(parameters, ensemble=pictures), "provenance"
    )


def trained_by(modeling):
    one = {"name": "a", "architecture": modeling.network.architecture, "input": "picture"}
    networks = [one | {"fold": fold, "val_loss": 1.0} for fold in range(modeling.n_folds)]
    return {"networks": networks, "image": modeling.image.model_dump(mode="json")}


def test_what_was_learned_from_windows_without_votes_is_told(parameters):
    windows = pd.DataFrame(
        {"eeg_id": [1, 2, 2, 3], "patient_id": [5, 5, 5, 6], "n_votes": [7, 0, 0, 0]}
    )

    def told(windows, **changes):
        modeling = parameters["params:modeling"]
        training = modeling.training.model_copy(update=changes)
        modeling = modeling.model_copy(update={"training": training})
        made = {"params:modeling": modeling, "model_windows": windows}
        page = report(parameters, ensemble=trained_by(modeling), **made)
        return section(page, "summary")

    sample = "3 windows without votes (of 2 EEGs and 2 patients)"
    taught = told(windows, teacher_votes=2.0)
    assert f"Training learned from {sample} as well" in taught
    assert "They are never scored." in taught
    assert f"{sample} were left out" in told(windows, teacher_votes=0.0)
    assert "without votes" not in told(windows[:1], teacher_votes=2.0)
    assert "without votes" not in section(report(parameters, model_windows=windows), "summary")


def test_networks_that_these_parameters_did_not_make_are_told_apart(parameters):
    ensemble = trained_by(parameters["params:modeling"])
    networks = ensemble["networks"]
    alike = report(parameters, ensemble=ensemble, metrics=metrics())
    others = report(parameters, ensemble=ensemble | {"networks": networks[1:]}, metrics=metrics())
    text = "made with other parameters"
    assert text in section(others, "provenance")
    assert text not in section(alike, "provenance")
    assert "flatters" in section(alike, "summary")
    assert "flatters" not in section(others, "summary")


def test_every_input_is_in_the_catalog(configured):
    _, entries = configured
    catalog = DataCatalog.from_config(entries)
    names = {name for name in create_pipeline().inputs() if not name.startswith("params:")}
    assert [name for name in sorted(names) if name not in catalog] == []


def test_what_it_shows_is_made_under_that_name():
    made = {
        name
        for pipeline in (eda, evaluation, explainability)
        for name in pipeline.create_pipeline().all_outputs()
    }
    of_them = ("eda_", "explanation_", "kl_")
    wanted = {name for name in create_pipeline().inputs() if name.startswith(of_them)}
    assert len(wanted) > 20
    assert wanted - made == set()


def test_what_was_not_made_is_named_with_its_maker():
    (notice,) = not_made({"one_figure": None, "other": 1, "two": None, "three": None}, "eda")
    assert notice.text == "One figure, two and three. Made by `kedro run --pipeline eda`."
    assert not_made({"one_figure": 1}, "eda") == []


def test_numbers_are_written_alike():
    assert number(-1234.5678, 2) == "\N{MINUS SIGN}1,234.57"
    assert number(None) == number(float("nan")) == "\N{EN DASH}"
    assert estimate({"value": 0.5, "low": None, "high": None}) == "0.500"


def test_a_column_has_equally_many_decimals():
    frame = pd.DataFrame(
        {"eeg_id": [12345, 6], "share": [0.5, 0.012], "amplitude": [12.3456, 7], "n": [1234, None]}
    )
    shown = table_of(frame, "T")
    assert [list(row) for row in shown.rows] == [
        ["12345", "0.500", "12.3", "1,234"],
        ["6", "0.012", "7.0", "\N{EN DASH}"],
    ]
    assert shown.header == ["eeg id", "share", "amplitude", "n"]
    assert shown.numeric == {1, 2, 3}


SHIPPED = {
    "n_windows": 1200,
    "n_patients": 40,
    "confidence": 0.95,
    "kl": about(0.5),
    "kl_of_prior": about(1.25),
    "top_1": about(0.75),
    "auroc": dict.fromkeys(CLASSES, about(0.9)),
}


def test_what_the_shipped_networks_make_of_the_patients_is_told_as_simulated(parameters):
    predictions = pd.DataFrame({"eeg_id": [77]} | dict.fromkeys(PREDICTION_COLUMNS, 0.1))
    predictions["gpd_pred"] = 0.5
    made = {"shipped.scores": SHIPPED, "shipped.test.predictions": predictions}
    page = report(parameters, **made)
    told = section(page, "shipped")
    assert "These patients are simulated" in told
    assert "say nothing about real EEG" in told
    assert "0.500 nats" in told
    assert "0.400 to 0.600; of the mean of all votes 1.250" in told
    assert "75.0 %" in told
    assert "n = 1,200 windows of 40 patients" in told
    assert "77 GPD 0.500" in told


def test_where_they_have_predicted_nothing_there_is_no_section_on_them(parameters):
    assert 'id="shipped"' not in report(parameters)
