"""The documentation names everything that there is, and nothing that there is not."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml

from hbac.eeg.votes import PREDICTION_COLUMNS, VOTE_COLUMNS
from hbac.eeg.windows import select_windows
from hbac.models.eeg_ensemble import TIMELINE_COLUMNS
from hbac.pipelines.eda import statistics
from hbac.pipelines.explainability.nodes import EVIDENCE_COLUMNS
from hbac.pipelines.recordings.reading_nodes import RECORDING_COLUMNS
from hbac.timeline.burden import BURDEN_COLUMNS
from hbac.timeline.events import EVENT_COLUMNS
from hbac.timeline.scores import SCORE_COLUMNS

pytest.importorskip("igraph", reason="needs the extra docs")

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
COMPOSED = ("__default__", "demo", "external_validation")
PARTS = ("picture", "outputs", "nodes")
MODULES = ("project", "layout", "drawing", "tables", "formulas", "hooks")


@pytest.fixture(scope="module")
def build():
    """What makes parts of the pages, as mkdocs imports it."""
    sys.path.insert(0, str(DOCS / "_build"))
    yield SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})
    sys.path.remove(str(DOCS / "_build"))
    for name in MODULES:
        del sys.modules[name]


def _pages() -> list[Path]:
    return [page for page in DOCS.rglob("*.md") if "_build" not in page.parts]


def _leaves(nav) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    return [
        leaf for one in (nav if isinstance(nav, list) else nav.values()) for leaf in _leaves(one)
    ]


def test_navigation_holds_every_page_once():
    named = _leaves(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])
    assert sorted(named) == sorted(str(page.relative_to(DOCS)) for page in _pages())


@pytest.mark.parametrize("page", [*_pages(), ROOT / "README.md"], ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    broken = [one for one in targets if "://" not in one and not (page.parent / one).exists()]
    assert not broken


def test_every_pipeline_has_a_page_or_a_section(build):
    composed = (DOCS / "pipelines/composed.md").read_text()
    for name in build.project.pipelines():
        if name in COMPOSED:
            assert f"{{{{ groups {name} }}}}" in composed
        else:
            page = (DOCS / f"pipelines/{name}.md").read_text()
            assert all(f"{{{{ {part} {name} }}}}" in page for part in PARTS)
            assert (f"{{{{ parameters {name} }}}}" in page) == bool(
                build.tables.parameter_names(build.project.pipelines()[name])
            )


def test_pages_list_every_parameter(build):
    parameters = build.project.parameters()
    pipelines = build.project.pipelines()
    listed = {name for one in pipelines.values() for name in build.tables.parameter_names(one)}
    groups = {name.split(".")[0] for name in listed}
    there = build.tables.flatten({group: parameters[group] for group in groups})
    assert listed == set(there)
    assert {
        "eda",
        "evaluation",
        "explainability",
        "modeling",
        "simulation",
        "spectrogram",
    } <= groups


def test_pages_list_every_stored_dataset(build):
    for pipeline in build.project.pipelines().values():
        table = build.tables.outputs_table(pipeline)
        stored = [name for name in pipeline.all_outputs() if build.project.entry(name)]
        assert all(f"| `{build.project.family(name)}` |" in table for name in stored)


def test_parameters_show_limits_defaults_of_all_recipes_and_comments(build):
    table = build.tables.parameters_table(build.project.pipelines()["spectrogram"])
    row = next(line for line in table.splitlines() if "`spectrogram.notch`" in line)
    assert "number or null" in row
    assert "`null` / `60.0` / `60.0`" in row
    assert "spectrogram.policy` | `per_eeg`, `distinct_votes`, `ten_seconds` |" in table
    assert "How overlapping labels become windows." in table


def test_datasets_that_differ_in_fold_architecture_or_class_are_one_family(build):
    family = build.project.family
    assert family("fold_3_efficientnet_b0_history") == "fold_N_ARCHITECTURE_history"
    assert family("fold_0.compact.model") == "fold_N.ARCHITECTURE.model"
    assert family("eda_eeg_lpd_figure") == "eda_eeg_CLASS_figure"
    assert family("eda_class_distribution_figure") == "eda_class_distribution_figure"


def test_boxes_of_a_chain_stand_in_a_row_without_overlap(build):
    sizes = {"a": (40.0, 20.0), "b": (60.0, 30.0), "c": (40.0, 20.0)}
    layout = build.layout.lay_out(sizes, [("a", "b"), ("b", "c")])
    (a, y_a), (b, y_b), (c, y_c) = (layout.centres[one] for one in "abc")
    assert y_a == pytest.approx(y_b) == pytest.approx(y_c)
    assert a + 20 < b - 30
    assert b + 30 < c - 20
    assert layout.routes["a", "b"] == [(a + 20, y_a), (b - 30, y_b)]


def test_boxes_of_a_column_keep_their_distance(build):
    sizes = dict.fromkeys("abcd", (40.0, 20.0))
    centres = build.layout.lay_out(sizes, [("a", "b"), ("a", "c"), ("a", "d")]).centres
    assert len({centres[one][0] for one in "bcd"}) == 1
    assert np.diff(sorted(centres[one][1] for one in "bcd")).min() >= 20


def test_formulas_become_svg_in_the_colour_of_the_text(build):
    html = '<p><span class="arithmatex">\\(x &lt; 1\\)</span></p>'
    drawn = build.hooks.on_page_content(html)
    assert drawn.startswith('<p><svg class="formula" role="img" aria-label="x &lt; 1"')
    assert "arithmatex" not in drawn


def test_pages_get_the_parts_that_they_ask_for(build):
    filled = build.hooks.on_page_markdown("before\n\n{{ nodes conversion }}\n\nafter {{ x }}")
    assert "| `convert_spectrograms` |" in filled
    assert filled.endswith("after {{ x }}")


def _dictionary() -> dict[str, set[str]]:
    """By dataset, the columns that the data dictionary names."""
    columns = {}
    for part in (DOCS / "data_dictionary.md").read_text().split("\n### ")[1:]:
        names, _, body = part.partition("\n")
        cells = re.findall(r"^\| (.+?) \|", body.split("\n## ")[0], re.MULTILINE)
        found = {
            name.replace("seizure", one.removesuffix("_vote")) if "..." in cell else name
            for cell in cells
            for name in re.findall(r"`([^`]+)`", cell)
            for one in VOTE_COLUMNS
        }
        columns |= dict.fromkeys(names.split(", "), found)
    return columns


def test_data_dictionary_names_the_columns_of_what_the_code_makes():
    said = _dictionary()
    labels = pd.DataFrame(
        {name: [1] for name in ("eeg_id", "spectrogram_id", "patient_id")}
        | dict.fromkeys(VOTE_COLUMNS, 1)
        | {f"{what}_label_offset_seconds": [0.0] for what in ("eeg", "spectrogram")}
    )
    assert set(select_windows(labels, policy="per_eeg")) == said["windows"]
    assert set(EVIDENCE_COLUMNS) == said["evidence"]
    assert set(PREDICTION_COLUMNS) <= said["oof_predictions"]
    assert set(statistics.COLUMNS) == said["eda_statistics_table"]
    for name, made in (
        ("recording_cards", RECORDING_COLUMNS),
        ("events", EVENT_COLUMNS),
        ("burden", BURDEN_COLUMNS),
        ("event_scores", SCORE_COLUMNS),
    ):
        assert {"recording", *made} == said[name]
    assert set(TIMELINE_COLUMNS) == said["timelines"]


def test_data_dictionary_knows_every_table_of_the_catalog(build):
    said = _dictionary()
    pipelines = build.project.pipelines()
    made = {name for one in pipelines.values() for name in build.project.outputs_of(one)}
    tables = {
        build.project.family(name)
        for name in made
        if not name.startswith(("test.", "pretraining.", "shipped."))
        and (build.project.entry(name) or {"type": ""})["type"].endswith(".TableDataset")
    }
    told_together = {
        *("network_predictions", "band_power_predictions", "fold_N_ARCHITECTURE_predictions"),
    }
    assert len(tables) > 20
    assert tables - told_together - set(said) == set()
