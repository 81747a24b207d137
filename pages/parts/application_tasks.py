"""Applications as jobs: a classifier or an upscaler is tried on balanced faces.

As in :mod:`pages.parts.tasks`, torch and diffusers are imported when a task runs.
"""

from __future__ import annotations

from pathlib import Path

from gammaface.jobs import Reporter

from . import task_material as material


def classifier_audit(options: dict, device: str, out: Path, reporter: Reporter) -> None:
    """See :func:`gammaface.applications.classifier.audit_classifier`."""
    from gammaface.applications.classifier import ClassifierOptions, audit_classifier
    from gammaface.attributes import load_attributes

    asked = {key: value for key, value in options.items() if key not in ("model", "judged", "groups")}
    audit_classifier(
        material.generator(options["model"], device),
        load_attributes(device=device),
        load_attributes(options["judged"], device=device),
        ClassifierOptions(groups=tuple(options["groups"]), **asked),
        out=out,
        name=Path(options["judged"]).name,
        report=reporter.stage,
        callback=reporter.at_step,
    )


def upscaling_audit(options: dict, device: str, out: Path, reporter: Reporter) -> None:
    """See :func:`gammaface.applications.super_resolution.audit_upscaling`."""
    from gammaface.applications.faces import draw_even
    from gammaface.applications.super_resolution import (
        BICUBIC,
        UpscalingOptions,
        audit_upscaling,
        bicubic,
        onnx_upscaler,
    )
    from gammaface.attributes import load_attributes
    from gammaface.files import file_hash

    given = UpscalingOptions(factor=options["factor"], groups=tuple(options["groups"]))
    upscalers, weights = {}, {}
    if options["upscaler"]:
        file = Path(options["upscaler"])
        upscalers[file.name] = onnx_upscaler(file, values=options["values"])
        weights[file.name] = file_hash(file)
    upscalers[BICUBIC] = bicubic(given.factor)
    generator, labeller = material.generator(options["model"], device), load_attributes(device=device)
    faces = draw_even(
        generator,
        labeller,
        given.groups,
        n=options["n"],
        seed=0,
        steps=options["steps"],
        report=reporter.stage,
        callback=reporter.at_step,
    )
    audit_upscaling(
        faces,
        labeller,
        upscalers,
        given,
        out=out,
        model=generator.name,
        weights=weights | {generator.name: generator.weights_hash},
        report=reporter.stage,
    )


APPLICATION_TASKS = {"classifier-audit": classifier_audit, "super-resolution-audit": upscaling_audit}
