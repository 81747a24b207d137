"""Runs/Compare: what differs between two runs, in settings, people and tables."""

import streamlit as st

from gammaface.workspace import list_runs
from pages.parts.compared import pictures_beside, shares_beside, tables_beside
from pages.parts.frame import head
from pages.parts.manifest import differences
from pages.parts.red_box import in_words
from pages.parts.run_cards import facts, kind_of, when
from pages.parts.state import missed
from pages.parts.words import plain

head("Compare", "Two runs side by side: settings that differ, who is in them, and their tables.")
runs = {run.manifest.name: run for run in reversed(list_runs())}
if len(runs) < 2:
    st.markdown("Two runs are needed. Compute another one, or import one, then come back.")
    st.page_link("pages/runs/gallery.py", label="All runs", icon=":material/arrow_back:")
    st.stop()

names = sorted(runs, key=lambda name: runs[name].manifest.created, reverse=True)
first, second = st.columns(2, gap="large")
for key in "ab":
    missed(key, names, "run")
a = first.selectbox("A", names, key="a", bind="query-params")
alike = [n for n in names if n != a and runs[n].manifest.kind == runs[a].manifest.kind]
other = (alike or [n for n in names if n != a])[0]
b = second.selectbox("B", names, index=names.index(other), key="b", bind="query-params")
left, right = runs[a], runs[b]
for column, run in ((first, left), (second, right)):
    column.caption(plain(f"{kind_of(run)} · {facts(run)} · {when(run)}"))
if a == b:
    st.info("This is one run beside itself. Choose another for A or B.", icon=":material/info:")

st.subheader("What differs", anchor=False)
everything = st.toggle("Show settings that are equal, too", key="all-settings")
table = differences(left, right, all_rows=everything)
if len(table):
    st.dataframe(table, hide_index=True, width="stretch", height="content")
else:
    st.markdown("Settings, weights and versions are the same.")
ours, theirs = left.manifest.weights, right.manifest.weights
if any(ours[model] != theirs[model] for model in ours.keys() & theirs.keys()):
    st.caption("The weights differ: the two runs show two states of a model, not two settings of one.")
for beside in (pictures_beside, shares_beside, tables_beside):
    with in_words():  # what cannot be read of one does not hide the rest
        beside(left, right)
