"""Other people's models: each published architecture against diffusers' own pipeline."""

import json
import os
import pickle
import resource
import shutil

import diffusers
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from gammaface import GammaFaceError, harvest, load_generator
from gammaface.generators import seeded
from gammaface.models.weights import cache_folder
from gammaface.sampling import ddim, ddpm, timestep_path
from gammaface.workspace import Run
from tests.hub_models import PUBLISHED, VE, build

SEEDS, STEPS = [3, 8], 2


@pytest.fixture(scope="session")
def repository(tmp_path_factory):
    """Small stand-ins, built once each."""
    made = {}

    def get(name, *, pickled=False):
        if (name, pickled) not in made:
            made[name, pickled] = build(name, tmp_path_factory.mktemp("hub") / "model", pickled=pickled)
        return made[name, pickled]

    return get


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GAMMAFACE_CACHE", str(tmp_path / "cache"))


def ours(generator, sampler=ddim):
    streams = seeded(SEEDS)
    path = timestep_path(generator.train_steps, STEPS)
    x = sampler(
        generator.predict, generator.noise(streams), path, alphas=generator.alphas, generators=streams
    )
    return generator.decode(x)


def theirs(folder, pipeline, *, scheduler=None, part="unet", coder=None, **asked):
    """What diffusers' pipeline draws with the same streams, in [-1, 1]."""
    inside = (lambda name: folder / name) if (folder / part).is_dir() else (lambda name: folder)
    kind, config = scheduler or (None, None)
    stored = json.loads((inside("scheduler") / "scheduler_config.json").read_text())
    kind = kind or getattr(diffusers, stored["_class_name"])
    planned = kind.from_config(stored | {"timestep_spacing": "trailing"} | (config or {}))
    cls = diffusers.UNet2DModel if part == "unet" else diffusers.DiTTransformer2DModel
    parts = {part: cls.from_pretrained(inside(part)).eval(), "scheduler": planned}
    if coder:
        name, coder_class = coder
        parts[name] = coder_class.from_pretrained(folder / name).eval()
    made = pipeline(**parts)
    made.set_progress_bar_config(disable=True)
    pictures = made(generator=seeded(SEEDS), num_inference_steps=STEPS, output_type="np", **asked).images
    return torch.from_numpy(pictures).permute(0, 3, 1, 2) * 2 - 1


@pytest.mark.parametrize("name", ["google/ddpm-celebahq-256", "google/ddpm-ema-celebahq-256"])
def test_ddpm_draws_what_its_pipeline_draws(repository, name):
    folder = repository(name)
    expected = theirs(folder, diffusers.DDPMPipeline, batch_size=2)
    assert torch.allclose(ours(load_generator(folder, device="cpu"), ddpm), expected, atol=1e-3)


def test_ddim_draws_what_its_pipeline_draws(repository):
    folder = repository("a DDIM pipeline")
    expected = theirs(folder, diffusers.DDIMPipeline, batch_size=2, use_clipped_model_output=True)
    assert torch.allclose(ours(load_generator(folder, device="cpu")), expected, atol=1e-3)


def test_pndm_models_are_drawn_by_ddim_on_their_schedule(repository):
    folder = repository("a PNDM pipeline")
    plain = (diffusers.DDIMScheduler, {"clip_sample": False, "set_alpha_to_one": True})
    expected = theirs(folder, diffusers.DDIMPipeline, scheduler=plain, batch_size=2)
    generator = load_generator(folder, device="cpu")
    assert generator.clip is None
    assert torch.allclose(ours(generator), expected, atol=1e-3)


@pytest.mark.parametrize("factor", [None, 0.5])
def test_ldm_draws_what_its_pipeline_draws(repository, tmp_path, factor):
    folder = shutil.copytree(repository("CompVis/ldm-celebahq-256"), tmp_path / "ldm")
    file = folder / "vqvae" / "config.json"
    # Without the field the model is one from before it, trained on latents as they are.
    written = {"scaling_factor": factor} if factor else {}
    file.write_text(json.dumps(json.loads(file.read_text()) | written))
    generator = load_generator(folder, device="cpu")
    found = ours(generator)
    file.write_text(json.dumps(json.loads(file.read_text()) | {"scaling_factor": factor or 1.0}))
    expected = theirs(folder, diffusers.LDMPipeline, coder=("vqvae", diffusers.VQModel), batch_size=2)
    # The codebook is a step function: rounding moves a latent at an edge to the next code, and with
    # it a region of the picture. A wrong scale would leave no pixel where it was.
    assert ((found - expected).abs() < 1e-3).float().mean() > 0.5
    assert generator.shape == (3, 16, 16) and found.shape == (2, 3, 64, 64)
    assert generator.encode(found).shape == (2, 3, 16, 16)


