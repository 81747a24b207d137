"""Labels of what the tasks draw, kept beside the pictures; nothing without a classifier.

torch is imported when a task runs, so that pages open at once.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from gammaface.jobs import Reporter
from gammaface.strategies.catalogue import ABOUT
from gammaface.workspace import Run, extending


def label_batch(out: Path, device: str, reporter: Reporter) -> None:
    """Labels of a drawn batch and of the plain one beside it, and what the strategy moved."""
    from gammaface.shares.evenness import moves
    from gammaface.shares.reached import reached

    with extending(out) as run:
        drawn = label_pictures(run, device, reporter)
        if drawn is None or not (out / "plain" / "manifest.json").is_file():
            return
        with extending(out / "plain") as plain:
            plainly = label_pictures(plain, device, reporter)
        config = run.manifest.config
        table = moves(plainly, drawn, by=ABOUT[config["strategy"]].title)
        if "attributes" in config:
            target = dict(zip(config["cells"], config["shares"], strict=True))
            row = reached(plainly, drawn, config["attributes"], target)
            table = pd.concat([pd.DataFrame([row]), table], ignore_index=True)
        run.write_table("moves", table)


def label_pictures(run: Run, device: str, reporter: Reporter) -> pd.DataFrame | None:
    """Labels of a run's pictures; None where there is no classifier."""
    from gammaface.labelling.labels import find_classifier, label_run

    classifier, _ = find_classifier(device=device)
    if classifier is None:
        return None
    reporter.stage("label")
    return label_run(run, classifier, progress=lambda done, total: reporter.stage("label", done, total))
