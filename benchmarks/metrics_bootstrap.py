"""The audit's bootstrap beside fairlearn's, on the same rows.

Run: python -m benchmarks.metrics_bootstrap [--peer-resamples 20]

fairlearn's MetricFrame resamples with pandas and calls each metric per group; it is timed on
fewer resamples, and the ratio is per resample. It has no KL and no bias amplification, so it
gets three figures to our eleven.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from fairlearn.metrics import MetricFrame, selection_rate, true_positive_rate
from sklearn.metrics import accuracy_score

from gammaface.metrics import audit_table

ROWS, GROUPS, RESAMPLES = 20_000, 8, 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer-resamples", type=int, default=20)
    peer_resamples = parser.parse_args().peer_resamples

    rng = np.random.default_rng(0)
    y, groups = rng.integers(0, 2, ROWS), rng.integers(0, GROUPS, ROWS)
    p = np.where(rng.random(ROWS) < 0.85, y, 1 - y)
    scores = np.clip(0.3 + 0.4 * p + rng.normal(0, 0.2, ROWS), 0, 1)

    start = time.perf_counter()
    table = audit_table(y, p, scores, groups, resamples=RESAMPLES)
    ours = time.perf_counter() - start

    start = time.perf_counter()
    MetricFrame(
        metrics={
            "accuracy": accuracy_score,
            "tpr": true_positive_rate,
            "selection": selection_rate,
        },
        y_true=y,
        y_pred=p,
        sensitive_features=groups,
        n_boot=peer_resamples,
        ci_quantiles=[0.025, 0.975],
        random_state=0,
    )
    theirs = time.perf_counter() - start

    per_ours, per_theirs = ours / RESAMPLES, theirs / peer_resamples
    print(f"{ROWS} rows, {GROUPS} groups")
    print(f"{'':12}{'figures':>8}{'resamples':>11}{'seconds':>9}{'ms/resample':>13}")
    print(f"{'gammaface':12}{len(table):>8}{RESAMPLES:>11}{ours:>9.2f}{1e3 * per_ours:>13.3f}")
    print(f"{'fairlearn':12}{3:>8}{peer_resamples:>11}{theirs:>9.2f}{1e3 * per_theirs:>13.3f}")
    print(f"fairlearn / gammaface, per resample: {per_theirs / per_ours:.0f}x")


if __name__ == "__main__":
    main()
