"""The fused EM beside scikit-learn's, from the same start."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from gammaface import GammaFaceError
from gammaface.mixtures import rows as rows_module
from gammaface.mixtures import stack as stack_module
from gammaface.mixtures.covariances import COVARIANCES
from gammaface.mixtures.em import REPAIRS, fit_all
from gammaface.mixtures.rows import Rows, pick_means
from gammaface.mixtures.stack import Start, describe, responsibilities

PRECISIONS = ("float32", "float64")


def blobs(k=4, n=600, d=6, gap=3.0, seed=0, offset=0.0):
    rng = np.random.default_rng(seed)
    centres, widths = rng.normal(size=(k, d)) * gap, rng.uniform(0.5, 2, size=(k, d))
    labels = np.arange(n) % k
    return centres[labels] + rng.normal(size=(n, d)) * widths[labels] + offset


def oracle(z, means, covariance, **settings):
    """scikit-learn from the start that `Start` promises."""
    k, d = means.shape
    variance, full = z.var(axis=0) + 1e-6, np.cov(z.T, bias=True) + 1e-6 * np.eye(d)
    precisions = {
        "diag": np.tile(1 / variance, (k, 1)),
        "spherical": np.full(k, 1 / variance.mean()),
        "tied": np.linalg.inv(full),
        "full": np.tile(np.linalg.inv(full), (k, 1, 1)),
    }[covariance]
    model = GaussianMixture(
        k,
        covariance_type=covariance,
        weights_init=np.full(k, 1 / k),
        means_init=means,
        precisions_init=precisions,
        **settings,
    )
    return model.fit(z.astype(np.float64))


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_the_optimum_is_scikit_learns(covariance, dtype):
    z = blobs(offset=50).astype(np.float32)
    ks = (1, 2, 4, 7)
    starts = [Start(pick_means(z, k, seed=seed)) for k in ks for seed in (0, 1)]
    fits = fit_all(Rows(z, covariance, exact=dtype == "float64"), starts)
    for start, fit in zip(starts, fits, strict=True):
        theirs = oracle(z, start.means, covariance)
        assert fit.lower_bound == pytest.approx(theirs.lower_bound_, rel=1e-5)
        assert (len(fit.curve), fit.converged, fit.repairs) == (theirs.n_iter_, theirs.converged_, 0)
        assert fit.means == pytest.approx(theirs.means_, abs=2e-3)
        assert fit.covariances == pytest.approx(theirs.covariances_, abs=5e-3)


@pytest.mark.parametrize("covariance", ["diag", "spherical"])
def test_float32_holds_the_likelihood_of_wide_rows(covariance):
    """Densities grow with d; what decides between components does not get lost beside them."""
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(300, 8)) @ rng.normal(size=(8, 6000)) * 0.3
    z = (factors + rng.normal(size=(300, 6000)) + 5).astype(np.float32)
    starts = [Start(pick_means(z, k, seed=0)) for k in (2, 4, 6)]
    single = fit_all(Rows(z, covariance, exact=False), starts, max_iter=12)
    double = fit_all(Rows(z, covariance, exact=True), starts, max_iter=12)
    for one, other in zip(single, double, strict=True):
        assert one.curve == pytest.approx(other.curve, rel=6e-9)


def test_the_stack_changes_nothing():
    z = blobs()
    starts = [Start(pick_means(z, k, seed=k)) for k in (1, 3, 3, 5)]
    rows = Rows(z, "diag")
    for alone, together in zip([fit_all(rows, [s])[0] for s in starts], fit_all(rows, starts), strict=True):
        assert alone.lower_bound == pytest.approx(together.lower_bound, rel=1e-12)
        assert alone.means == pytest.approx(together.means)


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_chunks_folds_and_turns_change_nothing(covariance, monkeypatch, tmp_path):
    z, folds = blobs(n=300, d=3), np.arange(300) % 3
    starts = [Start(pick_means(z, k, seed=1), left_out=fold) for k in (2, 3) for fold in (-1, 0, 2)]
    whole = fit_all(Rows(z, covariance, folds=folds), starts)
    for name in ("CHUNK", "LEAST_ROWS"):
        monkeypatch.setattr(rows_module, name, 37)
    monkeypatch.setattr(stack_module, "STACK", 2000)
    np.save(tmp_path / "z.npy", z)
    chunked = fit_all(Rows(np.load(tmp_path / "z.npy", mmap_mode="r"), covariance, folds=folds), starts)
    for a, b, start in zip(whole, chunked, starts, strict=True):
        assert a.curve == pytest.approx(b.curve, rel=1e-9)
        if start.left_out >= 0:
            subset = z[folds != start.left_out]
            rows = Rows(subset, covariance, centre=Rows(z, covariance).centre)
            assert a.curve == pytest.approx(fit_all(rows, [Start(start.means)])[0].curve, rel=1e-9)


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_rows_are_described_as_scikit_learn_scores_them(covariance):
    z = blobs(n=200, d=4)
    fit = fit_all(Rows(z, covariance), [Start(pick_means(z, 3, seed=0))])[0]
    theirs = oracle(z, pick_means(z, 3, seed=0), covariance)
    found = describe(Rows(z, covariance), [fit])[0]
    assert found.log_likelihood == pytest.approx(theirs.score_samples(z), abs=1e-4)
    assert (found.labels == theirs.predict(z)).all()
    r = responsibilities(Rows(z, covariance), fit)
    assert r == pytest.approx(theirs.predict_proba(z), abs=1e-4)
    entropy = -(r * np.log(np.maximum(r, 1e-300))).sum(1).mean() / np.log(3)
    assert found.entropy == pytest.approx(entropy, abs=1e-6)


def test_log_likelihood_never_falls():
    z = blobs(k=6, n=300)
    for fit in fit_all(Rows(z, "diag"), [Start(pick_means(z, k, seed=0)) for k in range(1, 9)]):
        assert (np.diff(fit.curve) > -1e-9).all()


def test_an_empty_component_takes_half_of_the_heaviest():
    z = blobs(k=2, n=400, gap=10.0)
    lost = np.r_[pick_means(z, 1, seed=0), np.full((1, 6), 1e3)]
    fit = fit_all(Rows(z, "diag"), [Start(lost)])[0]
    good = fit_all(Rows(z, "diag"), [Start(pick_means(z, 2, seed=0))])[0]
    assert fit.repairs >= 1 and fit.converged
    assert fit.lower_bound == pytest.approx(good.lower_bound, rel=1e-3)


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_a_collapsed_component_is_repaired_and_not_for_ever(covariance):
    z = np.r_[blobs(k=1, n=100, d=3), np.full((1, 3), 40.0)]
    fit = fit_all(Rows(z, covariance), [Start(np.array([[0.0] * 3, [40.0] * 3]))])[0]
    assert np.isfinite(fit.curve).all() and fit.converged
    # Diagonal halves lose the outlier's contest again until the repairs are used up.
    assert fit.repairs == {"diag": REPAIRS, "spherical": REPAIRS, "tied": 0, "full": 1}[covariance]


def test_picks_for_a_smaller_k_come_first():
    z = blobs(n=5000, d=2)
    assert (pick_means(z, 7, seed=3)[:4] == pick_means(z, 4, seed=3)).all()


def test_wide_dimensions_need_no_more_than_the_rows():
    wide = np.random.default_rng(0).normal(size=(30, 50)).astype(np.float32)
    for covariance in COVARIANCES:
        fit = fit_all(Rows(wide, covariance), [Start(pick_means(wide, 3, seed=0))])[0]
        assert np.isfinite(fit.curve).all()


def test_a_singular_matrix_is_refused_in_words():
    z = np.c_[blobs(n=50, d=2), np.zeros(50)] * 1e6
    with pytest.raises(GammaFaceError, match="not positive definite"):
        fit_all(Rows(z, "full"), [Start(pick_means(z, 2, seed=0))], reg_covar=0)


@pytest.mark.slow
def test_a_hundred_thousand_mapped_latents_sweep_under_four_gigabytes(tmp_path):
    """Peak memory of a process that sweeps K=1..11; memory-mapped pages count as well."""
    z = np.lib.format.open_memmap(tmp_path / "z.npy", "w+", np.float32, (100_000, 1024))
    for start in range(0, len(z), 10_000):
        z[start : start + 10_000] = np.random.default_rng(start).normal(size=(10_000, 1024))
    z.flush()
    script = (
        "import resource, sys, numpy as np; from gammaface import sweep_bic;"
        "z = np.load(sys.argv[1], mmap_mode='r'); print(len(sweep_bic(z, range(1, 12), max_iter=5)),"
        "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    words = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "z.npy"], capture_output=True, text=True, check=True
    )
    ks, kilobytes = map(int, words.stdout.split())
    assert ks == 11 and kilobytes < 4 * 2**20
