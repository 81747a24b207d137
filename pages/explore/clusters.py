"""Explore/Clusters: what a mixture finds among the latents, and what that looks like."""

import streamlit as st

from gammaface import figures
from gammaface.workspace import home
from pages.parts import pictures, work
from pages.parts.frame import open_page
from pages.parts.state import Study, short
from pages.parts.tasks import faces_name

MOST_SHOWN = 48  # pictures of one selection
MOST_DRAWN = 12  # drawn on one press
CHART = {"displaylogo": False, "modeBarButtonsToRemove": ["autoScale2d", "toImage"], "scrollZoom": True}


@st.cache_data(show_spinner=False, max_entries=4)
def charts(path: str, stamp: str, _study: Study):
    """The page's figures, made once per run: a changed figure would drop the selection."""
    return (
        figures.cluster_map(_study.points),
        figures.bic_curve(_study.sweep, used_k=_study.numbers["k"]["used"]),
        figures.component_shares(_study.components),
    )


def held_pictures(study: Study) -> dict[int, pictures.Face]:
    """Pictures of harvested seeds that lie on disk: recorded ones, and those drawn since."""
    recorded = study.images[study.images["group"].isin(["plain", "exemplar"])]
    files = {
        int(row.seed): study.run.image(int(row.seed), row.group) for row in recorded.itertuples(index=False)
    }
    drawn = home() / faces_name(study.run) / "images"
    files |= {int(file.stem): file for file in drawn.glob("*.png")}
    return {seed: pictures.Face(file, f"Seed {seed}") for seed, file in files.items()}


def remember(key: str, slot: str) -> None:
    points = st.session_state[key]["selection"]["points"]
    st.session_state[slot] = sorted({int(_seed(point["customdata"])) for point in points})


def _seed(customdata) -> float:
    return customdata[0] if isinstance(customdata, list | tuple) else customdata


def selection(study: Study, seeds: list[int]) -> None:
    """The faces of the selected points, and a button for those not drawn yet."""
    st.subheader("Selected points", anchor=False)
    if not seeds:
        st.markdown("Click a point or draw a lasso on the map: the faces of those seeds appear here.")
        return
    chosen = study.points[study.points["seed"].isin(seeds)]
    counts = chosen["component"].value_counts().sort_index()
    mix = ", ".join(f"{n} of component {c}" for c, n in counts.items())
    st.markdown(f"{len(chosen):,} selected: {mix}.")
    held = held_pictures(study)
    faces = [held[s] for s in seeds if s in held]
    missing = [s for s in seeds if s not in held]
    if faces:
        st.html(pictures.faces_html(faces[:MOST_SHOWN]))
    if missing:
        batch = missing[:MOST_DRAWN]
        noun = "face" if len(batch) == 1 else "faces"
        if st.button(f"Draw {len(batch)} {noun} with {short(study.model)}", icon=":material/draw:"):
            options = {"study": study.name, "seeds": batch}
            work.start("faces", options, title=f"{len(batch)} {noun}", run=faces_name(study.run))
        st.caption(f"{len(faces):,} of the selected faces are drawn, {len(missing):,} are not.")


def component_cards(study: Study) -> None:
    """One card per component: how common it is and how typical members look."""
    exemplars = study.images[study.images["group"] == "exemplar"]
    pieces = []
    for row in study.components.itertuples(index=False):
        seeds = exemplars.loc[exemplars["component"] == row.component, "seed"]
        faces = [
            pictures.Face(
                study.run.image(int(s), "exemplar"), f"Member of component {row.component}, seed {s}"
            )
            for s in seeds
        ]
        facts = [
            f"{100 * row.share:.1f}% of draws ({100 * row.low:.1f} to {100 * row.high:.1f})",
            f"n = {row.n:,}, weight {row.weight:.3f}",
            f"brightness {row.brightness:.2f}, contrast {row.contrast:.2f}",
        ]
        body = pictures.faces_html(faces, columns=2)
        pieces.append(
            pictures.card_html(f"Component {row.component}", component=row.component, facts=facts, body=body)
        )
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
map_chart, curve, shares = charts(str(study.run.path), study.run.manifest.created, study)
slot, key = f"picked-{study.name}", f"map-{study.name}"

left, right = st.columns([3, 2], gap="medium")
with left:
    st.plotly_chart(
        map_chart,
        key=key,
        on_select=lambda: remember(key, slot),
        selection_mode=("points", "lasso", "box"),
        config=CHART,
        alt="Scatter of the latents' UMAP coordinates, one colour and marker per component.",
    )
with right:
    st.plotly_chart(
        curve,
        config={"displayModeBar": False},
        alt="BIC, AIC, held-out log-likelihood and stability for each number of components.",
    )
reason = k["reason"][:1].upper() + k["reason"][1:]
st.markdown(f"{reason}. This run uses **K = {k['used']}**.")
for warning in k["warnings"]:
    st.warning(warning[:1].upper() + warning[1:], icon=":material/warning:")

selection(study, st.session_state.get(slot, []))
st.subheader("Components", anchor=False)
component_cards(study)
st.plotly_chart(shares, config={"displayModeBar": False}, alt="Share of each component with 95% intervals.")
