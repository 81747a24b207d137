"""A code space for methods that edit pictures: the clean latents of a generator's autoencoder."""

from __future__ import annotations

import numpy as np
import torch

from gammaface.baselines.problem import CodeSpace
from gammaface.downstream.labelled import at_resolution
from gammaface.errors import GammaFaceError
from gammaface.generators import MICRO_BATCH, Generator
from gammaface.images import to_unit


def latent_codes(generator: Generator, *, resolution: int) -> CodeSpace:
    """Pictures of a resolution to clean latents (n, d) and back.

    Raises
    ------
    GammaFaceError
        For a model without an autoencoder: its pixels are no space to edit in.
    """
    autoencoder = generator.autoencoder
    if autoencoder is None:
        raise GammaFaceError(
            f"the model '{generator.name}' has no autoencoder", fix="Leave out ramaswamy and diga."
        )

    @torch.no_grad()
    def encode(images: torch.Tensor) -> np.ndarray:
        parts = []
        for batch in at_resolution(images, generator.side).split(MICRO_BATCH):
            # Autoencoders name it differently; KL ones give a distribution.
            found = autoencoder.encode(to_unit(batch).to(generator.device))[0]
            latent = found if isinstance(found, torch.Tensor) else found.mode()
            parts.append(latent.float().flatten(1).cpu().numpy())
        return np.concatenate(parts)

    @torch.no_grad()
    def decode(codes: np.ndarray) -> torch.Tensor:
        shape = (-1, *generator.shape)
        parts = []
        for batch in torch.from_numpy(codes).float().view(shape).split(MICRO_BATCH):
            images = autoencoder.decode(batch.to(generator.device)).sample.float().clamp(-1, 1).cpu()
            parts.append(((images + 1) * 127.5).round().to(torch.uint8))
        return at_resolution(torch.cat(parts), resolution)

    return CodeSpace(encode, decode)
