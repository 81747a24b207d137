"""Commands on runs: runs and what can be done to them, table, report, record."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gammaface.errors import GammaFaceError
from gammaface.parallel.workers import join
from gammaface.tables import Format, render
from gammaface.workspace import find_folder, find_run, list_runs

app = typer.Typer(help="List every run, the shipped ones included; export, import, rename, delete.")


@app.callback(invoke_without_command=True)
def runs(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False,
) -> None:
    """List every run, the shipped ones included; export, import, rename, delete."""
    if context.invoked_subcommand is not None:
        return
    found = list_runs()
    if as_json:
        print(json.dumps([asdict(r.manifest) | {"path": str(r.path)} for r in found], indent=1))
        return
    for run in found:
        print(f"{run.manifest.name:32} {run.manifest.kind:10} {run.manifest.state:10} {run.path}")


@app.command("export")
def export_run(
    run: str,
    out: Annotated[Path | None, typer.Option(help="File to write; default: RUN.zip here.")] = None,
) -> None:
    """Write a run as one file."""
    from gammaface.keeping import run_archive

    opened = find_run(run)
    print(run_archive.export_run(opened, out or Path(f"{opened.manifest.name}.zip")))


@app.command("import")
def import_run(
    file: Path,
    name: Annotated[str | None, typer.Option(help="Name here; default: the one it had.")] = None,
) -> None:
    """Take an exported run in; nothing of a file that is not whole and harmless is kept."""
    from gammaface.keeping import run_archive

    print(run_archive.import_run(file, name=name).path)


@app.command("rename")
def rename_run(run: str, name: str) -> None:
    """Give a run another name; single faces and hand labels that belong to it go with it."""
    from gammaface.keeping import upkeep

    print(upkeep.rename_run(find_folder(run), name).path)


@app.command("delete")
def delete_run(run: str, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete a run for good."""
    from gammaface.keeping import upkeep

    folder = find_folder(run)
    if not yes and not typer.confirm(f"Delete {folder} for good?"):
        print("kept")
        return
    upkeep.delete_run(folder)
    print(f"deleted {folder}")


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
    """Write the report.html of a study, an audit, a rebalancing or a downstream study again."""
    from gammaface.audit.report import audit_page
    from gammaface.report import study_page, write_page
    from gammaface.reports.classifiers import classifiers_page
    from gammaface.reports.rebalancing import rebalancing_page

    found = find_run(run)
    pages = {"audit": audit_page, "downstream": classifiers_page, "rebalance": rebalancing_page}
    print(write_page(found, pages.get(found.manifest.kind, study_page)(found)))


def record(
    name: Annotated[str | None, typer.Argument(help="One shipped run; default: all.")] = None,
    model: Annotated[str, typer.Option(help="Generator to record.")] = "faces",
    real: Annotated[
        list[str] | None,
        typer.Option(
            help="Labelled real faces, for runs that look at some; PATH or PATH@crop, repeat. The run"
            " downstream, and so all together, needs NAME=PATH, like celeba=PATH."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="NAME=VALUE of a run's recipe, to compute less of it or more, like n=500 or, of rebalance,"
            " bias=through:steps,steps:2, options=limit:200 and mirror=no; repeat.",
        ),
    ] = None,
) -> None:
    """Compute the shipped runs under examples/ again; one that was cut off continues."""
    # Imported here: torch and diffusers take seconds that listing runs should not pay.
    from gammaface.commands.progress import stage_bars
    from gammaface.generators import load_generator
    from gammaface.recording import RECORDED, Given, check_given, record_run

    if name is not None and name not in RECORDED:
        raise GammaFaceError(f"there is no shipped run '{name}'", fix=f"Choose from {', '.join(RECORDED)}.")
    given = Given(real=tuple(real or ()), settings=tuple(set_ or ()), workers=join())
    names = [name] if name else list(RECORDED)
    check_given(names, given)
    generator = load_generator(model)
    for each in names:
        with stage_bars() as report_stage:
            path = record_run(each, generator, given=given, report=report_stage)
        print(path)
