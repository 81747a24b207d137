"""Data: what lies in a person's own folder of faces, before anything is trained or measured on it."""

import streamlit as st

from pages.parts.folder import counted, crossed, left_out, seen
from pages.parts.frame import head
from pages.parts.words import listed

AUTOMATIC, AS_LABELLED = "Recognise it", "As labelled"
LAYOUTS = (AUTOMATIC, "fairface", "ffhq", "celeba", "utkface", "csv", "parquet")
FORGET = 900  # seconds after which a folder is looked at anew
TAUGHT = """
Name a folder, or a Parquet or CSV file, on the machine this server runs on. Recognised are

- **FairFace**: `fairface_label_train.csv` and `fairface_label_val.csv` beside their picture folders
- **FFHQ**: pictures or thumbnails with one JSON of face features each
- **CelebA**: `img_align_celeba` and `list_attr_celeba`
- **UTKFace**: pictures named `age_gender_race_date.jpg`
- a folder of pictures and **one CSV** whose columns are named `file`, `gender`, `race`, `age`, `smile`, ...
- a **Parquet** file whose `image` column holds structs of `bytes` and `path`
- bare **pictures**, which the attribute classifier can label afterwards
"""


@st.cache_resource(show_spinner=False, max_entries=4, ttl=FORGET)
def looked_at(path: str, kind: str | None, check: bool | None):
    """What was found; kept for all sessions, since large sets take minutes."""
    from gammaface.datasets.folder_report import report_folder  # imports torch: not for every page

    bar = st.progress(0.0, "Reading pictures")
    try:
        return report_folder(
            path,
            kind=kind,
            check=check,
            progress=lambda i, n: i % 50 or bar.progress(i / n, f"{i:,} of {n:,} pictures read"),
        )
    finally:
        bar.empty()


head(
    "Your data",
    "What is in a folder of faces: who, how many, what is missing. Nothing is copied or uploaded.",
)
path_box, kind_box, preset_box = st.columns([3, 1, 1], vertical_alignment="bottom")
path = path_box.text_input(
    "Folder or file on this server's disk", key="path", bind="query-params", placeholder="/data/FairFace"
)
kind = kind_box.selectbox("Layout", LAYOUTS, key="layout", bind="query-params")
preset = preset_box.selectbox(
    "Groups",
    (AS_LABELLED, "fairface", "ffhq", "utkface", "celeba"),
    key="preset",
    bind="query-params",
    help="The groups that the paper uses on each set, such as White / Black / Other.",
)
if not path.strip():
    with st.container(border=True):
        st.subheader("Nothing is named yet", anchor=False)
        st.markdown(TAUGHT)
    st.stop()

from gammaface.datasets.folder_report import cell_counts, class_counts, in_words  # noqa: E402 - torch, see above

layout = None if kind == AUTOMATIC else kind
whole = st.session_state.get("read-through") == path
with st.spinner("Looking at the folder"):
    report = looked_at(path, layout, True if whole else None)
seen(report)
labels = report.grouped(None if preset == AS_LABELLED else preset)
sentences = in_words(report, labels)
if sentences:
    st.subheader("What to know before you use it", anchor=False)
    st.markdown(listed(sentences))
with st.container(horizontal=True):
    if not report.checked and st.button("Read every picture to its end", icon=":material/fact_check:"):
        st.session_state["read-through"] = path
        st.rerun()
    if st.button("Look again", icon=":material/refresh:", help="After files were added or repaired."):
        looked_at.clear()
        st.rerun()
if labels.shape[1]:
    counted(class_counts(labels))
if labels.shape[1] > 1:
    crossed(labels, cell_counts)
left_out(report.problems)
