import numpy as np
import pytest

from hbac.explain import pooled_logits, probabilities
from tests.explain.networks import SIZE, branching_network

PICTURES = np.random.default_rng(0).normal(size=(5, *SIZE)).astype(np.float32)


def shares(model):
    return np.asarray(model(PICTURES, training=False))


def test_one_network_alone_predicts_what_it_predicts(branching):
    score = probabilities(pooled_logits([branching], weights=[1.0], batch_size=2))
    np.testing.assert_allclose(score(PICTURES), shares(branching), rtol=1e-5)


def test_logits_are_pooled_as_a_log_linear_blend(branching):
    other, bias = branching_network(), np.linspace(-1, 1, 6)
    for weight in other.weights:
        weight.assign(weight * 0.7)
    score = probabilities(
        pooled_logits([branching, other], weights=[0.4, 0.9], bias=bias, batch_size=3)
    )
    logs = 0.4 * np.log(shares(branching)) + 0.9 * np.log(shares(other)) + bias
    expected = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(score(PICTURES), expected, rtol=1e-4)
    assert score(PICTURES).sum() == pytest.approx(5)
