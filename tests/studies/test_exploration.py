"""An exploration: a harvest with its components, taken up again, and looked at with another K."""

import json
from dataclasses import replace

import numpy as np
import pytest

from gammaface.balancing import draw_seeds
from gammaface.latents import Latents, harvest
from gammaface.mixture import LatentMixture
from gammaface.studies import stages
from gammaface.studies.exploration import ExploreOptions, run_exploration
from gammaface.workspace import Run
from tests.tiny_attributes import write_classifier

SMALL = ExploreOptions(model="tiny", n=40, steps=3, k=2, k_max=3, labelled=12)


@pytest.fixture(autouse=True)
def no_umap(monkeypatch):
    monkeypatch.setattr(stages, "project", lambda array, **_: np.asarray(array[:, :2]))


@pytest.fixture(scope="module")
def classifier(tiny, tmp_path_factory):
    faces = draw_seeds(tiny, range(8), steps=3).images
    return str(write_classifier(tmp_path_factory.mktemp("attributes"), faces))


@pytest.fixture(scope="module")
def explored(tiny, classifier, tmp_path_factory):
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "project", lambda array, **_: np.asarray(array[:, :2]))
        run = run_exploration(
            tiny,
            replace(SMALL, classifier=classifier),
            out=tmp_path_factory.mktemp("runs") / "first",
            report=lambda stage, done, total: seen.append((stage, done, total)),
        )
    return run, seen


def test_it_holds_what_the_clusters_page_reads(explored):
    run, seen = explored
    assert run.manifest.kind == "exploration" and run.manifest.state == "done"
    assert {"sweep", "points", "components", "images", "people", "association"} <= set(run.tables())
    points = run.table("points")
    assert np.allclose(points["r0"] + points["r1"], 1)
    assert np.allclose(points[["r0", "r1"]].max(axis=1), points["confidence"])
    assert all((run.path / "means" / f"{k}.png").is_file() for k in (0, 1))
    assert (run.table("components")["tied"] >= 1).all()
    numbers = json.loads((run.path / "metrics.json").read_text())
    assert numbers["k"]["used"] == 2 and numbers["people"]["n"] == 12
    assert [stage for stage, done, _ in seen if done == 0][0] == "harvest"


def test_every_labelled_face_can_be_looked_at(explored):
    run, _ = explored
    assert all(run.image(seed, "people").is_file() for seed in run.table("people")["seed"])
    assert run.table("people")["component"].tolist() == run.table("points")["component"].tolist()[:12]


def test_an_exemplar_is_the_face_that_its_latent_becomes(explored, tiny):
    run, _ = explored
    seed = int(run.table("images")["seed"].iloc[0])
    again = draw_seeds(tiny, [seed], through=run.manifest.config["t"], steps=3).images[0]
    from PIL import Image

    kept = np.asarray(Image.open(run.image(seed, "exemplar")), dtype=float)
    drawn = ((again.permute(1, 2, 0).numpy() + 1) * 127.5).round()
    assert abs(kept - drawn).max() <= 2


def test_another_k_takes_over_labels_and_the_map(explored, tiny, tmp_path, monkeypatch):
    run, _ = explored
    latents = Latents.load(Run.open(run.path / "harvest"))
    options = replace(SMALL, k=3, of="first", classifier=run.manifest.config["classifier"])

    def never(array, **_):
        raise AssertionError("the map was made again")

    monkeypatch.setattr(stages, "project", never)
    second = run_exploration(tiny, options, out=tmp_path / "second", codes=(latents, run))
    assert len(second.table("components")) == 3 and not (second.path / "harvest").exists()
    assert (second.table("points")[["x", "y"]] == run.table("points")[["x", "y"]]).all(axis=None)
    before, after = run.table("people"), second.table("people")
    assert (before["gender_p"] == after["gender_p"]).all()
    assert after["component"].tolist() == second.table("points")["component"].tolist()[:12]
    assert after.attrs == before.attrs


def test_a_cancelled_harvest_goes_on_where_it_stopped(tiny, tmp_path):
    def stop(stage, done, total):
        if stage == "sweep":
            raise KeyboardInterrupt

    bare = replace(SMALL, labelled=0)
    with pytest.raises(KeyboardInterrupt):
        run_exploration(tiny, bare, out=tmp_path / "cut", report=stop)
    assert Run.open(tmp_path / "cut").manifest.state == "cancelled"
    drawn = []
    run = run_exploration(tiny, bare, out=tmp_path / "cut", callback=lambda s: drawn.append(len(s.x)))
    assert run.manifest.state == "done" and len(run.table("points")) == 40
    assert len(drawn) <= 3  # of the exemplars only
    numbers = json.loads((run.path / "metrics.json").read_text())
    assert numbers["people"]["missing"] == "labelling was turned off"


@pytest.mark.parametrize(("space", "pca"), [("x_t", None), ("x0", None), ("x_t", 4), ("x0", 4)])
def test_means_are_decoded_where_they_are_pictures(tiny, tmp_path, space, pca):
    latents = harvest(tiny, n=8, steps=2, space=space, pca=pca, out=tmp_path / "z")
    pictures = stages.decoded_means(tiny, LatentMixture(2).fit(latents), latents)
    assert pictures.shape == (2, 3, 64, 64) and abs(pictures).max() <= 1


def test_a_mean_of_identical_latents_is_that_latents_picture(tiny):
    z = harvest(tiny, n=1, steps=2, space="x0")
    twice = replace(z, array=np.repeat(z.array, 4, axis=0), seeds=np.arange(4))
    (picture,) = stages.decoded_means(tiny, LatentMixture(1).fit(twice), twice)
    import torch

    expected = tiny.decode(torch.from_numpy(z.array).view(1, *tiny.shape))[0]
    assert abs(picture - expected).max() < 1e-3


def test_the_mid_block_has_no_mean_to_look_at(tiny):
    latents = harvest(tiny, n=6, steps=2, space="h_pooled")
    assert stages.decoded_means(tiny, LatentMixture(1).fit(latents), latents) is None


def test_surest_members_follow_responsibility_and_say_how_many_tie():
    import pandas as pd

    points = pd.DataFrame(
        {
            "seed": [10, 11, 12, 13],
            "component": [0, 0, 0, 1],
            "confidence": np.float32([0.6, 1.0, 1.0, 0.9]),
        }
    )
    chosen = stages.surest_members(points)
    assert chosen[chosen["component"] == 0]["seed"].tolist() == [11, 12, 10]
    assert chosen.loc[chosen["seed"] == 11, "tied"].item() == 2
