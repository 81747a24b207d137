"""Every public docstring has an example, and it runs."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

from gammaface import metrics, published

MODULES = [f"gammaface.metrics.{module.name}" for module in pkgutil.iter_modules(metrics.__path__)]


@pytest.mark.parametrize("name", [*MODULES, "gammaface.published"])
def test_examples_run(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


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
