"""What to draw: a strategy, what it aims at, how many, and its options; pressing Draw starts a job."""

from __future__ import annotations

import streamlit as st

from gammaface.strategies.catalogue import ABOUT, About
from gammaface.strategies.option import Option, Value

from . import work
from .state import Study, has_classifier, short
from .strategy_terms import SAMPLERS, cost, learns, refusal
from .target_form import choose_target

INJECTIONS = {
    "mean-noise": "Start at the component's mean plus noise (the paper's)",
    "resume": "Start midway, drawn from the component",
    "responsibility": "Draw freely, keep by component",
}
LIMITS = {"k": (1, 30), "n": (1, 2000), "steps": (1, 250), "seed": (0, 10_000), "pilot": (0, 10_000)}


def strategy_form(study: Study) -> None:
    """The form; every strategy can be chosen, and is refused with its reason."""
    with st.container(border=True, key="draw-form"):
        left, right = st.columns(2, gap="medium", vertical_alignment="bottom")
        name = left.selectbox(
            "Strategy",
            list(ABOUT),
            index=list(ABOUT).index("component-uniform"),
            format_func=lambda n: ABOUT[n].title,
            key="strategy",
            persist_state="session",
        )
        about, injection, target = ABOUT[name], "mean-noise", ((), None)
        told = f"{about.summary} {about.needs_in_words}"
        if name == "component-uniform":
            injection = right.selectbox(
                "How a component is imposed",
                list(INJECTIONS),
                format_func=INJECTIONS.get,
                key="injection",
                persist_state="session",
            )
            st.caption(told)
        else:
            right.caption(told)
        if "target" in about.needs and has_classifier():
            target = choose_target()
        values = numbers(study, about)
        options = own_options(about) if about.options else {}
        reason = refusal(study, about, values | {"injection": injection}, target, options)
        words, button = st.columns([4, 1], vertical_alignment="center")
        if reason:
            words.warning(reason, icon=":material/block:")
        else:
            words.caption(cost(about, values, options))
        pressed = button.button(
            "Draw", type="primary", icon=":material/draw:", width="stretch", disabled=bool(reason)
        )
    if pressed:
        asked = {"study": study.name, "strategy": name, "injection": injection, "options": options}
        asked |= values | {"attributes": list(target[0]), "shares": target[1]}
        work.start("balanced", asked, title=f"{values['n']} faces of {short(study.model)}")


def numbers(study: Study, about: About) -> dict[str, int | str]:
    """How many, from which seed, in how many steps; K and the pilot where they matter."""
    c = study.config
    fields = [
        ("n", "Faces", c.get("images", 24)),
        ("seed", "Seed", c["seed"]),
        ("steps", "Steps", c["steps"]),
    ]
    if "mixture" in about.needs:
        fields.insert(0, ("k", "Components (K)", study.numbers["k"]["used"]))
    if learns(about):
        fields.append(("pilot", "Pilot faces", 500))
    places = st.columns(len(fields) + 1)
    found = {"k": study.numbers["k"]["used"], "pilot": 0}
    for place, (key, label, value) in zip(places, fields, strict=False):
        low, high = LIMITS[key]
        found[key] = place.number_input(
            label, low, high, value=min(value, high), key=f"draw-{key}", persist_state="session"
        )
    found["sampler"] = places[-1].selectbox(
        "Sampler",
        list(SAMPLERS),
        index=list(SAMPLERS).index(c.get("sampler") or "ddim"),
        format_func=SAMPLERS.get,
        key="draw-sampler",
        persist_state="session",
    )
    return found


def own_options(about: About) -> dict[str, Value]:
    """The strategy's own options, at their defaults until someone opens them."""
    with st.expander(f"Options of this strategy ({len(about.options)})"):
        found = {}
        with st.grid(3):
            for name, option in about.options.items():
                found[name] = _asked(about.name, name, option)
        return found


def _asked(strategy: str, name: str, option: Option) -> Value:
    label, key = name.replace("_", " ").capitalize(), f"option-{strategy}-{name}"
    common = {
        "key": key,
        "help": f"{option.about[:1].upper()}{option.about[1:]}.",
        "persist_state": "session",
    }
    if option.choices:
        choices = list(option.choices)
        return st.selectbox(label, choices, index=choices.index(option.default), **common)
    if isinstance(option.default, str):
        return st.text_input(label, option.default, **common).strip()
    kind = type(option.default)
    bounds = {
        side: None if bound is None else kind(bound)
        for side, bound in (("min_value", option.low), ("max_value", option.high))
    }
    shown = {} if kind is int else {"format": "%g", "step": max(option.default, 1e-3) / 10}
    return st.number_input(label, value=option.default, **bounds, **shown, **common)
