from __future__ import annotations

import pytest

from gammaface.rebalance import run_rebalance
from tests.rebalance.toy_light import SMALL, light_critic, stored_generator


@pytest.fixture(scope="session")
def generator(tmp_path_factory):
    return stored_generator(tmp_path_factory.mktemp("models") / "light")


@pytest.fixture(scope="session")
def finished(generator, tmp_path_factory):
    """A run of two rows without any training data; tests that change it copy it."""
    return run_rebalance(generator, light_critic(), SMALL, out=tmp_path_factory.mktemp("runs") / "light")
