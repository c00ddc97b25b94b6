import keras
import numpy as np
import pytest
from scipy.special import softmax

from hbac.models import Blend, fit_blend, predict_with_networks
from hbac.models.members import network_weights

N_FOLDS = 5
NETWORKS = [
    {
        "name": f"fold_{fold}.{architecture}",
        "fold": fold,
        "architecture": architecture,
        "input": "picture",
    }
    for architecture in ("good", "bad")
    for fold in range(N_FOLDS)
]
BIAS = (0.5, 0.0, 0.0, 0.0, 0.0, -0.5)


def divergence(votes, shares):
    voted = np.where(votes > 0, votes, 1)
    return float((votes * np.log(voted / shares)).sum(axis=1).mean())


def record(blend, networks=NETWORKS):
    return {
        "networks": networks,
        "blend": {"weights": blend.weights, "bias": blend.bias},
        "mirror": False,
    }


def saying(shares):
    """A network that says the same of any six windows."""
    picture = keras.Input((6, 6))
    # The window's number, one-hot in the picture's first row, picks the row of shares.
    chosen = keras.layers.Dense(6, use_bias=False)(picture[:, 0])
    network = keras.Model(picture, chosen)
    network.set_weights([shares])
    return network


def join(blend, predictions):
    """What the ensemble makes of ``(architectures, folds, windows, 6)``."""
    windows = np.tile(np.eye(6, dtype=np.float32)[:, None], (1, 6, 1))
    parts = []
    for start in range(0, predictions.shape[2], 6):
        shares = predictions[:, :, start : start + 6].reshape(-1, 6, 6)
        networks = {
            entry["name"]: lambda part=part: saying(part)
            for entry, part in zip(NETWORKS, shares, strict=True)
        }
        inputs, mirrors = {"picture": windows}, {"picture": None}
        parts.append(predict_with_networks(networks, inputs, record(blend), mirrors, batch_size=6))
    return np.concatenate(parts)


def test_folds_are_blended_and_then_averaged():
    predictions = np.random.default_rng(0).dirichlet(np.ones(6), (2, N_FOLDS, 6))
    blend = Blend((0.7, 0.3), BIAS)
    expected = np.mean([blend(predictions[:, fold]) for fold in range(N_FOLDS)], axis=0)
    np.testing.assert_allclose(join(blend, predictions), expected, atol=1e-6)


def simulate(n_windows, n_folds, noise, seed):
    """Votes of ten experts, and what networks predict whose folds err on their own.

    Returns:
        Votes, shape ``(windows, 6)``, and predictions, ``(architectures, folds, windows, 6)``.
    """
    random = np.random.default_rng(seed)
    logits = random.normal(0, 1.5, (n_windows, 6))
    votes = random.multinomial(10, softmax(logits, axis=1)) / 10
    errors = random.normal(size=(len(noise), n_folds, n_windows, 6))
    return votes, softmax(logits + np.reshape(noise, (-1, 1, 1, 1)) * errors, axis=-1)


@pytest.mark.parametrize("noise", [(1.0, 1.5), (1.0, 1.0), (2.0, 2.0), (0.5, 2.0), (0.5, 0.5)])
def test_what_is_learned_on_single_folds_does_not_harm_their_mean(noise):
    """As ``join``, in NumPy, for as many windows as it takes."""
    lost = []
    for seed in range(5):
        votes, held_out = simulate(600, 1, noise, seed)
        new_votes, predictions = simulate(600, N_FOLDS, noise, 100 + seed)
        learned = fit_blend(held_out[:, 0], votes)
        by_blend = [
            np.mean([blend(predictions[:, fold]) for fold in range(N_FOLDS)], axis=0)
            for blend in (learned, Blend.mean(2, 6))
        ]
        learned_kl, mean_kl = (divergence(new_votes, shares) for shares in by_blend)
        lost.append(learned_kl - mean_kl)
    # Seven numbers from 600 windows are not known exactly.
    assert np.mean(lost) < 0.003
    if noise[0] != noise[1]:
        assert np.mean(lost) < -0.003


