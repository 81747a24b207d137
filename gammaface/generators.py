"""Generator: one frozen diffusers model, pixel or latent, and its noise schedule."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import diffusers
import numpy as np
import torch
from safetensors import SafetensorError

from gammaface.errors import GammaFaceError
from gammaface.files import file_hash
from gammaface.workspace import MODELS, bundled_models

UNETS = {"UNet2DModel"}
AUTOENCODERS = {"AutoencoderDC", "AutoencoderKL", "VQModel"}
AUTOENCODER_FOLDERS = ("vqvae", "vae", "autoencoder")
SEEDS_PER_RUN = 100_000_000
MICRO_BATCH = 64


@dataclass(frozen=True)
class Generator:
    """A frozen unconditional diffusion model.

    Attributes
    ----------
    name : str
        Bundled name, folder or hub id it was loaded from.
    unet : diffusers.UNet2DModel
        Predicts noise, v or x_0, as `prediction_type` says.
    autoencoder : torch.nn.Module or None
        Decodes latents to images; None for a pixel model.
    alphas : numpy.ndarray
        (T,) float64, cumulative products abar_t.
    prediction_type : str
        ``epsilon``, ``v_prediction`` or ``sample``.
    weights_hash : str
        sha256 over all weight files.
    device : torch.device
    """

    name: str
    unet: torch.nn.Module
    autoencoder: torch.nn.Module | None
    alphas: np.ndarray
    prediction_type: str
    weights_hash: str
    device: torch.device

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

    def sqrt_abar(self, t: int) -> float:
        """Share of the clean image's amplitude left in x_t, in [0, 1]."""
        self.check_timestep(t)
        return float(np.sqrt(self.alphas[t]))

    def timestep_at(self, sqrt_abar: float) -> int:
        """The timestep whose sqrt(abar) is nearest to the one asked for."""
        return int(np.abs(np.sqrt(self.alphas) - sqrt_abar).argmin())

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
        """Predicted x_0 and noise at timestep t, both shaped like x (b, c, h, w)."""
        x = x.to(self.device)
        out = self.unet(x.contiguous(memory_format=torch.channels_last), t, return_dict=False)[0]
        out = out[:, : x.shape[1]].float()  # models with learned variance predict it behind
        a = float(self.alphas[t])
        if self.prediction_type == "epsilon":
            return (x - (1 - a) ** 0.5 * out) / a**0.5, out
        if self.prediction_type == "v_prediction":
            return a**0.5 * x - (1 - a) ** 0.5 * out, a**0.5 * out + (1 - a) ** 0.5 * x
        return out, (x - a**0.5 * out) / (1 - a) ** 0.5

    @torch.no_grad()
    def decode(self, x: torch.Tensor) -> torch.Tensor:
        """Images (b, 3, H, W) in [-1, 1], float32 on the CPU, from clean x."""
        x = x.to(self.device)
        if self.autoencoder is not None:
            x = self.autoencoder.decode(x / self.autoencoder.config.scaling_factor).sample
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

    Examples
    --------
    >>> seeds_for(0, 3).tolist(), seeds_for(2, 2).tolist()
    ([0, 1, 2], [200000000, 200000001])
    """
    if seed < 0 or not 0 < n <= SEEDS_PER_RUN:
        raise GammaFaceError(
            f"seed={seed} with n={n} cannot be used",
            fix=f"Give seed >= 0 and n between 1 and {SEEDS_PER_RUN:,}.",
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

    Only safetensors are read, and only diffusers' own classes are built.

    Raises
    ------
    GammaFaceError
        Unknown name, missing or truncated files, pickled weights, foreign classes.
    """
    folder = _find_folder(str(name))
    index = _read_json(folder / "model_index.json")
    unet = _load_part(folder, "unet", index, UNETS)
    autoencoder = None
    for part in AUTOENCODER_FOLDERS:
        if part in index:
            autoencoder = _load_part(folder, part, index, AUTOENCODERS)
    scheduler = _read_json(folder / "scheduler" / "scheduler_config.json")
    alphas = _read_alphas(scheduler, folder)
    weights = sorted(folder.rglob("*.safetensors"))
    target = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    for module in filter(None, (unet, autoencoder)):
        module.to(target, torch.float32, memory_format=torch.channels_last)
        module.requires_grad_(False).eval()
    return Generator(
        name=str(name),
        unet=unet,
        autoencoder=autoencoder,
        alphas=alphas,
        prediction_type=scheduler.get("prediction_type", "epsilon"),
        weights_hash=file_hash(*weights),
        device=target,
    )


