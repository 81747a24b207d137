"""Latent space de-biasing: pairs of generated faces that differ in the protected attribute.

Ramaswamy, Kim and Russakovsky 2021. Their codes are a GAN's; the analogue of a diffusion
model is either the clean latents of generated images, edited and decoded (cheap, and what
the command line does), or x_T under deterministic DDIM, edited and denoised again (dearer
by a whole path per image, and attributes are less straight there). Both are codes and a
way back to images, which is all that this module knows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.svm import LinearSVC

from gammaface.baselines.augmented import kept_originals
from gammaface.baselines.mixing import draw_spread
from gammaface.baselines.problem import Examples, Problem, Trained, join
from gammaface.baselines.trainer import train_on
from gammaface.errors import GammaFaceError

FIT_ROWS = 5000  # codes that the hyperplanes are fitted on
SOFTNESS = 0.01  # the SVM's C, on codes of variance 1: in many dimensions all classes separate
PARALLEL = 1e-3  # sin(theta) below which target and protected attribute are one direction


@dataclass(frozen=True)
class Hyperplanes:
    """One unit normal (classes, d) and offset (classes,) per class against the others."""

    normals: np.ndarray
    offsets: np.ndarray

    def distances(self, codes: np.ndarray) -> np.ndarray:
        """Signed distances (n, classes)."""
        return codes @ self.normals.T + self.offsets


def fit_hyperplanes(codes: np.ndarray, labels: np.ndarray, n_classes: int, *, seed: int) -> Hyperplanes:
    """Linear SVMs on codes (n, d), one class against the others.

    Raises
    ------
    GammaFaceError
        When a class is missing among the labels.
    """
    counts = np.bincount(labels, minlength=n_classes)
    if (counts == 0).any():
        raise GammaFaceError(
            f"class {int(counts.argmin())} of an attribute does not occur among the generated faces",
            fix="Generate more, or lower the confidence asked for.",
        )
    normals, offsets = np.empty((n_classes, codes.shape[1])), np.empty(n_classes)
    scale = codes.std() or 1.0
    for c in range(n_classes):
        if n_classes == 2 and c == 1:
            normals[1], offsets[1] = -normals[0], -offsets[0]
            break
        svm = LinearSVC(C=SOFTNESS, class_weight="balanced", random_state=seed, dual="auto")
        svm.fit(codes / scale, labels == c)
        length = np.linalg.norm(svm.coef_)
        normals[c], offsets[c] = svm.coef_[0] / length, scale * svm.intercept_[0] / length
    return Hyperplanes(normals, offsets)


def across(codes: np.ndarray, w_g: np.ndarray, b: np.ndarray, w_a: np.ndarray) -> np.ndarray:
    r"""Mirror codes at the protected hyperplane without moving along the target's normal.

    .. math:: x' = x - \frac{2 (w_g x + b)}{\sin\theta}\, \frac{w_g - \cos\theta\, w_a}{|\cdot|}

    Source: Ramaswamy et al. 2021, sec. 3.2; theta is the angle between the normals.

    Parameters
    ----------
    codes : array of shape (n, d)
    w_g, w_a : arrays of shape (n, d) or (d,)
        Unit normals of the protected attribute and of the target.
    b : array of shape (n,) or float
        Offset of the protected hyperplane.

    Raises
    ------
    GammaFaceError
        Where the two normals are parallel: then the pair does not exist.

    Examples
    --------
    >>> x = across(np.ones((1, 2)), np.array([1., 0]), .5, np.array([.6, .8]))
    >>> x.round(6).tolist()
    [[-2.0, 3.25]]
    """
    cos = (w_g * w_a).sum(-1, keepdims=True)
    sin = np.sqrt(np.clip(1 - cos**2, 0, None))
    if (sin < PARALLEL).any():
        raise GammaFaceError(
            "target and protected attribute lie along one direction of the codes",
            fix="Use another code space, or another method.",
        )
    distance = (codes * w_g).sum(-1, keepdims=True) + np.reshape(b, (-1, 1))
    way = w_g - cos * w_a  # its length is sin(theta)
    return codes - 2 * distance / sin**2 * way


def ramaswamy(problem: Problem) -> Trained:
    """Train on originals and on generated faces, each beside its protected counterpart.

    With several protected attributes each pair crosses one of them, in turns. With more
    than two classes the hyperplanes are those of the face's own class against the others.
    """
    originals, n, rng = kept_originals(problem)
    pool, space = problem.need("generated"), problem.need("codes")
    rows = draw_spread(len(pool), -(-n // 2), rng=rng)
    facts = {"n_original": len(originals), "n_generated": n, "n_distinct_generated": len(np.unique(rows))}
    parts = [originals]
    if n:
        codes = space.encode(pool.images) if pool.codes is None else pool.codes
        faces = pool.take(rows)
        edited, protected = counterparts(codes, pool, codes[rows], faces, problem)
        parts += [faces, Examples(space.decode(edited), faces.y, protected).take(np.arange(n - len(faces)))]
    return train_on(problem, join(parts), facts=facts)


def counterparts(
    fit_codes: np.ndarray, fit_on: Examples, codes: np.ndarray, faces: Examples, problem: Problem
) -> tuple[np.ndarray, np.ndarray]:
    """Edited codes of faces, and the protected attributes that the hyperplanes then read."""
    few = np.random.default_rng([problem.seed, 2]).permutation(len(fit_codes))[:FIT_ROWS]
    some = fit_codes[few]
    target = fit_hyperplanes(some, fit_on.y[few], problem.n_classes, seed=problem.seed)
    edited, protected = codes.copy(), faces.protected.copy()
    for attribute, levels in enumerate(problem.levels):
        labels = fit_on.protected[few, attribute]
        planes = fit_hyperplanes(some, labels, levels, seed=problem.seed)
        rows = np.arange(attribute, len(codes), len(problem.levels))
        own = faces.protected[rows, attribute]
        edited[rows] = across(
            codes[rows], planes.normals[own], planes.offsets[own], target.normals[faces.y[rows]]
        )
        protected[rows, attribute] = planes.distances(edited[rows]).argmax(1)
    return edited, protected
