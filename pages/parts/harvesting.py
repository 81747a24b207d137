"""What can be harvested: the fields, their limits, and how long it may take."""

from __future__ import annotations

import streamlit as st

from gammaface.errors import GammaFaceError

from .study import Study
from .words import plain

SPACES = {
    "x_t": "x_t: the noisy latent",
    "x0": "x_0: the picture the model expects",
    "h": "h: the network's middle, flat",
    "h_pooled": "h, averaged over positions",
}
SAMPLERS = {"ddim": "DDIM", "dpm-solver": "DPM-Solver++", "unipc": "UniPC", "ddpm": "DDPM, with noise"}
COVARIANCES = {"diag": "diagonal", "full": "full (reduce first)", "tied": "tied", "spherical": "spherical"}
LIMITS = {
    "n": (10, 100_000),
    "pca": (0, 512),
    "steps": (1, 250),
    "seed": (0, 10_000),
    "labelled": (0, 5000),
    "k_max": (1, 24),
}
START = {"n": 2000, "pca": 0, "steps": 50, "seed": 0, "labelled": 256, "k_max": 11}


def number(column, name: str, label: str, told: str) -> int:
    """One number, kept in the link and between pages."""
    low, high = LIMITS[name]
    return column.number_input(
        label, low, high, value=START[name], key=f"harvest-{name}", bind="query-params", help=told
    )


def choice(column, name: str, label: str, words: dict[str, str], told: str) -> str:
    """One of several, kept in the link and between pages."""
    return column.selectbox(
        label,
        list(words),
        format_func=words.get,
        key=f"harvest-{name}",
        bind="query-params",
        help=told,
    )


def asked(model: str, t: int, sampler: str, steps: int) -> dict:
    """What to keep, and how to look at it."""
    row = st.columns([2, 3, 2, 2])
    n = number(row[0], "n", "Latents (n)", "Each is one seed, walked from noise to t.")
    space = choice(row[1], "space", "Space", SPACES, "What of the model is kept at t.")
    pca = number(row[2], "pca", "PCA dimensions", "0 keeps the codes as they are.")
    seed = number(row[3], "seed", "Seed", "Distinct seeds share no face.")
    with st.expander("How they are looked at"):
        more = st.columns(3)
        covariance = choice(more[0], "covariance", "Covariance", COVARIANCES, "Shape of the components.")
        k_max = number(more[1], "k_max", "Largest K tried", "Every K from 1 up to this is fitted.")
        told = "As many of the faces are finished, kept and labelled, so that shares have intervals."
        labelled = number(more[2], "labelled", "Faces finished and labelled", told)
    return {
        **{"model": model, "n": int(n), "t": int(t), "space": space, "pca": int(pca) or None},
        **{"sampler": sampler, "steps": int(steps), "seed": int(seed), "covariance": covariance},
        **{"k_max": int(k_max), "labelled": int(labelled)},
    }


def check(options: dict) -> None:
    """Refuse what a link or another client may have set beyond the fields' limits."""
    for name, (low, high) in LIMITS.items():
        value = options[name] or 0
        if not low <= value <= high:
            raise GammaFaceError(f"{name} = {value} is out of range", fix=f"Give {low} to {high:,}.")
    if (options["pca"] or 0) > options["n"]:
        raise GammaFaceError(
            f"{options['pca']} PCA dimensions of {options['n']} latents", fix="Harvest more, or reduce less."
        )
    if options["covariance"] == "full" and options["pca"] is None and options["space"] != "h_pooled":
        raise GammaFaceError(
            "full covariances need few dimensions", fix="Reduce with PCA, to 32 dimensions for example."
        )


def seconds(options: dict, study: Study | None, share: float) -> float | None:
    """How long the network will work, judging by what the shown run took."""
    spent = study.run.manifest.timings.get("harvest") if study is not None else None
    if not spent:
        return None
    then = study.config["n"] * study.config["steps"] * share
    now = options["n"] * options["steps"] * share + options["labelled"] * options["steps"]
    return spent / then * now if then else None


def described(config: dict) -> str:
    """An exploration in one line."""
    where = f"{config['space']}, PCA {config['pca']}" if config.get("pca") else config["space"]
    fixed = f", K = {config['k']}" if config.get("k") else ""
    return plain(f"{config['n']:,} in {where} at t = {config['t']}, √ᾱ = {config['sqrt_abar']:.2f}{fixed}")
