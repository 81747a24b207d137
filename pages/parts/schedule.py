"""A model's noise schedule, read from its folder: diffusers would take seconds to import."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import streamlit as st

from gammaface import workspace


@st.cache_data(show_spinner=False, max_entries=8)
def sqrt_abars(model: str) -> np.ndarray | None:
    """(T,) shares of the clean image's amplitude, or None where they cannot be told from here."""
    for folder in (workspace.MODELS / model, Path(model)):
        file = folder / "scheduler" / "scheduler_config.json"
        if file.is_file():
            try:
                return _of(json.loads(file.read_text()))
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                return None
    return None


def _of(config: dict) -> np.ndarray | None:
    steps = int(config.get("num_train_timesteps", 1000))
    if config.get("rescale_betas_zero_snr") or config.get("trained_betas"):
        return None
    kind, ends = config["beta_schedule"], (config.get("beta_start", 1e-4), config.get("beta_end", 0.02))
    if kind == "linear":
        betas = np.linspace(*ends, steps)
    elif kind == "scaled_linear":
        betas = np.linspace(*np.sqrt(ends), steps) ** 2
    elif kind == "squaredcos_cap_v2":  # Nichol and Dhariwal 2021, eq. 17
        at = np.cos((np.arange(steps + 1) / steps + 0.008) / 1.008 * np.pi / 2) ** 2
        betas = np.minimum(1 - at[1:] / at[:-1], 0.999)
    else:
        return None
    return np.sqrt(np.cumprod(1 - betas))
