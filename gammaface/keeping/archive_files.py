"""Files that came from someone else: refused where reading them would not end well.

A few bytes can claim to be a picture of gigapixels or a table of billions of rows. Only
headers are read here.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from gammaface.keeping.archive_entries import refusal

LONGEST_SIDE = 8192  # pixels
MOST_CELLS = 100_000_000  # rows x columns of a table


def check_content(file: Path, *, name: str) -> None:
    """Compare what a file claims to be with what a run holds.

    Raises
    ------
    GammaFaceError
        For a picture, table or array that cannot be read or would be too large.
    """
    check = {".png": _picture, ".parquet": _table, ".npy": _array}.get(file.suffix)
    if check is None:
        return
    try:
        problem = check(file)
    except (OSError, ValueError, SyntaxError, EOFError, pa.ArrowException, Image.DecompressionBombError):
        problem = "it cannot be read"
    if problem:
        raise refusal(f"a file of the archive is not what it says: {problem}", name)


def _picture(file: Path) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(file, formats=("PNG",)) as image:
            return "the picture is too large" if max(image.size) > LONGEST_SIDE else ""


def _table(file: Path) -> str:
    found = pq.read_metadata(file)
    return "the table is too large" if found.num_rows * max(found.num_columns, 1) > MOST_CELLS else ""


def _array(file: Path) -> str:
    np.load(file, mmap_mode="r", allow_pickle=False)  # refuses a shape that the file does not hold
    return ""
