"""Audit of an upscaler: made small and large again, whose perceived attributes change?

Each face is downsampled by averaging, upscaled, and labelled again. The run holds the tables
``faces`` (a row per face, method and attribute), ``changes`` (by group), ``flows`` (from
which class to which), ``gaps`` and ``sentences``, and pictures of some faces.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F

from gammaface.applications.cells import Report
from gammaface.applications.faces import Faces, check_attributes
from gammaface.applications.groupwise import largest_gap, rate_rows
from gammaface.audit.terms import attribute_words
from gammaface.classifiers.onnx_models import OnnxModel
from gammaface.errors import GammaFaceError
from gammaface.images import to_png, to_uint8
from gammaface.shares.people import word_of
from gammaface.strategies import Labeller, as_labeller
from gammaface.workspace import Run, writing

KIND = "super-resolution-audit"
SHOWN = 8  # faces whose pictures are kept
BATCH = 32
RANGES = {"unit": (0.0, 1.0), "signed": (-1.0, 1.0), "bytes": (0.0, 255.0)}
BICUBIC, EVERYONE = "bicubic", "all"
Upscaler = Callable[[torch.Tensor], torch.Tensor]
"""Small pictures (n, 3, h, h) in [-1, 1] to large ones."""


@dataclass(frozen=True)
class UpscalingOptions:
    """What to try: downsampling ``factor``, attributes to be read again, groups to tell by."""

    factor: int = 4
    attributes: tuple[str, ...] = ("gender", "race3", "young40")
    groups: tuple[str, ...] = ("race3",)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.factor < 2 or not self.attributes or not self.groups:
            raise GammaFaceError(
                f"factor {self.factor} with attributes {self.attributes} and groups {self.groups}",
                fix="Give a factor of 2 or more, and one attribute and group or more.",
            )


def bicubic(factor: int) -> Upscaler:
    """Bicubic interpolation, the upscaler without a memory of faces."""

    def upscale(small: torch.Tensor) -> torch.Tensor:
        return F.interpolate(small, scale_factor=factor, mode="bicubic", align_corners=False).clamp(-1, 1)

    return upscale


def onnx_upscaler(file: Path, *, values: str = "unit") -> Upscaler:
    """A user's upscaler; `values` says in which range it takes and gives pixels.

    Raises
    ------
    GammaFaceError
        For a model that cannot be loaded, or an unknown range.
    """
    if values not in RANGES:
        raise GammaFaceError(f"there is no range '{values}'", fix=f"Choose from {', '.join(RANGES)}.")
    low, high = RANGES[values]
    model = OnnxModel(Path(file))

    def upscale(small: torch.Tensor) -> torch.Tensor:
        pixels = (small + 1) / 2 * (high - low) + low
        found = model.run(pixels.numpy())[0]
        if found.ndim != 4 or found.shape[1] != 3:
            raise GammaFaceError(
                f"the upscaler gives {found.shape}, not pictures",
                where=file,
                fix="Give one for (n, 3, h, w).",
            )
        return ((torch.from_numpy(found).float() - low) / (high - low) * 2 - 1).clamp(-1, 1)

    return upscale


def again(images: torch.Tensor, factor: int, upscale: Upscaler) -> torch.Tensor:
    """Images made small by averaging and large again, at their first size.

    Raises
    ------
    GammaFaceError
        When the factor does not divide the side.
    """
    side = images.shape[-1]
    if side % factor or side // factor < 2:
        raise GammaFaceError(
            f"pictures of {side} px by a factor of {factor}", fix="Give one that divides them."
        )
    parts = []
    for batch in images.split(BATCH):
        large = upscale(F.avg_pool2d(batch, factor))
        if large.shape[-2:] != (side, side):  # another factor than was taken away
            large = F.interpolate(large, (side, side), mode="bilinear", antialias=True, align_corners=False)
        parts.append(large)
    return torch.cat(parts)


def audit_upscaling(
    faces: Faces,
    labeller: Labeller,
    upscalers: dict[str, Upscaler],
    options: UpscalingOptions,
    *,
    out: Path | str,
    model: str,
    weights: dict[str, str],
    report: Report | None = None,
) -> Run:
    """Downsample, upscale, label again; see the module.

    Parameters
    ----------
    faces : Faces
        From `draw_even` or `read_folder`.
    upscalers : dict of str to callable
        By name; the first is the one on trial.
    model : str
        Where the faces come from.

    Raises
    ------
    GammaFaceError
        For attributes that the labeller does not name, or a factor that does not fit.
    """
    say = report or (lambda stage, done, total: None)
    check_attributes((*options.attributes, *options.groups), faces.classes)
    config = {"model": model, "methods": list(upscalers), "n": len(faces.names)} | asdict(options)
    digests = weights | {"labeller": getattr(labeller, "hash", "")}
    groups = faces.groups(options.groups)
    with writing(out, kind=KIND, config=config, weights=digests) as run:
        parts = []
        _keep(run, faces.images, "before")
        for done, (method, upscale) in enumerate(upscalers.items()):
            say("upscale", done, len(upscalers))
            large = again(faces.images, options.factor, upscale)
            _keep(run, large, method)
            found = as_labeller(labeller).probabilities(large)
            for attribute in options.attributes:
                words = np.array(faces.classes[attribute], dtype=object)
                parts.append(
                    pd.DataFrame(
                        {
                            "face": faces.names,
                            "method": method,
                            "attribute": attribute,
                            "group": groups,
                            "before": faces.words(attribute),
                            "after": words[np.asarray(found[attribute]).argmax(1)],
                        }
                    )
                )
        say("upscale", len(upscalers), len(upscalers))
        for name, table in tables(pd.concat(parts, ignore_index=True), options, note=faces.note).items():
            run.write_table(name, table)
    return Run.open(out)


def tables(faces: pd.DataFrame, options: UpscalingOptions, *, note: str = "") -> dict[str, pd.DataFrame]:
    """Every table of the run from its faces."""
    changes, flows, gaps = [], [], []
    for (method, attribute), part in faces.groupby(["method", "attribute"], sort=False):
        changed = (part["before"] != part["after"]).to_numpy(dtype=float)
        groups = part["group"].to_numpy(dtype=object)
        key = {"method": method, "attribute": attribute}
        everyone = rate_rows(changed, np.full(len(part), EVERYONE, dtype=object))
        rows = pd.concat([rate_rows(changed, groups), everyone], ignore_index=True)
        changes.append(rows.assign(**key))
        gaps.append(key | largest_gap(changed, groups, seed=options.seed))
        for before, rest in part.groupby("before"):
            flows.append(
                rate_of_classes(rest["after"], sorted(set(part["before"]) | set(part["after"]))).assign(
                    before=before, **key
                )
            )
    found = {
        "faces": faces,
        "changes": pd.concat(changes, ignore_index=True),
        "flows": pd.concat(flows, ignore_index=True),
        "gaps": pd.DataFrame(gaps),
    }
    return found | {"sentences": pd.DataFrame({"sentence": _sentences(found, note)})}


def rate_of_classes(after: pd.Series, words: list[str]) -> pd.DataFrame:
    """``after, n, count, share, low, high`` of each class among faces."""
    parts = [
        rate_rows((after == word).to_numpy(dtype=float), np.full(len(after), word, dtype=object))
        for word in words
    ]
    return pd.concat(parts, ignore_index=True).rename(columns={"group": "after"}).drop(columns="note")


def _keep(run: Run, images: torch.Tensor, group: str) -> None:
    for place, picture in enumerate(to_uint8(images[:SHOWN])):
        run.write_file(str(run.image(place, group).relative_to(run.path)), to_png(picture))


def _sentences(found: dict[str, pd.DataFrame], note: str) -> list[str]:
    told = [note] if note else []
    for (method, attribute), part in found["changes"].groupby(["method", "attribute"], sort=False):
        everyone = part[part["group"] == EVERYONE].iloc[0]
        words = (
            f"{method}: the label of {attribute_words(attribute)} changes for {100 * everyone['share']:.1f}%"
            f" (95%: {100 * everyone['low']:.1f} to {100 * everyone['high']:.1f}) of {everyone['n']} faces"
        )
        flow = found["flows"].query("method == @method and attribute == @attribute and before != after")
        flow = flow[flow["count"] > 0]
        if len(flow):
            most = flow.loc[flow["count"].idxmax()]
            before, after = (word_of(attribute, most[end]) for end in ("before", "after"))
            words += f", most often from {before} to {after} ({most['count']} of {most['n']})"
        gap = found["gaps"].query("method == @method and attribute == @attribute").iloc[0]
        if np.isnan(gap["gap"]):
            told.append(f"{words}. Too few groups have enough faces to be compared.")
        elif gap["p"] < 0.05:
            told.append(
                f"{words}. It changes more for {gap['most']} than for {gap['least']}, by"
                f" {100 * gap['gap']:.1f} points, more than chance would give (p = {gap['p']:.3f})."
            )
        else:
            told.append(f"{words}. Groups differ no more than by chance (p = {gap['p']:.3f}).")
    return told
