"""harvest(): run seeds to a timestep and keep what the model holds there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from gammaface.errors import GammaFaceError
from gammaface.generators import MICRO_BATCH, Generator, micro_batches, seeded, seeds_for
from gammaface.parallel.blocks import Blocks, clear, join, missing, pieces
from gammaface.parallel.workers import ALONE, Workers
from gammaface.pca import Projection, check_dimensions, fit_pca
from gammaface.sampling import Callback, get_sampler, sampler_path
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
    workers: Workers = ALONE,
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
    workers : Workers
        Share the seeds, by whole micro-batches; needs `out`. Their number changes nothing.

    Raises
    ------
    GammaFaceError
        t out of range, unknown space or sampler, more PCA dimensions than codes, NaN
        latents, an `out` that cannot be written or holds something else.
    """
    check_space(space)
    run_sampler, seeds = get_sampler(sampler), seeds_for(seed, n)
    t = generator.timestep_at(DEFAULT_SQRT_ABAR) if t is None else t
    path = sampler_path(sampler, generator.alphas, steps, through=t)
    path = path[: path.index(t) + 1]

    def codes_of(rows: np.ndarray) -> np.ndarray:
        streams = seeded(seeds[rows])
        x = run_sampler(
            generator.predict,
            generator.noise(streams),
            path,
            alphas=generator.alphas,
            generators=streams,
            callback=callback,
        )
        return codes(generator, x, t, space).numpy()

    return collect(
        generator,
        codes_of,
        Place(n, t, space, seed, pca),
        how={"steps": steps, "sampler": sampler},
        batch_size=batch_size,
        out=out,
        workers=workers,
        progress=progress,
    )


@dataclass(frozen=True)
class Place:
    """Which codes: how many, where, of which run seed, and to how many dimensions they are reduced."""

    n: int
    t: int
    space: str
    seed: int
    pca: int | None


def collect(
    generator: Generator,
    codes_of: Callable[[np.ndarray], np.ndarray],
    place: Place,
    *,
    how: dict,
    batch_size: int,
    out: Path | str | None,
    workers: Workers = ALONE,
    progress: Progress | None = None,
) -> Latents:
    """Compute the codes of rows 0 to n - 1, in memory or into the run `out`.

    Parameters
    ----------
    codes_of : callable
        ``codes_of(rows)`` gives the codes (b, d) of `batch_size` rows, some of them twice.
    place : Place
    how : dict
        What else decides the codes: part of the run's configuration.
    batch_size, out, workers, progress
        As in :func:`harvest`.
    """
    n, pca, seed = place.n, place.pca, place.seed
    if pca and place.space in ("x_t", "x0"):  # before hours of work, where the codes' size is known
        check_dimensions(pca, n, generator.dimensions)
    seeds, sqrt_abar = seeds_for(seed, n), generator.sqrt_abar(place.t)
    if out is None:
        array = np.concatenate(list(_chunks(codes_of, (0, n), batch_size, progress)))
        projection = fit_pca(array, pca, seed=seed) if pca else None
        array = projection.transform(array) if projection else array
        return Latents(array, seeds, place.t, place.space, sqrt_abar, projection)
    made = {
        "config": {"model": generator.name, "sqrt_abar": round(sqrt_abar, 6)} | asdict(place) | how,
        "weights": {generator.name: generator.weights_hash},
        "precision": generator.precision,
    }
    with writing(out, kind="harvest", **made, workers=workers) as run:
        if not workers.on_main(lambda: run.has("arrays/latents.npy")):
            _collect_into(run, codes_of, seeds, batch_size, progress, pca, seed)
    return Latents.load(Run.open(out))


def _chunks(codes_of, span: tuple[int, int], batch_size: int, progress: Progress | None):
    start, stop = span
    done = 0
    for rows, real in micro_batches(np.arange(start, stop), batch_size):
        block = codes_of(rows)[:real]
        check_finite(block)
        yield block
        done += real
        if progress:
            progress(done, stop - start)


def check_finite(array: np.ndarray) -> None:
    """Refuse NaN and infinite codes."""
    refuse_broken(int((~np.isfinite(array).all(axis=1)).sum()), len(array))


def refuse_broken(broken: int, n: int) -> None:
    """Refuse codes of which any hold NaN or infinite values."""
    if broken:
        raise GammaFaceError(
            f"{broken} of {n} latents hold NaN or infinite values",
            fix="The model's weights or its noise schedule are broken: check them.",
        )


def _collect_into(run: Run, codes_of, seeds, batch_size, progress, pca, seed) -> None:
    """Compute this worker's share of the missing rows into blocks; the main one joins them."""
    started, workers, n = time.monotonic(), run.workers, len(seeds)
    folder = run.path / "arrays" / "blocks"
    spans = workers.on_main(lambda: missing(folder, n))
    mine = workers.share(pieces(spans, max(1, batch_size)))
    done = n - sum(stop - start for start, stop in spans)
    total = done + sum(stop - start for start, stop in mine)
    if progress:
        progress(done, total)
    with Blocks(folder) as blocks:
        for start, stop in mine:
            for block in _chunks(codes_of, (start, stop), batch_size, None):
                blocks.add(start, block)
            done += stop - start
            if progress:
                progress(done, total)
    workers.wait()
    if workers.main:
        _join(run, folder, seeds, pca, seed)
        run.add_timing("harvest", time.monotonic() - started)


def _join(run: Run, folder: Path, seeds: np.ndarray, pca: int | None, seed: int) -> None:
    """Blocks to the run's arrays, reduced where a PCA is asked for."""
    arrays = run.path / "arrays"
    run.write_array("seeds", seeds)
    if not pca:
        join(folder, len(seeds), arrays / "latents.npy")
    else:
        whole = folder / "whole" / "latents.npy"
        join(folder, len(seeds), whole)
        array = np.load(whole, mmap_mode="r")
        projection = fit_pca(array, pca, seed=seed)
        run.write_array("pca_mean", projection.mean)
        run.write_array("pca_components", projection.components)
        run.write_array("pca_explained", np.array(projection.explained))
        run.write_array("latents", projection.transform(array))
    clear(folder)
