"""Train noisy heads on clean latents and the probabilities that somebody gave their images.

Noise is added here (the forward process), so training costs no evaluation of the
denoising network.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from gammaface.errors import GammaFaceError
from gammaface.strategies.noisy_heads import NoisyHeads, NoisyNetwork, Shape

Progress = Callable[[int, int], None]
LEVELS = (0.95, 0.8, 0.6, 0.44, 0.3, 0.15)  # sqrt(abar) at which held-out accuracy is reported
HELD_OUT = 8  # one latent in so many is kept out of training
LEAST_SHARE = 1e-3  # rarer classes are weighted as if they were this common


def fit_noisy_heads(
    clean: Tensor,
    probabilities: Mapping[str, np.ndarray],
    *,
    alphas: np.ndarray,
    presentations: int = 100_000,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
    seed: int = 0,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> NoisyHeads:
    """Train a noise-conditional classifier (Dhariwal & Nichol 2021, sec. 4.1).

    The loss is the cross entropy to the given probabilities, added up over the attributes,
    each class weighted by 1 / its share.

    Parameters
    ----------
    clean : torch.Tensor
        (n, c, h, w) clean latents, drawn by the generator or encoded from real images.
    probabilities : mapping of str to array
        (n, classes) by attribute; 0 and 1 where labels are certain.
    alphas : array of float, (T,)
        Cumulative products abar_t of the generator's schedule.
    presentations : int
        Noisy latents shown in all.
    seed : int
        Decides weights, batches, noise and what is held out.
    progress : callable, optional
        ``progress(done, total)`` in presentations.

    Raises
    ------
    GammaFaceError
        Fewer than 32 latents, probabilities of other lengths, values that are not finite.
    """
    _check(clean, probabilities)
    started = time.monotonic()
    steps = max(1, presentations // batch_size)
    source = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(clean), generator=source)
    held, kept = order[: len(clean) // HELD_OUT], order[len(clean) // HELD_OUT :]
    answers = {name: torch.from_numpy(np.asarray(p)).float() for name, p in probabilities.items()}
    shares = {name: answer[kept].mean(dim=0).clamp_min(LEAST_SHARE) for name, answer in answers.items()}
    shape = Shape(tuple(clean.shape[1:]), sum(len(share) for share in shares.values()))
    abar = torch.from_numpy(np.asarray(alphas)).float()
    gpus = [device] if torch.device(device).type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):  # weights and dropout draw from torch's own stream
        torch.manual_seed(seed)
        network = NoisyNetwork(shape)
        network.mean.copy_(clean[kept].mean(dim=(0, 2, 3), keepdim=True))
        network.spread.copy_(clean[kept].std(dim=(0, 2, 3), keepdim=True).clamp_min(1e-4))
        network.to(device, memory_format=torch.channels_last).train()
        optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=0.05)
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * min(1, 20 * (step + 1) / steps, 2 * (steps - step) / steps)
            picks = kept[torch.randint(len(kept), (batch_size,), generator=source)]
            # One timestep per equal slice of the schedule: less variance than free draws.
            slices = (torch.randperm(batch_size, generator=source) + 0.5) / batch_size
            a = abar[(slices * len(abar)).long()]
            noise = torch.randn(clean[picks].shape, generator=source)
            x = _noisy(clean[picks], a, noise)
            loss = _loss(
                network(x.to(device), a.to(device)), {n: v[picks] for n, v in answers.items()}, shares
            )
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            if progress:
                progress((step + 1) * batch_size, steps * batch_size)
    network.requires_grad_(False).eval()
    heads = NoisyHeads(network, {name: tuple(share.tolist()) for name, share in shares.items()}, shape)
    table = held_out_accuracy(
        heads, clean[held], {name: answer[held] for name, answer in answers.items()}, seed=seed, device=device
    )
    return NoisyHeads(network, heads.shares, shape, tuple(table), time.monotonic() - started)


@torch.no_grad()
def held_out_accuracy(
    heads: NoisyHeads, clean: Tensor, answers: Mapping[str, Tensor], *, seed: int = 0, device="cpu"
) -> list[dict]:
    """Rows of :attr:`NoisyHeads.accuracy` for clean latents (n, c, h, w), at each of `LEVELS`."""
    source = torch.Generator().manual_seed(seed + 1)
    noise = torch.randn(clean.shape, generator=source)
    rows = []
    for level in LEVELS:
        x = _noisy(clean, torch.full((len(clean),), level**2), noise)
        found = [heads.log_probabilities(part.to(device), level**2) for part in x.split(512)]
        for name, answer in answers.items():
            said = torch.cat([part[name] for part in found]).argmax(dim=1).cpu().numpy()
            true = answer.argmax(dim=1).numpy()
            right, n = said == true, np.bincount(true, minlength=answer.shape[1])
            recalls = np.bincount(true, weights=right, minlength=len(n))[n > 0] / n[n > 0]
            facts = {
                "accuracy": right.mean(),
                "balanced_accuracy": recalls.mean(),
                "majority": n.max() / n.sum(),
            }
            facts = {key: round(float(value), 4) for key, value in facts.items()}
            rows.append({"attribute": name, "sqrt_abar": level, "n": len(true), **facts})
    return rows


def _noisy(clean: Tensor, abar: Tensor, noise: Tensor) -> Tensor:
    a = abar.view(-1, 1, 1, 1)
    return a.sqrt() * clean + (1 - a).sqrt() * noise


def _loss(outputs: Tensor, answers: Mapping[str, Tensor], shares: Mapping[str, Tensor]) -> Tensor:
    parts = outputs.split([len(share) for share in shares.values()], dim=1)
    total = outputs.new_zeros(())
    for (name, share), part in zip(shares.items(), parts, strict=True):
        weights = (answers[name] / (len(share) * share)).to(outputs.device)
        total = total - (weights * part.log_softmax(dim=1)).sum(dim=1).mean()
    return total


def _check(clean: Tensor, probabilities: Mapping[str, np.ndarray]) -> None:
    if len(clean) < 4 * HELD_OUT or not torch.isfinite(clean).all():
        raise GammaFaceError(
            f"{len(clean)} clean latents, some of them perhaps not finite, are nothing to learn from",
            fix=f"Give {4 * HELD_OUT} finite latents or more, better some thousand.",
        )
    for name, p in probabilities.items():
        if len(p) != len(clean) or not np.isfinite(p).all():
            raise GammaFaceError(
                f"the probabilities of '{name}' do not fit the {len(clean)} latents",
                fix="Give one finite row for each latent.",
            )
