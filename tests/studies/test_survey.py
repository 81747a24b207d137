import json

import numpy as np
import pandas as pd
import pytest
import torch

from gammaface import GammaFaceError, load_attributes
from gammaface.studies.survey import SurveyOptions, run_survey
from gammaface.studies.survey_findings import LOOKS, findings
from tests.tiny_onnx import write_linear
from tests.training.test_card import tiny_classifier

OPTIONS = SurveyOptions(model="tiny", n=70, sqrt_abars=(0.44,), k_max=3, told=(2,), steps=3, permutations=19)


def real_faces(n=64):
    shades = torch.linspace(-1, 1, n).view(-1, 1, 1, 1).expand(n, 3, 64, 64)
    noise = 0.05 * torch.randn(n, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    labels = pd.DataFrame({"gender": ["female"] * (n // 2) + ["male"] * (n - n // 2)})
    return (shades + noise).clamp(-1, 1), labels


def test_a_survey_tells_of_every_cell_and_resumes(tiny, tmp_path):
    out = tmp_path / "survey"

    def stop(stage, done, total):
        if stage == "generated cells" and done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_survey(tiny, tiny_classifier(), OPTIONS, out=out, real=real_faces(), report=stop)
    kept = {f: f.stat().st_mtime_ns for f in (out / "cells").glob("*.json")}
    assert len(kept) == 5
    run = run_survey(tiny, tiny_classifier(), OPTIONS, out=out, real=real_faces())
    assert all(f.stat().st_mtime_ns == before for f, before in kept.items())

    sweep, related, probes = (run.table(name) for name in ("sweep", "association", "probes"))
    cells = sweep.groupby(["source", "view", "t"])
    assert len(cells) == 2 * (5 + 2) and set(cells.size()) == {3}
    assert set(related["source"]) == {"generated", "real"}
    told = related.dropna(subset="p")
    assert len(told) and (told["p_holm"] >= told["p_tail"]).all()
    assert set(probes.loc[probes["source"] == "real", "attribute"]) == {"gender"}
    place = ["source", "t", "space", "attribute"]
    expected = related[place].merge(probes.drop_duplicates(place), on=place, how="left")
    for name in ("accuracy", "majority"):
        assert np.array_equal(related[name], expected[name], equal_nan=True)
    real = related[related["source"] == "real"].set_index("attribute")["accuracy"]
    assert real.loc["gender"].notna().all() and real.loc["brightness"].isna().all()
    numbers = json.loads((out / "metrics.json").read_text())
    assert len(numbers["bic_k"]) == len(cells)
    assert any("real faces with noise added" in s for s in numbers["sentences"])
    assert not list(out.glob("images/**/*.png"))  # of real faces only numbers


def test_a_classifier_of_ones_own_surveys_what_it_names(tiny, tmp_path):
    weight, heads = np.array([[4.0, 0, 0], [0, 0, 0]]), {"hat": ["hat", "no hat"]}
    file = write_linear(tmp_path / "own.onnx", weight, np.zeros(2))
    file.with_suffix(".json").write_text(json.dumps({"heads": heads, "resolution": 16}))
    run = run_survey(tiny, load_attributes(file), OPTIONS, out=tmp_path / "survey")
    assert set(run.table("association")["attribute"]) == {"hat", *LOOKS}
    assert set(run.table("probes")["attribute"]) == {"hat"}


def test_more_components_than_faces_are_refused(tiny, tmp_path):
    few = SurveyOptions(n=3, k_max=3)
    with pytest.raises(GammaFaceError, match="3 faces for up to 3 components"):
        run_survey(tiny, tiny_classifier(), few, out=tmp_path / "s")


def row(attribute, ami, p, **more):
    place = {"source": "generated", "view": "h, PCA 32, full", "space": "h", "t": 100, "sqrt_abar": 0.9}
    return place | {"attribute": attribute, "k": 4, "ami": ami, "cramers_v": ami, "p": p, "p_holm": p} | more


def test_words_follow_the_numbers():
    sweep = pd.DataFrame(
        [
            row("", 0, 0, sqrt_abar=s, t=t, k=k, bic=b)
            for s, t, k, b in ((0.2, 900, 1, 1.0), (0.9, 100, 8, 1.0))
        ]
    )
    related = pd.DataFrame(
        [
            row("gender", 0.3, 0.01),
            row("race", 0.03, 0.02),
            row("smile", 0.01, 0.7),
            row("brightness", 0.6, 0.01),
        ]
    )
    probe = row("race", 0, 0) | {"accuracy": 0.8, "low": 0.75, "high": 0.85, "majority": 0.4}
    numbers = findings(sweep=sweep, association=related, probes=pd.DataFrame([probe]))
    text = " ".join(numbers["sentences"])
    assert "components partly follow perceived gender" in text
    assert "components hardly follow perceived race" in text
    assert "the attribute is there, and the mixture does not line up with it" in text
    assert "none of 1 fits follows smile more than chance" in text
    assert "follow brightness (AMI up to 0.600) more than any attribute of people (perceived gender" in text
    assert "lowest at K = 1 where √ᾱ = 0.20 and at K = 8 where √ᾱ = 0.90" in text
    assert np.isclose(next(b for b in numbers["best"] if b["attribute"] == "gender")["ami"], 0.3)
