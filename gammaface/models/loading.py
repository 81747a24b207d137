"""Models by name: a bundled one, a diffusers folder or a hub id; what cannot work, in words."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

import diffusers
import torch
from safetensors import SafetensorError

from gammaface.errors import GammaFaceError
from gammaface.files import file_hash
from gammaface.models.hub import INDEX, Tell, find_repository, tell_stderr
from gammaface.models.model_index import check_index, class_of
from gammaface.models.names import HUB_ID, Named, take_apart
from gammaface.models.networks import OfOneClass, TransformerOfOneClass, VarianceExploding
from gammaface.models.schedules import NoiseSchedule, read_schedule
from gammaface.models.stored import check_stored
from gammaface.models.weights import CONFIG, STEM, choose_files, folder_with_safetensors, read_json
from gammaface.workspace import MODELS, bundled_models

REVISION = re.compile(r"[A-Za-z0-9][\w./-]{0,199}", re.ASCII)
# A configuration of another kind fails where diffusers happens to use it.
UNLOADABLE = (OSError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RuntimeError)
UNLOADABLE += (AssertionError, MemoryError, SafetensorError)
LARGEST_SIDE = 4096  # of a network's x, in pixels or latent positions


@dataclass(frozen=True)
class LoadedModel:
    """A model's parts on the CPU.

    Attributes
    ----------
    name : str
        As it was asked for; a hub id carries its commit.
    network : torch.nn.Module
        Called as ``network(x, t, return_dict=False)``.
    autoencoder : torch.nn.Module or None
    schedule : NoiseSchedule
    weights_hash : str
        sha256 over all weight files.
    guidance : float or None
        Scale of the guidance that was asked for; the name does not have it yet.
    """

    name: str
    network: torch.nn.Module
    autoencoder: torch.nn.Module | None
    schedule: NoiseSchedule
    weights_hash: str
    guidance: float | None


def read_model(name: str, *, tell: Tell = tell_stderr) -> LoadedModel:
    """Find a model and read its parts; only diffusers' own classes are built.

    Raises
    ------
    GammaFaceError
        Unknown names, files that are missing, truncated or refused, foreign classes, and
        models that draw from text or another picture.
    """
    asked = take_apart(name)
    folder, whole_name = _find_folder(asked, tell)
    index = read_json(folder / INDEX)
    denoiser, coder = check_index(index, folder)
    places = {part: _weights_of(folder, part, tell) for part in filter(None, (denoiser, coder))}
    schedule = _schedule(folder)
    network = _load(places[denoiser], denoiser, class_of(index, denoiser))
    autoencoder = _load(places[coder], coder, class_of(index, coder)) if coder else None
    _check_shapes(network, autoencoder, folder)
    weights = sorted(file for place in places.values() for file in place.glob("*.safetensors"))
    return LoadedModel(
        whole_name + replace(asked, guidance=None).suffix,
        _wrapped(network, schedule, asked.label, name),
        autoencoder,
        schedule,
        file_hash(*weights),
        asked.guidance,
    )


def _find_folder(asked: Named, tell: Tell) -> tuple[Path, str]:
    for folder in (MODELS / asked.base, Path(asked.base)):
        if os.path.isfile(folder / INDEX):
            return folder, asked.base
    known = ", ".join(bundled_models()) or "none"
    if os.path.exists(asked.base):
        raise GammaFaceError(
            "the folder is no diffusers pipeline: it has no model_index.json",
            where=asked.base,
            fix="Give the folder that save_pretrained wrote.",
        )
    if not HUB_ID.fullmatch(asked.base):
        raise GammaFaceError(
            f"there is no model '{asked.base}'",
            fix=f"Give a bundled name ({known}), a local diffusers folder, or a hub id owner/name.",
        )
    if asked.revision is not None and (not REVISION.fullmatch(asked.revision) or ".." in asked.revision):
        raise GammaFaceError(
            f"'{asked.revision[:60]}' is no revision", fix="Give a branch, a tag or a commit."
        )
    return _download(asked, tell)


def _download(asked: Named, tell: Tell) -> tuple[Path, str]:
    """The index first, so that a model that cannot work costs no download."""
    repository = find_repository(asked.base, asked.revision, tell=tell)
    index = read_json(repository.folder / INDEX)
    parts = [*filter(None, check_index(index, repository.name)), "scheduler"]
    if repository.sizes is None:
        return repository.folder, repository.name
    files = [INDEX]
    for part in parts:
        inside = [f.removeprefix(f"{part}/") for f in repository.sizes if f.startswith(f"{part}/")]
        # Early models keep all files at the root.
        names, prefix = (inside, f"{part}/") if inside else (list(repository.sizes), "")
        safe, pickled = choose_files(names)
        wanted = [*safe, *pickled, CONFIG, "scheduler_config.json", f"{STEM}.safetensors.index.json"]
        files += [prefix + name for name in wanted if name in names]
    return repository.fetch(list(dict.fromkeys(files)), tell=tell), repository.name


def _part_folder(folder: Path, part: str) -> Path:
    """A part's own folder, or the root, where early models keep all files."""
    return folder / part if (folder / part).is_dir() else folder


