"""``gammaface sample``: draw images with a strategy into a run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gammaface.commands.chain import Count, Model, Out, SamplerOrChosen, Seed, StepsOrChosen
from gammaface.errors import GammaFaceError
from gammaface.models.hub import plain_name
from gammaface.parallel.workers import join
from gammaface.workspace import Run, home


def _target(strategy, target: str | None, shares: str | None, classes):
    """What the strategy is to follow; None for one that follows nothing."""
    from gammaface.audit.options import Aim
    from gammaface.audit.parsing import parse_attributes, parse_shares

    if "target" not in strategy.needs:
        if target or shares:
            raise GammaFaceError(
                f"the strategy {strategy.name} follows no target", fix="Leave --target and --shares out."
            )
        return None
    if not target:
        raise GammaFaceError(
            f"{strategy.name} needs a target: which groups, in what shares",
            fix="Give --target gender or --target gender,race, and --shares for uneven ones.",
        )
    return Aim(parse_attributes(target), parse_shares(shares) if shares else ()).target(classes)


def sample(
    model: Model = "faces",
    strategy: Annotated[
        str, typer.Option(help="plain, component-uniform, quota, stratified, distribution-guidance, ...")
    ] = "component-uniform",
    injection: Annotated[
        str | None,
        typer.Option(
            help="Of component-uniform: mean-noise, resume or responsibility.", show_default="mean-noise"
        ),
    ] = None,
    n: Count = 400,
    seed: Seed = 0,
    steps: StepsOrChosen = None,
    sampler: SamplerOrChosen = None,
    target: Annotated[
        str | None, typer.Option(help="Attributes to even out: gender, or gender,race together.")
    ] = None,
    shares: Annotated[str | None, typer.Option(help='Other than even: "female=.7,male=.3".')] = None,
    pilot: Annotated[int, typer.Option(min=0, help="Labelled images that a strategy learns from.")] = 1000,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="OPTION=VALUE of the strategy, repeat.")
    ] = None,
    labeller: Annotated[
        str, typer.Option(help="Who names the groups: bundled classifier or its folder.")
    ] = "attributes",
    harvest: Annotated[
        Path | None, typer.Option(help="Harvest with a fitted mixture; default: make one, K=4.")
    ] = None,
    out: Out = None,
) -> None:
    """Draw n images with a strategy into a run folder."""
    from gammaface.attributes import load_attributes
    from gammaface.audit.parsing import parse_options
    from gammaface.commands.progress import progress_bar
    from gammaface.drawing import draw_run
    from gammaface.generators import load_generator
    from gammaface.mixture import LatentMixture
    from gammaface.solver_choice import sampler_for
    from gammaface.standard_mixture import standard_mixture
    from gammaface.strategies import as_labeller, get_strategy

    chosen, options = get_strategy(strategy), parse_options(set_ or [])
    chosen.complete(options)  # refuses a slip before anything is loaded
    if injection and strategy != "component-uniform":
        raise GammaFaceError(
            f"the strategy {strategy} injects nothing", fix="Leave --injection out, or use component-uniform."
        )
    classifier = load_attributes(labeller) if "labeller" in chosen.needs and target else None
    classes = as_labeller(classifier).classes if classifier else {}
    wanted = _target(chosen, target, shares, classes)
    between = f"{strategy}-{target.replace(',', '-')}" if target else strategy
    out = out or home() / f"sample-{plain_name(model)}-{between}-{seed}"
    generator, mixture, workers = load_generator(model), None, join()
    if "mixture" in chosen.needs and harvest:
        mixture = LatentMixture.load(Run.open(harvest))
    elif "mixture" in chosen.needs:
        with progress_bar("harvest") as progress:
            mixture = standard_mixture(generator, workers=workers, progress=progress)
    with progress_bar("sample") as progress:
        draw_run(
            generator,
            mixture,
            n=n,
            out=out,
            strategy=strategy,
            injection=injection or "mean-noise",
            seed=seed,
            **asdict(sampler_for(generator, sampler, steps)),
            target=wanted,
            labeller=classifier,
            pilot=pilot,
            options=options,
            workers=workers,
            progress=progress,
        )
    print(out)
