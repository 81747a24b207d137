"""Run folders: where every number, array and picture of a computation lies.

A run is one folder::

    manifest.json     what was asked, with what, when, and how far it came
    arrays/*.npy      memory-mappable arrays
    tables/*.parquet  data frames
    images/*.png      pictures, named by seed
    report.html, ...  plain files

Every file is written under a temporary name, synced and renamed, so a killed process
leaves whole files only. One process writes a run at a time; any number may read it.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import importlib.metadata
import json
import os
import platform
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from gammaface.errors import GammaFaceError
from gammaface.files import write_whole

SCHEMA = 1
STATES = ("running", "done", "cancelled", "failed")
ROOT = Path(__file__).resolve().parent.parent
EXAMPLES, MODELS = ROOT / "examples", ROOT / "models"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
RECORDED_PACKAGES = ("torch", "diffusers", "scikit-learn", "numpy", "umap-learn")


@dataclass(frozen=True)
class Manifest:
    """What a run is: everything needed to compute it again."""

    name: str
    kind: str
    config: dict
    weights: dict[str, str] = field(default_factory=dict)  # model name -> sha256
    state: str = "running"
    created: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)  # seconds by stage
    note: str = ""
    schema: int = SCHEMA


def home() -> Path:
    """Folder for new runs: GAMMAFACE_HOME, or ./runs."""
    return Path(os.environ.get("GAMMAFACE_HOME", "runs"))


class Run:
    """One run folder, open for reading, or for writing inside :func:`writing`."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path, self.manifest = Path(path), manifest

    @classmethod
    def open(cls, path: Path | str) -> Run:
        """Open an existing run for reading.

        Raises
        ------
        GammaFaceError
            When there is no run at `path`, or its manifest cannot be read.
        """
        path = Path(path)
        file = path / "manifest.json"
        if not file.is_file():
            raise GammaFaceError(
                "there is no run here", where=path, fix="`python -m gammaface runs` lists them."
            )
        try:
            stored = json.loads(file.read_text())
            manifest = Manifest(**stored)
        except (OSError, ValueError, TypeError) as error:
            raise GammaFaceError(
                f"the manifest is damaged: {error}", where=file, fix="Delete this run or restore it."
            ) from None
        if manifest.schema != SCHEMA:
            raise GammaFaceError(
                f"the run has schema {manifest.schema}, this version reads {SCHEMA}",
                where=path,
                fix="Use the GammaFace version that wrote it, or compute it again.",
            )
        return cls(path, manifest)

    # -- reading -----------------------------------------------------------------

    def array(self, name: str) -> np.ndarray:
        """A stored array as a read-only memory map."""
        file = self.path / "arrays" / f"{name}.npy"
        return self._read(file, lambda f: np.load(f, mmap_mode="r", allow_pickle=False))

    def table(self, name: str) -> pd.DataFrame:
        """A stored table."""
        return self._read(self.path / "tables" / f"{name}.parquet", pd.read_parquet)

    def has(self, relative: str) -> bool:
        return (self.path / relative).is_file()

    def tables(self) -> list[str]:
        return sorted(p.stem for p in (self.path / "tables").glob("*.parquet"))

    def image(self, seed: int, group: str = "") -> Path:
        return self.path / "images" / group / f"{seed:08d}.png"

    def _read(self, file: Path, reader: Callable):
        if not file.is_file():
            raise GammaFaceError(
                f"the run has no {file.parent.name[:-1]} named '{file.stem}'",
                where=self.path,
                fix="It may not be finished: run the same command again to resume it.",
            )
        try:
            return reader(file)
        except (OSError, ValueError, EOFError) as error:
            raise GammaFaceError(
                f"the file is damaged: {error}",
                where=file,
                fix="Delete this file and run the same command again to compute it anew.",
            ) from None

    # -- writing -----------------------------------------------------------------

    def write_array(self, name: str, array: np.ndarray) -> None:
        write_whole(self.path / "arrays" / f"{name}.npy", lambda f: np.save(f, array, allow_pickle=False))

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        write_whole(self.path / "tables" / f"{name}.parquet", lambda f: table.to_parquet(f))

    def write_file(self, relative: str, content: bytes | str) -> None:
        data = content.encode() if isinstance(content, str) else content
        write_whole(self.path / relative, lambda f: f.write(data))

    def update(self, **changes) -> None:
        """Change manifest fields and store them."""
        self.manifest = replace(self.manifest, **changes)
        self.write_file("manifest.json", json.dumps(asdict(self.manifest), indent=1))

    def add_timing(self, stage: str, seconds: float) -> None:
        timings = dict(self.manifest.timings)
        timings[stage] = round(timings.get(stage, 0.0) + seconds, 3)
        self.update(timings=timings)


