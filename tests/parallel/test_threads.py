"""Threads for a while."""

import pytest
import torch

from gammaface import GammaFaceError
from gammaface.parallel.threads import threads


@pytest.mark.parametrize("count", [1, 3])
def test_threads_are_as_many_as_before_after_an_error_too(count):
    before = torch.get_num_threads()
    with pytest.raises(KeyError), threads(count):
        assert torch.get_num_threads() == count
        raise KeyError
    assert torch.get_num_threads() == before


def test_none_leaves_the_threads_as_they_are():
    before = torch.get_num_threads()
    with threads(None):
        assert torch.get_num_threads() == before


@pytest.mark.parametrize("count", [0, -2])
def test_fewer_than_one_are_refused(count):
    with pytest.raises(GammaFaceError, match=f"{count} threads"), threads(count):
        pass
