import pytest

from tests.explain import networks


@pytest.fixture(scope="session")
def counting():
    return networks.counting_network()


@pytest.fixture(scope="session")
def branching():
    return networks.branching_network()
