"""What a part's weight files hold, told from their headers before anything is built."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open

from gammaface.errors import GammaFaceError
from gammaface.models.weights import choose_files

MOST = 2  # times the weights that are stored; where a few are missing, they are named once it is built
FRACTIONS = ("F", "BF")  # how safetensors' names of floating point types begin


def check_stored(place: Path, part: str, wanted: torch.nn.Module) -> None:
    """Compare weight files with an empty network, one on torch's meta device.

    A configuration may ask for a network of any size: it is refused here, before memory is
    taken for many more weights than the files hold.

    Raises
    ------
    GammaFaceError
        When the network has far more weights than the files, or weights that are stored as
        whole numbers.
    SafetensorError
        For a header that is damaged.
    """
    held, whole = 0, set()
    for name in choose_files([p.name for p in place.glob("*")])[0]:
        with safe_open(place / name, framework="pt") as file:
            for key in file.keys():  # noqa: SIM118 - the file itself cannot be iterated
                tensor = file.get_slice(key)
                held += torch.Size(tensor.get_shape()).numel()
                if not tensor.get_dtype().startswith(FRACTIONS):
                    whole.add(key)
    asked = sum(weights.numel() for weights in wanted.parameters())
    if asked > MOST * held:
        raise GammaFaceError(
            f"the {part}'s config.json asks for {asked:,} weights, its files hold {held:,}",
            where=place,
            fix="It is of another architecture than its config.json says, or not whole.",
        )
    odd = sorted(whole & {name for name, _ in wanted.named_parameters()})
    if odd:
        raise GammaFaceError(
            f"the {part}'s weights are stored as whole numbers, {odd[0]} among them",
            where=place,
            fix="Have it saved again with save_pretrained, in float32 or float16.",
        )
