"""Run a pool part of the way, read who each draw will be, finish a balanced subset."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from scipy.optimize import linprog

from gammaface.generators import micro_batches, seeded
from gammaface.strategies.labelling import cell_probabilities
from gammaface.strategies.pilot import draw_pilot
from gammaface.strategies.reading import LinearReader, fit_reader
from gammaface.strategies.request import Drawn, Learned, Request, finish
from gammaface.strategies.strategy import described
from gammaface.strategies.tap import Place, tapped

MISS_PRICE = 1e3  # of an image too many or too few, against tickets in [0, 1]


@dataclass(frozen=True)
class Readers:
    """Where codes are read, and a reader per attribute."""

    place: Place
    by_attribute: dict[str, LinearReader]

    def cells(self, request: Request, codes: np.ndarray) -> np.ndarray:
        """Probability of each of the target's cells, (n, cells)."""
        read = {name: reader.probabilities(codes) for name, reader in self.by_attribute.items()}
        return cell_probabilities(request.target, read)


def learn(request: Request) -> Learned:
    """Linear readers of the target's attributes, from a pilot's codes and pseudo-labels."""
    place = (request.options["space"], request.nearest(request.options["sqrt_abar"]))
    pilot, target = draw_pilot(request, codes=[place]), request.target
    readers = {}
    for name, words in zip(target.attributes, target.classes, strict=True):
        asked = target.class_of(np.flatnonzero(target.shares), name)
        wanted = np.isin(np.arange(len(words)), asked)
        readers[name] = fit_reader(pilot.codes[place], pilot.labels(name), words, wanted, attribute=name)
    notes = {"reader_accuracy": {name: round(reader.accuracy, 4) for name, reader in readers.items()}}
    return Learned(Readers(place, readers), pilot.evaluations, notes)


def select(probabilities: np.ndarray, quota: np.ndarray, tickets: np.ndarray) -> np.ndarray:
    """A subset whose expected cell counts are as near to the quota as the pool allows.

    A linear program: least sum of tickets among the subsets with the least sum of
    absolute misses. With uniform tickets a draw is kept with a probability that is linear in
    its cell probabilities: near-certain draws are not preferred beyond what the quota asks.

    Parameters
    ----------
    probabilities : array of shape (pool, cells)
        Calibrated; rows add up to 1.
    quota : int array of shape (cells,)
        Images wanted of each cell; their sum is kept.
    tickets : array of shape (pool,)
        Uniform in [0, 1].

    Returns
    -------
    int array of shape (sum of quota,)
        Rows of the pool, ascending.

    Examples
    --------
    >>> sure = np.eye(2)[[0, 0, 0, 1]]
    >>> select(sure, np.array([1, 1]), np.array([.5, .2, .9, .7])).tolist()
    [1, 3]
    """
    pool, cells = probabilities.shape
    misses = np.concatenate([np.eye(cells), -np.eye(cells)], axis=1)
    found = linprog(
        np.concatenate([tickets, np.full(2 * cells, MISS_PRICE)]),
        A_eq=np.block([[np.ones(pool), np.zeros(2 * cells)], [probabilities.T, misses]]),
        b_eq=np.concatenate([[quota.sum()], quota]),
        bounds=[(0, 1)] * pool + [(0, None)] * (2 * cells),
        method="highs",
    )
    # A vertex: all but a few rows are kept whole or not at all.
    order = np.argsort(-np.round(found.x[:pool], 9), kind="stable")
    return np.sort(order[: quota.sum()])


def stratified(request: Request) -> Drawn:
    """Keep the balanced part of a pool, and finish only that.

    Each image is the model's own image of its seed. The step at the reader's timestep is
    taken on the same evaluation that the codes are read from.
    """
    readers, path, n = request.learned.value, request.path(), len(request.seeds)
    cut = path.index(readers.place[1]) + 1
    factor = request.options["pool"]
    seeds = request.pool(ceil(factor))[: ceil(factor * n)]
    xs, streams, read = [], [], []
    with tapped(request.generator, [readers.place]) as tap:
        for chunk, real in micro_batches(seeds, request.batch_size):
            own = seeded(chunk)
            x = request.denoise(request.generator.noise(own), path[: cut + 1], own, watch=tap.watch)
            xs.extend(x[:real])
            streams.extend(own[:real])
            read.append(readers.cells(request, tap.codes[readers.place][:real].numpy()))
            request.say(0)
    probabilities = np.concatenate(read)
    quota = np.bincount(request.cells(), minlength=len(request.target.shares))
    tickets = np.random.default_rng(int(seeds[0])).random(len(seeds))
    rows = select(probabilities, quota, tickets)
    images = finish(request, [xs[i] for i in rows], [streams[i] for i in rows], path[cut:])
    predicted = probabilities[rows].mean(axis=0).round(4).tolist()
    return Drawn(
        images=images,
        seeds=seeds[rows],
        components=np.full(n, -1),
        evaluations=len(seeds) * request.price(path[: cut + 1]) + n * request.price(path[cut:]),
        notes={
            "draws": len(seeds),
            "kept_share": n / len(seeds),
            "predicted_shares": dict(zip(request.target.names, predicted, strict=True)),
        },
    )


STRATIFIED = described("stratified", stratified, learn=learn)
