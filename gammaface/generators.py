"""Generator: one frozen diffusers model, pixel or latent, and its noise schedule."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DModel

from gammaface.errors import GammaFaceError
from gammaface.models.attention import lay_out
from gammaface.models.loading import read_model
from gammaface.models.names import GUIDANCE, guidance_suffix
from gammaface.models.perturbed import perturb
from gammaface.models.precision import arithmetic, precision_of
from gammaface.models.room import Room
from gammaface.sampling import on_device

SEEDS_PER_RUN = 100_000_000
RUNS = 2**63 // SEEDS_PER_RUN  # whose seeds are 64-bit numbers
MICRO_BATCH = 64
# sqrt(abar): earlier, guidance decides who is drawn rather than how well; later, it changes little.
GUIDED = (0.6, 0.95)


@dataclass(frozen=True)
class Generator:
    """A frozen unconditional diffusion model.

    Attributes
    ----------
    name : str
        Bundled name, folder, or hub id with its commit.
    unet : torch.nn.Module
        Predicts noise, v or x_0, as `prediction_type` says; called as ``unet(x, t)``.
    autoencoder : torch.nn.Module or None
        Decodes latents to images; None for a pixel model.
    alphas : numpy.ndarray
        (T,) float64, cumulative products abar_t.
    prediction_type : str
        ``epsilon``, ``v_prediction`` or ``sample``.
    weights_hash : str
        sha256 over all weight files; with guidance another one, for it draws other images.
    device : torch.device
    clip : float or None
        Predicted clean values are held within +- this, where the model's scheduler asks.
    twice : range
        Timesteps at which a prediction takes two network evaluations, with guidance.
    room : Room
        Rows that the device's memory takes at once; batches that are larger are halved.
    """

    name: str
    unet: torch.nn.Module
    autoencoder: torch.nn.Module | None
    alphas: np.ndarray
    prediction_type: str
    weights_hash: str
    device: torch.device
    clip: float | None = None
    twice: range = range(0)
    room: Room = field(default_factory=Room, repr=False, compare=False)

    @property
    def train_steps(self) -> int:
        return len(self.alphas)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of x_t."""
        side = self.unet.config.sample_size
        height, width = (side, side) if isinstance(side, int) else side
        return self.unet.config.in_channels, height, width

    @property
    def dimensions(self) -> int:
        return int(np.prod(self.shape))

    @property
    def short_name(self) -> str:
        """Last part of its name and first of its weights, fit for the names of runs."""
        last = re.sub(r"[^A-Za-z0-9_.-]", "-", Path(self.name).name)
        return f"{last[:40]}-{self.weights_hash[:8]}"

    @property
    def precision(self) -> str:
        """In which its networks run, ``float32`` or ``bfloat16``."""
        return precision_of(self.device)

    @cached_property
    def side(self) -> int:
        """Side of an image in pixels."""
        return self.decode(torch.zeros(1, *self.shape)).shape[-1]

    def sqrt_abar(self, t: int) -> float:
        """Share of the clean image's amplitude left in x_t, in [0, 1]."""
        self.check_timestep(t)
        return float(np.sqrt(self.alphas[t]))

    def timestep_at(self, sqrt_abar: float) -> int:
        """The timestep whose sqrt(abar) is nearest to the one asked for."""
        return int(np.abs(np.sqrt(self.alphas) - sqrt_abar).argmin())

    def evaluations(self, timesteps: Iterable[int]) -> int:
        """Network evaluations that predicting at these timesteps takes."""
        return sum(1 + (t in self.twice) for t in timesteps)

    def check_timestep(self, t: int) -> None:
        if not 0 <= t < self.train_steps:
            raise GammaFaceError(
                f"t={t} is out of range", fix=f"Give t between 0 and {self.train_steps - 1}."
            )

    def noise(self, streams: list[torch.Generator]) -> torch.Tensor:
        """Standard normal x, (n, c, h, w): stream i alone decides row i."""
        return torch.stack([torch.randn(self.shape, generator=s) for s in streams])

    @torch.no_grad()
    def predict(self, x: torch.Tensor, t: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Predicted x_0 and noise at timestep t, both shaped like x (b, c, h, w).

        They agree with each other: a clipped x_0 comes with the noise that it leaves over,
        as in DDPM's posterior (diffusers' DDIM has it as `use_clipped_model_output`).
        """
        x = on_device(x, self.device)
        # A number would be copied to a GPU at every step, with the host waiting for it.
        plain = isinstance(self.unet, UNet2DModel)
        step = torch.full((1,), t, device=x.device) if x.is_cuda and plain else t

        def network(rows: torch.Tensor) -> torch.Tensor:
            rows = rows.contiguous(memory_format=torch.channels_last)
            with arithmetic(self.device):
                return self.unet(rows, step, return_dict=False)[0]

        # A hook on the mid block reads or changes h row by row: it must see the whole batch.
        hooked = bool(getattr(getattr(self.unet, "mid_block", None), "_forward_hooks", None))
        out = self.room.in_parts("a denoising step", network, x, whole=hooked)
        out = out[:, : x.shape[1]].float()  # models with learned variance predict it behind
        a = float(self.alphas[t])
        if self.prediction_type == "epsilon":
            clean, noise = (x - (1 - a) ** 0.5 * out) / a**0.5, out
        elif self.prediction_type == "v_prediction":
            clean, noise = a**0.5 * x - (1 - a) ** 0.5 * out, a**0.5 * out + (1 - a) ** 0.5 * x
        else:
            clean, noise = out, (x - a**0.5 * out) / (1 - a) ** 0.5
        if self.clip is not None:
            clean = clean.clamp(-self.clip, self.clip)
            noise = (x - a**0.5 * clean) / (1 - a) ** 0.5
        return clean, noise

    @torch.no_grad()
    def decode(self, x: torch.Tensor) -> torch.Tensor:
        """Images (b, 3, H, W) in [-1, 1], float32 on the CPU, from clean x."""
        x = on_device(x, self.device)

        def decoder(rows: torch.Tensor) -> torch.Tensor:
            with arithmetic(self.device):
                return self.autoencoder.decode(rows / self.autoencoder.config.scaling_factor).sample

        if self.autoencoder is not None:
            x = self.room.in_parts("decoding", decoder, x)
        return x.float().clamp(-1, 1).cpu().contiguous()

    @torch.no_grad()
    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """Clean x (b, c, h, w), float32 on the CPU, of images (b, 3, H, W) in [-1, 1]."""
        if self.autoencoder is None:
            return images.float()
        found = self.autoencoder.encode(images.to(self.device))
        # Each of diffusers' autoencoders names its answer in its own way.
        latent = found.latent_dist.mean if hasattr(found, "latent_dist") else found[0]
        return latent.float().cpu() * self.autoencoder.config.scaling_factor


def seeds_for(seed: int, n: int) -> np.ndarray:
    """The n image seeds of a run: distinct runs never share one.

    What a seed draws is decided by its low 32 bits, all that torch's CPU streams read
    (:func:`seeded`): seeds 2**32 apart draw the same image. So no image of one of the runs 0
    to 41 is drawn by another of them, nor any of the first 5 million of the first 800 runs.

    Examples
    --------
    >>> seeds_for(0, 3).tolist(), seeds_for(2, 2).tolist()
    ([0, 1, 2], [200000000, 200000001])
    """
    if not 0 <= seed < RUNS or not 0 < n <= SEEDS_PER_RUN:
        raise GammaFaceError(
            f"seed={seed} with n={n} cannot be used",
            fix=f"Give a seed from 0 to {RUNS - 1:,} and n between 1 and {SEEDS_PER_RUN:,}.",
        )
    return seed * SEEDS_PER_RUN + np.arange(n, dtype=np.int64)


def seeded(seeds) -> list[torch.Generator]:
    """One CPU random stream per seed."""
    return [torch.Generator().manual_seed(int(s)) for s in seeds]


def micro_batches(seeds: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, int]]:
    """Chunks of exactly `size` seeds, the last one padded with its own first seed.

    One fixed shape keeps every kernel's choice, and so each image, the same whatever n.
    Yields the padded chunk and how many of it are real.
    """
    if size < 1:
        raise GammaFaceError(f"a batch of {size} was asked for", fix="Give --batch-size >= 1.")
    for start in range(0, len(seeds), size):
        chunk = seeds[start : start + size]
        padding = np.repeat(chunk[:1], size - len(chunk))
        yield np.concatenate([chunk, padding]), len(chunk)


def load_generator(name: str | Path = "faces", *, device: str | None = None) -> Generator:
    """Load a bundled model, a local diffusers folder or a hub repository.

    Parameters
    ----------
    name : str or Path
        ``faces``, a folder, or ``owner/name`` of the hub, there with ``@revision`` (branch,
        tag or commit). ``#3`` behind it asks a class-conditional model for its class 3; a
        transformer (DiT) without one draws its null class. ``+pag`` at the end, or
        ``+pag0.5``, adds perturbed-attention guidance of scale 2, or .5: clearer faces at up
        to twice the evaluations (:mod:`gammaface.models.perturbed`).
    device : str, optional
        ``cpu``, ``cuda``, ...; by default the GPU where there is one.

    Returns
    -------
    Generator
        Its name carries the commit that a hub id stood for, so runs can be repeated.

    Raises
    ------
    GammaFaceError
        As :func:`gammaface.models.loading.read_model`, :func:`pick_device`, and for guidance
        of a network without attention that it knows.
    """
    found = read_model(str(name))
    target = torch.device(pick_device(device))
    for module in filter(None, (found.network, found.autoencoder)):
        module.to(target, torch.float32, memory_format=torch.channels_last)
        module.requires_grad_(False).eval()
    lay_out(found.network)
    loaded = Generator(
        name=found.name,
        unet=found.network,
        autoencoder=found.autoencoder,
        alphas=found.schedule.alphas,
        prediction_type=found.schedule.prediction_type,
        weights_hash=found.weights_hash,
        device=target,
        clip=found.schedule.clip,
    )
    return loaded if found.guidance is None else with_attention_guidance(loaded, found.guidance)


def with_attention_guidance(generator: Generator, scale: float = GUIDANCE) -> Generator:
    """The same generator with perturbed-attention guidance, under its name with ``+pag``.

    Raises
    ------
    GammaFaceError
        As :func:`gammaface.models.perturbed.perturb`, and where it has guidance already.
    """
    if generator.twice:
        raise GammaFaceError(f"'{generator.name}' has guidance already", fix="Give the model without it.")
    amplitudes = np.sqrt(generator.alphas)
    at = range(*(int((amplitudes > bound).sum()) for bound in reversed(GUIDED)))
    told = f"{generator.weights_hash} pag {scale:g} {at.start} {at.stop}"
    return replace(
        generator,
        name=generator.name + guidance_suffix(scale),
        unet=perturb(generator.unet, scale, at=at, name=generator.name),
        weights_hash=hashlib.sha256(told.encode()).hexdigest(),
        twice=at,
    )


def pick_device(asked: str | None = None) -> str:
    """The device that was asked for; without a wish the GPU where there is one.

    Raises
    ------
    GammaFaceError
        When it is not there.
    """
    name = asked or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError):  # the latter: torch was built without it
        raise GammaFaceError(f"there is no device '{name}' here", fix="Give cpu, or no device.") from None
    return name
