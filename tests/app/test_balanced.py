"""Generate/Balanced: every strategy offered or refused in words, one face looked at closely."""

import io
import json
import zipfile

from PIL import Image

from gammaface.strategies.catalogue import ABOUT
from gammaface.workspace import Run, list_runs
from pages.parts import columns, model_facts, strategy_terms
from pages.parts.batches import _read
from pages.parts.taking import archive
from tests.app.driving import PAGES, finish_jobs, html_of, open_app, words_of

BALANCED = PAGES[2]


def press(app, label: str) -> None:
    next(b for b in app.button if b.label == label).click().run()
    assert not app.exception


def draw_button(app):
    return next(b for b in app.button if b.label == "Draw")


def said(app) -> str:
    return " ".join(box.value for kind in ("info", "success") for box in app.get(kind)) + words_of(app)


def test_every_strategy_can_be_chosen_and_says_what_it_needs(with_people, with_classifier):
    app = open_app(BALANCED)
    assert app.selectbox(key="strategy").value == "component-uniform"
    for name, about in ABOUT.items():
        app.selectbox(key="strategy").set_value(name).run()
        assert not app.exception and not app.error
        assert about.summary in words_of(app) and about.needs_in_words in words_of(app)
        assert not app.warning and not draw_button(app).disabled
        assert [w.key for w in app.multiselect] == ["draw-attributes"] * ("target" in about.needs)
        shown = {w.key.removeprefix(f"option-{name}-") for kind in ("number_input", "selectbox", "text_input")
                 for w in app.get(kind) if w.key.startswith("option-")}  # fmt: skip
        assert shown == set(about.options)


def test_what_cannot_be_drawn_is_refused_in_words(with_people, monkeypatch):
    app = open_app(BALANCED)
    app.selectbox(key="strategy").set_value("quota").run()
    assert "Quota needs a labeller that names the groups" in app.warning[0].value
    assert "train attributes" in app.warning[0].value and draw_button(app).disabled
    monkeypatch.setattr(strategy_terms, "has_mid_block", lambda model: False)
    app.selectbox(key="strategy").set_value("self-debias").run()
    assert "needs a U-Net with a mid block, which the model" in app.warning[0].value


def test_settings_that_do_not_fit_are_refused_in_words(with_people, with_classifier):
    app = open_app(BALANCED)
    app.selectbox(key="strategy").set_value("latent-directions").run()
    app.selectbox(key="draw-sampler").set_value("ddpm").run()
    assert "needs a deterministic sampler" in app.warning[0].value
    app.selectbox(key="draw-sampler").set_value("ddim")
    app.number_input(key="draw-pilot").set_value(0).run()
    assert "needs a pilot" in app.warning[0].value
    app.number_input(key="draw-pilot").set_value(20)
    app.multiselect(key="draw-attributes").set_value([]).run()
    assert (
        "needs a target" in app.warning[0].value and "Choose at least one attribute" in app.warning[0].value
    )
    app.multiselect(key="draw-attributes").set_value(["gender", "race"]).run()
    assert not app.warning and "10 groups of 10% each" in words_of(app)


def test_a_mid_block_is_told_from_the_folder(tmp_path, tiny_folder):
    assert model_facts.has_mid_block(str(tiny_folder))
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "config.json").write_text('{"mid_block_type": null}')
    assert not model_facts.has_mid_block(str(tmp_path))
    assert model_facts.has_mid_block("owner/unknown")


def test_a_quota_is_drawn_shown_and_judged(with_people, with_classifier):
    app = open_app(BALANCED)
    app.selectbox(key="strategy").set_value("quota").run()
    app.session_state["draw-shares"] = "My own"
    app.run()
    app.number_input(key="part-gender-female").set_value(3.0)
    app.number_input(key="draw-n").set_value(4)
    app.number_input(key="draw-steps").set_value(3).run()
    assert "female 75%; male 25%" in words_of(app)
    press(app, "Draw")
    finish_jobs(app)
    (batch,) = [r for r in list_runs() if r.manifest.kind == "sample"]
    assert batch.manifest.config["shares"] == [0.75, 0.25]
    assert batch.table("images")["cell"].tolist().count(0) == 3
    shown = html_of(app)
    assert "Female" in shown and "3 drawn for this group, 3 of them perceived so, target 75%" in shown
    assert shown.count("<img") == 8 and "Perceived gender" in said(app) and "the target" in said(app)
    assert "4 faces, quota, seed 0, 3 steps." in words_of(app)
    assert [m.label for m in app.metric] == ["Faces drawn", "Network evaluations per face", "Time per face"]
    assert float(app.metric[1].value) >= 3


