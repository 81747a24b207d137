"""What a model can do, read from its folder: diffusers would take seconds to import."""

from __future__ import annotations

import json
from pathlib import Path

import streamlit as st

from gammaface import workspace


@st.cache_data(show_spinner=False, max_entries=8)
def has_mid_block(model: str) -> bool:
    """Whether the U-Net has a mid block; True where that cannot be told from here."""
    for folder in (workspace.MODELS / model, Path(model)):
        file = folder / "unet" / "config.json"
        if file.is_file():
            try:
                return json.loads(file.read_text()).get("mid_block_type", "") is not None
            except (OSError, ValueError, AttributeError):
                return True  # the job will say what is wrong with it
    return True
