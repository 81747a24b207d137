"""Audit/Quality: how good each method's faces are, group against group."""

import streamlit as st

from pages.parts import audit_checks, audit_exports, audit_quality
from pages.parts.audits import choose_audit, choose_target, facts
from pages.parts.frame import head
from pages.parts.people import PERCEIVED

head("Quality", "Is evenness paid for with worse, fewer or copied faces? Like is compared with like.")
audit = choose_audit()
if audit is None:
    with st.container(border=True):
        st.subheader("No audit of this model yet", anchor=False)
        st.markdown(
            "Quality is measured by an audit: it draws faces with several methods and compares each"
            " perceived group with the same group of real faces, or of plain sampling."
        )
        st.page_link("pages/audit/generator.py", label="Run an audit", icon=":material/arrow_forward:")
    st.stop()

st.caption(f"{facts(audit)} {PERCEIVED}")
target = choose_target(audit)
if not audit.book["extractor"]:
    st.info("The classifier of this audit gives no features: no distance was measured.")
    audit_checks.skin(audit, target, audit_quality.choose_method(audit))
    st.stop()
reference, kind = audit_quality.choose_measure(audit, target)
audit_quality.against_plain(audit, target, reference, kind)
method = audit_quality.choose_method(audit)
audit_quality.groups(audit, target, method, reference, kind)
audit_checks.copies(audit, target)
audit_checks.skin(audit, target, method)
audit_exports.downloads(audit)
