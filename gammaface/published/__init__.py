"""The papers' own numbers, their contradictions, and how far ours may stand beside them."""

from __future__ import annotations

from importlib.resources import files

import pandas as pd

from gammaface.errors import GammaFaceError

SETTING = ["source", "dataset", "target"]


def load() -> pd.DataFrame:
    """Every published number.

    Returns
    -------
    DataFrame
        source, table, dataset, target, protected, method, metric, value, sd (the spread,
        NaN where none is printed; all in the papers' units: accuracy in %, ba x100), and
        note: what the paper's own text or tables say against it.

    Examples
    --------
    >>> table = load()
    >>> race = table[(table.target == "race") & (table.metric == "fairness_discrepancy")]
    >>> race.value.min(), race.sd.iloc[-1]
    (np.float64(0.0947), np.float64(0.0071))
    """
    numbers = _read("published.csv").astype({"value": float})
    numbers["sd"] = pd.to_numeric(numbers["sd"])
    numbers["note"] = ""
    for contradiction in notes().to_dict("records"):
        said = contradiction.pop("note")
        hit = pd.Series(True, index=numbers.index)
        for column, wanted in contradiction.items():
            if wanted:  # an empty key stands for every row
                hit &= numbers[column] == wanted
        numbers.loc[hit, "note"] = (numbers.loc[hit, "note"] + " " + said).str.strip()
    return numbers


def notes() -> pd.DataFrame:
    """The contradictions, keyed to rows of `load` by column; an empty key means any.

    Returns
    -------
    DataFrame
        source, table, dataset, target, method, metric, note.

    Examples
    --------
    >>> notes().note.iloc[2]
    'The text says KL falls on all tasks; in the table FairFace age rises from .769 to .783.'
    """
    return _read("notes.csv")


def compare(
    ours: pd.DataFrame, *, dataset: str, target: str, resolution: int, n_classes: int
) -> pd.DataFrame:
    """Our figures beside the published ones for the same target and metric.

    Parameters
    ----------
    ours : DataFrame
        Columns method, metric, value, as from `gammaface.metrics.audit_table`.
    dataset, target : str
        What ours were measured on, in the papers' words (``FairFace``, ``race``).
    resolution : int
        Side of our images in pixels.
    n_classes : int
        Number of our classes of the target.

    Returns
    -------
    DataFrame
        One row per published figure and method of ours: the columns of `load`, our_method,
        ours (NaN where we have no such metric), verdict ("comparable" or "not comparable")
        and reason. What the paper does not state counts as different.

    Raises
    ------
    GammaFaceError
        For missing columns, or a target that no paper has.

    Examples
    --------
    >>> ours = pd.DataFrame([("mine", "bias", .11)], columns=["method", "metric", "value"])
    >>> row = compare(ours, dataset="UTKFace", target="gender", resolution=64, n_classes=2).iloc[0]
    >>> row.ours, row.verdict
    (np.float64(0.11), 'not comparable')
    >>> row.reason
    'data set: UTKFace here, FairFace there; resolution: 64 here, not stated there'
    """
    lacking = {"method", "metric", "value"} - set(ours.columns)
    if lacking:
        raise GammaFaceError(
            f"our table has no column {', '.join(sorted(lacking))}", fix="Give an audit table."
        )
    numbers = load()
    if target not in set(numbers["target"]):
        raise GammaFaceError(
            f"no paper has the target {target!r}",
            fix=f"Choose one of {', '.join(sorted(numbers['target'].unique()))}.",
        )
    theirs = numbers[numbers["target"] == target].merge(_read("settings.csv"), on=SETTING)
    reasons = [
        "; ".join(
            f"{what}: {here} here, {there or 'not stated'} there"
            for what, here, there in (
                ("data set", dataset, row.dataset),
                ("resolution", resolution, row.resolution),
                ("number of classes", n_classes, row.n_classes),
            )
            if str(here).casefold() != there.casefold()
        )
        for row in theirs.itertuples()
    ]
    verdicts = ["not comparable" if reason else "comparable" for reason in reasons]
    mine = ours[["method", "metric", "value"]].rename(columns={"method": "our_method", "value": "ours"})
    return (
        theirs.drop(columns=["resolution", "n_classes"])
        .assign(verdict=verdicts, reason=reasons)
        .merge(mine, on="metric", how="left")
    )


def _read(name: str) -> pd.DataFrame:
    """A table of the package, as text: the key columns hold figures like ``fig 3``."""
    with files(__name__).joinpath(name).open(encoding="utf-8") as lines:
        return pd.read_csv(lines, dtype=str, keep_default_na=False)
