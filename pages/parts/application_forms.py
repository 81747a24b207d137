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
FACES = (60, 5000, 600)  # least, most, and to begin with
VALUES = {"unit": "0 to 1", "signed": "-1 to 1", "bytes": "0 to 255"}


def classifier_form(model: str) -> None:
    """What to try, and the button that starts it."""
    if not _ready():
        return
    told = "An .onnx with its label map beside it."
    judged = st.text_input("Classifier", placeholder="/path/to/classifier.onnx", help=told, **_kept("judged"))
    columns = st.columns(4)
    attributes = ["gender", "race", "young40", "smile", "glasses"]
    attribute = columns[0].selectbox("Judged on", attributes, **_kept("attribute"))
    groups = columns[1].selectbox("Faces even over", list(GROUPS), format_func=GROUPS.get, **_kept("groups"))
    ways = [way for way in ALONG if way.split(":")[0] != attribute]
    along = columns[2].selectbox("Moved along", ways, **_kept("along"))
    n = columns[3].number_input("Faces", *FACES, **_kept("n"))
    asked = {"attribute": attribute, "groups": groups.split("+"), "along": along, "n": n}
    if st.button("Try it", type="primary", icon=":material/play_arrow:", disabled=not judged):
        work.start("classifier-audit", asked | {"model": model, "judged": judged}, title="Classifier audit")


def upscaling_form(model: str) -> None:
    """What to try, and the button that starts it."""
    if not _ready():
        return
    told = "Empty: bicubic interpolation alone."
    upscaler = st.text_input("Upscaler", placeholder="/path/to/upscaler.onnx", help=told, **_kept("upscaler"))
    columns = st.columns(4)
    values = columns[0].selectbox("Its pixels", list(VALUES), format_func=VALUES.get, **_kept("values"))
    factor = columns[1].selectbox("Factor", [2, 4, 8], index=1, **_kept("factor"))
    groups = columns[2].selectbox(
        "Faces even over", list(GROUPS), format_func=GROUPS.get, **_kept("sr-groups")
    )
    n = columns[3].number_input("Faces", *FACES, **_kept("sr-n"))
    asked = {"upscaler": upscaler, "values": values, "factor": factor, "groups": groups.split("+"), "n": n}
    if st.button("Try it", type="primary", icon=":material/play_arrow:", key="sr-start"):
        work.start(
            "super-resolution-audit", asked | {"model": model, "steps": 25}, title="Super-resolution audit"
        )


def _kept(name: str) -> dict[str, str]:
    """A field's name, under which it is kept between pages."""
    return {"key": f"application-{name}", "persist_state": "session"}


def _ready() -> bool:
    if has_classifier():
        return True
    st.markdown("This needs an attribute classifier to name groups. Train one first.")
    st.code(TRAIN, language="bash")
    return False
