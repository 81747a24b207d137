"""The network beneath the attribute classifier: a ResNet with a head per attribute."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from transformers import ResNetConfig, ResNetModel

from gammaface.datasets import CLASSES

AGE_CENTRES = tuple(range(0, 101, 5))  # years; the age head is a distribution over them
HEADS: dict[str, tuple[str, ...]] = CLASSES | {"age": tuple(map(str, AGE_CENTRES))}


@dataclass(frozen=True)
class Architecture:
    """A transformers ResNet; without `pool`, its stem halves the picture once, not twice."""

    hidden_sizes: tuple[int, ...]
    depths: tuple[int, ...]
    embedding_size: int
    layer_type: str = "basic"
    pool: bool = True
    dropout: float = 0.2


ARCHITECTURES = {
    # For 64 px. One CPU core trains compact at about 170 images/s, wide at 80, large at 40;
    # twice as many where it has bf16.
    "compact": Architecture((32, 48, 96, 192), (1, 1, 2, 1), 32, pool=False),
    "wide": Architecture((32, 64, 160, 320), (1, 1, 2, 2), 32, pool=False),
    "large": Architecture((48, 96, 192, 384), (2, 2, 3, 2), 48, pool=False),
    "resnet-101": Architecture((256, 512, 1024, 2048), (3, 4, 23, 3), 64, layer_type="bottleneck"),
}


class AttributeNetwork(torch.nn.Module):
    """ResNet features and one linear layer whose outputs are cut into the heads."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.backbone = ResNetModel(
            ResNetConfig(
                embedding_size=architecture.embedding_size,
                hidden_sizes=architecture.hidden_sizes,
                depths=architecture.depths,
                layer_type=architecture.layer_type,
            )
        )
        if not architecture.pool:
            self.backbone.embedder.pooler = torch.nn.Identity()
        self.dropout = torch.nn.Dropout(architecture.dropout)
        self.sizes = [len(classes) for classes in HEADS.values()]
        self.head = torch.nn.Linear(architecture.hidden_sizes[-1], sum(self.sizes))

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """(n, d) pooled features of images (n, 3, H, W)."""
        return self.backbone(images).pooler_output.flatten(1)

    def split(self, outputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """Outputs (n, all classes) as logits by head."""
        return dict(zip(HEADS, outputs.split(self.sizes, dim=1), strict=True))

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        return self.split(self.head(self.dropout(self.features(images))))
