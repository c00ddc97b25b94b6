import numpy as np
import pytest

from hbac.models import Augmentation


class TwoBlocks:
    """Eight rows in panels of four, two parts of ten columns; the mirror turns rows around."""

    def mirror(self, images):
        return images[:, ::-1]

    def blocks(self):
        return slice(0, 10), slice(10, 20)

    def panel_height(self):
        return 4


class Waveforms(TwoBlocks):
    def panel_height(self):
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
    "options", [{"mirror": 0.5}, {"time_shift": 0.3}, {"time_mask": 0.5}, {"mixup": 1.0}]
)
def test_the_batch_is_left_as_it_was_and_the_seed_decides(batch, options):
    before = [part.copy() for part in batch]
    first, again, other = (changed(batch, seed=seed, **options) for seed in (0, 0, 1))
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


def test_waveforms_have_no_band_to_mask(batch):
    np.testing.assert_array_equal(changed(batch, Waveforms(), frequency_mask=0.5)[0], batch[0])


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
