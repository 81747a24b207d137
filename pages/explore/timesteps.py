"""Explore/Timesteps: in which space, when, and with how many components do clusters follow people?"""

import pandas as pd
import streamlit as st

from gammaface.figures import survey as figures
from gammaface.studies.survey_findings import LOOKS, SOURCES
from gammaface.workspace import Run
from pages.parts import work
from pages.parts.frame import head
from pages.parts.people import FIXED
from pages.parts.red_box import reading
from pages.parts.state import missed, short, stamp_of
from pages.parts.survey_cells import cell_by_cell, the_numbers
from pages.parts.surveying import begin, surveys
from pages.parts.words import listed, plain, upper

TABLES = ("sweep", "association", "probes")


@st.cache_data(show_spinner=False, max_entries=4)
def read(path: str, stamp: int) -> tuple[dict[str, pd.DataFrame], dict]:
    run = Run.open(path)
    return {name: run.table(name) for name in TABLES}, run.read_json("metrics.json")


def show(run: Run) -> None:
    """Everything about one survey."""
    tables, numbers = read(str(run.path), stamp_of(run))
    sources = {words: name for name, words in SOURCES.items() if (tables["sweep"]["source"] == name).any()}
    words = st.segmented_control(
        "Faces",
        list(sources),
        default=next(iter(sources)),
        required=True,
        key="survey-source",
        bind="query-params",
    )
    source, config = sources[words], run.manifest.config
    mine = {name: table[table["source"] == source] for name, table in tables.items()}
    drawn = f"n = {mine['sweep']['n'].iloc[0]:,} faces, seed {config['seed']}, model {short(config['model'])}"
    st.caption(
        plain(f"{drawn}, run {run.manifest.name}.")
        + " Attributes are perceived ones, as a classifier or annotators name them."
    )
    best = pd.DataFrame([row for row in numbers["best"] if row["source"] == source])
    best["person"] = ~best["attribute"].isin(LOOKS)
    start = f"In {words}, "
    said = [upper(s.removeprefix(start)) for s in numbers["sentences"] if s.startswith(f"In {words}")]
    left, right = st.columns(2, gap="large")
    with left:
        st.plotly_chart(
            figures.followed(best),
            config=FIXED,
            alt="Highest adjusted mutual information of each attribute.",
        )
    with right:
        st.subheader("In words", anchor=False)
        with st.container(height=420, border=False):
            st.markdown(listed(said))
    st.subheader("Cell by cell", anchor=False)
    cell_by_cell(mine, list(best["attribute"]), sorted(config["told"]), tests=len(tables["association"]))
    the_numbers(mine, name=f"{run.manifest.name}-{source}")


lead = (
    "The same faces, seen in every space along the way from noise to picture. A mixture can only"
    " balance what its components follow."
)
head("Timesteps", lead)
work.stopped_jobs(("survey",))
model = st.session_state.get("model")
names = {r.manifest.name: r for r in surveys(model)}
missed("survey", names, "survey of this model")
if not names:
    with st.container(border=True):
        st.subheader("No survey of this model yet", anchor=False)
        st.markdown(
            "A survey draws faces, fits mixtures to what the model holds of them in every space and at"
            " several timesteps, and measures what their components follow. It runs in the background"
            " and can be cancelled; what is computed is kept."
        )
        begin(model)
    st.stop()
chosen, another = st.columns([3, 1], vertical_alignment="bottom")
run = names[chosen.selectbox("Survey", list(names), key="survey", bind="query-params", width=420)]
with another.popover("Another survey", icon=":material/add:", width="stretch"):
    begin(model)
with reading(run):
    show(run)
