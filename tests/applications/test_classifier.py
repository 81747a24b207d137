"""Audits of classifiers whose faults are known, on toy faces whose groups are known."""

import numpy as np
import pytest
import torch

from gammaface import GammaFaceError
from gammaface.applications.classifier import DISTANCES, SHOWN, ClassifierOptions, audit_classifier
from gammaface.applications.groupwise import largest_gap, mean_rows, rate_rows
from gammaface.strategies import Reader
from tests.strategies.toy import labeller, toy

ASKED = ClassifierOptions(
    attribute="side", groups=("level",), along="level:high", n=120, moved=40, pilot=120, steps=8, seed=0
)


def faulty() -> Reader:
    """Names the side rightly for low faces; a high face is always 'left', half sure."""
    honest = labeller()

    def read(images):
        found = honest.probabilities(images)
        high = found["level"].argmax(1) == 1
        side = np.where(high[:, None], [0.6, 0.4], found["side"])
        return {"side": side}

    return Reader({"side": ("left", "right")}, read)


@pytest.fixture(scope="module")
def face():
    return toy(("side", "level"), [0.3, 0.2, 0.3, 0.2])


@pytest.fixture(scope="module")
def run(face, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "trial"
    return audit_classifier(face.generator, face.labeller, faulty(), ASKED, out=out, name="faulty")


def test_groups_are_even_and_errors_are_the_faults(run):
    faces = run.table("faces")
    assert faces["group"].value_counts().to_dict() == {"low": 60, "high": 60}
    errors = run.table("groups").query("measure == 'error'").set_index("group")
    high = faces[faces["group"] == "high"]
    assert errors.at["low", "share"] == 0
    assert errors.at["high", "share"] == (high["truth"] == "right").mean() > 0.2
    assert errors.at["high", "low"] < errors.at["high", "share"] < errors.at["high", "high"]
    sure = run.table("groups").query("measure == 'confidence'").set_index("group")
    assert sure.at["high", "share"] == pytest.approx(0.6) and sure.at["low", "share"] > 0.9


def test_gaps_are_told_from_chance(run):
    gaps = run.table("gaps").set_index("measure")
    assert gaps.at["error", "most"] == "high" and gaps.at["error", "p"] < 0.01
    assert gaps.at["error", "low"] < gaps.at["error", "gap"] < gaps.at["error", "high"]
    said = " ".join(run.table("sentences")["sentence"])
    assert "between high and low, more than chance" in said


def test_answers_flip_along_the_direction_and_only_there(run):
    """Moved towards high, right faces turn 'left'; towards low, high ones are read rightly."""
    flips = run.table("flips").set_index("distance")
    assert flips.at[0, "flipped"] == 0 and flips.index.tolist() == list(DISTANCES)
    moved = run.table("moved")
    pivot = moved.pivot(index="seed", columns="distance", values="answer")
    right = pivot[0] == "right"
    assert (pivot.loc[right, DISTANCES[-1]] == "left").mean() > 0.8
    assert flips.at[3, "along"] > 0.9 and flips.at[-3, "along"] < 0.1
    assert flips.at[3, "low"] < flips.at[3, "share"] < flips.at[3, "high"]
    pictures = list((run.path / "images").glob("d*/*.png"))
    assert len(pictures) == SHOWN * len(DISTANCES)


def test_a_sound_classifier_is_not_accused(face, tmp_path):
    run = audit_classifier(face.generator, face.labeller, labeller(), ASKED, out=tmp_path / "run")
    assert (run.table("groups").query("measure == 'error'")["share"] == 0).all()
    assert run.table("flips")["share"].max() < 0.15, "the side does not lie along the level"
    assert "no more than chance" in " ".join(run.table("sentences")["sentence"])


def test_it_continues_where_it_stopped(face, tmp_path):
    class Stop(Exception):
        pass

    def stop(stage, done, total):
        if stage == "moving":
            raise Stop

    with pytest.raises(Stop):
        audit_classifier(face.generator, face.labeller, faulty(), ASKED, out=tmp_path / "run", report=stop)
    face.unet.rows = 0
    again = audit_classifier(face.generator, face.labeller, faulty(), ASKED, out=tmp_path / "run")
    fresh = audit_classifier(face.generator, face.labeller, faulty(), ASKED, out=tmp_path / "two")
    assert again.table("faces").equals(fresh.table("faces"))
    assert again.table("flips").equals(fresh.table("flips"))


def test_an_attribute_that_the_labeller_does_not_name_has_no_error(face, tmp_path):
    def read(images: torch.Tensor):
        light = (images.mean((1, 2, 3)) > 0).numpy()
        return {"light": np.stack([~light, light], axis=1) * 0.8 + 0.1}

    odd = Reader({"light": ("dark", "bright")}, read)
    asked = ClassifierOptions(**(vars(ASKED) | {"attribute": "light"}))
    run = audit_classifier(face.generator, face.labeller, odd, asked, out=tmp_path / "run")
    assert run.table("faces")["wrong"].isna().all()
    assert "No error is told" in " ".join(run.table("sentences")["sentence"])


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"along": "side:left"}, "cannot be moved along 'side:left' while side is judged"),
        ({"along": "level"}, "cannot be moved along 'level'"),
        ({"pilot": 2}, "pilot=2"),
    ],
)
def test_slips_are_refused(changes, words):
    with pytest.raises(GammaFaceError, match=words):
        ClassifierOptions(**(vars(ASKED) | changes))


def test_what_nobody_names_is_refused(face, tmp_path):
    asked = ClassifierOptions(**(vars(ASKED) | {"along": "level:middle"}))
    with pytest.raises(GammaFaceError, match="has no level 'middle'"):
        audit_classifier(face.generator, face.labeller, faulty(), asked, out=tmp_path / "run")
    asked = ClassifierOptions(**(vars(ASKED) | {"attribute": "mood"}))
    with pytest.raises(GammaFaceError, match="does not name the attribute 'mood'"):
        audit_classifier(face.generator, face.labeller, faulty(), asked, out=tmp_path / "two")


def test_rates_and_gaps():
    groups = np.repeat(np.array(["a", "b"], dtype=object), 50)
    flags = np.repeat([0.0, 1.0], 50)
    flags[0] = np.nan
    table = rate_rows(flags, groups).set_index("group")
    assert table.at["a", "n"] == 49 and table.at["b", "share"] == 1 and table.at["b", "low"] < 1
    assert largest_gap(flags, groups)["gap"] == 1
    assert np.isnan(largest_gap(flags[:60], groups[:60])["gap"]), "a group of 10 was compared"
    means = mean_rows(np.arange(100.0), groups)
    assert means["mean"].tolist() == [24.5, 74.5] and (means["low"] < means["mean"]).all()
