import itertools

import numpy as np
import pytest

from hbac.eeg.gaps import MISSING
from hbac.eeg.montage import channel_names
from hbac.models.image import LOG_POWER_MEAN, LOG_POWER_STD, ImageLayout, build_image

CHAINS = ("LL", "RL", "LP", "RP")
SOURCES = ("regional", "eeg", "centre")
EVERYTHING = [
    ImageLayout(SOURCES, fit, (512, 768), normalisation, order)
    for fit, normalisation, order in itertools.product(
        ("crop", "stretch"), ("window", "global"), ("aligned", "seed")
    )
]


def one_value_a_panel():
    """Regional power, and EEG panels, whose values say which source and chain they are."""
    regional = np.repeat(np.exp([1.0, 2.0, 3.0, 4.0]), 100) * np.ones((300, 1))
    return regional, np.arange(8) / 10 * np.ones((128, 256, 1))


def window(seed=0):
    rng = np.random.default_rng(seed)
    return rng.lognormal(0, 2, (300, 400)).astype(np.float32), rng.uniform(-1, 1, (128, 256, 8))


def test_the_default_picture_is_the_panels_side_by_side():
    regional, eeg = window()
    regional[40:60, 100:200] = np.nan
    parts = []
    for chain in range(4):
        log = np.log(np.clip(regional[:, 100 * chain : 100 * chain + 100].T, *np.exp((-4.0, 8.0))))
        values = log[~np.isnan(log)]
        cell = np.nan_to_num((log - values.mean()) / (values.std() + 1e-6))[:, 22:-22]
        parts.append(np.pad(cell, [(14, 14), (0, 0)]) * 0.5)
    expected = np.hstack([np.vstack(parts), np.vstack(list(np.moveaxis(eeg[..., :4], -1, 0)))])
    picture = build_image(regional, eeg[..., :4], ImageLayout())
    np.testing.assert_array_equal(picture, expected.astype(np.float16))
    np.testing.assert_array_equal(build_image(regional, eeg, ImageLayout()), picture)


@pytest.mark.parametrize("order", ["aligned", "seed"])
def test_a_panel_lies_where_its_chain_is_drawn(order):
    layout = ImageLayout(SOURCES, "stretch", (256, 384), "global", order)
    picture = build_image(*one_value_a_panel(), layout).astype(float)
    assert len(layout.panels()) == 12
    for panel in layout.panels():
        chain = CHAINS.index(panel.chain)
        expected = {
            "regional": (chain + 1 - LOG_POWER_MEAN) / LOG_POWER_STD / 2,
            "eeg": chain / 10,
            "centre": (4 + chain) / 10,
        }[panel.source]
        np.testing.assert_allclose(picture[panel.rows, panel.columns], expected, atol=1e-3)


def test_the_seed_orders_eeg_panels_by_hemisphere():
    layout = ImageLayout(SOURCES, size=(512, 768), eeg_order="seed")
    chains = [panel.chain for panel in layout.panels()]
    assert chains == [*CHAINS, "LL", "LP", "RL", "RP", "LL", "LP", "RL", "RP"]


def test_blocks_are_the_columns_of_the_sources():
    layout = ImageLayout(SOURCES, size=(512, 768))
    assert layout.blocks() == (slice(0, 256), slice(256, 512), slice(512, 768))
    assert [p.columns for p in layout.panels()[::4]] == list(layout.blocks())


def test_the_centre_spans_the_central_10_s():
    panel = ImageLayout(("centre",)).panels()[0]
    assert panel.seconds == (19.88, 30.12)
    assert panel.hertz == (0, 20)


def test_the_level_of_regional_power_is_kept_by_the_global_normalisation_alone():
    regional, eeg = window()
    regional = np.clip(regional, 0.1, 100)
    changes = {}
    for normalisation in ("window", "global"):
        layout = ImageLayout(("regional",), "stretch", (512, 256), normalisation)
        pictures = [build_image(power, eeg, layout) for power in (regional, np.e * regional)]
        changes[normalisation] = pictures[1].astype(float) - pictures[0]
    np.testing.assert_allclose(changes["window"], 0, atol=2e-3)
    np.testing.assert_allclose(changes["global"], 0.5 / LOG_POWER_STD, atol=2e-3)


def test_missing_regional_power_is_0_and_values_fit_the_networks_range():
    regional, eeg = window()
    regional[:100] = np.nan
    regional[100] = 1e9
    layout = ImageLayout(("regional",), "crop", (512, 256), "global")
    picture = build_image(regional, eeg, layout)
    assert not picture[:, :78].any()
    assert np.abs(picture).max() <= 2


