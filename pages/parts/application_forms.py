"""Forms that try a classifier or an upscaler on balanced faces."""

from __future__ import annotations

import streamlit as st

from . import work
from .people import TRAIN
from .state import has_classifier

GROUPS = {
    "race3": "perceived race (white, black, other)",
    "gender": "perceived gender",
    "young40": "perceived age under 40",
    "gender+race3": "gender and race together",
}
ALONG = ("young40:old", "gender:male", "race3:black", "race3:white", "smile:smiling", "glasses:glasses")
VALUES = {"unit": "0 to 1", "signed": "-1 to 1", "bytes": "0 to 255"}


def classifier_form(model: str) -> None:
    """What to try, and the button that starts it."""
    if not _ready():
        return
    judged = st.text_input(
        "Classifier", placeholder="/path/to/classifier.onnx", help="An .onnx with its label map beside it."
    )
    columns = st.columns(4)
    attribute = columns[0].selectbox("Judged on", ["gender", "race", "young40", "smile", "glasses"])
    groups = columns[1].selectbox("Faces even over", list(GROUPS), format_func=GROUPS.get)
    along = columns[2].selectbox("Moved along", [a for a in ALONG if a.split(":")[0] != attribute])
    n = columns[3].number_input("Faces", 60, 5000, 600)
    asked = {"attribute": attribute, "groups": groups.split("+"), "along": along, "n": n}
    if st.button("Try it", type="primary", icon=":material/play_arrow:", disabled=not judged):
        work.start("classifier-audit", asked | {"model": model, "judged": judged}, title="Classifier audit")


def upscaling_form(model: str) -> None:
    """What to try, and the button that starts it."""
    if not _ready():
        return
    upscaler = st.text_input(
        "Upscaler", placeholder="/path/to/upscaler.onnx", help="Empty: bicubic interpolation alone."
    )
    columns = st.columns(4)
    values = columns[0].selectbox("Its pixels", list(VALUES), format_func=VALUES.get)
    factor = columns[1].selectbox("Factor", [2, 4, 8], index=1)
    groups = columns[2].selectbox("Faces even over", list(GROUPS), format_func=GROUPS.get, key="sr-groups")
    n = columns[3].number_input("Faces", 60, 5000, 600, key="sr-n")
    asked = {"upscaler": upscaler, "values": values, "factor": factor, "groups": groups.split("+"), "n": n}
    if st.button("Try it", type="primary", icon=":material/play_arrow:", key="sr-start"):
        work.start(
            "super-resolution-audit", asked | {"model": model, "steps": 25}, title="Super-resolution audit"
        )


def _ready() -> bool:
    if has_classifier():
        return True
    st.markdown("This needs an attribute classifier to name groups. Train one first.")
    st.code(TRAIN, language="bash")
    return False
