"""Audits of classifiers and upscalers as the pages show them."""

from __future__ import annotations

import streamlit as st

from gammaface import figures
from gammaface.audit.terms import attribute_words
from gammaface.figures.applications import flips_curve
from gammaface.shares.people import name_of, word_of
from gammaface.workspace import EXAMPLES, Run, list_runs

from . import pictures
from .people import FIXED
from .state import short
from .words import listed, plain


def runs_of(kind: str, model: str | None) -> dict[str, Run]:
    """Finished runs of a kind, newest first, by name."""
    found = [r for r in list_runs() if (r.manifest.kind, r.manifest.state) == (kind, "done")]
    mine = [r for r in found if r.manifest.config.get("model") == model]
    mine.sort(key=lambda r: (r.path.parent != EXAMPLES, r.manifest.created), reverse=True)
    return {r.manifest.name: r for r in mine}


def sentences(run: Run) -> None:
    """What was found, in words."""
    st.markdown(listed(run.table("sentences")["sentence"]))


def classifier_found(run: Run) -> None:
    """Errors and confidence by group, flips along the direction, and the moved faces."""
    config = run.manifest.config
    sentences(run)
    table = run.table("groups").rename(columns={"measure": "value"}).dropna(subset="share")
    # Errors are told of fewer faces, those whose truth is known: a group has one name, its size.
    sizes = table[table["value"] == "confidence"].set_index("group")["n"]
    table["group"] = [f"{group} (n = {sizes[group]})" for group in table["group"]]
    st.plotly_chart(
        figures.share_dots(table, question="For whom does it err, and how sure is it?"),
        config=FIXED,
        alt="Error and mean confidence of the classifier by group, with intervals.",
    )
    attribute, word = config["along"].split(":")
    left, right = st.columns([3, 2], gap="large")
    left.plotly_chart(
        flips_curve(
            run.table("flips"), judged=name_of(config["attribute"]), towards=word_of(attribute, word)
        ),
        config=FIXED,
        alt="Share of faces with another answer at each distance moved along the direction.",
    )
    with right:
        st.markdown("**The same faces, moved**")
        st.html(moved_html(run))
        st.caption("A row is one face; the middle column is as drawn.")


def moved_html(run: Run) -> str:
    """Kept faces, a row each, a column for every distance."""
    moved = run.table("moved")
    distances = sorted(moved["distance"].unique())
    answers = moved.set_index(["seed", "distance"])["answer"]
    kept = sorted((run.path / "images" / "d0").glob("*.png"))[:6]
    faces = []
    for file in kept:
        seed = int(file.stem)
        for place, distance in enumerate(distances):
            words = f"Seed {seed} moved by {distance:+g}: {answers[(seed, distance)]}"
            faces.append(pictures.Face(run.image(seed, f"d{place}"), words))
    return pictures.faces_html(faces, columns=len(distances))


def upscaling_found(run: Run) -> None:
    """How often each group's perceived attributes change, and the faces before and after."""
    sentences(run)
    changes = run.table("changes")
    rows = changes.assign(
        value=changes["attribute"].map(attribute_words),
        group=[f"{g} · {m}" for g, m in zip(changes["group"], changes["method"], strict=True)],
    )
    st.plotly_chart(
        figures.share_dots(rows, question="How often does the perceived attribute change?"),
        config=FIXED,
        alt="Share of faces of each group that are perceived otherwise after upscaling.",
    )
    methods = run.manifest.config["methods"]
    kept = sorted((run.path / "images" / "before").glob("*.png"))
    faces = [
        pictures.Face(run.image(int(file.stem), group), f"Face {int(file.stem)}, {group}")
        for group in ("before", *methods)
        for file in kept
    ]
    st.markdown(f"**Before, and made small and large again by {plain(' and '.join(methods))}**")
    st.html(pictures.faces_html(faces, columns=max(1, len(kept))))
    with st.expander("From which class to which"):
        flows = run.table("flows").query("before != after and count > 0")
        shown = flows[["method", "attribute", "before", "after", "count", "n", "share", "low", "high"]]
        st.dataframe(shown, hide_index=True, width="stretch")


def facts(run: Run) -> str:
    """What was tried, in one line."""
    config = run.manifest.config
    return plain(
        f"{run.table('faces')['face'].nunique():,} faces of {short(config['model'])}, even over"
        f" {' and '.join(attribute_words(g) for g in config['groups'])}, run {run.manifest.name}."
    )
