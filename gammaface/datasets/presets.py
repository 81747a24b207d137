"""The paper's groupings of labelled faces, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from gammaface.errors import GammaFaceError
from gammaface.shares.joint import WHITE_BLACK_OTHER


@dataclass(frozen=True)
class Preset:
    """Which columns of the schema a study uses, under the names of the paper."""

    about: str
    columns: dict[str, str | Callable[[pd.DataFrame], pd.Series]]


def race3(frame: pd.DataFrame) -> pd.Series:
    """Race as white, black or other."""
    words = frame["race"].astype(object).map(WHITE_BLACK_OTHER)
    return pd.Series(pd.Categorical(words, categories=("white", "black", "other")), index=frame.index)


PRESETS: dict[str, Preset] = {
    "fairface": Preset(
        "GAMMA-FACE on FairFace: young 0-59, race White / Black / Other",
        {"gender": "gender", "race": race3, "age": "young60"},
    ),
    "ffhq": Preset(
        "GAMMA-FACE on FFHQ: young under 40, smile over .5, hair black / brown + blond / other",
        {"smile": "smile", "glasses": "glasses", "hair": "hair", "age": "young40", "gender": "gender"},
    ),
    "utkface": Preset(
        "FairFace's tasks on UTKFace: young 0-59, race White / Black / Other",
        {"gender": "gender", "race": race3, "age": "young60"},
    ),
    "celeba": Preset(
        "FFHQ's tasks on CelebA: its own word Young stands for under 40",
        {"smile": "smile", "glasses": "glasses", "hair": "hair", "age": "young", "gender": "gender"},
    ),
}


def grouping(frame: pd.DataFrame, preset: str) -> pd.DataFrame:
    """The columns of a preset, as categoricals; missing where the label is.

    Parameters
    ----------
    frame : DataFrame
        `Faces.frame`.
    preset : str
        A name of `PRESETS`.

    Raises
    ------
    GammaFaceError
        For an unknown preset.

    Examples
    --------
    >>> from gammaface.datasets.schema import typed
    >>> rows = typed(pd.DataFrame({"gender": ["male"], "race": ["asian"], "age": [59]}))
    >>> grouping(rows, "fairface").iloc[0].tolist()
    ['male', 'other', 'young']
    """
    if preset not in PRESETS:
        raise GammaFaceError(f"preset {preset!r} is not known", fix=f"Choose one of {', '.join(PRESETS)}.")
    columns = PRESETS[preset].columns
    return pd.DataFrame({n: c(frame) if callable(c) else frame[c] for n, c in columns.items()})
