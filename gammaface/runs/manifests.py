"""What a run is: its name, the manifest, its schema, and the way from older ones."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import get_origin, get_type_hints

from gammaface.errors import GammaFaceError

SCHEMA = 2
STATES = ("running", "done", "cancelled", "failed")
RECORDED_PACKAGES = ("torch", "diffusers", "scikit-learn", "numpy", "umap-learn")
PRECISION = "precision"  # among the versions: the dtype in which the run's networks compute
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
# Names that some systems keep for devices, and the folder of the jobs.
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|jobs)(\..*)?", re.IGNORECASE)
LARGEST = 4 * 2**20  # bytes: a manifest holds settings, not results


@dataclass(frozen=True)
class Manifest:
    """What a run is: everything needed to compute it again."""

    name: str
    kind: str
    config: dict
    weights: dict[str, str] = field(default_factory=dict)  # model name -> sha256
    state: str = "running"
    created: str = ""
    versions: dict[str, str] = field(default_factory=dict)  # of packages; and the precision
    timings: dict[str, float] = field(default_factory=dict)  # seconds by stage
    note: str = ""
    schema: int = SCHEMA
    checksums: str = ""  # sha256 of checksums.json, which lists every file's; empty: not sealed


def _from_1(stored: dict) -> dict:
    """Schema 1 knew no checksums: such a run is read as it lies."""
    return stored | {"checksums": ""}


MIGRATIONS: dict[int, Callable[[dict], dict]] = {1: _from_1}  # from this schema to the next
TYPES = {name: get_origin(hint) or hint for name, hint in get_type_hints(Manifest).items()}


def read_manifest(file: Path) -> Manifest:
    """Read ``manifest.json``, of this schema or an older one.

    Raises
    ------
    GammaFaceError
        For a damaged manifest, or one of a newer schema than this version knows.
    """
    try:
        with open(file, "rb") as handle:
            data = handle.read(LARGEST + 1)
    except OSError as error:
        raise _damaged(file, error.strerror or str(error)) from None
    return parse_manifest(data, where=file)


def parse_manifest(data: bytes, *, where: object) -> Manifest:
    """A manifest from its JSON, brought to today's schema; as :func:`read_manifest`.

    Examples
    --------
    >>> old = b'{"name": "a", "kind": "study", "config": {}, "schema": 1}'
    >>> parse_manifest(old, where="a").schema
    2
    """
    if len(data) > LARGEST:
        raise _damaged(where, f"it is larger than {LARGEST >> 20} MB")
    try:
        stored = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _damaged(where, error) from None
    if not isinstance(stored, dict):
        raise _damaged(where, "it is no JSON object")
    schema = stored.get("schema", 1)
    if type(schema) is not int or schema < 1:
        raise _damaged(where, f"schema {schema!r} is no version")
    if schema > SCHEMA:
        raise GammaFaceError(
            f"the run was written by a newer GammaFace: it has schema {schema}, this version knows up to"
            f" {SCHEMA}",
            where=where,
            fix="Update GammaFace, or compute the run again.",
        )
    for version in range(schema, SCHEMA):
        stored = MIGRATIONS[version](stored)
    stored["schema"] = SCHEMA
    _check(stored, where)
    return Manifest(**stored)


def _check(stored: dict, where: object) -> None:
    unknown = [name for name in stored if name not in TYPES]
    if unknown:
        raise _damaged(where, f"{unknown[0]!r} is no field of it")
    missing = [f.name for f in fields(Manifest)[:3] if f.name not in stored]
    if missing:
        raise _damaged(where, f"it has no {missing[0]}")
    for name, value in stored.items():
        if type(value) is not TYPES[name]:
            raise _damaged(where, f"its {name} is no {TYPES[name].__name__}")
    if stored.get("state", "running") not in STATES:
        raise _damaged(where, f"{stored['state']!r} is no state")
    words = {**stored.get("weights", {}), **stored.get("versions", {})}
    if not all(isinstance(value, str) for value in words.values()):
        raise _damaged(where, "its weights and versions are no words")
    if not all(type(value) in (int, float) for value in stored.get("timings", {}).values()):
        raise _damaged(where, "its timings are no numbers")
    if not isinstance(stored["config"].get("model", ""), str):
        raise _damaged(where, "its model is no word")


def _damaged(where: object, why: object) -> GammaFaceError:
    return GammaFaceError(
        f"the manifest is damaged: {why}", where=where, fix="Delete this run or restore it."
    )


def check_same(begun: Manifest, asked: Manifest, *, where: object) -> None:
    """Refuse to go on with a run from other settings or weights, or in another precision.

    A run of before the precision was recorded, and one that no network computes, goes on in any.
    """
    if any(getattr(begun, name) != getattr(asked, name) for name in ("kind", "config", "weights")):
        raise GammaFaceError(
            f"a run of kind '{begun.kind}' with other settings or weights lies here",
            where=where,
            fix="Give another --out, or delete that run.",
        )
    then, now = (manifest.versions.get(PRECISION) for manifest in (begun, asked))
    if then and now and then != now:
        raise GammaFaceError(
            f"the run was begun with networks in {then}, and here they run in {now}",
            where=where,
            fix=f"Set GAMMAFACE_PRECISION={then} to go on with it, or give another --out.",
        )


def versions(precision: str = "") -> dict[str, str]:
    """Python's and the main packages' versions, and the precision of networks, for the manifest."""
    found = {"python": platform.python_version()} | ({PRECISION: precision} if precision else {})
    for package in RECORDED_PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def check_name(name: str) -> str:
    """Refuse run names that are not plain file names."""
    if not NAME.fullmatch(name) or RESERVED.fullmatch(name):
        raise GammaFaceError(
            f"'{name}' is not a run name",
            fix="Use up to 80 letters, digits, dots, dashes and underscores, starting with a"
            " letter or digit; 'jobs' and the names of devices are reserved.",
        )
    return name
