"""A run's manifest as tables: settings, weights, versions, timings."""

from __future__ import annotations

import json

import pandas as pd
import streamlit as st

from gammaface.workspace import Run

PARTS = {
    "config": "Setting",
    "weights": "Weights (sha256)",
    "versions": "Versions",
    "timings": "Seconds",
}


def word(value: object) -> str:
    """A setting as one reads it."""
    if value is None:
        return "not set"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def rows(run: Run, part: str) -> pd.DataFrame:
    """One part of a manifest, a row per entry."""
    stored = getattr(run.manifest, part)
    return pd.DataFrame({PARTS[part]: list(stored), "Value": [word(v) for v in stored.values()]})


def manifest_tables(run: Run) -> None:
    """All parts of a manifest that hold something."""
    for part in PARTS:
        table = rows(run, part)
        if len(table):
            st.dataframe(table, hide_index=True, width="stretch", height="content")


def differences(left: Run, right: Run, *, all_rows: bool) -> pd.DataFrame:
    """Settings, weights and versions of two runs side by side, those that differ first."""
    names = left.manifest.name, right.manifest.name
    heads = names if names[0] != names[1] else (f"{names[0]} (1)", f"{names[0]} (2)")
    found = []
    for part in ("config", "weights", "versions"):
        a, b = getattr(left.manifest, part), getattr(right.manifest, part)
        for key in dict.fromkeys([*a, *b]):
            values = [word(side[key]) if key in side else "absent" for side in (a, b)]
            found.append(
                {"": key, heads[0]: values[0], heads[1]: values[1], "differs": values[0] != values[1]}
            )
    table = pd.DataFrame(found, columns=["", *heads, "differs"]).sort_values(
        "differs", ascending=False, kind="stable"
    )
    table["differs"] = table["differs"].map({True: "yes", False: "no"})
    return table if all_rows else table[table["differs"] == "yes"].drop(columns="differs")
