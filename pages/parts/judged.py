"""What hand labels say of the classifier: confusion, recalls, corrected shares."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from gammaface import figures
from gammaface.labelling.hand_labels import (
    CANNOT_TELL,
    ENOUGH,
    confusion_table,
    corrected_shares,
    recalls_from,
)
from gammaface.shares.people import CLASSES, CLASSIFIER, SMALL, name_of, word_of
from gammaface.workspace import Run, home

from .people import FIXED
from .study import Study
from .tasks import faces_name
from .words import plain

EVALUATED = 20  # answers before the classifier's are shown


def known_labels(study: Study, attribute: str) -> pd.DataFrame | None:
    """The classifier's labels of a study's plainly drawn faces, those drawn since included."""
    tables = []
    drawn = home() / faces_name(study.run)
    if (drawn / "tables" / "labels.parquet").is_file():
        tables.append(Run.open(drawn).table("labels"))
    if study.people is not None:
        tables.append(study.people.people)
    if not tables:
        return None
    # Of one classifier only: the newest, which labelled what was drawn last.
    classifier = tables[0].attrs[CLASSIFIER]
    same = [t[["seed", attribute]] for t in tables if t.attrs[CLASSIFIER] == classifier]
    known = pd.concat(same, ignore_index=True).drop_duplicates("seed")
    known.attrs = {CLASSIFIER: classifier}
    return known


def judged(study: Study, attribute: str, answers: pd.DataFrame) -> None:
    """The classifier against the person, and the shares that follow."""
    words = CLASSES[attribute]
    unsure = int((answers["answer"] == CANNOT_TELL).sum())
    table = confusion_table(answers, words)
    compared = int(table["count"].sum())
    if not compared:
        st.markdown(
            "The classifier has not labelled these faces. Compute the study again with a classifier, or"
            " draw more faces here: they are labelled when they are drawn."
        )
        return
    st.markdown(f"{compared} faces compared; {unsure} could not be told and are left out.")
    shown = table.dropna(subset="share").rename(columns={"answer": "value"})
    groups = [
        f"Person: {word_of(attribute, t)} (n = {n})" for t, n in zip(shown["truth"], shown["n"], strict=True)
    ]
    st.plotly_chart(
        figures.share_dots(
            shown.assign(group=groups),
            question="What does the classifier call the faces of each class?",
            attribute=attribute,
        ),
        config=FIXED,
        alt="For each class that the person named, the shares of the classifier's answers with intervals.",
    )
    small = sorted(
        {word_of(attribute, t) for t, n in zip(table["truth"], table["n"], strict=True) if n < SMALL}
    )
    if small:
        st.caption(f"Under {SMALL} faces: {', '.join(small)}. Read the intervals, not the dots.")
    said_recalls(study, attribute, answers)
    if study.people is not None:
        said_shares(study, attribute, answers)


def said_recalls(study: Study, attribute: str, answers: pd.DataFrame) -> None:
    """Which recalls the audit uses."""
    hand = recalls_from(answers, CLASSES[attribute])
    if hand is not None:
        st.markdown(f"**The next study uses these recalls, on {plain(hand.source)}.**")
        return
    found = study.people.found["recalls"].get(attribute) if study.people is not None else None
    source = found["source"] if found else "nothing: none are known"
    st.markdown(
        f"**The audit uses recalls on {plain(source)}.** Hand labels take over once every class has"
        f" {ENOUGH} compared faces."
    )


def said_shares(study: Study, attribute: str, answers: pd.DataFrame) -> None:
    """The attribute's shares as labelled, as corrected by either recalls, and as the person saw."""
    real = study.people.found["validation"].get(attribute)
    matrix = np.array(real["matrix"]) if real else None
    table = corrected_shares(study.people.people, attribute, answers, matrix)
    st.plotly_chart(
        figures.share_dots(table, question=f"Which shares of {name_of(attribute)}?", attribute=attribute),
        config=FIXED,
        alt="Shares as the classifier labels, as corrected by either recalls, and as the person saw.",
    )
    used = study.people.found["recalls"].get(attribute)
    if used:
        source = plain(used["source"])
        st.caption(f"Corrected by CLEAM. The shown study's own correction used recalls on {source}.")
