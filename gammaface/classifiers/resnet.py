"""ResNets under torchvision's names for their weights, for classifiers trained with it.

He et al. 2016; the names (``layer1.0.conv1.weight``, ...) are those of torchvision's files,
which FairFace's and many other face classifiers are saved in.
"""

from __future__ import annotations

import torch
from torch import nn

DEPTHS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3), "resnet50": (3, 4, 6, 3)}
WIDTHS = (64, 128, 256, 512)


class Block(nn.Module):
    """Two 3x3 convolutions, or a 3x3 between two 1x1 ones (``deep``), around a shortcut."""

    def __init__(self, channels: int, width: int, stride: int, *, deep: bool) -> None:
        super().__init__()
        out = width * (4 if deep else 1)
        # (kernel, stride, output channels) of each convolution
        plan = [(1, 1, width), (3, stride, width), (1, 1, out)] if deep else [(3, stride, width), (3, 1, out)]
        before = channels
        for i, (kernel, step, after) in enumerate(plan, start=1):
            setattr(self, f"conv{i}", nn.Conv2d(before, after, kernel, step, kernel // 2, bias=False))
            setattr(self, f"bn{i}", nn.BatchNorm2d(after))
            before = after
        self.steps = len(plan)
        self.downsample = None
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        for i in range(1, self.steps + 1):
            x = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x))
            if i < self.steps:
                x = torch.relu(x)
        return torch.relu(x + shortcut)


class ResNet(nn.Module):
    """Images (n, 3, H, W) to outputs (n, k)."""

    def __init__(self, kind: str, outputs: int) -> None:
        super().__init__()
        deep = kind == "resnet50"
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels = 64
        for level, (depth, width) in enumerate(zip(DEPTHS[kind], WIDTHS, strict=True), start=1):
            blocks = []
            for i in range(depth):
                stride = 2 if level > 1 and i == 0 else 1
                blocks.append(Block(channels, width, stride, deep=deep))
                channels = width * (4 if deep else 1)
            setattr(self, f"layer{level}", nn.Sequential(*blocks))
        self.fc = nn.Linear(channels, outputs)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.maxpool(torch.relu(self.bn1(self.conv1(images))))
        for level in range(1, 5):
            x = getattr(self, f"layer{level}")(x)
        return self.fc(x.mean(dim=(2, 3)))
