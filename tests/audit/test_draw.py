"""Cells are drawn in blocks: one that was killed goes on inside, and is the same to the byte."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from gammaface import GammaFaceError
from gammaface.audit import Method, draw
from gammaface.audit.parts import Parts
from gammaface.strategies import kept_heads
from gammaface.strategies.kept_heads import KeptHeads
from tests.audit.toy_classifier import BOTH, METHODS, SIDE, audit
from tests.strategies.toy import toy

SHORT = {"presentations": 512, "batch": 32}  # blocks are whole batches
GUIDED = Method("guided", "distribution-guidance", SHORT, n=80, pilot=64)
ONE = {"aims": (SIDE,), "seeds": (0,)}


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(draw, "PLACED", 32)
    monkeypatch.setattr(draw, "CHOSEN", 32)


def content(run, name):
    """A cell's files, and what its cell.json says besides the time that passed."""
    folder = run / "cells" / name
    assert sorted(p.name for p in folder.iterdir()) == ["cell.json", "features.npy", "labels.parquet"]
    told = json.loads((folder / "cell.json").read_text())
    told["facts"].pop("seconds")
    for note in told["facts"]["notes"]:
        note.pop("seconds", None), note.pop("gradient_seconds", None)
    return [(folder / name).read_bytes() for name in ("features.npy", "labels.parquet")], told


@pytest.mark.parametrize(
    "method", [GUIDED, Method("quota", "quota", n=80), Method("half", "stratified", n=80, pilot=60)]
)
def test_a_killed_cell_goes_on_after_its_last_block(method, small_blocks, tmp_path, monkeypatch):
    face = toy(("side", "level"), (0.4, 0.4, 0.1, 0.1))
    asked, name = ONE | {"methods": (METHODS[0], method)}, f"{method.name}.side.s0"
    whole, _, _ = audit(tmp_path / "whole", face, **asked)

    def stop(stage, done, total):
        if stage == "images" and done > 160 + 64:  # in the third block of the third cell
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        audit(tmp_path / "cut", face, report=stop, **asked)
    parts = tmp_path / "cut" / "cells" / name / "parts"
    assert len(list(parts.glob("*.parquet"))) == len(list(parts.glob("*.npy"))) == 2
    monkeypatch.setattr("gammaface.strategies.guidance.KEPT", KeptHeads())  # as in another process
    again = []
    cut, _, _ = audit(tmp_path / "cut", face, report=lambda s, d, t: again.append(d), **asked)
    assert min(d for d in again if d > 160) >= 224, "its first two blocks are not drawn again"
    assert content(cut.path, name) == content(whole.path, name)
    for shared in ("plain.s0", name):
        assert content(cut.path, shared)[0] == content(whole.path, shared)[0]
    assert cut.table("thumbnails").equals(whole.table("thumbnails"))
    for file in whole.table("thumbnails")["file"]:
        assert (cut.path / file).read_bytes() == (whole.path / file).read_bytes()


def test_a_refusal_in_a_later_block_keeps_the_finished_ones(small_blocks, tmp_path, monkeypatch):
    face = toy(("side", "level"), (0.4, 0.4, 0.1, 0.1))
    asked, name = ONE | {"methods": (METHODS[0], METHODS[1])}, "quota.side.s0"
    whole, _, _ = audit(tmp_path / "whole", face, **asked)
    balance, started = draw._balance, []

    def refuse_from(place):
        def refusing(scene, cell, method, places, *rest):
            if method.strategy == "quota" and places[0] >= place:
                raise GammaFaceError("no memory is left", fix="Free some.")
            started.append((cell.name, int(places[0])))
            return balance(scene, cell, method, places, *rest)

        monkeypatch.setattr(draw, "_balance", refusing)

    refuse_from(64)
    run, _, _ = audit(tmp_path / "run", face, **asked)
    refused = run.table("cells").set_index("cell").at[name, "refused"]
    assert refused.startswith("no memory is left") and "quota" not in set(run.table("thumbnails")["method"])
    assert len(list((run.path / "cells" / name / "parts").glob("0*.parquet"))) == 2
    started.clear()
    refuse_from(80)
    again, _, _ = audit(run.path, face, **asked)
    assert started == [(name, 64)], "its first two blocks are not drawn again"
    assert content(again.path, name) == content(whole.path, name)
    assert again.table("thumbnails").equals(whole.table("thumbnails"))

    refuse_from(0)
    first, _, _ = audit(tmp_path / "first", face, **asked)
    assert [file.name for file in (first.path / "cells" / name).iterdir()] == ["cell.json"]
    assert "quota" not in set(first.table("thumbnails")["method"])


