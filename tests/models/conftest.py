import torch
from diffusers import UNet2DModel


def small_unet() -> UNet2DModel:
    """Random weights, attention at one of two levels, 8 x 8 pictures."""
    torch.manual_seed(0)
    return UNet2DModel(
        sample_size=8,
        block_out_channels=(32, 64),
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=16,
    ).eval()
