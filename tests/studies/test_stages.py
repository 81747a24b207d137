"""The stages of a study: which K is used and why, and what is kept of a sweep."""

import numpy as np
import pytest

from gammaface.latents import Latents
from gammaface.mixture import LatentMixture
from gammaface.studies import stages
from gammaface.sweep import sweep_bic
from gammaface.workspace import writing

ASKED = {"seed": 0, "device": "cpu"}


@pytest.fixture
def run(tmp_path):
    with writing(tmp_path / "run", kind="test", config={}) as run:
        yield run


@pytest.fixture(scope="module")
def cloud():
    """Codes that one Gaussian describes best."""
    array = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    return Latents(array, np.arange(200), 400, "x_t", 0.44)


def swept(run, cloud):
    return stages.sweep(run, cloud, k_max=3, **ASKED, say=lambda *_: None)


def test_where_one_gaussian_is_suggested_the_reason_says_why_four_are_used(run, cloud):
    mixture, suggestion = stages.fit(run, cloud, swept(run, cloud), k=None, **ASKED)
    assert suggestion.k == 1 and mixture.n_components == 4
    assert suggestion.reason.startswith("BIC is lowest at K=1")
    assert suggestion.reason.endswith("; K = 4 is the paper's choice: one component has nothing to even out")
    mixture, suggestion = stages.fit(run, cloud, swept(run, cloud), k=2, **ASKED)
    assert mixture.n_components == 2 and "paper" not in suggestion.reason


def test_a_sweep_keeps_the_curve_of_every_k(run, cloud):
    table = swept(run, cloud)
    curves = run.table("convergence")
    assert "curve" not in table and curves["k"].unique().tolist() == [1, 2, 3]
    assert curves.groupby("k")["iteration"].max().tolist() == table["iterations"].tolist()
    told = curves.loc[curves["k"] == 3, "log_likelihood"]
    assert np.allclose(told, LatentMixture(3, restarts=3).fit(cloud).curve_)


def test_a_sweep_computes_where_the_generator_is(run, cloud, monkeypatch):
    asked = []

    def sweep(*given, **more):
        asked.append(more.pop("device"))
        return sweep_bic(*given, **more)

    monkeypatch.setattr(stages, "sweep_bic", sweep)
    stages.sweep(run, cloud, k_max=2, seed=0, device="cuda:1", say=lambda *_: None)
    assert asked == ["cuda:1"]