def test_blocks_of_another_config_are_not_mixed_in(small_blocks, tmp_path):
    face = toy(("side", "level"), (0.4, 0.4, 0.1, 0.1))

    def stop(stage, done, total):
        if stage == "images" and done > 160 + 40:
            raise KeyboardInterrupt

    first = (METHODS[0], Method("quota", "quota", {"limit": 90}, n=80))
    with pytest.raises(KeyboardInterrupt):
        audit(tmp_path / "cut", face, report=stop, **(ONE | {"methods": first}))
    other = (METHODS[0], Method("quota", "quota", {"limit": 80}, n=80))
    cut, _, _ = audit(tmp_path / "cut", face, **(ONE | {"methods": other}))
    assert content(cut.path, "quota.side.s0")[1]["config"]["options"] == {"limit": 80}
    assert cut.table("cells").set_index("method").at["quota", "delivered"] == 80


def test_a_gap_between_parts_is_not_closed(tmp_path):
    parts, spent = Parts(tmp_path, {"n": 9}), {"pilot": 0, "delivered": 3}
    for first in (0, 3, 6):
        labels = pd.DataFrame({"seed": np.arange(3)})
        parts.add(np.arange(first, first + 3), labels, None, spent=spent, incomplete="")
    assert Parts(tmp_path, {"n": 9}).stop == 9
    (tmp_path / "parts" / "000000003.parquet").unlink()
    assert Parts(tmp_path, {"n": 9}).stop == 0 and not (tmp_path / "parts").exists()


def test_heads_that_two_methods_learn_are_trained_once_and_paid_twice(tmp_path, monkeypatch):
    trained, real_fit = [], kept_heads.fit_noisy_heads

    def fit(*args, **given):
        trained.append(given["seed"])
        return real_fit(*args, **given)

    monkeypatch.setattr(kept_heads, "fit_noisy_heads", fit)
    monkeypatch.setattr("gammaface.strategies.guidance.KEPT", KeptHeads())
    selected = Method("selected", "distribution-guidance", SHORT | {"pool": 2}, n=80, pilot=64)
    other = Method("other", "distribution-guidance", {"presentations": 768}, n=80, pilot=64)
    run, _, _ = audit(tmp_path / "run", **(ONE | {"methods": (METHODS[0], GUIDED, selected, other)}))
    assert len(trained) == 2, "guided and selected share theirs, other is trained for longer"
    cells = run.table("cells").set_index("method")
    assert cells.loc[["guided", "selected", "other"], "pilot_evaluations"].tolist() == [64 * 6] * 3
    assert (cells.loc[["guided", "selected"], "evaluations"] >= (64 + 80) * 6).all()


def test_heads_are_told_apart_by_what_decides_them(monkeypatch):
    monkeypatch.setattr(kept_heads, "fit_noisy_heads", lambda *args, **given: object())
    kept, clean = KeptHeads(), torch.randn(4, 3, 2, 2)
    answers, given = {"side": np.eye(2)[[0, 1, 0, 1]]}, {"alphas": np.linspace(1, 0, 9), "seed": 0}
    first = kept.fit(clean, answers, progress=print, **given)
    for changed in (
        (clean + 1, answers, given),
        (clean, {"level": answers["side"]}, given),
        (clean, {"side": 1 - answers["side"]}, given),
        (clean, answers, given | {"seed": 1}),
        (clean, answers, given | {"alphas": np.linspace(1, 0, 8)}),
    ):
        assert kept.fit(*changed[:2], **changed[2]) is not first


def test_pools_of_several_targets_are_drawn_once(tmp_path):
    def rows(aims):
        face = toy(("side", "level"), (0.4, 0.4, 0.1, 0.1))
        method = Method("half", "stratified", {"pool": 2.0}, n=80, pilot=60)
        asked = {"aims": aims, "seeds": (0,), "methods": (METHODS[0], method)}
        run, _, _ = audit(tmp_path / f"{len(aims)}", face, **asked)
        return face.unet.rows, run.table("cells").query("method == 'half'")["evaluations"].tolist()

    (one, price), (two, prices) = rows((SIDE,)), rows((SIDE, BOTH))
    assert prices[0] == price[0], "each pays for its own"
    assert two - one < prices[1] / 2, "the pilot and the pool of the first are remembered"
