import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.mixture import GaussianMixture

from gammaface import GammaFaceError, LatentMixture, harvest, suggest_k, sweep_bic
from gammaface.workspace import Run, extending


def clusters(k=4, n=400, d=6, gap=8.0, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(k, d)) * gap
    labels = np.arange(n) % k
    return centres[labels] + rng.normal(size=(n, d)), labels


@pytest.mark.parametrize("covariance", ["diag", "spherical", "tied", "full"])
def test_four_clusters_are_found(covariance):
    z, labels = clusters()
    mixture = LatentMixture(4, covariance=covariance, restarts=3).fit(z)
    found = mixture.predict(z)
    assert len({(a, b) for a, b in zip(labels, found, strict=True)}) == 4
    assert mixture.weights_ == pytest.approx(0.25, abs=0.01)
    assert mixture.predict_proba(z).sum(axis=1) == pytest.approx(1.0)


@pytest.mark.parametrize("covariance", ["diag", "spherical", "tied", "full"])
def test_bic_agrees_with_scikit_learn_at_equal_parameters(covariance):
    z, _ = clusters(d=5)
    ours = LatentMixture(3, covariance=covariance).fit(z)
    theirs = GaussianMixture(3, covariance_type=covariance)
    theirs.weights_, theirs.means_, theirs.covariances_ = ours.weights_, ours.means_, ours.covariances_
    inverse = {
        "diag": lambda c: 1 / np.sqrt(c),
        "spherical": lambda c: 1 / np.sqrt(c),
        "tied": lambda c: np.linalg.inv(np.linalg.cholesky(c)).T,
        "full": lambda c: np.stack([np.linalg.inv(np.linalg.cholesky(m)).T for m in c]),
    }
    theirs.precisions_cholesky_ = inverse[covariance](ours.covariances_)
    assert ours.bic(z) == pytest.approx(theirs.bic(z), rel=1e-6)
    assert ours.aic(z) == pytest.approx(theirs.aic(z), rel=1e-6)


def test_a_better_start_never_hurts():
    z, _ = clusters(k=6, seed=3)
    assert (
        LatentMixture(6, restarts=5).fit(z).log_likelihood(z)
        >= LatentMixture(6).fit(z).log_likelihood(z) - 1e-9
    )


def test_sweep_suggests_four_for_four_clusters():
    z, _ = clusters()
    table = sweep_bic(z, range(1, 8))
    assert list(table["k"]) == list(range(1, 8))
    assert set(table.columns) >= {
        "k",
        "n_parameters",
        "bic",
        "aic",
        "heldout_loglik",
        "stability_ari",
        "converged",
    }
    suggestion = suggest_k(table, n=len(z))
    assert suggestion.k == 4 and not suggestion.warnings


def test_sweep_of_noise_suggests_one_and_says_so():
    z = np.random.default_rng(0).normal(size=(500, 8))
    suggestion = suggest_k(sweep_bic(z, range(1, 5)), n=500)
    assert suggestion.k == 1 and "no clusters" in " ".join(suggestion.warnings)


def test_sweep_doubts_a_minimum_at_the_edge_and_too_few_latents():
    z, _ = clusters(k=8, gap=20)
    words = " ".join(suggest_k(sweep_bic(z, range(1, 4)), n=len(z)).warnings)
    assert "edge of the grid" in words
    wide = np.random.default_rng(0).normal(size=(20, 30))
    words = " ".join(suggest_k(sweep_bic(wide, range(1, 3)), n=20).warnings)
    assert "20 latents for" in words


def test_refusals():
    z, _ = clusters(n=10)
    with pytest.raises(GammaFaceError, match="K=11 components for 10 latents"):
        LatentMixture(11).fit(z)
    with pytest.raises(GammaFaceError, match="K=11 components for 10 latents"):
        sweep_bic(z, range(9, 12))
    z[3, 2] = np.nan
    with pytest.raises(GammaFaceError, match="1 of 10 latents hold NaN"):
        LatentMixture(2).fit(z)
    with pytest.raises(GammaFaceError, match="Give K >= 1"):
        LatentMixture(0)
    with pytest.raises(GammaFaceError, match="no covariance 'round'"):
        LatentMixture(2, covariance="round")
    with pytest.raises(GammaFaceError, match=r"Give an array of shape \(n, d\)"):
        LatentMixture(2).fit(np.zeros(5))
    with pytest.raises(GammaFaceError, match="no K to sweep"):
        sweep_bic(z, [])


def test_a_fit_survives_the_disk(tiny, tmp_path):
    z = harvest(tiny, n=40, steps=2, pca=4, out=tmp_path / "run")
    mixture = LatentMixture(3).fit(z)
    with pytest.raises(GammaFaceError, match="no mixture was fitted"):
        LatentMixture.load(Run.open(tmp_path / "run"))
    with extending(tmp_path / "run") as run:
        mixture.save(run)
    loaded = LatentMixture.load(Run.open(tmp_path / "run"))
    assert (loaded.predict_proba(z.array) == mixture.predict_proba(z.array)).all()
    assert loaded.bic(z.array) == mixture.bic(z.array)
    assert loaded.latents_.t == z.t


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5), st.integers(0, 100))
def test_samples_come_from_the_mixture(k, seed):
    z, _ = clusters(k=k, n=60, d=3, seed=seed)
    array, components = LatentMixture(k, seed=seed).fit(z).sample(50, seed=seed)
    assert array.shape == (50, 3) and set(components) <= set(range(k))
