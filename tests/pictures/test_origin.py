"""A picture's way is walked again from its seed, and ends in the picture."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from gammaface import GammaFaceError, LatentMixture, harvest
from gammaface.drawing import draw_run
from gammaface.images import to_uint8
from gammaface.pictures.details import key_of, record_strip, record_variations, variations_at
from gammaface.pictures.origin import Origin, origin_of
from gammaface.pictures.strips import denoising_strip
from gammaface.pictures.variations import draw_variations, other_seeds, slerp
from gammaface.workspace import Run
from tests.strategies.toy import toy

STEPS = 4


@pytest.fixture(scope="module")
def mixture():
    return LatentMixture(2).fit(harvest(toy().generator, n=40, steps=STEPS))


def drawn(strategy, out, **more) -> Run:
    face = toy()
    asked = {"n": 3, "steps": STEPS, "target": face.target(), "labeller": face.labeller, "pilot": 60}
    if strategy in ("plain", "component-uniform"):
        asked = {"n": 3, "steps": STEPS}
    return draw_run(face.generator, out=out, strategy=strategy, **{"mixture": None} | asked | more)


@pytest.mark.parametrize(
    ("strategy", "more"),
    [
        ("plain", {}),
        ("plain", {"sampler": "ddpm"}),
        ("plain", {"sampler": "dpm-solver"}),
        ("quota", {}),
        ("stratified", {"options": {"space": "x0"}}),
        *(("component-uniform", {"injection": name}) for name in ("mean-noise", "resume", "responsibility")),
    ],
)
def test_the_path_ends_in_the_picture(strategy, more, mixture, tmp_path):
    given = {"mixture": mixture} if strategy == "component-uniform" else {}
    run = drawn(strategy, tmp_path / "run", **given, **more)
    for seed in run.table("images")["seed"]:
        origin = origin_of(run, int(seed))
        assert not origin.steered
        final = to_uint8(denoising_strip(toy().generator, origin).final[None])[0]
        stored = np.asarray(Image.open(run.image(int(seed))))
        assert np.abs(final.astype(int) - stored).max() <= 1


def test_a_steered_picture_says_so(tmp_path):
    run = drawn("h-directions", tmp_path / "run")
    assert origin_of(run, int(run.table("images")["seed"].iloc[0])).steered


def test_what_has_no_origin_is_refused(mixture, tmp_path):
    run = drawn("component-uniform", tmp_path / "run", mixture=mixture)
    with pytest.raises(GammaFaceError, match="no picture of seed 77"):
        origin_of(run, 77)
    (run.path / "arrays" / "mixture_means.npy").unlink()
    with pytest.raises(GammaFaceError, match="from before batches kept their mixture"):
        origin_of(run, 0)
    harvest(toy().generator, n=4, steps=STEPS, out=tmp_path / "z")
    with pytest.raises(GammaFaceError, match="holds no drawn batch"):
        origin_of(Run.open(tmp_path / "z"), 0)


def test_a_strip_has_its_ends_and_falls_in_noise():
    strip = denoising_strip(toy().generator, Origin(seed=5, steps=20), moments=8)
    assert strip.noisy.shape == strip.expected.shape == (8, 3, 4, 4)
    assert strip.timesteps[0] == 999 and list(strip.timesteps) == sorted(strip.timesteps, reverse=True)
    assert list(strip.sqrt_abars) == sorted(strip.sqrt_abars)
    assert torch.allclose(strip.expected[-1], strip.final)
    short = denoising_strip(toy().generator, Origin(seed=5, steps=3))
    assert len(short.timesteps) == 3


def test_slerp_stays_on_the_sphere():
    a, b = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(slerp(a, b, 0.0), a, atol=1e-5) and torch.allclose(slerp(a, b, 1.0), b, atol=1e-5)
    middle = slerp(a, b, 0.5).norm()
    assert middle > 0.95 * min(a.norm(), b.norm()) > 1.2 * (0.5 * (a + b)).norm()
    assert torch.equal(slerp(a, a, 0.3), a)


def test_variations_are_the_same_every_time_and_grow_with_strength():
    model, origin = toy().generator, Origin(seed=3, steps=STEPS)
    own = denoising_strip(model, origin).final
    few, more = (draw_variations(model, origin, n=n, strength=0.1) for n in (2, 4))
    assert torch.allclose(few, more[:2], atol=1e-5)
    far = draw_variations(model, origin, n=4, strength=0.9)
    assert (far - own).square().mean() > 4 * (more - own).square().mean() > 0
    assert other_seeds(3, 4)[:2] == other_seeds(3, 2) != other_seeds(4, 2)
    for wrong in ({"strength": 0.0}, {"strength": 1.5}, {"n": 0}):
        with pytest.raises(GammaFaceError, match="variations of strength"):
            draw_variations(model, origin, **wrong)


def test_details_are_kept_beside_the_run(mixture, tmp_path):
    run, out = drawn("component-uniform", tmp_path / "run", mixture=mixture), tmp_path / "details"
    record_strip(toy().generator, run, 1, out=out)
    record_strip(toy().generator, run, 2, out=out)
    record_variations(toy().generator, run, 1, out=out, n=2, strength=0.3)
    found = json.loads((out / "strips" / "drawn-1.json").read_text())
    assert found["largest_difference"] <= 1 and not found["steered"]
    assert len(list((out / "strips" / key_of("", 2)).glob("x_t-*.png"))) == len(found["timesteps"]) == STEPS
    assert len(list((out / variations_at("drawn-1", 0.3)).glob("*.png"))) == 2
    assert Run.open(out).manifest.state == "done"
    run.image(0).write_bytes(b"torn")
    with pytest.raises(GammaFaceError, match="missing or damaged"):
        record_strip(toy().generator, run, 0, out=out)
