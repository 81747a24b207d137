"""A plan for many images on many GPUs, from constants counted and measured here.

Run: python -m benchmarks.plan [--images 10000000] [--gpus 64] [--peak 312] [--share 0.35]

Counted: floating-point operations of one network evaluation and one decoding, of two 256 px
architectures with public configurations (DDPM's pixel U-Net and LDM's with its VQ decoder).
Measured on this machine, in processor seconds of one thread so that other work on it counts
less: encoding a PNG, hashing, labelling, EM. Assumed, and to be given: the GPU's dense peak
and the share of it that a network reaches. docs/scale.md says what follows.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Callable

import numpy as np
import torch
from diffusers import UNet2DModel, VQModel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measuring import machine

DAY, HOUR = 86_400, 3_600


def ddpm_256() -> UNet2DModel:
    """The pixel-space U-Net of google/ddpm-celebahq-256."""
    return UNet2DModel(
        sample_size=256,
        block_out_channels=(128, 128, 256, 256, 512, 512),
        down_block_types=("DownBlock2D",) * 4 + ("AttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "AttnUpBlock2D") + ("UpBlock2D",) * 4,
        attention_head_dim=512,
        downsample_padding=0,
    )


def ldm_256() -> UNet2DModel:
    """The latent U-Net of CompVis/ldm-celebahq-256, over (3, 64, 64)."""
    return UNet2DModel(
        sample_size=64,
        block_out_channels=(224, 448, 672, 896),
        down_block_types=("DownBlock2D",) + ("AttnDownBlock2D",) * 3,
        up_block_types=("AttnUpBlock2D",) * 3 + ("UpBlock2D",),
        attention_head_dim=32,
    )


def vq_decoder() -> VQModel:
    """Its autoencoder, of factor 4."""
    return VQModel(
        block_out_channels=(128, 256, 512),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        layers_per_block=2,
        latent_channels=3,
        num_vq_embeddings=8192,
        vq_embed_dim=3,
    )


def operations(call: Callable[[], object]) -> float:
    """FLOPs of a call on tensors without values."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        call()
    return float(counter.get_total_flops())


def counted() -> dict[str, float]:
    """FLOPs of one image's evaluation, and of its decoding."""
    with torch.device("meta"):
        pixel, latent, decoder = ddpm_256().eval(), ldm_256().eval(), vq_decoder().eval()
        x, z = torch.empty(1, 3, 256, 256), torch.empty(1, 3, 64, 64)
        return {
            "pixel": operations(lambda: pixel(x, torch.zeros(1))),
            "latent": operations(lambda: latent(z, torch.zeros(1))),
            "decode": operations(lambda: decoder.decode(z, force_not_quantize=True)),
        }


def processor_seconds(work: Callable[[], object], repeats: int) -> float:
    """Processor time of one call, after a first that is not counted."""
    work()
    began = time.process_time()
    for _ in range(repeats):
        work()
    return (time.process_time() - began) / repeats


def measured_here() -> dict[str, float]:
    """Constants of this machine, in processor seconds of one thread."""
    from gammaface.attributes import load_attributes
    from gammaface.images import to_png
    from gammaface.labelling.labels import label_images
    from gammaface.mixtures.em import fit_all
    from gammaface.mixtures.rows import Rows, pick_means
    from gammaface.mixtures.stack import Start

    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    # Smooth colours with a little grain: a photograph's PNG, not that of noise.
    coarse = torch.from_numpy(rng.uniform(0, 255, (1, 3, 16, 16)).astype(np.float32))
    smooth = torch.nn.functional.interpolate(coarse, size=256, mode="bicubic", align_corners=False)
    grain = rng.normal(0, 3, (256, 256, 3))
    picture = (smooth[0].permute(1, 2, 0).numpy() + grain).clip(0, 255).astype(np.uint8)
    block = bytes(2**26)
    classifier = load_attributes(device="cpu")
    faces = torch.from_numpy(rng.uniform(-1, 1, (64, 3, 64, 64)).astype(np.float32))
    z = rng.standard_normal((4000, 1024), dtype=np.float32)
    rows, starts = Rows(z, "diag", exact=False), [Start(pick_means(z, 8, seed=0))]
    em = processor_seconds(lambda: fit_all(rows, starts, max_iter=3, tol=0), 3) / 3
    return {
        "png_seconds": processor_seconds(lambda: to_png(picture), 5),
        "png_bytes": len(to_png(picture)),
        "hash_bytes": len(block) / processor_seconds(lambda: hashlib.sha256(block).digest(), 3),
        "labels": 64 / processor_seconds(lambda: label_images(classifier, faces), 2),
        "em_flops": 8 * 4000 * 1024 * 8 / em,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000_000)
    parser.add_argument("--gpus", type=int, default=64)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--peak", type=float, default=312.0, help="assumed: dense bf16 TFLOP/s of a GPU")
    parser.add_argument("--share", type=float, default=0.35, help="assumed: of the peak that is reached")
    options = parser.parse_args()
    flops, here = counted(), measured_here()
    print("machine", machine())
    for name, value in flops.items():
        print(f"counted   {name:12} {value / 1e9:10.1f} GFLOP an image")
    for name, value in here.items():
        print(f"measured  {name:12} {value:14.4g}")
    rate = options.peak * 1e12 * options.share
    for name, decode in (("pixel", 0.0), ("latent", flops["decode"])):
        each = (options.steps * flops[name] + decode) / rate
        total = each * options.images / options.gpus
        print(
            f"plan      {name:12} {1 / each:8.2f} images/s a GPU, {total / DAY:6.1f} days on {options.gpus}"
        )
    print(f"plan      pictures     {options.images * here['png_bytes'] / 1e12:8.2f} TB of PNG")
    encode = options.images * here["png_seconds"] / options.gpus
    print(f"plan      encoding     {encode / HOUR:8.1f} hours on one core beside each GPU")
    sealing = options.images * here["png_bytes"] / here["hash_bytes"]
    print(f"plan      checksums    {sealing / HOUR:8.1f} hours on the main worker alone")
    labelling = options.images / here["labels"] / options.gpus
    print(f"plan      labelling    {labelling / HOUR:8.1f} hours on one core beside each GPU")
    # K = 1..11 three times, and once without each of five folds: 8 x 66 less two starts of K = 1.
    sweep = 8 * options.images * 1024 * (8 * 66 - 2) * 100 / here["em_flops"] / options.gpus
    print(f"plan      sweep        {sweep / HOUR:8.1f} hours on one core of each worker, 100 iterations")


if __name__ == "__main__":
    main()
