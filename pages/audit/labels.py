"""Audit/Labels: a person labels generated faces by keyboard, and what that says of the classifier."""

from pathlib import Path

import pandas as pd
import streamlit as st

from gammaface.errors import GammaFaceError
from gammaface.labelling.hand_labels import CANNOT_TELL, WANTED, answers_of, beside, order, place_of, record
from gammaface.shares.people import CLASSES, name_of, word_of
from gammaface.workspace import home
from pages.parts import pictures, work
from pages.parts.frame import open_page
from pages.parts.judged import EVALUATED, judged, known_labels
from pages.parts.people import PERCEIVED, choose_attribute
from pages.parts.selection import PLAINLY, held_pictures
from pages.parts.state import Study
from pages.parts.tasks import faces_name

ASKED = "How does this face look to you: {question}?"
QUESTIONS = {
    "gender": "female or male",
    "race": "which perceived race",
    "young40": "under 40, or 40 or over",
    "young60": "under 60, or 60 or over",
    "young": "young or not",
    "smile": "smiling or not",
    "glasses": "with glasses or without",
    "hair": "which hair colour",
}


def ask(study: Study, attribute: str, place: Path, answers: pd.DataFrame, known) -> int:
    """One face, and a key for each answer; returns how many faces are left."""
    queue = order(study.points["seed"].head(WANTED))
    held = held_pictures(study, PLAINLY)
    answered = set(answers["seed"])
    open_faces = [s for s in queue if s in held and s not in answered]
    undrawn = [s for s in queue if s not in held]
    done = len(answered & set(queue))
    st.progress(done / len(queue), text=f"{done} of {len(queue)} answered, each kept on disk at once")
    left, right = st.columns([2, 3], gap="large")
    if open_faces:
        seed = open_faces[0]
        left.html(pictures.large_html(pictures.Face(held[seed].file, f"Generated face, seed {seed}")))
    with right:
        if open_faces:
            st.markdown(f"**{ASKED.format(question=QUESTIONS[attribute])}**")
            words = [*CLASSES[attribute], CANNOT_TELL]
            for i, word in enumerate(words):
                st.button(
                    word_of(attribute, word).capitalize(),
                    # The seed is in the key: a key pressed twice must not answer an unseen face.
                    key=f"answer-{attribute}-{seed}-{i}",
                    shortcut="0" if word == CANNOT_TELL else str(i + 1),
                    on_click=answer,
                    args=(place, study, attribute, known, seed, word),
                    width=280,
                )
        elif not undrawn:
            st.success("Every face is answered.", icon=":material/check:")
        if len(answers):
            st.button(
                "Undo the last answer",
                key=f"undo-{attribute}-{len(answers)}",
                shortcut="U",
                icon=":material/undo:",
                on_click=undo,
                args=(place, study, attribute, known),
                type="tertiary",
            )
        if undrawn:
            st.caption(f"{len(queue) - len(undrawn)} of these {len(queue)} faces are drawn.")
            if st.button(f"Draw the other {len(undrawn)}", icon=":material/draw:"):
                options = {"study": study.name, "seeds": sorted(undrawn)}
                work.start("faces", options, title="Faces to label", run=faces_name(study.run))
    return len(queue) - done


def answer(place: Path, study: Study, attribute: str, known, seed: int, word: str) -> None:
    """Keep one answer, unless another session gave one meanwhile."""
    answers = answers_of(place)
    if seed not in set(answers["seed"]):
        given = pd.DataFrame([{"seed": seed, "answer": word}])
        keep(place, study, attribute, pd.concat([answers, given], ignore_index=True), known)


def undo(place: Path, study: Study, attribute: str, known) -> None:
    """Take the last answer back; its face is asked again."""
    keep(place, study, attribute, answers_of(place).iloc[:-1], known)


def keep(place: Path, study: Study, attribute: str, answers: pd.DataFrame, known) -> None:
    """Write the answers; what goes wrong in a callback is said by the page itself."""
    try:
        record(place, study.run, attribute, answers, known=known)
    except GammaFaceError as error:
        st.session_state["not-kept"] = error


study = open_page(
    "Labels", "How far can a classifier's labels be trusted on generated faces? Look at some and compare."
)
if "not-kept" in st.session_state:
    raise st.session_state.pop("not-kept")
st.markdown(
    "A classifier's recalls on real photographs do not carry over to generated faces. Label"
    f" {WANTED} of them, about ten minutes by keyboard: the corrected shares then use the recalls"
    " measured here. The faces are plainly drawn, in a random order; the classifier's own answer is"
    f" not shown before yours. {PERCEIVED}"
)
attribute = choose_attribute(CLASSES)
place = place_of(home(), study.run, attribute)
known = known_labels(study, attribute)
answers = answers_of(place)
left = ask(study, attribute, place, answers, known)
st.subheader(f"Classifier against person: {name_of(attribute)}", anchor=False)
matched = beside(answers, attribute, known)
if (matched["classifier"].fillna("") != answers["classifier"].fillna("")).any():
    record(place, study.run, attribute, answers, known=known)  # a classifier came after the answers
if len(answers) < EVALUATED:
    st.markdown(f"The comparison opens after {EVALUATED} answers, so that it does not sway them.")
elif st.toggle("Compare now", value=not left, key=f"compare-{study.name}-{attribute}"):
    judged(study, attribute, matched)
