"""The runs that ship with the project, and how each is computed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gammaface import rebalance
from gammaface.attributes import load_attributes
from gammaface.audit import find_second, read_real, run_audit
from gammaface.audit.parsing import parse_aims, parse_options
from gammaface.audit.recipe import Recipe
from gammaface.audit.shipping import ship
from gammaface.datasets import DataSource
from gammaface.datasets.long_tail import digits
from gammaface.downstream.recorded import Plan, check_data, record_downstream
from gammaface.downstream.terms import TASKS
from gammaface.errors import GammaFaceError
from gammaface.generators import Generator, with_attention_guidance
from gammaface.parallel.workers import ALONE, Workers, not_shared
from gammaface.rebalance.bias_term import BiasTerm
from gammaface.rebalance.class_sets import DIGITS, DIGITS_BETA, run_class_set
from gammaface.settings import with_settings
from gammaface.studies.study import Report, StudyOptions, run_study
from gammaface.studies.survey import SurveyOptions, real_faces, run_survey
from gammaface.workspace import EXAMPLES, extending, home

LIMIT_BYTES = 10 * 2**20
READERS = {"aims": lambda text: parse_aims(text, [])}
OF_REBALANCE = {
    "bias": lambda text: with_settings(BiasTerm(), _pairs(text)),
    "options": lambda text: parse_options(_pairs(text)),
    "mirror": lambda text: _yes(text),  # a picture's mirror image trains, too
}
FIRST_LIGHT = StudyOptions(n=2000, images=24, steps=50, seed=0)
STUDY = Plan()
COMPONENTS = SurveyOptions(n=2000, steps=25, seed=0)


def _pairs(text: str) -> list[str]:
    """``name:value,name:value`` as a list of ``name=value``: what is set lies within one setting."""
    return [pair.replace(":", "=", 1) for pair in text.split(",")]


def _yes(text: str) -> bool:
    if text not in ("yes", "no"):
        raise GammaFaceError(f"'{text}' is no answer", fix="Write yes or no.")
    return text == "yes"


@dataclass(frozen=True)
class Given:
    """What a recording may be given.

    Attributes
    ----------
    real : tuple of str
        Labelled real faces for the runs that look at some beside the model's own, ``PATH`` or
        ``PATH@left,top,right,bottom`` each, for the run ``downstream`` with ``NAME=`` before it
        (``components`` looks at the first); only numbers about them are kept.
    settings : tuple of str
        ``name=value``, how much to compute instead of what the recipe says: of the runs
        ``representation``, ``rebalance`` and ``downstream``.
    workers : Workers
        Several share the runs ``representation`` and ``downstream``.
    """

    real: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    workers: Workers = ALONE

    @property
    def sources(self) -> list[str]:
        """`real` without names."""
        return [_named(text)[1] for text in self.real]

    @property
    def sets(self) -> list[str]:
        """`real` as ``NAME=PATH`` where there is a name; a labelled set has framings of its own."""
        named = map(_named, self.real)
        return [f"{name}={DataSource.parse(text).path}" if name else text for name, text in named]


def _named(text: str) -> tuple[str, str]:
    """The name of a labelled set, "" where there is none, and the rest."""
    name, equals, rest = text.partition("=")
    return (name, rest) if equals and name in TASKS else ("", text)


def _first_light(generator: Generator, out: Path, given: Given, report: Report | None) -> None:
    run_study(generator, replace(FIRST_LIGHT, model=generator.name), out=out, report=report)
    # The latents and the census' faces are recomputed from their seeds; the run ships
    # without them.
    shutil.rmtree(out / "harvest")
    shutil.rmtree(out / "images" / "people", ignore_errors=True)


def _first_light_pag(generator: Generator, out: Path, given: Given, report: Report | None) -> None:
    _first_light(with_attention_guidance(generator), out, given, report)


def _components(generator: Generator, out: Path, given: Given, report: Report | None) -> None:
    faces = None
    if given.real:
        first = DataSource.parse(given.sources[0]).path
        faces = real_faces(first, generator, n=COMPONENTS.n, seed=COMPONENTS.seed)
    run_survey(generator, load_attributes(), COMPONENTS, out=out, real=faces, report=report)
    # Codes are recomputed from seeds; what is told of each cell is in the tables. Labels of
    # single real faces do not ship.
    shutil.rmtree(out / "codes")
    shutil.rmtree(out / "cells")
    (out / "tables" / "faces-real.parquet").unlink(missing_ok=True)


def _representation(generator: Generator, out: Path, given: Given, report: Report | None) -> None:
    """Drawn into a working run: a killed recording continues there, more seeds or methods join it."""
    classifier = load_attributes()
    recipe = with_settings(Recipe(), given.settings, readers=READERS).on(generator)
    second, missing = find_second(*recipe.second, first=classifier)
    real, place = None, home() / f"{out.name}-working"
    if given.real:
        asked = {"train_split": "train", "kept": place, "workers": given.workers}
        real = read_real(generator, classifier, given.sources, **asked)
    working = run_audit(
        generator,
        classifier,
        recipe.options(generator.name),
        out=place,
        real=real,
        second=second,
        second_missing=missing,
        workers=given.workers,
        report=report,
    )
    if given.workers.main:
        ship(working, out, note=recipe.in_words(working.table("summary")))


def _rebalance(generator: Generator, out: Path, given: Given, report: Report | None) -> None:
    """A working run again: it trains for hours."""
    recipe = replace(rebalance.Recipe(), model=generator.name)
    recipe = with_settings(recipe, given.settings, readers=OF_REBALANCE).on(generator)
    working = rebalance.run_rebalance(
        generator,
        rebalance.critic_of(load_attributes(), recipe.attributes),
        recipe,
        out=home() / f"{out.name}-working",
        original=rebalance.reads_original(generator, given.sources),
        real=rebalance.reads_real(generator, given.sources),
        report=report,
    )
    rebalance.ship(working, out, note=recipe.in_words(list(working.table("rows")["row"])))


def _rebalance_digits(generator: Generator, out: Path, given: Given, report: Report | None) -> None:
    working = home() / f"{out.name}-working"
    run = run_class_set(digits(), DIGITS, out=working, beta=DIGITS_BETA, report=report)
    rebalance.ship(run, out)


def _downstream(generator: Generator, out: Path, given: Given, report: Report | None) -> None:
    record_downstream(
        generator,
        load_attributes,
        given.sets,
        with_settings(STUDY, given.settings),
        working=home() / f"{out.name}-working",
        out=out,
        known=EXAMPLES / out.name,
        workers=given.workers,
        report=report,
    )


RECORDED: dict[str, Callable[[Generator, Path, Given, Report | None], None]] = {
    "first-light": _first_light,
    "first-light-pag": _first_light_pag,
    "components": _components,
    "representation": _representation,
    "rebalance": _rebalance,
    "rebalance-digits": _rebalance_digits,
    "downstream": _downstream,
}


SHARED = ("representation", "downstream")
SETTABLE = ("representation", "rebalance", "downstream")
LOOKING = ("components", *SETTABLE)  # at real faces, if there are some


def check_given(names: Sequence[str], given: Given) -> None:
    """Refuse what does not suit the runs to record, before any is begun.

    Raises
    ------
    GammaFaceError
        For settings of a run that has none, workers of one that they cannot share, real faces for
        runs that look at none, faces that are not there, and faces that a run cannot do without.
    """
    for name in names:
        if given.workers.count > 1 and name not in SHARED:
            raise not_shared(f"the run '{name}'", given.workers, SHARED)
        if given.settings and name not in SETTABLE:
            raise GammaFaceError(
                f"the run '{name}' has no settings", fix=f"Settings are of {', '.join(SETTABLE)}."
            )
    if given.real and not set(names) & set(LOOKING):
        raise GammaFaceError(f"the run '{names[0]}' looks at no real faces", fix="Leave --real out.")
    for text in given.sources:
        if not (path := DataSource.parse(text).path).exists():
            raise GammaFaceError("there are no real faces", where=path, fix="Give --real PATH of some.")
    if "downstream" in names:
        check_data(with_settings(STUDY, given.settings), given.sets)


def record_run(
    name: str, generator: Generator, *, given: Given = Given(), report: Report | None = None
) -> Path:
    """Compute one shipped run again, beside the old one, and swap them when it is whole.

    Raises
    ------
    GammaFaceError
        As `check_given`, and when the new run is too large to ship.
    """
    check_given([name], given)
    final = EXAMPLES / name
    fresh = EXAMPLES / f"{name}.new" / name
    fresh.parent.mkdir(parents=True, exist_ok=True)
    RECORDED[name](generator, fresh, given, report)
    given.workers.on_main(lambda: _swap(fresh, final))
    return final


def _swap(fresh: Path, final: Path) -> None:
    with extending(fresh):  # its list of checksums leaves out what was left out of it
        pass
    (fresh / ".lock").unlink(missing_ok=True)
    size = sum(f.stat().st_size for f in fresh.rglob("*") if f.is_file())
    if size > LIMIT_BYTES:
        raise GammaFaceError(
            f"the run takes {size / 2**20:.1f} MB, the limit is {LIMIT_BYTES >> 20} MB",
            where=fresh,
            fix="Keep fewer pictures or rows.",
        )
    shutil.rmtree(final, ignore_errors=True)
    fresh.rename(final)
    fresh.parent.rmdir()
