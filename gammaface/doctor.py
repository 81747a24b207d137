"""What is wrong with an installation or a workspace, and what mends it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gammaface.attributes import load_attributes
from gammaface.errors import GammaFaceError
from gammaface.generators import load_generator
from gammaface.workspace import EXAMPLES, MODELS, Run, bundled_models, home

PYTHON = (3, 11)
CLASSIFIERS = ("attributes", "second")
LEAST_FREE = 2 * 2**30  # bytes: a study with its latents and pictures takes some hundred MB
REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements.txt"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; ``mend`` is empty where all is well."""

    topic: str
    found: str
    mend: str = ""


def examine() -> Iterator[Finding]:
    """Look at Python, packages, device, bundled models and the workspace, in that order."""
    yield _python()
    yield from _packages()
    yield _device()
    hashes: dict[str, str] = {}
    yield from _models(hashes)
    yield _room()
    yield from _runs(hashes)


def _python() -> Finding:
    wrong = sys.version_info[:2] < PYTHON
    return Finding("python", platform.python_version(), "Install Python 3.11 or newer." if wrong else "")


def _packages() -> Iterator[Finding]:
    pinned = (
        re.findall(r"^([\w-]+)==(\S+)$", REQUIREMENTS.read_text(), re.M) if REQUIREMENTS.is_file() else []
    )
    wrong = []
    for name, version in pinned:
        try:
            here = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            here = "missing"
        if here.split("+")[0] != version:  # a CPU build of torch calls itself 2.13.0+cpu
            wrong.append(f"{name} {here}, pinned {version}")
    mend = "Run `pip install -r requirements.txt`." if wrong else ""
    yield Finding("packages", "; ".join(wrong) or f"{len(pinned)} as pinned", mend)


def _device() -> Finding:
    import torch

    from gammaface.models.precision import precision_of

    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        found = f"{torch.cuda.get_device_name()}, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free"
    else:
        found = f"cpu, {os.cpu_count()} cores, {torch.get_num_threads()} threads"
    try:
        precision = precision_of(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    except GammaFaceError as error:
        return Finding("device", f"{found}; {error.what}", error.fix)
    return Finding("device", f"{found}, networks in {precision}")


def _models(hashes: dict[str, str]) -> Iterator[Finding]:
    for name in bundled_models():
        try:
            generator = load_generator(name, device="cpu")
        except GammaFaceError as error:
            yield Finding(f"model {name}", error.what, error.fix)
            continue
        hashes[name] = generator.weights_hash
        yield Finding(f"model {name}", f"loads, {generator.dimensions:,} dimensions")
    if not bundled_models():
        yield Finding("models", f"none under {MODELS}", "Restore models/, or train one.")
    for name in CLASSIFIERS:
        try:
            classifier = load_attributes(name, device="cpu")
        except GammaFaceError as error:
            yield Finding(f"model {name}", error.what, error.fix)
        else:
            hashes[name] = classifier.hash
            yield Finding(f"model {name}", f"loads, {classifier.resolution} px")


def _room() -> Finding:
    place = home()
    above = next(p for p in (place.absolute(), *place.absolute().parents) if p.exists())
    if not os.access(above, os.W_OK):
        return Finding("workspace", f"{place} cannot be written", "Set GAMMAFACE_HOME to a writable folder.")
    free = shutil.disk_usage(above).free
    mend = "Free disk space: a study keeps some hundred MB." if free < LEAST_FREE else ""
    return Finding("workspace", f"{place}, {free / 2**30:.1f} GiB free", mend)


def _runs(hashes: dict[str, str]) -> Iterator[Finding]:
    whole = 0
    for root in (home(), EXAMPLES):
        for folder in sorted(p for p in root.glob("[!.]*") if p.is_dir()):
            finding = _run(folder, hashes, shipped=root == EXAMPLES)
            if finding:
                yield finding
            else:
                whole += 1
    yield Finding("runs", f"{whole} whole")


def _run(folder: Path, hashes: dict[str, str], *, shipped: bool) -> Finding | None:
    topic = f"run {folder.name}"
    if not (folder / "manifest.json").is_file():
        return None if shipped else Finding(topic, f"{folder} is no run", "Move it elsewhere or delete it.")
    try:
        run = Run.open(folder)
        for name in run.tables():
            run.table(name)
        damaged = run.damaged()
    except GammaFaceError as error:
        return Finding(topic, f"{error.what} ({error.where})", error.fix)
    if damaged:
        found = f"{len(damaged)} of its files are not as they were when it was finished: {damaged[0]}"
        return Finding(topic, found, "Compute it again, or import it from an earlier export.")
    if run.manifest.state != "done":
        return Finding(
            topic, f"is {run.manifest.state}", "Give its command again to go on, or delete the folder."
        )
    changed = [m for m, h in run.manifest.weights.items() if hashes.get(m, h) != h]
    if shipped and changed:
        return Finding(
            topic, f"was computed with other weights of {', '.join(changed)}", "Run `make record`."
        )
    return None
