"""Audit of a folder of faces that are labelled already: no generator, no classifier.

The run holds the tables ``labels`` (a row per face), ``shares`` (every class and every
joint cell, with intervals), ``summary`` (evenness by attribute), ``quality`` (with a
reference folder) and ``sentences``, a few small pictures, and ``report.html``.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import chisquare

from gammaface.applications.cells import JOINED, Report, joined, words_for
from gammaface.applications.folder_quality import quality_table
from gammaface.applications.folder_report import write_folder_report
from gammaface.audit.book import COARSE, Book, known_recalls
from gammaface.audit.terms import capital
from gammaface.datasets.pictures import UNREADABLE, open_picture
from gammaface.errors import GammaFaceError
from gammaface.files import file_hash
from gammaface.labelling.label_files import LabelledFolder, read_label_file
from gammaface.metrics import cleam, noise_floor
from gammaface.metrics.intervals import percentile_interval
from gammaface.shares.people import CLASSES, SMALL, shares, word_of
from gammaface.workspace import Run, writing

KIND = "folder-audit"
PICTURES, SIDE = 24, 96  # shown in the report, and their side in pixels
RESAMPLES = 1000


@dataclass(frozen=True)
class FolderOptions:
    """What to tell of a folder.

    Attributes
    ----------
    by : tuple of str
        Attributes whose joint cells are told beside each alone.
    preset : str, optional
        Of the label file, see :mod:`gammaface.labelling.label_files`.
    pictures : int
        Small pictures in the report; 0 keeps none.
    seed : int
        Of the intervals' draws.
    """

    by: tuple[str, ...] = ("gender", "race")
    preset: str | None = None
    pictures: int = PICTURES
    seed: int = 0


def audit_folder(
    folder: Path | str,
    labels: Path | str,
    *,
    out: Path | str,
    options: FolderOptions = FolderOptions(),
    recalls: Mapping[str, object] | None = None,
    reference: Path | str | None = None,
    reference_labels: Path | str | None = None,
    extractor=None,
    report: Report | None = None,
) -> Run:
    """Tell who is in a folder of labelled faces, and how evenly.

    Parameters
    ----------
    folder, labels : path
        Pictures and the CSV that labels them.
    out : path
        Run folder to write.
    recalls : mapping, optional
        P(answer i | class j) by attribute of whatever wrote the labels, for the correction
        of its errors (CLEAM).
    reference : path, optional
        Folder of real faces that the pictures are compared with; needs an `extractor`.
    reference_labels : path, optional
        Their labels: compared group by group over `options.by` then.
    extractor : AttributeClassifier, optional
        Whose features the distances are measured in.

    Returns
    -------
    Run
        See the module.

    Raises
    ------
    GammaFaceError
        As :func:`gammaface.labelling.label_files.read_label_file`, for recalls that do not fit, and
        for a reference without extractor.
    """
    say = report or (lambda stage, done, total: None)
    say("labels", 0, 1)
    found = read_label_file(Path(folder), Path(labels), preset=options.preset)
    say("labels", 1, 1)
    book = _book(found, recalls)
    config = {
        "model": str(folder),
        "labels": str(labels),
        "preset": found.preset,
        "by": list(options.by),
        "pictures": options.pictures,
        "seed": options.seed,
        "reference": str(reference) if reference else "",
        "reference_labels": str(reference_labels) if reference_labels else "",
        "recalls": {name: r.matrix.tolist() for name, r in book.recalls.items()},
    }
    digests = {"labels": file_hash(Path(labels)), "extractor": getattr(extractor, "hash", "")}
    with writing(out, kind=KIND, config=config, weights=digests) as run:
        frame = _coarse(found.frame)
        tables = evenness_tables(frame, book, by=options.by, seed=options.seed)
        tables["labels"] = frame
        if reference is not None:
            tables["quality"] = quality_table(
                found,
                Path(reference),
                reference_labels,
                by=options.by,
                extractor=extractor,
                report=say,
            )
        tables["sentences"] = sentences(found, tables, book)
        for name, table in tables.items():
            run.write_table(name, table)
        keep_pictures(run, found, n=options.pictures)
        say("report", 0, 1)
        write_folder_report(run)
        say("report", 1, 1)
    return Run.open(out)


def _book(found: LabelledFolder, recalls: Mapping[str, object] | None) -> Book:
    names = found.attributes
    classes = {name: CLASSES[name] for name in names}
    for coarse, (fine, groups) in COARSE.items():
        if fine in names:
            classes[coarse] = tuple(dict.fromkeys(groups[word] for word in classes[fine]))
    return Book(classes, {}, known_recalls(None, classes, recalls))


def _coarse(frame: pd.DataFrame) -> pd.DataFrame:
    """With the coarser attributes (``race3``) that follow from the others."""
    frame = frame[["source", *(n for n in CLASSES if frame[n].notna().any())]].copy()
    for name, (fine, groups) in COARSE.items():
        if fine in frame:
            words = tuple(dict.fromkeys(groups[word] for word in CLASSES[fine]))
            frame[name] = pd.Categorical(frame[fine].astype(object).map(groups), categories=words)
    return frame


def evenness_tables(
    frame: pd.DataFrame, book: Book, *, by: tuple[str, ...], seed: int = 0
) -> dict[str, pd.DataFrame]:
    """Tables ``shares`` and ``summary`` of labelled faces.

    Returns
    -------
    dict
        ``shares`` as :func:`gammaface.shares.people.shares`, with ``corrected`` where recalls are
        known; ``summary`` with ``attribute, n, classes, fd`` (fairness discrepancy), ``low,
        high`` (95%, shares drawn from their posterior under Jeffreys' prior),
        ``noise_floor``, ``fd_corrected`` and ``p_even``, the chi-square test of even shares.
    """
    cells = {(name,): frame[name] for name in book.classes}
    wanted = tuple(name for name in by if name in book.classes)
    if len(wanted) > 1:
        cells[wanted] = pd.Series(joined(frame, wanted), index=frame.index)
    named = pd.DataFrame({JOINED.join(names): values for names, values in cells.items()})
    rng = np.random.default_rng(seed)
    parts, rows = [], []
    for names in cells:
        part = shares(named, [JOINED.join(names)])
        share, n = part["share"].to_numpy(), int(part["n"].iloc[0])
        if not n:
            continue
        matrix = book.confusion(names)
        corrected = np.full(len(share), np.nan) if matrix is None else cleam(share, matrix).shares
        even = 1 / len(share)
        fd = float(np.linalg.norm(share - even))
        # Not resampled faces: they would never show a class that none of them has.
        likely = rng.dirichlet(part["count"] + 0.5, size=RESAMPLES)
        low, high = percentile_interval(np.linalg.norm(likely - even, axis=1))
        parts.append(part.assign(corrected=corrected))
        rows.append(
            {
                "attribute": JOINED.join(names),
                "n": n,
                "classes": len(share),
                "fd": fd,
                "low": min(low, fd),
                "high": max(high, fd),
                "noise_floor": noise_floor(len(share), n),
                "fd_corrected": float(np.linalg.norm(corrected - even)),
                "p_even": float(chisquare(part["count"]).pvalue),
                "recalls": book.recalls_in_words(names),
            }
        )
    if not rows:
        raise GammaFaceError("no face has a label", fix="Give a CSV with gender, race, age, ...")
    return {"shares": pd.concat(parts, ignore_index=True), "summary": pd.DataFrame(rows)}


def sentences(found: LabelledFolder, tables: Mapping[str, pd.DataFrame], book: Book) -> pd.DataFrame:
    """What was found, in words."""
    told = [f"{len(found.frame):,} labelled faces, read as '{found.preset}'."]
    if found.unlabelled or found.missing:
        told.append(
            f"{found.unlabelled:,} pictures have no label, {found.missing:,} rows no picture: both left out."
        )
    for row in tables["summary"].itertuples():
        part = tables["shares"][tables["shares"]["attribute"] == row.attribute]
        most, least = part.loc[part["share"].idxmax()], part.loc[part["share"].idxmin()]
        verdict = (
            "is as even as a fair draw of this size"
            if row.fd <= row.noise_floor or row.p_even > 0.05
            else f"is {row.fd / row.noise_floor:.1f} times the noise floor from even"
        )
        told.append(
            f"{capital(words_for(row.attribute))} {verdict}: FD {row.fd:.3f} (95%: {row.low:.3f} to"
            f" {row.high:.3f}), floor {row.noise_floor:.3f}, n = {row.n:,}; most {_said(most)}, least"
            f" {_said(least)}."
        )
        few = part[part["count"] < SMALL]
        if len(few):
            named = ": " + ", ".join(word_of(*row) for row in few[["attribute", "value"]].values)
            told[-1] += (
                f" {len(few)} of {row.classes} classes have under {SMALL} faces"
                f"{named if len(few) < 4 else ''}: read their intervals, not their shares."
            )
    if not book.recalls:
        told.append(
            "The labels' own errors are not corrected: give recalls, P(answer | class), to take them out."
        )
    for row in tables.get("quality", pd.DataFrame()).itertuples():
        if row.group in ("all", "mean over groups") and not np.isnan(row.value):
            told.append(f"{row.kind} to the reference: {row.value:.4g} ({row.low:.4g} to {row.high:.4g}).")
    return pd.DataFrame({"sentence": told})


def _said(row: pd.Series) -> str:
    return f"{word_of(row['attribute'], row['value'])} ({100 * row['share']:.1f}%)"


def keep_pictures(run: Run, found: LabelledFolder, *, n: int) -> None:
    """A few small pictures, evenly spread over the folder, for the report."""
    rows = np.unique(np.linspace(0, len(found.pictures) - 1, min(n, len(found.pictures))).astype(int))
    for row in rows if n else ():
        try:
            with open_picture(found.pictures[row].read_bytes()) as picture:
                small = picture.convert("RGB")
                small.thumbnail((SIDE, SIDE))
        except UNREADABLE:
            raise GammaFaceError(
                "a picture cannot be read", where=found.pictures[row], fix="Replace it or take its row out."
            ) from None
        buffer = io.BytesIO()
        small.save(buffer, format="PNG")
        run.write_file(f"images/{row:08d}.png", buffer.getvalue())
