"""GammaFace's dashboard: pages, and which model, device and run they show."""

import streamlit as st

from pages.parts import pictures, red_box, sign_in, state

# A file of ours: Streamlit fetches emoji and material page icons from the network.
st.set_page_config(page_title="GammaFace", page_icon=str(pictures.ICON), layout="wide")
st.logo(str(pictures.ICON), size="large")
st.html(pictures.STYLE)
sign_in.require()

page = st.navigation(
    {
        "Start": [st.Page("pages/start/overview.py", title="Overview", icon=":material/home:", default=True)],
        "Explore": [
            st.Page(
                "pages/explore/harvest.py",
                title="Harvest",
                icon=":material/grain:",
                url_path="harvest",
            ),
            st.Page(
                "pages/explore/clusters.py",
                title="Clusters",
                icon=":material/scatter_plot:",
                url_path="clusters",
            ),
            st.Page(
                "pages/explore/timesteps.py",
                title="Timesteps",
                icon=":material/timeline:",
                url_path="timesteps",
            ),
        ],
        "Generate": [
            st.Page(
                "pages/generate/balanced.py",
                title="Balanced",
                icon=":material/grid_view:",
                url_path="balanced",
            )
        ],
        "Audit": [
            st.Page(
                "pages/audit/generator.py",
                title="Generator",
                icon=":material/balance:",
                url_path="generator",
            ),
            st.Page(
                "pages/audit/quality.py", title="Quality", icon=":material/high_quality:", url_path="quality"
            ),
            st.Page(
                "pages/audit/classifiers.py",
                title="Classifiers",
                icon=":material/groups:",
                url_path="classifiers",
            ),
            st.Page(
                "pages/audit/labels.py",
                title="Labels",
                icon=":material/label:",
                url_path="labels",
            ),
            st.Page(
                "pages/audit/applications.py",
                title="Applications",
                icon=":material/biotech:",
                url_path="applications",
            ),
            st.Page(
                "pages/audit/rebalance.py",
                title="Rebalance",
                icon=":material/model_training:",
                url_path="rebalance",
            ),
        ],
        "Data": [
            st.Page("pages/data/folder.py", title="Your data", icon=":material/folder_open:", url_path="data")
        ],
        "Runs": [
            st.Page(
                "pages/runs/gallery.py", title="All runs", icon=":material/inventory_2:", url_path="runs"
            ),
            st.Page(
                "pages/runs/compare.py", title="Compare", icon=":material/compare_arrows:", url_path="compare"
            ),
            st.Page("pages/runs/details.py", title="Run", url_path="run", visibility="hidden"),
        ],
    },
    expanded=True,
)

st.session_state["showing"] = page.url_path
# A page asks here for another choice: a widget's value is set before it is drawn.
for key, value in st.session_state.pop("show_next", {}).items():
    st.session_state[key] = value

with red_box.in_words():
    with st.sidebar:
        known = state.models()
        state.missed("model", [state.short(name) for name in known], "model")
        model = st.selectbox(
            "Model",
            known,
            key="model",
            format_func=state.short,
            bind="query-params",
            help="+pag: guided by its own attention. Fewer broken faces, other people, at a higher price.",
        )
        st.selectbox("Device", state.devices(), key="device", persist_state="session")
        runs = [r.manifest.name for r in state.studies() if r.manifest.config["model"] == model]
        state.missed("run", runs, "study of this model")
        st.selectbox(
            "Run",
            runs,
            index=runs.index(state.FIRST) if state.FIRST in runs else 0,
            key="run",
            bind="query-params",
            placeholder="No run yet",
        )
    page.run()
