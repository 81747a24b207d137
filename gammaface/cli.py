"""The command line: `python -m gammaface ...`.

Exit 0 done, 2 bad input (one line on standard error), 130 cancelled with what was
computed kept.
"""

from __future__ import annotations

import sys

import typer

from gammaface.commands import audit, chain, downstream, runs, train, train_attributes
from gammaface.commands.applications import audit_classifier, audit_super_resolution
from gammaface.commands.bring import audit_folder
from gammaface.commands.data import data
from gammaface.commands.doctor import doctor
from gammaface.commands.label import label
from gammaface.commands.launched import Job
from gammaface.commands.metrics import metrics
from gammaface.commands.rebalance import rebalance
from gammaface.commands.sample import sample
from gammaface.commands.solver import solver
from gammaface.commands.survey import survey
from gammaface.errors import GammaFaceError

CANCELLED = 130

app = typer.Typer(
    name="gammaface",
    help="Who does this diffusion model draw, and can it draw everyone evenly?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(chain.demo)
app.command()(chain.harvest)
app.command()(chain.sweep)
app.command()(chain.fit)
app.command()(sample)
app.command()(survey)
app.command()(runs.report)
app.add_typer(runs.app, name="runs")
app.command()(runs.table)
app.command()(runs.record)
app.command()(doctor)
app.command()(data)
app.command()(metrics)
app.command()(label)
app.command()(audit.audit)
app.command("audit-tables")(audit.audit_tables)
app.command("audit-folder")(audit_folder)
app.command("audit-classifier")(audit_classifier)
app.command("audit-super-resolution")(audit_super_resolution)
app.command()(downstream.downstream)
app.command("downstream-cell")(downstream.downstream_cell)
app.command("downstream-tables")(downstream.downstream_tables)
app.command()(rebalance)
train.app.command()(train_attributes.attributes)
train.app.command("attributes-card")(train_attributes.attributes_card)
train.app.command()(solver)
app.add_typer(train.app, name="train")


def main() -> None:
    """Run a command and turn what went wrong into an exit status and one line."""
    job = Job()
    try:
        job.enter(sys.argv[1:])
        app()
    except GammaFaceError as error:
        job.complain(" ".join(str(error).split()))
        sys.exit(2)
    except SystemExit as done:
        if done.code == CANCELLED:  # typer has turned Ctrl-C into this
            job.complain("cancelled; what was computed is kept")
        elif not done.code:
            job.leave()
        raise
    except BaseException as error:
        job.workers.fail(f"{type(error).__name__}: {error}")
        raise
