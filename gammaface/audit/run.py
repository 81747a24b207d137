"""The representation audit as one run: cells that are missing are drawn, finished ones kept.

The run holds

=====================  ===================================================================
cells/<name>/          labels, features and cost of every draw, see `cells`
audit.json             what they are read with, see `book`
tables/*               see `tables`
images/, thumbnails    at most 64 small pictures, see `thumbnails`
harvest/               latents of the mixture, where a method needed one and none was given
real, *_features       numbers of real faces, where they were given
=====================  ===================================================================

An audit may grow: the same run takes more methods, targets or seeds later, as long as
model, classifier and path stay. Several workers share its seeds: within one, methods and targets
begin at the same plain draws, which one memory keeps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from gammaface.audit.book import Book, known_recalls, told_classes
from gammaface.audit.draw import Scene, draw_cell
from gammaface.audit.memory import with_memory
from gammaface.audit.options import AuditOptions
from gammaface.audit.reference import Real
from gammaface.audit.second import NOT_ASKED, Second
from gammaface.audit.tables import write_tables
from gammaface.audit.thumbnails import keep_thumbnails, shrunk
from gammaface.generators import Generator
from gammaface.mixture import LatentMixture
from gammaface.parallel.workers import ALONE, Workers
from gammaface.sampling import Callback, get_sampler
from gammaface.strategies import as_labeller
from gammaface.workspace import Run, writing

KIND = "audit"
Report = Callable[[str, int, int], None]
"""report(stage, done, total): called often, may raise to cancel."""


def run_audit(
    generator: Generator,
    classifier,
    options: AuditOptions,
    *,
    out: Path | str,
    real: Real | None = None,
    second: Second | None = None,
    second_missing: str = "",
    recalls: Mapping[str, object] | None = None,
    mixture: LatentMixture | None = None,
    workers: Workers = ALONE,
    report: Report | None = None,
    callback: Callback | None = None,
) -> Run:
    """Draw every method at every target and seed, label once, and tell who gets drawn.

    Parameters
    ----------
    classifier : AttributeClassifier or Labeller
        Names the groups, and steers the strategies. With ``features(images)`` distances
        are measured, with ``calibration`` its errors are corrected.
    options : AuditOptions
    out : path
        An interrupted audit continues there, and repeats no finished block of a cell.
    real : Real, optional
        From :func:`gammaface.audit.reference.read_real`.
    second : Second, optional
        Labels the same images without steering; `second_missing` says why there is none, or
        what of it is missing.
    recalls : mapping, optional
        P(answer i | class j) by attribute, for the correction; by default those on generated
        faces labelled by hand, where there are enough, else the classifier's own, from its
        validation faces.
    mixture : LatentMixture, optional
        For the strategies that need one; by default fitted on a harvest of the audit's own.
    workers : Workers, optional
        They share the seeds, in turns; the main one writes the tables.
    report, callback : callable, optional
        ``report(stage, done, total)``, and what each denoising step calls; both may raise
        to cancel.

    Returns
    -------
    Run
        With the tables of :func:`gammaface.audit.tables.write_tables`. A method that the
        model or the draws refuse is in them with its reason.

    Raises
    ------
    GammaFaceError
        For targets that the classifier does not name, another audit in `out`, or a stored
        cell that was drawn with other options.
    """
    get_sampler(options.sampler)
    classes = told_classes(as_labeller(classifier).classes)
    digest = getattr(classifier, "hash", "")
    config = {
        "model": options.model,
        "steps": options.steps,
        "sampler": options.sampler,
        "second": second.name if second else "",
        "second_n": options.second_n if second else 0,
    }
    weights = {generator.name: generator.weights_hash, "attributes": digest}
    book = Book(
        classes,
        {aim.name: aim.target(classes) for aim in options.aims},
        known_recalls(classifier, classes, recalls, generator=generator.weights_hash),
        second=second.name if second else "",
        second_missing=second_missing or ("" if second else NOT_ASKED),
        second_by=dict(second.by) if second else {},
        extractor=f"{options.classifier} ({digest[:12]})" if hasattr(classifier, "features") else "",
        resolution=generator.side,
    )
    asked = {"kind": KIND, "config": config, "weights": weights, "precision": generator.precision}
    with writing(out, **asked, workers=workers) as run:
        book = _grown(run, book)
        workers.wait()  # until all have read what the main one writes now
        if workers.main:
            book.save(run)
            if real is not None:
                real.save(run)
        behind, memory = with_memory(generator)
        scene = Scene(behind, memory, classifier, options, book, run.path, mixture, second, callback, workers)
        _draw(run, scene, report or (lambda stage, done, total: None))
        if workers.main:
            write_tables(run, resamples=options.resamples, report=report)
    return Run.open(out)


def _grown(run: Run, book: Book) -> Book:
    """The book with the targets that earlier cells of the same run were drawn for."""
    if not (run.path / "audit.json").is_file():
        return book
    before = Book.load(run)
    return Book(**(vars(book) | {"targets": before.targets | book.targets}))


def _draw(run: Run, scene: Scene, say: Report) -> None:
    workers, cells = scene.workers, scene.options.cells()
    # All are looked at first, so that nothing is drawn before a mix-up is found.
    finished = workers.on_main(lambda: [scene.has(cell) for cell in cells])
    scene.prepare([cell for cell, done in zip(cells, finished, strict=True) if not done])
    seeds = list(dict.fromkeys(cell.seed for cell in cells))[workers.rank :: workers.count]
    mine = [(cell, done) for cell, done in zip(cells, finished, strict=True) if cell.seed in seeds]
    sizes = [scene.options.method(cell.method).n for cell, _ in mine]
    before, total, spent = 0, sum(sizes), 0.0
    for (cell, done), size in zip(mine, sizes, strict=True):
        say("images", before, total)
        if not done:
            began = time.monotonic()
            draw_cell(
                scene,
                cell,
                progress=lambda i, _, before=before: say("images", before + i, total),
                shrink=partial(shrunk, scene.options, cell),
                keep=partial(keep_thumbnails, run, scene.options, cell),
            )
            seconds = time.monotonic() - began
            run.add_timing("images", seconds)
            spent += seconds
        before += size
    say("images", total, total)
    others = [float(told) for told in workers.gather(str(spent).encode())[1:]]
    run.add_timing("images", sum(others))
