"""Explore/Clusters: what a mixture finds among the latents, and whom it puts together."""

import streamlit as st

from gammaface import figures
from pages.parts import work
from pages.parts.by_hand import select_by_hand
from pages.parts.components import component_cards, components_in_words, whom_components_hold
from pages.parts.frame import head, nothing_yet
from pages.parts.harvesting import COVARIANCES, described
from pages.parts.latent_map import latent_map, point_at
from pages.parts.people import FIXED
from pages.parts.red_box import in_words, reading
from pages.parts.selection import selection
from pages.parts.state import chosen_study, explorations, missed, read_clusters, short
from pages.parts.study import Clusters
from pages.parts.words import plain, upper

KEPT = (
    *("model", "n", "t", "space", "pca", "sampler", "steps", "seed", "k_max", "labelled"),
    "classifier",
)
TABS = FACES, WHOM, COMMON = "Their faces", "Whom they hold", "How common they are"


@st.cache_resource(show_spinner=False, max_entries=4)
def charts(path: str, stamp: int, _clusters: Clusters):
    """The page's other figures, made once per run."""
    return (
        figures.bic_curve(_clusters.sweep, used_k=_clusters.numbers["k"]["used"]),
        figures.component_shares(_clusters.components),
    )


def choose() -> Clusters | None:
    """The run in the sidebar, or one of the harvests that were explored."""
    study = chosen_study()
    lead = "What a Gaussian mixture finds among the model's latents, and what that looks like."
    head("Clusters", lead, study)
    runs = {r.manifest.name: r for r in explorations(st.session_state.get("model"))}
    names = ([study.name] if study else []) + list(runs)
    if not names:
        nothing_yet()
        return None
    missed("latents", names, "harvest")
    name = names[0]
    if runs:  # options as they are named: what a widget shows is what its link says
        name = st.selectbox("Latents", names, key="latents", bind="query-params", width=420)
    return read_clusters(runs[name]) if name in runs else study


def why_this_k(clusters: Clusters) -> None:
    """The reason for K, what speaks against it, and a way to another."""
    k = clusters.numbers["k"]
    words, other = st.columns([5, 1], vertical_alignment="center")
    words.markdown(f"{upper(plain(k['reason']))}. This run uses **K = {plain(k['used'])}**.")
    with other.popover("Another K", icon=":material/tune:", width="stretch"):
        wanted = st.number_input("Components (K)", 1, 64, value=k["used"], key=f"another-{clusters.name}")
        covariance = st.selectbox(
            "Covariance", list(COVARIANCES), format_func=COVARIANCES.get, key=f"covariance-{clusters.name}"
        )
        st.caption("Fits the same latents again, into a run beside this one.")
        if st.button("Fit it", type="primary", key=f"refit-{clusters.name}"):
            options = {key: clusters.config[key] for key in KEPT if key in clusters.config}
            of = clusters.config.get("of") or clusters.name
            options |= {"of": of, "k": int(wanted), "covariance": covariance}
            work.start("explore", options, title=f"K = {wanted} on the latents of {of}")
    for warning in k["warnings"]:
        st.warning(upper(plain(warning)), icon=":material/warning:")


@st.fragment
def map_and_selection(clusters: Clusters) -> None:
    """What a lasso changes; the rest of the page stays as it is."""
    with in_words(), reading(clusters.run):  # a fragment runs without app.py around it
        _map_and_selection(clusters)


def _map_and_selection(clusters: Clusters) -> None:
    curve, shares = charts(str(clusters.run.path), clusters.stamp, clusters)
    slot = f"picked-{clusters.name}"
    left, right = st.columns([3, 2], gap="medium")
    with left:
        attribute = latent_map(clusters, slot)
    with right:
        st.plotly_chart(
            curve,
            config=FIXED,
            alt="BIC, AIC, held-out log-likelihood and stability for each number of components.",
        )
    select_by_hand(clusters, slot)
    selection(clusters, slot, attribute, point_at)
    st.subheader("Components", anchor=False)
    components_in_words(clusters)
    # A chart takes the browser a fifth of a second: these two are drawn when their tab is opened.
    faces, whom, common = st.tabs(TABS, key="components", bind="query-params")
    if faces.open:
        with faces:
            component_cards(clusters)
    if whom.open:
        with whom:
            whom_components_hold(clusters, attribute)
    if common.open:
        common.plotly_chart(shares, config=FIXED, alt="Share of each component with 95% intervals.")


def show(clusters: Clusters) -> None:
    """Everything about one run."""
    harvest = clusters.config | clusters.numbers["harvest"]
    whose = plain(f"Model {short(clusters.model)}, run {clusters.name}.")
    st.caption(f"Latents: {described(harvest)}. {whose}")
    why_this_k(clusters)
    map_and_selection(clusters)


clusters = choose()
if clusters is not None:
    with reading(clusters.run):
        show(clusters)
