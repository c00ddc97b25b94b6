import numpy as np
import pytest

from tests.pipelines import ensembles


@pytest.fixture(scope="session")
def networks():
    return ensembles.small_networks()


@pytest.fixture(scope="session")
def images():
    return np.random.default_rng(0).normal(size=(40, 64, 64)).astype(np.float16)
