"""Pictures that look alike: a difference hash, groups of near-duplicates, splits that keep them whole."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gammaface.errors import GammaFaceError

# 16 x 16: the usual 8 x 8 is too coarse for aligned faces, which it links into one crowd.
HASH_SIDE = 16
BITS = HASH_SIDE**2
# Among UTKFace's 21,555 aligned faces look-alikes lie within 24 bits; pairs of strangers set in past 30.
DEFAULT_DISTANCE = 24
RED, GREEN, BLUE = np.float32(0.299), np.float32(0.587), np.float32(0.114)  # luma, ITU-R BT.601
CHUNK = 512  # rows compared at once: bounds the memory at any number of pictures


def difference_hash(pictures: np.ndarray) -> np.ndarray:
    """256-bit dHash: which of two neighbours on a 16 x 17 grid is brighter.

    Parameters
    ----------
    pictures : uint8 array of shape (n, H, W, 3)
        RGB, at least 17 pixels on each side.

    Returns
    -------
    uint64 array of shape (n, 4)
        Source: N. Krawetz, "Kind of like that" (2013).

    Raises
    ------
    GammaFaceError
        For another shape or pictures under 17 pixels.

    Examples
    --------
    >>> ramp = np.tile(np.arange(34, dtype=np.uint8), (1, 32, 1))[..., None].repeat(3, -1)
    >>> [f"{word:x}" for word in difference_hash(ramp)[0]]
    ['ffffffffffffffff', 'ffffffffffffffff', 'ffffffffffffffff', 'ffffffffffffffff']
    """
    pictures = np.asarray(pictures)
    if pictures.ndim != 4 or pictures.shape[-1] != 3 or min(pictures.shape[1:3]) <= HASH_SIDE:
        raise GammaFaceError(
            f"pictures of shape {pictures.shape} cannot be hashed",
            fix=f"Give (n, H, W, 3) with sides over {HASH_SIDE} pixels.",
        )
    # Colour by colour: the last digits of a matrix product differ between processors, and where two
    # neighbours are as bright, another bit numbers groups otherwise and so holds out other faces.
    grey = RED * pictures[..., 0] + GREEN * pictures[..., 1] + BLUE * pictures[..., 2]
    small = _block_means(_block_means(grey, HASH_SIDE, axis=1), HASH_SIDE + 1, axis=2)
    bits = small[:, :, 1:] > small[:, :, :-1]
    return np.packbits(bits.reshape(len(bits), -1), axis=1).view(np.uint64)


def _block_means(values: np.ndarray, blocks: int, *, axis: int) -> np.ndarray:
    """Means over consecutive, nearly equal parts of an axis."""
    edges = np.linspace(0, values.shape[axis], blocks + 1).round().astype(int)
    sums = np.add.reduceat(values, edges[:-1], axis=axis)
    widths = np.diff(edges).reshape([-1 if i == axis else 1 for i in range(values.ndim)])
    return sums / widths


def lookalike_groups(hashes: np.ndarray, *, distance: int = DEFAULT_DISTANCE) -> np.ndarray:
    """A group number for each picture: linked when at most `distance` bits differ.

    Parameters
    ----------
    hashes : uint64 array of shape (n, words)
        From `difference_hash`.
    distance : int
        Largest Hamming distance of look-alikes, 0 to 256.

    Returns
    -------
    int array of shape (n,)
        Equal numbers for pictures that are linked, directly or through others.

    Raises
    ------
    GammaFaceError
        For a distance outside 0 to 256.

    Examples
    --------
    >>> lookalike_groups(np.array([[0], [255], [1]], dtype=np.uint64), distance=2).tolist()
    [0, 1, 0]
    """
    if not 0 <= distance <= BITS:
        raise GammaFaceError(f"distance {distance} is out of range", fix=f"Give 0 to {BITS} bits.")
    values, place = np.unique(np.asarray(hashes, dtype=np.uint64), axis=0, return_inverse=True)
    rows, columns = [], []
    for start in range(0, len(values), CHUNK):
        left, right = np.nonzero(_bits_apart(values[start : start + CHUNK], values[start:]) <= distance)
        rows.append(left + start)
        columns.append(right + start)
    if not rows:
        return np.zeros(0, dtype=int)
    row, column = np.concatenate(rows), np.concatenate(columns)
    links = coo_array((np.ones(len(row), bool), (row, column)), shape=(len(values),) * 2)
    return connected_components(links, directed=False)[1][place].astype(int)


def has_lookalike(hashes: np.ndarray, others: np.ndarray, *, distance: int = DEFAULT_DISTANCE) -> np.ndarray:
    """Which pictures look like one of the others, bool (n,); hashes from `difference_hash`.

    Examples
    --------
    >>> has_lookalike(np.array([[0], [255]], np.uint64), np.array([[1]], np.uint64), distance=2).tolist()
    [True, False]
    """
    parts = [
        (_bits_apart(hashes[start : start + CHUNK], others) <= distance).any(axis=1)
        for start in range(0, len(hashes), CHUNK)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=bool)


def _bits_apart(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Hamming distances (n, m) of hashes (n, words) and (m, words)."""
    apart = np.zeros((len(left), len(right)), dtype=np.uint16)
    for a, b in zip(left.T, right.T, strict=True):
        apart += np.bitwise_count(a[:, None] ^ b[None])
    return apart


def grouped_holdout(groups: np.ndarray, *, share: float, seed: int) -> np.ndarray:
    """Which rows to hold out: about `share` of them, whole groups only, never a larger group.

    Parameters
    ----------
    groups : array of shape (n,)
        Identity or look-alike group of each row.
    share : float
        Part to hold out, in (0, 1).
    seed : int
        Of the draw.

    Returns
    -------
    bool array of shape (n,)

    Raises
    ------
    GammaFaceError
        For a share outside (0, 1), or when every group is larger than that.

    Examples
    --------
    >>> held = grouped_holdout(np.array([0, 0, 1, 1, 2, 2]), share=0.3, seed=0)
    >>> int(held.sum())
    2
    """
    if not 0 < share < 1:
        raise GammaFaceError(f"a share of {share} cannot be held out", fix="Give more than 0, less than 1.")
    _, codes, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    wanted = int(np.ceil(share * len(codes)))
    order = np.random.default_rng(seed).permutation(len(sizes))
    order = order[sizes[order] <= wanted]
    if not len(order):
        raise GammaFaceError(
            f"no group is small enough to hold out {share:.0%} of {len(codes)} rows",
            fix="Give more rows, or a lower look-alike distance.",
        )
    before = np.cumsum(sizes[order]) - sizes[order]
    return np.isin(codes, order[before < wanted])
