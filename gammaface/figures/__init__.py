"""Plotly figures from a run's tables; each answers the question in its title."""

from gammaface.figures.clusters import bic_curve, component_shares
from gammaface.figures.folders import cell_map, class_bars
from gammaface.figures.maps import cluster_map, space_map
from gammaface.figures.people import drawn_shares, share_dots, skin_tones
from gammaface.figures.style import Mark, mark_of

__all__ = [
    "Mark",
    "bic_curve",
    "cell_map",
    "class_bars",
    "cluster_map",
    "component_shares",
    "drawn_shares",
    "mark_of",
    "share_dots",
    "skin_tones",
    "space_map",
]
