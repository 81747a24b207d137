"""Directions in h-space: every image is moved to its own group by a vector per step.

Sources: Kwon et al. 2023 (Asyrp) for editing the mid block's output, Haas et al. 2024 for
class-mean and principal directions per step with other attributes projected out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

from gammaface.errors import GammaFaceError
from gammaface.pca import fit_pca
from gammaface.sampling import Denoise
from gammaface.strategies.pilot import Pilot
from gammaface.strategies.request import Drawn, Learned, Request
from gammaface.strategies.steering import DIMENSIONS, FLAT, draw_moved, record_pilot, steered
from gammaface.strategies.strategy import described
from gammaface.strategies.target import Target

Directions = Mapping[int, torch.Tensor]
"""(cells, d) by timestep: what is added to flat h for each of the target's cells."""


def h_directions(request: Request) -> Drawn:
    """Draw every place with its cell's directions added to h at each step.

    Image i depends on its own seed and cell only. With ``form="asyrp"`` the predicted x_0
    comes from the edited h and the noise from the untouched one (Kwon et al., eq. 4), which
    takes two evaluations a step; otherwise both are edited (Haas et al., sec. 3).
    """
    directions, cells, scale = request.learned.value, request.cells(), request.options["scale"]
    asymmetric = request.options["form"] == "asyrp"

    def moved(rows: np.ndarray) -> Denoise:
        own = torch.from_numpy(cells[rows])

        def edit(h: torch.Tensor, t: int) -> torch.Tensor:
            return h + scale * directions[t].to(h)[own.to(h.device)].view_as(h)

        predict = steered(request.generator, edit)
        return halved(predict, request.generator.predict) if asymmetric else predict

    return draw_moved(request, cells, moved, price=2 if asymmetric else 1)


def halved(edited: Denoise, free: Denoise) -> Denoise:
    """Asymmetric reverse process: x_0 of the one prediction, the noise of the other."""

    def predict(x: torch.Tensor, t: int) -> tuple[torch.Tensor, torch.Tensor]:
        return edited(x, t)[0], free(x, t)[1]

    return predict


def learn_directions(request: Request) -> Learned:
    """Directions at every step, from a labelled pilot that keeps h."""
    held = tuple(name.strip() for name in request.options["hold"].split(",") if name.strip())
    for name in held:
        if name not in request.labeller.classes:
            raise GammaFaceError(
                f"the labeller does not name the attribute '{name}'",
                fix=f"Choose from {', '.join(request.labeller.classes)}.",
            )
    pilot = record_pilot(request)
    ask = {"hold": held, "find": FIND[request.options["directions"]]}
    directions = {
        t: torch.from_numpy(cell_directions(pilot, h.astype(np.float32), request.target, **ask))
        for (_, t), h in pilot.codes.items()
    }
    notes = {"pilot": len(pilot.seeds), "held": ", ".join(held)}
    return Learned(directions, pilot.evaluations, notes)


def class_directions(h: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Mean of each class less the mean of the other classes' means, (classes, d).

    NaN for a class without rows, and where there is no other class.

    Examples
    --------
    >>> class_directions(np.array([[0.], [2.], [5.]]), np.array([0, 0, 1]), 3).ravel().tolist()
    [-4.0, 4.0, nan]
    """
    means = np.full((classes, h.shape[1]), np.nan, dtype=np.float32)
    present = np.unique(labels)
    for k in present:
        means[k] = h[labels == k].mean(axis=0)
    others = np.full_like(means, np.nan)
    for k in present[: len(present) if len(present) > 1 else 0]:
        others[k] = means[present[present != k]].mean(axis=0)
    return means - others


def pca_directions(h: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Along the principal component of h that tells each class best from the others, (classes, d).

    Of the first 64 the one along which the class means lie furthest apart, in units of its
    spread; as long as they lie apart. NaN as in `class_directions`.

    Examples
    --------
    >>> h = np.array([[-9., 0.], [9., 0.], [-9., 2.], [9., 2.]], dtype=np.float32)
    >>> (pca_directions(h, np.array([0, 0, 1, 1]), 2).round(4) + 0.0).tolist()
    [[0.0, -2.0], [0.0, 2.0]]
    """
    pca = fit_pca(h, min(DIMENSIONS, *h.shape))
    codes = pca.transform(h)
    apart, spread = class_directions(codes, labels, classes), codes.std(axis=0)
    told = np.abs(apart) / np.maximum(spread, FLAT * spread.max())
    best = np.nan_to_num(told).argmax(axis=1)
    return apart[np.arange(classes), best, None] * pca.components[best]


FIND = {"class-mean": class_directions, "pca": pca_directions}


def cell_directions(
    pilot: Pilot,
    h: np.ndarray,
    target: Target,
    *,
    hold: tuple[str, ...] = (),
    find: Callable[[np.ndarray, np.ndarray, int], np.ndarray] = class_directions,
) -> np.ndarray:
    """What to add to h (p, d) for each cell of the target, (cells, d) float32.

    The sum over the target's attributes of the direction of the cell's class, as `find` gives
    it, with the span of all other attributes' directions (the target's, and those of `hold`)
    projected out. Of two attributes that share a principal component, neither is moved.

    Raises
    ------
    GammaFaceError
        When the pilot holds no image of a class that the target asks for.
    """
    names = list(dict.fromkeys((*target.attributes, *hold)))
    raw = {name: find(h, pilot.labels(name), pilot.probabilities[name].shape[1]) for name in names}
    wanted = np.flatnonzero(target.shares > 0)
    total = np.zeros((len(target.shares), h.shape[1]), dtype=np.float32)
    for name, words in zip(target.attributes, target.classes, strict=True):
        own = target.class_of(np.arange(len(total)), name)
        for k in np.unique(own[wanted]):
            if not np.isfinite(raw[name][k]).all():
                raise GammaFaceError(
                    f"the pilot of {len(h)} images shows {name} = {words[k]} never, or nothing else",
                    fix="Give a larger pilot.",
                )
        others = [raw[other] for other in names if other != name]
        total += np.nan_to_num(without(raw[name], np.concatenate(others)) if others else raw[name])[own]
    return total


def without(rows: np.ndarray, away: np.ndarray) -> np.ndarray:
    """Rows (m, d) with the span of the finite rows of `away` (k, d) projected out.

    Examples
    --------
    >>> without(np.array([[1., 1.]]), np.array([[2., 0.], [np.nan, 0.]])).tolist()
    [[0.0, 1.0]]
    """
    away = away[np.isfinite(away).all(axis=1)]
    if not len(away):
        return rows
    _, sizes, axes = np.linalg.svd(away, full_matrices=False)
    axes = axes[sizes > 1e-5 * sizes.max()]
    return rows - (rows @ axes.T) @ axes


H_DIRECTIONS = described("h-directions", h_directions, learn=learn_directions)
