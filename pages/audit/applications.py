"""Audit/Applications: a classifier or an upscaler, tried on balanced faces."""

import streamlit as st

from pages.parts import application_forms, applications
from pages.parts.frame import head
from pages.parts.leads import CLASSIFIER, UPSCALER
from pages.parts.people import PERCEIVED
from pages.parts.red_box import in_words, reading
from pages.parts.state import missed

KINDS = {
    CLASSIFIER: ("classifier-audit", applications.classifier_found, application_forms.classifier_form),
    UPSCALER: ("super-resolution-audit", applications.upscaling_found, application_forms.upscaling_form),
}
EMPTY = {
    CLASSIFIER: (
        "Your classifier answers on generated faces, as many of each group. Its errors are counted against"
        " the bundled labeller's confident answers; then faces are moved along one attribute, with all"
        " else equal, to see whether its answer flips."
    ),
    UPSCALER: (
        "Faces, as many of each group, are made small and large again, and labelled again: how often"
        " does each group's perceived attribute change? Bicubic interpolation stands beside yours."
    ),
}

head("Applications", "Does what is built on faces treat every group alike? Balanced faces tell.")
what = st.segmented_control(
    "What is tried", list(KINDS), default=CLASSIFIER, required=True, key="tried", bind="query-params"
)
kind, found, form = KINDS[what]
model = st.session_state.get("model")
runs = applications.runs_of(kind, model)
if not runs:
    with st.container(border=True):
        st.subheader("Nothing tried yet", anchor=False)
        st.markdown(EMPTY[what])
        if model is not None:
            form(model)
    st.stop()

key = f"application-{kind}"
missed(key, runs, "run")
name = next(iter(runs))
if len(runs) > 1:
    name = st.selectbox("Run", list(runs), key=key, bind="query-params", width=420)
with in_words(), reading(runs[name]):  # what cannot be shown does not hide the form
    st.caption(f"{applications.facts(runs[name])} {PERCEIVED}")
    found(runs[name])
with st.expander("Try another"):
    form(model)
