import json

import pytest

from gammaface import GammaFaceError
from gammaface.report import write_report
from gammaface.study import STAGES, StudyOptions, run_study
from gammaface.workspace import Run

SMALL = StudyOptions(model="tiny", n=40, images=6, steps=3, k_max=3, k=2)


@pytest.fixture(scope="module")
def study(tiny, tmp_path_factory):
    seen = []
    run = run_study(
        tiny,
        SMALL,
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
    assert run.tables() == ["components", "images", "points", "sweep"]
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
    assert "<script src" not in page and "<link" not in page
    assert '<img src="data:image/png' in page
    evil = Run(run.path, run.manifest.__class__(**{**vars(run.manifest), "name": "<script>x</script>"}))
    assert "<script>x</script>" not in write_report(evil).read_text()


def test_a_report_of_something_else_is_refused(tiny, tmp_path):
    from gammaface import harvest

    harvest(tiny, n=2, steps=2, out=tmp_path / "run")
    with pytest.raises(GammaFaceError, match="needs a finished study"):
        write_report(Run.open(tmp_path / "run"))


def test_a_cancelled_study_goes_on(tiny, tmp_path):
    def stop(stage, done, total):
        if stage == "map":
            raise KeyboardInterrupt

    options = StudyOptions(model="tiny", n=20, images=2, steps=2, k_max=2, k=2)
    with pytest.raises(KeyboardInterrupt):
        run_study(tiny, options, out=tmp_path / "run", report=stop)
    assert Run.open(tmp_path / "run").manifest.state == "cancelled"
    stages = []
    run_study(tiny, options, out=tmp_path / "run", report=lambda stage, i, n: stages.append(stage))
    assert "harvest" not in stages and "sweep" not in stages
