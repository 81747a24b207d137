from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from gammaface import GammaFaceError
from gammaface.attributes import Calibration
from gammaface.labelling.hand_labels import (
    CANNOT_TELL,
    answers_of,
    beside,
    confusion,
    confusion_table,
    corrected_shares,
    order,
    place_of,
    recalls_for,
    recalls_from,
    record,
)
from gammaface.shares.people import CLASSES
from gammaface.workspace import Run, writing
from tests.tiny_attributes import matrix

WORDS = CLASSES["gender"]


@dataclass(frozen=True)
class Classifier:
    """What recalls are asked of: a hash, and what validation said."""

    hash: str = "c" * 64
    calibration: dict = field(
        default_factory=lambda: {
            name: Calibration(confusion=matrix(len(words)), n=(50,) * len(words))
            for name, words in CLASSES.items()
        }
    )


@pytest.fixture
def study(tmp_path) -> Run:
    path = tmp_path / "home" / "first"
    with writing(path, kind="study", config={"model": "tiny"}, weights={"tiny": "w" * 64}):
        pass
    return Run.open(path)


def known(words: list[str], classifier: str = "c" * 64) -> pd.DataFrame:
    table = pd.DataFrame({"seed": range(len(words)), "gender": pd.Categorical(words, categories=WORDS)})
    table.attrs["classifier"] = classifier
    return table


def given(words: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"seed": range(len(words)), "answer": words})


def test_the_order_is_random_but_its_own():
    first = order(range(500))
    assert first == order(np.arange(500)[::-1]) and len(set(first)) == 200
    assert first != sorted(first) and order(range(500), seed=1) != first


def test_answers_lie_on_disk_and_come_back(study, tmp_path):
    place = place_of(tmp_path / "home", study, "gender")
    assert answers_of(place).empty
    record(place, study, "gender", given(["female", CANNOT_TELL]), known=known(["male", "male"]))
    again = answers_of(place)
    assert again["answer"].tolist() == ["female", CANNOT_TELL]
    assert again["predicted"].tolist() == ["male", "male"]
    run = Run.open(place)
    assert (run.manifest.kind, run.manifest.state) == ("hand-labels", "done")
    assert run.manifest.config == {"of": "first", "model": "tiny", "attribute": "gender"}
    longer = pd.concat([again, pd.DataFrame([{"seed": 7, "answer": "male"}])], ignore_index=True)
    record(place, study, "gender", longer)
    last = answers_of(place)
    assert last["seed"].tolist() == [0, 1, 7] and pd.isna(last["predicted"].iloc[2])
    record(place, study, "gender", last.iloc[:-1])  # undone
    assert answers_of(place)["seed"].tolist() == [0, 1]


def test_two_writers_do_not_mix(study, tmp_path):
    place = place_of(tmp_path / "home", study, "gender")
    with writing(
        place,
        kind="hand-labels",
        config={"of": "first", "model": "tiny", "attribute": "gender"},
        weights=study.manifest.weights,
    ):
        with pytest.raises(GammaFaceError, match="another process"):
            record(place, study, "gender", given(["female"]))


def test_a_newer_classifiers_answers_replace_the_older():
    old = beside(given(["female", "male"]), "gender", known(["male"], "old"))
    assert old["predicted"].tolist()[0] == "male" and pd.isna(old["predicted"].iloc[1])
    new = beside(old, "gender", known(["female", "male"], "new"))
    assert new["predicted"].tolist() == ["female", "male"] and set(new["classifier"]) == {"new"}


def test_confusion_has_the_persons_class_in_its_columns():
    answers = beside(
        given(["female", "female", "male", CANNOT_TELL]),
        "gender",
        known(["female", "male", "male", "male"]),
    )
    assert confusion(answers, WORDS).tolist() == [[1, 0], [1, 1]]
    table = confusion_table(answers, WORDS)
    assert table["n"].tolist() == [2, 2, 1, 1] and table["note"].iloc[0] == "2 faces, under 30"
    assert (table["low"] <= table["share"]).all() and (table["share"] <= table["high"]).all()


def answers(n: int, *, right: float = 0.8) -> pd.DataFrame:
    """n faces of each class, of which the classifier names a part right."""
    said = []
    for own, other in (WORDS, WORDS[::-1]):
        hits = round(n * right)
        said += [own] * hits + [other] * (n - hits)
    return beside(given([w for w in WORDS for _ in range(n)]), "gender", known(said))


def test_recalls_need_enough_of_every_class_and_name_the_small_ones():
    assert recalls_from(answers(9), WORDS) is None
    few = recalls_from(answers(10), WORDS)
    assert few.matrix == pytest.approx(np.array([[0.8, 0.2], [0.2, 0.8]]))
    assert "only 10 are female" in few.source
    assert recalls_from(answers(40), WORDS).source == "80 generated faces labelled by hand"


def test_audits_use_hand_recalls_of_this_classifier_and_generator_first(study, tmp_path):
    home, classifier = tmp_path / "home", Classifier()
    real = recalls_for(classifier, home)
    assert set(real) == set(CLASSES) and not any(r.by_hand for r in real.values())
    assert real["gender"].source == "100 answers on real validation faces"
    record(place_of(home, study, "gender"), study, "gender", answers(40))
    hand = recalls_for(classifier, home, generator="w" * 64)
    assert hand["gender"].by_hand and hand["gender"].matrix[0, 0] == pytest.approx(0.8)
    assert not hand["race"].by_hand
    assert not recalls_for(classifier, home, generator="other")["gender"].by_hand
    assert not recalls_for(Classifier(hash="new"), home)["gender"].by_hand


def test_a_damaged_run_of_answers_stops_no_audit(study, tmp_path):
    home = tmp_path / "home"
    place = place_of(home, study, "gender")
    record(place, study, "gender", answers(40))
    (place / "tables" / "answers.parquet").write_bytes(b"PAR1")
    assert not recalls_for(Classifier(), home)["gender"].by_hand


def test_validation_without_a_class_gives_no_recalls(tmp_path):
    calibration = Classifier().calibration | {"hair": Calibration()}
    assert "hair" not in recalls_for(Classifier(calibration=calibration), tmp_path)


def test_corrected_shares_stand_beside_the_persons():
    labels = known(["female"] * 62 + ["male"] * 38)
    table = corrected_shares(labels, "gender", answers(40), np.array(matrix(2)))
    female = table[table["value"] == "female"].set_index("group")["share"]
    assert female["Classifier (n = 100)"] == 0.62
    assert female["Corrected, recalls on real faces"] == pytest.approx((0.62 - 0.1) / 0.8)
    assert female["Corrected, recalls by hand"] == pytest.approx((0.62 - 0.2) / 0.6)
    assert female["Person (n = 80)"] == 0.5
    few = corrected_shares(labels, "gender", answers(5), None)
    assert set(few["group"]) == {"Classifier (n = 100)", "Person (n = 10)"}
