"""Audit/Generator: who gets drawn by which method, how evenly, how well, and at what cost."""

import streamlit as st

from pages.parts import audit_exports, audit_sections
from pages.parts.auditing import audit_form
from pages.parts.audits import choose_audit, choose_target, facts
from pages.parts.frame import head
from pages.parts.people import PERCEIVED
from pages.parts.published import published_beside

head("Generator", "Who gets drawn by which method, how evenly, how well, and at what cost?")
audit = choose_audit()
model = st.session_state.get("model")
if audit is None:
    with st.container(border=True):
        st.subheader("No audit of this model yet", anchor=False)
        st.markdown(
            "An audit draws the same number of faces with every method, has a classifier name them, and"
            " compares shares, quality and cost over several seeds."
        )
        if model is not None:
            audit_form(model)
    st.stop()

st.caption(f"{facts(audit)} {PERCEIVED}")
target = choose_target(audit)
audit_sections.goals(audit, target)
audit_sections.who(audit, target)
audit_sections.evenness(audit, target)
audit_sections.faces(audit, target)
audit_sections.details(audit, target)
published_beside(audit, target)
audit_exports.downloads(audit)
with st.expander("Run an audit"):
    audit_form(model)