@pytest.mark.parametrize("layout", EVERYTHING)
def test_what_is_missing_is_one_value_in_every_panel(layout):
    regional, eeg = window()
    regional[:, :100], regional[:, 200:300] = np.nan, 0
    eeg[..., [1, 6]] = np.nan
    eeg[:, 100:120] = np.nan
    picture = build_image(regional, eeg, layout)
    lost = {("regional", "LL"), ("regional", "LP"), ("eeg", "RL"), ("centre", "LP")}
    for panel in layout.panels():
        cell = picture[panel.rows, panel.columns]
        assert (cell == MISSING).all() == ((panel.source, panel.chain) in lost)
        if panel.source != "regional":
            assert (cell[:, 100:120] == MISSING).all()
    nothing = build_image(np.full_like(regional, np.nan), np.full_like(eeg, np.nan), layout)
    assert (nothing == MISSING).all()


@pytest.mark.parametrize("layout", EVERYTHING)
def test_mirroring_is_swapping_the_chains_before_the_picture_is_made(layout):
    regional, eeg = window()
    picture = build_image(regional, eeg, layout)
    swapped = np.concatenate([regional[:, 100 * k : 100 * k + 100] for k in (1, 0, 3, 2)], axis=1)
    expected = build_image(swapped, eeg[..., [1, 0, 3, 2, 5, 4, 7, 6]], layout)
    mirrored = layout.mirror(np.stack([picture, picture * 0]))
    np.testing.assert_array_equal(mirrored[0], expected)
    assert not mirrored[1].any()
    assert mirrored.dtype == np.float16
    np.testing.assert_array_equal(layout.mirror(mirrored)[0], picture)


def test_a_picture_of_the_left_becomes_one_of_the_right():
    layout = ImageLayout(SOURCES, size=(64, 96), eeg_order="seed")
    left, right = np.zeros((2, 1, 64, 96))
    for panel in layout.panels():
        side = left if panel.chain.startswith("L") else right
        side[0, panel.rows, panel.columns] = 1
    np.testing.assert_array_equal(layout.mirror(left), right)


@pytest.mark.parametrize(
    ("field", "value"), [("normalisation", "none"), ("eeg_order", "random"), ("sources", ("ekg",))]
)
def test_unknown_values_are_named(field, value):
    with pytest.raises(ValueError, match=f"{field} must .* received"):
        ImageLayout(**{field: value})


def test_inputs_of_another_shape_are_named():
    regional, eeg = window()
    with pytest.raises(ValueError, match=r"centre needs .* received \(128, 256, 4\)"):
        build_image(regional, eeg[..., :4], ImageLayout(("centre",)))
    with pytest.raises(ValueError, match=r"received \(128, 256, 5\)"):
        build_image(regional, eeg[..., :5], ImageLayout())
    with pytest.raises(ValueError, match=r"\(batch, 512, 512\), received \(512, 512\)"):
        ImageLayout().mirror(np.zeros((512, 512)))


def test_panels_of_all_channels_are_named_and_cover_the_picture_once():
    layout = ImageLayout(SOURCES, size=(64, 48), eeg_order="seed", channels="all")
    covered = np.zeros(layout.size, int)
    for panel in layout.panels():
        covered[panel.rows, panel.columns] += 1
    np.testing.assert_array_equal(covered, 1)
    assert layout.panel_heights() == (16, 4, 4)
    assert layout.chain_height() == 16
    eeg = [panel for panel in layout.panels() if panel.source == "eeg"]
    assert [panel.channel for panel in eeg[:4]] == ["Fp1-F7", "F7-T3", "T3-T5", "T5-O1"]
    assert [panel.chain for panel in eeg[::4]] == ["LL", "LP", "RL", "RP"]
    assert {panel.hertz for panel in eeg} == {(0.0, 20.0)}
    regional = [panel for panel in layout.panels() if panel.source == "regional"]
    assert [panel.channel for panel in regional] == [None] * 4
    average = ImageLayout(("eeg",), size=(64, 48), channels="all", montage="average").panels()
    assert [panel.channel for panel in average[:4]] == ["F7", "T3", "T5", "O1"]


@pytest.mark.parametrize("order", ["aligned", "seed"])
def test_a_channel_lies_where_its_panel_is(order):
    layout = ImageLayout(SOURCES, "stretch", (64, 192), "global", order, channels="all")
    regional, _ = one_value_a_panel()
    # A chain in tens, a channel in ones, and the centre another hundred.
    rows = np.repeat(np.arange(4), 32)[:, np.newaxis, np.newaxis]
    eeg = rows + np.array([0, 10, 20, 30, 100, 110, 120, 130]) + np.zeros((128, 256, 8))
    picture = build_image(regional, eeg, layout).astype(float)
    for panel in layout.panels():
        if panel.source != "regional":
            chain = CHAINS.index(panel.chain)
            place = channel_names(panel.chain, "bipolar").index(panel.channel)
            expected = 10 * chain + place + 100 * (panel.source == "centre")
            np.testing.assert_array_equal(picture[panel.rows, panel.columns], expected)


def test_a_chain_of_all_channels_divides_into_four():
    with pytest.raises(ValueError, match="multiple of 16 rows"):
        ImageLayout(("eeg",), size=(24, 48), channels="all")
    ImageLayout(("regional",), size=(24, 48), channels="all")
