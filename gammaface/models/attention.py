"""Self-attention over a picture's places, laid out for products of matrices.

diffusers' own processor normalises a transposed view and multiplies what comes out of it:
torch then copies the weights once a picture and multiplies in small batches, which took a
fifth of a denoising step in bfloat16. Here places lie together before the first product.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import Attention, AttnProcessor2_0


class PlacesTogether:
    """A processor of diffusers' `Attention`, for self-attention over (n, c, h, w)."""

    def __call__(
        self,
        attn: Attention,
        hidden_states: torch.Tensor,
        encoder_hidden_states: None = None,
        attention_mask: None = None,
        temb: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Same shape as ``hidden_states`` (n, c, h, w)."""
        n, c, height, width = hidden_states.shape
        rows = attn.group_norm(hidden_states).permute(0, 2, 3, 1).reshape(n, height * width, c)
        out = attn.to_out[0](self.mix(attn, rows)).unflatten(1, (height, width)).permute(0, 3, 1, 2)
        if attn.residual_connection:
            out = out + hidden_states
        return out / attn.rescale_output_factor

    def mix(self, attn: Attention, rows: torch.Tensor) -> torch.Tensor:
        """What each place gathers from all of them, (n, h*w, c) like `rows`."""
        query, key, value = (
            part(rows).unflatten(2, (attn.heads, -1)).transpose(1, 2)  # (n, heads, h*w, d)
            for part in (attn.to_q, attn.to_k, attn.to_v)
        )
        return F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)


def lay_out(network: torch.nn.Module) -> None:
    """Give every plain self-attention over a picture this processor, in place."""
    for module in network.modules():
        if isinstance(module, Attention) and _is_plain(module):
            module.set_processor(PlacesTogether())


def _is_plain(attn: Attention) -> bool:
    """Whether it is what `UNet2DModel` makes: one norm over a picture's groups, nothing else."""
    return (
        type(attn.processor) is AttnProcessor2_0
        and not attn.is_cross_attention
        and attn.group_norm is not None
        and all(getattr(attn, name) is None for name in ("spatial_norm", "norm_q", "norm_k", "norm_cross"))
    )
