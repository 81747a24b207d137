"""One latent direction of an attribute, and faces moved along it with all else equal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from gammaface.applications.cells import Report
from gammaface.errors import GammaFaceError
from gammaface.generators import MICRO_BATCH, Generator, micro_batches, seeded
from gammaface.sampling import Callback, ddim, timestep_path
from gammaface.strategies import Labeller, as_labeller
from gammaface.strategies.pilot import pilot_seeds
from gammaface.strategies.reading import fit_reader

SQRT_ABAR = 0.58  # early enough to move a face, late enough for a line to read attributes


@dataclass(frozen=True)
class Direction:
    """The normal of a linear boundary among codes x_t.

    Attributes
    ----------
    attribute, word : str
        The far side is faces of this class.
    normal : torch.Tensor
        (c, h, w), unit length.
    spread : float
        Standard deviation of the pilot's codes along it: the unit of distances.
    t : int
    accuracy : float
        Of the boundary, out of fold, in [0, 1].
    """

    attribute: str
    word: str
    normal: torch.Tensor
    spread: float
    t: int
    accuracy: float


def _to_code(generator: Generator, seeds, path: list[int], callback: Callback | None) -> torch.Tensor:
    return ddim(
        generator.predict,
        generator.noise(seeded(seeds)),
        path,
        alphas=generator.alphas,
        callback=callback,
    )


def _split_path(generator: Generator, steps: int, t: int) -> tuple[list[int], list[int]]:
    path = timestep_path(generator.train_steps, steps, through=t)
    place = path.index(t)
    return path[: place + 1], path[place:]


def find_direction(
    generator: Generator,
    labeller: Labeller,
    attribute: str,
    word: str,
    *,
    pilot: int,
    seed: int,
    steps: int,
    report: Report,
    callback: Callback | None = None,
) -> Direction:
    """A boundary between a class and the others, learned from plainly drawn, labelled faces.

    Raises
    ------
    GammaFaceError
        For an unknown class, or one that the pilot has too few faces of.
    """
    reader = as_labeller(labeller)
    if word not in reader.classes.get(attribute, ()):
        raise GammaFaceError(
            f"the labeller has no {attribute} '{word}'",
            fix="Write attribute:class, like gender:male, with a class that it names.",
        )
    t = generator.timestep_at(SQRT_ABAR)
    before, after = _split_path(generator, steps, t)
    codes, labels = [], []
    number = reader.classes[attribute].index(word)
    for chunk, real in micro_batches(pilot_seeds(seed, pilot), MICRO_BATCH):
        report("direction", sum(map(len, codes)), pilot)
        x = _to_code(generator, chunk, before, callback)
        images = generator.decode(
            ddim(generator.predict, x, after, alphas=generator.alphas, callback=callback)
        )
        codes.append(x[:real].flatten(1).cpu().numpy().astype(np.float64))
        labels.append(reader.probabilities(images[:real])[attribute].argmax(1) == number)
    report("direction", pilot, pilot)
    rows, flags = np.concatenate(codes), np.concatenate(labels).astype(int)
    words = np.array([f"not {word}", word])
    probe = fit_reader(rows, flags, words, np.ones(2, bool), attribute=attribute)
    scale, line = probe.probe[0], probe.probe[1]
    normal = line.coef_[0] / scale.scale_
    normal /= np.linalg.norm(normal)
    unit = torch.from_numpy(normal).float().view(generator.shape)
    return Direction(attribute, word, unit, float((rows @ normal).std()), t, probe.accuracy)


def move(
    generator: Generator,
    direction: Direction,
    seeds: np.ndarray,
    distances: tuple[float, ...],
    *,
    steps: int,
    report: Report,
    callback: Callback | None = None,
) -> torch.Tensor:
    """Each seed's face at each distance along a direction: (distances, n, 3, H, W).

    The path before t, the noise and the path after t are the same at every distance.
    """
    before, after = _split_path(generator, steps, direction.t)
    found: list[list[torch.Tensor]] = [[] for _ in distances]
    done = 0
    for chunk, real in micro_batches(seeds, min(MICRO_BATCH, len(seeds))):
        report("moving", done, len(seeds) * len(distances))
        x = _to_code(generator, chunk, before, callback)
        for place, distance in enumerate(distances):
            step = (distance * direction.spread * direction.normal).to(x)
            moved = ddim(generator.predict, x + step, after, alphas=generator.alphas, callback=callback)
            found[place].append(generator.decode(moved)[:real])
            done += real
            report("moving", done, len(seeds) * len(distances))
    return torch.stack([torch.cat(parts) for parts in found])
