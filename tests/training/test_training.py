import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline
from safetensors.torch import load_file

from gammaface import GammaFaceError, harvest, load_generator
from gammaface.training import autoencoder as ae
from gammaface.training.bundle import load_autoencoder, load_unet, read_training, write_bundle
from gammaface.training.checkpoints import newest_checkpoint
from gammaface.training.diffusion import UNetWidths, encode_latents, train_diffusion
from gammaface.training.loop import Schedule, denormals_flushed
from tests.launched import launch

WIDTHS = UNetWidths((32, 32), 1, 16)
NARROW = ae.AutoencoderWidths((8, 8, 16, 16), (8, 8, 16, 16), (0, 1, 1, 1), (0, 1, 1, 1))
SHORT = Schedule(images=64, batch_size=8, learning_rate=1e-3, warmup_images=8, ema_half_life=8)


@pytest.fixture(scope="module")
def faces():
    """One flat colour: what a network learns first."""
    return torch.tensor([220, 60, 30], dtype=torch.uint8).view(1, 3, 1, 1).expand(12, 3, 64, 64).clone()


@pytest.fixture(scope="module")
def latents():
    return np.random.default_rng(0).normal(size=(32, 16, 8, 8)).astype(np.float16)


def weights(module) -> torch.Tensor:
    return torch.cat([p.flatten() for p in module.parameters()])


@pytest.mark.slow
def test_the_autoencoder_learns(faces, tmp_path):
    def train(name, schedule):
        return ae.train_autoencoder(faces, out=tmp_path / name, schedule=schedule, widths=NARROW, quiet=True)

    few = train("a", Schedule(images=8, batch_size=8))
    many = train("b", Schedule(images=480, batch_size=8, learning_rate=4e-3, warmup_images=16))
    pixels = ae.to_unit(faces)

    def error(model):
        with torch.no_grad():
            return float((model.decode(model.encode(pixels).latent).sample - pixels).abs().mean())

    assert error(many) < 0.5 * error(few)
    assert load_autoencoder(tmp_path / "b" / "autoencoder").config.latent_channels == 16


def test_latents_are_scaled_without_changing_the_pictures():
    torch.manual_seed(0)
    coder = ae.build_autoencoder(NARROW)
    images = torch.randint(0, 256, (8, 3, 64, 64), dtype=torch.uint8)
    pixels = ae.to_unit(images)
    with torch.no_grad():
        before = coder.decode(coder.encode(pixels).latent).sample
        ae.normalise_latents(coder, images)
        latents = coder.encode(pixels).latent
        assert latents.std(dim=(0, 2, 3)).numpy() == pytest.approx(1.0, abs=1e-3)
        assert torch.allclose(coder.decode(latents).sample, before, atol=1e-4)


def test_two_workers_train_one_model(latents, tmp_path):
    schedule = Schedule(**{**vars(SHORT), "batch_size": 4})

    def work(workers):
        torch.manual_seed(workers.rank)
        ema, progress = train_diffusion(
            latents, out=tmp_path, schedule=schedule, widths=WIDTHS, quiet=True, resume=True
        )
        return weights(ema).detach().numpy(), progress["seen"], progress["step"]

    (first, seen, steps), (second, *_) = launch(2, work)
    assert (first == second).all(), "the workers ended with different models"
    assert seen == 64 and steps == 8, "a step takes the batches of both"
    assert [p.name for p in tmp_path.glob("checkpoint-*")] == ["checkpoint-00000008"]


def test_a_resumed_training_equals_an_undisturbed_one(latents, tmp_path):
    whole, _ = train_diffusion(latents, out=tmp_path / "w", schedule=SHORT, widths=WIDTHS, quiet=True)
    often = Schedule(**{**vars(SHORT), "checkpoint_minutes": 0.0})

    def kill(ema, progress):
        if progress["seen"] >= 32:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_diffusion(
            latents, out=tmp_path / "c", schedule=often, widths=WIDTHS, quiet=True, on_checkpoint=kill
        )
    cut, progress = train_diffusion(
        latents, out=tmp_path / "c", schedule=often, widths=WIDTHS, quiet=True, resume=True
    )
    assert progress["seen"] == 64
    assert torch.allclose(weights(whole), weights(cut), atol=1e-6)


@pytest.mark.slow
def test_the_loss_falls(latents, tmp_path):
    schedule = Schedule(images=640, batch_size=8, learning_rate=3e-3, warmup_images=32)
    clean = np.repeat(latents[:1], 32, axis=0)  # one image: easy to learn
    _, progress = train_diffusion(clean, out=tmp_path, schedule=schedule, widths=WIDTHS, quiet=True)
    losses = [row[1] for row in progress["history"]]
    assert losses[-1] < 0.6 * losses[0]


