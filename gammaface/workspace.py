"""Run folders: where every number, array and picture of a computation lies.

A run is one folder::

    manifest.json     what was asked, with what, when, and how far it came
    checksums.json    sha256 of every file, once the run is finished
    arrays/*.npy      memory-mappable arrays
    tables/*.parquet  data frames
    images/*.png      pictures, named by seed
    report.html, ...  plain files

Every file is written under a temporary name, synced and renamed, so a killed process
leaves whole files only. One job writes a run at a time; any number of processes may read
it. Of a job's workers the main one holds the lock and keeps the manifest, and all of them
write files.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd

from gammaface.errors import GammaFaceError
from gammaface.files import json_object, partials, write_whole
from gammaface.parallel.workers import ALONE, Workers
from gammaface.runs.checksums import Held, compare, damaged_files, hold, seal
from gammaface.runs.locks import locked
from gammaface.runs.manifests import Manifest, check_name, check_same, read_manifest, versions

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES, MODELS = ROOT / "examples", ROOT / "models"


def home() -> Path:
    """Folder for new runs: GAMMAFACE_HOME, or ./runs."""
    return Path(os.environ.get("GAMMAFACE_HOME", "runs"))


class Run:
    """One run folder, open for reading, or for writing inside :func:`writing`."""

    def __init__(self, path: Path, manifest: Manifest, *, workers: Workers = ALONE) -> None:
        self.path, self.manifest, self.workers = Path(path), manifest, workers
        self.held: Held = {}  # while it is extended, what its files were before

    @classmethod
    def open(cls, path: Path | str) -> Run:
        """Open an existing run for reading.

        Raises
        ------
        GammaFaceError
            When there is no run at `path`, its manifest cannot be read, or a newer
            GammaFace wrote it.
        """
        path = Path(path)
        file = path / "manifest.json"
        if not os.path.isfile(file):  # also of a name that no system takes
            raise GammaFaceError(
                "there is no run here", where=path, fix="`python -m gammaface runs` lists them."
            )
        # The folder's name is the run's: a copy or a renamed folder is not another's double.
        manifest = replace(read_manifest(file), name=path.absolute().name)
        return cls(path, manifest)

    # -- reading -----------------------------------------------------------------

    def array(self, name: str) -> np.ndarray:
        """A stored array as a read-only memory map."""
        file = self.path / "arrays" / f"{name}.npy"
        return self._read(file, lambda f: np.load(f, mmap_mode="r", allow_pickle=False))

    def table(self, name: str) -> pd.DataFrame:
        """A stored table."""
        return self._read(self.path / "tables" / f"{name}.parquet", pd.read_parquet)

    def read_bytes(self, relative: str) -> bytes:
        """The content of any other file, such as a picture."""
        return self._read(self.path / relative, Path.read_bytes)

    def read_json(self, relative: str) -> dict:
        """The object that a JSON file holds."""
        return self._read(self.path / relative, json_object)

    def has(self, relative: str) -> bool:
        return (self.path / relative).is_file()

    def tables(self) -> list[str]:
        return sorted(p.stem for p in (self.path / "tables").glob("*.parquet"))

    def image(self, seed: int, group: str = "") -> Path:
        return self.path / "images" / group / f"{seed:08d}.png"

    def _read(self, file: Path, reader: Callable):
        name, folder = file.relative_to(self.path).as_posix(), file.parent.name
        if not file.is_file():
            named = f"{folder[:-1]} named '{file.stem}'" if folder in ("tables", "arrays") else f"file {name}"
            raise GammaFaceError(
                f"the run has no {named}",
                where=self.path,
                fix="It may not be finished: run the same command again to resume it.",
            )
        try:
            compare(file, folder=self.path, expected=self.manifest.checksums, held=self.held)
            return reader(file)
        except (OSError, ValueError, EOFError, RecursionError) as error:
            raise GammaFaceError(
                f"the file {name} is damaged: {error}",
                where=file,
                fix="Delete this file and run the same command again to compute it anew.",
            ) from None

    def damaged(self) -> list[str]:
        """Files that are missing or not as they were when the run was finished.

        Empty for a run without checksums: one that is not finished, or of schema 1.
        """
        return damaged_files(self.path, self.manifest.checksums) if self.manifest.checksums else []

    # -- writing -----------------------------------------------------------------

    def write_array(self, name: str, array: np.ndarray) -> None:
        write_whole(self.path / "arrays" / f"{name}.npy", lambda f: np.save(f, array, allow_pickle=False))

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        write_whole(self.path / "tables" / f"{name}.parquet", lambda f: table.to_parquet(f))

    def write_file(self, relative: str, content: bytes | str) -> None:
        data = content.encode() if isinstance(content, str) else content
        write_whole(self.path / relative, lambda f: f.write(data))

    def update(self, **changes) -> None:
        """Change manifest fields; the main worker stores them."""
        self.manifest = replace(self.manifest, **changes)
        if self.workers.main:
            self.write_file("manifest.json", json.dumps(asdict(self.manifest), indent=1))

    def add_timing(self, stage: str, seconds: float) -> None:
        timings = dict(self.manifest.timings)
        timings[stage] = round(timings.get(stage, 0.0) + seconds, 3)
        self.update(timings=timings)


Opened = tuple[Run, Held]  # to be written, with the checksums that held until then


@contextmanager
def writing(
    path: Path | str,
    *,
    kind: str,
    config: dict,
    weights: dict[str, str] | None = None,
    precision: str = "",
    workers: Workers = ALONE,
) -> Iterator[Run]:
    """Create or resume a run and hold its lock; the state is kept truthful on the way out.

    Resuming needs the same `config`, the same weights and the same `precision`, that of the
    networks that compute it (empty: none does); anything else is refused, so a run never
    mixes two computations. Several `workers` open it, and leave it, together.

    Raises
    ------
    GammaFaceError
        When another job writes the run, the place cannot be written, the name is not
        a plain file name, another configuration lies there, or the run was begun in another
        precision.
    """
    path = Path(path)
    check_name(path.name)
    config = json.loads(json.dumps(config))
    asked = Manifest(path.name, kind, config, weights or {}, versions=versions(precision))
    with _opened(path, workers, lambda: _create_or_resume(path, asked)) as (run, held):
        try:
            check_same(run.manifest, asked, where=path)  # as a worker on another host sees it
            yield run
            workers.wait()
        except KeyboardInterrupt:
            run.update(state="cancelled", note="cancelled; what was computed is kept")
            raise
        except BaseException as error:
            run.update(state="failed", note=str(error)[:500])
            raise
        run.update(state="done", note="", checksums=_seal(run, held))


@contextmanager
def extending(path: Path | str, *, workers: Workers = ALONE) -> Iterator[Run]:
    """Add files to a finished run, e.g. a fit to a harvest, under its lock.

    The main worker compares what it reads, which others may have written, with the checksums.
    """
    path = Path(path)
    workers.on_main(lambda: _check_done(path))
    with _opened(path, workers, lambda: _open_again(path)) as (run, held):
        run.held = held
        try:
            yield run
            workers.wait()
        finally:
            run.update(checksums=_seal(run, held))


def _check_done(path: Path) -> None:
    state = Run.open(path).manifest.state
    if state != "done":
        raise GammaFaceError(f"the run is {state}", where=path, fix="Finish it first: repeat its command.")


def _open_again(path: Path) -> Opened:
    run = Run.open(path)  # as it is now that nobody else writes it
    held = hold(path, run.manifest.checksums)
    run.update(checksums="")
    return run, held


def _seal(run: Run, held: Held) -> str:
    return seal(run.path, held=held) if run.workers.main else ""


@contextmanager
def _opened(path: Path, workers: Workers, begin: Callable[[], Opened]) -> Iterator[Opened]:
    """A run that all workers write while the main one holds its lock; they leave together."""
    held: Held = {}  # the main worker's: it alone seals
    with ExitStack() as lock:

        def open_locked() -> dict:
            nonlocal held
            lock.enter_context(locked(path))
            run, held = begin()
            return asdict(run.manifest)

        manifest = workers.on_main(open_locked)
        yield Run(path, Manifest(**manifest), workers=workers), held
    workers.wait()


def _create_or_resume(path: Path, asked: Manifest) -> Opened:
    """The run, and the checksums that held until now."""
    file = path / "manifest.json"
    if not file.exists():
        left = partials(file)  # of a first write that was cut off
        if {*path.iterdir()} - left - {path / ".lock"}:
            raise GammaFaceError("the folder holds other files", where=path, fix="Give a new or empty --out.")
        for each in left:
            each.unlink()
        run = Run(path, asked)
        run.update(created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"))
        return run, {}
    run = Run.open(path)
    check_same(run.manifest, asked, where=path)
    held = hold(path, run.manifest.checksums)
    run.update(state="running", note="", checksums="")
    return run, held


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
    return Run.open(find_folder(name))


def find_folder(name: str | Path) -> Path:
    """The folder of a run by path or name, a damaged one's too."""
    for candidate in (Path(name), home() / str(name), EXAMPLES / str(name)):
        if os.path.isfile(candidate / "manifest.json"):
            return candidate
    raise GammaFaceError(
        f"there is no run '{str(name)[:100]}'", fix="`python -m gammaface runs` lists the runs there are."
    )


def bundled_models() -> list[str]:
    """Names of the generators that ship with the project."""
    return sorted(p.parent.name for p in MODELS.glob("*/model_index.json"))
