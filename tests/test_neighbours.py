import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from gammaface import GammaFaceError
from gammaface.neighbours import nearest


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 8), st.integers(1, 40))
def test_agrees_with_brute_force(n, m, d, chunk):
    rng = np.random.default_rng(n * m)
    queries, references = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    distances, indices = nearest(queries, references, chunk=chunk)
    oracle = cdist(queries, references) / np.sqrt(d)
    assert distances == pytest.approx(oracle.min(axis=1))
    assert (indices == oracle.argmin(axis=1)).all()


def test_a_copy_is_found_exactly():
    references = np.random.default_rng(0).normal(size=(500, 3000)).astype(np.float32)
    distances, indices = nearest(references[[7, 400]], references)
    assert distances.tolist() == [0, 0] and indices.tolist() == [7, 400]


def test_refusals():
    with pytest.raises(GammaFaceError, match="of equal d"):
        nearest(np.zeros((2, 3)), np.zeros((2, 4)))
    with pytest.raises(GammaFaceError, match="m >= 1"):
        nearest(np.zeros((2, 3)), np.zeros((0, 3)))
