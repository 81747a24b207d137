"""What the pages can start: each task writes one run and reports to its job.

torch and diffusers are imported when a task runs, so that pages open at once.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gammaface.jobs import Reporter
from gammaface.workspace import Run, find_run, writing

from . import task_material as material
from .labelling import label_batch, label_pictures

BLOCK = 64  # faces between two writes
FACES = "faces"  # kind of the runs that hold single seeds' pictures


def study(options: dict, device: str, out: Path, reporter: Reporter) -> None:
    """The whole chain, see :func:`gammaface.studies.study.run_study`."""
    from gammaface.studies.study import StudyOptions, run_study

    generator = material.generator(options["model"], device)
    run_study(generator, StudyOptions(**options), out=out, report=reporter.stage, callback=reporter.at_step)


def balanced(options: dict, device: str, out: Path, reporter: Reporter) -> None:
    """A batch by a strategy, and plain sampling at the same places in its ``plain`` folder."""
    from gammaface.drawing import draw_run
    from gammaface.strategies.catalogue import ABOUT

    of, about = find_run(options["study"]), ABOUT[options["strategy"]]
    generator = material.generator_of(of, device)
    look, n = material.look_at(generator), options["n"]  # of a small batch, without its padding
    reporter.watch(lambda state: look(replace(state, denoised=state.denoised[:n])))
    mixture = _mixture(generator, of, options["k"], reporter) if "mixture" in about.needs else None
    common = {key: options[key] for key in ("n", "seed", "steps", "sampler", "injection")}
    steered = {"options": options["options"], "pilot": options["pilot"]} | _aim(options, device)
    wanted = [(about.name, out, steered)]
    if about.name != "plain":
        wanted.append(("plain", out / "plain", {}))
    for strategy, place, own in wanted:
        reporter.stage(strategy, 0, options["n"])
        draw_run(
            generator,
            mixture,
            out=place,
            strategy=strategy,
            **common,
            **own,
            progress=lambda done, total, stage=strategy: reporter.stage(stage, done, total),
            callback=reporter.at_step,
        )
    label_batch(out, device, reporter)


def _aim(options: dict, device: str) -> dict:
    """The target that was asked for, and who names its groups; nothing where none was."""
    if not options["attributes"]:
        return {}
    from gammaface.attributes import load_attributes
    from gammaface.strategies import Target, as_labeller

    labeller = as_labeller(load_attributes(device=device))
    given, shares = (options["attributes"], labeller.classes), options["shares"]
    target = Target.of(*given, shares) if shares else Target.even(*given)
    return {"target": target, "labeller": labeller}


def label(options: dict, device: str, out: Path, reporter: Reporter) -> None:
    """Labels of a drawn batch and of the plain one beside it."""
    label_batch(out, device, reporter)


def faces(options: dict, device: str, out: Path, reporter: Reporter) -> None:
    """The pictures of chosen seeds of a study; the run grows with every call."""
    import pandas as pd

    from gammaface.balancing import draw_seeds
    from gammaface.images import to_png, to_uint8

    of = find_run(options["study"])
    generator, config = material.generator_of(of, device), of.manifest.config
    facts = {"model": config["model"], "study": of.manifest.name, "steps": config["steps"]}
    with writing(out, kind=FACES, config=facts, weights=of.manifest.weights) as run:
        seeds = [s for s in options["seeds"] if not run.image(s).is_file()]
        reporter.stage("draw", 0, len(seeds))
        for start in range(0, len(seeds), BLOCK):
            block = seeds[start : start + BLOCK]
            batch = draw_seeds(
                generator,
                block,
                through=config["t"],
                steps=config["steps"],
                sampler=config.get("sampler", "ddim"),
                batch_size=len(block),
                callback=reporter.at_step,
            )
            for picture, seed in zip(to_uint8(batch.images), block, strict=True):
                path = run.image(seed).relative_to(run.path)
                run.write_file(str(path), to_png(picture, metadata=facts | {"seed": seed}))
            reporter.stage("draw", start + len(block), len(seeds))
        held = sorted(int(p.stem) for p in (run.path / "images").glob("*.png"))
        run.write_table("images", pd.DataFrame({"seed": held}))
        label_pictures(run, device, reporter)


TASKS = {"study": study, "balanced": balanced, "label": label, "faces": faces}


def faces_name(of: Run) -> str:
    """Name of the run that holds single pictures of a study, one per study and weights."""
    digest = next(iter(of.manifest.weights.values()), "")[:8]
    return f"{FACES}-{of.manifest.name}-{digest}"


def _mixture(generator, of: Run, k: int, reporter: Reporter):
    """The study's mixture, or one of another K, for which its latents are harvested again."""
    from gammaface.mixture import LatentMixture

    config = of.manifest.config
    if of.has("mixture.json") and k == len(of.array("mixture_weights")) and not config["pca"]:
        return LatentMixture.load(of)
    latents = material.latents_of(generator, of, reporter)
    reporter.stage("fit")
    return LatentMixture(k, seed=config["seed"], restarts=3).fit(latents)
