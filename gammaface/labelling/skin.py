"""Skin tone as the individual typology angle (ITA) of the cheeks: a measurement, not a label.

Limits: it measures the picture, not the person. Light, white balance, make-up and the
camera move it by tens of degrees; it holds for comparing groups of pictures made alike. The
cheeks are looked for where a tight, upright, frontal framing (UTKFace's, and the bundled
generator's) has them; other framings need other `regions`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from gammaface.errors import GammaFaceError
from gammaface.shares.people import BANDS

# Left, top, right, bottom of each cheek as fractions of the picture.
CHEEKS = ((0.20, 0.52, 0.36, 0.68), (0.64, 0.52, 0.80, 0.68))
TO_XYZ = np.array(  # sRGB, IEC 61966-2-1, D65
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = TO_XYZ.sum(1)


def to_lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB (..., 3) under D65 from sRGB (..., 3) in [0, 1].

    Examples
    --------
    >>> abs(to_lab(np.array([1.0, 1.0, 1.0])).round(3)).tolist()
    [100.0, 0.0, 0.0]
    """
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    ratio = linear @ TO_XYZ.T / WHITE
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def typology_angle(
    images: torch.Tensor, *, regions: tuple[tuple[float, float, float, float], ...] = CHEEKS
) -> pd.DataFrame:
    r"""Individual typology angle of each face.

    .. math:: ITA = \arctan((L^* - 50) / b^*) \cdot 180 / \pi

    The median colour over the cheeks stands for the skin, which glints, hair and beard at
    the edges hardly move. Source: Chardon et al. 1991.

    Parameters
    ----------
    images : float tensor of shape (n, 3, H, W)
        sRGB in [-1, 1], tight and frontal.
    regions : tuple of boxes
        Where the cheeks are, (left, top, right, bottom) as fractions.

    Returns
    -------
    DataFrame
        ``ita`` in degrees, -90 (darkest) to 90; ``tone`` in words; ``lightness`` L* (0 to
        100), ``b`` (blue to yellow). Where b* is 0 or less the skin shows no yellow, the
        angle means nothing, and ``ita`` and ``tone`` are missing.

    Raises
    ------
    GammaFaceError
        For another shape, or a region outside the picture or empty at this size.

    Examples
    --------
    >>> grey_beige = torch.tensor([0.76, 0.58, 0.47]).view(1, 3, 1, 1).expand(1, 3, 32, 32) * 2 - 1
    >>> table = typology_angle(grey_beige)
    >>> table["tone"].tolist(), round(float(table["ita"][0]))
    (['intermediate'], 35)
    """
    if images.ndim != 4 or images.shape[1] != 3:
        raise GammaFaceError(f"images of shape {tuple(images.shape)}", fix="Give (n, 3, H, W) in [-1, 1].")
    height, width = images.shape[2:]
    parts = []
    for left, top, right, bottom in regions:
        part = images[
            :, :, round(top * height) : round(bottom * height), round(left * width) : round(right * width)
        ]
        if min(left, top) < 0 or max(right, bottom) > 1 or not part[:1].numel() and len(images):
            raise GammaFaceError(
                f"the region {(left, top, right, bottom)} is empty or outside",
                fix="Give left < right and top < bottom, in [0, 1].",
            )
        parts.append(part.flatten(2))
    pixels = torch.cat(parts, dim=2).clamp(-1, 1).double().numpy().transpose(0, 2, 1)
    lightness, _, b = np.median(to_lab((pixels + 1) / 2), axis=1).T
    ita = np.where(b > 0, np.degrees(np.arctan2(lightness - 50, b)), np.nan)
    edges = [-90.1, *sorted(BANDS.values())[1:], 90.1]
    tone = pd.cut(ita, edges, right=False, labels=list(reversed(BANDS)))
    return pd.DataFrame({"ita": ita, "tone": tone, "lightness": lightness, "b": b})
