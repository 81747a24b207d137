import io
import itertools

import numpy as np
import pytest
from PIL import Image

from gammaface import GammaFaceError
from gammaface.datasets import difference_hash, grouped_holdout, lookalike_groups


def scenes(n=12, side=48, seed=0):
    """Smooth random pictures."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (n, 6, 6, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(c).resize((side, side), Image.BICUBIC)) for c in coarse])


def test_copies_in_poor_quality_are_grouped_and_others_are_not():
    pictures = scenes()
    poor = []
    for picture in pictures:
        buffer = io.BytesIO()
        Image.fromarray(picture).resize((40, 40)).save(buffer, format="JPEG", quality=40)
        poor.append(np.asarray(Image.open(buffer).resize((48, 48))))
    groups = lookalike_groups(difference_hash(np.concatenate([pictures, np.stack(poor)])))
    assert (groups[:12] == groups[12:]).all() and len(set(groups)) == 12


def test_distances_are_hamming():
    hashes = np.array([[0, 0], [0b111, 0], [0b111, 0b111], [2**63, 0b111111]], dtype=np.uint64)
    assert lookalike_groups(hashes, distance=2).tolist() == [0, 1, 2, 3]
    assert lookalike_groups(hashes, distance=3).tolist() == [0, 0, 0, 1]  # linked through the second
    assert lookalike_groups(hashes[:0]).tolist() == []
    with pytest.raises(GammaFaceError, match="out of range"):
        lookalike_groups(hashes, distance=257)
    with pytest.raises(GammaFaceError, match="cannot be hashed"):
        difference_hash(np.zeros((1, 16, 16, 3), np.uint8))


def test_a_holdout_keeps_groups_whole():
    groups = np.random.default_rng(0).integers(0, 200, 1000)
    held = grouped_holdout(groups, share=0.1, seed=1)
    assert not set(groups[held]) & set(groups[~held])
    assert 0.1 <= held.mean() < 0.13
    crowd = np.where(np.arange(1000) < 900, 0, np.arange(1000))
    assert not grouped_holdout(crowd, share=0.1, seed=1)[:900].any()
    with pytest.raises(GammaFaceError, match="no group is small enough"):
        grouped_holdout(np.zeros(10), share=0.1, seed=1)
    assert (held == grouped_holdout(groups, share=0.1, seed=1)).all()


def test_colours_as_bright_are_told_apart_alike_on_every_processor():
    """299 R + 587 G + 114 B is the same for all of them: only rounding decides, so it is spelled out."""
    colours = np.random.default_rng(0).integers(0, 256, (3_000_000, 3))
    bright = colours @ [299, 587, 114]
    row = colours[bright == np.bincount(bright).argmax()][:17]
    assert len(row) == 17
    grey = [
        np.float32(0.299) * np.float32(r)
        + np.float32(0.587) * np.float32(g)
        + np.float32(0.114) * np.float32(b)
        for r, g, b in row
    ]
    brighter = np.array([right > left for left, right in itertools.pairwise(grey)])
    assert 0 < brighter.sum() < 16
    hashed = difference_hash(np.tile(row.astype(np.uint8), (1, 32, 1, 1)))
    bits = np.unpackbits(hashed.view(np.uint8)).reshape(16, 16)
    assert (bits == brighter).all()
