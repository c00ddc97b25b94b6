from dataclasses import replace

import numpy as np
import pytest

from hbac.eeg.chain_map import ChainMap, chain_maps
from hbac.eeg.montage import CHAINS
from hbac.explain.evidence import (
    LEAST_SHARE,
    Evidence,
    _shortest_half,
    chain_shares,
    describe,
    locate,
    overlap,
    shaded_stretches,
)
from hbac.models.image import ImageLayout

ORDER = list(CHAINS)


def empty_eeg(start=0.0):
    """Half hertz by 1 s."""
    seconds = start + np.linspace(0, 50, 51)
    return ChainMap("eeg", np.zeros((4, 40, 50)), np.linspace(0, 20, 41), seconds)


def empty_regional(start=0.0):
    """1 Hz by 10 s, with margins of 2 Hz."""
    seconds = start + np.linspace(-275, 325, 61)
    return ChainMap("regional", np.zeros((4, 24, 60)), np.linspace(-2, 22, 25), seconds)


def add(chain_map, chains, hertz, seconds, value=1.0):
    """Raise the pixels whose centre lies inside."""
    rows, columns = (
        (low < centres) & (centres < high)
        for (low, high), centres in (
            (hertz, (chain_map.hertz[:-1] + chain_map.hertz[1:]) / 2),
            (seconds, (chain_map.seconds[:-1] + chain_map.seconds[1:]) / 2),
        )
    )
    box = np.isin(ORDER, chains)[:, None, None] & rows[:, None] & columns
    return replace(chain_map, values=chain_map.values + np.where(box, value, 0))


def both(eeg=None, regional=None):
    return {"regional": regional or empty_regional(), "eeg": eeg or empty_eeg()}


def sentence(maps):
    return describe("LRDA", 0.71, locate(maps))


def test_one_hot_block_is_named_as_a_clinician_would():
    maps = both(add(empty_eeg(), ["RP"], (1, 2), (18, 31)))
    assert locate(maps) == Evidence(("RP",), (1, 2), (18, 31), "eeg", pytest.approx(1))
    assert sentence(maps) == "LRDA 0.71: right parasagittal chain, 1-2 Hz, 18-31 s"
    assert shaded_stretches(maps) == [("RP", 18, 31)]


def test_the_block_is_found_in_a_picture_whatever_the_order_of_its_panels():
    layout = ImageLayout(eeg_order="seed")
    panels = layout.panels()
    picture = np.zeros(layout.size)
    panel = next(one for one in panels if (one.source, one.chain) == ("eeg", "RP"))
    # 128 rows of 20 Hz and 256 columns of 50 s.
    picture[panel.rows, panel.columns][8:12, 92:159] = 1
    for ordered in (panels, panels[::-1]):
        evidence = locate(chain_maps(picture, ordered, start=1000))
        assert evidence.hertz == pytest.approx((8 * 20 / 128, 12 * 20 / 128))
        assert evidence.seconds == pytest.approx((1000 + 92 * 50 / 256, 1000 + 159 * 50 / 256))
        said = describe("LRDA", 0.714, evidence)
        assert said == "LRDA 0.71: right parasagittal chain, 1-2 Hz, 1018-1031 s"


def test_evidence_is_shared_out_among_chains_over_all_sources():
    eeg = add(empty_eeg(), ["LL"], (5, 10), (10, 20), 3.0)
    eeg = add(eeg, ["LP"], (5, 10), (10, 20), -9.0)
    regional = add(empty_regional(), ["RP"], (0, 20), (-275, 325))
    regional = add(regional, ["RL"], (-2, 0), (-275, 325), 50.0)
    mass = 10 * 10 * 3.0, 20 * 60 * 1.0
    expected = np.array([mass[0], 0, 0, mass[1]]) / sum(mass)
    assert chain_shares({"eeg": eeg, "regional": regional}) == pytest.approx(expected)
    assert (chain_shares({"eeg": empty_eeg()}) == 0).all()


def test_an_even_map_is_everywhere():
    maps = {source: replace(one, values=np.ones_like(one.values)) for source, one in both().items()}
    evidence = locate(maps)
    assert evidence.chains == tuple(CHAINS)
    assert evidence.hertz == (0, 20)
    assert evidence.seconds == (0, 50)
    assert evidence.share == pytest.approx(4 * 40 * 50 / (4 * 40 * 50 + 4 * 24 * 60))
    assert sentence(maps) == "LRDA 0.71: all four chains, 0-20 Hz, 0-50 s"
    assert shaded_stretches(maps) == [(chain, 0, 50) for chain in CHAINS]


