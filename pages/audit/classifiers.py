"""Audit/Classifiers: do classifiers trained with generated faces treat every group more alike?"""

import streamlit as st

from pages.parts import classified_sections as sections
from pages.parts.classified import facts
from pages.parts.classified_choices import choose_arms, choose_study, choose_view
from pages.parts.classified_form import study_form
from pages.parts.classified_table import the_table
from pages.parts.frame import head
from pages.parts.people import PERCEIVED
from pages.parts.words import plain

COMMANDS = """python -m gammaface downstream --data utkface=FACES --draw 1000 --out runs/downstream
python -m gammaface downstream --help"""

head("Classifiers", "Do classifiers trained with generated faces treat every group more alike?")
found = choose_study()
model = st.session_state.get("model")
if found is None:
    with st.container(border=True):
        st.subheader("No classifier has been trained yet", anchor=False)
        st.markdown(
            "A study trains the same classifier on the same real faces with several methods: originals"
            " alone, cheap remedies, plain generated faces, and faces drawn evenly. It then asks how"
            " differently each treats the groups. It needs labelled real faces, FFHQ, CelebA, UTKFace or"
            " FairFace, in a folder or Parquet file; **Your data** tells whether a folder is understood."
        )
        st.code(COMMANDS, language="bash")
        st.caption(
            "One command does all of it: it draws faces with each method, labels them, trains and compares. A"
            " stopped study continues with the same command and repeats no finished classifier."
        )
        if model is not None:
            study_form(model)
    st.stop()

seen = choose_view(found)
st.caption(f"{facts(found, seen)} {PERCEIVED}")
if found.run.manifest.note:
    with st.expander("What of the study was computed, and how"):
        st.markdown(plain(found.run.manifest.note))
arms = choose_arms(seen)
sections.claims(seen)
metrics, beside = the_table(seen, arms)
sections.differences(seen, arms, metrics)
sections.for_whom(seen, arms)
sections.downloads(found, seen, arms, metrics, beside)
with st.expander("Run a study"):
    study_form(model)