def _weights_of(folder: Path, part: str, tell: Tell) -> Path:
    place = _part_folder(folder, part)
    read_json(place / CONFIG)
    return folder_with_safetensors(place, tell=tell)


def _schedule(folder: Path) -> NoiseSchedule:
    place = _part_folder(folder, "scheduler")
    return read_schedule(read_json(place / "scheduler_config.json"), place)


def _load(place: Path, part: str, class_name: str) -> torch.nn.Module:
    if class_name == "Transformer2DModel":
        class_name = "DiTTransformer2DModel"
    try:
        # Warnings about optional kernels would hide what matters.
        diffusers.utils.logging.set_verbosity_error()
        kind = getattr(diffusers, class_name)
        with torch.device("meta"):
            empty = kind.from_config(kind.load_config(place, local_files_only=True))
        check_stored(place, part, empty)
        model, seen = kind.from_pretrained(
            place,
            use_safetensors=True,
            low_cpu_mem_usage=False,
            local_files_only=True,
            output_loading_info=True,
        )
    except UNLOADABLE as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise GammaFaceError(
            f"the {part} cannot be loaded, it may be truncated: {reason[:200]}",
            where=place,
            fix="Copy or download the model folder again.",
        ) from None
    if seen["missing_keys"]:
        raise GammaFaceError(
            f"the {part}'s file lacks {len(seen['missing_keys'])} weights, {sorted(seen['missing_keys'])[0]}"
            " among them",
            where=place,
            fix="It is of another architecture than its config.json says, or not whole.",
        )
    if class_name == "VQModel" and "scaling_factor" not in read_json(place / CONFIG):
        # Files from before the field (CompVis/ldm-celebahq-256) hold models trained unscaled;
        # diffusers' default of .18215 belongs to another autoencoder and spoils their pictures.
        model.register_to_config(scaling_factor=1.0)
    return model


def _check_shapes(network: torch.nn.Module, autoencoder: torch.nn.Module | None, place: Path) -> None:
    config = network.config
    wanted = autoencoder.config.latent_channels if autoencoder is not None else 3
    if config.in_channels != wanted:
        kind = "latents" if autoencoder is not None else "pictures"
        raise GammaFaceError(
            f"the network takes {config.in_channels} channels, its {kind} have {wanted}",
            where=place,
            fix="It draws from another picture (super-resolution, inpainting) or no colours: give another.",
        )
    size = config.sample_size
    sides = size if isinstance(size, (list, tuple)) and len(size) == 2 else [size]
    if not all(type(side) is int and 0 < side <= LARGEST_SIDE for side in sides):
        raise GammaFaceError(
            f"the network does not say its picture's size: sample_size is {str(size)[:40]}",
            where=place,
            fix="Set sample_size in its config.json to the side it was trained at.",
        )


def _wrapped(
    network: torch.nn.Module, schedule: NoiseSchedule, label: int | None, name: str
) -> torch.nn.Module:
    """The network under the one signature, for the class that was asked for."""
    config = network.config
    if isinstance(network, diffusers.DiTTransformer2DModel):
        classes = config.num_embeds_ada_norm
        _check_label(label, classes, name)
        return TransformerOfOneClass(network, classes if label is None else label)
    classes = config.get("num_class_embeds")
    if config.get("class_embed_type"):
        raise GammaFaceError(
            f"'{name}' is conditioned on {config.class_embed_type} embeddings, not on numbered classes",
            fix="Give an unconditional or class-conditional model.",
        )
    if classes:
        if label is None:
            raise GammaFaceError(
                f"'{name}' draws one of {classes} classes, and none was asked for",
                fix=f"Write NAME#CLASS with a class from 0 to {classes - 1}.",
            )
        _check_label(label, classes, name)
        network = OfOneClass(network, label)
    elif label is not None:
        raise GammaFaceError(f"'{name}' has no classes", fix="Leave out the #CLASS.")
    return network if schedule.sigmas is None else VarianceExploding(network, schedule.sigmas)


def _check_label(label: int | None, classes: int, name: str) -> None:
    if label is not None and label >= classes:
        raise GammaFaceError(
            f"'{name}' has {classes} classes, numbered from 0", fix=f"Give one below {classes}."
        )
