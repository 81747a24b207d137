"""The fused sweep beside a loop over scikit-learn's GaussianMixture, from the same starts.

Run: python benchmarks/sweep.py [--n 10000] [--d 1024 12288] [--scaling scaling.html]

Both get the same initial means, weights and precisions, tolerance and iterations; picking
the means is in neither time. scikit-learn gets the latents as float64, which is what its
documentation shows and what the fused EM's accuracy is compared with; `--peer-dtype float32`
gives it the float32 latents as they lie. Each side runs in a process of its own, one after
the other. Memory on top of the data is the process's peak resident size during the fits
(VmHWM, reset before them) less what was resident when they began: the data, in the dtype
that side reads, the libraries, and one small fit that warms them up.

FLOPs of one EM iteration, either side: four products of n x d with d x K per fit, so
8 n d sum(K). scikit-learn also writes and reads two n x d squares per fit and iteration.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.express as px
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from gammaface.em import fit_all
from gammaface.rows import Rows, pick_means
from gammaface.stack import Start

SIDES = ("gammaface", "scikit-learn")


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


def resident(what: str) -> int:
    """VmRSS (now) or VmHWM (peak) of this process in bytes."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(rf"{what}:\s+(\d+) kB", status).group(1))


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


def measure(side: str, n: int, d: int, options: argparse.Namespace) -> dict:
    z = latents(n, d)
    picks = [pick_means(z, options.k_max, seed=seed) for seed in range(options.restarts)]
    starts = [Start(means[:k]) for k in range(1, options.k_max + 1) for means in picks]
    fit = ours if side == "gammaface" else theirs
    if side == "scikit-learn":
        z = z.astype(options.peer_dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fit(z[:200, :8].copy(), [Start(starts[0].means[:, :8])], 2)
        Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM
        before, began = resident("VmRSS"), time.perf_counter()
        found = fit(z, starts, options.max_iter)
        seconds = time.perf_counter() - began
    flops = sum(8 * n * d * len(s.means) * f[1] for s, f in zip(starts, found, strict=True))
    memory = max(0, resident("VmHWM") - before)
    return {"seconds": seconds, "memory": memory, "flops": flops, "fits": found}


def in_process(side: str, n: int, d: int, argv: list[str]) -> dict:
    command = [sys.executable, __file__, *argv, "--side", side, "--n", str(n), "--d", str(d)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def compare(n: int, d: int, options: argparse.Namespace, argv: list[str]) -> None:
    a, b = (in_process(side, n, d, argv) for side in SIDES)
    print(
        f"\nn={n:,} d={d:,} K=1..{options.k_max} x {options.restarts}, at most {options.max_iter} iterations,"
    )
    print(f"{torch.get_num_threads()} threads, scikit-learn in {options.peer_dtype}")
    print(f"{'':14}{'seconds':>9}{'GFLOP/s':>9}{'iterations':>12}{'MB on top':>11}")
    for side, run in zip(SIDES, (a, b), strict=True):
        iterations = sum(fit[1] for fit in run["fits"])
        rate = run["flops"] / run["seconds"] / 1e9
        print(f"{side:14}{run['seconds']:>9.1f}{rate:>9.1f}{iterations:>12}{run['memory'] / 1e6:>11.0f}")
    pairs = list(zip(a["fits"], b["fits"], strict=True))
    same = [abs(x[0] / y[0] - 1) for x, y in pairs if x[1] == y[1] and not x[2]]
    print(f"time: {b['seconds'] / a['seconds']:.1f}x, memory: {a['memory'] / max(1, b['memory']):.2f} of its")
    repairs, worst = sum(x[2] for x, _ in pairs), max(same, default=0)
    print(f"{len(same)} of {len(pairs)} fits took as many iterations: log-likelihoods within {worst:.1e}")
    print(f"{repairs} repairs")


def scaling(file: Path, n: int, d: int, restarts: int) -> None:
    """Seconds of three iterations against n, d and sum of K, each around the middle."""
    rows = []
    for what, sizes in {
        "n": [(n * f // 4, d, 8) for f in (1, 2, 4, 8)],
        "d": [(n, d * f // 4, 8) for f in (1, 2, 4, 8)],
        "sum of K": [(n, d, k) for k in (4, 6, 8, 11)],
    }.items():
        for size_n, size_d, k_max in sizes:
            z = latents(size_n, size_d)
            means = pick_means(z, k_max, seed=0)
            starts = [Start(means[:k]) for k in range(1, k_max + 1)] * restarts
            data, total = Rows(z, "diag", exact=False), sum(len(s.means) for s in starts)
            began = time.perf_counter()
            fit_all(data, starts, max_iter=3, tol=0)
            seconds = time.perf_counter() - began
            value = {"n": size_n, "d": size_d, "sum of K": total}[what]
            rows.append({"against": what, "value": value, "seconds": seconds})
    table = pd.DataFrame(rows)
    for what, part in table.groupby("against"):
        slope = np.polyfit(np.log(part["value"]), np.log(part["seconds"]), 1)[0]
        print(f"seconds grow as ({what})^{slope:.2f}")
    figure = px.line(table, x="value", y="seconds", facet_col="against", markers=True, log_x=True, log_y=True)
    figure.update_xaxes(matches=None)
    figure.write_html(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--d", type=int, nargs="+", default=[1024, 12288])
    parser.add_argument("--k-max", type=int, default=11)
    parser.add_argument("--restarts", type=int, default=3)
    parser.add_argument("--max-iter", type=int, default=100)
    parser.add_argument("--peer-dtype", choices=("float64", "float32"), default="float64")
    parser.add_argument("--scaling", type=Path, help="write seconds against n, d and sum of K here (HTML)")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(measure(options.side, options.n, options.d[0], options)))
        return
    for d in options.d:
        compare(options.n, d, options, sys.argv[1:])
    if options.scaling:
        scaling(options.scaling, options.n, options.d[0], options.restarts)


if __name__ == "__main__":
    main()
