"""Audits of a toy: what is drawn, kept, resumed, refused and said."""

import json

import numpy as np
import pytest

from gammaface import GammaFaceError
from gammaface.audit import Method, draw, run_audit, write_tables
from gammaface.audit import run as audit_run
from gammaface.audit.cells import read_cells
from gammaface.audit.options import BASE, REFERENCE_SEED
from gammaface.audit.tables import TABLES
from gammaface.workspace import Run, extending
from tests.audit.toy_classifier import BOTH, METHODS, SIDE, ToyClassifier, audit, options
from tests.launched import launch
from tests.strategies.toy import toy

SHORT = {"aims": (SIDE,), "seeds": (0,), "methods": METHODS[:2]}


def test_methods_without_target_are_drawn_once_and_told_everywhere(drawn):
    run, _ = drawn
    cells = {stored.cell.name for stored in read_cells(run.path)}
    assert cells == {
        f"{BASE}.s{REFERENCE_SEED}",
        *(
            f"{name}.s{seed}"
            for seed in (0, 1)
            for name in ("plain", "even", "quota.side", "quota.side+level")
        ),
    }
    summary = run.table("summary")
    assert summary.groupby("target")["method"].apply(list).tolist() == [["plain", "even", "quota"]] * 2
    assert run.manifest.kind == "audit" and set(TABLES) <= set(run.tables())


def test_the_numbers_are_those_of_the_faces(drawn):
    """Drawn again with balance, plain and quota give the shares and costs of the tables."""
    from gammaface import balance

    run, face = drawn
    left = [
        face.drawn(balance(face.generator, n=80, strategy="plain", steps=6, seed=s).images) for s in (0, 1)
    ]
    shares = run.table("shares").query("attribute == 'side+level' and target == 'side'").set_index("method")
    assert np.allclose(shares.loc["plain", "share"], np.mean(left, axis=0))
    summary = run.table("summary").set_index(["method", "target"])
    two = np.array([[p[:2].sum(), p[2:].sum()] for p in left])
    expected = np.linalg.norm(two - 0.5, axis=1)
    assert summary.at[("plain", "side"), "fd"] == pytest.approx(expected.mean())
    assert summary.at[("plain", "side"), "fd_sd"] == pytest.approx(expected.std(ddof=1))
    assert (summary["fd"].xs("quota") == 0).all() and (summary["cost"].xs("quota") > 1.5).all()
    assert summary.at[("plain", "side"), "evaluations"] == 6
    cost = summary.at[("quota", "side"), "evaluations"] / 6
    assert summary.at[("quota", "side"), "kept_share"] == pytest.approx(1 / cost, rel=0.05)


def test_the_second_opinion_stands_beside(drawn):
    run, _ = drawn
    shares = (
        run.table("shares").query("method == 'quota' and target == 'side'").set_index(["attribute", "class"])
    )
    assert shares.at[("side", "left"), "second"] == 1 and shares.at[("side", "left"), "second_n"] == 60
    assert shares.at[("level", "low"), "second_n"] == 0 and np.isnan(shares.at[("level", "low"), "second"])
    agreed = run.table("agreement").query("method == 'quota' and target == 'side'")
    assert agreed["agreement"].iloc[0] == 0.5 and agreed["n"].iloc[0] == 60
    said = run.table("sentences")
    assert said["sentence"].str.contains("contrary and the classifier agree on side").any()


def test_quality_is_told_group_by_group(drawn):
    run, _ = drawn
    quality = run.table("quality").query("method == 'quota' and target == 'side' and kind == 'kernel'")
    real = quality[quality["reference"] == "real test faces"].set_index("group")
    assert real.at["left", "low"] < real.at["left", "value"] < real.at["left", "high"]
    assert "mean over groups" in real.index
    row = run.table("summary").set_index(["method", "target"]).loc[("quota", "side")]
    assert 0 <= row["near_copies"] <= 1 and 0 < row["precision_real"] <= 1
    assert row["diversity"] == pytest.approx(1, abs=0.5)


