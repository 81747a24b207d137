"""The parts of Audit/Quality, each one question about an audit's faces."""

from __future__ import annotations

import streamlit as st

from gammaface.audit.terms import PLAIN, REFERENCES, cell_words
from gammaface.figures import audit_quality as figures
from gammaface.shares.people import SMALL

from .audit_checks import compared
from .audits import Audit
from .people import FIXED

KINDS = {"kernel": "Kernel distance", "frechet": "Fréchet distance"}
TABLE = {"real": "real test faces", "base": "base generator"}
REAL = "real test faces"


def choose_measure(audit: Audit, target: str) -> tuple[str, str]:
    """Which distance, to whose faces."""
    figures_of = audit.of("figures", target)
    known = [r for r in REFERENCES if figures_of["metric"].eq(f"kernel_{r}").any()]
    left, right = st.columns(2)
    reference = left.segmented_control(
        "Compared with",
        known,
        format_func=lambda r: REFERENCES[r][:1].upper() + REFERENCES[r][1:],
        default=known[0],
        required=True,
        key=f"reference-{audit.name}",
        persist_state="session",
    )
    kind = right.segmented_control(
        "Measure",
        list(KINDS),
        format_func=KINDS.get,
        default="kernel",
        required=True,
        key="audit-kind",
        persist_state="session",
    )
    return reference, kind


def choose_method(audit: Audit) -> str:
    """One method to look at group by group."""
    drawn = audit.tables["summary"].query("seeds > 0")["method"].unique()
    options = [m for m in audit.methods if m in drawn]
    return st.selectbox(
        "Method to look at group by group",
        options,
        index=min(1, len(options) - 1),
        key=f"quality-method-{audit.name}",
        persist_state="session",
        width=420,
    )


def against_plain(audit: Audit, target: str, reference: str, kind: str) -> None:
    """Distances, precision and recall, diversity: every method beside plain sampling."""
    table = audit.of("figures", target)
    if table.loc[table["metric"] == f"{kind}_{reference}", "value"].isna().all():
        st.info(
            f"No distance within groups: every side needs {SMALL} faces or more of a group. A larger audit"
            " has them."
        )
    else:
        left, right = st.columns(2, gap="medium")
        with left:
            st.plotly_chart(
                figures.worse_than_plain(table, audit.methods, kind=kind, reference=reference),
                config=FIXED,
                alt="Distance within groups of every method minus plain sampling's, with intervals.",
            )
            st.plotly_chart(
                figures.diversity(table, audit.methods),
                config=FIXED,
                alt="How far apart two faces of a group are, relative to the base generator's.",
            )
        with right:
            st.plotly_chart(
                figures.faithful_and_varied(table, audit.methods, reference=reference),
                config=FIXED,
                alt="Precision and recall of every method minus plain sampling's.",
            )
        st.caption(
            f"Features of {audit.book['extractor']}; only Inception's own weights would make a Fréchet"
            " distance an FID. A method and plain sampling are compared on the same groups with as many faces"
            " of each. Two or three seeds are put together, and so are more where more groups can be compared"
            " then: intervals are over faces there, and precision and recall may have none."
        )
        compared(audit, target, reference)
    said = audit.said(target, "quality")
    if said:
        with st.expander("Every method in words"):
            st.markdown("\n".join(f"- {sentence}" for sentence in said))


def groups(audit: Audit, target: str, method: str, reference: str, kind: str) -> None:
    """One method group by group, and how far its groups lie apart."""
    rows = audit.of("quality", target)
    rows = rows[(rows["kind"] == "kernel") & (rows["reference"] == TABLE[reference])]
    rows = rows.assign(group=[cell_words(target, g) for g in rows["group"]])
    own, plain = (rows[rows["method"] == name] for name in (method, PLAIN))
    left, right = st.columns(2, gap="medium")
    with left:
        if own["value"].notna().any():
            st.plotly_chart(
                figures.by_group(own, plain=plain, method=method),
                config=FIXED,
                alt=f"Kernel distance of each group under {method} and plain sampling to the reference.",
            )
        if kind == "frechet":
            st.caption("Always the kernel distance: a Fréchet distance grows with fewer faces of a group.")
        few = own[own["note"].str.contains("under", na=False)]
        if len(few):
            told = ", ".join(f"{g} ({n})" for g, n in zip(few["group"], few["n"], strict=True))
            st.caption(f":material/info: Under {SMALL} faces, not measured: {told}.")
    with right:
        _between(audit, target, method, kind)


def _between(audit: Audit, target: str, method: str, kind: str) -> None:
    table = audit.of("between", target)
    table = table[table["kind"] == kind]
    sources = [s for s in dict.fromkeys((method, REAL)) if (table["method"] == s).any()]
    source = sources[0]
    if len(sources) > 1:
        source = st.segmented_control(
            "Faces",
            sources,
            default=sources[0],
            required=True,
            key=f"between-{audit.name}-{method}",
        )
    part = table[table["method"] == source]
    if part["value"].isna().all():
        st.info(f"No group has {2 * SMALL} faces, of which two halves could be compared.")
        return
    words = {name: cell_words(target, name) for name in part["group"].unique()}
    part = part.assign(group=part["group"].map(words), other=part["other"].map(words))
    st.plotly_chart(
        figures.between(part, words=source),
        config=FIXED,
        alt=f"Distances between the groups of {source}; on the diagonal two halves of one group.",
    )
    missing = part.loc[(part["group"] == part["other"]) & part["value"].isna(), "note"]
    if len(missing):
        st.caption(f":material/info: Left out: {'; '.join(missing)}.")
