"""A harvest with the paper's K = 4, made once per model and weights, for whoever needs a mixture."""

from __future__ import annotations

from gammaface import latents
from gammaface.generators import Generator
from gammaface.latents import Progress
from gammaface.mixture import LatentMixture
from gammaface.parallel.workers import ALONE, Workers
from gammaface.sampling import Callback
from gammaface.workspace import Run, extending, home

N, K = 2000, 4


def standard_mixture(
    generator: Generator,
    *,
    n: int = N,
    workers: Workers = ALONE,
    progress: Progress | None = None,
    callback: Callback | None = None,
) -> LatentMixture:
    """The mixture kept among the user's runs; where it is not there, it is harvested and fitted."""
    name = f"harvest-{generator.short_name}"
    place = home() / (name if n == N else f"{name}-{n}")
    if not workers.on_main(lambda: (place / "mixture.json").exists()):
        asked = {"workers": workers, "progress": progress, "callback": callback}
        found = latents.harvest(generator, n=n, out=place, **asked)
        with extending(place, workers=workers) as opened:
            mixture = LatentMixture(K, restarts=3).fit(found, workers=workers)
            if workers.main:
                mixture.save(opened)
    return LatentMixture.load(Run.open(place))
