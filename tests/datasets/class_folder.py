"""A folder of pictures of any classes with its CSV, as people bring one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from gammaface.datasets.long_tail import ClassImages
from gammaface.images import to_png


def write_class_images(folder: Path, images: ClassImages, *, label: str = "class") -> None:
    """Write what `gammaface.datasets.long_tail.read_class_images` reads."""
    folder.mkdir(parents=True)
    names = [f"{i:06d}.png" for i in range(len(images.codes))]
    for name, picture in zip(names, images.pixels.permute(0, 2, 3, 1).numpy(), strict=True):
        (folder / name).write_bytes(to_png(picture))
    splits = np.where(images.test, "test", "train")
    table = pd.DataFrame({"file": names, label: np.array(images.classes)[images.codes], "split": splits})
    table.to_csv(folder / "labels.csv", index=False)
