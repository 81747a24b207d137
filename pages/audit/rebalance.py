"""Audit/Rebalance: what retraining the generator changed, row by row."""

import streamlit as st

from gammaface.reports.rebalancing import path_words
from gammaface.shares.people import CLASSES
from pages.parts import rebalanced
from pages.parts import rebalanced_sections as sections
from pages.parts.frame import head
from pages.parts.people import PERCEIVED
from pages.parts.state import short, stamp_of
from pages.parts.words import listed, plain

KNOWN = {*CLASSES, "race3"}  # attributes of faces; others are classes of a data set
COMMANDS = """python -m gammaface rebalance --dry-run
python -m gammaface rebalance --out runs/rebalance
python -m gammaface rebalance --data digits --beta .1 --out runs/digits"""

head("Rebalance", "If the generator may be retrained: does it then draw everyone evenly, and as well?")
runs = {r.manifest.name: r for r in rebalanced.rebalancings(st.session_state.get("model"))}
if not runs:
    with st.container(border=True):
        st.subheader("Nothing has been retrained yet", anchor=False)
        st.markdown(
            "A rebalancing draws a balanced set from the generator itself, fine-tunes it on that set or"
            " trains it anew, with and without a loss against bias, and measures five sets of each."
            " It takes hours without a GPU, continues where it was cut off, and needs no training data."
            " Start it in a terminal and load this page again; the first command tells what it will cost."
        )
        st.code(COMMANDS, language="bash")
    st.stop()

name = next(iter(runs))
if len(runs) > 1:
    name = st.selectbox("Rebalancing", list(runs), key="rebalancing", bind="query-params", width=420)
run = runs[name]
found = rebalanced.read(str(run.path), stamp_of(run))
config, recipe = run.manifest.config, run.manifest.config["recipe"]
st.caption(
    f"Evened out: {' and '.join(recipe['attributes'])}, {len(config['groups'])} groups."
    f" {recipe['sets']} sets of {recipe['n']:,} a row, {path_words(recipe)}, model"
    f" {short(config['model'])}, run {name}. Distances are on {config['extractor']}: none is an FID."
    f" {PERCEIVED if set(recipe['attributes']) <= KNOWN else ''}"
)
if run.manifest.note:
    st.caption(plain(run.manifest.note))
st.subheader("What worked", anchor=False)
st.markdown(listed(found.said("result")))
st.caption(rebalanced.published_words(recipe["attributes"]))
st.subheader("Every row", anchor=False)
sections.the_table(found)
st.caption(
    "Brackets: 95% intervals over sets (path length: over pairs). In groups: like is compared with like at"
    " equal n, mean over groups. Confidence: of the classifier in its answer, in place of a quality score"
    " without reference. All: over all pictures, as papers have it, moved by shares alone."
)
if found.trained:
    st.subheader("Before and after", anchor=False)
    row = st.segmented_control(
        "Row",
        list(found.trained),
        format_func=found.trained.get,
        default=next(iter(found.trained)),
        required=True,
        key=f"row-{name}",
        persist_state="session",
    )
    sections.who(found, row)
    sections.faces(found, row)
st.subheader("Fairness against quality", anchor=False)
sections.price(found)
st.markdown(listed(found.said("distances", "guard", "method")))
