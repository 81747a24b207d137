"""How close generated images lie to real ones, from feature arrays of any extractor.

Only Inception's own weights make a Fréchet distance an "FID": name the extractor beside
the number. Shares of people that differ move these distances by themselves, so the headline
is `quality_by_group`, which compares like with like at equal n.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

from gammaface.errors import GammaFaceError
from gammaface.metrics.measure import Measure

CHUNK = 1024  # rows compared at once: bounds the memory at any n
SINGULAR = "{n} images for {d} dimensions: the covariance is singular and the value is too high"
UNEQUAL = "{a} generated and {b} real images: compare equal numbers"


def frechet_distance(generated, real, *, dimensions: int | None = None) -> Measure:
    r"""Squared Fréchet distance between Gaussian fits.

    .. math:: \|\mu_a - \mu_b\|^2 + tr(A + B - 2 (A B)^{1/2})

    Source: Heusel et al. 2017 (the FID's formula), on any features.

    Parameters
    ----------
    generated, real : arrays of shape (n, d) and (m, d)
        Features, 2 rows or more.
    dimensions : int, optional
        First reduce both to the leading principal components of ``real``.

    Returns
    -------
    Measure
        0 or more, in squared feature units; noted where n is too small for d.

    Raises
    ------
    GammaFaceError
        For shapes that do not match, too few rows, or values that are not finite.

    Examples
    --------
    >>> a = np.random.default_rng(0).normal(size=(500, 2))
    >>> round(frechet_distance(a, a + [3, 4]), 6)
    25.0
    """
    a, b = check_pair(generated, real)
    if dimensions is not None:
        a, b = project(a, b, dimensions)
    smaller, d = min(len(a), len(b)), a.shape[1]
    return Measure(gaussian_distance(a, b), "" if smaller > d else SINGULAR.format(n=smaller, d=d))


def kernel_distance(generated, real, *, seed: int = 0) -> Measure:
    r"""Unbiased squared MMD under the kernel :math:`(x \cdot y / d + 1)^3` (the KID's form).

    Source: Bińkowski et al. 2018. The larger set is thinned so that both have the same n.

    Parameters
    ----------
    generated, real : arrays of shape (n, d) and (m, d)
        Features, 2 rows or more.
    seed : int
        Of the thinning.

    Returns
    -------
    Measure
        Around 0 for equal distributions, where it may be slightly negative.

    Raises
    ------
    GammaFaceError
        As `frechet_distance`.

    Examples
    --------
    >>> a = np.random.default_rng(0).normal(size=(200, 4))
    >>> kernel_distance(a[:100], a[100:]) < kernel_distance(a[:100], a[100:] + 1)
    True
    """
    a, b = check_pair(generated, real)
    n = min(len(a), len(b))
    rng = np.random.default_rng(seed)
    kernels = cubic_kernels(thin(a, n, rng), thin(b, n, rng))
    ones = np.ones((n, 1))
    return Measure(weighted_mmd(kernels, ones, ones)[0])


def precision_recall(generated, real, *, k: int = 3) -> tuple[Measure, Measure]:
    """Improved precision and recall: shares of images inside the other set's manifold.

    A manifold is the union of balls that reach each image's k-th nearest neighbour.
    Source: Kynkäänniemi et al. 2019.

    Parameters
    ----------
    generated, real : arrays of shape (n, d) and (m, d)
        Features; use equal n.
    k : int
        Neighbours, 3 by default.

    Returns
    -------
    tuple of Measure
        Precision (generated images among the real) and recall (real among the generated),
        each in [0, 1]; noted where the sets differ in size.

    Raises
    ------
    GammaFaceError
        As `frechet_distance`, and for sets of k images or fewer.

    Examples
    --------
    >>> a = np.random.default_rng(0).normal(size=(50, 2))
    >>> precision_recall(a, a), precision_recall(a + 100, a)
    ((1.0, 1.0), (0.0, 0.0))
    """
    a, b = check_pair(generated, real)
    if not 1 <= k < min(len(a), len(b)):
        raise GammaFaceError(
            f"k={k} with {min(len(a), len(b))} images", fix="Give more images, or a k of 1 or more."
        )
    note = "" if len(a) == len(b) else UNEQUAL.format(a=len(a), b=len(b))
    return Measure(_covered(a, b, k), note), Measure(_covered(b, a, k), note)


def nearest(queries, reference, *, leave_out_self: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Nearest reference row of every query: the memorisation check.

    Source: Euclidean nearest neighbours, as in Kynkäänniemi et al. 2019. Compare with the
    distances of held-out real images to the same reference.

    Parameters
    ----------
    queries, reference : arrays of shape (n, d) and (m, d)
    leave_out_self : bool
        The two are the same rows: a row is not its own neighbour.

    Returns
    -------
    tuple of arrays of shape (n,)
        Distance (feature units, 0 or more) and row number in ``reference``.

    Raises
    ------
    GammaFaceError
        As `frechet_distance`.

    Examples
    --------
    >>> [part.tolist() for part in nearest([[0.], [5.]], [[1.], [4.], [9.]])]
    [[1.0, 1.0], [0, 1]]
    """
    kept = np.result_type(np.asarray(queries), np.asarray(reference))
    # Whole pictures as float32 fit where float64 would not.
    a, b = check_pair(queries, reference, dtype=np.float32 if kept == np.float32 else float)
    lengths = np.einsum("md,md->m", b, b, dtype=np.float64)
    distance, index = np.empty(len(a)), np.empty(len(a), dtype=np.int64)
    for start in range(0, len(a), CHUNK):
        block = a[start : start + CHUNK]
        apart = lengths - 2.0 * (block @ b.T)
        if leave_out_self:
            rows = np.arange(len(apart))
            apart[rows, rows + start] = np.inf
        best = apart.argmin(axis=1)
        index[start : start + CHUNK] = best
        # The winner's distance is taken directly: the expansion above loses digits.
        gap = block.astype(np.float64) - b[best]
        distance[start : start + CHUNK] = np.sqrt(np.einsum("nd,nd->n", gap, gap))
    return distance, index


def gaussian_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Squared Fréchet distance of two sets' Gaussian fits."""
    first, second = np.atleast_2d(np.cov(a, rowvar=False)), np.atleast_2d(np.cov(b, rowvar=False))
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    cross = np.sqrt(np.clip(np.linalg.eigvalsh(root @ second @ root), 0, None)).sum()
    shift = np.square(a.mean(0) - b.mean(0)).sum()
    return float(max(0.0, shift + np.trace(first) + np.trace(second) - 2 * cross))


def cubic_kernels(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The KID's kernel within each set and across."""
    d = a.shape[1]
    return tuple((x @ y.T / d + 1) ** 3 for x, y in ((a, a), (b, b), (a, b)))


def weighted_mmd(kernels, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Unbiased squared MMD of resamples, given as counts (n, resamples) of each row."""

    def within(kernel, w):
        # A row drawn twice is no pair of two images: its kernel with itself stays out.
        pairs = (w * (kernel @ w)).sum(0) - (np.diag(kernel)[:, None] * w**2).sum(0)
        return pairs / (w.sum(0) ** 2 - (w**2).sum(0))

    across = (u * (kernels[2] @ v)).sum(0) / (u.sum(0) * v.sum(0))
    return within(kernels[0], u) + within(kernels[1], v) - 2 * across


def _covered(points: np.ndarray, manifold: np.ndarray, k: int) -> float:
    """Share of `points` inside a ball around some row of `manifold`."""
    radii = np.empty(len(manifold))
    for start in range(0, len(manifold), CHUNK):
        apart = cdist(manifold[start : start + CHUNK], manifold)
        radii[start : start + CHUNK] = np.partition(apart, k, axis=1)[:, k]  # entry 0 is itself
    inside = [
        (cdist(points[start : start + CHUNK], manifold) <= radii).any(1)
        for start in range(0, len(points), CHUNK)
    ]
    return float(np.concatenate(inside).mean())


def project(a: np.ndarray, b: np.ndarray, dimensions: int) -> tuple[np.ndarray, np.ndarray]:
    """Both on the leading principal components of `b`."""
    if dimensions < 1:
        raise GammaFaceError(f"dimensions={dimensions}", fix="Give 1 or more.")
    centre = b.mean(0)
    axes = np.linalg.svd(b - centre, full_matrices=False)[2][:dimensions]
    return (a - centre) @ axes.T, (b - centre) @ axes.T


def thin(rows: np.ndarray, n: int, rng) -> np.ndarray:
    """`n` rows at random, without replacement."""
    return rows if len(rows) == n else rows[rng.choice(len(rows), n, replace=False)]


def check_pair(first, second, *, dtype=float) -> tuple[np.ndarray, np.ndarray]:
    """Two feature arrays as floats, refused when they cannot be compared."""
    a, b = np.asarray(first, dtype=dtype), np.asarray(second, dtype=dtype)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise GammaFaceError(
            f"features of shapes {a.shape} and {b.shape} cannot be compared",
            fix="Give two arrays (n, d) of the same d with 2 rows or more.",
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise GammaFaceError("the features hold NaN or infinity", fix="Leave those images out.")
    return a, b
