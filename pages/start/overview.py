"""Overview: whom this model draws, where to go from there, and what was computed."""

import streamlit as st

from gammaface.workspace import list_runs
from pages.parts import state, work
from pages.parts.first_look import FIRST, first_shares, growing_grid, in_a_sentence
from pages.parts.frame import open_page
from pages.parts.people import explain_missing, who_is_drawn
from pages.parts.run_cards import card
from pages.parts.words import plain

NEWEST = 3
DOORS = (
    (
        "Explore",
        "What hides in its latent space?",
        "A Gaussian mixture finds groups among the latents. See them on a map, and who is in them.",
        "pages/explore/clusters.py",
        "Open the clusters",
        ":material/scatter_plot:",
    ),
    (
        "Generate",
        "Can it draw everyone evenly?",
        "Draw faces in equal numbers without retraining, plain sampling beside them at the same seeds.",
        "pages/generate/balanced.py",
        "Draw evenly",
        ":material/grid_view:",
    ),
    (
        "Audit",
        "Does that help, and whom?",
        "Methods beside each other: shares, quality and price with intervals, and which did nothing.",
        "pages/audit/generator.py",
        "Open the audit",
        ":material/balance:",
    ),
)


def doors() -> None:
    """Three large links."""
    for column, (name, question, words, target, label, icon) in zip(st.columns(3), DOORS, strict=True):
        with column.container(border=True, height="stretch", key=f"door-{name.lower()}"):
            st.caption(name)
            st.subheader(question, anchor=False)
            st.markdown(words)
            st.page_link(target, label=f"**{label}**", icon=icon, query_params=dict(st.query_params))


def what_a_mixture_finds(study: state.Study) -> None:
    """How many components, and how unequal they are."""
    st.subheader("What a mixture finds in it", anchor=False)
    numbers, parts = study.numbers, study.components
    facts = st.columns(4)
    quiet = {"delta_color": "off", "delta_arrow": "off", "border": True}
    at = plain(f"t = {numbers['harvest']['t']}, √ᾱ = {numbers['harvest']['sqrt_abar']:.2f}")
    facts[0].metric("Latents studied", f"{numbers['harvest']['n']:,}", at, **quiet)
    used, suggested = plain(numbers["k"]["used"]), plain(f"suggested: {numbers['k']['suggested']}")
    facts[1].metric("Components used", used, suggested, **quiet)
    for column, words, row in (
        (facts[2], "Largest component", parts.loc[parts["share"].idxmax()]),
        (facts[3], "Smallest component", parts.loc[parts["share"].idxmin()]),
    ):
        column.metric(
            words,
            f"{100 * row['share']:.1f}%",
            f"95%: {100 * row['low']:.1f} to {100 * row['high']:.1f}",
            **quiet,
        )


def recent_runs() -> None:
    """The newest runs, and where all of them are."""
    runs = sorted(list_runs(), key=lambda r: r.manifest.created, reverse=True)
    for column, run in zip(st.columns(NEWEST), runs[:NEWEST], strict=False):
        with column:
            card(run)
    st.page_link("pages/runs/gallery.py", label=f"All {len(runs):,} runs", icon=":material/inventory_2:")
    broken = state.damaged()
    if broken:
        noun = "run folder is" if broken == 1 else "run folders are"
        st.caption(f"{broken} {noun} damaged and left out. The page of all runs says why.")


study = open_page(
    "Who does this model draw?",
    "A frozen face generator under examination: whom it draws, whether it can draw everyone evenly, and at"
    " what price.",
)
in_a_sentence(study)
left, right = st.columns([4, 5], gap="medium")
with left:
    growing_grid(study)
with right:
    if study.people is None:
        explain_missing(study)
    else:
        first_shares(study)
doors()
if study.people is not None:
    who_is_drawn(study, shown_above=FIRST)
what_a_mixture_finds(study)
st.subheader("Recent runs", anchor=False)
recent_runs()
st.subheader("Jobs", anchor=False)
work.jobs_panel()
