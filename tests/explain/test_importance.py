from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from hbac.eeg.chain_map import ChainMap, chain_maps
from hbac.eeg.montage import CHAINS
from hbac.explain.importance import BANDS, importance_table, marginal
from hbac.models.image import ImageLayout
from hbac.models.waveform import WaveformLayout

SEED = ImageLayout(size=(128, 128), eeg_order="seed")
THREE = ImageLayout(sources=("regional", "eeg", "centre"), size=(64, 96))
WINDOW_CLASS = ["window_row", "class"]


def table_of(pictures, layout=SEED, **options):
    return importance_table(chain_maps(pictures, layout.panels()), **options)


def one_pixel(hertz, seconds, value=1.0):
    """A source of a single pixel a chain, with all its value in RP."""
    values = np.zeros((1, 1, 4, 1, 1))
    values[0, 0, 3] = value
    return ChainMap("eeg", values, np.array(hertz, float), np.array(seconds, float))


@pytest.mark.parametrize("layout", [SEED, THREE, ImageLayout(fit="stretch", size=(64, 64))])
def test_an_even_map_has_the_shares_of_chance(layout):
    table = table_of(np.ones((2, 6, *layout.size), np.float32), layout)
    np.testing.assert_allclose(table["share"], table["chance"], rtol=1e-4)
    sums = table.groupby(WINDOW_CLASS, observed=True)[["share", "chance"]].sum()
    assert len(sums) == 12
    np.testing.assert_allclose(sums, 1, rtol=1e-5)
    for by, parts in (("source", len(layout.sources)), ("chain", 4 * len(layout.sources))):
        part = marginal(table, by)
        np.testing.assert_allclose(part[["share", "chance"]], 1 / parts, rtol=1e-5)


def test_shares_of_a_window_and_class_sum_to_one_over_what_is_positive():
    rng = np.random.default_rng(0)
    pictures = rng.normal(size=(3, 6, *THREE.size)) * 10.0 ** rng.integers(-6, 6, (3, 6, 1, 1))
    table = table_of(pictures, THREE)
    sums = table.groupby(WINDOW_CLASS, observed=True)["share"].sum()
    np.testing.assert_allclose(sums, 1, rtol=1e-5)
    panel = next(one for one in THREE.panels() if (one.source, one.chain) == ("eeg", "LP"))
    positive = pictures.clip(0)
    expected = positive[..., panel.rows, panel.columns].sum((2, 3)) / positive.sum((2, 3))
    chains = marginal(table, "chain").query("source == 'eeg' and level == 'LP'")
    np.testing.assert_allclose(chains["share"], expected.ravel(), rtol=1e-5)


def test_a_pixel_on_the_edge_of_a_band_and_a_second_is_split():
    table = importance_table({"eeg": one_pixel((3, 7), (4.25, 5.25))}, class_names=["a"])
    told = table[table["share"] > 0].set_index(["band", "second"])["share"]
    assert told.to_dict() == {
        ("delta", 4): pytest.approx(0.25 * 0.75),
        ("delta", 5): pytest.approx(0.25 * 0.25),
        ("theta", 4): pytest.approx(0.75 * 0.75),
        ("theta", 5): pytest.approx(0.75 * 0.25),
    }
    assert set(table.loc[table["share"] > 0, "chain"]) == {"RP"}
    assert table["chance"].sum() == pytest.approx(1)


def test_margins_are_outside():
    table = importance_table({"eeg": one_pixel((-2, 1), (0, 1))}, class_names=["a"])
    bands = marginal(table, "band").set_index("level")
    assert bands.loc["outside", "share"] == pytest.approx(2 / 3)
    assert bands.loc["delta", "share"] == pytest.approx(1 / 3)
    assert bands.loc["outside", "chance"] == pytest.approx(2 / 3)


def test_bands_join_without_gap_from_0_to_20_hz():
    edges = list(BANDS.values())
    assert (edges[0][0], edges[-1][1]) == (0, 20)
    assert all(low[1] == high[0] for low, high in pairwise(edges))
    assert list(BANDS) == ["delta", "theta", "alpha", "beta"]


def test_time_bins_are_1_s_in_the_eeg_and_10_s_in_the_ten_minutes():
    table = table_of(np.ones((1, 6, *THREE.size)), THREE)
    seconds = table.groupby("source", observed=True)["second"].unique()
    assert sorted(seconds["eeg"]) == list(range(50))
    assert sorted(seconds["centre"]) == list(range(19, 31))
    # The cropped panel shows seconds -231 to 281.
    assert sorted(seconds["regional"]) == list(range(-240, 290, 10))
    ends = marginal(table, "second").query("source == 'regional'").set_index("level")["chance"]
    # Levels are the middles; the first of 10 s shows 1.
    assert ends["-235"].iloc[0] / ends["5"].iloc[0] == pytest.approx(0.1, rel=1e-3)
    assert marginal(table, "second").query("source == 'eeg'")["level"].iloc[0] == "0.5"


