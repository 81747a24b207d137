"""Read labelled face sets in the layouts they are published in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from gammaface.datasets import layouts
from gammaface.datasets.pictures import is_whole
from gammaface.datasets.schema import Faces, refuse_problems, typed, unknown_labels
from gammaface.errors import GammaFaceError

READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "fairface": layouts.fairface,
    "ffhq": layouts.ffhq,
    "celeba": layouts.celeba,
    "utkface": layouts.utkface,
    "csv": layouts.folder_csv,
    "parquet": layouts.parquet,
}
ON_PROBLEM = ("skip", "refuse")


def read_faces(
    path: Path | str,
    *,
    kind: str | None = None,
    split: str | None = None,
    on_problem: str = "skip",
    check_pictures: bool = True,
) -> Faces:
    """Read a labelled face set into the one schema of `Faces`.

    Parameters
    ----------
    path : Path or str
        ``fairface``: a folder with ``fairface_label_*.csv``. ``ffhq``: a folder with
        ``00000.json`` feature files and ``00000.png`` (or .jpg) pictures anywhere below
        it. ``celeba``: a folder with ``img_align_celeba``, ``list_attr_celeba`` (.txt or
        .csv) and, where there are any, ``list_eval_partition`` and ``identity_CelebA``.
        ``utkface``: pictures named ``age_gender_race_date``. ``csv``: a folder with
        pictures and one CSV, or that CSV. ``parquet``: a file whose ``image`` column
        holds structs {bytes, path}; CelebA's attribute names are understood.
    kind : str, optional
        One of the words above; None recognises the layout.
    split : str, optional
        Keep the rows of this split only.
    on_problem : str
        "skip" leaves out rows with a missing, unreadable or half-written picture, an
        unknown label, or a repeated picture, and lists them in ``Faces.problems``;
        "refuse" raises for the first.
    check_pictures : bool
        Read every picture once to find broken ones.

    Returns
    -------
    Faces

    Raises
    ------
    GammaFaceError
        Nothing there, an unknown layout or kind, a damaged table, a problem under
        "refuse", or no row left.
    """
    path = Path(path)
    if on_problem not in ON_PROBLEM:
        raise GammaFaceError(f"on_problem={on_problem!r}", fix=f"Choose one of {', '.join(ON_PROBLEM)}.")
    if not path.exists():
        raise GammaFaceError("the data file or folder does not exist", where=path, fix="Check the path.")
    kind = kind or _recognise(path)
    if kind not in READERS:
        raise GammaFaceError(f"kind={kind!r} is not known", fix=f"Choose one of {', '.join(READERS)}.")
    rows = READERS[kind](path).reset_index(drop=True)
    if not len(rows):
        rows = pd.DataFrame(columns=["source", "picture"])
    if split is not None:
        rows = rows[rows.get("split", pd.Series(index=rows.index)) == split].reset_index(drop=True)
    kept, problems = _sort_out(rows, check_pictures=check_pictures)
    if on_problem == "refuse":
        refuse_problems(problems)
    if not len(kept):
        raise GammaFaceError(
            f"no labelled face was found{f' in split {split!r}' if split else ''}"
            f" ({len(problems)} rows were left out)",
            where=path,
            fix="Check the path, the split and the problems listed by on_problem='refuse'.",
        )
    pictures = [p if isinstance(p, bytes) else Path(p) for p in kept["picture"]]
    return Faces(typed(kept), pictures, problems)


def _recognise(path: Path) -> str:
    if path.is_file():
        found = {".parquet": "parquet", ".csv": "csv"}.get(path.suffix.lower())
    elif list(path.glob("list_attr_celeba.*")):
        found = "celeba"
    elif list(path.glob("fairface_label_*.csv")):
        found = "fairface"
    elif list(path.glob("*.csv")):
        found = "csv"
    elif next(path.rglob("*.json"), None):
        found = "ffhq"
    elif any(layouts.UTK_NAME.match(p.name) for p in path.rglob("*.jpg")):
        found = "utkface"
    else:
        found = None
    if found is None:
        raise GammaFaceError(
            "the layout is not recognised", where=path, fix=f"Give kind: one of {', '.join(READERS)}."
        )
    return found


def _sort_out(rows: pd.DataFrame, *, check_pictures: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows that can be used, and the others with one problem each."""
    problem = pd.Series("", index=rows.index)
    detail = pd.Series("", index=rows.index)

    def note(bad: pd.Series, name: str, text) -> None:
        nonlocal problem, detail
        new = bad & (problem == "")
        problem, detail = problem.mask(new, name), detail.mask(new, text)

    note(rows["picture"].isna(), "missing image", "there is no such picture")
    wrong = unknown_labels(rows)
    if "wrong" in rows:
        wrong = rows["wrong"].fillna("").where(rows["wrong"].notna(), wrong)
    note(wrong != "", "unknown label", wrong)
    keys = pd.Series(
        [
            hashlib.sha1(p, usedforsecurity=False).hexdigest() if isinstance(p, bytes) else p
            for p in rows["picture"]
        ],
        index=rows.index,
        dtype=object,
    )
    usable = problem == ""
    repeated = keys[usable].duplicated().reindex(rows.index, fill_value=False)
    first = rows["source"].groupby(keys).transform("first")
    note(repeated, "duplicate row", "the picture of " + first.astype(str) + " again")
    if check_pictures:
        whole = [
            problem[i] != "" or is_whole(p if isinstance(p, bytes) else Path(p).read_bytes())
            for i, p in rows["picture"].items()
        ]
        note(~pd.Series(whole, index=rows.index, dtype=bool), "unreadable image", "broken or half-written")
    bad = (problem != "").to_numpy(dtype=bool)
    problems = pd.DataFrame({"source": rows["source"], "problem": problem, "detail": detail})
    return rows[~bad].reset_index(drop=True), problems[bad].reset_index(drop=True)
