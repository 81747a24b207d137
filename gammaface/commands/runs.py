"""Commands on runs: runs, table, report, record."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer
from tqdm.auto import tqdm

from gammaface.errors import GammaFaceError
from gammaface.generators import load_generator
from gammaface.recording import RECORDED, record_run
from gammaface.report import write_report
from gammaface.workspace import find_run, list_runs

FORMATS = ("csv", "md", "latex")


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
    format: Annotated[str, typer.Option(help=", ".join(FORMATS))] = "csv",
) -> None:
    """Print a run's table."""
    opened = find_run(run)
    if name is None and len(opened.tables()) != 1:
        print("\n".join(opened.tables()))
        return
    frame = opened.table(name or opened.tables()[0])
    if format == "csv":
        frame.to_csv(sys.stdout, index=False)
    elif format == "md":
        print(as_markdown(frame))
    elif format == "latex":
        print(frame.to_latex(index=False, escape=True))
    else:
        raise GammaFaceError(f"there is no format '{format}'", fix=f"Choose from {', '.join(FORMATS)}.")


def as_markdown(frame) -> str:
    """A frame as a Markdown table."""
    lines = [list(map(str, frame.columns)), ["---"] * frame.shape[1]]
    lines += [[str(v).replace("|", "\\|") for v in row] for row in frame.itertuples(index=False)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def report(run: str) -> None:
    """Write a study's report.html again."""
    print(write_report(find_run(run)))


def record(
    name: Annotated[str | None, typer.Argument(help="One shipped run; default: all.")] = None,
    model: Annotated[str, typer.Option(help="Generator to record.")] = "faces",
) -> None:
    """Compute the shipped runs under examples/ again."""
    if name is not None and name not in RECORDED:
        raise GammaFaceError(f"there is no shipped run '{name}'", fix=f"Choose from {', '.join(RECORDED)}.")
    generator = load_generator(model)
    for each in [name] if name else RECORDED:
        with tqdm(desc=each) as bar:
            path = record_run(
                each, generator, report=lambda stage, i, n: bar.set_postfix_str(f"{stage} {i}/{n}")
            )
        print(path)
