"""Train a diffusion model as GAMMA-FACE did: diffusers' DDPM on pixels.

An unconditional U-Net that predicts noise, the linear schedule of 1,000 steps, Adam at a
constant 1e-4, 50 epochs, mirrored at random. Widths are those of diffusers' own recipe for
unconditional training, which the paper names; it states no average of the weights, and none
is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from accelerate import PartialState
from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

from gammaface.errors import GammaFaceError
from gammaface.files import content_hash, told_when_unwritable, write_whole
from gammaface.generators import load_generator, seeded
from gammaface.images import to_grid, to_png, to_uint8, to_unit
from gammaface.sampling import ddim, timestep_path
from gammaface.training.bundle import read_training, write_training
from gammaface.training.loop import Schedule, as_config, step_generator, train

WIDTHS = (128, 128, 256, 256, 512, 512)
SAMPLES, SAMPLE_STEPS = 16, 50
ADAM = (0.9, 0.999)


@dataclass(frozen=True)
class PaperRecipe:
    """Length and size; the defaults are the paper's, the batch diffusers' own.

    Raises
    ------
    GammaFaceError
        For widths or lengths that make no network or no training.
    """

    epochs: int = 50
    learning_rate: float = 1e-4
    batch_size: int = 16
    widths: tuple[int, ...] = WIDTHS
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self.widths) < 2 or any(w % 4 for w in self.widths) or min(self.widths) < 4:
            raise GammaFaceError(
                f"widths {self.widths}", fix="Give two or more numbers that 4 divides, like 128,128,256."
            )
        if min(self.epochs, self.batch_size) < 1 or self.learning_rate <= 0:
            raise GammaFaceError(
                f"epochs={self.epochs}, batch_size={self.batch_size}, learning_rate={self.learning_rate}",
                fix="Give 1 or more, and a rate above 0.",
            )


def build_pixel_unet(widths: tuple[int, ...], *, side: int) -> UNet2DModel:
    """An untrained U-Net over pictures (3, side, side); the level before the last attends."""
    levels = len(widths)
    attends = [i == levels - 2 for i in range(levels)]
    return UNet2DModel(
        sample_size=side,
        block_out_channels=widths,
        layers_per_block=2,
        norm_num_groups=min(32, min(widths)),
        down_block_types=tuple("AttnDownBlock2D" if a else "DownBlock2D" for a in attends),
        up_block_types=tuple("AttnUpBlock2D" if a else "UpBlock2D" for a in reversed(attends)),
    )


def build_pixel_scheduler() -> DDPMScheduler:
    """DDPM's linear schedule."""
    return DDPMScheduler(num_train_timesteps=1000, beta_schedule="linear", prediction_type="epsilon")


def train_as_the_paper(
    images: torch.Tensor,
    *,
    out: Path,
    recipe: PaperRecipe = PaperRecipe(),
    resume: bool = False,
    quiet: bool = False,
) -> Path:
    """Train on images and write ``OUT/model``, a DDPM pipeline that diffusers loads, too.

    After each epoch a checkpoint and ``OUT/samples/epoch-NNN.png``: 16 pictures of the seeds
    0 to 15, 50 DDIM steps.

    Parameters
    ----------
    images : uint8 tensor of shape (n, 3, H, H)
    out : Path
    recipe : PaperRecipe
    resume : bool
        Continue from the last epoch's checkpoint.

    Returns
    -------
    Path
        The model's folder.

    Raises
    ------
    GammaFaceError
        For fewer images than a batch, and as :func:`gammaface.training.loop.train`.
    """
    n, side = len(images), images.shape[-1]
    workers = PartialState()
    total = recipe.batch_size * workers.num_processes
    if n < total:
        raise GammaFaceError(
            f"{n} images are fewer than a batch of {total}", fix="Give more images or a smaller --batch-size."
        )
    if side % 2 ** (len(recipe.widths) - 1):
        raise GammaFaceError(
            f"{len(recipe.widths)} levels do not fit {side} px",
            fix="Give fewer widths or another resolution.",
        )
    epoch = n // total * total  # whole batches, as a loader that drops the last one
    schedule = Schedule(
        images=recipe.epochs * epoch,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        warmup_images=0,
        decay=0.0,
        weight_decay=0.0,
        ema_half_life=1,
        seed=recipe.seed,
        checkpoint_minutes=1e9,  # epochs decide; JSON knows no infinity
    )
    torch.manual_seed(recipe.seed)
    unet = build_pixel_unet(recipe.widths, side=side).to(memory_format=torch.channels_last)
    scheduler = build_pixel_scheduler()
    abar = scheduler.alphas_cumprod

    def loss_of(model, step, accelerator):
        batches = epoch // total
        order = step_generator(recipe.seed + 1, step // batches)  # the same for every process
        start = (step % batches) * total + accelerator.process_index * recipe.batch_size
        rows = torch.randperm(n, generator=order)[start : start + recipe.batch_size]
        source = step_generator(recipe.seed, step, accelerator.process_index)
        clean = to_unit(images[rows])
        mirrored = torch.rand(len(rows), generator=source) < 0.5
        clean = torch.where(mirrored.view(-1, 1, 1, 1), clean.flip(-1), clean)
        t = torch.randint(len(abar), (len(rows),), generator=source)
        noise = torch.randn(clean.shape, generator=source)
        noisy = scheduler.add_noise(clean, noise, t)
        noisy, t, noise = (v.to(accelerator.device) for v in (noisy, t, noise))
        predicted = model(noisy.contiguous(memory_format=torch.channels_last), t, return_dict=False)[0]
        return F.mse_loss(predicted.float(), noise)

    def after_epoch(_average, progress):
        _write(out, unet, progress)
        draw_samples(out / "model", out / "samples" / f"epoch-{progress['seen'] // epoch:03d}.png")

    config = as_config(
        kind="paper", schedule=schedule, recipe=recipe, n=n, side=side, data=content_hash(images.numpy())
    )
    _, progress = train(
        unet,
        loss_of,
        schedule=schedule,
        out=out,
        config=config,
        resume=resume,
        quiet=quiet,
        on_checkpoint=after_epoch,
        betas=ADAM,
        checkpoint_images=epoch,
    )
    if workers.is_main_process:
        _write(out, unet, progress)
    return out / "model"


def _write(out: Path, unet: UNet2DModel, progress: dict) -> None:
    with told_when_unwritable(out / "model", what="the model"):
        DDPMPipeline(unet=unet, scheduler=build_pixel_scheduler()).save_pretrained(out / "model")
    write_training(out / "model", progress, config=read_training(out)[1])


def draw_samples(model: Path, file: Path) -> None:
    """One sheet of the first seeds' pictures."""
    generator = load_generator(model)
    path = timestep_path(generator.train_steps, SAMPLE_STEPS)
    noise = generator.noise(seeded(range(SAMPLES)))
    pictures = generator.decode(ddim(generator.predict, noise, path, alphas=generator.alphas))
    write_whole(file, lambda f: f.write(to_png(to_grid(to_uint8(pictures), columns=8))))
