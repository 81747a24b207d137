"""What a component is: which attributes it follows, its typical members, how its pictures look.

Functions over arrays and tables; none of them knows a model. How much of an attribute the
space holds at all: :mod:`gammaface.studies.probes`; who is in it: :mod:`gammaface.shares.people`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import xlogy
from scipy.stats import gamma
from scipy.stats.contingency import association as contingency_association
from sklearn.metrics import adjusted_mutual_info_score

from gammaface.errors import GammaFaceError

BINS = 5  # quantile groups of a continuous attribute
LUMA = (0.299, 0.587, 0.114)  # Rec. 601


def association(
    components: np.ndarray, attributes: pd.DataFrame, *, permutations: int = 999, seed: int = 0
) -> pd.DataFrame:
    """How far components follow attributes.

    Parameters
    ----------
    components : numpy.ndarray
        (n,) integers, the component of each row.
    attributes : pandas.DataFrame
        n rows, one column per attribute; numbers with more than ten values are cut into
        five quantile groups, rows without a value are left out of their attribute.
    permutations : int
        Of the components among the rows; p is at least 1 / (permutations + 1).

    Returns
    -------
    pandas.DataFrame
        One row per attribute:

        ========== =====================================================================
        attribute
        ami        adjusted mutual information, 0 by chance and 1 if one tells the other
                   (Vinh, Epps and Bailey 2010)
        cramers_v  sqrt(chi2 / (n min(rows - 1, columns - 1))), 0 to 1, above 0 by chance
        p          share of permutations with as much mutual information, (1 + b) / (1 + m)
                   (Phipson and Smyth 2010); AMI orders permutations alike
        p_tail     the same from a gamma with the permutations' mean and variance: not bounded
                   below, for corrections over many tests
        p_holm     p corrected for the number of attributes (Holm 1979)
        n          rows that have a value
        ========== =====================================================================

        AMI, Cramer's V and p are NaN where an attribute or the components have one value.

    Raises
    ------
    GammaFaceError
        Lengths that differ, no attribute, fewer than one permutation.

    Examples
    --------
    >>> hair = pd.DataFrame({"hair": ["dark", "fair"] * 20, "same": 1})
    >>> association(np.arange(40) % 2, hair, permutations=99)[["attribute", "ami", "p"]].values.tolist()
    [['hair', 1.0, 0.01], ['same', nan, nan]]
    """
    components = check_beside(components, attributes)
    if permutations < 1:
        raise GammaFaceError(f"{permutations} permutations give no p-value", fix="Give 99 or more.")
    table = []
    for name in attributes:
        kept, codes, _ = as_classes(attributes[name])
        groups = np.unique(components[kept], return_inverse=True)[1]
        row = {"attribute": name, "ami": np.nan, "cramers_v": np.nan, "p": np.nan, "p_tail": np.nan}
        row["n"] = len(codes)
        if len(codes) and groups.max() > 0 and codes.max() > 0:
            row |= {
                "ami": float(adjusted_mutual_info_score(codes, groups)),
                "cramers_v": float(contingency_association(_counts(groups, codes), method="cramer")),
            }
            row["p"], row["p_tail"] = _permutation_p(groups, codes, permutations, seed)
        table.append(row)
    table = pd.DataFrame(table)
    table.insert(5, "p_holm", holm(table["p"].to_numpy()))
    return table


def holm(p: np.ndarray) -> np.ndarray:
    """p-values (m,) corrected for their number (Holm 1979); NaN stays and does not count.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, np.nan, 0.03])).round(3).tolist()
    [0.03, 0.06, nan, 0.06]
    """
    order = np.argsort(p)[: np.isfinite(p).sum()]  # NaN sorts last
    corrected = np.full(len(p), np.nan)
    stepped = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(1, np.maximum.accumulate(stepped)) if len(order) else []
    return corrected


def exemplars(responsibilities: np.ndarray, *, each: int = 8) -> pd.DataFrame:
    """The rows that belong to each component most surely.

    Parameters
    ----------
    responsibilities : numpy.ndarray
        (n, K), as :meth:`LatentMixture.predict_proba` gives them.
    each : int
        Rows per component.

    Returns
    -------
    pandas.DataFrame
        ``component, rank, row, responsibility, tied``: ``tied`` members of the component
        have the same responsibility to six digits; where that is more than `each`, as in
        most high-dimensional spaces, the order among them says nothing.

    Raises
    ------
    GammaFaceError
        When the responsibilities are not (n, K) or `each` is below 1.

    Examples
    --------
    >>> r = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    >>> exemplars(r, each=1)[["component", "row"]].values.tolist()
    [[0, 0], [1, 2]]
    """
    if responsibilities.ndim != 2 or each < 1:
        raise GammaFaceError(
            f"{each} exemplars of responsibilities {responsibilities.shape}",
            fix="Give responsibilities (n, K) and 1 exemplar or more.",
        )
    members = pd.DataFrame(
        {
            "component": responsibilities.argmax(axis=1),
            "row": np.arange(len(responsibilities)),
            "responsibility": responsibilities.max(axis=1),
        }
    )
    members["rounded"] = members["responsibility"].round(6)
    members["tied"] = members.groupby(["component", "rounded"])["row"].transform("size")
    members = members.sort_values(["component", "rounded", "row"], ascending=[True, False, True])
    members.insert(1, "rank", members.groupby("component").cumcount())
    return members[members["rank"] < each].drop(columns="rounded").reset_index(drop=True)


def looks(images: np.ndarray) -> pd.DataFrame:
    """Simple measures of pictures that components may follow instead of people.

    Parameters
    ----------
    images : numpy.ndarray
        (n, 3, h, w) in [-1, 1], at least 8 x 8.

    Returns
    -------
    pandas.DataFrame
        n rows, from Rec. 601 luma in [0, 1]:

        =============== ==================================================================
        brightness      mean
        contrast        standard deviation
        background      mean of the upper corners, an eighth of the height and width each
        light_from_left mean of the left half of the middle (centre half of the height and
                        width) minus its right half, in [-1, 1]
        pose            where the vertical edges lie between left (-1) and right (1) in the
                        middle, weighted by strength: a proxy of yaw, since a turned face
                        shows more features on one side of it
        =============== ==================================================================

    Raises
    ------
    GammaFaceError
        For other shapes, or values outside [-1, 1].
    """
    images = np.asarray(images, dtype=np.float32)
    if images.ndim != 4 or images.shape[1] != 3 or min(images.shape[2:]) < 8 or abs(images).max() > 1.001:
        raise GammaFaceError(
            f"images of shape {images.shape}", fix="Give (n, 3, h, w) in [-1, 1], 8 x 8 pixels or more."
        )
    luma = np.einsum("nchw,c->nhw", (images + 1) / 2, np.float32(LUMA))
    h, w = luma.shape[1:]
    corners = np.concatenate([luma[:, : h // 8, : w // 8], luma[:, : h // 8, w - w // 8 :]], axis=2)
    middle = luma[:, h // 4 : h - h // 4, w // 4 : w - w // 4]
    half = middle.shape[2] // 2
    edges = abs(np.diff(middle, axis=2)).sum(axis=1)  # (n, columns)
    places = np.linspace(-1, 1, edges.shape[1])
    return pd.DataFrame(
        {
            "brightness": luma.mean((1, 2)),
            "contrast": luma.std((1, 2)),
            "background": corners.mean((1, 2)),
            "light_from_left": middle[:, :, :half].mean((1, 2)) - middle[:, :, -half:].mean((1, 2)),
            "pose": edges @ places / np.maximum(edges.sum(axis=1), 1e-6),
        }
    )


def as_classes(column: pd.Series) -> tuple[np.ndarray, np.ndarray, list]:
    """Rows that have a value, their classes 0.., and what the classes are called.

    Numbers with more than ten values are cut into five groups of about equal size.
    """
    kept = np.flatnonzero(column.notna().to_numpy())
    values = column.iloc[kept]
    if pd.api.types.is_numeric_dtype(values) and values.nunique() > 10:
        values = pd.qcut(values, BINS, duplicates="drop").astype(str)
    codes, names = pd.factorize(values, sort=True)
    return kept, codes, list(names)


def check_beside(rows: np.ndarray, attributes: pd.DataFrame) -> np.ndarray:
    """Refuse rows (n, ...) that do not lie beside a table of n rows."""
    rows = np.asarray(rows)
    if len(rows) != len(attributes) or not len(attributes.columns):
        raise GammaFaceError(
            f"{len(rows)} rows beside a table of {len(attributes)} rows, {len(attributes.columns)} columns",
            fix="Give one table row per latent and at least one attribute.",
        )
    return rows


def _counts(groups: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Contingency table (groups, classes) of two codings 0.."""
    shape = (groups.max() + 1, codes.max() + 1)
    return np.bincount(groups * shape[1] + codes, minlength=shape[0] * shape[1]).reshape(shape)


def _permutation_p(
    groups: np.ndarray, codes: np.ndarray, permutations: int, seed: int
) -> tuple[float, float]:
    """The share of permutations with as much information, and its smooth tail."""
    rng = np.random.default_rng(seed)
    counts = _counts(groups, codes)
    # The margins stay, so that mutual information is the sum of c log c up to a constant.
    fixed = sum(xlogy(m, m).sum() for m in (counts.sum(0), counts.sum(1))) - xlogy(len(codes), len(codes))
    observed = xlogy(counts, counts).sum() - fixed
    drawn = np.empty(permutations)
    for i in range(permutations):
        counts = _counts(rng.permutation(groups), codes)
        drawn[i] = xlogy(counts, counts).sum() - fixed
    p = (1 + int((drawn >= observed - 1e-9 * abs(fixed)).sum())) / (1 + permutations)
    if not (spread := drawn.var()) > 0:
        return p, p
    # Under independence 2 n MI is nearly chi-squared, a gamma: its moments are the permutations'.
    scale = spread / drawn.mean()
    return p, float(gamma.sf(observed, drawn.mean() / scale, scale=scale))
