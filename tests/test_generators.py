import json
import shutil

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler, DiffusionPipeline

from gammaface import GammaFaceError, load_generator
from gammaface.generators import micro_batches, seeded, seeds_for


@pytest.fixture
def copy(tiny_folder, tmp_path):
    return shutil.copytree(tiny_folder, tmp_path / "model")


def test_unknown_names_are_refused():
    with pytest.raises(GammaFaceError, match="there is no model 'nobody'"):
        load_generator("nobody")


def test_a_missing_folder_is_refused():
    with pytest.raises(GammaFaceError, match="there is no model"):
        load_generator("/nowhere/at/all")


def test_a_folder_that_is_no_pipeline_is_refused(tmp_path):
    with pytest.raises(GammaFaceError, match="no model_index.json"):
        load_generator(tmp_path)


def test_truncated_weights_are_refused(copy):
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(GammaFaceError, match="the unet cannot be loaded, it may be truncated"):
        load_generator(copy)


def test_a_bin_file_that_is_none_is_refused(copy):
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(GammaFaceError, match="refuses the file: it is damaged"):
        load_generator(copy)


def test_foreign_classes_are_refused(copy):
    index = json.loads((copy / "model_index.json").read_text())
    index["unet"] = ["os", "system"]
    (copy / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(GammaFaceError, match="unet is of class 'system'"):
        load_generator(copy)


@pytest.mark.parametrize("content", ["", "[]", '{"unet"'])
def test_a_broken_index_is_refused(copy, content):
    (copy / "model_index.json").write_text(content)
    with pytest.raises(GammaFaceError, match="JSON"):
        load_generator(copy)


def test_a_schedule_of_nan_is_refused(copy):
    file = copy / "scheduler" / "scheduler_config.json"
    config = json.loads(file.read_text())
    config["trained_betas"] = [float("nan")] * 1000
    file.write_text(json.dumps(config))
    with pytest.raises(GammaFaceError, match="noise schedule is not finite"):
        load_generator(copy)


def test_alphas_are_those_of_diffusers(tiny):
    oracle = DDPMScheduler(num_train_timesteps=1000, beta_schedule="squaredcos_cap_v2")
    assert np.allclose(tiny.alphas, np.maximum(oracle.alphas_cumprod.numpy(), 1e-12), rtol=1e-3, atol=1e-7)
    assert np.cumprod(1 - oracle.betas.double().numpy())[:900] == pytest.approx(tiny.alphas[:900])


def test_timestep_at_inverts_sqrt_abar(tiny):
    assert tiny.sqrt_abar(tiny.timestep_at(0.44)) == pytest.approx(0.44, abs=2e-3)
    with pytest.raises(GammaFaceError, match="t=1000 is out of range"):
        tiny.sqrt_abar(1000)


def test_predictions_agree_with_each_other(tiny):
    x = tiny.noise(seeded([1, 2]))
    clean, noise = tiny.predict(x, 300)
    a = tiny.alphas[300]
    assert torch.allclose(a**0.5 * clean + (1 - a) ** 0.5 * noise, x, atol=1e-5)


def test_diffusers_draws_from_the_same_folder(tiny_folder):
    pipeline = DiffusionPipeline.from_pretrained(tiny_folder).to(torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    image = pipeline(batch_size=1, num_inference_steps=2).images[0]
    assert image.size == (64, 64)


def test_seeds_of_different_runs_never_meet():
    assert not set(seeds_for(0, 1000)) & set(seeds_for(1, 1000))
    for seed, n in ((-1, 5), (0, 0)):
        with pytest.raises(GammaFaceError, match="cannot be used"):
            seeds_for(seed, n)


def test_micro_batches_have_one_shape():
    parts = list(micro_batches(np.arange(10), 4))
    assert [len(c) for c, _ in parts] == [4, 4, 4]
    assert [r for _, r in parts] == [4, 4, 2]
