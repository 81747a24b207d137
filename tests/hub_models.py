"""Stand-ins for models on the hub: their true configurations, random weights, their layout.

The configurations are those that the published repositories hold. ``small`` keeps kind,
depth and order of the blocks and divides the widths.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import diffusers
import torch

DDPM_256 = {
    "act_fn": "silu",
    "attention_head_dim": None,
    "block_out_channels": [128, 128, 256, 256, 512, 512],
    "center_input_sample": False,
    "down_block_types": [*["DownBlock2D"] * 4, "AttnDownBlock2D", "DownBlock2D"],
    "downsample_padding": 0,
    "flip_sin_to_cos": False,
    "freq_shift": 1,
    "in_channels": 3,
    "layers_per_block": 2,
    "mid_block_scale_factor": 1,
    "norm_eps": 1e-06,
    "norm_num_groups": 32,
    "out_channels": 3,
    "sample_size": 256,
    "time_embedding_type": "positional",
    "up_block_types": ["UpBlock2D", "AttnUpBlock2D", *["UpBlock2D"] * 4],
}
NCSNPP_256 = DDPM_256 | {
    "block_out_channels": [128, 128, 256, 256, 256, 256, 256],
    "down_block_types": [*["SkipDownBlock2D"] * 4, "AttnSkipDownBlock2D", *["SkipDownBlock2D"] * 2],
    "downsample_padding": 1,
    "flip_sin_to_cos": True,
    "freq_shift": 0,
    "mid_block_scale_factor": 1.41421356237,
    "norm_num_groups": None,
    "time_embedding_type": "fourier",
    "up_block_types": [*["SkipUpBlock2D"] * 2, "AttnSkipUpBlock2D", *["SkipUpBlock2D"] * 4],
}
LDM_64 = DDPM_256 | {
    "attention_head_dim": 32,
    "block_out_channels": [224, 448, 672, 896],
    "down_block_types": ["DownBlock2D", *["AttnDownBlock2D"] * 3],
    "downsample_padding": 1,
    "flip_sin_to_cos": True,
    "freq_shift": 0,
    "norm_eps": 1e-05,
    "sample_size": 64,
    "up_block_types": [*["AttnUpBlock2D"] * 3, "UpBlock2D"],
}
VQ_256 = {
    "act_fn": "silu",
    "block_out_channels": [128, 256, 512],
    "down_block_types": ["DownEncoderBlock2D"] * 3,
    "in_channels": 3,
    "latent_channels": 3,
    "layers_per_block": 2,
    "norm_num_groups": 32,
    "num_vq_embeddings": 8192,
    "out_channels": 3,
    "sample_size": 256,
    "up_block_types": ["UpDecoderBlock2D"] * 3,
    "vq_embed_dim": 3,
}
DIT_XL = {
    "attention_head_dim": 72,
    "in_channels": 4,
    "norm_type": "ada_norm_zero",
    "num_attention_heads": 16,
    "num_embeds_ada_norm": 1000,
    "num_layers": 28,
    "out_channels": 8,
    "patch_size": 2,
    "sample_size": 32,
}
KL_256 = {
    "block_out_channels": [128, 256, 512, 512],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "latent_channels": 4,
    "layers_per_block": 2,
    "sample_size": 256,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
}
LINEAR = {"beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear", "num_train_timesteps": 1000}
LDM_BETAS = {
    "beta_start": 0.0015,
    "beta_end": 0.0195,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "num_train_timesteps": 1000,
}
VE = {
    "correct_steps": 1,
    "num_train_timesteps": 2000,
    "sampling_eps": 1e-05,
    "sigma_max": 348,
    "sigma_min": 0.01,
    "snr": 0.075,
}


@dataclass(frozen=True)
class Published:
    """A repository: its pipeline, parts (class, configuration), and where its files lie."""

    pipeline: str
    parts: dict[str, tuple[str, dict]]
    small: dict[str, dict] = field(default_factory=dict)
    at_root: bool = False


def _pixel(pipeline: str, scheduler: str, **config) -> Published:
    parts = {"unet": ("UNet2DModel", DDPM_256), "scheduler": (scheduler, LINEAR | config)}
    small = {"unet": {"block_out_channels": [8, 8, 16, 16, 32, 32], "norm_num_groups": 4, "sample_size": 32}}
    return Published(pipeline, parts, small, at_root=True)


PUBLISHED = {
    "google/ddpm-celebahq-256": _pixel("DDPMPipeline", "DDPMScheduler", clip_sample=True),
    "google/ddpm-ema-celebahq-256": _pixel("DDPMPipeline", "DDPMScheduler", clip_sample=True),
    "a DDIM pipeline": _pixel("DDIMPipeline", "DDIMScheduler", clip_sample=True),
    "a PNDM pipeline": _pixel("PNDMPipeline", "PNDMScheduler"),
    "google/ncsnpp-ffhq-256": Published(
        "ScoreSdeVePipeline",
        {"unet": ("UNet2DModel", NCSNPP_256), "scheduler": ("ScoreSdeVeScheduler", VE)},
        {"unet": {"block_out_channels": [32] * 7, "sample_size": 64}},
        at_root=True,
    ),
    "CompVis/ldm-celebahq-256": Published(
        "LDMPipeline",
        {
            "unet": ("UNet2DModel", LDM_64),
            "vqvae": ("VQModel", VQ_256),
            "scheduler": ("DDIMScheduler", LDM_BETAS),
        },
        {
            "unet": {
                "block_out_channels": [8, 16, 24, 32],
                "attention_head_dim": 4,
                "norm_num_groups": 4,
                "sample_size": 16,
            },
            "vqvae": {
                "block_out_channels": [8, 8, 16],
                "norm_num_groups": 4,
                "num_vq_embeddings": 64,
                "sample_size": 64,
            },
        },
    ),
    "facebook/DiT-XL-2-256": Published(
        "DiTPipeline",
        {
            "transformer": ("DiTTransformer2DModel", DIT_XL),
            "vae": ("AutoencoderKL", KL_256),
            "scheduler": ("DDIMScheduler", LINEAR | {"clip_sample": False}),
        },
        {
            "transformer": {
                "attention_head_dim": 8,
                "num_attention_heads": 2,
                "num_embeds_ada_norm": 10,
                "num_layers": 3,
                "sample_size": 8,
            },
            "vae": {"block_out_channels": [8, 8, 16, 16], "norm_num_groups": 4, "sample_size": 64},
        },
    ),
}


def build(name: str, folder: Path, *, small: bool = True, pickled: bool = False) -> Path:
    """Write a stand-in's repository into `folder`, with .bin weights as the early ones if `pickled`."""
    published = PUBLISHED[name]
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    for part, (kind, config) in published.parts.items():
        place = folder if published.at_root else folder / part
        shape = config | (published.small.get(part, {}) if small else {})
        module = getattr(diffusers, kind)(**shape)
        module.save_pretrained(place)
        if part == "scheduler":
            _keep_only(place / "scheduler_config.json", config, kind)
        else:
            _keep_only(place / "config.json", shape, kind)
            if pickled:
                _to_bin(place)
    index = {part: ["diffusers", kind] for part, (kind, _) in published.parts.items()}
    (folder / "model_index.json").write_text(json.dumps({"_class_name": published.pipeline} | index))
    return folder


def _keep_only(file: Path, config: dict, kind: str) -> None:
    """Early files hold fewer fields than today's classes write."""
    file.write_text(json.dumps({"_class_name": kind, "_diffusers_version": "0.0.4"} | config))


def _to_bin(place: Path) -> None:
    """As the early repositories: pickled, attention under its old names."""
    from safetensors.torch import load_file

    old = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}
    file = place / "diffusion_pytorch_model.safetensors"
    tensors = {}
    for key, value in load_file(file).items():
        for new, name in old.items():
            key = key.replace(new, name)
        tensors[key] = value
    torch.save(tensors, place / "diffusion_pytorch_model.bin")
    file.unlink()