def test_checkpoints_are_not_overwritten_by_accident(latents, tmp_path):
    train_diffusion(latents, out=tmp_path, schedule=SHORT, widths=WIDTHS, quiet=True)
    with pytest.raises(GammaFaceError, match="Add --resume"):
        train_diffusion(latents, out=tmp_path, schedule=SHORT, widths=WIDTHS, quiet=True)
    other = Schedule(**{**vars(SHORT), "batch_size": 4})
    with pytest.raises(GammaFaceError, match="another configuration"):
        train_diffusion(latents, out=tmp_path, schedule=other, widths=WIDTHS, quiet=True, resume=True)
    state = newest_checkpoint(tmp_path) / "state.safetensors"
    state.write_bytes(state.read_bytes()[:100])
    with pytest.raises(GammaFaceError, match="checkpoint is damaged"):
        train_diffusion(latents, out=tmp_path, schedule=SHORT, widths=WIDTHS, quiet=True, resume=True)


def test_a_resume_on_other_data_is_refused(faces, latents, tmp_path):
    def coder(images, *, resume=False):
        short = Schedule(images=8, batch_size=8)
        return ae.train_autoencoder(
            images, out=tmp_path / "ae", schedule=short, widths=NARROW, resume=resume, quiet=True
        )

    def denoiser(name, codes, *, resume=False, data=None):
        return train_diffusion(
            codes, out=tmp_path / name, schedule=SHORT, widths=WIDTHS, resume=resume, data=data, quiet=True
        )

    coder(faces)
    coder(faces, resume=True)
    denoiser("plain", latents)
    denoiser("made", latents, data="images and weights")
    denoiser("made", latents + 1, resume=True, data="images and weights")  # only rounded elsewhere
    for other in (
        lambda: coder(255 - faces, resume=True),
        lambda: denoiser("plain", latents + 1, resume=True),
        lambda: denoiser("made", latents, resume=True, data="images and other weights"),
    ):
        with pytest.raises(GammaFaceError, match="another configuration.*same data and options"):
            other()


def test_latents_are_encoded_once(faces, tmp_path, monkeypatch):
    coder = ae.build_autoencoder(NARROW)
    cache = tmp_path / "latents.npy"
    first, made_of = encode_latents(faces, coder, cache=cache, quiet=True)
    assert first.shape == (24, 16, 8, 8)
    cache.with_suffix(".json").write_text("")  # damaged: encoded again
    encode_latents(faces, coder, cache=cache, quiet=True)
    monkeypatch.setattr(coder, "encode", None)
    again, same = encode_latents(faces, coder, cache=cache, quiet=True)
    assert (again == first).all() and same == made_of
    _, other = encode_latents(faces, ae.build_autoencoder(NARROW), cache=tmp_path / "b.npy", quiet=True)
    assert other != made_of
    (tmp_path / "file").write_text("")
    with pytest.raises(GammaFaceError, match="cannot be written: Not a directory"):
        encode_latents(faces, ae.build_autoencoder(NARROW), cache=tmp_path / "file" / "b.npy", quiet=True)
    with pytest.raises(TypeError):  # other images: the cache is not used
        encode_latents(faces[:5], coder, cache=cache, quiet=True)


def test_a_bundle_is_read_by_both(latents, tmp_path):
    coder = ae.build_autoencoder(NARROW)
    unet, progress = train_diffusion(latents, out=tmp_path / "d", schedule=SHORT, widths=WIDTHS, quiet=True)
    kept = {"progress": progress, "config": read_training(tmp_path / "d")[1]}
    write_bundle(tmp_path / "model", unet=unet, autoencoder=coder, **kept)
    told = json.loads((tmp_path / "model" / "training.json").read_text())
    assert told["images_seen"] == 64 and told["config"]["schedule"] == asdict(SHORT)
    stored = load_file(tmp_path / "model" / "unet" / "diffusion_pytorch_model.safetensors")
    assert {v.dtype for v in stored.values()} == {torch.float16}
    assert type(DiffusionPipeline.from_pretrained(tmp_path / "model")).__name__ == "LDMPipeline"
    assert harvest(load_generator(tmp_path / "model"), n=2, steps=2).array.shape == (2, 1024)
    assert load_unet(tmp_path / "model" / "unet").dtype == torch.float32
    with pytest.raises(GammaFaceError, match="no trained model here"):
        load_unet(tmp_path)
    with pytest.raises(GammaFaceError, match="the model cannot be written: Not a directory"):
        write_bundle(tmp_path / "model" / "training.json" / "x", unet=unet, autoencoder=coder, **kept)


def test_factor_sixteen_at_128_px():
    coder = ae.build_autoencoder(ae.AutoencoderWidths.for_resolution(128))
    with torch.no_grad():
        latent = coder.encode(torch.zeros(1, 3, 128, 128)).latent
        assert latent.shape == (1, 16, 8, 8)
        assert coder.decode(latent).sample.shape == (1, 3, 128, 128)


def test_schedule():
    schedule = Schedule(images=1000, batch_size=10, learning_rate=1.0, warmup_images=100, decay=0.5)
    assert schedule.rate(0) == pytest.approx(0.1)
    assert schedule.rate(400) == 1.0
    assert schedule.rate(750) == pytest.approx(0.5)
    assert schedule.rate(1000) == 0.0


def test_denormals_are_exact_again_after_training(tmp_path):
    tiny = torch.tensor([1e-40])
    with denormals_flushed():
        assert (tiny * 0.5).item() == 0
    assert (tiny * 0.5).item() > 0