def test_what_speaks_against_the_class_does_not_count():
    eeg = add(empty_eeg(), ["RP"], (1, 2), (18, 31))
    against = add(add(eeg, ["LL"], (5, 20), (0, 50), -9), ["LP"], (0, 5), (0, 9), np.nan)
    assert locate(both(against)) == locate(both(eeg))
    assert shaded_stretches(both(against)) == [("RP", 18, 31)]


def test_without_evidence_nothing_is_claimed():
    for maps in (both(), both(add(empty_eeg(), ORDER, (0, 20), (0, 50), -1))):
        assert locate(maps) is None
        assert shaded_stretches(maps) == []
        assert sentence(maps) == "LRDA 0.71: no evidence for it in what the network saw"


def test_margins_are_no_frequencies():
    maps = both(regional=add(empty_regional(), ["LL"], (-2, 0), (0, 50)))
    assert locate(maps) is None
    part = both(regional=add(empty_regional(), ["LL"], (-2, 2), (-275, 325)))
    evidence = locate(part)
    assert evidence.hertz == (0, 2)
    # The margin's half of the map lies outside.
    assert evidence.share == pytest.approx(0.5)


def test_a_row_that_straddles_zero_counts_by_what_is_above():
    regional = replace(empty_regional(), hertz=np.linspace(-2.5, 21.5, 25))
    regional.values[0, 2, 30] = 1  # -0.5 to 0.5 Hz
    evidence = locate({"regional": regional})
    assert evidence.hertz == (0, 0.5)
    assert evidence.share == pytest.approx(0.5)


def test_a_triangle_has_its_shortest_half_in_the_middle():
    # Density rises by 1 a second to 25 and falls again; 0 Hz to 20 Hz carry the same.
    slope = np.concatenate([np.arange(25), np.arange(25)[::-1]]) + 1.0
    values = np.zeros((4, 40, 50))
    values[3] = slope
    low, high = locate({"eeg": replace(empty_eeg(), values=values)}).seconds
    # Half of a side, 162.5, is 25 + 24 + ... + 19 = 154 and 8.5 of 18: 7.47 columns, 21.75 each.
    # Half of that is 10.87, so that columns of 11 and more are told too.
    assert (low, high) == (10, 40)


def test_the_shortest_half_ends_inside_a_column():
    values = np.zeros((4, 40, 50))
    values[0, :, 10], values[0, :, 11], values[0, :, 12] = 8, 3, 9
    values[0, :, 30:50] = 0.1
    # Half of 22 is 11: the 9, and two thirds of the 3, which is less than half as dense as both.
    maps = {"eeg": replace(empty_eeg(), values=values)}
    assert locate(maps).seconds == pytest.approx((11 + 1 / 3, 13))
    mirrored = {"eeg": replace(empty_eeg(), values=values[..., ::-1])}
    assert locate(mirrored).seconds == pytest.approx((37, 38 + 2 / 3))


@pytest.mark.parametrize("seed", range(5))
def test_it_holds_half_and_no_other_interval_of_half_is_shorter(seed):
    rng = np.random.default_rng(seed)
    mass, edges = rng.gamma(0.3, size=12), np.arange(13.0)
    mass[rng.choice(12, 4, replace=False)] = 0
    low, high = _shortest_half(mass, edges)
    below = np.concatenate([[0], np.cumsum(mass)])
    assert np.diff(np.interp([low, high], edges, below)) == pytest.approx(mass.sum() / 2)
    begin = np.linspace(0, 12, 2401)
    held = np.interp(begin + (high - low) - 1e-6, edges, below) - np.interp(begin, edges, below)
    assert (held < mass.sum() / 2).all()


def test_a_chain_counts_from_half_of_the_strongest():
    eeg = add(empty_eeg(), ["LP"], (0, 20), (0, 50), 1)
    assert locate(both(add(eeg, ["RL"], (0, 20), (0, 50), 0.49))).chains == ("LP",)
    assert locate(both(add(eeg, ["RL"], (0, 20), (0, 50), 0.5))).chains == ("RL", "LP")


