"""Every number of a study, from what it computed."""

from __future__ import annotations

import pandas as pd
from scipy.stats import binomtest, chisquare

from gammaface.balancing import Batch
from gammaface.generators import Generator
from gammaface.mixture import LatentMixture
from gammaface.sweep import Suggestion


def describe_components(points: pd.DataFrame, images: pd.DataFrame, mixture: LatentMixture) -> pd.DataFrame:
    """One row per component: how much of the model's output it is, and how its faces look.

    ``low`` and ``high`` bound the share (95%, Wilson); brightness and contrast, in [0, 1],
    are means over the exemplars: a first hint whether a component follows light.
    """
    n = len(points)
    looks = images[images["group"] == "exemplar"].groupby("component")[["brightness", "contrast"]]
    rows = []
    for component in range(mixture.n_components):
        count = int((points["component"] == component).sum())
        low, high = binomtest(count, n).proportion_ci(method="wilson")
        rows.append(
            {
                "component": component,
                "weight": float(mixture.weights_[component]),
                "n": count,
                "share": count / n,
                "low": low,
                "high": high,
            }
        )
    return pd.DataFrame(rows).merge(looks.mean().reset_index(), on="component", how="left")


def study_numbers(
    generator: Generator,
    config: dict,
    *,
    k: int,
    suggestion: Suggestion,
    sweep: pd.DataFrame,
    components: pd.DataFrame,
    batches: dict[str, Batch],
    people: dict,
) -> dict:
    """Every number of the report, with what it was computed from."""
    uneven = chisquare(components["n"])
    return {
        "model": {"name": generator.name, "weights": generator.weights_hash},
        "harvest": {
            "n": config["n"],
            "t": config["t"],
            "sqrt_abar": generator.sqrt_abar(config["t"]),
            "space": config["space"],
            "pca": config["pca"],
            "seed": config["seed"],
        },
        "k": {
            "used": k,
            "suggested": suggestion.k,
            "reason": suggestion.reason,
            "warnings": list(suggestion.warnings),
        },
        "sweep": sweep.to_dict(orient="records"),
        "components": components.to_dict(orient="records"),
        "evenness": {
            "question": "are the components equally common in plain sampling?",
            "chi2": float(uneven.statistic),
            "p": float(uneven.pvalue),
            "n": int(components["n"].sum()),
        },
        "drawing": {
            group: {
                "n": len(batch.seeds),
                "evaluations_per_image": batch.evaluations / len(batch.seeds),
                "seconds": round(batch.seconds, 2),
            }
            for group, batch in batches.items()
        },
        "people": people,
    }
