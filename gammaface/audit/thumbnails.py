"""A few small pictures of an audit: the same places and seeds under every method."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from gammaface.attributes import fit_resolution
from gammaface.audit.cells import Cell
from gammaface.audit.draw import is_base
from gammaface.audit.options import AuditOptions
from gammaface.images import to_png, to_uint8
from gammaface.workspace import Run

LIMIT = 64  # in a whole run
LEAST = 4  # of an arm, if there is room; otherwise the first target alone is shown
SIDE = 64
TABLE = "thumbnails"


def shown(options: AuditOptions) -> dict[tuple[str, str], int]:
    """Thumbnails of each (method, target), at the first seed.

    Methods that keep a place's own seed show the same seeds; those that choose among draws
    show what they delivered for the same places.
    """
    first = options.seeds[0]
    arms = [(c.method, c.target) for c in options.cells() if c.seed == first and not is_base(c)]
    if len(arms) * LEAST > LIMIT:
        arms = [arm for arm in arms if arm[1] in ("", options.aims[0].name)]
    return dict.fromkeys(arms[:LIMIT], LIMIT // min(len(arms), LIMIT))


def shrunk(options: AuditOptions, cell: Cell, images: torch.Tensor) -> np.ndarray:
    """Those of a cell's first images that are shown of it, small: (n, H, W, 3) uint8."""
    wanted = shown(options).get((cell.method, cell.target), 0) if cell.seed == options.seeds[0] else 0
    small = images[:wanted]
    if len(small) and small.shape[-1] > SIDE:
        small = fit_resolution(small, SIDE)
    return to_uint8(small)


def keep_thumbnails(
    run: Run, options: AuditOptions, cell: Cell, pictures: np.ndarray, seeds: np.ndarray
) -> None:
    """Store a cell's small pictures, of their seeds, where the run has room.

    The table ``thumbnails`` has ``method, target, place, seed, file``.
    """
    kept = run.table(TABLE) if run.has(f"tables/{TABLE}.parquet") else pd.DataFrame()
    if len(kept):
        kept = kept[(kept["method"] != cell.method) | (kept["target"] != cell.target)]
    pictures = pictures[: max(0, LIMIT - len(kept))]
    if not len(pictures):
        return
    rows = []
    for place, (picture, seed) in enumerate(zip(pictures, seeds, strict=False)):
        facts = {"seed": int(seed), "model": options.model, "method": cell.method, "target": cell.target}
        relative = f"images/{cell.method}{'.' if cell.target else ''}{cell.target}/{int(seed):08d}.png"
        run.write_file(relative, to_png(picture, metadata=facts))
        rows.append(
            {
                "method": cell.method,
                "target": cell.target,
                "place": place,
                "seed": int(seed),
                "file": relative,
            }
        )
    run.write_table(TABLE, pd.concat([kept, pd.DataFrame(rows)], ignore_index=True))
