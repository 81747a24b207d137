"""The filmstrip: a few seeds from noise to picture, a column per timestep."""

from __future__ import annotations

from html import escape

import pandas as pd
import streamlit as st

from gammaface.workspace import Run, list_runs

from . import pictures, work
from .state import short, stamp_of
from .study import Study
from .words import plain

KIND = "film"
SEEDS = 3  # two rows each: what is there, and what is expected to come of it
WHAT = {"x_t": "noisy latent x_t, decoded", "x0": "predicted x_0, decoded"}


def find_film(model: str, sampler: str, steps: int, study: Study | None) -> Run | None:
    """The newest filmstrip of these settings, with the study's weights if there is a study."""
    runs = [r for r in list_runs() if (r.manifest.kind, r.manifest.state) == (KIND, "done")]
    weights = study.run.manifest.weights if study is not None else None
    asked = {"model": model, "sampler": sampler, "steps": steps}
    fitting = [
        r
        for r in runs
        if {key: r.manifest.config.get(key) for key in asked} == asked
        and (weights is None or r.manifest.weights == weights)
    ]
    return max(fitting, key=lambda r: r.manifest.created, default=None)


@st.cache_data(show_spinner=False, max_entries=4)
def read_film(path: str, stamp: int) -> tuple[pd.DataFrame, dict[int, str]]:
    """The frames' table, and each timestep's column as HTML."""
    run = Run.open(path)
    frames = run.table("frames")
    return frames, {int(t): _column(run, part) for t, part in frames.groupby("t")}


def _column(run: Run, frames: pd.DataFrame) -> str:
    cells = []
    for row in frames.sort_values("seed").itertuples():
        for what, words in WHAT.items():
            file = run.path / "frames" / f"{row.seed}_{row.t}_{what}.png"
            told = escape(f"Seed {row.seed} at t = {row.t}: {words}")
            cells.append(f'<img class="gf-{what}" src="{pictures.source(file)}" alt="{told}" title="{told}">')
    return f'<div class="gf-strip">{"".join(cells)}</div>'


def filmstrip(film: Run, t: int, key: str) -> None:
    """A column per timestep; the button over it chooses that timestep."""
    frames, columns = read_film(str(film.path), stamp_of(film))
    moments = frames.drop_duplicates("t").sort_values("t", ascending=False)
    real = moments[moments["t"] >= 0]
    nearest = int(real.iloc[(real["t"] - t).abs().argmin()]["t"])
    places = st.columns(len(moments), gap="xsmall")
    for place, row in zip(places, moments.itertuples(), strict=True):
        at = int(row.t)
        with place:
            if at < 0:
                st.button("done", key="film-done", disabled=True, width="stretch", help="The finished faces.")
            else:
                st.button(
                    f"{row.sqrt_abar:.2f}",
                    key=f"film-{at}",
                    type="primary" if at == nearest else "secondary",
                    width="stretch",
                    help=f"Choose t = {at}, √ᾱ = {row.sqrt_abar:.2f}",
                    on_click=st.session_state.__setitem__,
                    args=(key, at),
                )
            st.html(columns[at])
    seeds = plain(", ".join(map(str, film.manifest.config["seeds"])))
    st.caption(
        f"√ᾱ over each column: the share of the clean picture's amplitude that is left. Seeds"
        f" {seeds}, two rows each: the noisy latent x_t as it"
        " would decode, and the picture that the model expects to come of it (predicted x_0)."
    )


def offer_film(model: str, sampler: str, steps: int) -> None:
    """The button that draws a filmstrip."""
    with st.container(border=True):
        st.markdown(
            f"**See the path first.** A filmstrip shows {SEEDS} seeds of the model {plain(short(model))} on"
            " their way from noise to picture, and what it expects at every moment. It takes some seconds."
        )
        if st.button("Draw the filmstrip", icon=":material/theaters:"):
            options = {"model": model, "sampler": sampler, "steps": steps, "seeds": list(range(SEEDS))}
            work.start("film", options, title=f"Filmstrip of {short(model)}")


def film_is_drawn(model: str) -> bool:
    """Whether a filmstrip of the model is under way."""
    jobs = work.runner().live()
    return any(job.task == KIND and job.options["model"] == model for job in jobs)