def test_the_eeg_is_spoken_of_unless_it_holds_next_to_nothing():
    regional = add(empty_regional(), ["LL"], (4, 8), (-275, 325))
    total = regional.values.sum()
    for share, source in ((LEAST_SHARE + 0.01, "eeg"), (LEAST_SHARE - 0.01, "regional")):
        mass = total * share / (1 - share)
        eeg = add(empty_eeg(), ["RP"], (1, 2), (18, 31), mass / 26)
        evidence = locate(both(eeg, regional))
        assert evidence.source == source
        assert evidence.share == pytest.approx(share if source == "eeg" else 1 - share)
        assert bool(shaded_stretches(both(eeg, regional))) == (source == "eeg")


def test_the_centre_stands_in_for_the_eeg():
    centre = ChainMap(
        "centre", np.zeros((4, 20, 16)), np.linspace(0, 20, 21), np.linspace(19.88, 30.12, 17)
    )
    centre.values[2, 3, 4:8] = 1
    maps = {"centre": centre, "regional": empty_regional()}
    edges = pytest.approx((22.44, 25))
    assert (locate(maps).source, locate(maps).seconds) == ("centre", edges)
    assert sentence(maps) == "LRDA 0.71: left parasagittal chain, 3-4 Hz, 22-25 s"
    assert shaded_stretches(maps) == [("LP", pytest.approx(22.44), pytest.approx(25))]
    eeg = add(empty_eeg(), ["RP"], (1, 2), (18, 31))
    assert locate({"centre": centre, "eeg": eeg}) == locate({"eeg": eeg, "centre": centre})
    assert locate({"centre": centre, "eeg": eeg}).source == "eeg"


@pytest.mark.parametrize(
    ("chains", "words"),
    [
        ("LL", "left lateral chain"),
        ("RL", "right lateral chain"),
        ("LP", "left parasagittal chain"),
        ("RP", "right parasagittal chain"),
        ("LL RL", "both lateral chains"),
        ("LP RP", "both parasagittal chains"),
        ("LL LP", "left lateral and parasagittal chains"),
        ("RL RP", "right lateral and parasagittal chains"),
        ("LL RP", "left lateral and right parasagittal chains"),
        ("RL LP", "right lateral and left parasagittal chains"),
        ("LL RL LP", "left parasagittal and both lateral chains"),
        ("LL RL RP", "right parasagittal and both lateral chains"),
        ("LL LP RP", "left lateral and both parasagittal chains"),
        ("RL LP RP", "right lateral and both parasagittal chains"),
        ("LL RL LP RP", "all four chains"),
    ],
)
def test_chains_in_words(chains, words):
    maps = both(add(empty_eeg(), chains.split(), (1, 2), (18, 31)))
    assert sentence(maps) == f"LRDA 0.71: {words}, 1-2 Hz, 18-31 s"


@pytest.mark.parametrize(
    ("source", "seconds", "words"),
    [
        ("eeg", (17.6, 31.4), "18-31 s"),
        ("eeg", (17.6, 18.4), "17-19 s"),
        ("regional", (240, 360), "240-360 s after the EEG recording starts (10-min spectrogram)"),
        (
            "regional",
            (-95.2, 20),
            "95 s before to 20 s after the EEG recording starts (10-min spectrogram)",
        ),
        ("regional", (-95, -20), "95-20 s before the EEG recording starts (10-min spectrogram)"),
        ("regional", (-0.2, 20), "0-20 s after the EEG recording starts (10-min spectrogram)"),
    ],
)
def test_seconds_in_words(source, seconds, words):
    said = describe("GPD", 0.305, Evidence(("LL",), (0, 20), seconds, source, 0.5))
    assert said.split(": ")[1] == f"left lateral chain, 0-20 Hz, {words}"


@pytest.mark.parametrize(
    ("hertz", "words"),
    [
        ((1, 2), "1-2"),
        ((1.1, 2.1), "1-2.5"),
        ((0, 0.1), "0-0.5"),
        ((1.5 - 1e-9, 2.5 + 1e-9), "1.5-2.5"),
    ],
)
def test_frequencies_are_rounded_outwards(hertz, words):
    said = describe("GPD", 0.3, Evidence(("LL",), hertz, (0, 9), "eeg", 0.5))
    assert said == f"GPD 0.30: left lateral chain, {words} Hz, 0-9 s"


