"""What a draw did to the shares, in one sentence and in a figure."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from gammaface.figures.before_after import before_after
from gammaface.shares.joint import cell_shares
from gammaface.shares.people import attributes_of, name_of, shares, word_of
from gammaface.shares.reached import named, verdict

from . import work
from .batches import Shown
from .people import FIXED, PERCEIVED, TRAIN, choose_attribute, explain_missing
from .state import Study, has_classifier
from .target_form import in_words
from .words import plain, upper

TARGET = "target"


def what_it_did(study: Study, shown: Shown) -> None:
    """One plain sentence: did it help, or do nothing."""
    if shown.moves is None or not len(shown.moves):
        return
    helped, words = verdict(shown.moves, by=shown.about.title)
    words = plain(words)
    follows = ""
    if shown.about.name == "component-uniform" and not helped and study.people is not None:
        follows = f" {plain(study.people.found['follows'])}"
    if helped:
        st.success(words, icon=":material/check:")
    else:
        st.info(f"**{words}**{follows}", icon=":material/info:")


def shares_before_and_after(study: Study, shown: Shown) -> None:
    """Shares of the target, or of any attribute, in both batches with intervals."""
    st.subheader("Whom it draws, before and after", anchor=False)
    if shown.drawn.labels is None or shown.plain is None or shown.plain.labels is None:
        _explain(study, shown)
        return
    labels = {
        f"Plain (n = {len(shown.plain.labels):,})": shown.plain.labels,
        f"{shown.about.title} (n = {len(shown.drawn.labels):,})": shown.drawn.labels,
    }
    chosen = _choose(shown)
    table = pd.concat([_table(shown, part, chosen).assign(group=words) for words, part in labels.items()])
    what = named(shown.config["attributes"]) if chosen == TARGET else name_of(chosen)
    st.plotly_chart(
        before_after(
            table,
            question=f"Did it move {what}?",
            wanted="target" if chosen == TARGET else "even",
        ),
        config=FIXED,
        alt=f"Shares of {what} among plainly drawn faces and after the draw, with intervals.",
    )
    for sentence in _sentences(shown, chosen):
        st.markdown(f"- {plain(sentence)}")
    st.caption(PERCEIVED)


def _choose(shown: Shown) -> str:
    """The target first, where there was one; the choice is kept in the link."""
    choices = attributes_of(shown.drawn.labels)
    if shown.target is None:
        return choose_attribute(choices, label="Shares of")
    return st.selectbox(
        "Shares of",
        [TARGET, *choices],
        format_func=lambda name: _title(shown, name),
        key="shares-of",
        bind="query-params",
    )


def _title(shown: Shown, name: str) -> str:
    words = f"The target: {named(shown.config['attributes'])}" if name == TARGET else name_of(name)
    return upper(words)


def _table(shown: Shown, labels: pd.DataFrame, chosen: str) -> pd.DataFrame:
    if chosen == TARGET:
        attributes = shown.config["attributes"]
        table = cell_shares(labels, attributes, shown.target).rename(columns={"target": "wanted"})
        return table.assign(value=[in_words(attributes, cell) for cell in table["value"]])
    table = shares(labels, [chosen]).rename(columns={"even": "wanted"})
    return table.assign(value=[word_of(chosen, value) for value in table["value"]])


def _sentences(shown: Shown, chosen: str) -> list[str]:
    if shown.moves is None or chosen == TARGET:  # the target's stands over the pictures
        return []
    mine = (shown.moves["attribute"] == chosen) & (shown.moves["how"] != TARGET)
    return shown.moves.loc[mine, "sentence"].tolist()


def _explain(study: Study, shown: Shown) -> None:
    """Why there are no shares, and what changes that."""
    if shown.drawn.run.manifest.kind == "study":
        explain_missing(study)
    elif shown.about.name == "plain":
        st.markdown("Plain sampling has nothing to be compared with. Draw by another strategy to compare.")
    elif shown.drawn.run.manifest.state != "done" or shown.plain is None:
        st.markdown("The draw was stopped before the end. Continue it to label and compare its faces.")
    elif not has_classifier():
        st.markdown("There is no attribute classifier. Train one, then label these faces here.")
        st.code(TRAIN, language="bash")
    else:
        st.markdown("These faces are not labelled yet.")
        if st.button("Label these faces", type="primary", icon=":material/label:"):
            work.start("label", {}, title="Labels of a batch", run=shown.name)
