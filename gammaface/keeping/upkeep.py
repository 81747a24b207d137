"""Renaming and deleting runs."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from gammaface import workspace
from gammaface.errors import GammaFaceError
from gammaface.runs.locks import locked
from gammaface.runs.manifests import check_name, read_manifest
from gammaface.workspace import Run

BELONGS = ("of", "study")  # settings by which a run names the study whose faces it holds


def is_shipped(path: Path) -> bool:
    """Whether a run came with the project; such runs are read-only."""
    return Path(path).resolve().parent == workspace.EXAMPLES.resolve()


def damaged_runs() -> list[tuple[Path, GammaFaceError]]:
    """Folders of the user's workspace that hold a run that cannot be opened, and why."""
    found = []
    for file in sorted(workspace.home().glob("*/manifest.json")):
        try:
            Run.open(file.parent)
        except GammaFaceError as error:
            found.append((file.parent, error))
    return found


def rename_run(path: Path | str, name: str) -> Run:
    """Give a run another name; single faces and hand labels that belong to it go with it.

    Parameters
    ----------
    path : Path or str
        The run's folder.
    name : str
        Its new name, a plain file name.

    Raises
    ------
    GammaFaceError
        For a shipped run, one that is being written, a name that is none or is taken.
    """
    path = Path(os.path.abspath(path))
    old = path.name
    moves = [(path, path.with_name(check_name(name)))]
    if name == old:
        return Run.open(path)
    moves += [(p, p.with_name(check_name(p.name.replace(f"-{old}-", f"-{name}-", 1)))) for p in _of(path)]
    for _, place in moves:
        if place.exists():
            raise GammaFaceError(f"there is a run '{place.name}' already", fix="Choose another name.")
    for folder, place in moves:
        with _kept(folder):
            manifest = Run.open(folder).manifest
            own = {k: name for k in BELONGS if folder != path and manifest.config.get(k) == old}
            _rename(folder, place)
            Run(place, manifest).update(name=place.name, config=manifest.config | own)
    return Run.open(path.with_name(name))


def delete_run(path: Path | str) -> None:
    """Delete a run for good; a damaged one, too.

    Raises
    ------
    GammaFaceError
        For a shipped run, one that is being written, or a folder that is no run.
    """
    path = Path(os.path.abspath(path))
    if not (path / "manifest.json").is_file():
        raise GammaFaceError("there is no run here", where=path, fix="`python -m gammaface runs` lists them.")
    with _kept(path):
        # Aside first: a run that is half deleted must not be taken for one.
        aside = Path(tempfile.mkdtemp(prefix=".deleted-", dir=path.parent))
        _rename(path, aside / path.name)
        shutil.rmtree(aside, ignore_errors=True)


def _of(path: Path) -> list[Path]:
    """Runs beside this one that hold its faces or what a person said of them."""
    found = []
    for file in sorted(path.parent.glob(f"*-{path.name}-*/manifest.json")):
        try:
            config = read_manifest(file).config
        except GammaFaceError:
            continue  # a damaged run belongs to nobody
        if path.name in [config.get(key) for key in BELONGS]:
            found.append(file.parent)
    return found


@contextmanager
def _kept(path: Path):
    """The lock of a run that may be changed."""
    if is_shipped(path):
        raise GammaFaceError(
            f"the run '{path.name}' ships with the project and is read-only",
            fix="Export it and import it under another name to change the copy.",
        )
    if path.is_symlink():
        raise GammaFaceError("this run is a link to a folder", where=path, fix="Change that folder itself.")
    with locked(path):
        yield


def _rename(folder: Path, place: Path) -> None:
    try:
        os.rename(folder, place)
    except OSError as error:
        raise GammaFaceError(
            f"the run cannot be moved: {error.strerror}", where=folder, fix="Free its permissions."
        ) from None
