"""Overview: what this model is and draws, where to go, and what runs."""

import datetime as dt

import streamlit as st

from gammaface.workspace import list_runs
from pages.parts import pictures, state, work
from pages.parts.frame import open_page
from pages.parts.people import who_is_drawn

SHOWN_RUNS = 8
DOORS = (
    (
        "Explore",
        "Which groups does a mixture find among the model's latents, and what do they look like?",
        "pages/explore/clusters.py",
        "Open the clusters",
    ),
    (
        "Generate",
        "Draw equally from every component, with plain sampling beside it at the same seeds.",
        "pages/generate/balanced.py",
        "Draw evenly",
    ),
    (
        "Audit",
        "How far can the labels be trusted on generated faces? Label some by hand and see.",
        "pages/audit/labels.py",
        "Label faces",
    ),
)
KINDS = {
    "study": "Study",
    "sample": "Drawn batch",
    "harvest": "Latents",
    "faces": "Single faces",
    "hand-labels": "Hand labels",
}


def recent_runs() -> None:
    """The newest runs, each in one line."""
    runs = sorted(list_runs(), key=lambda r: r.manifest.created, reverse=True)[:SHOWN_RUNS]
    rows = [
        {
            "Run": run.manifest.name,
            "What": KINDS.get(run.manifest.kind, run.manifest.kind.capitalize()),
            "Model": state.short(str(run.manifest.config.get("model", ""))),
            "State": run.manifest.state,
            "Started": run.manifest.created[:16].replace("T", " "),
        }
        for run in runs
    ]
    st.dataframe(rows, hide_index=True, width="stretch", height="content")
    broken = state.damaged()
    if broken:
        noun = "run folder is" if broken == 1 else "run folders are"
        st.caption(f"{broken} {noun} damaged and left out. Delete or restore what cannot be read.")


def stopped_jobs() -> None:
    """Jobs that a server took with it, or that were cancelled, with a way to go on."""
    own = st.session_state.get("started", [])
    jobs = [j for j in work.runner().jobs() if j.state == "interrupted" and j.id not in own]
    for job in jobs[:3]:
        words, button = st.columns([5, 1], vertical_alignment="center")
        when = dt.datetime.fromtimestamp(job.created).strftime("%d %b, %H:%M")
        words.info(f"**{job.title}** of {when} was interrupted. What was computed is kept.")
        if button.button("Continue", key=f"continue-{job.id}", width="stretch"):
            work.again(job)


study = open_page(
    "Who does this model draw?", "Load a frozen face model, see what it draws, and draw evenly."
)
stopped_jobs()
numbers, parts = study.numbers, study.components
largest, smallest = parts.loc[parts["share"].idxmax()], parts.loc[parts["share"].idxmin()]

st.subheader(f"What {state.short(study.model)} draws on its own", anchor=False)
plain = study.images[study.images["group"] == "plain"]
st.html(
    pictures.faces_html(
        [
            pictures.Face(study.run.image(int(seed), "plain"), f"Generated face, seed {seed}")
            for seed in plain["seed"]
        ]
    )
)
st.caption(
    "Plain sampling, unselected, seeds in order. All pictures are generated; they show no real person."
)

who_is_drawn(study)

st.subheader("What a mixture finds in it", anchor=False)
facts = st.columns(4)
quiet = {"delta_color": "off", "delta_arrow": "off", "border": True}
at = f"t = {numbers['harvest']['t']}, √ᾱ = {numbers['harvest']['sqrt_abar']:.2f}"
facts[0].metric("Latents studied", f"{numbers['harvest']['n']:,}", at, **quiet)
facts[1].metric(
    "Components used", f"{numbers['k']['used']}", f"suggested: {numbers['k']['suggested']}", **quiet
)
for column, words, row in (
    (facts[2], "Largest component", largest),
    (facts[3], "Smallest component", smallest),
):
    column.metric(
        words,
        f"{100 * row['share']:.1f}%",
        f"95%: {100 * row['low']:.1f} to {100 * row['high']:.1f}",
        **quiet,
    )

for column, (name, words, target, label) in zip(st.columns(len(DOORS)), DOORS, strict=True):
    with column.container(border=True):
        st.subheader(name, anchor=False)
        st.markdown(words)
        st.page_link(target, label=label, icon=":material/arrow_forward:", query_params=dict(st.query_params))

st.subheader("Recent runs", anchor=False)
recent_runs()
