import numpy as np
import pytest

from hbac.eeg.gaps import MISSING
from hbac.models import Augmentation, ImageLayout
from hbac.models.changes import mix_labels


class TwoBlocks:
    """Eight rows in panels of four, two parts of ten columns; the mirror turns rows around."""

    sampling_rate = None
    margin = 0

    def mirror(self, images):
        return images[:, ::-1]

    def blocks(self):
        return slice(0, 10), slice(10, 20)

    def panel_heights(self):
        return 4, 4

    def chain_height(self):
        return 4


class Waveforms(TwoBlocks):
    sampling_rate = 10.0

    def panel_heights(self):
        return None


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    images = 1 + rng.random((200, 8, 20), np.float32)
    return images, rng.dirichlet(np.ones(6), 200).astype(np.float32), np.ones(200, np.float32)


def changed(batch, layout=None, seed=0, **options):
    return Augmentation(**options).of(layout or TwoBlocks())(*batch, np.random.default_rng(seed))


def test_nothing_turned_on_changes_nothing():
    assert Augmentation().of(TwoBlocks()) is None


@pytest.mark.parametrize(
    "options",
    [
        *(
            {"mirror": 0.5},
            {"time_reversal": 0.5},
            {"time_shift": 0.3},
            {"time_mask": 0.5},
            {"mixup": 1.0},
        ),
        *({"drop_chain": 0.1}, {"drop_panel": 0.1}, {"drop_stretch": 0.5}),
        *({"gain": 0.1}, {"noise": 0.5}),
    ],
)
def test_the_batch_is_left_as_it_was_and_the_seed_decides(batch, options):
    before = [part.copy() for part in batch]
    layout = Waveforms()
    first, again, other = (changed(batch, layout, seed=seed, **options) for seed in (0, 0, 1))
    for part, kept in zip(batch, before, strict=True):
        np.testing.assert_array_equal(part, kept)
    np.testing.assert_array_equal(first[0], again[0])
    assert not np.array_equal(first[0], other[0])
    assert first[0].dtype == np.float32


def test_a_share_of_the_windows_is_mirrored_whole(batch):
    images = changed(batch, mirror=0.3)[0]
    mirrored = (images == batch[0][:, ::-1]).all(axis=(1, 2))
    same = (images == batch[0]).all(axis=(1, 2))
    assert (mirrored ^ same).all()
    assert 0.2 < mirrored.mean() < 0.4


def test_time_runs_backwards_in_all_parts_of_a_share_of_the_windows(batch):
    parts = changed(batch, time_reversal=0.3)[0].reshape(200, 8, 2, 10)
    before = batch[0].reshape(200, 8, 2, 10)
    backwards = (parts == before[..., ::-1]).all(axis=(1, 2, 3))
    assert (backwards ^ (parts == before).all(axis=(1, 2, 3))).all()
    assert 0.2 < backwards.mean() < 0.4


CHAINS = {"aligned": ["LL", "RL", "LP", "RP"], "seed": ["LL", "LP", "RL", "RP"]}


@pytest.mark.parametrize("eeg_order", CHAINS)
def test_chains_change_places_within_a_hemisphere(eeg_order):
    layout = ImageLayout(("regional", "eeg"), size=(8, 4), eeg_order=eeg_order)
    of_chain = dict(zip(CHAINS["aligned"], (1, 2, 3, 4), strict=True))
    window = np.zeros(layout.size, np.float32)
    for panel in layout.panels():
        window[panel.rows, panel.columns] = of_chain[panel.chain] + np.array([[0], [0.5]])
    images = changed(
        (np.tile(window, (200, 1, 1)), np.ones((200, 6)), np.ones(200)),
        layout,
        swap_chains=0.5,
        mirror=0.5,
    )[0]
    seen = set()
    for image in images:
        by_chain = {
            (panel.source, panel.chain): image[panel.rows, panel.columns]
            for panel in layout.panels()
        }
        order = tuple(int(by_chain["eeg", chain][0, 0]) for chain in CHAINS["aligned"])
        for (_, chain), values in by_chain.items():
            expected = order[CHAINS["aligned"].index(chain)] + np.array([[0, 0], [0.5, 0.5]])
            np.testing.assert_array_equal(values, expected)
        seen.add(order)
    left, right = [(1, 3), (3, 1)], [(2, 4), (4, 2)]
    straight = {(a, c, b, d) for a, b in left for c, d in right}
    assert seen == straight | {(c, a, d, b) for a, c, b, d in straight}


