"""The map's coordinates in three dimensions, computed when asked for."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from gammaface.workspace import Run, home

from . import work
from .explore_tasks import map_name
from .red_box import reading
from .study import Clusters


def places_in_space(clusters: Clusters) -> pd.DataFrame | None:
    """``seed, x, y, z`` of every point, if they were computed."""
    folder = home() / map_name(clusters.run)
    if not (folder / "tables" / "points.parquet").is_file():
        return None
    run = Run.open(folder)
    with reading(run):
        return run.table("points")[["seed", *"xyz"]]


def offer_space(clusters: Clusters) -> None:
    """The button that computes the map in three dimensions."""
    with st.container(border=True):
        st.markdown("**This map has not been computed in three dimensions yet.**")
        again = "" if clusters.run.has("harvest/arrays/latents.npy") else " The latents are harvested again."
        st.markdown(f"It takes about as long as the flat one did, and is kept.{again}")
        if st.button("Compute the 3-D map", type="primary", icon=":material/view_in_ar:"):
            title = f"3-D map of {clusters.name}"
            work.start("map", {"of": clusters.name}, title=title, run=map_name(clusters.run))
