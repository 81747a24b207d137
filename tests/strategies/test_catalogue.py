"""The catalogue is what the registry draws with, and costs no import of torch."""

import subprocess
import sys

import pytest

from gammaface import GammaFaceError
from gammaface.spaces import SPACES
from gammaface.strategies import ABOUT, STRATEGIES
from gammaface.strategies.catalogue import NEEDS
from gammaface.strategies.strategy import GIVEN


def test_every_strategy_is_described_and_drawn():
    assert list(ABOUT) == list(STRATEGIES) and len(ABOUT) == 10
    assert all(STRATEGIES[name].about is about for name, about in ABOUT.items())
    assert set(NEEDS) == set(GIVEN)
    learners = {name for name, strategy in STRATEGIES.items() if strategy.learn}
    assert learners == {name for name, about in ABOUT.items() if "pilot" in about.needs} | {
        "distribution-guidance"
    }
    assert ABOUT["stratified"].options["space"].choices == tuple(SPACES)


def test_needs_are_one_sentence():
    for about in ABOUT.values():
        assert about.needs_in_words.startswith("Needs ") and about.needs_in_words.endswith(".")
        assert about.needs_in_words.count(".") == 1
    assert ABOUT["plain"].needs_in_words == "Needs nothing but the model."


def test_the_first_missing_need_is_refused():
    with pytest.raises(
        GammaFaceError, match="h-directions needs a U-Net with a mid block, which the model 'x'"
    ):
        ABOUT["h-directions"].refuse({"target", "labeller", "pilot"}, model="x", sampler="ddim")
    ABOUT["h-directions"].refuse(set(NEEDS), model="x", sampler="ddim")


def test_reading_the_catalogue_does_not_wait_for_torch():
    code = (
        "import sys; import gammaface.strategies.catalogue, gammaface.strategies.target,"
        " gammaface.pictures.details, gammaface.pictures.downloads, gammaface.shares.reached;"
        " sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0
