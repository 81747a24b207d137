"""Every public docstring is complete; its example runs under --doctest-modules."""

import inspect

import pytest

from gammaface import metrics, published


@pytest.mark.parametrize("name", metrics.__all__)
def test_docstrings_are_complete(name):
    thing = getattr(metrics, name)
    if inspect.isfunction(thing):
        wanted = ["Parameters", "Returns", "Examples"]
        wanted += [] if name == "by_method" else ["Raises", "Source"]
        assert [part for part in wanted if part not in thing.__doc__] == []
    else:
        assert thing.__doc__


def test_published_functions_have_examples():
    for thing in (published.load, published.notes, published.compare):
        assert ">>>" in thing.__doc__