@pytest.mark.parametrize("label, classes", [(None, [10, 10]), (3, [3, 3])])
def test_dit_draws_what_its_pipeline_draws(repository, label, classes):
    folder = repository("facebook/DiT-XL-2-256")
    generator = load_generator(f"{folder}#{label}" if label is not None else folder, device="cpu")
    expected = theirs(
        folder,
        diffusers.DiTPipeline,
        part="transformer",
        coder=("vae", diffusers.AutoencoderKL),
        class_labels=classes,
        guidance_scale=1.0,
    )
    assert torch.allclose(ours(generator), expected, atol=1e-3)
    with pytest.raises(GammaFaceError, match="no mid block"):
        harvest(generator, n=1, space="h", steps=2, batch_size=1)


class TestVarianceExploding:
    """Score-SDE VE: exact in other variables, against the network and its own scheduler."""

    @pytest.fixture(scope="class")
    def folder(self, repository):
        return repository("google/ncsnpp-ffhq-256")

    @pytest.fixture(scope="class")
    def generator(self, folder):
        return load_generator(folder, device="cpu")

    @pytest.fixture(scope="class")
    def network(self, folder):
        return diffusers.UNet2DModel.from_pretrained(folder).eval()

    def sigma(self, t):
        return VE["sigma_min"] * (VE["sigma_max"] / VE["sigma_min"]) ** (t / (VE["num_train_timesteps"] - 1))

    @torch.no_grad()
    def test_the_prediction_is_tweedies_formula(self, generator, network):
        t = 900
        sigma = self.sigma(t)
        noisy = torch.rand(2, 3, 64, 64) + sigma * torch.randn(2, 3, 64, 64)
        score = network(noisy, torch.full((2,), sigma)).sample
        clean, noise = generator.predict((2 * noisy - 1) / (1 + 4 * sigma**2) ** 0.5, t)
        assert generator.sqrt_abar(t) == pytest.approx((1 + 4 * sigma**2) ** -0.5)
        assert torch.allclose((clean + 1) / 2, noisy + sigma**2 * score, atol=1e-3)
        assert torch.allclose(noise, -sigma * score, atol=1e-4)

    @torch.no_grad()
    def test_an_ancestral_step_has_its_schedulers_mean(self, generator, network):
        t = 1200
        sigma, after = self.sigma(t), self.sigma(t - 1)
        noisy = torch.rand(1, 3, 64, 64) + sigma * torch.randn(1, 3, 64, 64)
        scheduler = diffusers.ScoreSdeVeScheduler(**VE)
        scheduler.set_timesteps(2000)
        scheduler.set_sigmas(2000)
        score = network(noisy, torch.full((1,), sigma)).sample
        place = torch.tensor((t + 0.5) / 1999)  # the scheduler floors it to the step t
        expected = scheduler.step_pred(score, place, noisy).prev_sample_mean
        scale = [(1 + 4 * s**2) ** 0.5 for s in (sigma, after)]
        x = ddpm(
            generator.predict,
            (2 * noisy - 1) / scale[0],
            [t, t - 1],
            alphas=generator.alphas,
            generators=seeded([5]),
        )
        drawn = torch.randn(3, 64, 64, generator=seeded([5])[0])
        added = 2 * after * (sigma**2 - after**2) ** 0.5 / sigma * drawn
        assert torch.allclose((x * scale[1] - added + 1) / 2, expected, atol=1e-3)

    def test_ddim_follows_the_probability_flow(self, generator):
        """Where the score is known: data at one point c, score = (c - y) / sigma^2."""
        from dataclasses import replace

        class Known(torch.nn.Module):
            config = None

            def forward(self, y, levels, return_dict=False):
                return ((0.25 - y) / levels.view(-1, 1, 1, 1) ** 2,)

        from gammaface.models.networks import VarianceExploding

        known = replace(generator, unet=VarianceExploding(Known(), [self.sigma(t) for t in range(2000)]))
        x = ddim(known.predict, torch.randn(1, 3, 8, 8), timestep_path(2000, 20), alphas=known.alphas)
        assert torch.allclose(x, torch.full_like(x, -0.5), atol=1e-3)


