"""Explore/Timesteps: in which space, when, and with how many components do clusters follow people?"""

import pandas as pd
import streamlit as st

from gammaface.figures import survey as figures
from gammaface.studies.survey_findings import LOOKS, SOURCES
from gammaface.workspace import Run
from pages.parts import work
from pages.parts.frame import head
from pages.parts.state import short
from pages.parts.surveying import begin, surveys

PLAIN = {"displayModeBar": False}
TABLES = ("sweep", "association", "probes")


@st.cache_data(show_spinner=False, max_entries=4)
def read(path: str, stamp: str) -> tuple[dict[str, pd.DataFrame], dict]:
    run = Run.open(path)
    return {name: run.table(name) for name in TABLES}, run.read_json("metrics.json")


def upper(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


lead = (
    "The same faces, seen in every space along the way from noise to picture. A mixture can only"
    " balance what its components follow."
)
head("Timesteps", lead)
work.stopped_jobs(("survey",))
model = st.session_state.get("model")
runs = surveys(model)
if not runs:
    with st.container(border=True):
        st.subheader("No survey of this model yet", anchor=False)
        st.markdown(
            "A survey draws faces, fits mixtures to what the model holds of them in every space and at"
            " several timesteps, and measures what their components follow. It runs in the background"
            " and can be cancelled; what is computed is kept."
        )
        begin(model)
    st.stop()

names = {r.manifest.name: r for r in runs}
chosen, another = st.columns([3, 1], vertical_alignment="bottom")
run = names[chosen.selectbox("Survey", list(names), key="survey", bind="query-params", width=420)]
with another.popover("Another survey", icon=":material/add:", width="stretch"):
    begin(model)
tables, numbers = read(str(run.path), run.manifest.created)
config = run.manifest.config
sources = {words: name for name, words in SOURCES.items() if (tables["sweep"]["source"] == name).any()}
words = st.segmented_control(
    "Faces",
    list(sources),
    default=next(iter(sources)),
    required=True,
    key="survey-source",
    bind="query-params",
)
source = sources[words]
mine = {name: table[table["source"] == source] for name, table in tables.items()}
st.caption(
    f"n = {mine['sweep']['n'].iloc[0]:,} faces, seed {config['seed']}, model {short(config['model'])}, run"
    f" {run.manifest.name}. Attributes are perceived ones, as a classifier or annotators name them."
)

best = pd.DataFrame([row for row in numbers["best"] if row["source"] == source])
best["person"] = ~best["attribute"].isin(LOOKS)
said = [s for s in numbers["sentences"] if s.startswith(f"In {words}")]
left, right = st.columns(2, gap="large")
with left:
    st.plotly_chart(
        figures.followed(best), config=PLAIN, alt="Highest adjusted mutual information of each attribute."
    )
with right:
    st.subheader("In words", anchor=False)
    with st.container(height=420, border=False):
        st.markdown("\n".join(f"- {upper(sentence.removeprefix(f'In {words}, '))}" for sentence in said))

st.subheader("Cell by cell", anchor=False)
choice = st.columns([2, 3, 3], gap="medium")
attributes = list(best["attribute"])
attribute = choice[0].selectbox(
    "Attribute",
    attributes,
    format_func=lambda a: a.replace("_", " "),
    key="survey-attribute",
    bind="query-params",
)
told = sorted(config["told"])
k = choice[1].segmented_control(
    "Components",
    told,
    default=told[len(told) // 2],
    format_func=lambda k: f"K = {k}",
    required=True,
    key="survey-k",
)
views = sorted(set(mine["sweep"]["view"]), reverse=True)
view = choice[2].selectbox("View for BIC", views, key="survey-view")

related = mine["association"]
st.plotly_chart(
    figures.association_map(related[related["k"] == k], attribute=attribute),
    config=PLAIN,
    alt="Adjusted mutual information of component and attribute, by view and timestep.",
)
st.caption(
    "0 is chance, 1 means that the component tells the attribute. `chance`: not distinguishable from"
    f" it (permutation test, Holm-corrected over all {len(tables['association']):,} tests)."
)
left, right = st.columns(2, gap="large")
with left:
    if (mine["probes"]["attribute"] == attribute).any():
        st.plotly_chart(
            figures.probe_map(mine["probes"], attribute=attribute),
            config=PLAIN,
            alt="Accuracy of a linear probe by space and timestep.",
        )
    else:
        st.markdown("No probe was trained for this measure of the picture: probes read attributes of people.")
with right:
    st.plotly_chart(
        figures.bic_map(mine["sweep"][mine["sweep"]["view"] == view]),
        config=PLAIN,
        alt="BIC above its lowest value, by number of components and timestep.",
    )
with st.expander("The numbers"):
    name = st.segmented_control("Table", TABLES, default=TABLES[1], required=True, key="survey-table")
    st.dataframe(mine[name], hide_index=True)
    st.download_button(
        "Download CSV",
        mine[name].to_csv(index=False),
        file_name=f"{run.manifest.name}-{source}-{name}.csv",
        mime="text/csv",
        icon=":material/download:",
    )