def test_each_place_in_the_picture_is_found_whatever_the_order_of_the_panels():
    pictures = np.zeros((2, 6, *SEED.size))
    panels = SEED.panels()
    panel = next(one for one in panels if (one.source, one.chain) == ("eeg", "RP"))
    # 32 rows of 20 Hz and 64 columns of 50 s: 1.25 to 2.5 Hz and 25 to 25.78 s.
    pictures[1, 3, panel.rows, panel.columns][2:4, 32] = 5
    tables = [importance_table(chain_maps(pictures, ordered)) for ordered in (panels, panels[::-1])]
    for table in tables:
        (hit,) = table[table["share"] > 0].to_dict("records")
        del hit["chance"]
        assert hit == {
            "window_row": 1,
            "class": "LRDA",
            "source": "eeg",
            "chain": "RP",
            "band": "delta",
            "second": 25,
            "share": 1,
        }


def test_a_window_without_evidence_has_no_rows():
    pictures = np.ones((2, 6, *SEED.size))
    pictures[0, 2] = 0
    pictures[1, 5] = -1
    table = table_of(pictures)
    present = table[WINDOW_CLASS].drop_duplicates()
    assert len(present) == 10
    missing = {(0, "GPD"), (1, "Other")}
    assert not missing & set(present.itertuples(index=False, name=None))


def test_a_pivot_gives_the_means_over_windows_with_evidence():
    pictures = np.zeros((3, 6, *SEED.size))
    for window, chain in enumerate(["LL", "RL"]):
        panel = next(one for one in SEED.panels() if (one.source, one.chain) == ("eeg", chain))
        pictures[window, 0, panel.rows, panel.columns] = 1
    shares = marginal(table_of(pictures), "chain")
    columns = ["class", "source", "level"]
    wide = shares.pivot_table("share", "window_row", columns, observed=True)
    assert wide["Seizure"].shape == (2, 8)
    means = wide.mean()["Seizure"]
    assert means["eeg"].to_dict() == pytest.approx({"LL": 0.5, "RL": 0.5, "LP": 0, "RP": 0})
    assert means["regional"].sum() == 0


def test_inputs_stay_and_the_table_is_small():
    pictures = np.random.default_rng(1).normal(size=(2, 6, *SEED.size))
    maps = chain_maps(pictures, SEED.panels())
    before = {source: one.values.copy() for source, one in maps.items()}
    table = importance_table(maps)
    for source, one in maps.items():
        np.testing.assert_array_equal(one.values, before[source])
    assert table.dtypes[["share", "chance", "second", "window_row"]].astype(str).to_list() == [
        "float32",
        "float32",
        "int16",
        "int32",
    ]
    named = table[["class", "source", "chain", "band"]]
    assert all(isinstance(kind, pd.CategoricalDtype) for kind in named.dtypes)
    assert list(table["chain"].cat.categories) == list(CHAINS)


def test_wrong_input_is_named():
    maps = chain_maps(np.ones((2, 5, *SEED.size)), SEED.panels())
    with pytest.raises(ValueError, match=r"\(windows, 6, 4, rows, columns\).*\(2, 5, 4, 32, 64\)"):
        importance_table(maps)
    fewer = {**maps, "eeg": replace(maps["eeg"], values=maps["eeg"].values[:1])}
    with pytest.raises(ValueError, match="as many windows in each source"):
        importance_table(fewer, class_names=list("abcde"))
    with pytest.raises(ValueError, match="by must be source, chain, band or second"):
        marginal(importance_table(maps, class_names=list("abcde")), "hertz")


def test_waveforms_are_shared_out_over_chains_and_seconds_alone():
    layout = WaveformLayout((16, 200), 20)
    values = np.zeros((1, 6, 16, 200))
    values[0, 0, 5, 30:50] = 1
    table = table_of(values, layout)
    told = table[table["share"] > 0]
    assert set(told["chain"]) == {"RL"}
    assert dict(zip(told["second"], told["share"], strict=True)) == {21: 0.5, 22: 0.5}
    assert set(table["band"]) == {"all"}
    band = marginal(table, "band")
    assert band["level"].tolist() == ["all"]
    np.testing.assert_allclose(band[["share", "chance"]], 1, rtol=1e-5)
    even = table_of(np.ones((1, 6, 16, 200)), layout)
    np.testing.assert_allclose(even["share"], 1 / 40, rtol=1e-5)
    np.testing.assert_allclose(even["chance"], 1 / 40, rtol=1e-5)
