"""``gammaface audit-folder``: who is in a folder of faces that are labelled already?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def audit_folder(
    folder: Annotated[Path, typer.Argument(help="Folder of pictures.")],
    labels: Annotated[Path, typer.Option(help="CSV: ours, FairFace's or DeepFace's.")],
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    preset: Annotated[
        str | None, typer.Option(help="fairface, deepface or own; default: recognise it.")
    ] = None,
    by: Annotated[str, typer.Option(help="Attributes whose joint cells are told.")] = "gender,race",
    recalls: Annotated[
        Path | None, typer.Option(help="JSON of P(answer|class) by attribute, to take errors out.")
    ] = None,
    reference: Annotated[Path | None, typer.Option(help="Folder of real faces to compare with.")] = None,
    reference_labels: Annotated[
        Path | None, typer.Option(help="CSV of the reference: compares group by group.")
    ] = None,
    extractor: Annotated[
        str, typer.Option(help="Classifier whose features the comparison uses.")
    ] = "attributes",
    pictures: Annotated[int, typer.Option(min=0, help="Small pictures in the report.")] = 24,
    seed: Annotated[int, typer.Option(min=0, help="Of the intervals' draws.")] = 0,
) -> None:
    """Shares, evenness and quality of faces made elsewhere; writes report.html."""
    # Imported here: torch takes seconds that `--help` should not pay.
    from gammaface.applications.folder import FolderOptions, audit_folder
    from gammaface.attributes import load_attributes
    from gammaface.audit.book import read_recalls
    from gammaface.audit.parsing import parse_attributes
    from gammaface.commands.progress import stage_bars

    with stage_bars() as report:
        run = audit_folder(
            folder,
            labels,
            out=out,
            options=FolderOptions(parse_attributes(by), preset, pictures, seed),
            recalls=read_recalls(recalls),
            reference=reference,
            reference_labels=reference_labels,
            extractor=load_attributes(extractor) if reference else None,
            report=report,
        )
    print("\n".join(run.table("sentences")["sentence"]))
    print(run.path / "report.html")
