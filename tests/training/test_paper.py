"""The paper's recipe, tiny: epochs, samples, resuming, and the pipeline that comes out."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import DDPMPipeline
from PIL import Image
from safetensors.torch import load_file
from typer.testing import CliRunner

from gammaface import GammaFaceError, load_generator
from gammaface.cli import app
from gammaface.training import paper
from gammaface.training.checkpoints import newest_checkpoint
from gammaface.training.paper import PaperRecipe, build_pixel_unet, train_as_the_paper

TINY = PaperRecipe(epochs=2, batch_size=4, widths=(8, 8), learning_rate=1e-3)


@pytest.fixture
def faces():
    return torch.randint(0, 256, (10, 3, 16, 16), dtype=torch.uint8, generator=torch.manual_seed(0))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(paper, "SAMPLE_STEPS", 2)


def weights(folder):
    return load_file(folder / "model" / "unet" / "diffusion_pytorch_model.safetensors")


def test_each_epoch_leaves_a_sheet_and_the_model_is_a_ddpm_pipeline(faces, tmp_path):
    model = train_as_the_paper(faces, out=tmp_path / "t", recipe=TINY, quiet=True)
    sheets = sorted(p.name for p in (tmp_path / "t" / "samples").iterdir())
    assert sheets == ["epoch-001.png", "epoch-002.png"]
    assert Image.open(tmp_path / "t" / "samples" / "epoch-002.png").size == (8 * 18 - 2, 2 * 18 - 2)
    told = json.loads((model / "training.json").read_text(), parse_constant=pytest.fail)
    assert told["images_seen"] == 2 * 8 and told["steps"] == 4, "an epoch is 2 whole batches of 10 images"
    assert told["config"]["precision"] == "float32" and told["config"]["kind"] == "paper"
    assert told["config"]["recipe"]["widths"] == list(TINY.widths)
    pipeline = DDPMPipeline.from_pretrained(model)
    assert pipeline.scheduler.config.beta_schedule == "linear"
    generator = load_generator(model, device="cpu")
    assert generator.shape == (3, 16, 16) and generator.prediction_type == "epsilon"
    assert generator.clip == 1.0 and generator.sqrt_abar(400) == pytest.approx(0.44, abs=1e-3)


def test_a_resumed_training_equals_an_undisturbed_one(faces, tmp_path, monkeypatch):
    train_as_the_paper(faces, out=tmp_path / "whole", recipe=TINY, quiet=True)
    drawn = paper.draw_samples

    def kill(*asked):
        drawn(*asked)
        raise KeyboardInterrupt

    monkeypatch.setattr(paper, "draw_samples", kill)
    with pytest.raises(KeyboardInterrupt):
        train_as_the_paper(faces, out=tmp_path / "cut", recipe=TINY, quiet=True)
    monkeypatch.setattr(paper, "draw_samples", drawn)
    assert newest_checkpoint(tmp_path / "cut").name == "checkpoint-00000002"
    with pytest.raises(GammaFaceError, match="checkpoint of an earlier training"):
        train_as_the_paper(faces, out=tmp_path / "cut", recipe=TINY, quiet=True)
    train_as_the_paper(faces, out=tmp_path / "cut", recipe=TINY, resume=True, quiet=True)
    whole, cut = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert all(torch.allclose(whole[k], cut[k], atol=1e-5) for k in whole)


def test_a_resume_may_take_longer_and_lower_its_rate_but_not_change_its_pictures(faces, tmp_path):
    train_as_the_paper(faces, out=tmp_path, recipe=TINY, quiet=True)
    longer = replace(TINY, epochs=3, learning_rate=1e-4)
    with pytest.raises(GammaFaceError, match="another configuration"):
        train_as_the_paper(255 - faces, out=tmp_path, recipe=longer, resume=True, quiet=True)
    model = train_as_the_paper(faces, out=tmp_path, recipe=longer, resume=True, quiet=True)
    told = json.loads((model / "training.json").read_text())
    assert told["images_seen"] == 3 * 8 and told["config"]["recipe"]["learning_rate"] == 1e-4


@pytest.mark.slow
def test_it_learns(tmp_path):
    """Of one colour: the loss falls at a constant rate."""
    red = torch.tensor([230, 40, 40], dtype=torch.uint8).view(1, 3, 1, 1).expand(320, 3, 8, 8).clone()
    recipe = PaperRecipe(epochs=2, batch_size=16, widths=(16, 16), learning_rate=3e-3)
    model = train_as_the_paper(red, out=tmp_path / "t", recipe=recipe, quiet=True)
    history = np.array(json.loads((model / "training.json").read_text())["history"])
    assert history[-1, 1] < 0.7 * history[0, 1]
    assert (history[:, 2] == 3e-3).all(), "the rate is constant"


def test_the_papers_network_is_diffusers_own():
    with torch.device("meta"):
        network = build_pixel_unet(paper.WIDTHS, side=64)
    assert sum(p.numel() for p in network.parameters()) == 113_673_219
    assert network.config.down_block_types[4] == "AttnDownBlock2D"


@pytest.mark.parametrize("changes, words", [({"widths": (6,)}, "widths"), ({"epochs": 0}, "epochs=0")])
def test_slips_are_refused(changes, words):
    with pytest.raises(GammaFaceError, match=words):
        PaperRecipe(**changes)


def test_too_few_images_and_too_many_levels_are_refused(faces, tmp_path):
    with pytest.raises(GammaFaceError, match="10 images are fewer than a batch of 16"):
        train_as_the_paper(faces, out=tmp_path, recipe=PaperRecipe(widths=(8, 8)))
    with pytest.raises(GammaFaceError, match="6 levels do not fit 16 px"):
        train_as_the_paper(faces, out=tmp_path, recipe=PaperRecipe(batch_size=2))


def test_the_command_trains_on_a_folder(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "faces").mkdir()
    for i in range(4):
        pixels = rng.integers(0, 256, (70, 70, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "faces" / f"{i}.png")
    asked = ["train", "diffusion", "--recipe", "paper", "--data", str(tmp_path / "faces")]
    asked += ["--out", str(tmp_path / "out"), "--epochs", "1", "--batch-size", "2", "--widths", "8,8,8,8"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert load_generator(tmp_path / "out" / "model", device="cpu").shape == (3, 64, 64)
    slip = CliRunner().invoke(app, ["train", "diffusion", "--data", "x", "--out", "y"])
    assert isinstance(slip.exception, GammaFaceError) and "needs an autoencoder" in str(slip.exception)
