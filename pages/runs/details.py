"""Runs/Details: one run's pictures, tables and manifest, and what can be done to it."""

import streamlit as st

from gammaface.errors import GammaFaceError
from gammaface.keeping.upkeep import is_shipped
from gammaface.workspace import Run, list_runs
from pages.parts import pictures
from pages.parts.frame import head
from pages.parts.manifest import manifest_tables
from pages.parts.red_box import in_words, reading
from pages.parts.run_actions import READ_ONLY, delete, export, rename, said
from pages.parts.run_cards import facts, kind_of, pictures_of, when
from pages.parts.words import plain

MOST_PICTURES, MOST_ROWS = 24, 2000


def actions(run: Run) -> None:
    """Rename, delete, export, compare, check."""
    with st.container(horizontal=True, vertical_alignment="center"):
        rename(run)
        delete(run.path, run.manifest.name)
        export(run)
        check = st.button("Check the files", icon=":material/fact_check:", help="Compares their checksums.")
        st.page_link(
            "pages/runs/compare.py",
            label="Compare with another",
            icon=":material/compare_arrows:",
            query_params={"a": run.manifest.name},
        )
    if is_shipped(run.path):
        st.caption(READ_ONLY)
    if check:
        say_damage(run)


def say_damage(run: Run) -> None:
    """Whether every file is as it was when the run was finished."""
    if not run.manifest.checksums:
        why = "not finished" if run.manifest.state != "done" else "from before checksums were kept"
        st.info(f"This run is {why}: there is nothing to compare its files with.", icon=":material/info:")
        return
    damaged = run.damaged()
    if damaged:
        raise GammaFaceError(
            f"{len(damaged)} files are not as they were when the run was finished: {', '.join(damaged[:5])}",
            fix="Compute the run again, or import it from a file that was exported earlier.",
        )
    st.success("Every file is as it was when the run was finished.", icon=":material/check:")


def contents(run: Run) -> None:
    """Pictures, then the tables."""
    files = pictures_of(run)
    if files:
        shown = [pictures.Face(f, f"Picture {f.stem} of {run.manifest.name}") for f in files[:MOST_PICTURES]]
        st.html(pictures.faces_html(shown, columns=6))
        more = f", the first {len(shown)} of {len(files):,}" if len(files) > len(shown) else ""
        st.caption(f"Pictures of this run{more}. All faces are generated.")
    names = run.tables()
    if names:
        name = st.selectbox("Table", names, key="table", bind="query-params", width=360)
        table = run.table(name)
        st.dataframe(table.head(MOST_ROWS), hide_index=True, width="stretch")
        said = f", the first {MOST_ROWS:,} shown" if len(table) > MOST_ROWS else ""
        st.caption(f"{len(table):,} rows{said}. `python -m gammaface table` prints it as CSV or LaTeX.")
    if not files and not names:
        st.markdown("This run holds no picture and no table yet.")
    if run.has("report.html"):
        st.download_button(
            "Save the report",
            lambda: run.read_bytes("report.html"),
            file_name=f"{run.manifest.name}.html",
            mime="text/html",
            on_click="ignore",
        )


head("Run", "What one run holds, and everything it takes to compute it again.")
st.page_link("pages/runs/gallery.py", label="All runs", icon=":material/arrow_back:")
said()
runs = {run.manifest.name: run for run in reversed(list_runs())}
if not runs:
    st.markdown("There is no run yet. Compute a first study on the Overview.")
    st.stop()
asked = None if "of" in st.session_state else st.query_params.get("of")  # by a link
if asked and asked not in runs:
    raise GammaFaceError(
        f"there is no run '{asked}'", fix="It may have been renamed or deleted; see all runs."
    )
names = sorted(runs, key=lambda name: runs[name].manifest.created, reverse=True)
run = runs[st.selectbox("Run", names, key="of", bind="query-params", width=520)]
st.markdown(f"{plain(kind_of(run))} · **{run.manifest.state}** · {plain(facts(run))} · {plain(when(run))}")
if run.manifest.note:
    st.caption(plain(run.manifest.note))
if run.manifest.state in ("cancelled", "failed"):
    st.info("It did not end. Give its command again, or press Continue on the Overview, to go on.")
with in_words():  # what cannot be done does not hide what can be seen
    actions(run)
left, right = st.columns([3, 2], gap="large")
with left, in_words(), reading(run):
    contents(run)
with right, in_words(), reading(run):
    manifest_tables(run)
