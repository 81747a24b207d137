import copy

import numpy as np
import pytest
import torch

from gammaface import GammaFaceError
from gammaface.balancing import draw_seeds
from gammaface.generators import seeded
from gammaface.models import precision
from gammaface.models.precision import VARIABLE, arithmetic, fast_dtype
from gammaface.sampling import sampler_path
from gammaface.training.loop import training_dtype

CPU = torch.device("cpu")
FLOAT32, BFLOAT16 = 1e-3, 0.01  # largest and mean difference of pixels in [-1, 1]


@pytest.fixture(autouse=True)
def nothing_is_asked(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


@torch.no_grad()
def plainly_drawn(generator, seeds, path):
    """DDIM as it stands in the paper, in float32, one image at a time, in torch's usual layout."""
    unet = copy.deepcopy(generator.unet).to(memory_format=torch.contiguous_format)
    coder = copy.deepcopy(generator.autoencoder).to(memory_format=torch.contiguous_format)
    images = []
    for stream in seeded(seeds):
        x = torch.randn(1, *generator.shape, generator=stream)
        for t, after in zip(path, path[1:], strict=False):
            a, b = (1.0 if s < 0 else generator.alphas[s] for s in (t, after))
            v = unet(x, t).sample
            clean, noise = a**0.5 * x - (1 - a) ** 0.5 * v, a**0.5 * v + (1 - a) ** 0.5 * x
            x = b**0.5 * clean + (1 - b) ** 0.5 * noise
        images.append(coder.decode(x / coder.config.scaling_factor).sample.clamp(-1, 1))
    return torch.cat(images)


def test_the_loop_draws_what_a_plain_float32_loop_draws(tiny, monkeypatch):
    monkeypatch.setenv(VARIABLE, "float32")
    plain = plainly_drawn(tiny, range(3), sampler_path("ddim", tiny.alphas, 12))
    drawn = draw_seeds(tiny, np.arange(3), steps=12, batch_size=8).images
    assert float(plain.std()) > 0.02
    assert float((drawn - plain).abs().max()) < FLOAT32


def test_bfloat16_draws_nearly_the_same(tiny, monkeypatch):
    images = {}
    for name in ("float32", "bfloat16"):
        monkeypatch.setenv(VARIABLE, name)
        images[name] = draw_seeds(tiny, np.arange(3), steps=4, batch_size=3).images
    apart = (images["float32"] - images["bfloat16"]).abs()
    assert images["bfloat16"].dtype == torch.float32
    assert 0 < float(apart.mean()) < BFLOAT16
    assert {p.dtype for p in tiny.unet.parameters()} == {torch.float32}  # only rounded in passing


@pytest.mark.slow  # bfloat16 is emulated where the processor has none
@pytest.mark.parametrize("sampler, steps", [("ddim", 20), ("unipc", 8)])
def test_bfloat16_draws_the_same_faces(sampler, steps, monkeypatch):
    from gammaface.generators import load_generator

    faces, images = load_generator("faces", device="cpu"), {}
    for name in ("float32", "bfloat16"):
        monkeypatch.setenv(VARIABLE, name)
        path = {"steps": steps, "sampler": sampler, "batch_size": 2}
        images[name] = draw_seeds(faces, np.arange(2), **path).images
    assert float((images["float32"] - images["bfloat16"]).abs().mean()) < BFLOAT16


@pytest.mark.parametrize(
    "avx512, amx, dtype",
    [
        (False, False, torch.float32),
        (True, False, torch.bfloat16),
        (False, True, torch.bfloat16),
    ],
)
def test_a_cpu_computes_in_bfloat16_where_it_has_instructions_for_it(monkeypatch, avx512, amx, dtype):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert fast_dtype(CPU) == dtype


def test_training_computes_as_sampling_does(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for name, dtype in precision.NAMES.items():
        monkeypatch.setenv(VARIABLE, name)
        assert training_dtype() == dtype


def test_what_is_asked_for_is_used(monkeypatch):
    a = torch.ones(2, 2)
    for name, dtype in precision.NAMES.items():
        monkeypatch.setenv(VARIABLE, name)
        with arithmetic(CPU):
            assert (a @ a).dtype == dtype
    monkeypatch.setenv(VARIABLE, "half")
    with pytest.raises(GammaFaceError, match="GAMMAFACE_PRECISION=half"):
        fast_dtype(CPU)
