"""harvest(): run seeds to a timestep and keep what the model holds there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gammaface.errors import GammaFaceError
from gammaface.generators import MICRO_BATCH, Generator, micro_batches, seeded, seeds_for
from gammaface.pca import Projection, fit_pca
from gammaface.sampling import Callback, get_sampler, timestep_path
from gammaface.spaces import check_space, codes
from gammaface.workspace import Run, writing

DEFAULT_SQRT_ABAR = 0.44  # t = 400 of the linear schedule, where the paper looks
Progress = Callable[[int, int], None]
"""progress(done, total), in images."""


@dataclass(frozen=True)
class Latents:
    """Codes harvested from a generator.

    Attributes
    ----------
    array : numpy.ndarray
        (n, d) float32; a memory map when read from a run.
    seeds : numpy.ndarray
        (n,) int64, the seed of each row.
    t : int
        Timestep.
    space : str
        One of :data:`gammaface.spaces.SPACES`.
    sqrt_abar : float
        Share of the clean image's amplitude left at t.
    pca : Projection or None
        The reduction that was applied to the codes.
    """

    array: np.ndarray
    seeds: np.ndarray
    t: int
    space: str
    sqrt_abar: float
    pca: Projection | None = None

    @classmethod
    def load(cls, run: Run) -> Latents:
        """Read a finished harvest."""
        config = run.manifest.config
        if "space" not in config or "t" not in config:
            raise GammaFaceError(
                f"this is a run of kind '{run.manifest.kind}', not a harvest",
                where=run.path,
                fix="Give a run made by `python -m gammaface harvest`.",
            )
        pca = None
        if config.get("pca"):
            explained = float(run.array("pca_explained"))
            pca = Projection(run.array("pca_mean"), run.array("pca_components"), explained)
        return cls(
            array=run.array("latents"),
            seeds=run.array("seeds"),
            t=config["t"],
            space=config["space"],
            sqrt_abar=config["sqrt_abar"],
            pca=pca,
        )

    @classmethod
    def without_codes(cls, config: dict, *, dimensions: int) -> Latents:
        """Where codes came from, for a run that ships its mixture without them: (0, d)."""
        empty = np.empty((0, dimensions), dtype=np.float32)
        place = {key: config[key] for key in ("t", "space", "sqrt_abar")}
        return cls(array=empty, seeds=np.empty(0, dtype=np.int64), **place)


def harvest(
    generator: Generator,
    *,
    n: int,
    t: int | None = None,
    space: str = "x_t",
    seed: int = 0,
    pca: int | None = None,
    steps: int = 50,
    sampler: str = "ddim",
    batch_size: int = MICRO_BATCH,
    out: Path | str | None = None,
    progress: Progress | None = None,
    callback: Callback | None = None,
) -> Latents:
    """Denoise n seeds from noise down to timestep t and keep their codes.

    Parameters
    ----------
    n : int
        Number of codes.
    t : int, optional
        Timestep, 0 (clean) to T - 1 (noise); by default where sqrt(abar) = .44.
    space : str
        ``x_t``, ``x0``, ``h`` or ``h_pooled``.
    seed : int
        Run seed; image i uses ``seeds_for(seed, n)[i]``.
    pca : int, optional
        Reduce the codes to this many principal components.
    steps : int
        Network evaluations of a whole path; the way to t takes its share of them.
    batch_size : int
        Micro-batch; results do not depend on it beyond 1e-3.
    out : path, optional
        Run folder. An interrupted harvest continues there by its missing seeds.

    Raises
    ------
    GammaFaceError
        t out of range, unknown space or sampler, more PCA dimensions than codes, NaN
        latents, an `out` that cannot be written or holds something else.
    """
    check_space(space)
    run_sampler, seeds = get_sampler(sampler), seeds_for(seed, n)
    t = generator.timestep_at(DEFAULT_SQRT_ABAR) if t is None else t
    path = timestep_path(generator.train_steps, steps, through=t)
    path = path[: path.index(t) + 1]

    def codes_of(chunk: np.ndarray) -> np.ndarray:
        streams = seeded(chunk)
        x = run_sampler(
            generator.predict,
            generator.noise(streams),
            path,
            alphas=generator.alphas,
            generators=streams,
            callback=callback,
        )
        return codes(generator, x, t, space).numpy()

    sqrt_abar = generator.sqrt_abar(t)
    if out is None:
        array = np.concatenate(list(_chunks(codes_of, seeds, batch_size, progress)))
        projection = fit_pca(array, pca, seed=seed) if pca else None
        array = projection.transform(array) if projection else array
        return Latents(array, seeds, t, space, sqrt_abar, projection)

    config = {
        "model": generator.name,
        "n": n,
        "t": t,
        "sqrt_abar": round(sqrt_abar, 6),
        "space": space,
        "seed": seed,
        "pca": pca,
        "steps": steps,
        "sampler": sampler,
    }
    weights = {generator.name: generator.weights_hash}
    with writing(out, kind="harvest", config=config, weights=weights) as run:
        if not run.has("arrays/latents.npy"):
            _harvest_into(run, codes_of, seeds, batch_size, progress, pca, seed)
    return Latents.load(Run.open(out))


def _chunks(codes_of, seeds, batch_size, progress: Progress | None, done: int = 0):
    total = done + len(seeds)
    for chunk, real in micro_batches(seeds, batch_size):
        block = codes_of(chunk)[:real]
        check_finite(block)
        yield block
        done += real
        if progress:
            progress(done, total)


def check_finite(array: np.ndarray) -> None:
    """Refuse NaN and infinite codes."""
    broken = int((~np.isfinite(array).all(axis=1)).sum())
    if broken:
        raise GammaFaceError(
            f"{broken} of {len(array)} latents hold NaN or infinite values",
            fix="The model's weights or its noise schedule are broken: check them.",
        )


def _harvest_into(run: Run, codes_of, seeds, batch_size, progress, pca, seed) -> None:
    """Compute missing seeds block by block, each block a file, then join them."""
    started = time.monotonic()
    blocks = run.path / "arrays" / "blocks"
    have = {int(p.stem): p for p in blocks.glob("*.npy") if not p.name.startswith(".")}
    rows = {s: len(np.load(p, mmap_mode="r")) for s, p in have.items()}
    kept = np.concatenate([np.arange(s, s + r) for s, r in rows.items()]) if rows else []
    missing = np.setdiff1d(seeds, kept)
    starts = iter(range(0, len(missing), batch_size))
    for block in _chunks(codes_of, missing, batch_size, progress, len(seeds) - len(missing)):
        first = int(missing[next(starts)])
        run.write_array(f"blocks/{first}", block)
    order = sorted(int(p.stem) for p in blocks.glob("*.npy"))
    array = np.concatenate([np.load(blocks / f"{s}.npy") for s in order])
    if pca:
        projection = fit_pca(array, pca, seed=seed)
        run.write_array("pca_mean", projection.mean)
        run.write_array("pca_components", projection.components)
        run.write_array("pca_explained", np.array(projection.explained))
        array = projection.transform(array)
    run.write_array("seeds", seeds)
    run.write_array("latents", array)
    for file in blocks.glob("*"):
        file.unlink()
    blocks.rmdir()
    run.add_timing("harvest", time.monotonic() - started)
