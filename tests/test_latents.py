import numpy as np
import pytest
import torch

from gammaface import GammaFaceError, harvest
from gammaface.balancing import draw_seeds
from gammaface.latents import Latents
from gammaface.workspace import Run

OPTIONS = {"n": 64, "steps": 4, "seed": 3}


@pytest.mark.parametrize("space", ["x_t", "x0", "h", "h_pooled"])
def test_batch_size_does_not_matter(tiny, space):
    whole = harvest(tiny, space=space, batch_size=64, **OPTIONS)
    parts = harvest(tiny, space=space, batch_size=7, **OPTIONS)
    assert whole.array.shape[0] == 64
    assert np.abs(whole.array - parts.array).max() < 1e-3
    assert (whole.seeds == parts.seeds).all()


def test_x0_at_the_last_timestep_is_the_latent_that_is_decoded(tiny):
    z = harvest(tiny, n=3, steps=4, t=0, space="x0", batch_size=3)
    images = draw_seeds(tiny, z.seeds, steps=4, through=0, batch_size=3).images
    assert torch.allclose(tiny.decode(torch.from_numpy(z.array).view(3, *tiny.shape)), images, atol=1e-3)


def test_dimensions_of_the_spaces(tiny):
    sizes = {s: harvest(tiny, n=2, steps=2, space=s).array.shape[1] for s in ("x_t", "x0", "h", "h_pooled")}
    assert sizes == {"x_t": 1024, "x0": 1024, "h": 32 * 4 * 4, "h_pooled": 32}


def test_fewer_seeds_give_the_same_rows(tiny):
    many, few = harvest(tiny, n=10, steps=3), harvest(tiny, n=4, steps=3)
    assert np.abs(many.array[:4] - few.array).max() < 1e-3


def test_stochastic_sampling_belongs_to_the_seed_too(tiny):
    a = harvest(tiny, n=6, steps=3, sampler="ddpm", batch_size=6)
    b = harvest(tiny, n=6, steps=3, sampler="ddpm", batch_size=4)
    assert np.abs(a.array - b.array).max() < 1e-3


def test_default_timestep_is_where_the_paper_looks(tiny):
    assert harvest(tiny, n=2, steps=2).sqrt_abar == pytest.approx(0.44, abs=2e-3)


def test_a_run_resumes_by_missing_seeds(tiny, tmp_path):
    whole = harvest(tiny, out=tmp_path / "whole", batch_size=16, **OPTIONS)
    done = []

    def stop(count, total):
        done.append(count)
        if count >= 32:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        harvest(tiny, out=tmp_path / "cut", batch_size=16, progress=stop, **OPTIONS)
    assert Run.open(tmp_path / "cut").manifest.state == "cancelled"
    again = []
    cut = harvest(tiny, out=tmp_path / "cut", batch_size=16, progress=lambda i, n: again.append(i), **OPTIONS)
    assert again[0] > 16, "finished blocks were computed again"
    assert np.abs(whole.array - cut.array).max() < 1e-3 and (whole.seeds == cut.seeds).all()
    assert Run.open(tmp_path / "cut").manifest.state == "done"


def test_a_finished_run_is_not_computed_again(tiny, tmp_path):
    harvest(tiny, out=tmp_path / "run", **OPTIONS)

    def never(i, n):
        raise AssertionError("computed again")

    harvest(tiny, out=tmp_path / "run", progress=never, **OPTIONS)


def test_pca_is_kept_with_the_run(tiny, tmp_path):
    z = harvest(tiny, n=20, steps=2, pca=5, out=tmp_path / "run")
    loaded = Latents.load(Run.open(tmp_path / "run"))
    assert z.array.shape == loaded.array.shape == (20, 5)
    assert loaded.pca.components.shape == (5, 1024) and 0 < loaded.pca.explained <= 1
    with pytest.raises(GammaFaceError, match="PCA to 21 dimensions of 20 codes"):
        harvest(tiny, n=20, steps=2, pca=21)


def test_refusals(tiny, tmp_path):
    with pytest.raises(GammaFaceError, match="t=1000 is out of range"):
        harvest(tiny, n=2, t=1000)
    with pytest.raises(GammaFaceError, match="no space 'pixels'"):
        harvest(tiny, n=2, space="pixels")
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(GammaFaceError, match="run folder cannot be written"):
        harvest(tiny, n=2, steps=2, out=blocked / "run")


def test_nan_latents_are_refused(tiny, tmp_path, monkeypatch):
    def broken(self, x, t):
        return torch.full_like(x, float("nan")), x

    monkeypatch.setattr(type(tiny), "predict", broken)
    with pytest.raises(GammaFaceError, match="3 of 3 latents hold NaN"):
        harvest(tiny, n=3, steps=2, batch_size=3, out=tmp_path / "run")
    assert Run.open(tmp_path / "run").manifest.state == "failed"
