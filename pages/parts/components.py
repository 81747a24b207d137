"""What a mixture found: whom its components hold, and a card for each."""

from __future__ import annotations

import streamlit as st

from gammaface import figures
from gammaface.shares.people import name_of

from . import pictures
from .people import FIXED, explain_missing
from .study import Clusters, Members, Study
from .words import plain, upper

AGAIN = "Harvest again with faces to label: the shares of every component then appear here."


@st.cache_resource(show_spinner=False, max_entries=16)
def shares_by_component(path: str, stamp: int, attribute: str, _people: Members):
    """The figure, made once per attribute: a lasso runs past it again and again."""
    table = _people.people_by_component
    rows = table[table["attribute"] == attribute]
    words = {g: f"Component {g} (n = {n})" for g, n in zip(rows["group"], rows["n"], strict=True)}
    return figures.share_dots(
        rows.assign(group=rows["group"].map(words)),
        question=f"Does {name_of(attribute)} differ between components?",
        attribute=attribute,
        reference="overall",
        marks={words[g]: figures.mark_of(int(g)) for g in words},
    )


def components_in_words(clusters: Clusters) -> None:
    """What the components follow, or why that is not known."""
    if clusters.people is not None:
        st.markdown(plain(clusters.people.found["follows"]))
    elif isinstance(clusters, Study):
        explain_missing(clusters)
    else:
        reason = upper(plain(clusters.missing))
        st.markdown(f"**No attribute has been measured here.** {reason}. {AGAIN}")


def whom_components_hold(clusters: Clusters, attribute: str) -> None:
    """Shares of an attribute per component, against all labelled faces."""
    if clusters.people is None:
        st.markdown("No face of these latents is labelled.")
        return
    st.plotly_chart(
        shares_by_component(str(clusters.run.path), clusters.stamp, attribute, clusters.people),
        config=FIXED,
        alt=f"Shares of {name_of(attribute)} in every component with intervals, beside those of all.",
    )
    with st.expander("Every attribute, and light and pose: how far the components follow it"):
        st.dataframe(clusters.people.association, hide_index=True, width="stretch")
        st.caption(
            "AMI: adjusted mutual information, 0 by chance and 1 if one tells the other. p by permutation,"
            " p_holm corrected for the number of rows."
        )


def component_cards(clusters: Clusters) -> None:
    """One card per component: how common it is, its mean, and its surest members."""
    exemplars = clusters.images[clusters.images["group"] == "exemplar"]
    pieces, means = [], False
    for row in clusters.components.itertuples(index=False):
        seeds = exemplars.loc[exemplars["component"] == row.component, "seed"]
        title = f"Component {row.component}"
        faces = [
            pictures.Face(clusters.run.image(int(s), "exemplar"), f"Member of {title.lower()}, seed {s}")
            for s in seeds
        ]
        facts = [
            f"{100 * row.share:.1f}% of draws ({100 * row.low:.1f} to {100 * row.high:.1f})",
            f"n = {row.n:,}, weight {row.weight:.3f}",
            f"brightness {row.brightness:.2f}, contrast {row.contrast:.2f}",
        ]
        body = pictures.faces_html(faces, columns=2)
        mean = clusters.run.path / "means" / f"{row.component}.png"
        if mean.is_file():
            means = True
            face = pictures.Face(mean, f"The decoded mean of {title.lower()}")
            body = pictures.captioned_html(face, "the component's mean, decoded") + body
        pieces.append(pictures.card_html(title, component=row.component, facts=facts, body=body))
    pictures.cards(pieces)
    st.caption(" ".join(_said(clusters, means)))


def _said(clusters: Clusters, means: bool) -> list[str]:
    said = ["Faces are the first members by seed, not hand-picked."]
    if "tied" in clusters.components:
        most = int(clusters.components["tied"].max())
        said = ["Faces are each component's surest members, by responsibility."]
        if most > len(clusters.images):
            said.append(
                f"Up to {most:,} members of one component share the highest responsibility: of these, the"
                " first by seed are shown."
            )
    said.append(
        "Brackets hold 95% intervals. Brightness and contrast, from 0 to 1, are means over these faces."
    )
    if not means:
        said.append(
            "A mean is decoded where the latents are pictures; it is missing in the mid block's spaces and in"
            " runs from before it was kept."
        )
    return said