@contextmanager
def writing(
    path: Path | str, *, kind: str, config: dict, weights: dict[str, str] | None = None
) -> Iterator[Run]:
    """Create or resume a run and hold its lock; the state is kept truthful on the way out.

    Resuming needs the same `config` and the same weights; anything else is refused, so a
    run never mixes two computations.

    Raises
    ------
    GammaFaceError
        When another process writes the run, the place cannot be written, the name is not
        a plain file name, or another configuration lies there.
    """
    path = Path(path)
    config, weights = json.loads(json.dumps(config)), weights or {}
    check_name(path.name)
    with _locked(path):
        run = _create_or_resume(path, kind, config, weights)
        try:
            yield run
        except KeyboardInterrupt:
            run.update(state="cancelled", note="cancelled; what was computed is kept")
            raise
        except BaseException as error:
            run.update(state="failed", note=str(error)[:500])
            raise
        run.update(state="done", note="")


@contextmanager
def extending(path: Path | str) -> Iterator[Run]:
    """Add files to a finished run, e.g. a fit to a harvest, under its lock."""
    run = Run.open(path)
    if run.manifest.state != "done":
        raise GammaFaceError(
            f"the run is {run.manifest.state}", where=path, fix="Finish it first: repeat its command."
        )
    with _locked(run.path):
        yield run


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = open(path / ".lock", "a")  # noqa: SIM115 - held and closed by the block below
    except OSError as error:
        raise GammaFaceError(
            f"the run folder cannot be written: {error.strerror}",
            where=path,
            fix="Give another --out, or free the disk or its permissions.",
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise GammaFaceError(
                "another process is writing this run", where=path, fix="Wait for it, or stop it."
            ) from None
        yield


def _create_or_resume(path: Path, kind: str, config: dict, weights: dict) -> Run:
    if not (path / "manifest.json").exists():
        if any(p.name != ".lock" for p in path.iterdir()):
            raise GammaFaceError("the folder holds other files", where=path, fix="Give a new or empty --out.")
        run = Run(path, Manifest(path.name, kind, config, weights))
        run.update(created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), versions=versions())
        return run
    run = Run.open(path)
    if (run.manifest.kind, run.manifest.config, run.manifest.weights) != (kind, config, weights):
        raise GammaFaceError(
            f"a run of kind '{run.manifest.kind}' with other settings or weights lies here",
            where=path,
            fix="Give another --out, or delete that run.",
        )
    run.update(state="running", note="")
    return run


def check_name(name: str) -> str:
    """Refuse run names that are not plain file names."""
    if not NAME.fullmatch(name):
        raise GammaFaceError(
            f"'{name}' is not a run name",
            fix="Use up to 80 letters, digits, dots, dashes and underscores, starting with a"
            " letter or digit.",
        )
    return name


def list_runs() -> list[Run]:
    """Every readable run, the shipped ones last; broken folders are left out."""
    found = []
    for root in (home(), EXAMPLES):
        for file in sorted(root.glob("*/manifest.json")):
            try:
                found.append(Run.open(file.parent))
            except GammaFaceError:
                continue  # listed by `doctor`, not by every screen
    return found


def find_run(name: str | Path) -> Run:
    """Open a run by path, or by name among the user's runs and the shipped ones."""
    for candidate in (Path(name), home() / str(name), EXAMPLES / str(name)):
        if (candidate / "manifest.json").is_file():
            return Run.open(candidate)
    raise GammaFaceError(
        f"there is no run '{name}'", fix="`python -m gammaface runs` lists the runs there are."
    )


def bundled_models() -> list[str]:
    """Names of the generators that ship with the project."""
    return sorted(p.parent.name for p in MODELS.glob("*/model_index.json"))


def versions() -> dict[str, str]:
    """Python's and the main packages' versions, for the manifest."""
    found = {"python": platform.python_version()}
    for package in RECORDED_PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
