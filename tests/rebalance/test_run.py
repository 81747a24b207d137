"""A rebalancing as a run: its rows and tables, resuming, growing, and what is refused."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from gammaface import GammaFaceError, load_generator
from gammaface.balancing import draw_seeds
from gammaface.generators import seeds_for
from gammaface.rebalance import Original, estimate, run_rebalance, ship
from gammaface.rebalance.bundle import trainable
from gammaface.rebalance.recipe import SIZES, Recipe
from gammaface.rebalance.rows import ROWS, later
from gammaface.rebalance.tune import freeze_first
from gammaface.rebalance.words import sentences_table
from gammaface.workspace import Run
from tests.rebalance.toy_light import SMALL, light_critic


def weights(run: Run, row: str) -> torch.Tensor:
    found = load_file(run.path / "rows" / row / "model" / "unet" / "diffusion_pytorch_model.safetensors")
    return torch.cat([found[name].float().flatten() for name in sorted(found)])


def said(run: Run) -> str:
    return " ".join(run.table("sentences")["sentence"])


def test_it_runs_without_the_training_data(finished, generator):
    rows = finished.table("rows").set_index("row")
    assert list(rows.index) == ["plain", "tune"] and rows["sets"].tolist() == [2, 2]
    assert rows.at["tune", "fd_times"] == pytest.approx(rows.at["tune", "fd"] / rows.at["plain", "fd"])
    assert rows["noise_floor"].tolist() == [pytest.approx((0.5 / 64) ** 0.5)] * 2
    assert rows.at["tune", "images_seen"] == 32 and rows.at["plain", "images_seen"] == 0
    shares = finished.table("shares")
    assert shares.groupby("row")["count"].sum().tolist() == [128, 128]
    assert (shares["low"] <= shares["share"]).all() and (shares["share"] <= shares["high"]).all()
    assert said(finished).startswith("Light: plain sampling's FD is")
    assert "plain draws of another seed" in said(finished)
    seeds = [sorted(p.name for p in (finished.path / "images" / r).glob("*.png")) for r in rows.index]
    assert seeds[0] == seeds[1] and len(seeds[0]) == 4, "the same seeds before and after"
    tuned = load_generator(finished.path / "rows" / "tune" / "model")
    assert tuned.prediction_type == generator.prediction_type and tuned.clip == 1.0
    assert np.allclose(tuned.alphas, generator.alphas, rtol=1e-3)


def test_the_balanced_set_is_balanced(finished):
    labels = finished.array("material/balanced-1-labels")
    assert np.bincount(labels).tolist() == [12, 12]


def test_a_run_that_was_cut_off_ends_as_an_undisturbed_one(finished, generator, tmp_path):
    calls = []

    def cut(stage, done, total):
        calls.append(stage)
        if stage == "train tune" and done >= 16:
            raise KeyboardInterrupt

    ask = (generator, light_critic(), SMALL)
    with pytest.raises(KeyboardInterrupt):
        run_rebalance(*ask, out=tmp_path / "light", report=cut)
    assert Run.open(tmp_path / "light").manifest.state == "cancelled"
    stages = []
    again = run_rebalance(*ask, out=tmp_path / "light", report=lambda stage, *_: stages.append(stage))
    assert not {"draw plain", "draw base", "draw balanced-1"} & set(stages), "what was drawn is kept"
    assert torch.equal(weights(again, "tune"), weights(finished, "tune"))
    columns = ["row", "fd", "frechet", "path_length"]
    assert again.table("rows")[columns].equals(finished.table("rows")[columns])


@pytest.mark.slow
def test_rows_join_a_finished_run(finished, generator, tmp_path):
    out = tmp_path / "light"
    shutil.copytree(finished.path, out)
    names = ("density-ratio", "tiw", "tune-frozen", "anew")
    stages = []
    run = run_rebalance(
        generator,
        light_critic(),
        replace(SMALL, rows=names, generations=2),
        out=out,
        report=lambda stage, *_: stages.append(stage),
    )
    rows = run.table("rows").set_index("row")
    assert "train tune" not in stages and "draw plain" not in stages and "train tiw" in stages
    assert set(rows.index) >= {"plain", "tune", *names}
    assert rows.at["tune-frozen", "trained_share"] < 1 == rows.at["tune", "trained_share"]
    frozen, start = load_generator(out / "rows/tune-frozen/model").unet, generator.unet
    assert torch.equal(frozen.conv_in.weight, start.conv_in.weight)
    assert not torch.equal(frozen.conv_out.weight, start.conv_out.weight)
    assert "an analogue of freezeD" in rows.at["tune-frozen", "words"]
    ends = {"tune-2"} & set(rows.index) or "was not begun" in said(run)
    assert ends, "a second generation is drawn, or the guard says why not"
    assert not torch.equal(weights(run, "density-ratio"), weights(run, "tiw"))
    assert rows.loc["anew", "start"] == "anew" and "it has no quality goal" in said(run)


def test_original_data_are_used_where_they_are_given(generator, tmp_path):
    source = torch.Generator().manual_seed(0)
    pixels = torch.randint(90, 166, (40, 3, 8, 8), dtype=torch.uint8, generator=source)
    pixels[:10] += 60
    original = Original(pixels, np.repeat([1, 0], [10, 30]))
    recipe = replace(SMALL, rows=("reweighing",))
    run = run_rebalance(
        generator, light_critic(), recipe, out=tmp_path / "r", original=lambda: original, real=lambda: pixels
    )
    assert np.bincount(run.array("material/biased-labels")).tolist() == [30, 10]
    assert not (run.path / "drawn").exists() and "the original training data" in said(run)
    assert "real test pictures" in said(run)
    assert run.manifest.config["reference"] == "real"


def test_a_group_that_nobody_is_in(generator, tmp_path):
    critic = light_critic(edge=0.9)
    with pytest.raises(GammaFaceError, match="nobody in the group light"):
        run_rebalance(generator, critic, replace(SMALL, rows=("reweighing",)), out=tmp_path / "a")
    recipe = replace(SMALL, options={"limit": 2})
    with pytest.raises(GammaFaceError, match="did not fill every cell"):
        run_rebalance(generator, critic, recipe, out=tmp_path / "b")
    assert Run.open(tmp_path / "b").manifest.state == "failed"


def test_weights_and_checkpoints_that_do_not_fit(finished, generator, tmp_path):
    out = tmp_path / "light"
    shutil.copytree(finished.path, out)
    ask = (generator, light_critic())
    for other in ({"recipe": replace(SMALL, steps=3)}, {"recipe": SMALL, "made_of": "other pictures"}):
        with pytest.raises(GammaFaceError, match="other settings or weights"):
            run_rebalance(*ask, **other, out=out)
    facts = json.loads((out / "rows/tune/row.json").read_text())
    (out / "rows/tune/row.json").write_text(json.dumps(facts | {"weights": "others"}))
    with pytest.raises(GammaFaceError, match="not those that this row was measured with"):
        run_rebalance(*ask, SMALL, out=out)


@pytest.mark.slow
def test_a_checkpoint_of_another_training(generator, tmp_path):
    def cut(stage, done, total):
        if stage == "train tune" and done >= 16:
            raise KeyboardInterrupt

    recipe = replace(SMALL, rows=("tune", "tune-frozen"), sets=1)
    import gammaface.rebalance.run as module

    whole = module.Schedule
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "Schedule", lambda **kw: whole(**kw, checkpoint_minutes=0.0))
        with pytest.raises(KeyboardInterrupt):
            run_rebalance(generator, light_critic(), recipe, out=tmp_path / "r", report=cut)
    place = tmp_path / "r" / "rows"
    assert list((place / "tune" / "training").glob("checkpoint-*"))
    shutil.copytree(place / "tune" / "training", place / "tune-frozen" / "training")
    with pytest.raises(GammaFaceError, match="another configuration"):
        run_rebalance(generator, light_critic(), recipe, out=tmp_path / "r")


def test_a_network_that_cannot_be_retrained(generator, tmp_path):
    other = replace(generator, unet=torch.nn.Identity())
    with pytest.raises(GammaFaceError, match="it cannot be trained here"):
        run_rebalance(other, light_critic(), SMALL, out=tmp_path / "r")


def test_a_copy_to_ship_has_tables_and_pictures_only(finished, tmp_path):
    copy = ship(finished, tmp_path / "light")
    assert copy.table("rows").equals(finished.table("rows"))
    assert len(list(copy.path.rglob("*.png"))) == 8
    assert not list(copy.path.rglob("*.safetensors")) and not list(copy.path.rglob("*.npy"))
    assert copy.manifest.state == "done"


def test_recipes_are_checked():
    for wrong in (
        {"rows": ("nothing",)},
        {"rows": ("tune", "tune")},
        {"strategy": "plain"},
        {"n": 0},
        {"sets": 0},
        {"generations": 9},
        {"learning_rate": 0.0},
        {"options": {"limits": 3}},
        {"steps": 0},
        {"sampler": "magic"},
        {"sampler": "ddpm"},
    ):
        with pytest.raises(GammaFaceError):
            Recipe(**wrong)
    names = [row.name for row in Recipe(generations=3).planned()]
    assert names[0] == "plain" and names[-2:] == ["tune-2", "tune-3"] and set(ROWS) <= set(names)
    assert later(2).data == "synthetic"


def test_every_number_that_makes_a_recipe_smaller_is_told():
    full = Recipe()
    assert "less" not in full.in_words(tuple(ROWS)) and "Not run" not in full.in_words(tuple(ROWS))
    for name, words in SIZES.items():
        own = getattr(full, name) - 1
        assert f"{own:,} of {own + 1:,} {words}" in replace(full, **{name: own}).in_words(tuple(ROWS))
    few = full.in_words(("plain", "tune", "anew", "tune-2"))
    assert "Not run: reweighing; reweighing, density ratio; time-dependent weights (TIW);" in few
    assert "less than" not in few


def test_a_model_is_drawn_from_by_the_path_recorded_for_it(generator, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "light").mkdir()
    chosen = {"weights": generator.weights_hash, "chosen": {"sampler": "dpm-solver", "steps": 3}}
    (tmp_path / "light" / "solver.json").write_text(json.dumps(chosen))
    run = run_rebalance(generator, light_critic(), replace(SMALL, sets=1, steps=None), out=tmp_path / "r")
    paths = [run.manifest.config["recipe"], Run.open(run.path / "drawn" / "balanced-1").manifest.config]
    assert [(each["sampler"], each["steps"]) for each in paths] == [("dpm-solver", 3)] * 2
    seen = run.array("sets/plain-0-features")
    drawn = draw_seeds(generator, seeds_for(0, 64), sampler="dpm-solver", steps=3).images
    assert np.allclose(seen, light_critic().features(drawn), atol=1e-3)
    assert Recipe(steps=9).on(generator).sampler == "ddim", "what is asked for is not replaced"


def test_the_estimate_counts_gradients_and_draws():
    recipe = replace(SMALL, rows=("tune", "anew"))
    plan = estimate(recipe).set_index("row")
    assert plan.at["plain", "training"] == 0 and plan.at["plain", "drawing"] == 2 * (2 * 64 + 2 * 4)
    assert plan.at["tune", "training"] == 3 * 32 * 3, "the bias loss takes two more steps"
    assert plan.at["anew", "training"] == 3 * 32
    assert plan.at["tune", "drawing"] - plan.at["anew", "drawing"] == 2 * 24


def test_freezing_fixes_the_first_layers(generator):
    network = trainable(generator)
    assert freeze_first(network) == ["conv_in", "down_blocks.0"]
    fixed = {name.split(".")[0] for name, p in network.named_parameters() if not p.requires_grad}
    assert fixed == {"conv_in", "down_blocks"}
    assert all(p.requires_grad for p in network.mid_block.parameters())


def test_words_say_when_nothing_worked(finished):
    rows, between = finished.table("rows"), finished.table("between")
    rows["goal_met"], rows["quality_kept"] = [None, False], [None, True]
    rows["fd_vs_plain_low"], rows["fd_vs_plain_high"] = [np.nan, -0.1], [np.nan, 0.1]
    table = sentences_table(
        rows, between, target="light", reference="base", original="x", bias=SMALL.bias, stopped=[later(2)]
    )
    text = " ".join(table["sentence"])
    assert "does nothing that shows" in text and "No row meets the goal" in text
    assert "generation 2 was not begun" in text
    assert f"The goal, {rows['goal'].iloc[1]:.3f} (" in text
    rows["goal_met"] = [None, True]
    ask = {"target": "light", "reference": "real", "original": "x", "bias": SMALL.bias}
    assert "What worked" in " ".join(sentences_table(rows, between, **ask)["sentence"])
    for goal, words in (
        (0.05, "0.050 (what an even sampler would show), is met"),
        (0.2, "a fifth of plain's"),
    ):
        told = sentences_table(rows.assign(goal=goal, noise_floor=0.05), between, **ask)
        assert words in " ".join(told["sentence"])


def test_a_row_whose_folder_was_deleted_is_trained_and_measured_again(finished, generator, tmp_path):
    out = tmp_path / "light"
    shutil.copytree(finished.path, out)
    shutil.rmtree(out / "rows" / "tune")
    for stale in ("sets/tune-1-cells", "sets/tune-path"):  # of the weights that are gone
        np.save(out / "arrays" / f"{stale}.npy", np.zeros_like(finished.array(stale)))
    held = finished.table("by_set")
    held.assign(value=held["value"].where(held["row"] != "tune", 9.0)).to_parquet(
        out / "tables/by_set.parquet"
    )
    for child in (out / "rows/tune-2/row.json", out / "drawn/balanced-2/manifest.json"):
        child.parent.mkdir(parents=True)
        child.write_text("{}")
    stages = []
    again = run_rebalance(
        generator, light_critic(), SMALL, out=out, report=lambda stage, *_: stages.append(stage)
    )
    assert "train tune" in stages and "draw tune" in stages and "draw plain" not in stages
    assert again.table("by_set").equals(held)
    assert not (out / "rows/tune-2").exists() and not (out / "drawn/balanced-2").exists()