@pytest.mark.parametrize("noise", [(1.0, 1.5), (2.0, 2.0), (1.0, 1.5, 2.0)])
def test_to_average_the_folds_before_they_are_blended_scores_worse(noise):
    """What is learned on single folds suits single folds."""
    lost = []
    for seed in range(5):
        votes, held_out = simulate(600, 1, noise, seed)
        new_votes, predictions = simulate(600, N_FOLDS, noise, 100 + seed)
        blend = fit_blend(held_out[:, 0], votes)
        in_order = np.mean([blend(predictions[:, fold]) for fold in range(N_FOLDS)], axis=0)
        out_of_order = blend(predictions.mean(axis=1))
        lost.append(divergence(new_votes, out_of_order) - divergence(new_votes, in_order))
    assert min(lost) > 0.001


@pytest.mark.parametrize("pool", ["linear", "log-linear"])
def test_members_are_blended_in_each_fold(pool):
    """Two members, one of two architectures: theirs first, then the members', then the folds."""
    shares = np.random.default_rng(0).dirichlet(np.ones(6), (3, N_FOLDS, 6))
    entries = [
        {"name": f"{member}.fold_{fold}.{architecture}", "fold": fold, "member": member}
        | {"architecture": architecture, "input": "picture"}
        for member, architecture in (("a", "x"), ("a", "y"), ("b", "x"))
        for fold in range(N_FOLDS)
    ]
    inside, alone = Blend((0.7, 0.3), BIAS), Blend((1.0,), (0.0,) * 6)
    outside = Blend((0.4, 0.6), BIAS if pool == "log-linear" else (0.0,) * 6, pool)
    ensemble = {
        "networks": entries,
        "members": {
            name: {"blend": {"weights": blend.weights, "bias": blend.bias}, "mirror": False}
            for name, blend in (("a", inside), ("b", alone))
        },
        "blend": {"pool": pool, "weights": outside.weights, "bias": outside.bias},
    }
    networks = {
        entry["name"]: lambda part=part: saying(part)
        for entry, part in zip(entries, shares.reshape(-1, 6, 6), strict=True)
    }
    windows = {"picture": np.tile(np.eye(6, dtype=np.float32)[:, None], (1, 6, 1))}
    joined = predict_with_networks(networks, windows, ensemble, {"picture": None}, batch_size=6)
    folds = [outside([inside([x, y]), z]) for x, y, z in np.moveaxis(shares, 1, 0)]
    np.testing.assert_allclose(joined, np.mean(folds, axis=0), atol=1e-6)
    if pool == "log-linear":
        weights, bias = network_weights(ensemble)
        kinds = (("a", "x"), ("a", "y"), ("b", "x"))
        flat = Blend(tuple(weights[kind] for kind in kinds), tuple(bias))
        np.testing.assert_allclose(flat(shares[:, 0]), folds[0], atol=1e-9)


def test_members_of_other_folds_are_refused():
    entries = [entry | {"member": entry["architecture"]} for entry in NETWORKS]
    entries.remove(next(entry for entry in entries if entry["name"] == "fold_3.bad"))
    about = {"blend": {"weights": [1.0], "bias": [0.0] * 6}, "mirror": False}
    ensemble = record(Blend((0.5, 0.5), BIAS), entries)
    ensemble["members"] = {"good": about, "bad": about}
    networks = dict.fromkeys(entry["name"] for entry in entries)
    with pytest.raises(ValueError, match=r"member bad has networks of the folds \[0, 1, 2, 4\]"):
        predict_with_networks(networks, {}, ensemble, {}, batch_size=6)


def test_a_fold_that_lacks_an_architecture_is_named():
    entries = [entry for entry in NETWORKS if entry["name"] != "fold_3.bad"]
    networks = dict.fromkeys(entry["name"] for entry in NETWORKS)
    with pytest.raises(ValueError, match="no bad of fold 3"):
        predict_with_networks(
            networks, {}, record(Blend((0.5, 0.5), BIAS), entries), {}, batch_size=6
        )


def test_a_blend_of_other_architectures_is_refused():
    networks = dict.fromkeys(entry["name"] for entry in NETWORKS)
    with pytest.raises(ValueError, match="1 weights for its architectures"):
        predict_with_networks(networks, {}, record(Blend((1.0,), BIAS)), {}, batch_size=6)