def test_each_part_is_shifted_in_time_and_its_edge_repeats(batch):
    images = changed(batch, time_shift=0.2)[0]
    seen = set()
    for window, before in zip(images, batch[0], strict=True):
        for block in TwoBlocks().blocks():
            part, start = window[:, block], before[:, block]
            shifts = [
                shift
                for shift in range(-2, 3)
                if np.array_equal(part, start[:, np.clip(np.arange(10) - shift, 0, 9)])
            ]
            assert len(shifts) == 1
            seen.add(shifts[0])
    assert seen == {-2, -1, 0, 1, 2}


def test_masks_are_single_stretches_no_longer_than_asked_for(batch):
    time = (changed(batch, time_mask=0.4)[0][:, :, :10] == 0).all(axis=1)
    band = (changed(batch, frequency_mask=0.5)[0] == 0).all(axis=2)
    np.testing.assert_array_equal(band[:, :4], band[:, 4:])
    for masked, longest in ((time, 4), (band[:, :4], 2)):
        lengths = masked.sum(axis=1)
        assert 0 < lengths.max() <= longest
        edges = np.abs(np.diff(np.pad(masked, ((0, 0), (1, 1))).astype(int), axis=1)).sum(axis=1)
        assert set(edges) <= {0, 2}


def missing(batch, layout=None, **options):
    """Which values go missing; all others stay."""
    images = changed(batch, layout, **options)[0]
    lost = images == MISSING
    np.testing.assert_array_equal(images[~lost], batch[0][~lost])
    return lost


def test_chains_go_missing_whole_and_in_each_part_alone(batch):
    lost = missing(batch, drop_chain=0.2).reshape(200, 2, 4, 2, 10)
    whole = lost.all(axis=(2, 4))
    np.testing.assert_array_equal(whole, lost.any(axis=(2, 4)))
    assert (abs(whole.mean(axis=0) - 0.2) < 0.1).all()
    assert 0 < (whole[:, 0] & whole[:, 1]).mean() < 0.1


def test_parts_go_missing_whole_and_sometimes_all_of_them(batch):
    lost = missing(batch, drop_panel=0.3).reshape(200, 8, 2, 10)
    whole = lost.all(axis=(1, 3))
    np.testing.assert_array_equal(whole, lost.any(axis=(1, 3)))
    assert (abs(whole.mean(axis=0) - 0.3) < 0.1).all()
    assert 0 < whole.all(axis=1).mean() < 0.2


def test_channels_of_waveforms_go_missing(batch):
    lost = missing(batch, Waveforms(), drop_channel=0.2).reshape(200, 8, 2, 10)
    np.testing.assert_array_equal(lost.all(axis=3), lost.any(axis=3))
    assert (abs(lost.mean(axis=(0, 2, 3)) - 0.2) < 0.1).all()
    assert not missing(batch, drop_channel=0.2).any()


def test_channels_of_pictures_go_missing_where_each_has_a_panel():
    images = np.ones((200, 64, 32), np.float32)
    batch = images, np.ones((200, 6), np.float32), np.ones(200, np.float32)
    each = ImageLayout(("regional", "eeg"), size=(64, 32), channels="all")
    lost = missing(batch, each, drop_channel=0.2)
    assert not lost[:, :, :16].any()
    channels = lost[:, :, 16:].reshape(200, 16, -1)
    np.testing.assert_array_equal(channels.all(axis=2), channels.any(axis=2))
    assert (abs(channels.all(axis=2).mean(axis=0) - 0.2) < 0.1).all()
    means = ImageLayout(("regional", "eeg"), size=(64, 32))
    assert not missing(batch, means, drop_channel=0.2).any()


