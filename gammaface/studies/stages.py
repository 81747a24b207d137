"""What a study and an exploration both compute of a harvest; each stage is kept in the run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from gammaface.balancing import Batch
from gammaface.generators import Generator
from gammaface.images import to_png, to_uint8
from gammaface.latents import Latents
from gammaface.mixture import LatentMixture
from gammaface.projection import CACHE, project
from gammaface.studies.components import exemplars
from gammaface.sweep import Suggestion, keep_sweep, suggest_k, sweep_bic
from gammaface.workspace import Run, home

EXEMPLARS = 16  # pictures on all component cards together
FALLBACK_K = 4  # used where one Gaussian is suggested
FALLBACK_REASON = f"K = {FALLBACK_K} is the paper's choice: one component has nothing to even out"
MOST_COLUMNS = 16  # components whose responsibilities are kept point by point
Report = Callable[[str, int, int], None]
"""report(stage, done, total): called often, may raise to cancel."""


@contextmanager
def timed(run: Run, stage: str) -> Iterator[None]:
    """Add the seconds of the block to the run's timings."""
    started = time.monotonic()
    yield
    run.add_timing(stage, time.monotonic() - started)


def sweep(
    run: Run, latents: Latents, *, k_max: int, covariance: str = "diag", seed: int, device: str, say: Report
) -> pd.DataFrame:
    """The table ``sweep`` of K = 1 .. k_max, computed once, with ``convergence`` beside it."""
    if not run.has("tables/sweep.parquet"):
        top = min(k_max, len(latents.array))
        table = sweep_bic(
            latents,
            range(1, top + 1),
            covariance=covariance,
            seed=seed,
            device=device,
            progress=lambda done, total: say("sweep", done, total),
        )
        keep_sweep(run, table)
    return run.table("sweep")


def fit(
    run: Run,
    latents: Latents,
    table: pd.DataFrame,
    *,
    k: int | None,
    covariance: str = "diag",
    seed: int,
    device: str,
) -> tuple[LatentMixture, Suggestion]:
    """The mixture of `k` components, or of the suggested number; kept in the run.

    Where one Gaussian is suggested and no `k` was asked for, it has the paper's four, and the
    suggestion's reason says why.
    """
    suggestion = suggest_k(table, n=len(latents.array))
    if k is None and suggestion.k == 1:
        k = FALLBACK_K
        suggestion = replace(suggestion, reason=f"{suggestion.reason}; {FALLBACK_REASON}")
    mixture = LatentMixture(k or suggestion.k, covariance=covariance, seed=seed, restarts=3, device=device)
    mixture.fit(latents).save(run)
    return mixture, suggestion


def points(
    run: Run, latents: Latents, mixture: LatentMixture, seed: int, *, drawn: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The table ``points``: ``seed, x, y, component, confidence`` and ``r0``, ``r1``, ...

    ``r<k>`` is the responsibility of component k, ``confidence`` the largest of them. `drawn`
    has ``seed, x, y`` of a map that was made of the same latents.
    """
    if run.has("tables/points.parquet"):
        return run.table("points")
    responsibilities = mixture.predict_proba(latents.array)
    same = drawn is not None and np.array_equal(drawn["seed"], latents.seeds)
    xy = drawn[["x", "y"]].to_numpy() if same else project(latents.array, seed=seed, cache=home() / CACHE)
    table = pd.DataFrame(
        {
            "seed": latents.seeds,
            "x": xy[:, 0],
            "y": xy[:, 1],
            "component": responsibilities.argmax(axis=1),
            "confidence": responsibilities.max(axis=1).astype(np.float32),
        }
    )
    for k in range(min(mixture.n_components, MOST_COLUMNS)):
        table[f"r{k}"] = responsibilities[:, k].astype(np.float32)
    run.write_table("points", table)
    return table


def surest_members(table: pd.DataFrame) -> pd.DataFrame:
    """Members that belong to their component most surely: ``component, seed, tied``.

    ``tied`` members share the highest responsibility. Where that is more than are shown, as
    in most high-dimensional spaces, these are the first of them by seed.
    """
    k = int(table["component"].max()) + 1
    held = np.zeros((len(table), k))
    held[np.arange(len(table)), table["component"]] = table["confidence"]
    chosen = exemplars(held, each=max(1, EXEMPLARS // table["component"].nunique()))
    chosen["seed"] = table["seed"].to_numpy()[chosen["row"]]
    return chosen[["component", "seed", "tied"]]


def decoded_means(generator: Generator, mixture: LatentMixture, latents: Latents) -> torch.Tensor | None:
    """What the model makes of each component's mean: (K, 3, H, W) in [-1, 1].

    A mean in x_t goes through one network evaluation at t, whose predicted x_0 is decoded;
    one in x_0 is decoded as it is; one after PCA is led back first. None for the mid block,
    whose activations are no picture.
    """
    if latents.space not in ("x_t", "x0"):
        return None
    means = np.asarray(mixture.means_, dtype=np.float32)
    if latents.pca is not None:
        means = means @ np.asarray(latents.pca.components) + np.asarray(latents.pca.mean)
    if means.shape[1] != generator.dimensions:
        return None  # reduced by a projection that the run does not hold
    x = torch.from_numpy(means).view(-1, *generator.shape)
    return generator.decode(generator.predict(x, latents.t)[0] if latents.space == "x_t" else x)


def store_means(run: Run, pictures: torch.Tensor | None) -> None:
    """Keep decoded means as ``means/<component>.png``."""
    for component, picture in enumerate(() if pictures is None else to_uint8(pictures)):
        run.write_file(f"means/{component}.png", to_png(picture, metadata={"component": component}))


def store_pictures(run: Run, batches: dict[str, Batch]) -> pd.DataFrame:
    """Keep batches by group as ``images/<group>/<seed>.png``; a row per picture."""
    rows = []
    for group, batch in batches.items():
        for picture, seed, component in zip(
            to_uint8(batch.images), batch.seeds, batch.components, strict=True
        ):
            facts = {
                "group": group,
                "seed": int(seed),
                "component": int(component),
                "model": run.manifest.config["model"],
            }
            place = run.image(int(seed), group).relative_to(run.path)
            run.write_file(str(place), to_png(picture, metadata=facts))
            rows.append(facts | {"brightness": picture.mean() / 255, "contrast": picture.std() / 255})
    table = pd.DataFrame(rows)
    run.write_table("images", table)
    return table
