"""Every page from app.py: empty, recorded and broken workspaces, drawing and recomputing."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from gammaface.errors import GammaFaceError
from gammaface.studies import stages
from gammaface.workspace import Run, list_runs
from pages.parts import face_drawer, work
from tests.app.driving import (
    LABELS,
    PAGES,
    ROOT,
    SECONDS,
    chosen_faces,
    finish_jobs,
    html_of,
    open_app,
    walk,
    words_of,
)

EVERY, HARVEST = (*PAGES, LABELS), "pages/explore/harvest.py"


def test_an_empty_workspace_teaches_the_next_step():
    app = open_app()
    for page in walk(app, EVERY):
        assert not app.error, page
        assert "Nothing to show yet" in [s.value for s in app.subheader], page
        assert "gammaface train" in app.code[0].value, page


def test_a_model_without_a_run_offers_the_first_study(tiny_folder, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "tiny").symlink_to(tiny_folder)
    app = open_app()
    assert "Compute the first study" in [b.label for b in app.button]


def test_a_recorded_study_shows_its_pictures_and_no_paths(with_study, tiny_folder):
    app = open_app()
    for page in walk(app, PAGES):
        assert not app.error, page
        shown = html_of(app)
        assert shown.count("<img") >= 8, page
        assert shown.count("<img") == shown.count(' alt="'), page
        assert str(tiny_folder.parent) not in shown + words_of(app), page
        assert app.selectbox(key="run").value == "first"


def test_clusters_say_what_k_means_here(with_study):
    app = open_app(PAGES[1])
    words = " ".join(m.value for m in app.markdown)
    used = json.loads((with_study / "first" / "metrics.json").read_text())["k"]["used"]
    assert f"**K = {used}**" in words
    assert len(app.warning) >= 1  # sixty latents are too few for BIC
    assert "95% intervals" in " ".join(c.value for c in app.caption)


def test_a_selection_shows_held_faces_and_draws_the_others(with_study):
    app = open_app(PAGES[1])
    points = Run.open(with_study / "first").table("points")
    held, missing = 0, int(points["seed"].iloc[-1])
    app.session_state["picked-first"] = [held, missing]
    app.run()
    assert "2 selected" in " ".join(m.value for m in app.markdown)
    assert [face["seed"] for face in chosen_faces(app)["faces"]] == [held]
    next(b for b in app.button if b.label.startswith("Draw 1 face")).click().run()
    finish_jobs(app)
    assert [face["words"] for face in chosen_faces(app)["faces"]] == [f"Seed {held}", f"Seed {missing}"]
    assert not any(b.label.startswith("Draw 1 face") for b in app.button)


def test_balanced_says_what_evenness_is_not(with_study):
    words = words_of(open_app(PAGES[2]))
    assert "not evenness over people" in words and "perceived" in words


def test_draw_makes_a_run_and_shows_it(with_study):
    app = open_app(PAGES[2])
    app.number_input(key="draw-n").set_value(4)
    app.number_input(key="draw-k").set_value(2)
    app.number_input(key="draw-seed").set_value(3)
    next(b for b in app.button if b.label == "Draw").click().run()
    finish_jobs(app)
    (batch,) = [r for r in list_runs() if r.manifest.kind == "sample"]
    assert (batch.manifest.state, batch.manifest.config["k"]) == ("done", 2)
    assert app.selectbox(key="batch").value == batch.manifest.name
    assert "4 faces, K = 2, mean-noise injection, seed 3" in " ".join(c.value for c in app.caption)
    assert html_of(app).count("<img") == 8  # each face beside its plain one


@pytest.mark.parametrize("injection", ["resume", "responsibility"])
def test_the_other_injections_draw_too(with_study, injection):
    app = open_app(PAGES[2])
    app.number_input(key="draw-n").set_value(2)
    app.selectbox(key="injection").set_value(injection)
    next(b for b in app.button if b.label == "Draw").click().run()
    finish_jobs(app)
    (batch,) = [r for r in list_runs() if r.manifest.kind == "sample"]
    assert app.selectbox(key="batch").value == batch.manifest.name
    assert not app.exception and html_of(app).count("<img") >= 4


def test_compute_again_writes_a_new_study(with_study, monkeypatch):
    monkeypatch.setattr(stages, "project", lambda array, **_: array[:, :2])
    app = open_app()
    next(b for b in app.button if b.label == "Compute again").click().run()
    finish_jobs(app)
    first, second = (Run.open(r.path) for r in list_runs() if r.manifest.kind == "study")
    assert first.manifest.config == second.manifest.config
    assert "is done" in app.success[0].value
    next(b for b in app.button if b.label == "Show it").click().run()
    assert app.selectbox(key="run").value != "first"


def test_a_failing_job_ends_in_one_red_box(with_study):
    app = open_app(PAGES[2])
    app.number_input(key="draw-k").set_value(11)
    (with_study / "first" / "harvest" / "arrays" / "latents.npy").write_bytes(b"ruin")
    next(b for b in app.button if b.label == "Draw").click().run()
    finish_jobs(app)
    assert "damaged" in app.error[0].value


def refuse(*args, **kwargs):
    raise GammaFaceError("this [part](http://evil.example) is missing", fix="Bring it back.")


def test_what_goes_wrong_in_the_list_of_jobs_is_one_red_box_over_the_page(with_study, monkeypatch):
    monkeypatch.setattr(work, "_rows", refuse)
    app = open_app()
    said = "**This \\[part\\](http:\u2060//evil.example) is missing.** Bring it back."
    assert [box.value for box in app.error] == [said]
    assert "Recent runs" in [s.value for s in app.subheader]  # the page goes on


def test_what_goes_wrong_beside_one_face_is_one_red_box(with_study, monkeypatch):
    monkeypatch.setattr(face_drawer, "variations_of", refuse)
    app = open_app(PAGES[2], image="0")
    assert len(app.error) == 1 and "Bring it back" in app.error[0].value and "**Seed 0**" in words_of(app)


def test_what_nobody_foresaw_is_one_red_box_without_a_traceback(with_study, monkeypatch, unforeseen):
    monkeypatch.setattr(work, "_rows", lambda shown: {}["k"])
    app = open_app()
    assert len(app.error) == 1 and "cannot be shown (KeyError)" in app.error[0].value


def test_a_truncated_manifest_is_left_out_and_counted(with_study):
    manifest = with_study / "first" / "manifest.json"
    broken = with_study / "torn"
    broken.mkdir()
    (broken / "manifest.json").write_text(manifest.read_text()[:60])
    app = open_app()
    assert not app.error
    assert "1 run folder is damaged" in " ".join(c.value for c in app.caption)


BREAK = {
    "missing table": lambda run: (run / "tables" / "points.parquet").unlink(),
    "torn table": lambda run: (run / "tables" / "sweep.parquet").write_bytes(b"PAR1"),
    "wrong columns": lambda run: (run / "tables" / "components.parquet").write_bytes(
        (run / "tables" / "sweep.parquet").read_bytes()
    ),
    "torn numbers": lambda run: (run / "metrics.json").write_text('{"k": '),
    "lacking numbers": lambda run: (run / "metrics.json").write_text('{"k": {}}'),
}


@pytest.mark.parametrize("ruin", BREAK)
def test_a_broken_run_is_one_red_box(ruin, with_study):
    BREAK[ruin](with_study / "first")
    app = open_app()
    for page in walk(app, (*EVERY, HARVEST)):
        assert len(app.error) == 1, page
        assert app.error[0].value.endswith("."), page


def test_a_missing_picture_is_one_red_box(with_study):
    next((with_study / "first" / "images" / "plain").iterdir()).unlink()
    assert "picture" in open_app().error[0].value


def test_query_parameters_choose_the_run(with_study, recorded):
    shutil.copytree(recorded, with_study / "second")
    file = with_study / "second" / "manifest.json"
    file.write_text(file.read_text().replace('"name": "first"', '"name": "second"'))
    for name in ("first", "second"):
        assert open_app(run=name).selectbox(key="run").value == name


def test_opening_the_pages_imports_nothing_heavy(with_people):
    pages = [HARVEST, PAGES[1], "pages/explore/timesteps.py"]
    code = f"""
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("app.py", default_timeout={SECONDS}).run()
for page in {pages}:
    app.switch_page(page).run()
    assert not app.exception, page
print([name for name in ("torch", "diffusers", "umap", "numba") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"GAMMAFACE_HOME": str(with_people), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip().splitlines()[-1] == "[]", done.stdout + done.stderr


def test_no_page_is_longer_than_one_idea():
    for file in ROOT.glob("pages/**/*.py"):
        assert len(file.read_text().splitlines()) <= 150, file.name