def _find_folder(name: str) -> Path:
    for folder in (MODELS / name, Path(name)):
        if (folder / "model_index.json").is_file():
            return folder
    known = ", ".join(bundled_models()) or "none"
    if Path(name).exists():
        raise GammaFaceError(
            "the folder is no diffusers pipeline: it has no model_index.json",
            where=name,
            fix="Give the folder that save_pretrained wrote.",
        )
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise GammaFaceError(
            f"there is no model '{name}'",
            fix=f"Give a bundled name ({known}), a local diffusers folder, or a hub id owner/name.",
        )
    return _download(name)


def _download(hub_id: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(hub_id, allow_patterns=["*.json", "*.safetensors"]))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise GammaFaceError(
            f"the hub model '{hub_id}' could not be fetched: {type(error).__name__}",
            fix="Check the id and the network, or download the folder and give its path.",
        ) from None


def _read_json(file: Path) -> dict:
    try:
        content = json.loads(file.read_text())
    except FileNotFoundError:
        raise GammaFaceError(
            "a file of the model is missing", where=file, fix="Copy the model folder again."
        ) from None
    except (OSError, ValueError) as error:
        raise GammaFaceError(
            f"the file is not valid JSON: {error}", where=file, fix="Copy the model folder again."
        ) from None
    if not isinstance(content, dict):
        raise GammaFaceError("the file is not a JSON object", where=file, fix="Copy the model folder again.")
    return content


def _load_part(folder: Path, part: str, index: dict, allowed: set[str]) -> torch.nn.Module:
    entry = index.get(part)
    class_name = entry[1] if isinstance(entry, list) and len(entry) == 2 else entry
    if class_name not in allowed:
        raise GammaFaceError(
            f"the model's {part} is of class '{class_name}'",
            where=folder,
            fix=f"GammaFace reads {', '.join(sorted(allowed))}: an unconditional image model.",
        )
    place = folder / part
    if not list(place.glob("*.safetensors")):
        others = sorted(p.name for p in place.glob("*") if p.suffix in {".bin", ".pt", ".ckpt"})
        found = f"only {', '.join(others)}, which may run code when read" if others else "none"
        raise GammaFaceError(
            f"the model has no safetensors weights: {found}",
            where=place,
            fix="Save it again with save_pretrained(safe_serialization=True).",
        )
    try:
        # Warnings about optional kernels would hide what matters.
        diffusers.utils.logging.set_verbosity_error()
        return getattr(diffusers, class_name).from_pretrained(
            place, use_safetensors=True, low_cpu_mem_usage=False, local_files_only=True
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise GammaFaceError(
            f"the {part} cannot be loaded, it may be truncated: {reason[:200]}",
            where=place,
            fix="Copy or download the model folder again.",
        ) from None


def _read_alphas(config: dict, folder: Path) -> np.ndarray:
    """abar_t from the scheduler's configuration, in float64."""
    fields = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas")
    try:
        scheduler = diffusers.DDPMScheduler(**{k: config[k] for k in fields if k in config})
        alphas = np.cumprod(1.0 - scheduler.betas.double().numpy())
    except (TypeError, ValueError, NotImplementedError) as error:
        raise GammaFaceError(
            f"the noise schedule cannot be read: {error}",
            where=folder / "scheduler",
            fix="GammaFace reads schedules with alphas_cumprod (DDPM, DDIM, PNDM, DPM-Solver).",
        ) from None
    if not np.isfinite(alphas).all() or (np.diff(alphas) > 0).any() or alphas[-1] < 0:
        raise GammaFaceError(
            "the noise schedule is not finite and falling",
            where=folder / "scheduler",
            fix="Repair the betas in scheduler_config.json.",
        )
    return np.maximum(alphas, 1e-12)
