"""Commands on runs: runs, table, report, record."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gammaface.errors import GammaFaceError
from gammaface.tables import Format, render
from gammaface.workspace import find_run, list_runs


def runs(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False,
) -> None:
    """List every run, the shipped ones included."""
    found = list_runs()
    if as_json:
        print(json.dumps([asdict(r.manifest) | {"path": str(r.path)} for r in found], indent=1))
        return
    for run in found:
        print(f"{run.manifest.name:32} {run.manifest.kind:10} {run.manifest.state:10} {run.path}")


def table(
    run: str,
    name: Annotated[str | None, typer.Option(help="Table; default: list their names.")] = None,
    format: Annotated[Format, typer.Option(help="Format of the table.")] = Format.csv,
) -> None:
    """Print a run's table."""
    opened = find_run(run)
    if name is None and len(opened.tables()) != 1:
        print("\n".join(opened.tables()))
        return
    typer.echo(render(opened.table(name or opened.tables()[0]), format).rstrip("\n"))


def report(run: str) -> None:
    """Write a study's report.html again."""
    from gammaface.report import write_report

    print(write_report(find_run(run)))


def record(
    name: Annotated[str | None, typer.Argument(help="One shipped run; default: all.")] = None,
    model: Annotated[str, typer.Option(help="Generator to record.")] = "faces",
    real: Annotated[
        Path | None, typer.Option(help="Labelled real faces, for runs that look at some as well.")
    ] = None,
) -> None:
    """Compute the shipped runs under examples/ again."""
    # Imported here: torch and diffusers take seconds that listing runs should not pay.
    from gammaface.commands.progress import stage_bars
    from gammaface.generators import load_generator
    from gammaface.recording import RECORDED, record_run

    if name is not None and name not in RECORDED:
        raise GammaFaceError(f"there is no shipped run '{name}'", fix=f"Choose from {', '.join(RECORDED)}.")
    generator = load_generator(model)
    for each in [name] if name else RECORDED:
        with stage_bars() as report_stage:
            path = record_run(each, generator, real=real, report=report_stage)
        print(path)
