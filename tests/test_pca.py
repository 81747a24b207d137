import numpy as np
import pytest
from sklearn.decomposition import PCA

from gammaface import GammaFaceError, pca
from gammaface.pca import fit_pca


def codes(n=3000, d=60, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, d)) * np.geomspace(5, 0.5, d) @ rng.normal(size=(d, d)) + 4).astype(
        np.float32
    )


def test_it_is_scikit_learns_pca():
    z = codes()
    ours, exact = fit_pca(z, 8), PCA(8, svd_solver="full").fit(z)
    cosines = np.abs((ours.components * exact.components_).sum(axis=1))
    np.testing.assert_allclose(cosines, 1, atol=1e-3)
    assert ours.explained == pytest.approx(exact.explained_variance_ratio_.sum(), abs=1e-4)
    reduced = ours.transform(z)
    np.testing.assert_allclose(reduced.std(axis=0), exact.transform(z).std(axis=0), rtol=1e-3)


def test_a_memory_map_gives_the_same_in_pieces(tmp_path, monkeypatch):
    z = codes(n=500)
    np.save(tmp_path / "z.npy", z)
    whole = fit_pca(z, 5, seed=3)
    monkeypatch.setattr(pca, "CHUNK_ROWS", 37)
    mapped = np.load(tmp_path / "z.npy", mmap_mode="r")
    pieces = fit_pca(mapped, 5, seed=3)
    np.testing.assert_allclose(pieces.components, whole.components, atol=1e-4)
    np.testing.assert_allclose(pieces.transform(mapped), whole.transform(z), atol=1e-2)


def test_all_dimensions_explain_everything():
    assert fit_pca(codes(n=40, d=6), 6).explained == pytest.approx(1)


def test_constant_codes_do_not_break_it():
    fitted = fit_pca(np.ones((10, 4), np.float32), 2)
    assert np.isfinite(fitted.components).all() and fitted.explained == 1.0


@pytest.mark.parametrize("dimensions", [0, 7])
def test_too_many_dimensions_are_refused(dimensions):
    with pytest.raises(GammaFaceError, match="between 1 and 6"):
        fit_pca(codes(n=40, d=6), dimensions)
