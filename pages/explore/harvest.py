"""Explore/Harvest: choose a moment on the way from noise to picture, and keep many latents there."""

import streamlit as st

from pages.parts import strip, work
from pages.parts.frame import TRAIN, head
from pages.parts.harvesting import SAMPLERS, asked, check, choice, described, number, seconds
from pages.parts.job_rows import duration
from pages.parts.red_box import in_words, reading, told
from pages.parts.schedule import sqrt_abars
from pages.parts.state import chosen_study, explorations, short
from pages.parts.study import Study
from pages.parts.words import plain

DEFAULT = 0.44  # sqrt(abar), where the paper looks
SHOWN = 6


def moment(model: str, study: Study | None) -> tuple[int, str, int]:
    """The timestep, and the way there; with the filmstrip that makes the choice mean something."""
    first, second = st.columns([3, 1])
    sampler = choice(first, "sampler", "Scheduler", SAMPLERS, "How the model walks from noise to picture.")
    steps = number(second, "steps", "Steps", "Network evaluations of a whole path.")
    film = strip.find_film(model, sampler, steps, study)
    alphas = sqrt_abars(model)
    last = len(alphas) - 1 if alphas is not None else 999
    start = int(abs(alphas - DEFAULT).argmin()) if alphas is not None else 400
    place = st.container()  # over the slider, whose moment it marks: a link's is known below it
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    t = left.select_slider(
        "Timestep t: noise on the left, the clean picture on the right",
        range(last, -1, -1),
        value=start,
        key="t",
        bind="query-params",
    )
    if alphas is not None:
        right.metric("√ᾱ at this t", f"{alphas[t]:.2f}", help="Share of the clean picture's amplitude left.")
    with place, in_words():  # a film that cannot be read hides nothing else
        if film is not None:
            with reading(film):
                strip.filmstrip(film, t, "t")
        elif not strip.film_is_drawn(model):
            strip.offer_film(model, sampler, steps)
    return t, sampler, steps


study, model = chosen_study(), st.session_state.get("model")
head("Harvest", "Stop many seeds on their way from noise to picture, and keep what the model holds there.")
if model is None:
    with st.container(border=True):
        st.subheader("Nothing to harvest from yet", anchor=False)
        st.markdown("There is no model here. Train one, or put a diffusers folder under `models/`.")
        st.code(TRAIN, language="bash")
    st.stop()
st.subheader("1. When", anchor=False)
t, sampler, steps = moment(model, study)
st.subheader("2. What", anchor=False)
options = asked(model, t, sampler, steps)
button, words = st.columns([1, 3], vertical_alignment="center")
pressed = button.button(f"Harvest {options['n']:,}", type="primary", icon=":material/grain:", width="stretch")
alphas = sqrt_abars(model)
share = max(0.02, 1 - t / (len(alphas) if alphas is not None else 1000))
left = seconds(options, study, share)
about = (
    f" About {duration(left)}, if this machine is as fast as the one that computed {plain(study.name)}."
    if left
    else ""
)
words.caption(f"Runs in the background. Cancel keeps what is done, and it can be continued.{about}")
if pressed:
    check(options)
    work.start("explore", options, title=f"Harvest of {options['n']:,} from {short(model)}")

work.stopped_jobs(("explore",))
found = explorations(model)[:SHOWN]
if found:
    st.subheader("Harvested so far", anchor=False)
    for name, described_so in told(found, lambda run: described(run.manifest.config)).items():
        words, way = st.columns([5, 1], vertical_alignment="center")
        words.markdown(f"{described_so} · {plain(name)}")
        way.page_link("pages/explore/clusters.py", label="See clusters", query_params={"latents": name})
