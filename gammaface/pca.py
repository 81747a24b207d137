"""Principal components of codes in memory or on disk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gammaface.errors import GammaFaceError

CHUNK_ROWS = 1024
EXTRA = 10  # directions carried beside those asked for (Halko et al. 2011, sec. 1.3)
PASSES = 6


@dataclass(frozen=True)
class Projection:
    """A fitted PCA: ``transform(z)`` maps (n, d) to (n, dimensions)."""

    mean: np.ndarray  # (d,)
    components: np.ndarray  # (dimensions, d)
    explained: float  # share of the variance kept, in [0, 1]

    def transform(self, array: np.ndarray) -> np.ndarray:
        """Codes (n, d), in memory or a memory map, as (n, dimensions) float32."""
        parts = [(part - self.mean) @ self.components.T for part in _chunks(array)]
        return np.concatenate(parts).astype(np.float32)


def fit_pca(array: np.ndarray, dimensions: int, *, seed: int = 0) -> Projection:
    """Randomised PCA that reads the codes chunk by chunk and never holds them all.

    Subspace iteration on the covariance from a random start (Halko et al. 2011, algorithm
    4.4): every pass multiplies the basis by the covariance once.

    Parameters
    ----------
    array : numpy.ndarray
        (n, d), in memory or a memory map.
    dimensions : int
        Components to keep, 1 to min(n, d).

    Raises
    ------
    GammaFaceError
        When `dimensions` is below 1 or above min(n, d).

    Examples
    --------
    >>> line = np.outer(np.arange(50.0), [0.6, 0.8])
    >>> fitted = fit_pca(line, 1)
    >>> abs(fitted.components).astype(float).round(3).tolist(), round(fitted.explained, 3)
    ([[0.6, 0.8]], 1.0)
    """
    n, d = array.shape
    check_dimensions(dimensions, n, d)
    mean = sum(part.sum(axis=0, dtype=np.float64) for part in _chunks(array)) / n
    total = sum(float(np.square(part - mean).sum()) for part in _chunks(array))

    def covariance_times(basis: np.ndarray) -> np.ndarray:
        return sum((c := part - mean).T @ (c @ basis) for part in _chunks(array))

    width = min(dimensions + EXTRA, n, d)
    basis = np.linalg.qr(np.random.default_rng(seed).normal(size=(d, width)))[0]
    for _ in range(PASSES):
        basis = np.linalg.qr(covariance_times(basis))[0]
    values, vectors = np.linalg.eigh(basis.T @ covariance_times(basis))
    order = np.argsort(values)[::-1][:dimensions]
    components = (basis @ vectors[:, order]).T
    # A direction and its opposite are one component: the largest entry decides the sign.
    largest = np.abs(components).argmax(axis=1)
    components *= np.sign(components[np.arange(dimensions), largest])[:, None]
    explained = float(values[order].sum() / total) if total else 1.0
    return Projection(mean.astype(np.float32), components.astype(np.float32), min(1.0, explained))


def _chunks(array: np.ndarray):
    for start in range(0, len(array), CHUNK_ROWS):
        yield np.asarray(array[start : start + CHUNK_ROWS])


def check_dimensions(dimensions: int, n: int, d: int) -> None:
    """Refuse more components than n codes of size d have, or none."""
    limit = min(n, d)
    if not 1 <= dimensions <= limit:
        raise GammaFaceError(
            f"PCA to {dimensions} dimensions of {n} codes of size {d}",
            fix=f"Give between 1 and {limit} dimensions.",
        )
