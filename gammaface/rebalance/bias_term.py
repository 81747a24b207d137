"""The bias-mitigation loss of a batch that the model under training draws.

Two ways for the gradient, chosen by ``through``:

- ``x0``: the predicted x_0 of the training step's own noisy examples is decoded and
  classified. Costs no further evaluation of the network, but the examples' shares show in
  what it predicts from little noise. Examples noisier than sqrt(abar) = `least` are left out:
  there the prediction is a blur that no classifier can count, and evening it out costs
  pictures, not bias.
- ``steps``: a batch is drawn from pure noise in a few DDIM steps, decoded and classified,
  with the gradient through every step. As in Alg. 1 of the paper, it is the model's own
  draws that are counted; each step costs one more evaluation and its gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from gammaface.errors import GammaFaceError
from gammaface.generators import Generator
from gammaface.metrics.losses import bias_loss
from gammaface.rebalance.critic import Critic
from gammaface.rebalance.prediction import picture, predicted
from gammaface.sampling import ddim, timestep_path
from gammaface.training.diffusion import Noisy

KINDS = ("soft", "straight_through")
THROUGH = ("x0", "steps")


@dataclass(frozen=True)
class BiasTerm:
    """How the bias loss is computed.

    Attributes
    ----------
    kind : {"soft", "straight_through"}
        See :func:`gammaface.metrics.losses.bias_loss`.
    temperature : float
        Of the softmax over the critic's log-probabilities.
    through : {"x0", "steps"}
    steps : int
        DDIM steps of ``steps``.
    least : float
        sqrt(abar) of the noisiest examples that ``x0`` counts, in [0, 1).
    weight : float
        Relative to the diffusion loss; the paper weights both equally.

    Raises
    ------
    GammaFaceError
        For unknown words and numbers out of range.
    """

    kind: str = "soft"
    temperature: float = 1.0
    through: str = "x0"
    steps: int = 4
    least: float = 0.6
    weight: float = 1.0

    def __post_init__(self) -> None:
        for what, value, choices in (("kind", self.kind, KINDS), ("through", self.through, THROUGH)):
            if value not in choices:
                raise GammaFaceError(
                    f"{what}={value!r} is not known", fix=f"Choose from {', '.join(choices)}."
                )
        if self.temperature <= 0 or self.steps < 1 or self.weight < 0 or not 0 <= self.least < 1:
            raise GammaFaceError(
                f"temperature={self.temperature}, steps={self.steps}, weight={self.weight},"
                f" least={self.least}",
                fix="Give a temperature above 0, 1 step or more, a weight of 0 or more, 0 <= least < 1.",
            )

    def words(self) -> str:
        """Which loss it is, for tables and captions."""
        way = {
            "x0": "gradient through the decoded, classified predicted x_0 of the training examples at"
            f" √ᾱ of {self.least:g} or more",
            "steps": f"gradient through {self.steps} DDIM steps from noise, decoded and classified",
        }[self.through]
        kind = self.kind.replace("_", "-")
        return f"{kind} shares at temperature {self.temperature:g}, {way}, weight {self.weight:g}"

    def of_examples(
        self, out: torch.Tensor, batch: Noisy, generator: Generator, critic: Critic
    ) -> torch.Tensor:
        """The loss through x0: `out` is the network's output for the batch."""
        clean, _ = predicted(out, batch.noisy, batch.abar, generator.prediction_type)
        clear = batch.abar.flatten() >= self.least**2
        if not clear.any():
            return out.sum() * 0
        return self._loss(picture(generator, clean[clear]), critic)

    def of_draws(
        self, model: torch.nn.Module, noise: torch.Tensor, generator: Generator, critic: Critic
    ) -> torch.Tensor:
        """The loss through steps, from x_T (n, c, h, w)."""

        def denoise(x: torch.Tensor, t: int) -> tuple[torch.Tensor, torch.Tensor]:
            out = model(x.contiguous(memory_format=torch.channels_last), t, return_dict=False)[0]
            a = float(generator.alphas[t])
            clean, left = predicted(out[:, : x.shape[1]].float(), x, a, generator.prediction_type)
            if generator.clip is not None:
                clean = clean.clamp(-generator.clip, generator.clip)
                left = (x - a**0.5 * clean) / (1 - a) ** 0.5
            return clean, left

        path = timestep_path(generator.train_steps, self.steps)
        clean = ddim(denoise, noise, path, alphas=generator.alphas)
        return self._loss(picture(generator, clean), critic)

    def _loss(self, images: torch.Tensor, critic: Critic) -> torch.Tensor:
        logits = critic.log_cells(images)
        return bias_loss(logits, critic.k, kind=self.kind, temperature=self.temperature)
