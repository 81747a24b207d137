"""The fused sweep beside a loop over scikit-learn's GaussianMixture, from the same starts.

Run: python -m benchmarks.sweep [--quick] [--n 10000] [--d 1024 12288] [--out sweep]

Both get the same initial means, weights and precisions, tolerance and iterations; picking
the means is in neither time. scikit-learn gets the latents as float64, which is what its
documentation shows and what the fused EM's accuracy is compared with; `--peer-dtype float32`
gives it the float32 latents as they lie. Each side runs in a process of its own, one after
the other. Memory on top of the data is the process's peak resident size during the fits
less what was resident when they began: the data, in the dtype that side reads, the
libraries, and a fit of all starts on few narrow rows that warms them up.

With `--out`, seconds against n, d and the sum of K are measured, too, and written as charts
with all figures in ``sweep.json``.

FLOPs of one EM iteration, either side: four products of n x d with d x K per fit, so
8 n d sum(K). scikit-learn also writes and reads two n x d squares per fit and iteration.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from benchmarks.charts import write_charts
from benchmarks.growth import exponent
from benchmarks.measuring import machine, measured
from gammaface.mixtures.em import fit_all
from gammaface.mixtures.rows import Rows, pick_means
from gammaface.mixtures.stack import Start

SIDES = ("gammaface", "scikit-learn")
WARM_ROWS, WARM_WIDTH = 1000, 64
FASTER, MEMORY = 8.0, 1 / 3  # goals: times as fast, share of scikit-learn's memory
QUICK = {"n": 2000, "d": [256], "k_max": 4, "restarts": 2, "max_iter": 20}


def latents(n: int, d: int) -> np.ndarray:
    """Eight clusters on sixteen shared factors: EM needs some tens of iterations."""
    rng = np.random.default_rng(0)
    loadings = rng.normal(size=(16, d), scale=0.5).astype(np.float32)
    centres = rng.normal(size=(8, d), scale=0.3).astype(np.float32)
    z = rng.standard_normal((n, d), dtype=np.float32)
    for start in range(0, n, 500):
        block = z[start : start + 500]
        block += rng.normal(size=(len(block), 16)).astype(np.float32) @ loadings
        block += centres[np.arange(start, start + len(block)) % 8]
    return z


def ours(z: np.ndarray, starts: list[Start], max_iter: int) -> list:
    fits = fit_all(Rows(z, "diag", exact=False), starts, max_iter=max_iter)
    return [(fit.lower_bound, len(fit.curve), fit.repairs) for fit in fits]


def theirs(z: np.ndarray, starts: list[Start], max_iter: int) -> list:
    precision = 1 / (z.var(axis=0, dtype=np.float64) + 1e-6)
    found = []
    for start in starts:
        k = len(start.means)
        model = GaussianMixture(
            k,
            covariance_type="diag",
            weights_init=np.full(k, 1 / k, dtype=z.dtype),
            means_init=start.means.astype(z.dtype),
            precisions_init=np.tile(precision, (k, 1)).astype(z.dtype),
            max_iter=max_iter,
        ).fit(z)
        found.append((float(model.lower_bound_), model.n_iter_, 0))
    return found


def prepare(side: str, n: int, d: int, options: argparse.Namespace):
    """Latents and starts of one side, warmed up, and the work that is measured."""
    z = latents(n, d)
    picks = [pick_means(z, options.k_max, seed=seed) for seed in range(options.restarts)]
    starts = [Start(means[:k]) for k in range(1, options.k_max + 1) for means in picks]
    fit = ours if side == "gammaface" else theirs
    if side == "scikit-learn":
        z = z.astype(options.peer_dtype)
    warnings.simplefilter("ignore", ConvergenceWarning)
    # Every start on a few narrow rows: library code and its fixed buffers are no memory of a fit.
    fit(z[:WARM_ROWS, :WARM_WIDTH].copy(), [Start(s.means[:, :WARM_WIDTH]) for s in starts], 2)
    return lambda: fit(z, starts, options.max_iter)


def compare(n: int, d: int, options: argparse.Namespace) -> dict:
    a, b = (measured(lambda side=side: prepare(side, n, d, options), warm=False) for side in SIDES)
    print(
        f"\nn={n:,} d={d:,} K=1..{options.k_max} x {options.restarts}, at most {options.max_iter} iterations,"
    )
    print(f"{torch.get_num_threads()} threads, scikit-learn in {options.peer_dtype}")
    print(f"{'':14}{'seconds':>9}{'GFLOP/s':>9}{'iterations':>12}{'MB on top':>11}")
    ks = [k for k in range(1, options.k_max + 1) for _ in range(options.restarts)]
    for side, run in zip(SIDES, (a, b), strict=True):
        flops = sum(8 * n * d * k * fit[1] for k, fit in zip(ks, run["result"], strict=True))
        iterations, rate = sum(fit[1] for fit in run["result"]), flops / run["seconds"] / 1e9
        print(f"{side:14}{run['seconds']:>9.1f}{rate:>9.1f}{iterations:>12}{run['memory'] / 1e6:>11.0f}")
    pairs = list(zip(a["result"], b["result"], strict=True))
    same = [abs(x[0] / y[0] - 1) for x, y in pairs if x[1] == y[1] and not x[2]]
    faster, memory = b["seconds"] / a["seconds"], max(0, a["memory"]) / max(1, b["memory"])
    print(f"time: {faster:.1f}x, goal {FASTER:g}x: {_met(faster >= FASTER)}")
    print(f"memory on top: {memory:.2f} of its, goal {MEMORY:.2f}: {_met(memory <= MEMORY)}")
    repairs, worst = sum(x[2] for x, _ in pairs), max(same, default=0)
    print(f"{len(same)} of {len(pairs)} fits took as many iterations: log-likelihoods within {worst:.1e}")
    print(f"{repairs} repairs")
    facts = {"n": n, "d": d, "faster": faster, "memory": memory, "worst": worst, "repairs": repairs}
    return facts | {side: run["seconds"] for side, run in zip(SIDES, (a, b), strict=True)}


def _met(met: bool) -> str:
    return "met" if met else "missed"


def scaling(out: Path, n: int, d: int, restarts: int) -> dict[str, float]:
    """Exponents of the seconds of three iterations against n, d and sum of K."""
    rows = []
    for what, sizes in {
        "n": [(n * f, d, 8) for f in (1, 2, 4, 8)],
        "d": [(n, d * f, 8) for f in (1, 2, 4, 8)],
        "sum of K": [(n, d, k) for k in (8, 12, 16, 24)],
    }.items():
        for size_n, size_d, k_max in sizes:
            z = latents(size_n, size_d)
            means = pick_means(z, k_max, seed=0)
            starts = [Start(means[:k]) for k in range(1, k_max + 1)] * restarts
            data, total = Rows(z, "diag", exact=False), sum(len(s.means) for s in starts)
            fit_all(data, starts[:1], max_iter=1, tol=0)  # what a first call alone pays
            began = time.perf_counter()
            fit_all(data, starts, max_iter=3, tol=0)
            seconds = time.perf_counter() - began
            value = {"n": size_n, "d": size_d, "sum of K": total}[what]
            rows.append({"axis": what, "size": value, "seconds": seconds})
    table = pd.DataFrame(rows)
    slopes = {
        what: exponent(part["size"], part["seconds"]) for what, part in table.groupby("axis", sort=False)
    }
    for what, slope in slopes.items():
        print(f"seconds grow as ({what})^{slope:.2f}")
    write_charts(table.assign(slope=table["axis"].map(slopes)), "seconds", "seconds", out / "scaling")
    return slopes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--d", type=int, nargs="+", default=[1024, 12288])
    parser.add_argument("--k-max", type=int, default=11)
    parser.add_argument("--restarts", type=int, default=3)
    parser.add_argument("--max-iter", type=int, default=100)
    parser.add_argument("--peer-dtype", choices=("float64", "float32"), default="float64")
    parser.add_argument(
        "--out", type=Path, help="folder for sweep.json and the charts against n, d, sum of K"
    )
    parser.add_argument("--quick", action="store_true", help=f"small sizes, to see that it runs: {QUICK}")
    options = parser.parse_args()
    if options.quick:
        vars(options).update(QUICK)
    found = [compare(options.n, d, options) for d in options.d]
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        slopes = scaling(options.out, options.n, options.d[0], options.restarts)
        facts = {"machine": machine(), "comparisons": found, "exponents": slopes}
        (options.out / "sweep.json").write_text(json.dumps(facts, indent=1))


if __name__ == "__main__":
    main()
