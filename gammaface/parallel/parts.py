"""Tables that grow in parts: whoever computes rows writes a file, the main worker joins them.

A part is named by the position of its first row, so that parts of several workers, and of
several attempts, never meet.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from gammaface.errors import GammaFaceError
from gammaface.files import write_whole


def write_part(folder: Path, first: int, table: pd.DataFrame) -> None:
    """Keep the rows from position `first` on; the table's attrs are kept, too."""
    write_whole(folder / f"{first:09d}.parquet", lambda f: table.to_parquet(f))


def read_parts(folder: Path) -> dict[Path, pd.DataFrame]:
    """Every whole part by its file, in the order of their rows."""
    found = {}
    for file in sorted(p for p in folder.glob("*.parquet") if not p.name.startswith(".")):
        try:
            found[file] = pd.read_parquet(file)
        except (OSError, ValueError) as error:
            raise GammaFaceError(
                f"a part is damaged: {error}", where=file, fix="Delete this file and repeat the command."
            ) from None
    return found


def drop_parts(files: list[Path] | dict[Path, pd.DataFrame]) -> None:
    """Remove parts that were joined, and their folder once it is empty."""
    for file in files:
        file.unlink()
    for folder in {file.parent for file in files}:
        if not any(folder.iterdir()):
            folder.rmdir()
