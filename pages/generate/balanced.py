"""Generate/Balanced: draw by any strategy, plain sampling beside it, and see what it did to whom."""

import streamlit as st

from pages.parts import picks
from pages.parts.batches import RECORDED, batches, in_words, read
from pages.parts.before_after import shares_before_and_after, what_it_did
from pages.parts.columns import columns
from pages.parts.draw_cost import costs
from pages.parts.face_drawer import face_drawer
from pages.parts.frame import open_page
from pages.parts.red_box import reading
from pages.parts.state import missed
from pages.parts.strategy_form import strategy_form
from pages.parts.taking import take_along
from pages.parts.words import plain

study = open_page(
    "Balanced",
    "Draw by any strategy, see plain sampling beside it, and read what it did to the shares of people:"
    " evenness over components is not evenness over people, and attributes are perceived ones.",
)
picks.listen()
strategy_form(study)
found = batches(study)
missed("batch", [in_words(name, found) for name in (RECORDED, *found)], "batch")
choice = st.selectbox(
    "Shown",
    [RECORDED, *found],
    format_func=lambda name: in_words(name, found),
    key="batch",
    bind="query-params",
    width=620,
)
with reading(found.get(choice, study.run)):
    shown = read(study, found.get(choice))
    st.caption(plain(shown.words) + ".")
    what_it_did(study, shown)
    columns(study, shown)
    costs(shown)
    take_along(shown)
    shares_before_and_after(study, shown)
    face_drawer(shown)