def test_a_stretch_or_all_but_it_goes_missing(batch):
    lost = missing(batch, drop_stretch=0.5)
    np.testing.assert_array_equal(lost.all(axis=1), lost.any(axis=1))
    for part in (lost[:, 0, :10], lost[:, 0, 10:]):
        edges = (np.diff(part.astype(int), axis=1) != 0).sum(axis=1)
        assert set(edges) == {0, 1, 2}
        gap = (edges == 2) & ~part[:, 0] & ~part[:, -1]
        island = (edges == 2) & part[:, 0] & part[:, -1]
        assert gap.sum() > 20
        assert island.sum() > 20
        assert 0.4 < (~part.any(axis=1)).mean() < 0.65


def test_a_band_is_the_same_in_low_panels_as_in_high_ones():
    images = np.ones((200, 64, 32), np.float32)
    others = np.ones((200, 6), np.float32), np.ones(200, np.float32)
    layout = ImageLayout(("regional", "eeg"), size=(64, 32), channels="all")
    lost = missing((images, *others), layout, frequency_mask=0.5)
    whole = lost[:, :, :16].reshape(200, 4, 16, 16)
    of_channels = lost[:, :, 16:].reshape(200, 16, 4, 16)
    for panels in (whole, of_channels):
        assert (panels == panels[:, :1, :, :1]).all()
    # Four rows of a chain's panel are one of a channel's.
    np.testing.assert_array_equal(of_channels[:, 0, :, 0], whole[:, 0, ::4, 0])
    assert 0.1 < whole.mean() < 0.4


def test_waveforms_have_no_band_to_mask(batch):
    np.testing.assert_array_equal(changed(batch, Waveforms(), frequency_mask=0.5)[0], batch[0])


AMPLIFIERS = {"gain": 0.5, "low_pass": (1.0, 3.0), "tilt": 0.3, "noise": 0.5}


def test_pictures_come_from_no_other_amplifier(batch):
    np.testing.assert_array_equal(changed(batch, **AMPLIFIERS)[0], batch[0])
    assert not np.isclose(changed(batch, Waveforms(), **AMPLIFIERS)[0], batch[0]).any(axis=2).all()


def test_another_amplifier_adds_nothing_to_what_is_missing(batch):
    lost = changed(batch, Waveforms(), drop_channel=0.3)[0] == MISSING
    both = changed(batch, Waveforms(), drop_channel=0.3, **AMPLIFIERS)[0]
    assert 0.2 < (both == MISSING).mean() < 0.4
    holed = (np.where(lost, MISSING, batch[0]), *batch[1:])
    np.testing.assert_array_equal(changed(holed, Waveforms(), **AMPLIFIERS)[0] == MISSING, lost)


def test_mixup_mixes_windows_targets_and_weights_alike(batch):
    images, targets, _ = batch
    # Every window holds its own number, which tells the share of its partner.
    numbered = np.broadcast_to(np.arange(200, dtype=np.float32)[:, None, None], images.shape)
    weights = np.arange(200, dtype=np.float32)
    mixed, mixed_targets, mixed_weights = changed((numbered, targets, weights), mixup=0.5)
    np.testing.assert_allclose(mixed[:, 0, 0], mixed_weights, rtol=1e-4)
    np.testing.assert_allclose(mixed_targets.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(mixed_targets.mean(axis=0), targets.mean(axis=0), atol=0.05)
    assert np.abs(mixed[:, 0, 0] - np.arange(200)).max() > 10


def test_of_two_mixed_windows_the_heavier_says_more():
    draws = {"partner": np.array([1, 0, 2]), "kept": np.float32([0.75, 0.75, 0.6])}
    targets, weights = np.eye(3, dtype=np.float32), np.float32([1, 3, 0])
    mixed, mixed_weights = mix_labels(targets, weights, draws)
    np.testing.assert_allclose(mixed, [[0.5, 0.5, 0], [0.1, 0.9, 0], [0, 0, 1]], rtol=1e-6)
    np.testing.assert_allclose(mixed_weights, [1.5, 2.5, 0])
    alike, _ = mix_labels(targets, np.ones(3, np.float32), draws)
    np.testing.assert_allclose(alike[0], [0.75, 0.25, 0])
