"""Explore: choosing a moment, harvesting, the clusters that come of it, and jobs of any session."""

import json
import shutil
import time

import numpy as np
import pandas as pd
import pytest

from gammaface import jobs
from gammaface.jobs import Runner
from gammaface.models import loading
from gammaface.studies import stages
from gammaface.studies.film import record_film
from gammaface.workspace import Run, list_runs, writing
from pages.parts import explore_tasks, harvesting, latent_map, schedule, state, task_material
from tests.app.driving import (
    PAGES,
    chosen_faces,
    finish_jobs,
    follow,
    html_of,
    open_app,
    press,
    words_of,
)

HARVEST, CLUSTERS = "pages/explore/harvest.py", PAGES[1]


@pytest.fixture
def no_umap(monkeypatch):
    monkeypatch.setattr(stages, "project", lambda array, **_: array[:, :2])
    monkeypatch.setattr("gammaface.projection.project", lambda array, dimensions, **_: array[:, :dimensions])


@pytest.fixture
def shipped_model(tiny_folder, tmp_path, monkeypatch):
    """A bundled model and not one run."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "tiny").symlink_to(tiny_folder)
    monkeypatch.setattr(loading, "MODELS", tmp_path / "models")


def set_small(app, **values) -> None:
    for name, value in values.items():
        app.number_input(key=f"harvest-{name}").set_value(value)
    app.run()


def test_harvest_teaches_the_first_step_in_an_empty_workspace():
    app = open_app(HARVEST)
    assert not app.error and "gammaface train" in app.code[0].value
    assert "Nothing to harvest from yet" in [s.value for s in app.subheader]


def test_the_path_is_drawn_on_demand_and_its_columns_choose_t(shipped_model, tiny):
    app = open_app(HARVEST)
    assert "See the path first" in words_of(app)
    assert app.metric[0].value == "0.44" and tiny.sqrt_abar(
        app.select_slider(key="t").value
    ) == pytest.approx(0.44, abs=5e-3)
    set_small(app, steps=12)
    press(app, "Draw the filmstrip")
    finish_jobs(app)
    assert html_of(app).count('class="gf-x0"') == html_of(app).count('class="gf-x_t"') == 3 * 9
    assert html_of(app).count("<img") == html_of(app).count(' alt="')
    moment = tiny.timestep_at(0.80)
    app.button(key=f"film-{moment}").click().run()
    assert app.select_slider(key="t").value == moment and app.metric[0].value == "0.80"


def test_a_film_of_these_settings_is_shown_at_once(with_study, tiny):
    record_film(tiny, out=with_study / "film", seeds=(0,), sqrt_abars=(0.44,), steps=3)
    app = open_app(HARVEST)
    assert "See the path first" in words_of(app)  # of 50 steps there is none
    set_small(app, steps=3)
    assert "Seeds 0, two rows each" in words_of(app)


def test_a_harvest_leads_on_to_its_clusters(shipped_model, no_umap):
    app = open_app(HARVEST)
    set_small(app, n=14, steps=2, labelled=0, k_max=2)
    press(app, "Harvest 14")
    finish_jobs(app)
    assert "Harvest of 14 from tiny" in app.success[0].value
    follow(app, "See clusters")
    assert not app.success  # its job is not announced any more
    (run,) = [r for r in list_runs() if r.manifest.kind == "exploration"]
    assert app.title[0].value == "Clusters" and run.manifest.name in words_of(app)
    assert "No attribute has been measured here" in words_of(app)
    assert html_of(app).count("decoded mean of component") == 2 * len(run.table("components"))
    app.switch_page(HARVEST).run()
    assert "14 in x_t at t = 707" in words_of(app)
    assert app.number_input(key="harvest-steps").value == 2  # settings survive a page switch


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"n": 12, "pca": 13}, "13 PCA dimensions of 12 latents"),
        ({"n": 10_000_000}, "n = 10000000 is out of range"),
        ({"covariance": "full"}, "full covariances need few dimensions"),
    ],
)
def test_what_cannot_be_harvested_is_refused_before_it_starts(change, said):
    options = harvesting.START | {"space": "x_t", "covariance": "diag", "pca": None} | change
    with pytest.raises(Exception, match=said):
        harvesting.check(options)


@pytest.mark.parametrize("kind", ["linear", "scaled_linear", "squaredcos_cap_v2"])
def test_the_pages_schedule_is_the_models(kind):
    from diffusers import DDPMScheduler

    config = {"beta_schedule": kind, "beta_start": 1e-4, "beta_end": 0.02, "num_train_timesteps": 500}
    theirs = np.sqrt(DDPMScheduler(**config).alphas_cumprod.numpy())
    assert np.abs(schedule._of(config) - theirs).max() < 1e-5


def test_clusters_show_an_exploration_by_responsibility_too(with_explored):
    app = open_app(CLUSTERS, latents="halfway")
    assert not app.error and "30 in x_t" in words_of(app)
    assert "Responsibility of component 1" in app.selectbox(key="colour").options
    app.session_state["picked-halfway"] = [0, 1, 29]
    app.selectbox(key="colour").set_value("r1").run()
    assert "3 selected" in words_of(app) and "2 of the selected points are labelled" in words_of(app)
    assert [face["seed"] for face in chosen_faces(app)["faces"]][:2] == [0, 1]
    app.selectbox(key="latents").set_value("first").run()
    assert not app.exception and "60 in x_t" in words_of(app)


def test_pointing_at_a_face_rings_its_point_and_keeps_the_selection(with_explored):
    app = open_app(CLUSTERS, latents="halfway")
    app.session_state["picked-halfway"] = [0, 5]
    app.session_state["held-picked-halfway"] = (0, 5)
    app.session_state["pointed-picked-halfway"] = 5
    app.run()
    assert chosen_faces(app)["chosen"] == 5
    spec = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert [a["text"] for a in spec["layout"]["annotations"]] == ["<b>seed 5</b>"]
    assert "2 selected" in words_of(app)


def test_another_k_is_fitted_on_the_same_latents(with_explored, no_umap, with_classifier):
    app = open_app(CLUSTERS, latents="halfway")
    app.number_input(key="another-halfway").set_value(3)
    press(app, "Fit it")
    finish_jobs(app)
    press(app, "See clusters")
    run = next(r for r in list_runs() if r.manifest.config.get("of") == "halfway")
    assert run.manifest.config["k"] == 3 and not (run.path / "harvest").exists()
    assert "**K = 3**" in words_of(app)


def test_the_map_in_space_is_computed_on_demand(with_explored, no_umap):
    app = open_app(CLUSTERS, latents="halfway")
    app.session_state["map"] = latent_map.SPACE
    app.run()
    assert "not been computed in three dimensions" in words_of(app)
    press(app, "Compute the 3-D map")
    finish_jobs(app)
    drawn = [json.loads(c.proto.spec) for c in app.get("plotly_chart")]
    assert drawn[0]["data"][0]["type"] == "scatter3d"
    assert "Turn it with the mouse" in words_of(app)


def test_a_study_without_its_latents_is_harvested_again_for_its_map(with_people, no_umap):
    shutil.rmtree(with_people / "first" / "harvest")
    app = open_app(CLUSTERS, map=latent_map.SPACE)
    assert "harvested again" in words_of(app)
    press(app, "Compute the 3-D map")
    finish_jobs(app)
    (run,) = [r for r in list_runs() if r.manifest.kind == explore_tasks.MAP_3D]
    assert len(run.table("points")) == 60


BREAK = {
    "torn table": lambda run: (run / "tables" / "points.parquet").write_bytes(b"PAR1"),
    "torn numbers": lambda run: (run / "metrics.json").write_text("{"),
    "missing picture": lambda run: shutil.rmtree(run / "images" / "exemplar"),
}


@pytest.mark.parametrize("ruin", BREAK)
def test_a_broken_exploration_is_one_red_box(ruin, with_explored):
    BREAK[ruin](with_explored / "halfway")
    app = open_app(CLUSTERS, latents="halfway")
    assert len(app.error) == 1 and app.error[0].value.endswith(".")


class Endless:
    """A task that reports until it is stopped."""

    def __call__(self, options, device, out, reporter):
        config = {"model": options["model"]}
        with writing(out, kind="exploration", config=config):
            while True:
                reporter.stage("harvest", 3, 14)
                time.sleep(0.01)


def test_any_session_continues_or_dismisses_what_another_cancelled(with_study, monkeypatch, tiny_folder):
    runner = state.runner()
    monkeypatch.setitem(runner.tasks, "explore", Endless())
    job = runner.submit("explore", {"model": str(tiny_folder)}, title="Harvest of 14")
    first = open_app(HARVEST)
    assert [b.label for b in first.button if b.label == "Cancel"] == ["Cancel"]
    press(first, "Cancel")
    finish_jobs(first)
    second = open_app(HARVEST)
    assert "was cancelled" in second.info[0].value
    press(second, "Continue")
    going = runner.live()[0]
    assert going.run == job.run and going.id != job.id
    runner.cancel(going.id)
    finish_jobs(second)
    press(open_app(HARVEST), "Dismiss")
    third = open_app(HARVEST)
    assert not third.info and (with_study / job.run / "manifest.json").is_file()


def test_a_job_of_an_ended_server_is_offered_to_everyone(with_study, tiny_folder):
    ended = Runner(with_study, {"explore": Endless()})
    job = ended.submit("explore", {"model": str(tiny_folder)}, title="Harvest of 14")
    ended.cancel(job.id)
    end = time.monotonic() + 20
    while ended.live():
        assert time.monotonic() < end
        time.sleep(0.01)
    file = ended.files.folder / f"{job.id}.json"
    file.write_text(file.read_text().replace('"state": "cancelled"', '"state": "running"'))
    ended._alive.close()
    app = open_app(HARVEST)
    assert "was interrupted" in app.info[0].value
    assert any(b.label == "Continue" for b in app.button)


def sheet_of(app) -> str:
    return next((part for part in html_of(app).splitlines() if "gf-sheet" in part), "")


def test_what_runs_is_shown_with_its_preview(with_study, monkeypatch, tiny_folder):
    monkeypatch.setattr(jobs, "LOOK_EVERY", 0.0)
    runner = state.runner()
    monkeypatch.setitem(runner.tasks, "explore", Endless())
    job = runner.submit("explore", {"model": str(tiny_folder)}, title="Harvest of 14")
    runner.submit("explore", {"model": str(tiny_folder)}, title="Another")
    runner.files.show(job.id, b"png")
    app = open_app(HARVEST)
    said = " ".join(p.proto.text for p in app.get("progress"))
    assert "Harvesting latents · 3 of 14" in said and "waiting for the device" in said
    first, second = sheet_of(app), sheet_of(app.run())
    assert first and second and first != second  # an equal message would be sent as a reference
    for live in runner.live():
        runner.cancel(live.id)
    finish_jobs(app)


def test_the_preview_is_what_the_batch_is_expected_to_become(tiny):
    from io import BytesIO
    from types import SimpleNamespace

    import torch
    from PIL import Image

    sheet = task_material.look_at(tiny)(SimpleNamespace(denoised=torch.zeros(64, *tiny.shape)))
    width, height = Image.open(BytesIO(sheet)).size
    assert height == 64 and width == 8 * 64 + 7 * 2


def test_points_of_the_map_in_space_join_on_seeds(with_explored):
    halfway = Run.open(with_explored / "halfway")
    places = pd.DataFrame({"seed": range(30)} | {axis: np.arange(30.0) for axis in "xyz"})
    folder = with_explored / explore_tasks.map_name(halfway)
    with writing(folder, kind=explore_tasks.MAP_3D, config={"of": "halfway", "model": ""}) as run:
        run.write_table("points", places)
    app = open_app(CLUSTERS, latents="halfway", map=latent_map.SPACE)
    app.selectbox(key="colour").set_value("race").run()
    assert not app.exception and not app.error
