import numpy as np
import pytest

from gammaface import GammaFaceError, projection
from gammaface.projection import place, project


def blobs(n, d=20, k=3, seed=0):
    rng = np.random.default_rng(seed)
    of = np.arange(n) % k
    centres = rng.normal(size=(k, d)) * 12
    return (centres[of] + rng.normal(size=(n, d))).astype(np.float32), of


def scattered(reduced, dimensions, neighbours, seed):
    """In UMAP's place, which takes seconds to import: the first principal components."""
    return np.ascontiguousarray(reduced[:, :dimensions])


def own_group(xy, of):
    """The share of points whose nearest neighbour on the map is of their group."""
    apart = np.linalg.norm(xy[:, None] - xy[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    return (of[apart.argmin(axis=1)] == of).mean()


def test_reference_points_keep_their_place():
    codes, _ = blobs(300)
    xy = np.random.default_rng(1).normal(size=(300, 2))
    assert np.allclose(place(codes, codes, xy), xy, atol=1e-6)


def test_new_points_go_to_their_own_group():
    codes, of = blobs(400)
    corners = np.array([[0, 0], [10, 0], [0, 10]], dtype=float)
    placed = place(codes[300:], codes[:300], corners[of[:300]])
    assert np.abs(placed - corners[of[300:]]).max() < 1e-6


def test_a_new_point_lies_among_its_neighbours():
    line = np.arange(5.0)[:, None]
    placed = place(np.array([[1.25]]), line, line, neighbours=2)
    assert placed[0, 0] == pytest.approx(1.25)  # 3/4 of 1 and 1/4 of 2


def test_more_points_than_are_fitted(monkeypatch):
    sizes = []

    def lay_out(reduced, *options):
        sizes.append(len(reduced))
        return scattered(reduced, *options)

    monkeypatch.setattr(projection, "_umap", lay_out)
    codes, of = blobs(600)
    xy = project(codes, fitted=100)
    assert sizes == [100] and xy.shape == (600, 2) and xy.dtype == np.float32
    assert np.isfinite(xy).all() and own_group(xy, of) > 0.99
    assert np.array_equal(xy, project(codes, fitted=100))
    assert not np.array_equal(xy, project(codes, fitted=100, seed=1))


def test_what_was_mapped_once_is_read_again(tmp_path, monkeypatch):
    calls = []

    def lay_out(reduced, *options):
        calls.append(options)
        return scattered(reduced, *options)

    monkeypatch.setattr(projection, "_umap", lay_out)
    codes, _ = blobs(60)
    first = project(codes, cache=tmp_path)
    monkeypatch.setattr(projection, "fit_pca", None)  # a hit computes nothing at all
    assert np.array_equal(project(codes, cache=tmp_path), first) and len(calls) == 1
    assert np.array_equal(project(codes.copy(), cache=tmp_path), first) and len(calls) == 1
    project(codes, neighbours=5, cache=tmp_path)  # another map of the same components
    assert len(calls) == 2
    monkeypatch.undo()
    monkeypatch.setattr(projection, "_umap", lay_out)
    changed = codes.copy()
    changed[0, 0] += 1
    project(changed, cache=tmp_path)
    assert len(calls) == 3


def test_a_damaged_cache_is_computed_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(projection, "_umap", scattered)
    codes, _ = blobs(40)
    first = project(codes, cache=tmp_path)
    for file in tmp_path.glob("*.npy"):
        file.write_bytes(file.read_bytes()[:30])
    assert np.array_equal(project(codes, cache=tmp_path), first)


@pytest.mark.slow  # numba compiles UMAP for half a minute
def test_a_real_map_keeps_groups_apart(tmp_path):
    codes, of = blobs(240, k=3)
    np.save(tmp_path / "codes.npy", codes)
    xy = project(np.load(tmp_path / "codes.npy", mmap_mode="r"), fitted=120)
    assert own_group(xy, of) > 0.95


def test_what_cannot_be_mapped_is_refused():
    codes, _ = blobs(20)
    with pytest.raises(GammaFaceError, match="9 latents cannot be mapped"):
        project(codes[:9])
    with pytest.raises(GammaFaceError, match="a map of 3 points"):
        project(codes, fitted=3)
    with pytest.raises(GammaFaceError, match="do not match"):
        place(codes, codes[:, :3], codes[:, :2])
    with pytest.raises(GammaFaceError, match="no neighbours"):
        place(codes, codes[:0], codes[:0])
