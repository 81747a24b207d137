"""What the reader picks on Audit/Classifiers; every choice is in the link."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from gammaface.downstream.terms import METRICS, task_words

from . import classified
from .classified import USUAL, VARIANTS, Classified, View
from .state import missed, stamp_of

ALL = "all together"
SETS = {
    "Bias, BA, accuracy": ("bias", "ba", "accuracy"),
    "BPC, KL": ("bpc", "kl"),
    "Worst group, gaps": ("worst_group", "largest_gap", "bias_micro"),
    "Fairlearn's": ("deo", "demographic_parity", "equalised_odds"),
}
LABELS = {
    "tpr": "True positive rates of Bias",
    "mode": "Differences of Bias",
    "weights": "Weights of groups in Bias",
    "kl_variant": "Histograms of KL",
}


def choose_study() -> Classified | None:
    """The study that the reader chose; None where there is none."""
    runs = classified.studies()
    if not runs:
        return None
    missed("downstream", runs, "study of classifiers")
    name = next(iter(runs))
    if len(runs) > 1:
        _keep("downstream", runs)
        name = st.selectbox("Study", list(runs), key="downstream", bind="query-params", width=420)
    return classified.read(str(runs[name].path), stamp_of(runs[name]))


def choose_view(found: Classified) -> View:
    """A task, its groups and the metrics' variants."""
    tasks = {task_words(*key, protected): key for key, protected in found.tasks.items()}
    first, second, third = st.columns([5, 3, 2], vertical_alignment="bottom")
    _keep("task", tasks)
    task = first.selectbox("Target | protected attributes", list(tasks), key="task", bind="query-params")
    data, target = tasks[task]
    together = found.tasks[data, target]
    groups = {ALL: together} | {name: name for name in together.split("+")}
    _keep("groups", groups)
    chosen = second.selectbox("Groups by", list(groups), key="groups", bind="query-params")
    with third.popover("Metric variants", icon=":material/tune:", width="stretch"):
        variants = {name: _variant(name, words) for name, words in VARIANTS.items()}
        st.caption("Another choice is counted anew from the stored predictions, which takes a moment.")
    return classified.view(str(found.run.path), found.stamp, data, target, groups[chosen], variants)


def choose_arms(seen: View) -> dict[str, str]:
    """Methods, baselines first; all of them where none is picked."""
    options = list(seen.arms.values())
    if set(st.session_state.get("methods") or ()) - set(options):  # another study's
        st.session_state.pop("methods", None)
    picked = st.multiselect(
        "Methods", options, default=options, key="methods", bind="query-params", placeholder="All methods"
    )
    return {arm: words for arm, words in seen.arms.items() if words in (picked or options)}


def choose_metrics(seen: View) -> tuple[str, ...]:
    """A set of metrics."""
    named = st.segmented_control(
        "Metrics",
        list(SETS),
        default=next(iter(SETS)),
        required=True,
        key="metrics",
        bind="query-params",
        label_visibility="collapsed",
    )
    known = set(seen.tables["figures"]["metric"])
    return tuple(metric for metric in SETS[named] if metric in known)


def choose_drawn(metrics: tuple[str, ...]) -> str:
    """Which of the metrics is drawn."""
    _keep("drawn", metrics)
    return st.segmented_control(
        "Drawn",
        metrics,
        format_func=METRICS.get,
        default=metrics[0],
        required=True,
        key="drawn",
        bind="query-params",
    )


def choose_class(seen: View) -> str:
    """The class whose faces are looked at."""
    _keep("class", seen.classes)
    return st.segmented_control(
        "Class", seen.classes, default=seen.classes[-1], required=True, key="class", bind="query-params"
    )


def _variant(name: str, words: dict[str, str]) -> str:
    by_words = {text: value for value, text in words.items()}
    _keep(name, by_words)
    text = st.selectbox(LABELS[name], list(by_words), key=name, bind="query-params")
    return by_words[text] if text else USUAL[name]


def _keep(key: str, options: Iterable[str]) -> None:
    """Forget a choice that these options do not have: it was another study's."""
    if st.session_state.get(key, None) not in (None, *options):
        st.session_state.pop(key, None)