def test_nothing_done_is_said_plainly(with_people):
    app = open_app(BALANCED)
    assert "Sampling evenly over components did nothing measurable" in said(app)
    people = json.loads((with_people / "first" / "metrics.json").read_text())["people"]
    assert people["follows"] in said(app)


def test_a_face_is_looked_at_and_its_way_walked_again(with_people):
    app = open_app(BALANCED)
    app.query_params["image"] = "3"
    app.run()
    assert "**Seed 3**" in words_of(app) and "Drawn for component" in words_of(app)
    assert "perceived gender" in html_of(app) and "gf-labels" in html_of(app)
    press(app, "Show the denoising strip")
    finish_jobs(app)
    assert "The path ends in this very picture" in words_of(app) and "gf-strip" in html_of(app)
    press(app, "Make variations")
    finish_jobs(app)
    assert html_of(app).count("Variation of seed 3 at strength 0.20") >= 6
    press(app, "Next")
    assert app.query_params["image"] == "4" and "**Seed 4**" in words_of(app)


def test_a_plain_face_has_its_own_link(with_people):
    app = open_app(BALANCED, image="plain-2")
    assert not app.exception and "**Seed 2**" in words_of(app) and "Drawn plainly" in words_of(app)


def test_a_link_to_no_face_does_no_harm(with_people):
    app = open_app(BALANCED)
    for link in ("999", "plain-", "x", "9" * 30, "-1"):
        app.query_params["image"] = link
        app.run()
        assert not app.exception and not app.error and "**Seed" not in words_of(app)


def test_columns_and_faces_that_do_not_fit_are_behind_pagers(with_people, monkeypatch):
    monkeypatch.setattr(columns, "MOST_COLUMNS", 1)
    monkeypatch.setattr(columns, "MOST_FACES", 1)
    app = open_app(BALANCED)
    assert len(app.get("pagination")) == 2
    assert html_of(app).count('gf-duo"') == 1 and "Columns: 1 to 1 of" in words_of(app)
    app = open_app(BALANCED, **{"columns-first": "2", "faces-first": "2"})
    words = words_of(app)
    assert not app.error and "Columns: 2 to 2 of" in words and "Faces of each column: 2 to 2" in words


def draw_plainly(app) -> Run:
    app.selectbox(key="strategy").set_value("plain").run()
    app.number_input(key="draw-n").set_value(3)
    app.number_input(key="draw-steps").set_value(2)
    press(app, "Draw")
    finish_jobs(app)
    return next(r for r in list_runs() if r.manifest.kind == "sample")


def test_a_stopped_draw_shows_what_there_is(with_study):
    app = open_app(BALANCED)
    batch = draw_plainly(app)
    file = batch.path / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["config"]["n"], manifest["state"], manifest["checksums"] = 9, "cancelled", ""
    file.write_text(json.dumps(manifest))
    app.run()
    assert not app.error and "3 of 9 faces, plain sampling" in words_of(app)
    assert html_of(app).count("<img") == 3
    assert "stopped" in app.selectbox(key="batch").format_func(batch.manifest.name)


def test_a_broken_batch_is_one_red_box_under_the_form(with_study):
    app = open_app(BALANCED)
    batch = draw_plainly(app)
    (batch.path / "tables" / "images.parquet").write_bytes(b"torn")
    _read.clear()
    app.run()
    assert len(app.error) == 1 and draw_button(app)


def test_what_is_taken_along_says_where_it_comes_from(with_people):
    run = Run.open(with_people / "first")
    shown = _read(str(run.path), 0)
    with zipfile.ZipFile(io.BytesIO(archive([shown.drawn.part, shown.plain.part]))) as found:
        names = found.namelist()
        text = Image.open(io.BytesIO(found.read("drawn/00000001.png"))).text
        table = found.read("pictures.csv").decode()
    assert len(names) == 17 and text["seed"] == "1" and text["component"].isdigit()
    assert text["weights"] == next(iter(run.manifest.weights.values())) and "/" not in text["model"]
    assert {"seed", "component", "gender", "gender_p", "gender_uncertain"} <= set(
        table.splitlines()[0].split(",")
    )
    labels = [b.label for b in open_app(BALANCED).get("download_button")]
    assert labels == ["16 pictures (zip)", "Table (CSV)"]


def test_choices_survive_another_page(with_people, with_classifier):
    app = open_app(BALANCED)
    app.selectbox(key="strategy").set_value("stratified").run()
    app.switch_page(PAGES[0]).run()
    app.switch_page(BALANCED).run()
    assert app.selectbox(key="strategy").value == "stratified"
