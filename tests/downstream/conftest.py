"""A toy face set of coloured squares, generated sets beside it, and quick predictions."""

from __future__ import annotations

import io
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from gammaface.baselines import Recipe
from gammaface.downstream.bench import Bench, Sizes
from gammaface.downstream.cells import Cell, Stored, predictions_table, write_cell
from gammaface.downstream.labelled import read_labelled
from gammaface.downstream.tables import write_tables
from gammaface.training.face_sets import load_face_set
from gammaface.workspace import Run, writing
from tests.baselines.toy import SIDE, squares

QUICK = Recipe(
    backbone="tiny",
    resolution=SIDE,
    images=192,
    batch_size=32,
    learning_rate=3e-3,
    validate_every=96,
    augmentation="none",
)


def people(n: int, *, agree: float, seed: int) -> tuple[np.ndarray, pd.DataFrame]:
    """Pictures uint8 (n, 3, 16, 16) and words; age goes with gender for a share `agree`."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    old = np.where(rng.random(n) < agree, y, 1 - y)
    labels = pd.DataFrame(
        {
            "gender": np.where(y, "male", "female"),
            "race": rng.choice(["white", "black", "asian"], n, p=[0.5, 0.3, 0.2]),
            "young60": np.where(old, "old", "young"),
        }
    )
    return squares(y, old, seed=seed, contrast=0.3).numpy(), labels


def save_labelled(folder: Path, images: np.ndarray, labels: pd.DataFrame) -> None:
    """Write a folder for `read_labelled`; images are (n, 3, H, H)."""
    folder.mkdir(parents=True)
    np.save(folder / "images.npy", images, allow_pickle=False)
    labels.to_parquet(folder / "labels.parquet")


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels.transpose(1, 2, 0)).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """Path of a Parquet file in the layout of a labelled set."""
    images, labels = people(420, agree=0.9, seed=0)
    labels["image"] = [{"bytes": png(image), "path": f"{i}.png"} for i, image in enumerate(images)]
    labels["identity"] = np.arange(420)
    labels["split"] = ["train"] * 240 + ["test"] * 180
    labels.loc[5, "young60"] = None
    file = tmp_path_factory.mktemp("faces") / "utkface.parquet"
    labels.to_parquet(file)
    return file


@pytest.fixture(scope="session")
def sets(tmp_path_factory):
    """Folders of generated faces by strategy."""
    found = {}
    for seed, name in enumerate(("plain", "component-uniform"), start=1):
        images, labels = people(260, agree=0.6, seed=seed)
        sure = np.random.default_rng(seed).uniform(0.5, 1, 260)
        folder = tmp_path_factory.mktemp("generated") / name
        save_labelled(folder, images, labels.assign(gender_p=sure, race_p=1.0, young60_p=1.0))
        found[name] = folder
    return found


@pytest.fixture
def make_bench(data, sets):
    def make(**changes) -> Bench:
        options = {"recipe": QUICK, "sizes": Sizes(per_class=80)} | changes
        generated = options.pop("generated", {n: [read_labelled(p)] for n, p in sets.items()})
        return Bench({"utkface": load_face_set("utkface", data, seed=0)}, generated, **options)

    return make


def stored(
    method: str, seed: int, *, right: tuple[float, float], n: int = 600, target: str = "gender", **mix
) -> Stored:
    """Made-up predictions that are right for a share of the young and of the old."""
    truth = np.random.default_rng(0)
    y, old = truth.integers(0, 2, (2, n))
    rng = np.random.default_rng([seed, len(method)])
    hit = rng.random(n) < np.where(old, right[1], right[0])
    p = np.where(hit, y, 1 - y)
    labels = pd.DataFrame(
        {
            "gender": pd.Categorical.from_codes(y, ["female", "male"]),
            "age": pd.Categorical.from_codes(old, ["young", "old"]),
            "race": pd.Categorical.from_codes(truth.integers(0, 2, n), ["white", "black", "other"]),
        }
    )
    sure = rng.uniform(0.5, 1, n)
    scores = np.column_stack([np.where(p == c, sure, 1 - sure) for c in (0, 1)])
    cell = Cell("utkface", target, method, seed, **mix)
    counted = [
        {"gender": g, "age": a, "race": r, "n": 10 + 5 * (a == "old")}
        for g in ("female", "male")
        for a in ("young", "old")
        for r in ("white", "black")
    ]
    facts = {"originals": counted, "per_class": 80, "n_original": 80, "n_generated": 80, "images_seen": 9}
    return Stored(cell, {}, facts, 1.0, predictions_table(np.arange(n), labels, "gender", scores))


EVEN = {"source": "component-uniform", "share": 0.5}
PLAIN = {"source": "plain", "share": 0.5}


def made_up_study(out: Path) -> Run:
    """A study of made-up predictions: four methods, two mixing ratios, four seeds."""
    config = {"data": {"utkface": "0"}, "recipe": asdict(QUICK), "sizes": {}}
    arms = (
        ("gamma-face", (0.85, 0.85), EVEN),
        ("gamma-face", (0.7, 0.6), EVEN | {"share": 1.0}),
        ("plain-augment", (0.9, 0.8), PLAIN),
        ("group-reweigh", (0.85, 0.84), {}),
        ("baseline", (0.95, 0.7), {}),
    )
    with writing(out, kind="downstream", config=config) as run:
        for method, right, mix in arms:
            for seed in range(4):
                cell = stored(method, seed, right=right, n=240, **mix)
                write_cell(run.path, **{f.name: getattr(cell, f.name) for f in fields(cell)})
        write_tables(run, resamples=20)
    return Run.open(out)
