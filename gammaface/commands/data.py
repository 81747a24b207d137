"""The command data: what lies in a folder of faces."""

from __future__ import annotations

from typing import Annotated

import typer

from gammaface.errors import GammaFaceError
from gammaface.tables import Format, render

LISTED = 10  # problems named one by one


def data(
    path: str,
    kind: Annotated[str | None, typer.Option(help="Layout; default: recognise it.")] = None,
    preset: Annotated[str | None, typer.Option(help="Group as a paper does: fairface, ffhq, ...")] = None,
    by: Annotated[str, typer.Option(help="Attributes whose joint cells are counted.")] = "gender,race",
    check: Annotated[
        bool | None, typer.Option(help="Read every picture to its end; default: small sets only.")
    ] = None,
    format: Annotated[Format, typer.Option(help="Format of the tables.")] = Format.text,
) -> None:
    """Say what was found in a folder of faces or a Parquet file; nothing is copied."""
    # Imported here: torch takes seconds that listing runs should not pay.
    from gammaface.commands.progress import stage_bars
    from gammaface.datasets.folder_report import cell_counts, class_counts, in_words, report_folder

    with stage_bars() as say:
        report = report_folder(
            path, kind=kind, check=check, progress=lambda done, total: say("pictures", done, total)
        )
    labels = report.grouped(preset)
    print(f"{report.layout}; {report.n:,} faces of {', '.join(report.sizes[:3]) or 'unknown'} pixels\n")
    if labels.shape[1]:
        print(render(class_counts(labels), format))
    wanted = [name.strip() for name in by.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in labels]
    if len(wanted) > 1 and not unknown:
        print(render(cell_counts(labels, wanted), format))
    elif unknown and by != "gender,race":
        raise GammaFaceError(
            f"no face is labelled with {', '.join(unknown)}",
            fix=f"Choose from {', '.join(labels) or 'nothing: no attribute is labelled'}.",
        )
    for sentence in in_words(report, labels):
        print(sentence)
    for row in report.problems.head(LISTED).itertuples():
        print(f"  {row.source}: {row.problem} ({row.detail})")
