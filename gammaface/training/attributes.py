"""Train the attribute classifier on several labelled sets together.

Each set knows some attributes only, so every head's loss is the mean over the faces that
have its label. Sets are drawn from equally often, whatever their size.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar

from gammaface.attributes import (
    AGE_NEAR,
    AttributeClassifier,
    Calibration,
    age_estimate,
    load_attributes,
    save_attributes,
    softmax,
)
from gammaface.classifiers.attribute_network import AGE_CENTRES, ARCHITECTURES, HEADS, AttributeNetwork
from gammaface.datasets import Faces
from gammaface.errors import GammaFaceError
from gammaface.files import content_hash, told_when_unwritable
from gammaface.images import to_unit
from gammaface.training.augment import augment
from gammaface.training.face_sets import FaceSet
from gammaface.training.grow import grow
from gammaface.training.loop import Schedule, as_config, step_generator, train

STORED = 1.2  # pictures are kept this much larger than the network's input, to move the crop in
AGE_BLUR = 4.0  # years: standard deviation of the age head's targets
WEIGHTS = {"age": 0.3}  # its loss has many more classes than the others
PRECISION = 0.95
MIN_CERTAIN = 20  # answers that a threshold must leave on validation data
MAX_LOG_TEMPERATURE = 2.0
UNKNOWN = -1
SPACING = AGE_CENTRES[1] - AGE_CENTRES[0]


def targets(faces: Faces) -> tuple[torch.Tensor, torch.Tensor]:
    """Class numbers (n, heads), `UNKNOWN` where there is no label, and ages (n,), NaN likewise."""
    ages = faces.frame["age"].to_numpy(dtype=np.float32)
    bins = np.clip(np.nan_to_num(ages) / SPACING, 0, len(AGE_CENTRES) - 1).round()
    bins = np.where(np.isnan(ages), UNKNOWN, bins).astype(np.int64)
    codes = [bins if name == "age" else faces.codes(name) for name in HEADS]
    return torch.from_numpy(np.stack(codes, axis=1)), torch.from_numpy(ages)


def masked_loss(logits: dict[str, torch.Tensor], codes: torch.Tensor, ages: torch.Tensor) -> torch.Tensor:
    """Sum over the heads of the mean cross entropy of the faces that have the label."""
    total = torch.zeros((), device=codes.device)
    for column, (name, out) in enumerate(logits.items()):
        known = codes[:, column] != UNKNOWN
        if not known.any():
            continue
        out = out[known].float()
        if name == "age":
            centres = torch.tensor(AGE_CENTRES, dtype=torch.float32, device=out.device)
            target = (-(((ages[known, None] - centres) / AGE_BLUR) ** 2) / 2).softmax(1)
        else:
            target = codes[known, column]
        total = total + WEIGHTS.get(name, 1.0) * F.cross_entropy(out, target)
    return total


class Mixer:
    """Training pictures of all sets in memory, and random batches of them."""

    def __init__(self, sets: list[FaceSet], *, resolution: int) -> None:
        self.resolution = resolution
        stored = round(resolution * STORED)
        views = [face_set.views(resolution=stored) for face_set in sets]
        labels = [targets(face_set.only("train")) for face_set in sets]
        repeats = [len(v) // len(c) for v, (c, _) in zip(views, labels, strict=True)]
        self.pictures = torch.cat(views)
        self.codes = torch.cat([c.repeat(r, 1) for (c, _), r in zip(labels, repeats, strict=True)])
        self.ages = torch.cat([a.repeat(r) for (_, a), r in zip(labels, repeats, strict=True)])
        self.sizes = torch.tensor([len(v) for v in views])

    def batch(self, size: int, source: torch.Generator) -> tuple[torch.Tensor, ...]:
        """Augmented images in [-1, 1], class numbers and ages of `size` random faces."""
        which = torch.randint(len(self.sizes), (size,), generator=source)
        starts = self.sizes.cumsum(0) - self.sizes
        within = (torch.rand(size, generator=source) * self.sizes[which]).long()
        picks = starts[which] + within.clamp(max=self.sizes[which] - 1)
        images = augment(self.pictures[picks], resolution=self.resolution, source=source)
        return images, self.codes[picks], self.ages[picks]


def train_attributes(
    sets: list[FaceSet],
    *,
    out: Path,
    schedule: Schedule,
    architecture: str = "compact",
    resolution: int = 64,
    start_from: AttributeClassifier | None = None,
    resume: bool = False,
    quiet: bool = False,
) -> AttributeClassifier:
    """Train, calibrate on the validation parts, and write ``out/model``.

    Parameters
    ----------
    sets : list of FaceSet
        Labelled faces with their parts.
    out : Path
        Folder for checkpoints and the finished model.
    schedule : Schedule
        Length, rates and seed.
    architecture : str
        A name of `gammaface.classifiers.attribute_network.ARCHITECTURES`.
    resolution : int
        Side of the network's input, 32 or more.
    start_from : AttributeClassifier, optional
        Weights to continue from, of the same architecture or a smaller one (see `grow`).

    Raises
    ------
    GammaFaceError
        Unknown architecture or one that `start_from` does not fit, no data, or a checkpoint
        that does not fit (see `loop.train`).
    """
    if architecture not in ARCHITECTURES:
        raise GammaFaceError(
            f"architecture {architecture!r} is not known", fix=f"Choose one of {', '.join(ARCHITECTURES)}."
        )
    if not sets or resolution < 32:
        raise GammaFaceError(
            f"{len(sets)} data sets at resolution {resolution}", fix="Give --data, and 32 pixels or more."
        )
    torch.manual_seed(schedule.seed)
    design = ARCHITECTURES[architecture]
    network = AttributeNetwork(design).to(memory_format=torch.channels_last)
    if start_from is not None:
        grow(start_from.network, network, seed=schedule.seed)
    mixer = Mixer(sets, resolution=resolution)

    def loss_of(model, step, accelerator):
        source = step_generator(schedule.seed, step, accelerator.process_index)
        # Dropout draws from torch's own stream: a resumed run must see the same one.
        torch.manual_seed(source.initial_seed())
        batch = [part.to(accelerator.device) for part in mixer.batch(schedule.batch_size, source)]
        images = batch[0].contiguous(memory_format=torch.channels_last)
        return masked_loss(model(images), *batch[1:])

    config = as_config(
        kind="attributes",
        schedule=schedule,
        architecture=design,
        resolution=resolution,
        sets={s.name: len(s.faces) for s in sets},
        data=[content_hash(part.numpy()) for part in (mixer.pictures, mixer.codes, mixer.ages)],
    )
    ema, _ = train(network, loss_of, schedule=schedule, out=out, config=config, resume=resume, quiet=quiet)
    plain = AttributeClassifier(
        ema, resolution, {name: Calibration() for name in HEADS}, "", next(ema.parameters()).device
    )
    calibration = calibrate_on(plain, sets)
    with told_when_unwritable(out / "model", what="the model"):
        save_attributes(
            out / "model", ema, architecture=design, resolution=resolution, calibration=calibration
        )
    return load_attributes(out / "model")


def calibrate_on(classifier: AttributeClassifier, sets: list[FaceSet]) -> dict[str, Calibration]:
    """Calibrate every head on the validation parts of all sets that know it, in every framing.

    A face that is shown in two framings counts half in each.
    """
    shown = [
        (face_set.only("validation"), framing)
        for face_set in sets
        for framing in face_set.framings().values()
    ]
    counted = [1 / len(face_set.framings()) for face_set in sets for _ in face_set.framings()]
    side = classifier.resolution
    outputs = [classifier.logits(to_unit(part.images(resolution=side, framing=f))) for part, f in shown]
    labels = [targets(part) for part, _ in shown]
    codes = torch.cat([c for c, _ in labels]).numpy()
    ages = torch.cat([a for _, a in labels]).numpy()
    weights = np.concatenate([np.full(len(c), w) for (c, _), w in zip(labels, counted, strict=True)])
    found = {}
    for column, name in enumerate(HEADS):
        logits = np.concatenate([o[name] for o in outputs])
        known = codes[:, column] != UNKNOWN
        if not known.any():
            found[name] = Calibration()
            continue
        found[name] = calibrate(
            logits[known],
            codes[known, column],
            ages=ages[known] if name == "age" else None,
            weights=weights[known],
        )
    return found


def calibrate(
    logits: np.ndarray,
    codes: np.ndarray,
    *,
    ages: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> Calibration:
    """Temperature, threshold and confusion of one head.

    Source: Guo et al. 2017 for the temperature, which minimises the negative log likelihood.

    Parameters
    ----------
    logits : array of shape (n, classes)
    codes : integer array of shape (n,)
        True class of each face.
    ages : array of shape (n,), optional
        For the age head: an answer within 10 years is right.
    weights : array of shape (n,), optional
        As how many faces each answer counts; by default as one.
    """
    weights = np.ones(len(codes)) if weights is None else weights

    def loss(log_temperature: float) -> float:
        p = softmax(logits, float(np.exp(log_temperature)))
        if ages is None:
            p_right = p[np.arange(len(codes)), codes]
        else:
            # An age's probability is that of lying near: that is what must be calibrated.
            years, sure = age_estimate(p)
            p_right = np.where(np.abs(years - ages) <= AGE_NEAR, sure, 1 - sure)
        return float(np.average(-np.log(np.clip(p_right, 1e-12, None)), weights=weights))

    bounds = (-MAX_LOG_TEMPERATURE, MAX_LOG_TEMPERATURE)
    best = minimize_scalar(loss, bounds=bounds, method="bounded")
    temperature = float(np.exp(best.x))
    p = softmax(logits, temperature)
    classes = p.shape[1]
    if ages is not None:
        years, sure = age_estimate(p)
        return Calibration(temperature, certainty(sure, np.abs(years - ages) <= AGE_NEAR, weights))
    answers = p.argmax(1)
    counts = np.bincount(answers * classes + codes, weights, minlength=classes**2).reshape(classes, classes)
    n = counts.sum(0)
    confusion = counts / np.where(n > 0, n, 1)
    plain = Calibration(temperature, certainty(p.max(1), answers == codes, weights))
    return replace(
        plain, confusion=tuple(map(tuple, confusion.tolist())), n=tuple(n.round().astype(int).tolist())
    )


def certainty(sure: np.ndarray, right: np.ndarray, weights: np.ndarray) -> float | None:
    """The lowest probability at and above which `PRECISION` of the answers are right."""
    order = np.argsort(-sure, kind="stable")
    faces = np.cumsum(weights[order])
    precision = np.cumsum((right * weights)[order]) / faces
    enough = np.flatnonzero((precision >= PRECISION) & (faces >= MIN_CERTAIN))
    return float(sure[order[enough[-1]]]) if len(enough) else None
