"""Labelled image sets of any classes, and long tails cut from them.

A set is a folder of pictures and one CSV beside them that names the files, their class and,
if it likes, their split (``train`` or ``test``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from gammaface.datasets.layouts import NAME_COLUMNS
from gammaface.datasets.pictures import decode_image, open_picture
from gammaface.errors import GammaFaceError

TEST_SHARE = 0.2  # of each class, where a set knows no splits
DIGITS_TEST = 60  # of each digit


@dataclass(frozen=True)
class ClassImages:
    """Pictures with one class each.

    Attributes
    ----------
    pixels : torch.Tensor
        uint8 (n, 3, H, H).
    codes : numpy.ndarray
        (n,) class numbers.
    classes : tuple of str
        In words.
    test : numpy.ndarray
        (n,) whether the picture is kept for measuring.
    """

    pixels: torch.Tensor
    codes: np.ndarray
    classes: tuple[str, ...]
    test: np.ndarray

    def select(self, rows: np.ndarray) -> ClassImages:
        """The pictures of a boolean mask or of row numbers."""
        rows = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows)
        pixels = self.pixels[torch.from_numpy(rows)]
        return replace(self, pixels=pixels, codes=self.codes[rows], test=self.test[rows])

    def counts(self) -> np.ndarray:
        """Pictures of each class, (K,)."""
        return np.bincount(self.codes, minlength=len(self.classes))

    def long_tailed(self, beta: float, *, seed: int = 0) -> ClassImages:
        """Its training pictures thinned to a long tail, the test ones untouched."""
        train = np.flatnonzero(~self.test)
        kept = train[thin_classes(self.codes[train], len(self.classes), beta=beta, seed=seed)]
        return self.select(np.sort(np.concatenate([kept, np.flatnonzero(self.test)])))


def tail_counts(n_max: int, k: int, *, beta: float) -> np.ndarray:
    r"""Images of each class in a long tail, the first class the most.

    .. math:: n_i = \lfloor n_{max} \beta^{i/(K-1)} \rfloor

    Source: GAN rebalancing, sec. 4 (CIFAR10-LT), after Cui et al. 2019.

    Parameters
    ----------
    n_max : int
        Images of the first class.
    k : int
        Classes.
    beta : float
        Share of n_max that the last class keeps, in (0, 1].

    Raises
    ------
    GammaFaceError
        For fewer than 2 classes, a beta outside (0, 1], or a class left without images.

    Examples
    --------
    >>> int(tail_counts(5000, 10, beta=.1).sum()), tail_counts(100, 3, beta=.25).tolist()
    (20431, [100, 50, 25])
    """
    if k < 2 or not 0 < beta <= 1:
        raise GammaFaceError(
            f"a long tail of {k} classes with beta={beta}", fix="Give 2 classes or more, 0 < beta <= 1."
        )
    # Rounded first, so that an exact power is not cut to the number below.
    counts = np.floor(np.round(n_max * beta ** (np.arange(k) / (k - 1)), 9)).astype(int)
    if counts[-1] < 1:
        raise GammaFaceError(
            f"beta={beta} leaves a class without images", fix="Give a larger beta, or more images."
        )
    return counts


def thin_classes(codes: np.ndarray, k: int, *, beta: float, seed: int = 0) -> np.ndarray:
    """Rows of a long tail among labelled rows, ascending; n_max is the smallest class's n.

    Raises
    ------
    GammaFaceError
        As `tail_counts`, and for a class without rows.
    """
    counts = tail_counts(int(np.bincount(codes, minlength=k).min()), k, beta=beta)
    rng = np.random.default_rng(seed)
    kept = [rng.permutation(np.flatnonzero(codes == i))[:n] for i, n in enumerate(counts)]
    return np.sort(np.concatenate(kept))


def read_class_images(
    path: Path | str, *, label: str = "class", resolution: int | None = None, seed: int = 0
) -> ClassImages:
    """Read a folder with one CSV, or that CSV.

    Parameters
    ----------
    label : str
        The CSV's column of classes; any words or numbers.
    resolution : int, optional
        Side in pixels; by default that of the first picture.
    seed : int
        Draws a fifth of each class for testing, where there is no column ``split``.

    Raises
    ------
    GammaFaceError
        No CSV or column, rows without a class, missing or broken pictures, fewer than two
        classes, a class without training or test pictures.
    """
    table, folder = _read_table(Path(path), label)
    name = next(c for c in NAME_COLUMNS if c in table)
    unlabelled = table[label].str.strip() == ""
    if unlabelled.any():
        raise GammaFaceError(
            f"{int(unlabelled.sum())} pictures have no class in the column '{label}'; the first:"
            f" {table.loc[unlabelled, name].iloc[0]}",
            where=path,
            fix="Label them, or leave their rows out.",
        )
    pictures = []
    for file in table[name]:
        try:
            data = (folder / file).read_bytes()
        except OSError:
            raise GammaFaceError(
                "a picture that the CSV names is missing", where=folder / file, fix="Add it, or its row goes."
            ) from None
        if resolution is None:
            resolution = _side(data, file)
        pictures.append(decode_image(data, name=file, resolution=resolution))
    words, codes = np.unique(table[label].str.strip(), return_inverse=True)
    pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()
    test = _drawn_test(codes, seed) if "split" not in table else (table["split"] != "train").to_numpy()
    found = ClassImages(pixels, codes, tuple(map(str, words)), test)
    _check(found, path)
    return found


def digits(*, seed: int = 0) -> ClassImages:
    """scikit-learn's 1,797 handwritten digits, 8x8 grey pictures; 60 of each digit for testing."""
    from sklearn.datasets import load_digits

    data = load_digits()
    grey = torch.from_numpy((data.images * (255 / 16)).round().astype(np.uint8))
    pixels = grey[:, None].expand(-1, 3, -1, -1).contiguous()
    rng = np.random.default_rng(seed)
    test = np.zeros(len(grey), dtype=bool)
    for digit in range(10):
        test[rng.permutation(np.flatnonzero(data.target == digit))[:DIGITS_TEST]] = True
    return ClassImages(pixels, data.target.astype(np.int64), tuple(map(str, range(10))), test)


