"""A batch in columns: one per component or cell, plain sampling beside each face."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import pandas as pd
import streamlit as st

from gammaface.figures import mark_of
from gammaface.shares.joint import cells_in

from .batches import Shown
from .picks import pick_of
from .pictures import Face, image_html
from .state import Study
from .target_form import in_words
from .words import upper

MOST_COLUMNS, MOST_FACES = 6, 8  # at once; a pager leads to the others
LONE = 32  # faces at once where there is one column only
NO_GROUP = "All faces"


@dataclass(frozen=True)
class Column:
    """The faces of one component or cell."""

    title: str
    rows: pd.DataFrame
    facts: tuple[str, ...]
    component: int | None = None


def columns(study: Study, shown: Shown) -> None:
    """The columns, with pagers where there are more than fit."""
    groups = grouped(study, shown)
    most = MOST_FACES if len(groups) > 1 else LONE
    page = _pager("Columns", len(groups), MOST_COLUMNS, f"columns-{shown.name}")
    visible = groups[page * MOST_COLUMNS : (page + 1) * MOST_COLUMNS]
    longest = max((len(group.rows) for group in visible), default=0)
    turn = _pager("Faces of each column", longest, most, f"faces-{shown.name}")
    pieces = [_column_html(shown, group, turn * most, most) for group in visible]
    st.html(f'<div class="gf-columns">{"".join(pieces)}</div>')
    st.caption(beside_in_words(shown) + " All faces are generated. Click one to look closer.")


def grouped(study: Study, shown: Shown) -> list[Column]:
    """The batch's columns: its components, the cells it was drawn for, or those perceived."""
    rows = shown.drawn.rows
    if (rows["component"] >= 0).any():
        return [_of_component(study, shown, int(k), part) for k, part in rows.groupby("component")]
    if shown.target is None:
        return [Column(NO_GROUP, rows, (f"{len(rows):,} faces",))]
    attributes = shown.config["attributes"]
    perceived = cells_in(rows, attributes) if shown.drawn.labels is not None else None
    meant = rows["cell"].where(rows["cell"] != "")
    place = meant if meant.notna().any() else perceived
    if place is None:
        return [Column(NO_GROUP, rows, (f"{len(rows):,} faces",))]
    found = []
    for cell, share in shown.target.items():
        part = rows[place == cell]
        facts = [f"{len(part):,} drawn for this group" if place is meant else f"{len(part):,} perceived so"]
        if perceived is not None and place is meant and len(part):
            facts.append(f"{int((perceived[part.index] == cell).sum()):,} of them perceived so")
        facts.append(f"target {100 * share:.3g}%")
        title = in_words(attributes, cell)
        found.append(Column(upper(title), part, (", ".join(facts),)))
    return found


def _of_component(study: Study, shown: Shown, component: int, part: pd.DataFrame) -> Column:
    facts = [f"{len(part):,} faces"]
    known = study.components.set_index("component")
    same = shown.drawn.run.manifest.kind == "study" or shown.config["k"] == len(known)
    if same and component in known.index:
        facts.append(f"{100 * known.loc[component, 'share']:.1f}% of plain draws")
    return Column(f"Component {component}", part, (", ".join(facts),), component)


def beside_in_words(shown: Shown) -> str:
    """What stands beside each face."""
    if shown.about.name == "plain":
        return "Plain sampling, unselected."
    if shown.plain is None:
        return "There is no plain batch beside this one."
    if _same_seeds(shown):
        return "Left: as drawn. Right: what plain sampling makes of the same seed."
    return "Left: as drawn. Right: what plain sampling draws first at the same place of the batch."


def _same_seeds(shown: Shown) -> bool:
    return bool(shown.drawn.rows["seed"].isin(shown.plain.rows["seed"]).all())


def _column_html(shown: Shown, group: Column, start: int, most: int) -> str:
    glyph = ""
    if group.component is not None:
        mark = mark_of(group.component)
        glyph = f'<span class="gf-mark" style="color:{mark.colour}">{mark.glyph}</span>'
    facts = "".join(f"<p>{escape(fact)}</p>" for fact in group.facts)
    part = group.rows.iloc[start : start + most]
    cells = "".join(_duo(shown, group, row) for row in part.itertuples())
    return (
        f'<section class="gf-column"><h3>{glyph}{escape(group.title)}</h3>{facts}'
        f'<div class="gf-duos">{cells}</div></section>'
    )


def _duo(shown: Shown, group: Column, row) -> str:
    seed = int(row.seed)
    if shown.about.name == "plain":
        face = Face(row.file, f"Plain face, seed {seed}", pick_of(seed))
        return f'<div class="gf-single">{image_html(face)}</div>'
    what = "" if group.title == NO_GROUP else f" for {group.title[:1].lower()}{group.title[1:]}"
    drawn = image_html(Face(row.file, f"Drawn{what}, seed {seed}", pick_of(seed)))
    beside = _plain_beside(shown, row)
    if beside is None:
        return f'<div class="gf-single">{drawn}</div>'
    return f'<div class="gf-duo">{drawn}{image_html(beside)}</div>'


def _plain_beside(shown: Shown, row) -> Face | None:
    """The plain face of the same place, where plain sampling got that far."""
    if shown.plain is None or row.place >= len(shown.plain.rows):
        return None
    other = shown.plain.rows.iloc[int(row.place)]
    seed = int(other["seed"])
    return Face(other["file"], f"Plain face, seed {seed}", pick_of(seed, plain=True))


def _pager(label: str, count: int, most: int, key: str) -> int:
    """The page shown, from 0; nothing where everything fits."""
    pages = -(-count // most)
    if pages <= 1:
        return 0
    words, buttons = st.columns([1, 3], vertical_alignment="center")
    with buttons:
        page = st.pagination(pages, key=key, bind="query-params") - 1
    words.caption(f"{label}: {page * most + 1} to {min(count, (page + 1) * most)} of {count:,}")
    return page
