"""Latent evolutionary search (GAN rebalancing, Alg. 2): the search alone, no model in it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch

V = TypeVar("V")


@dataclass(frozen=True)
class Evolved(Generic[V]):
    """Successes in the order found, what still waits in the queue, and mutations made."""

    out: list[V]
    queue: list[V]
    mutations: int


def search(
    start: V,
    mutate: Callable[[V], V],
    distance: Callable[[V, V], float],
    *,
    iterations: int,
    children: int,
) -> Generator[deque[tuple[V, float]], bool, Evolved[V]]:
    """The search as a coroutine: yields its queue, is sent whether the first vector succeeds.

    So that many searches can share one batch, and vectors further back can be looked at early.
    The queue holds (vector, distance from the start) and is only to be read; arguments as in
    `evolve`.
    """
    queue, out, mutations = deque([(start, 0.0)]), [], 0
    while queue and len(out) <= iterations:
        success = yield queue
        vector, away = queue.popleft()
        if not success:
            continue
        out.append(vector)
        for _ in range(children):
            child = mutate(vector)
            mutations += 1
            farther = distance(start, child)
            if farther > away:
                queue.append((child, farther))
    return Evolved(out, [vector for vector, _ in queue], mutations)


def evolve(
    start: V,
    is_success: Callable[[V], bool],
    mutate: Callable[[V], V],
    distance: Callable[[V, V], float],
    *,
    iterations: int,
    children: int,
) -> Evolved[V]:
    """First in, first out: each success is kept and spawns children.

    The loop runs while successes <= `iterations` (xi), so it yields xi + 1 of them at most;
    a child is kept if it is farther from the start than its parent.

    Source: GAN rebalancing, Alg. 2; the printed 0..n children are n + 1, here they are n.

    Parameters
    ----------
    start : vector
        Itself judged first.
    is_success : callable
        Whether a vector's image is of the group searched for.
    mutate : callable
        A vector nearby.
    distance : callable
        ``distance(start, vector)``.
    iterations, children : int
        xi and n.

    Examples
    --------
    >>> steps = iter([.2, -.1, .1, -.3])
    >>> found = evolve(0.0, lambda v: v >= 0, lambda v: v + next(steps), lambda a, b: abs(b - a),
    ...                iterations=1, children=2)
    >>> found.out, [round(v, 6) for v in found.queue], found.mutations
    ([0.0, 0.2], [-0.1, 0.3], 4)
    """
    running = search(start, mutate, distance, iterations=iterations, children=children)
    try:
        queue = next(running)
        while True:
            queue = running.send(is_success(queue[0][0]))
    except StopIteration as end:
        return end.value


def on_shell(x: torch.Tensor, noise: torch.Tensor, step: float) -> torch.Tensor:
    """A mutation that keeps standard normal x standard normal: sqrt(1 - s^2) x + s noise."""
    return (1 - step**2) ** 0.5 * x + step * noise


def geodesic(a: torch.Tensor, b: torch.Tensor) -> float:
    """Angle between two vectors in radians, in [0, pi]: the distance on the shell."""
    cosine = torch.nn.functional.cosine_similarity(a.flatten().double(), b.flatten().double(), dim=0)
    return float(cosine.clamp(-1, 1).arccos())
