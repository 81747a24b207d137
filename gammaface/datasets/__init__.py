"""Face pictures and their labels: published layouts in, one typed schema out."""

from gammaface.datasets.lookalikes import difference_hash, grouped_holdout, lookalike_groups
from gammaface.datasets.pictures import (
    DataSource,
    Framing,
    decode_image,
    load_all,
    load_images,
    load_random,
    open_picture,
    random_rows,
)
from gammaface.datasets.presets import PRESETS, grouping
from gammaface.datasets.readers import READERS, read_faces
from gammaface.datasets.schema import CLASSES, Faces

__all__ = [
    "CLASSES",
    "DataSource",
    "Faces",
    "Framing",
    "PRESETS",
    "READERS",
    "decode_image",
    "difference_hash",
    "grouped_holdout",
    "grouping",
    "load_all",
    "load_images",
    "load_random",
    "lookalike_groups",
    "open_picture",
    "random_rows",
    "read_faces",
]
