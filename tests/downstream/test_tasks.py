import numpy as np
import pandas as pd
import pytest

from gammaface import GammaFaceError
from gammaface.datasets.schema import typed
from gammaface.downstream.tasks import TASKS, class_size, get_task, parse_tasks


def test_the_papers_pairs():
    assert TASKS["celeba"] == TASKS["ffhq"] and TASKS["utkface"] == TASKS["fairface"]
    assert {t: set(p) for t, p in TASKS["ffhq"].items()} == {
        "smile": {"age", "gender"},
        "glasses": {"age", "gender"},
        "hair": {"age", "gender"},
    }
    assert {t: set(p) for t, p in TASKS["fairface"].items()} == {
        "gender": {"age", "race"},
        "race": {"age", "gender"},
        "age": {"race", "gender"},
    }


def test_labels_are_the_presets_columns():
    rows = typed(pd.DataFrame({"gender": ["male", "female"], "race": ["asian", "white"], "age": [70, 20]}))
    labels = get_task("utkface", "age").labels(rows)
    assert labels.values.tolist() == [["old", "other", "male"], ["young", "white", "female"]]
    assert get_task("utkface", "age").probability() == "young60_p"
    with pytest.raises(GammaFaceError, match="nobody knows how sure a group is"):
        get_task("fairface", "race").probability()  # race_p is that of five races
    assert get_task("celeba", "smile").probability() == "smile_p"


def test_tasks_that_divide_people_alike_have_the_same_attributes():
    assert {get_task("utkface", t).attributes for t in TASKS["utkface"]} == {("gender", "race3", "young60")}
    assert get_task("celeba", "hair").attributes == ("gender", "hair", "young")


def test_a_missing_column_is_named():
    with pytest.raises(GammaFaceError, match="no column 'young60' for the task utkface:gender"):
        get_task("utkface", "gender").labels(pd.DataFrame({"gender": ["male"], "race": ["white"]}))


def test_tasks_by_name():
    names = [t.name for t in parse_tasks([], ["utkface", "celeba"])]
    assert len(names) == 6 and names[0] == "utkface:gender"
    twice = parse_tasks(["gender", "utkface:gender"], ["utkface"])
    assert [t.name for t in twice] == ["utkface:gender"]


@pytest.mark.parametrize(
    ("texts", "data", "words"),
    [
        (["beard"], ["celeba"], "no task 'beard' on the data given"),
        (["celeba:smile"], ["utkface"], "has no data"),
        (["utkface:smile"], ["utkface"], "no task 'smile' on utkface"),
        ([], ["lfw"], "no tasks on 'lfw'"),
    ],
)
def test_unknown_tasks_are_refused(texts, data, words):
    with pytest.raises(GammaFaceError, match=words):
        parse_tasks(texts, data)


def test_class_sizes_are_the_papers_or_the_smallest():
    assert class_size(np.array([9000, 6000]), ("a", "b"), "x") == 5000
    assert class_size(np.array([9000, 8000, 7500]), ("a", "b", "c"), "x") == 7000
    assert class_size(np.array([9000, 800]), ("a", "b"), "x") == 800
    assert class_size(np.array([9000, 800]), ("a", "b"), "x", limit=30) == 30
    with pytest.raises(GammaFaceError, match="class 'b' of x has no training face"):
        class_size(np.array([9, 0]), ("a", "b"), "x")
