"""Train one row's network: fine-tuned or anew, weighted, with the bias loss, partly frozen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from gammaface.generators import Generator
from gammaface.rebalance.bias_term import BiasTerm
from gammaface.rebalance.critic import Critic
from gammaface.rebalance.time_weights import TimeWeights
from gammaface.training.diffusion import add_noise, denoising_loss
from gammaface.training.loop import Schedule, as_config, step_generator, train

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Examples:
    """What a row is trained on.

    Attributes
    ----------
    x : numpy.ndarray
        (n, c, h, w) clean x, as the network sees it; float16.
    weights : numpy.ndarray or None
        (n,) of each example's loss; None for all alike.
    by_time : TimeWeights or None
        Weights and score correction of noisy examples instead.
    """

    x: np.ndarray
    weights: np.ndarray | None = None
    by_time: TimeWeights | None = None


def freeze_first(network: torch.nn.Module) -> list[str]:
    """Fix the first convolution and the first half of the way down; returns what is fixed.

    An analogue of freezeD (Mo et al. 2020), which fixes the first layers of a GAN's
    discriminator: both keep the low-level features that small data would spoil.
    """
    down = list(network.down_blocks)
    fixed = {"conv_in": network.conv_in}
    fixed |= {f"down_blocks.{i}": down[i] for i in range(max(1, len(down) // 2))}
    for module in fixed.values():
        module.requires_grad_(False)
    return list(fixed)


def train_network(
    network: torch.nn.Module,
    examples: Examples,
    generator: Generator,
    *,
    schedule: Schedule,
    out: Path,
    kind: str,
    bias: BiasTerm | None = None,
    critic: Critic | None = None,
    progress: Progress | None = None,
) -> tuple[torch.nn.Module, dict]:
    """Train a network on examples; an interrupted training continues in `out`.

    The loss is the weighted denoising loss plus, if asked for, the bias loss.

    Parameters
    ----------
    generator : Generator
        Whose schedule, prediction type and autoencoder the network has.
    kind : str
        What is trained, in words; checkpoints of another kind are refused.
    bias, critic : BiasTerm, Critic, optional
        Together.
    progress : callable, optional
        ``progress(images seen, total)``; may raise to cancel.

    Returns
    -------
    (torch.nn.Module, dict)
        Averaged weights, and the progress of :func:`gammaface.training.loop.train`.

    Raises
    ------
    GammaFaceError
        For a checkpoint of another configuration or a damaged one.
    """
    abar = torch.from_numpy(generator.alphas).float()
    weights = None if examples.weights is None else torch.from_numpy(examples.weights).float()
    if bias:
        critic.log_cells(torch.zeros(1, 3, *_side(generator)))  # refuses one without gradients at once

    def loss_of(model, step, accelerator):
        source = step_generator(schedule.seed, step, accelerator.process_index)
        torch.manual_seed(source.initial_seed())  # for a network with dropout
        picks = np.sort(torch.randint(len(examples.x), (schedule.batch_size,), generator=source).numpy())
        clean = torch.from_numpy(examples.x[picks].astype(np.float32))
        batch = add_noise(clean, abar, source).to(accelerator.device)
        each, wanted = 1.0, batch
        if examples.by_time is not None:
            ratio, wanted = examples.by_time.corrected(batch)
            each = ratio.flatten()
        elif weights is not None:
            each = weights[torch.from_numpy(picks)].to(accelerator.device)
        out_ = model(batch.noisy, batch.t, return_dict=False)[0][:, : clean.shape[1]].float()
        loss = (denoising_loss(out_, wanted, generator.prediction_type) * each).mean()
        if bias and bias.through == "x0":
            loss = loss + bias.weight * bias.of_examples(out_, batch, generator, critic)
        elif bias:
            noise = torch.randn(clean.shape, generator=source).to(accelerator.device)
            loss = loss + bias.weight * bias.of_draws(model, noise, generator, critic)
        if progress:
            progress(step * schedule.batch_size, schedule.images)
        return loss

    config = as_config(
        kind=kind,
        schedule=schedule,
        n=len(examples.x),
        bias=bias,
        weighted=weights is not None or examples.by_time is not None,
        frozen=[name for name, p in network.named_parameters() if not p.requires_grad],
    )
    return train(network, loss_of, schedule=schedule, out=out, config=config, resume=True, quiet=True)


def _side(generator: Generator) -> tuple[int, int]:
    return tuple(generator.decode(torch.zeros(1, *generator.shape)).shape[-2:])
