"""Two-dimensional maps of latents: PCA first, then UMAP."""

from __future__ import annotations

import warnings

import numpy as np

from gammaface.errors import GammaFaceError
from gammaface.pca import fit_pca

PCA_DIMENSIONS = 50
MIN_POINTS = 10


def project(array: np.ndarray, *, dimensions: int = 2, neighbours: int = 15, seed: int = 0) -> np.ndarray:
    """UMAP coordinates (n, dimensions) float32 of codes (n, d).

    Coordinates differ between machines even at one seed, so a run stores them.

    Raises
    ------
    GammaFaceError
        With fewer than ten codes.
    """
    if len(array) < MIN_POINTS:
        raise GammaFaceError(f"{len(array)} latents cannot be mapped", fix=f"Harvest at least {MIN_POINTS}.")
    array = np.asarray(array, dtype=np.float32)
    reduced = fit_pca(array, min(PCA_DIMENSIONS, *array.shape), seed=seed).transform(array)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numba and the one-thread note of a seeded UMAP
        from umap import UMAP  # slow to import: only when a map is made

        mapper = UMAP(
            n_components=dimensions,
            n_neighbors=min(neighbours, len(array) - 1),
            random_state=seed,
        )
        return mapper.fit_transform(reduced).astype(np.float32)
