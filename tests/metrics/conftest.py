import numpy as np
import pytest


@pytest.fixture
def people():
    """600 rows, two attributes, two methods of unlike accuracy, scores."""
    rng = np.random.default_rng(0)
    n = 600
    y = rng.integers(0, 2, n)
    groups = rng.integers(0, 3, n)
    p = np.where(rng.random(n) < 0.9 - 0.1 * groups, y, 1 - y)
    worse = np.where(rng.random(n) < 0.7, y, 1 - y)
    scores = np.clip(0.3 + 0.4 * y + rng.normal(0, 0.15, n), 0, 1)
    return {"y": y, "p": p, "worse": worse, "groups": groups, "scores": scores}
