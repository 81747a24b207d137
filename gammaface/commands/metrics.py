"""``gammaface metrics FILE``: audit a CSV of predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from gammaface.errors import GammaFaceError
from gammaface.files import told_when_unwritable
from gammaface.metrics import audit_table, group_table
from gammaface.tables import Format, render

NO_COLUMN = "there is no column {name!r}; the file has {columns}"
LONE_GROUP = "group {group!r} has one row (n=1), so no rate or interval can be estimated"
NAN_SCORES = "column {name!r} has {count} scores that are NaN or not numbers"


def metrics(
    file: Annotated[Path, typer.Argument(help="CSV with columns y, p, score or score_<class>, and groups.")],
    group: Annotated[
        list[str] | None,
        typer.Option("--group", "-g", help="A group column; repeat for joint cells. Default: all."),
    ] = None,
    baseline: Annotated[
        list[Path] | None,
        typer.Option(help="Another CSV with the same rows; repeat. Differences refer to the first."),
    ] = None,
    by_group: Annotated[bool, typer.Option(help="Show each group's own rates instead.")] = False,
    tpr: Annotated[str, typer.Option(help="per_class, micro, macro or positive.")] = "per_class",
    mode: Annotated[str, typer.Option(help="abs or signed.")] = "abs",
    weights: Annotated[str, typer.Option(help="share or uniform.")] = "share",
    kl: Annotated[str, typer.Option(help="fixed or princeton.")] = "fixed",
    resamples: Annotated[int, typer.Option(help="Bootstrap resamples.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0,
    format: Annotated[Format, typer.Option(help="Format of the table.")] = Format.text,
    out: Annotated[Path | None, typer.Option(help="Write here instead.")] = None,
) -> None:
    """Audit a CSV of predictions: fairness metrics with intervals, one row each."""
    frame = _read(file)
    groups = _groups(frame, group, file)
    if by_group:
        table = group_table(frame["y"], frame["p"], groups, resamples=resamples, seed=seed)
    else:
        others = {path.stem: _baseline(path, frame, groups) for path in baseline or []}
        if len({file.stem, *others}) < 1 + len(baseline or []):
            raise GammaFaceError(
                "two of the files have the same name", fix="Rename one: it names the method."
            )
        table = audit_table(
            frame["y"],
            frame["p"],
            _scores(frame, file),
            groups,
            baselines=others or None,
            name=file.stem,
            tpr=tpr,
            mode=mode,
            weights=weights,
            kl_variant=kl,
            resamples=resamples,
            seed=seed,
        )
    text = render(table, format)
    if out is None:
        typer.echo(text.rstrip("\n"))
        return
    with told_when_unwritable(out, what="the table", fix="Check the path."):
        out.write_text(text, encoding="utf-8")


def _read(file: Path) -> pd.DataFrame:
    try:
        # "None" and "NA" can be names of groups; only these mean missing.
        frame = pd.read_csv(file, keep_default_na=False, na_values=["", "NaN", "nan"])
    except pd.errors.EmptyDataError:
        raise GammaFaceError("the file is empty", where=file, fix="Give rows.") from None
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        reason = getattr(error, "strerror", None) or str(error).strip().splitlines()[0]
        raise GammaFaceError(
            f"the file cannot be read: {reason}", where=file, fix="Give a CSV of predictions."
        ) from None
    _need(frame, ["y", "p"], file)
    if frame.empty:
        raise GammaFaceError("the file has no rows", where=file, fix="Give predictions.")
    return frame


def _need(frame: pd.DataFrame, names: list[str], file: Path) -> None:
    for name in names:
        if name not in frame:
            raise GammaFaceError(
                NO_COLUMN.format(name=name, columns=", ".join(map(str, frame.columns))),
                where=file,
                fix="Name the columns y, p, score or score_<class>, and the groups.",
            )


def _is_score(column: str) -> bool:
    return column == "score" or column.startswith("score_")


def _groups(frame: pd.DataFrame, names: list[str] | None, file: Path) -> pd.DataFrame:
    names = names or [c for c in frame if c not in ("y", "p") and not _is_score(c)]
    if not names:
        raise GammaFaceError(
            "there is no group column beside y, p and the scores", where=file, fix="Add one."
        )
    _need(frame, names, file)
    groups = frame[names]
    for name in ["y", "p", *names]:
        missing = int(frame[name].isna().sum())
        if missing:
            raise GammaFaceError(
                f"column {name!r} has {missing} missing values",
                where=file,
                fix="Fill or drop these rows.",
            )
    sizes = groups.value_counts()
    lone = sizes[sizes == 1]
    if len(lone):
        cell = ", ".join(f"{k}={v}" for k, v in zip(names, lone.index[0], strict=True))
        raise GammaFaceError(
            LONE_GROUP.format(group=cell),
            where=file,
            fix="Merge or drop it, or name the group columns with --group.",
        )
    return groups


def _scores(frame: pd.DataFrame, file: Path) -> pd.DataFrame | pd.Series | None:
    columns = [c for c in frame if _is_score(c)]
    for name in columns:
        numbers = pd.to_numeric(frame[name], errors="coerce")
        missing = int(numbers.isna().sum())
        if missing:
            raise GammaFaceError(
                NAN_SCORES.format(name=name, count=missing),
                where=file,
                fix="Fill or drop these rows.",
            )
    if "score" in columns:
        return frame["score"]
    if not columns:
        return None
    return frame[columns].rename(columns=lambda c: c.removeprefix("score_"))


def _baseline(path: Path, frame: pd.DataFrame, groups: pd.DataFrame) -> tuple:
    other = _read(path)
    _need(other, list(groups), path)
    same = ["y", *groups]
    if not other[same].equals(frame[same]):
        raise GammaFaceError(
            "the baseline's y and groups are not those of the audited file, row by row",
            where=path,
            fix="Predict the same test items in the same order.",
        )
    return other["p"], _scores(other, path)
