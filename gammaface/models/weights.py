"""Weight files of a model's part: safetensors, or .bin read once without running code."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import warnings
from pathlib import Path

import torch
from safetensors.torch import save_file

from gammaface.errors import GammaFaceError
from gammaface.files import file_hash
from gammaface.models.hub import Tell, tell_stderr

STEM = "diffusion_pytorch_model"
CONFIG = "config.json"


def cache_folder() -> Path:
    """Where converted weights are kept: GAMMAFACE_CACHE, or the user's cache folder."""
    own = os.environ.get("GAMMAFACE_CACHE")
    return Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "gammaface"


def choose_files(names: list[str]) -> tuple[list[str], list[str]]:
    """Which of a folder's file names hold its weights: safetensors, and .bin where there are none.

    Examples
    --------
    >>> choose_files([f"{STEM}.bin", f"{STEM}.safetensors", f"{STEM}.fp16.safetensors"])
    (['diffusion_pytorch_model.safetensors'], [])
    >>> choose_files([f"{STEM}.bin", "config.json"])
    ([], ['diffusion_pytorch_model.bin'])
    """
    safe, pickled = (
        sorted(n for n in names if n == f"{STEM}.{end}" or (n.startswith(f"{STEM}-0") and n.endswith(end)))
        for end in ("safetensors", "bin")
    )
    return (safe, []) if safe else ([], pickled)


def folder_with_safetensors(place: Path, *, tell: Tell = tell_stderr) -> Path:
    """`place` itself where it holds safetensors, otherwise a cached copy converted from .bin.

    The .bin files are read by torch's weights-only loader, which builds tensors and runs no
    code; the copy is made once, and made again when a file changes.

    Raises
    ------
    GammaFaceError
        Where there are no weights, or files that the weights-only loader refuses.
    """
    safe, pickled = choose_files([p.name for p in place.glob("*")])
    if safe:
        return place
    if not pickled:
        raise GammaFaceError(
            f"the folder holds no weights named {STEM}.safetensors or .bin",
            where=place,
            fix="Give the folder that save_pretrained wrote.",
        )
    files = [place / name for name in pickled]
    kept = cache_folder() / "converted" / file_hash(*files)[:32]
    if not (kept / f"{STEM}.safetensors").is_file():
        tensors: dict[str, torch.Tensor] = {}
        for file in files:
            tensors |= _read_tensors(file)
        _store(tensors, kept)
        tell(f"{', '.join(pickled)} was read with torch's weights-only loader, kept as safetensors in {kept}")
    shutil.copyfile(place / CONFIG, kept / CONFIG)
    return kept


def _read_tensors(file: Path) -> dict[str, torch.Tensor]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the pickle's protocol: whether it can be read is told below
            content = torch.load(file, map_location="cpu", weights_only=True)
        if not isinstance(content, dict) or not all(isinstance(v, torch.Tensor) for v in content.values()):
            raise pickle.UnpicklingError("it holds something else than named tensors")
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        # torch's own words suggest to load it without this protection: they are not passed on.
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        reason = f"it asks for {named[1]}" if named else "it is damaged, or no file of tensors"
        raise GammaFaceError(
            f"torch's weights-only loader refuses the file: {reason}",
            where=file,
            fix="Read otherwise it may run code: have it saved again with save_pretrained, as safetensors.",
        ) from None
    return content


def _store(tensors: dict[str, torch.Tensor], folder: Path) -> None:
    """Write whole or not at all; tensors that share memory are stored apart."""
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    try:
        partial.mkdir(parents=True, exist_ok=True)
        whole = {name: tensor.contiguous().clone() for name, tensor in tensors.items()}
        save_file(whole, partial / f"{STEM}.safetensors")
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise GammaFaceError(
            f"the converted weights cannot be kept: {error.strerror or error}",
            where=folder,
            fix="Free disk space, or set GAMMAFACE_CACHE to another folder.",
        ) from None


def read_json(file: Path) -> dict:
    """A JSON object of the model's folder.

    Raises
    ------
    GammaFaceError
        When it is missing or no JSON object.
    """
    try:
        content = json.loads(file.read_text())
    except FileNotFoundError:
        raise GammaFaceError(
            "a file of the model is missing", where=file, fix="Copy the model folder again."
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise GammaFaceError(
            f"the file is not valid JSON: {error}", where=file, fix="Copy the model folder again."
        ) from None
    if not isinstance(content, dict):
        raise GammaFaceError("the file is not a JSON object", where=file, fix="Copy the model folder again.")
    return content
