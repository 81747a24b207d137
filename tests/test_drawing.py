"""The pictures of a drawn run are of one mixture."""

from __future__ import annotations

from pathlib import Path

import pytest

from gammaface import GammaFaceError, LatentMixture, harvest
from gammaface.drawing import draw_run
from gammaface.workspace import Run
from tests.launched import launch
from tests.strategies.toy import toy

FACE = toy()
EVEN = {"target": FACE.target(), "labeller": FACE.labeller, "pilot": 60}
WITH_MIXTURE = [
    *({"injection": name} for name in ("mean-noise", "resume", "responsibility")),
    {"strategy": "component-balanced", **EVEN},
]


@pytest.fixture(scope="module")
def mixtures():
    """Two of the same K and timestep."""
    return [LatentMixture(2).fit(harvest(FACE.generator, n=40, steps=2, seed=seed)) for seed in (0, 1)]


def draw(mixture, out, **more) -> Run:
    return draw_run(FACE.generator, mixture, out=out, **{"n": 4, "steps": 2} | more)


def content(folder: Path) -> dict[str, bytes]:
    files = [p for p in folder.rglob("*") if p.suffix in {".npy", ".png", ".parquet"}]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


@pytest.mark.parametrize("asked", WITH_MIXTURE)
def test_a_finished_run_is_not_taken_for_one_of_another_mixture(asked, mixtures, tmp_path, monkeypatch):
    run = draw(mixtures[0], tmp_path / "run", **asked)
    before = content(run.path)
    assert (run.array("mixture_means") == mixtures[0].means_).all()
    with pytest.raises(GammaFaceError, match="drawn with another mixture"):
        draw(mixtures[1], run.path, **asked)
    assert Run.open(run.path).manifest == run.manifest and content(run.path) == before
    three = LatentMixture(3).fit(harvest(FACE.generator, n=40, steps=2))
    with pytest.raises(GammaFaceError, match="drawn with another mixture"):
        draw(three, run.path, **asked)
    exact = LatentMixture.means_.fget  # fitted on another number of threads, say, it is nearly the same
    monkeypatch.setattr(LatentMixture, "means_", property(lambda m: exact(m) * (1 + 1e-6)))
    draw(mixtures[0], run.path, **asked)
    assert content(run.path) == before and Run.open(run.path).damaged() == []


def test_one_that_was_cut_off_goes_on_with_its_own_mixture_only(mixtures, tmp_path, monkeypatch):
    monkeypatch.setattr("gammaface.drawing.BLOCK", 2)

    def stop(done, total):
        if done > 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw(mixtures[0], tmp_path / "cut", progress=stop)
    with pytest.raises(GammaFaceError, match="drawn with another mixture"):
        draw(mixtures[1], tmp_path / "cut")
    (tmp_path / "cut" / "arrays" / "mixture_means.npy").unlink()  # the rest still tells them apart
    with pytest.raises(GammaFaceError, match="drawn with another mixture"):
        draw(mixtures[1], tmp_path / "cut")
    draw(mixtures[0], tmp_path / "cut")
    draw(mixtures[0], tmp_path / "whole")
    assert content(tmp_path / "cut") == content(tmp_path / "whole")


def test_pictures_of_before_are_given_no_mixture(mixtures, tmp_path):
    """Runs of some strategies kept none: nobody can tell which it was."""
    run = draw(mixtures[0], tmp_path / "run", injection="responsibility")
    for file in (run.path / "arrays").iterdir():
        file.unlink()
    assert not list((draw(mixtures[0], run.path, injection="responsibility").path / "arrays").iterdir())


def test_plain_pictures_begin_at_no_mixture(mixtures, tmp_path):
    run = draw(mixtures[0], tmp_path / "run", strategy="plain")
    assert draw(mixtures[1], run.path, strategy="plain").manifest.config["k"] == 2
    assert not run.has("arrays/mixture_means.npy")


def test_every_worker_hears_of_another_mixture(mixtures, tmp_path):
    draw(mixtures[0], tmp_path / "run")
    found = launch(2, lambda workers: draw(mixtures[1], tmp_path / "run", workers=workers))
    assert all("drawn with another mixture" in error.what for error in found)
    assert Run.open(tmp_path / "run").manifest.state == "done"


def test_a_missing_mixture_is_told_in_words(tmp_path):
    with pytest.raises(GammaFaceError, match="needs a fitted mixture"):
        draw(None, tmp_path / "run")
