"""Time-dependent importance weighting: a discriminator of noisy examples (Kim et al. 2024)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from gammaface.models.precision import exactly
from gammaface.strategies.noisy_heads import NoisyHeads
from gammaface.strategies.noisy_training import fit_noisy_heads
from gammaface.training.diffusion import Noisy

ORIGIN = "origin"  # what the discriminator names: biased or reference
BOUND = 3.0  # of |log w|, so that one example cannot lead all others


@dataclass(frozen=True)
class TimeWeights:
    """w_t(x_t) = d / (1 - d), d the probability that x_t comes from the reference set.

    The discriminator is a :class:`gammaface.strategies.noisy_heads.NoisyNetwork` trained as if
    both sets were equally large.
    """

    heads: NoisyHeads

    def ratio(self, batch: Noisy) -> tuple[torch.Tensor, torch.Tensor]:
        """w (n, 1, 1, 1) and the gradient of log w for x_t, shaped like x_t."""
        with torch.enable_grad():
            x = batch.noisy.detach().requires_grad_(True)
            with exactly(x.device):  # it was trained in float32
                outputs = self.heads.network(x, batch.abar.flatten())
            log_ratio = outputs[:, 1] - outputs[:, 0]
            slope = torch.autograd.grad(log_ratio.sum(), x)[0]
        w = log_ratio.detach().clamp(-BOUND, BOUND).exp().view(-1, 1, 1, 1)
        return w, slope.detach()

    def corrected(self, batch: Noisy) -> tuple[torch.Tensor, Noisy]:
        r"""Weights and the batch whose targets have the score of the reference set.

        .. math:: \nabla \log p_{ref,t}(x_t) = \nabla \log p_{bias,t}(x_t) + \nabla \log w_t(x_t)

        so noise' = noise - sqrt(1 - abar) grad log w, and x_0' = x_0 + (1 - abar)/sqrt(abar)
        grad log w, which agree on x_t. Source: Kim et al. 2024, TIW-DSM.
        """
        w, slope = self.ratio(batch)
        b = 1 - batch.abar
        noise = batch.noise - b.sqrt() * slope
        return w, replace(batch, noise=noise, clean=batch.clean + b / batch.abar.sqrt() * slope)


def fit_time_weights(
    biased: np.ndarray,
    reference: np.ndarray,
    *,
    alphas: np.ndarray,
    presentations: int,
    out: Path,
    seed: int = 0,
    device: torch.device | str = "cpu",
    progress=None,
) -> TimeWeights:
    """Train the discriminator on clean x (n, c, h, w) and (m, c, h, w); read it if it is there.

    Raises
    ------
    GammaFaceError
        As :func:`gammaface.strategies.noisy_training.fit_noisy_heads`.
    """
    if (out / "config.json").is_file():
        return TimeWeights(NoisyHeads.load(out).to(device))
    clean = torch.from_numpy(np.concatenate([biased, reference])).float()
    origin = np.repeat(np.eye(2), [len(biased), len(reference)], axis=0)
    heads = fit_noisy_heads(
        clean,
        {ORIGIN: origin},
        alphas=alphas,
        presentations=presentations,
        seed=seed,
        device=device,
        progress=progress,
    )
    heads.save(out)
    return TimeWeights(heads)
