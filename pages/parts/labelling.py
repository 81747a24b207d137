"""Labels of what the tasks draw, kept beside the pictures; nothing without a classifier.

torch is imported when a task runs, so that pages open at once.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from gammaface.jobs import Reporter
from gammaface.workspace import Run, extending


def label_batch(out: Path, device: str, reporter: Reporter) -> None:
    """Labels of a drawn batch and of the plain one beside it, and what evenness moved."""
    from gammaface.evenness import moves

    if not (out / "plain" / "manifest.json").is_file():
        return  # plain sampling alone: there is nothing to compare
    with extending(out / "plain") as plain, extending(out) as run:
        tables = [label_pictures(part, device, reporter) for part in (plain, run)]
        if tables[1] is not None:
            run.write_table("moves", moves(*tables))


def label_pictures(run: Run, device: str, reporter: Reporter) -> pd.DataFrame | None:
    """Labels of a run's pictures; None where there is no classifier."""
    from gammaface.labels import find_classifier, label_run

    classifier, _ = find_classifier(device=device)
    if classifier is None:
        return None
    reporter.stage("label")
    return label_run(run, classifier, progress=lambda done, total: reporter.stage("label", done, total))