@pytest.mark.parametrize(
    "name",
    ["google/ddpm-celebahq-256", pytest.param("CompVis/ldm-celebahq-256", marks=pytest.mark.slow)],
)
def test_bin_weights_are_converted_once_and_said_so(repository, name, capsys):
    folder = repository(name, pickled=True)
    first = load_generator(folder, device="cpu")
    said = capsys.readouterr().err
    parts = [p for p in PUBLISHED[name].parts if p != "scheduler"]
    assert said.count("weights-only loader, kept as safetensors") == len(parts)
    assert len(list(cache_folder().rglob("*.safetensors"))) == len(parts)
    assert not list(folder.rglob("*.safetensors")), "the user's folder was written"
    again = load_generator(folder, device="cpu")
    assert capsys.readouterr().err == "" and again.weights_hash == first.weights_hash
    safe = load_generator(repository(name), device="cpu")
    assert torch.equal(ours(first), ours(safe)), "the old names of attention were lost"


class Trap:
    def __reduce__(self):
        return os.mkdir, ("/tmp/gammaface-code-was-run",)


@pytest.mark.filterwarnings("error")
def test_a_plain_pickle_is_refused_without_torchs_own_words(repository, tmp_path):
    folder = shutil.copytree(repository("google/ddpm-celebahq-256", pickled=True), tmp_path / "model")
    (folder / "diffusion_pytorch_model.bin").write_bytes(pickle.dumps({"a": print}))
    with pytest.raises(GammaFaceError, match="weights-only loader refuses the file"):
        load_generator(folder, device="cpu")


def test_code_in_a_bin_file_is_refused_and_not_run(repository, tmp_path):
    folder = shutil.copytree(repository("google/ddpm-celebahq-256", pickled=True), tmp_path / "model")
    torch.save({"weight": Trap()}, folder / "diffusion_pytorch_model.bin")
    with pytest.raises(GammaFaceError, match="refuses the file: it asks for posix.mkdir") as caught:
        load_generator(folder, device="cpu")
    assert "weights_only" not in str(caught.value)
    assert not os.path.exists("/tmp/gammaface-code-was-run")


def test_weights_that_are_missing_are_not_made_up(repository, tmp_path):
    folder = shutil.copytree(repository("google/ddpm-celebahq-256"), tmp_path / "model")
    file = folder / "diffusion_pytorch_model.safetensors"
    tensors = load_file(file)
    del tensors["conv_in.weight"]
    save_file(tensors, file)
    with pytest.raises(GammaFaceError, match="lacks 1 weights, conv_in.weight among them"):
        load_generator(folder, device="cpu")


def index_of(tmp_path, content):
    (tmp_path / "model_index.json").write_text(json.dumps(content))
    return tmp_path


@pytest.mark.parametrize(
    "index, words",
    [
        (
            {
                "_class_name": "StableDiffusionPipeline",
                "unet": ["diffusers", "UNet2DConditionModel"],
                "text_encoder": ["transformers", "CLIPTextModel"],
                "vae": ["diffusers", "AutoencoderKL"],
            },
            "StableDiffusionPipeline draws from a text .text_encoder.: its faces depend on the prompt",
        ),
        (
            {"_class_name": "LDMTextToImagePipeline", "bert": ["ldm", "LDMBertModel"], "unet": ["d", "U"]},
            "draws from a text .bert.",
        ),
        ({"_class_name": "AudioDiffusionPipeline", "mel": ["a", "Mel"], "unet": ["d", "U"]}, "draws sound"),
        ({"_class_name": "Odd", "decoder": ["diffusers", "UNet2DModel"]}, "neither a unet nor a transformer"),
        ({"unet": ["my_code", "UNet2DModel"]}, "class 'UNet2DModel' of my_code"),
        ({"unet": ["diffusers", "UNet1DModel"]}, "unet is of class 'UNet1DModel'"),
        (
            {"unet": ["diffusers", "UNet2DModel"], "vae": ["diffusers", "AutoencoderOobleck"]},
            "vae is of class",
        ),
    ],
)
def test_what_cannot_work_is_said(tmp_path, index, words):
    with pytest.raises(GammaFaceError, match=words):
        load_generator(index_of(tmp_path, index))