def _read_table(path: Path, label: str) -> tuple[pd.DataFrame, Path]:
    files = [path] if path.is_file() else sorted(path.glob("*.csv"))
    if len(files) != 1:
        raise GammaFaceError(f"{len(files)} CSV files lie here", where=path, fix="Give the CSV itself.")
    try:
        table = pd.read_csv(files[0], dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise GammaFaceError(
            f"this is not a readable CSV: {error}", where=files[0], fix="Give a CSV with a header line."
        ) from None
    if label not in table or not any(c in table for c in NAME_COLUMNS) or table.empty:
        raise GammaFaceError(
            f"the CSV has {len(table)} rows and the columns {', '.join(map(str, table.columns))}",
            where=files[0],
            fix=f"It needs the classes in '{label}' and file names in one of {', '.join(NAME_COLUMNS)}.",
        )
    return table, files[0].parent


def _side(data: bytes, name: str) -> int:
    """The shorter side of a picture."""
    decode_image(data, name=name, resolution=1)  # refuses what is no picture
    with open_picture(data) as image:
        return min(image.size)


def _drawn_test(codes: Sequence[int], seed: int) -> np.ndarray:
    rng, test = np.random.default_rng(seed), np.zeros(len(codes), dtype=bool)
    for code in np.unique(codes):
        rows = rng.permutation(np.flatnonzero(codes == code))
        test[rows[: round(TEST_SHARE * len(rows))]] = True
    return test


def _check(images: ClassImages, path) -> None:
    if len(images.classes) < 2:
        raise GammaFaceError("there are fewer than two classes", where=path, fix="Give two or more.")
    for part, words in ((~images.test, "training"), (images.test, "test")):
        counts = images.select(part).counts()
        if (counts == 0).any():
            raise GammaFaceError(
                f"the class '{images.classes[int(counts.argmin())]}' has no {words} picture",
                where=path,
                fix="Add some, or leave the class out.",
            )
