"""Generate/Balanced: equal numbers from every component, plain sampling beside it."""

import streamlit as st

from gammaface.workspace import Run
from pages.parts import pictures, work
from pages.parts.batches import Shown, batches, read
from pages.parts.frame import open_page
from pages.parts.people import TRAIN, explain_missing, moved_shares
from pages.parts.state import Study, has_classifier, short

RECORDED = "As recorded"
STRATEGIES = {"component-uniform": "Even over components", "plain": "Plain sampling"}
INJECTIONS = {
    "mean-noise": "Start at the component's mean plus noise (the paper's)",
    "resume": "Start midway, drawn from the component",
    "responsibility": "Draw freely, keep by component",
}
MOST_SHOWN = 24  # per component
PAIRED = (
    "Left: drawn for the component. Right: what the same seed becomes without it. All faces are generated."
)
UNPAIRED = "There is no plain face at the same seeds to set beside these. All faces are generated."
LIMITS = {"k": (1, 11), "n": (1, 400), "steps": (1, 250), "seed": (0, 10_000)}


def controls(study: Study) -> None:
    """What to draw; pressing Draw starts a job."""
    c, used = study.config, study.numbers["k"]["used"]
    with st.form("draw", border=True):
        first, second = st.columns(2), st.columns(5, vertical_alignment="bottom")
        strategy = first[0].selectbox(
            "Strategy", list(STRATEGIES), format_func=STRATEGIES.get, key="strategy", persist_state="session"
        )
        injection = first[1].selectbox(
            "How a component is imposed",
            list(INJECTIONS),
            format_func=INJECTIONS.get,
            key="injection",
            persist_state="session",
        )
        values = {
            name: column.number_input(
                label,
                *LIMITS[name],
                value=min(value, LIMITS[name][1]),
                key=f"draw-{name}",
                persist_state="session",
            )
            for column, name, label, value in (
                (second[0], "k", "Components (K)", used),
                (second[1], "n", "Faces", c.get("images", 24)),
                (second[2], "seed", "Seed", c["seed"]),
                (second[3], "steps", "Steps", c["steps"]),
            )
        }
        if second[4].form_submit_button("Draw", type="primary", icon=":material/draw:", width="stretch"):
            options = {"study": study.name, "strategy": strategy, "injection": injection} | values
            work.start("balanced", options, title=f"{values['n']} faces of {short(study.model)}")


def columns(study: Study, shown: Shown, *, recorded: bool) -> None:
    """One card per component: its faces, and the plain face of the same seed beside each."""
    known = study.components.set_index("component")
    paired = shown.balanced["seed"].isin(shown.plain).all()
    pieces = []
    for component, everyone in shown.balanced.groupby("component"):
        part = everyone.head(MOST_SHOWN)
        title, seeds = f"Component {component}", [int(s) for s in part["seed"]]
        faces = [
            pictures.Face(file, f"Drawn for component {component}, seed {seed}")
            for file, seed in zip(part["file"], seeds, strict=True)
        ]
        more = f", the first {len(part)} shown" if len(everyone) > len(part) else ""
        facts = [f"{len(everyone)} faces{more}"]
        if recorded and component in known.index:
            facts.append(f"{100 * known.loc[component, 'share']:.1f}% of plain draws")
        if paired:
            beside = [shown.plain[seed] for seed in seeds]
            body = pictures.pairs_html(faces, beside, ("Even", "Plain"))
        else:
            body = pictures.faces_html(faces, columns=2)
        pieces.append(pictures.card_html(title, component=int(component), facts=facts, body=body))
    if shown.plain and not paired:
        body = pictures.faces_html(list(shown.plain.values())[:MOST_SHOWN], columns=2)
        pieces.append(
            pictures.card_html(
                "Plain sampling", component=None, facts=[f"{len(shown.plain)} faces"], body=body
            )
        )
    pictures.cards(pieces)
    st.caption(PAIRED if paired else UNPAIRED)


def unlabelled(batch: Run, *, paired: bool) -> None:
    """Why a batch has no shares, and the button that changes that."""
    if not paired:
        st.markdown("Plain sampling has nothing to be compared with. Draw evenly to compare.")
    elif not has_classifier():
        st.markdown("There is no attribute classifier. Train one, then label these faces here.")
        st.code(TRAIN, language="bash")
    else:
        st.markdown("These faces are not labelled yet.")
        if st.button("Label these faces", type="primary", icon=":material/label:"):
            work.start("label", {}, title="Labels of a batch", run=batch.manifest.name)


study = open_page(
    "Balanced", "Equal numbers from every component, with plain sampling beside it at the same seeds."
)
st.info(
    "Evenness over components is not evenness over people: a component may follow light or background"
    " rather than a perceived attribute. What it did to the shares is measured below, under the pictures.",
    icon=":material/info:",
)
controls(study)

found = batches(study)
choice = st.selectbox("Shown", [RECORDED, *found], key="batch", bind="query-params", width=420)
shown = read(study, found.get(choice))
st.caption(shown.words + ".")
if (shown.balanced["component"] < 0).all():
    faces = [
        pictures.Face(row.file, f"Plain face, seed {row.seed}")
        for row in shown.balanced.head(MOST_SHOWN * 4).itertuples()
    ]
    st.html(pictures.faces_html(faces))
else:
    columns(study, shown, recorded=choice == RECORDED)

st.subheader("Whom it draws now", anchor=False)
if shown.moves is not None:
    moved_shares(shown)
elif choice == RECORDED:
    explain_missing(study)
else:
    unlabelled(found[choice], paired=bool(shown.plain))