def test_a_network_that_upscales_is_refused(repository, tmp_path):
    folder = shutil.copytree(repository("CompVis/ldm-celebahq-256"), tmp_path / "model")
    network = diffusers.UNet2DModel(
        sample_size=16, in_channels=6, block_out_channels=(4, 4), norm_num_groups=2,
        down_block_types=("DownBlock2D",) * 2, up_block_types=("UpBlock2D",) * 2,
    )  # fmt: skip
    network.save_pretrained(folder / "unet")
    with pytest.raises(GammaFaceError, match="takes 6 channels, its latents have 3"):
        load_generator(folder)


@pytest.mark.parametrize(
    "config, words",
    [
        ({"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 1.0}, "has no noise schedule"),
        ({"_class_name": "KarrasVeScheduler", "sigma_min": 0.02}, "has no noise schedule"),
        ({"_class_name": "DDPMScheduler", "beta_start": 0.1, "thresholding": True}, "dynamic thresholding"),
        ({"_class_name": "DDPMScheduler", "beta_start": 0.1, "prediction_type": "flow"}, "predicting 'flow'"),
    ],
)
def test_schedules_that_cannot_be_read_are_refused(config, words, tmp_path):
    from gammaface.models.schedules import read_schedule

    with pytest.raises(GammaFaceError, match=words):
        read_schedule(config, tmp_path)


def test_a_zero_snr_schedule_ends_on_noise(tmp_path):
    from gammaface.models.schedules import read_schedule

    config = {"_class_name": "DDIMScheduler", "beta_start": 0.0001, "rescale_betas_zero_snr": True}
    expected = diffusers.DDIMScheduler(rescale_betas_zero_snr=True, beta_start=0.0001).alphas_cumprod
    found = read_schedule(config, tmp_path).alphas
    assert np.allclose(found, expected.numpy(), atol=1e-6) and found[-1] <= 1e-12


class TestClasses:
    @pytest.fixture(scope="class")
    def folder(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("classes")
        torch.manual_seed(0)
        network = diffusers.UNet2DModel(
            sample_size=8, num_class_embeds=5, block_out_channels=(8, 8), norm_num_groups=4,
            down_block_types=("DownBlock2D",) * 2, up_block_types=("UpBlock2D",) * 2,
        )  # fmt: skip
        diffusers.DDIMPipeline(network, diffusers.DDIMScheduler()).save_pretrained(folder)
        return folder

    def test_the_class_asked_for_is_drawn(self, folder):
        network = diffusers.UNet2DModel.from_pretrained(folder / "unet").eval()
        generator = load_generator(f"{folder}#2", device="cpu")
        x = generator.noise(seeded(SEEDS))
        with torch.no_grad():
            expected = network(x, 700, class_labels=torch.tensor([2, 2])).sample
        assert torch.allclose(generator.unet(x, 700)[0], expected, atol=1e-5)
        assert generator.name.endswith("#2")
        assert harvest(generator, n=2, space="h", steps=3, batch_size=2).array.shape == (2, 8 * 4 * 4)

    @pytest.mark.parametrize(
        "ending, words", [("", "none was asked for"), ("#5", "5 classes"), ("#a", "is no class number")]
    )
    def test_slips_are_refused(self, folder, ending, words):
        with pytest.raises(GammaFaceError, match=words):
            load_generator(f"{folder}{ending}")

    def test_an_unconditional_model_has_no_classes(self, tiny_folder):
        with pytest.raises(GammaFaceError, match="has no classes"):
            load_generator(f"{tiny_folder}#1")


FULL = [
    "google/ddpm-celebahq-256",
    "google/ddpm-ema-celebahq-256",
    "google/ncsnpp-ffhq-256",
    "CompVis/ldm-celebahq-256",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
def test_full_size_models_harvest(name, tmp_path, capsys):
    """The true configuration: loads, harvests two latents in five steps, says its memory."""
    folder = build(name, tmp_path / "model", small=False, pickled=True)
    generator = load_generator(folder, device="cpu")
    found = harvest(generator, n=2, steps=5, batch_size=2, out=tmp_path / "run")
    assert found.array.shape == (2, generator.dimensions) and np.isfinite(found.array).all()
    assert Run.open(tmp_path / "run").manifest.weights == {generator.name: generator.weights_hash}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    with capsys.disabled():
        size = sum(p.numel() for p in generator.unet.parameters()) / 1e6
        print(f"\n{name}: {generator.shape}, {size:.0f} M parameters, peak {peak:.1f} GiB")
