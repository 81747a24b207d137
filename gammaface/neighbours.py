"""Nearest neighbours among many pictures: has a model copied what it was trained on?"""

from __future__ import annotations

import numpy as np

from gammaface.errors import GammaFaceError


def nearest(
    queries: np.ndarray, references: np.ndarray, *, chunk: int = 256
) -> tuple[np.ndarray, np.ndarray]:
    """Distance from each query to its nearest reference.

    Parameters
    ----------
    queries, references : numpy.ndarray
        (n, d) and (m, d); pictures are flattened.
    chunk : int
        Queries compared at a time; memory is chunk x m.

    Returns
    -------
    (numpy.ndarray, numpy.ndarray)
        Root-mean-square differences (n,), in the units of the inputs, and the indices of
        the nearest references (n,).

    Examples
    --------
    >>> nearest(np.array([[0.0, 0.0]]), np.array([[3.0, 3.0], [1.0, 1.0]]))
    (array([1.]), array([1]))
    """
    if queries.shape[1:] != references.shape[1:] or not len(references):
        raise GammaFaceError(
            f"queries of shape {queries.shape} against references of shape {references.shape}",
            fix="Give arrays (n, d) and (m, d) of equal d, with m >= 1.",
        )
    references = np.asarray(references)
    lengths = np.einsum("md,md->m", references, references, dtype=np.float64)
    distances, indices = [], []
    for start in range(0, len(queries), chunk):
        block = np.asarray(queries[start : start + chunk], dtype=references.dtype)
        squares = lengths - 2.0 * (block @ references.T)
        best = squares.argmin(axis=1)
        # The winner's distance is taken directly: the expansion above loses digits.
        gap = block.astype(np.float64) - references[best]
        distances.append(np.sqrt(np.mean(gap**2, axis=1)))
        indices.append(best)
    return np.concatenate(distances), np.concatenate(indices)
