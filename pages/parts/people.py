"""Who is drawn, as a classifier perceives it: what several pages show of it."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from gammaface import figures
from gammaface.labelling.hand_labels import recalls_in_words
from gammaface.shares.people import attributes_of, name_of

from .state import has_classifier
from .study import People, Study
from .words import plain, upper

FIXED = {"displayModeBar": False}
TRAIN = "python -m gammaface train attributes --help"
PERCEIVED = (
    "Perceived attributes, not identities: what a classifier sees in a picture says nothing about who a"
    " person is."
)


def explain_missing(study: Study) -> None:
    """Why a run has no labels, and what to press."""
    reason = upper(plain(study.missing))
    with st.container(border=True):
        st.markdown(f"**No attribute has been measured in this run.** {reason}.")
        if has_classifier():
            st.markdown(
                "Press **Compute again** at the top: a new run labels every picture, and a few hundred"
                " finished faces besides, so that shares have intervals."
            )
        else:
            st.markdown("Train an attribute classifier, then press **Compute again** at the top.")
            st.code(TRAIN, language="bash")


def choose_attribute(attributes: Iterable[str], *, label: str = "Attribute") -> str:
    """One attribute; the choice is kept between pages and in the link."""
    options = list(attributes)
    return st.selectbox(
        label,
        options,
        format_func=lambda name: name_of(name).capitalize(),
        key="attribute",
        bind="query-params",
    )


@st.cache_data(show_spinner=False, max_entries=8)
def overview_charts(path: str, stamp: int, shown_above: tuple[str, ...], _people: People):
    """The Overview's figures, made once per run."""
    table = _people.people_shares
    others = [a for a in attributes_of(_people.people) if a not in shown_above]
    rest = table[table["attribute"].isin(others)]
    question = "And its other attributes?"
    return (
        figures.drawn_shares(rest, question=question) if len(rest) else None,
        figures.skin_tones(_people.people),
    )


def who_is_drawn(study: Study, *, shown_above: tuple[str, ...] = ()) -> None:
    """Shares against even, skin tone beside perceived race, and how sure all this is."""
    st.subheader("More on whom it draws, as a classifier perceives it", anchor=False)
    found = study.people.found
    st.markdown(f"Shares among {found['n']:,} finished faces, each with its 95% interval. {PERCEIVED}")
    rest, tones = overview_charts(str(study.run.path), study.stamp, shown_above, study.people)
    left, right = st.columns(2, gap="medium")
    if rest is not None:
        left.plotly_chart(
            rest,
            config=FIXED,
            alt="Share of every class of the other perceived attributes with intervals, against even shares.",
        )
    right.plotly_chart(
        tones, config=FIXED, alt="Skin tone as typology angle of each face, by perceived race."
    )
    right.caption(
        "The typology angle (ITA) is measured on the cheeks' colour, without labels; light and white"
        " balance move it, too."
    )
    recalls = recalls_in_words({name: r["by_hand"] for name, r in found["recalls"].items()})
    st.dataframe(evenness_rows(found), hide_index=True, width="stretch", height="content")
    st.caption(
        "FD: distance of the shares from even ones (fairness discrepancy); a fair sampler of as many"
        f" faces shows the noise floor, not 0. Corrected uses recalls on {plain(recalls)}."
        " Uncertain: below the probability that gave 95% precision on validation faces."
    )


def evenness_rows(found: dict) -> list[dict]:
    """The measured attributes, one row each."""

    def number(value: float | None) -> str:
        return "not known" if value is None else f"{value:.3f}"

    return [
        {
            "Attribute": name_of(row["attribute"]).capitalize(),
            "FD": number(row["fd"]),
            "of mean probabilities": number(row["fd_soft"]),
            "corrected": number(row["fd_corrected"]),
            "Noise floor": number(row["noise_floor"]),
            "Mean probability": f"{row['mean_probability']:.2f}",
            "Uncertain": f"{100 * row['uncertain']:.0f}%",
        }
        for row in found["attributes"]
    ]
