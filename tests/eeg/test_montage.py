import itertools

import numpy as np
import pytest

from hbac.eeg import CHAINS, ELECTRODES, Recording, chain_differences
from hbac.eeg.montage import BIPOLAR_NAMES


def test_a_constant_offset_vanishes():
    data = np.full((19, 400), 37, np.float32)
    assert not chain_differences(Recording(data, ELECTRODES)).any()


def test_each_pair_is_front_minus_back():
    value = dict(zip(ELECTRODES, np.arange(19, dtype=np.float32) ** 2, strict=True))
    data = np.array(list(value.values()), np.float32)[:, None]
    differences = chain_differences(Recording(data, ELECTRODES))
    assert differences.shape == (4, 4, 1)
    for row, electrodes in zip(differences[..., 0], CHAINS.values(), strict=True):
        expected = [value[a] - value[b] for a, b in itertools.pairwise(electrodes)]
        assert row.tolist() == expected


def test_the_pairs_of_a_chain_sum_to_its_ends():
    data = np.random.default_rng(0).normal(size=(19, 50)).astype(np.float32)
    recording = Recording(data, ELECTRODES)
    ends = recording.pick(("Fp1", "O1")).data
    np.testing.assert_allclose(
        chain_differences(recording)[0].sum(axis=0), ends[0] - ends[1], atol=1e-5
    )


def test_a_missing_electrode_is_named():
    data = np.zeros((18, 50), np.float32)
    with pytest.raises(ValueError, match="'O2'"):
        chain_differences(Recording(data, ELECTRODES[:-1]))


def test_pairs_of_a_bipolar_recording_are_taken_as_they_are():
    data = np.random.default_rng(0).normal(size=(19, 50)).astype(np.float32)
    electrodes = Recording(data, ELECTRODES)
    pairs = chain_differences(electrodes)
    shuffled = np.random.default_rng(1).permutation(16)
    bipolar = Recording(
        pairs.reshape(16, -1)[shuffled], tuple(np.array(BIPOLAR_NAMES)[shuffled].tolist())
    )
    np.testing.assert_array_equal(chain_differences(bipolar), pairs)


def test_a_missing_pair_is_named():
    data = np.zeros((15, 50), np.float32)
    with pytest.raises(ValueError, match="'P4-O2'"):
        chain_differences(Recording(data, BIPOLAR_NAMES[:-1]))
