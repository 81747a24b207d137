"""The figures of a generator's model card: its samples, and whether it copies faces."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from gammaface.attributes import AttributeClassifier
from gammaface.balancing import balance
from gammaface.datasets.lookalikes import difference_hash, has_lookalike
from gammaface.errors import GammaFaceError
from gammaface.files import write_whole
from gammaface.generators import Generator
from gammaface.images import to_grid, to_png, to_uint8
from gammaface.latents import Progress
from gammaface.metrics.quality import nearest
from gammaface.tables import Format, render
from gammaface.training import generator_figures as figures

QUANTILES = (0.0, 0.01, 0.1, 0.5)
SHOWN = 64
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def measure_generator(
    generator: Generator,
    train: torch.Tensor,
    test: torch.Tensor,
    *,
    out: Path,
    classifier: AttributeClassifier | None = None,
    named: str = "attributes",
    n: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict:
    """Draw n unselected images and compare them with training and test faces.

    A model that copies is nearer to its training faces than unseen real faces are. The
    distance is the root-mean-square difference of pixels in [-1, 1], each face against
    the nearer of a training face and its mirror image. Test faces that look like a training
    face (sets hold near-duplicates) are no unseen faces: they are left out, and counted.

    Parameters
    ----------
    train, test : torch.Tensor
        uint8 (n, 3, H, W), in the framing that the model was trained on.
    out : Path
        Receives ``samples.png`` (the first 64 seeds) and ``card.json``. The part of its
        ``README.md`` between the lines `BEGIN` and `END`, if it has one, is written anew.
    classifier : AttributeClassifier, optional
        Adds distances on its features and who is drawn, see `generator_figures.compare`.
    named : str
        What the classifier is called there.
    """
    batch = balance(generator, n=n, strategy="plain", seed=seed, progress=progress)
    pixels = to_uint8(batch.images)
    sheet = to_png(to_grid(pixels[:SHOWN], columns=16))
    write_whole(out / "samples.png", lambda f: f.write(sheet))

    known = torch.cat([train, train.flip(-1)])
    references = _flat(known)
    scale = np.sqrt(references.shape[1])
    drawn = _flat(torch.from_numpy(pixels).permute(0, 3, 1, 2))
    generated = nearest(drawn, references)[0] / scale
    picked = test[np.random.default_rng(seed).permutation(len(test))[:n]]
    twins = has_lookalike(_hashes(picked), _hashes(known))
    if twins.all():
        raise GammaFaceError(
            "every test face looks like a training face", fix="Give test faces that the model did not see."
        )
    real = nearest(_flat(picked[torch.from_numpy(~twins)]), references)[0] / scale
    threshold = float(np.quantile(real, 0.01))
    numbers = {
        "weights": generator.weights_hash,
        "n": n,
        "n_test": len(real),
        "lookalikes_left_out": int(twins.sum()),
        "seed": seed,
        "nearest_training_face": {
            "generated": _summary(generated),
            "real_test": _summary(real),
            "near_copies": {
                "rule": "nearer than 99% of real test faces",
                "threshold": threshold,
                "generated_share": float(np.mean(generated < threshold)),
                "expected_share": 0.01,
            },
        },
    }
    if classifier is not None:
        numbers["figures"] = figures.compare(classifier, batch.images, train, test, named=named, seed=seed)
    text = json.dumps(numbers, indent=1)
    write_whole(out / "card.json", lambda f: f.write(text.encode()))
    _write_between(out / "README.md", as_markdown(numbers))
    return numbers


def as_markdown(numbers: dict) -> str:
    """The figures of `measure_generator` as sections of a model card."""
    copies = numbers["nearest_training_face"]
    rows = [
        {"faces": name, "n": count} | copies[key]
        for name, key, count in (
            (f"generated, seed {numbers['seed']}", "generated", numbers["n"]),
            ("real test faces", "real_test", numbers["n_test"]),
        )
    ]
    near = copies["near_copies"]
    text = (
        "## Has it copied faces?\n\nRoot-mean-square pixel difference (pixels in [-1, 1]) to the nearest"
        " training face or its mirror image; qNN is a quantile.\n\n"
        + render(pd.DataFrame(rows), Format.md)
        + f"\n{100 * near['generated_share']:.1f}% of the generated faces are {near['rule']} are"
        f" ({near['threshold']:.3f}), where {100 * near['expected_share']:.0f}% would be expected of unseen"
        f" real faces. {numbers['lookalikes_left_out']} of the test faces drawn for this were left out: they"
        " look like a training face. A soft image is near to many faces in this measure, so it is a check"
        " for copies, not of quality.\n"
    )
    if "figures" in numbers:
        text += "\n" + figures.as_markdown(numbers["figures"])
    return text


def _write_between(readme: Path, text: str) -> None:
    """Replace what a card's two marking lines enclose."""
    if not readme.is_file():
        return
    before, mark, rest = readme.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (mark and end):
        return
    whole = f"{before}{BEGIN}\n{text}{END}{after}"
    write_whole(readme, lambda f: f.write(whole.encode()))


def _flat(images: torch.Tensor) -> np.ndarray:
    """uint8 (n, 3, H, W) to float32 (n, d) in [-1, 1]."""
    return images.flatten(1).numpy().astype(np.float32) / 127.5 - 1


def _hashes(images: torch.Tensor) -> np.ndarray:
    return difference_hash(images.permute(0, 2, 3, 1).numpy())


def _summary(distances: np.ndarray) -> dict[str, float]:
    return {"mean": float(distances.mean())} | {
        f"q{round(100 * q):02d}": float(np.quantile(distances, q)) for q in QUANTILES
    }


def loss_curve(history: list[list[float]], *, width: int = 720, height: int = 260) -> str:
    """The training loss over images seen as an SVG picture.

    Parameters
    ----------
    history : list of [images seen, mean loss, learning rate]
        As :func:`gammaface.training.loop.train` keeps it; averaged to at most 120 points.
    """
    rows = np.array([row[:2] for row in history])
    parts = np.array_split(rows, min(120, len(rows)))
    seen, loss = np.array([part.mean(axis=0) for part in parts]).T
    left, bottom = 56, 36
    top_loss, low_loss = loss.max(), loss.min()
    x = left + (width - left - 12) * seen / seen.max()
    y = 16 + (height - bottom - 16) * (top_loss - loss) / max(top_loss - low_loss, 1e-9)
    line = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    label = "font-family='sans-serif' font-size='13' fill='#767e88'"
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}'>"
        f"<polyline points='{line}' fill='none' stroke='#0072B2' stroke-width='2'/>"
        f"<text x='4' y='20' {label}>{top_loss:.3f}</text>"
        f"<text x='4' y='{height - bottom}' {label}>{low_loss:.3f}</text>"
        f"<text x='{left}' y='{height - 8}' {label}>weighted loss over images seen,"
        f" up to {int(rows[-1, 0]):,}</text></svg>"
    )
