"""Long tails, and labelled pictures of any classes."""

import numpy as np
import pandas as pd
import pytest
import torch

from gammaface import GammaFaceError
from gammaface.datasets.long_tail import (
    ClassImages,
    digits,
    read_class_images,
    tail_counts,
    thin_classes,
)
from tests.datasets.class_folder import write_class_images


@pytest.fixture
def folder(tmp_path):
    source = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (12, 3, 8, 8), dtype=torch.uint8, generator=source)
    codes, test = np.arange(12) % 3, np.arange(12) >= 6
    write_class_images(tmp_path / "set", ClassImages(pixels, codes, ("cat", "dog", "owl"), test))
    return tmp_path / "set"


def edit(folder, change) -> None:
    table = pd.read_csv(folder / "labels.csv")
    change(table).to_csv(folder / "labels.csv", index=False)


def test_the_published_tail():
    counts = tail_counts(5000, 10, beta=0.1)
    assert counts.sum() == 20_431 and counts[0] == 5000 and counts[-1] == 500
    assert tail_counts(7, 3, beta=1).tolist() == [7, 7, 7]
    for wrong in ({"n_max": 5, "k": 3, "beta": 0.01}, {"n_max": 5, "k": 1, "beta": 0.5}):
        with pytest.raises(GammaFaceError):
            tail_counts(**wrong)
    for beta in (0, -1, 1.5, float("nan")):
        with pytest.raises(GammaFaceError, match="beta"):
            tail_counts(10, 2, beta=beta)


def test_thinning_keeps_the_counts_and_depends_on_its_seed():
    codes = np.repeat(np.arange(3), [40, 50, 60])
    rows = thin_classes(codes, 3, beta=0.25)
    assert np.bincount(codes[rows]).tolist() == [40, 20, 10]
    assert np.array_equal(rows, thin_classes(codes, 3, beta=0.25))
    assert not np.array_equal(rows, thin_classes(codes, 3, beta=0.25, seed=1))
    with pytest.raises(GammaFaceError, match="class without images"):
        thin_classes(np.array([0, 0, 2]), 3, beta=0.5)


def test_a_folder_is_read_as_it_was_written(folder):
    found = read_class_images(folder)
    assert found.classes == ("cat", "dog", "owl") and found.counts().tolist() == [4, 4, 4]
    assert found.pixels.shape == (12, 3, 8, 8) and found.test.sum() == 6
    assert read_class_images(folder / "labels.csv", resolution=16).pixels.shape[-1] == 16
    tail = found.long_tailed(0.5)
    assert tail.select(~tail.test).counts().tolist() == [2, 1, 1]
    assert tail.select(tail.test).counts().tolist() == [2, 2, 2]


def test_without_splits_a_fifth_of_each_class_is_kept_for_testing(folder):
    edit(folder, lambda table: table.drop(columns="split"))
    found = read_class_images(folder)
    assert found.select(found.test).counts().tolist() == [1, 1, 1]
    edit(folder, lambda table: table[table.groupby("class").cumcount() < 2])
    with pytest.raises(GammaFaceError, match="has no test picture"):
        read_class_images(folder)


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda t: t.assign(**{"class": t["class"].where(t.index > 1)}), "2 pictures have no class"),
        (lambda t: t.rename(columns={"class": "kind"}), "needs the classes in 'class'"),
        (lambda t: t.assign(file="none.png"), "a picture that the CSV names is missing"),
        (lambda t: t[(t["class"] != "owl") | (t["split"] == "test")], "the class 'owl' has no training"),
        (lambda t: t.assign(**{"class": "cat"}), "fewer than two classes"),
        (lambda t: t.iloc[:0], "0 rows"),
    ],
)
def test_what_cannot_be_used_is_named(folder, change, words):
    edit(folder, change)
    with pytest.raises(GammaFaceError, match=words):
        read_class_images(folder)


def test_a_folder_without_a_csv_and_a_broken_picture(folder, tmp_path):
    with pytest.raises(GammaFaceError, match="0 CSV files"):
        read_class_images(tmp_path)
    (folder / "000000.png").write_bytes(b"nothing")
    with pytest.raises(GammaFaceError, match="cannot be read"):
        read_class_images(folder)


def test_the_digits_are_made_long_tailed():
    every = digits()
    assert every.counts().sum() == 1797 and every.select(every.test).counts().tolist() == [60] * 10
    tail = every.long_tailed(0.1)
    n_max = every.select(~every.test).counts().min()
    assert tail.select(~tail.test).counts().tolist() == tail_counts(n_max, 10, beta=0.1).tolist()
