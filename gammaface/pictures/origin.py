"""Where a run's picture began, so that its way can be walked again from its seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from gammaface.errors import GammaFaceError
from gammaface.generators import Generator
from gammaface.sampling import sampler_path
from gammaface.strategies.catalogue import ABOUT
from gammaface.workspace import Run


@dataclass(frozen=True)
class Origin:
    """The beginning of one picture.

    Attributes
    ----------
    seed : int
        Decides the noise.
    steps : int
        Of the whole path.
    sampler : str
    through : int or None
        A timestep that the path passes.
    start_at : int or None
        The timestep it begins at; None for the noisiest.
    mean, spread : numpy.ndarray or None
        (d,) x begins at ``mean + spread * noise``; None for 0 and 1.
    steered : bool
        Whether the run's strategy did more to it on the way than is told here: what becomes
        of the beginning is then not the run's picture.
    """

    seed: int
    steps: int = 50
    sampler: str = "ddim"
    through: int | None = None
    start_at: int | None = None
    mean: np.ndarray | None = None
    spread: np.ndarray | None = None
    steered: bool = False

    def begin(self, generator: Generator, noise: torch.Tensor) -> torch.Tensor:
        """x (n, c, h, w) at the path's first timestep, from standard normal noise."""
        x = noise
        if self.spread is not None:
            x = x * torch.from_numpy(self.spread).float().view(generator.shape)
        if self.mean is not None:
            x = x + torch.from_numpy(self.mean).float().view(generator.shape)
        return x

    def path(self, generator: Generator) -> list[int]:
        """Timesteps from the beginning to clean, see :mod:`gammaface.sampling`."""
        path = sampler_path(self.sampler, generator.alphas, self.steps, through=self.through)
        return path if self.start_at is None else path[path.index(self.start_at) :]


def origin_of(run: Run, seed: int, *, group: str = "") -> Origin:
    """The beginning of a picture of a drawn batch, or of a study's picture `group`.

    Raises
    ------
    GammaFaceError
        For a run without drawn pictures, a seed it does not hold, and a run from before
        batches kept their mixture.
    """
    config = run.manifest.config
    if run.manifest.kind not in ("sample", "study"):
        raise GammaFaceError(
            f"a run of kind '{run.manifest.kind}' holds no drawn batch",
            where=run.manifest.name,
            fix="Give a run made by `python -m gammaface sample`, or a study.",
        )
    table = run.table("images")
    mine = table["seed"] == seed
    if run.manifest.kind == "study":
        mine &= table["group"] == group
        strategy = "component-uniform" if group == "balanced" else "plain"
    else:
        strategy = config["strategy"]
    if not mine.any():
        raise GammaFaceError(
            f"the run has no picture of seed {seed}", where=run.manifest.name, fix="Choose one it lists."
        )
    common = {
        "seed": int(seed),
        "steps": config["steps"],
        "sampler": config.get("sampler", "ddim"),
        "through": config["t"],
    }
    injection = config.get("injection")
    if strategy != "component-uniform" or injection == "responsibility":
        return Origin(**common, steered=not ABOUT[strategy].own)
    component = int(table.loc[mine, "component"].iloc[0])
    mean = _of_component(run, "means", component)
    if injection == "mean-noise":
        return Origin(**common, mean=mean)
    spread = np.sqrt(_of_component(run, "covariances", component))
    return Origin(**common, start_at=config["t"], mean=mean, spread=spread)


def _of_component(run: Run, what: str, component: int) -> np.ndarray:
    if not run.has(f"arrays/mixture_{what}.npy"):
        raise GammaFaceError(
            "this run is from before batches kept their mixture", fix="Draw it again to look inside."
        )
    return np.array(run.array(f"mixture_{what}")[component])