def test_negative_seconds_come_from_the_ten_minutes():
    maps = both(regional=add(empty_regional(100), ["LL", "LP"], (1, 3), (-95, 25)))
    assert sentence(maps) == (
        "LRDA 0.71: left lateral and parasagittal chains, 1-3 Hz, 95 s before to 25 s after the "
        "EEG recording starts (10-min spectrogram)"
    )


def test_stretches_are_measured_against_the_strongest_column_of_all_chains():
    eeg = add(empty_eeg(300), ["LL"], (0, 20), (305, 310), 1)
    eeg = add(add(eeg, ["LL"], (0, 20), (340, 350), 0.6), ["RP"], (0, 20), (300, 302), 0.4)
    assert shaded_stretches(both(eeg)) == [("LL", 305, 310), ("LL", 340, 350)]
    assert shaded_stretches(both(eeg), level=0.4)[-1] == ("RP", 300, 302)
    assert shaded_stretches(both(eeg), level=1) == [("LL", 305, 310)]


def test_pixels_are_split_by_overlap():
    np.testing.assert_allclose(
        overlap([0, 3, 5], [-1, 1, 2, 9]), [[1 / 3, 1 / 3, 1 / 3], [0, 0, 1]]
    )


def test_wrong_values_are_named():
    with pytest.raises(ValueError, match=r"level must be above 0 and at most 1, received 0"):
        shaded_stretches(both(), level=0)
    many = replace(empty_eeg(), values=np.zeros((6, 4, 40, 50)))
    with pytest.raises(ValueError, match=r"received \(6, 4, 40, 50\)"):
        locate({"eeg": many})


def waveform(channel, seconds, value=1.0):
    """Ten seconds from second 100, a tenth of a second a column; one channel has all evidence."""
    edges = 100 + np.linspace(0, 10, 101)
    values = np.full((4, 4, 100), -0.1)
    inside = (edges[:-1] >= seconds[0] - 1e-6) & (edges[1:] <= seconds[1] + 1e-6)
    values[channel // 4, channel % 4, inside] = value
    return {"waveform": ChainMap("waveform", values, None, edges)}


def test_evidence_in_waveforms_has_chains_and_seconds_and_no_frequencies():
    maps = waveform(13, (103, 107))
    found = locate(maps)
    assert found.chains == ("RP",)
    assert found.hertz is None
    assert found.seconds == pytest.approx((103, 107))
    assert (found.source, found.share) == ("waveform", pytest.approx(1))
    assert sentence(maps) == "LRDA 0.71: right parasagittal chain, 103-107 s"
    assert shaded_stretches(maps) == [("RP", pytest.approx(103), pytest.approx(107))]


def test_no_evidence_in_waveforms_is_told():
    assert locate(waveform(13, (103, 107), value=-1)) is None


LAYOUT_OF_ALL = ImageLayout(("eeg",), size=(256, 50), channels="all")


def of_channels(*names):
    """A map over pictures of 16 channels with evidence at 5-10 Hz, 10-20 s in some of them."""
    picture = np.zeros(LAYOUT_OF_ALL.size)
    for panel in LAYOUT_OF_ALL.panels():
        if panel.channel in names:
            picture[panel.rows, panel.columns][4:8, 10:20] = 1
    return chain_maps(picture, LAYOUT_OF_ALL.panels())


def test_channels_that_stand_out_are_named_beside_their_chain():
    found = locate(of_channels("F4-C4", "C4-P4"))
    assert found == Evidence(("RP",), (5, 10), (10, 20), "eeg", 1.0, ("F4-C4", "C4-P4"))
    assert describe("LPD", 0.8, found) == (
        "LPD 0.80: right parasagittal chain (F4-C4 C4-P4), 5-10 Hz, 10-20 s"
    )


def test_a_chain_whose_channels_are_all_alike_is_named_alone():
    found = locate(of_channels("Fp1-F7", "F7-T3", "T3-T5", "T5-O1"))
    assert (found.chains, found.channels) == (("LL",), ())
    np.testing.assert_allclose(chain_shares(of_channels("F7-T3", "F8-T4")), [0.5, 0.5, 0, 0])
