import json
from dataclasses import replace

import pytest

from gammaface import GammaFaceError
from gammaface.balancing import draw_seeds
from gammaface.report import write_report
from gammaface.studies.study import STAGES, StudyOptions, run_study
from gammaface.workspace import Run
from tests.tiny_attributes import write_classifier

SMALL = StudyOptions(model="tiny", n=40, images=6, steps=3, k_max=3, k=2, labelled=30)


@pytest.fixture(scope="module")
def classifier(tiny, tmp_path_factory):
    faces = draw_seeds(tiny, range(8), steps=3).images
    return str(write_classifier(tmp_path_factory.mktemp("attributes"), faces, resolution=64))


@pytest.fixture(scope="module")
def study(tiny, classifier, tmp_path_factory):
    seen = []
    run = run_study(
        tiny,
        replace(SMALL, classifier=classifier),
        out=tmp_path_factory.mktemp("runs") / "study",
        report=lambda stage, done, total: seen.append((stage, done, total)),
    )
    return run, seen


def test_every_stage_reports(study):
    _, seen = study
    stages = list(dict.fromkeys(stage for stage, _, _ in seen))
    assert stages == list(STAGES)
    assert all(done <= total for _, done, total in seen)


def test_the_run_holds_what_it_promises(study):
    run, _ = study
    assert run.manifest.state == "done"
    assert run.tables() == [
        "association",
        "components",
        "convergence",
        "images",
        "labels",
        "moves",
        "people",
        "people_by_component",
        "people_shares",
        "points",
        "sweep",
    ]
    points, images = run.table("points"), run.table("images")
    assert list(points["seed"]) == list(range(40))
    assert images.groupby("group").size().to_dict() == {"balanced": 6, "exemplar": 16, "plain": 6}
    for row in images.itertuples():
        assert run.image(row.seed, row.group).is_file()
    balanced = images[images["group"] == "balanced"]
    assert balanced["component"].value_counts().to_dict() == {0: 3, 1: 3}
    shares = run.table("components")
    assert shares["share"].sum() == pytest.approx(1)
    assert ((shares["low"] < shares["share"]) & (shares["share"] < shares["high"])).all()
    numbers = json.loads((run.path / "metrics.json").read_text())
    assert numbers["evenness"]["n"] == 40 and numbers["k"]["used"] == 2


def test_who_is_drawn_is_counted_and_said(study):
    run, _ = study
    census, labels = run.table("people"), run.table("labels")
    assert census["seed"].tolist() == list(range(30))
    assert census["component"].tolist() == run.table("points")["component"].tolist()[:30]
    assert set(labels["group"]) == {"plain", "balanced", "exemplar", "people"}
    found = json.loads((run.path / "metrics.json").read_text())["people"]
    assert found["n"] == 30 and found["classifier"] == census.attrs["classifier"]
    assert {row["attribute"] for row in found["attributes"]} >= {"gender", "race", "smile", "glasses"}
    gender = next(row for row in found["attributes"] if row["attribute"] == "gender")
    assert gender["noise_floor"] == pytest.approx((0.5 / 30) ** 0.5)
    share = (census["gender"] == "female").mean()
    assert gender["fd"] == pytest.approx(2**0.5 * abs(share - 0.5))
    assert found["recalls"]["gender"]["source"] == "100 answers on real validation faces"
    assert found["follows"].startswith("The components follow")
    drawn = [row for row in found["moves"] if row["how"] == "drawn"]
    assert all(row["n"] == 6 and row["sentence"].endswith(".") for row in drawn)


def test_a_seed_has_one_label_whoever_drew_it(study):
    run, _ = study
    labels = run.table("labels").set_index(["group", "seed"])["gender_p"]
    assert labels["people"].loc[:5].to_numpy() == pytest.approx(labels["plain"].to_numpy(), abs=1e-3)
    census = run.table("people").set_index("seed")["gender_p"]
    # The census saw floats, the run's pictures have 8 bits.
    assert census.to_numpy() == pytest.approx(labels["people"].to_numpy(), abs=0.05)


def test_without_a_classifier_the_study_says_so(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("gammaface.attributes.MODELS", tmp_path)
    monkeypatch.setattr("gammaface.studies.stages.project", lambda array, **_: array[:, :2])
    options = StudyOptions(model="tiny", n=20, images=2, steps=2, k_max=2, k=2)
    run = run_study(tiny, options, out=tmp_path / "run")
    found = json.loads((run.path / "metrics.json").read_text())["people"]
    assert found == {"missing": "there is no attribute classifier 'attributes'"}
    assert "people" not in run.tables()
    assert "No attribute was measured in this report: there is no" in write_report(run).read_text()
    with pytest.raises(GammaFaceError, match="no attribute classifier"):
        run_study(tiny, replace(options, classifier="mine"), out=tmp_path / "other")


def test_exemplars_are_members(study):
    run, _ = study
    points = run.table("points").set_index("seed")["component"]
    images = run.table("images")
    for row in images[images["group"] == "exemplar"].itertuples():
        assert points[row.seed] == row.component


def test_the_report_is_one_file_without_foreign_script(study):
    run, _ = study
    page = write_report(run).read_text()
    assert "Even over components is not even over people" in page
    assert "Whom does it draw?" in page and "perceived attributes, not identities" in page
    assert "noise floor" in page and "Does perceived race differ between components?" in page
    assert "<script src" not in page and "<link" not in page
    assert '<img src="data:image/png' in page
    evil = Run(run.path, run.manifest.__class__(**{**vars(run.manifest), "name": "<script>x</script>"}))
    assert "<script>x</script>" not in write_report(evil).read_text()


def test_a_report_of_something_else_is_refused(tiny, tmp_path):
    from gammaface import harvest

    harvest(tiny, n=2, steps=2, out=tmp_path / "run")
    with pytest.raises(GammaFaceError, match="needs a finished study"):
        write_report(Run.open(tmp_path / "run"))


def test_a_cancelled_study_goes_on(tiny, classifier, tmp_path, monkeypatch):
    monkeypatch.setattr("gammaface.studies.stages.project", lambda array, **_: array[:, :2])
    monkeypatch.setattr("gammaface.studies.census.MICRO_BATCH", 8)

    def stop(stage, done, total):
        if stage == "people" and done == 8:
            raise KeyboardInterrupt

    options = StudyOptions(
        model="tiny", n=20, images=2, steps=2, k_max=2, k=2, labelled=18, classifier=classifier
    )
    with pytest.raises(KeyboardInterrupt):
        run_study(tiny, options, out=tmp_path / "run", report=stop)
    stopped = Run.open(tmp_path / "run")
    assert stopped.manifest.state == "cancelled" and len(stopped.table("people")) == 8
    seen = []
    run = run_study(tiny, options, out=tmp_path / "run", report=lambda *what: seen.append(what))
    stages = {stage for stage, _, _ in seen}
    assert "harvest" not in stages and "sweep" not in stages
    assert [done for stage, done, _ in seen if stage == "people"] == [8, 16, 18]
    whole = run_study(tiny, options, out=tmp_path / "whole")
    assert run.table("people").equals(whole.table("people"))
