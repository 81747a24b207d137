"""Explore/Clusters: what a mixture finds among the latents, and whom it puts together."""

import streamlit as st

from gammaface import figures
from gammaface.people import name_of
from pages.parts import pictures
from pages.parts.frame import open_page
from pages.parts.latent_map import latent_map
from pages.parts.people import FIXED, explain_missing
from pages.parts.selection import selection
from pages.parts.state import Study, short


@st.cache_data(show_spinner=False, max_entries=4)
def charts(path: str, stamp: str, _study: Study):
    """The page's other figures, made once per run."""
    return (
        figures.bic_curve(_study.sweep, used_k=_study.numbers["k"]["used"]),
        figures.component_shares(_study.components),
    )


def whom_components_hold(study: Study, attribute: str) -> None:
    """Shares of an attribute per component, against all labelled faces."""
    st.subheader("Whom the components hold", anchor=False)
    if study.people is None:
        explain_missing(study)
        return
    st.markdown(study.people.found["follows"])
    table = study.people.people_by_component
    rows = table[table["attribute"] == attribute]
    words = {g: f"Component {g} (n = {n})" for g, n in zip(rows["group"], rows["n"], strict=True)}
    st.plotly_chart(
        figures.share_dots(
            rows.assign(group=rows["group"].map(words)),
            question=f"Does {name_of(attribute)} differ between components?",
            attribute=attribute,
            reference="overall",
            marks={words[g]: figures.mark_of(int(g)) for g in words},
        ),
        config=FIXED,
        alt=f"Shares of {name_of(attribute)} in every component with intervals, beside those of all.",
    )
    with st.expander("Every attribute, and light and pose: how far the components follow it"):
        st.dataframe(study.people.association, hide_index=True, width="stretch")
        st.caption(
            "AMI: adjusted mutual information, 0 by chance and 1 if one tells the other. p by permutation,"
            " p_holm corrected for the number of rows."
        )


def component_cards(study: Study) -> None:
    """One card per component: how common it is and how typical members look."""
    exemplars = study.images[study.images["group"] == "exemplar"]
    pieces = []
    for row in study.components.itertuples(index=False):
        seeds = exemplars.loc[exemplars["component"] == row.component, "seed"]
        title = f"Component {row.component}"
        faces = [
            pictures.Face(study.run.image(int(s), "exemplar"), f"Member of {title.lower()}, seed {s}")
            for s in seeds
        ]
        facts = [
            f"{100 * row.share:.1f}% of draws ({100 * row.low:.1f} to {100 * row.high:.1f})",
            f"n = {row.n:,}, weight {row.weight:.3f}",
            f"brightness {row.brightness:.2f}, contrast {row.contrast:.2f}",
        ]
        body = pictures.faces_html(faces, columns=2)
        pieces.append(pictures.card_html(title, component=row.component, facts=facts, body=body))
    pictures.cards(pieces)
    st.caption(
        "Faces are the first members by seed, not hand-picked. Brackets hold 95% intervals."
        " Brightness and contrast, from 0 to 1, are means over these few faces: a hint whether a"
        " component follows light rather than people."
    )


study = open_page(
    "Clusters", "What a Gaussian mixture finds among the model's latents, and what that looks like."
)
harvest, k = study.numbers["harvest"], study.numbers["k"]
st.caption(
    f"{harvest['n']:,} latents in {harvest['space']} at t = {harvest['t']}"
    f" (√ᾱ = {harvest['sqrt_abar']:.2f}), model {short(study.model)}, run {study.name}."
)
curve, shares = charts(str(study.run.path), study.run.manifest.created, study)
slot = f"picked-{study.name}"
left, right = st.columns([3, 2], gap="medium")
with left:
    attribute = latent_map(study, slot)
with right:
    st.plotly_chart(
        curve,
        config=FIXED,
        alt="BIC, AIC, held-out log-likelihood and stability for each number of components.",
    )
reason = k["reason"][:1].upper() + k["reason"][1:]
st.markdown(f"{reason}. This run uses **K = {k['used']}**.")
for warning in k["warnings"]:
    st.warning(warning[:1].upper() + warning[1:], icon=":material/warning:")

selection(study, st.session_state.get(slot, []), attribute)
whom_components_hold(study, attribute)
st.subheader("Components", anchor=False)
component_cards(study)
st.plotly_chart(shares, config=FIXED, alt="Share of each component with 95% intervals.")
