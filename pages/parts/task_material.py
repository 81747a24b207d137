"""What tasks share: the model they draw with, its latents, and the preview of a batch under way."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from gammaface.errors import GammaFaceError
from gammaface.jobs import Reporter
from gammaface.workspace import Run, find_run, home

LOOKED_AT = 8  # faces of a preview


@lru_cache(maxsize=2)
def generator(model: str, device: str):
    """A model by name; the last two stay in memory."""
    from gammaface.generators import load_generator

    return load_generator(model, device=device)


def generator_of(of: Run, device: str):
    """The model that a run was made with, refused where its weights have changed since."""
    loaded = generator(of.manifest.config["model"], device)
    if of.manifest.weights.get(loaded.name) != loaded.weights_hash:
        raise GammaFaceError(
            f"the weights of '{Path(loaded.name).name}' are not those of this study",
            fix="Press Compute again to study the model as it is now.",
        )
    return loaded


def look_at(generator) -> Callable[[object], bytes]:
    """Makes a sheet of what a batch under way is expected to become."""
    from gammaface.images import to_grid, to_png, to_uint8

    def look(state) -> bytes:
        pixels = to_uint8(generator.decode(state.denoised[:LOOKED_AT]))
        return to_png(to_grid(pixels, columns=LOOKED_AT))

    return look


def latents_of(generator, of: Run, reporter: Reporter):
    """The latents that a run describes; where it ships without them they are harvested again."""
    from gammaface.latents import Latents, harvest

    config = of.manifest.config
    if config.get("of"):
        return latents_of(generator, find_run(config["of"]), reporter)
    if of.has("harvest/arrays/latents.npy"):
        return Latents.load(Run.open(of.path / "harvest"))
    asked = {key: config[key] for key in ("n", "t", "space", "seed", "pca", "steps")}
    reporter.stage("harvest", 0, config["n"])
    return harvest(
        generator,
        **asked,
        sampler=config.get("sampler", "ddim"),
        out=home() / f"harvest-{of.manifest.name}-{generator.weights_hash[:8]}",
        progress=lambda done, total: reporter.stage("harvest", done, total),
        callback=reporter.at_step,
    )
