"""``gammaface label PATH``: perceived attributes of a folder, a Parquet file or a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gammaface.files import write_whole
from gammaface.parallel.workers import join
from gammaface.workspace import extending


def label(
    path: Annotated[Path, typer.Argument(help="Folder of pictures, Parquet file, or run.")],
    out: Annotated[Path, typer.Option(help="CSV to write.")],
    model: Annotated[str, typer.Option(help="Bundled classifier or its folder.")] = "attributes",
    batch_size: Annotated[int, typer.Option(min=1)] = 64,
) -> None:
    """Write each picture's perceived attributes, probabilities and doubts."""
    # Imported here: torch takes seconds that `--help` should not pay.
    from gammaface.attributes import load_attributes
    from gammaface.commands.progress import progress_bar
    from gammaface.datasets.pictures import encoded_images
    from gammaface.labelling.labels import label_encoded, label_run

    classifier, workers = load_attributes(model), join()
    with progress_bar("label") as progress:
        if (path / "manifest.json").is_file():
            with extending(path, workers=workers) as run:
                table = label_run(run, classifier, batch_size=batch_size, progress=progress)
        else:
            named = list(encoded_images(path, split=None))
            table = label_encoded(
                named, classifier, batch_size=batch_size, workers=workers, progress=progress
            )
    if workers.main:
        write_whole(out, lambda f: f.write(table.to_csv(index=False).encode()))
        print(out)
