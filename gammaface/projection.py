"""Two-dimensional maps of latents: PCA first, then UMAP, new points by their neighbours."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.neighbors import NearestNeighbors

from gammaface.errors import GammaFaceError
from gammaface.files import content_hash, kept_array
from gammaface.pca import fit_pca

PCA_DIMENSIONS = 50
MIN_POINTS = 10
FITTED = 20_000  # points that UMAP itself lays out; it takes minutes and gigabytes beyond
PLACED_BY = 8  # neighbours that place a new point
CHUNK_ROWS = 4096
CACHE = ".maps"  # in the folder for runs


def project(
    array: np.ndarray,
    *,
    dimensions: int = 2,
    neighbours: int = 15,
    seed: int = 0,
    fitted: int = FITTED,
    cache: Path | None = None,
) -> np.ndarray:
    """UMAP coordinates (n, dimensions) float32 of codes (n, d).

    Coordinates differ between machines even at one seed, so a run stores them.

    Parameters
    ----------
    array : numpy.ndarray
        (n, d), in memory or a memory map, which is read chunk by chunk.
    fitted : int
        Of more points than this, UMAP lays out a random choice, and :func:`place` the others.
    cache : Path, optional
        Folder where principal components and maps are kept by the hash of what they were
        made of: the same codes are not computed twice.

    Raises
    ------
    GammaFaceError
        With fewer than ten codes.
    """
    n = len(array)
    if n < MIN_POINTS:
        raise GammaFaceError(f"{n} latents cannot be mapped", fix=f"Harvest at least {MIN_POINTS}.")
    if fitted < MIN_POINTS:
        raise GammaFaceError(f"a map of {fitted} points", fix=f"Fit at least {MIN_POINTS}.")
    content = content_hash(array) if cache else ""
    width = min(PCA_DIMENSIONS, *array.shape)

    def reduce() -> np.ndarray:
        return fit_pca(array, width, seed=seed).transform(array)

    def lay_out() -> np.ndarray:
        reduced = _kept(cache, reduce, content, width, seed)
        chosen = np.sort(np.random.default_rng(seed).permutation(n)[:fitted])
        xy = np.empty((n, dimensions), dtype=np.float32)
        xy[chosen] = _umap(reduced[chosen], dimensions, neighbours, seed)
        rest = np.setdiff1d(np.arange(n), chosen)
        if len(rest):
            xy[rest] = place(reduced[rest], reduced[chosen], xy[chosen])
        return xy

    return _kept(cache, lay_out, content, width, seed, dimensions, neighbours, min(fitted, n))


def place(
    points: np.ndarray, reference: np.ndarray, coordinates: np.ndarray, *, neighbours: int = PLACED_BY
) -> np.ndarray:
    """Coordinates of new points on a finished map: no map has to be fitted again.

    A point lies at the mean of its nearest reference points' coordinates, each weighted by
    one over its distance; on a reference point it takes that one's coordinates.

    Parameters
    ----------
    points : array of shape (m, d)
        In the space of `reference`: after the same PCA, where there was one.
    reference : array of shape (n, d)
        Codes that the map was made of.
    coordinates : array of shape (n, k)
        Where they lie on it.
    neighbours : int
        Reference points that place a new one.

    Returns
    -------
    numpy.ndarray
        (m, k) float32.

    Raises
    ------
    GammaFaceError
        For shapes that do not match, or without reference points.

    Examples
    --------
    >>> place(np.array([[0.5], [1.75]]), np.array([[0.0], [1.0], [2.0]]), np.eye(3), neighbours=2).tolist()
    [[0.5, 0.5, 0.0], [0.0, 0.25, 0.75]]
    """
    points, reference, coordinates = map(np.asarray, (points, reference, coordinates))
    if points.ndim != 2 or points.shape[1:] != reference.shape[1:] or len(reference) != len(coordinates):
        raise GammaFaceError(
            f"points {points.shape}, reference {reference.shape} and coordinates {coordinates.shape}"
            " do not match",
            fix="Give (m, d), (n, d) and (n, k).",
        )
    if not len(reference) or neighbours < 1:
        raise GammaFaceError("a point cannot be placed by no neighbours", fix="Give one or more.")
    near = NearestNeighbors(n_neighbors=min(neighbours, len(reference)), algorithm="brute").fit(reference)
    xy = np.empty((len(points), coordinates.shape[1]), dtype=np.float32)
    for start in range(0, len(points), CHUNK_ROWS):
        part = points[start : start + CHUNK_ROWS]
        rows = near.kneighbors(part, return_distance=False)  # (chunk, neighbours)
        # Taken directly: the search expands the square, which loses the digits of near points.
        apart = np.linalg.norm(part[:, None].astype(np.float64) - reference[rows], axis=2)
        weights = 1 / np.maximum(apart, 1e-12 * (1 + apart.max(axis=1, keepdims=True)))
        weights /= weights.sum(axis=1, keepdims=True)
        xy[start : start + CHUNK_ROWS] = np.einsum("mn,mnk->mk", weights, coordinates[rows])
    return xy


def _kept(cache: Path | None, make: Callable[[], np.ndarray], *key: object) -> np.ndarray:
    """What `make` gives, from the cache where it lies there."""
    if cache is None:
        return make()
    return kept_array(cache / f"{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}.npy", make)


def _umap(reduced: np.ndarray, dimensions: int, neighbours: int, seed: int) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numba and the one-thread note of a seeded UMAP
        from umap import UMAP  # slow to import: only when a map is made

        mapper = UMAP(
            n_components=dimensions,
            n_neighbors=min(neighbours, len(reduced) - 1),
            random_state=seed,
        )
        return mapper.fit_transform(reduced).astype(np.float32)
