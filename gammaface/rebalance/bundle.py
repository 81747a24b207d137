"""A retrained generator as a diffusers pipeline folder, and read again."""

from __future__ import annotations

import copy
import shutil
from dataclasses import replace
from pathlib import Path

import torch
from diffusers import DDIMPipeline, DDIMScheduler, LDMPipeline, UNet2DModel

from gammaface.errors import GammaFaceError
from gammaface.files import told_when_unwritable
from gammaface.generators import Generator, load_generator


def write_generator(folder: Path, generator: Generator, unet: torch.nn.Module) -> None:
    """Save `unet` with the rest of a generator, whole or not at all, in half precision.

    The schedule is stored as its betas, so that any model's is kept.

    Raises
    ------
    GammaFaceError
        When it cannot be written.
    """
    alphas = torch.from_numpy(generator.alphas)
    betas = 1 - alphas / torch.cat([alphas.new_ones(1), alphas[:-1]])
    scheduler = DDIMScheduler(
        num_train_timesteps=len(betas),
        trained_betas=betas.tolist(),
        prediction_type=generator.prediction_type,
        clip_sample=generator.clip is not None,
        clip_sample_range=generator.clip or 1.0,
        timestep_spacing="trailing",
    )
    # Copies: a pipeline in half precision would take the caller's modules with it.
    unet = copy.deepcopy(unet).half()
    if generator.autoencoder is None:
        pipeline = DDIMPipeline(unet=unet, scheduler=scheduler)
    else:
        autoencoder = copy.deepcopy(generator.autoencoder).half()
        pipeline = LDMPipeline(vqvae=autoencoder, unet=unet, scheduler=scheduler)
    with told_when_unwritable(folder, what="the model"):
        partial = folder.with_name(f".{folder.name}.tmp")
        shutil.rmtree(partial, ignore_errors=True)
        pipeline.save_pretrained(partial, safe_serialization=True)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)


def read_generator(folder: Path, *, like: Generator, name: str, weights_hash: str = "") -> Generator:
    """The stored generator, on the device of another, under a name of its own.

    Raises
    ------
    GammaFaceError
        When it is damaged, or its weights are not those that were stored.
    """
    found = load_generator(folder, device=str(like.device))
    if weights_hash and found.weights_hash != weights_hash:
        raise GammaFaceError(
            "the weights here are not those that this row was measured with",
            where=folder,
            fix="Delete the row's folder: it is trained and measured again.",
        )
    return replace(found, name=name)


def trainable(generator: Generator) -> UNet2DModel:
    """A copy of a generator's network that can be trained.

    Raises
    ------
    GammaFaceError
        For a network that is no unconditional UNet2DModel.
    """
    if not isinstance(generator.unet, UNet2DModel):
        raise GammaFaceError(
            f"the model '{generator.name}' has a {type(generator.unet).__name__}: it cannot be trained here",
            fix="Give a model with an unconditional UNet2DModel.",
        )
    return copy.deepcopy(generator.unet).requires_grad_(True).train()


def untrained(generator: Generator, *, seed: int) -> UNet2DModel:
    """A network of the same architecture with random weights."""
    network = trainable(generator)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = UNet2DModel.from_config(network.config)
    return fresh.to(generator.device, memory_format=torch.channels_last).train()