def test_thumbnails_are_few_and_side_by_side(drawn):
    run, _ = drawn
    table = run.table("thumbnails")
    assert len(table) <= 64 and len(list((run.path / "images").rglob("*.png"))) == len(table)
    seeds = table.groupby("method")["seed"].apply(list)
    assert seeds["plain"] == seeds["even"] == list(range(len(seeds["plain"])))
    assert all((run.path / file).is_file() for file in table["file"])


def test_tables_are_the_same_when_made_again(drawn):
    run, _ = drawn
    before = {name: run.table(name) for name in TABLES}
    with extending(run.path) as opened:
        again = write_tables(opened, resamples=4)
    for name in TABLES:
        assert run.table(name).equals(before[name]), name
    assert list(again) == list(TABLES)


def test_an_interrupted_audit_repeats_no_finished_cell(tmp_path, monkeypatch):
    whole, face, _ = audit(tmp_path / "whole", **SHORT)
    seen, real_draw = [], draw.draw_cell

    def count(scene, cell, **rest):
        seen.append(cell.name)
        return real_draw(scene, cell, **rest)

    monkeypatch.setattr(audit_run, "draw_cell", count)

    def stop(stage, done, total):
        if stage == "images" and done > 160:  # within the third cell
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        audit(tmp_path / "cut", face, report=stop, **SHORT)
    assert Run.open(tmp_path / "cut").manifest.state == "cancelled"
    kept = [stored.cell.name for stored in read_cells(tmp_path / "cut")]
    assert kept == ["base.s40", "plain.s0"] and seen == ["base.s40", "plain.s0", "quota.side.s0"]
    cut, _, _ = audit(tmp_path / "cut", face, **SHORT)
    assert seen[3:] == ["quota.side.s0"]
    for name in ("shares", "goals", "pareto", "moves"):
        assert cut.table(name).equals(whole.table(name)), name
    # More seeds and targets join what is there.
    audit(tmp_path / "cut", face, **(SHORT | {"aims": (SIDE, BOTH)}))
    assert seen[4:] == ["quota.side+level.s0"]


