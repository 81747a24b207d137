"""The audit as a job: it writes one run, and goes on where it stopped.

As in :mod:`pages.parts.tasks`, torch and diffusers are imported when it runs.
"""

from __future__ import annotations

from pathlib import Path

from gammaface.audit.options import AuditOptions
from gammaface.audit.parsing import parse_aims, parse_methods
from gammaface.audit.terms import PLAIN
from gammaface.jobs import Reporter

from . import task_material as material


def audit(options: dict, device: str, out: Path, reporter: Reporter) -> None:
    """An audit, see :func:`gammaface.audit.run_audit`; an interrupted one goes on."""
    from gammaface.attributes import load_attributes
    from gammaface.audit import find_second, run_audit

    generator = material.generator(options["model"], device)
    classifier = load_attributes(device=device)
    second, missing = find_second(first=classifier)
    run_audit(
        generator,
        classifier,
        options_of(options),
        out=out,
        second=second,
        second_missing=missing,
        report=reporter.stage,
        callback=reporter.at_step,
    )


AUDIT_TASKS = {"audit": audit}


def options_of(asked: dict) -> AuditOptions:
    """An audit's options from what a form asked for."""
    return AuditOptions(
        methods=parse_methods(",".join([PLAIN, *asked["methods"]]), [], n=asked["n"], pilot=asked["pilot"]),
        aims=parse_aims(",".join(asked["targets"]), []),
        seeds=tuple(range(asked["seeds"])),
        n=asked["n"],
        model=asked["model"],
        steps=asked["steps"],
        sampler=asked["sampler"],
        harvest=max(200, 2 * asked["n"]),
        second_n=asked["n"],
    )