def test_workers_share_the_seeds(tmp_path, monkeypatch):
    real_draw = draw.draw_cell

    def work(workers):
        seen = []

        def count(scene, cell, **rest):
            seen.append(cell.seed)
            return real_draw(scene, cell, **rest)

        monkeypatch.setattr(audit_run, "draw_cell", count)
        run, _, _ = audit(tmp_path / str(workers.count), aims=(SIDE,), workers=workers, real=workers.main)
        return sorted(set(seen)), run.manifest.state

    assert launch(1, work) == [([0, 1, REFERENCE_SEED], "done")]
    assert launch(2, work) == [([1, REFERENCE_SEED], "done"), ([0], "done")]
    alone, shared = (Run.open(tmp_path / count) for count in "12")
    for one, other in zip(read_cells(alone.path), read_cells(shared.path), strict=True):
        assert one.cell == other.cell and one.labels.equals(other.labels)
        assert np.array_equal(one.features, other.features)
    for name in ("shares", "goals", "moves", "quality", "thumbnails"):
        assert shared.table(name).equals(alone.table(name)), name
    assert not shared.damaged() and shared.manifest.timings["images"] > 0
    # What is there is drawn by nobody again, and more seeds join it.
    monkeypatch.setattr(audit_run, "draw_cell", real_draw)

    def grow(workers):
        return len(audit(tmp_path / "2", aims=(SIDE,), seeds=(0, 1, 2), workers=workers)[0].table("by_seed"))

    before = len(shared.table("by_seed"))
    assert launch(2, grow) == [before * 3 // 2] * 2


def test_a_cell_of_other_options_is_refused_before_anything_is_drawn(tmp_path):
    run, face, _ = audit(tmp_path / "run", **SHORT)
    face.unet.rows = 0
    other = (METHODS[0], Method("quota", "quota", {"limit": 7}, n=80), METHODS[2])
    with pytest.raises(GammaFaceError, match="'quota.side.s0' was drawn with another options"):
        audit(tmp_path / "run", face, **(SHORT | {"methods": other}))
    assert face.unet.rows == 0
    with pytest.raises(GammaFaceError, match="other settings"):
        audit(tmp_path / "run", face, **(SHORT | {"steps": 5}))
    with pytest.raises(GammaFaceError, match="Give the n of before; .* --set METHOD.n=N"):
        audit(tmp_path / "run", face, **(SHORT | {"n": 7}))


def test_refusals_and_shortfalls_are_part_of_the_audit(tmp_path):
    face = toy(("side", "level"), (0.4, 0.4, 0.1, 0.1), mid_block=False)
    methods = (
        METHODS[0],
        Method("short", "quota", {"limit": 1}, n=80),
        Method("half", "stratified", n=80, pilot=20),
    )
    run, _, _ = audit(tmp_path / "run", face, **(SHORT | {"methods": methods}))
    summary = run.table("summary").set_index("method")
    assert summary.at["half", "seeds"] == 0 and "no mid block" in summary.at["half", "note"]
    assert 40 < summary.at["short", "n"] < 80 and "did not fill every cell" in summary.at["short", "note"]
    said = run.table("sentences").query("about == 'limits'").set_index("method")["sentence"]
    assert "it was refused. " in said["half"] and "it did not find every image. 80 draws" in said["short"]
    cells = run.table("cells").set_index("method")
    assert cells.at["half", "delivered"] == 0 and "no mid block" in cells.at["half", "refused"]
    assert "half" not in run.table("goals")["method"].tolist()


def test_a_pilot_is_paid_for_and_shown(tmp_path):
    methods = (METHODS[0], Method("half", "stratified", {"pool": 3.0}, n=80, pilot=60))
    run, _, _ = audit(tmp_path / "run", **(SHORT | {"methods": methods}))
    row = run.table("summary").set_index("method").loc["half"]
    assert row["pilot_evaluations"] == 60 * 6 / 80 and row["kept_share"] == pytest.approx(1 / 3)
    assert row["evaluations"] > row["pilot_evaluations"] + 6 and row["options"].startswith("pool=3.0")
    assert np.isnan(row["fd_vs_plain_low"]), "one seed gives no interval"


def test_targets_that_are_not_even(tmp_path):
    from gammaface.audit import Aim

    aim = Aim(("side",), (("left", 0.25), ("right", 0.75)))
    run, _, _ = audit(tmp_path / "run", **(SHORT | {"aims": (aim,)}))
    shares = run.table("shares").query("method == 'quota' and attribute == 'side'")
    assert shares["share"].tolist() == shares["target_share"].tolist() == [0.25, 0.75]
    summary = run.table("summary").set_index("method")
    assert summary.at["quota", "fd"] == 0 and summary.at["plain", "fd"] > 0.5
    assert run.table("sentences")["sentence"].str.contains("left 0.25, right 0.75").any()


def test_a_labeller_without_features_is_audited_for_shares_only(tmp_path):
    face = toy(("side", "level"), (0.4, 0.4, 0.1, 0.1))
    run = run_audit(face.generator, face.labeller, options(**SHORT), out=tmp_path / "run")
    assert run.table("quality").empty and run.table("summary")["kernel_base"].isna().all()
    said = run.table("sentences")["sentence"]
    assert said.str.contains("No second opinion stands beside the shares").any()
    assert json.loads((run.path / "audit.json").read_text())["extractor"] == ""


def test_features_are_named_after_the_classifier_that_was_given(tmp_path):
    run, _, _ = audit(tmp_path / "run", **(SHORT | {"classifier": "theirs"}))
    assert json.loads((run.path / "audit.json").read_text())["extractor"] == "theirs (toy-classifi)"


def test_a_target_that_the_classifier_does_not_name(tmp_path):
    from gammaface.audit import Aim

    face = toy()
    with pytest.raises(GammaFaceError, match="the attribute 'mood' is not known"):
        run_audit(face.generator, ToyClassifier(face), options(aims=(Aim(("mood",)),)), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
