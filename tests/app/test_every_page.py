"""Every page there is: with nothing, with what ships, with odd, broken and hostile runs."""

import json
import re
import shutil

import pytest

from gammaface import attributes, workspace
from gammaface.pictures.downloads import drawn_rows
from gammaface.studies.film import record_film
from gammaface.workspace import Run, extending, writing
from pages.parts import explore_tasks, latent_map, state
from tests.app.driving import PAGES, ROOT, html_of, open_app, walk, words_of

EVERY = re.findall(r'st\.Page\(\s*"(pages/[^"]+)"', (ROOT / "app.py").read_text())
OVERVIEW, CLUSTERS, BALANCED = PAGES
HARVEST, TIMESTEPS = "pages/explore/harvest.py", "pages/explore/timesteps.py"
COMPARE, DETAILS, RUNS = "pages/runs/compare.py", "pages/runs/details.py", "pages/runs/gallery.py"
APPLICATIONS = "pages/audit/applications.py"


def test_every_page_of_an_empty_workspace_says_what_to_do():
    assert len(EVERY) == 15
    app = open_app()
    for page in walk(app, EVERY):
        assert not app.error and words_of(app), page


@pytest.fixture
def shipped(monkeypatch):
    """What ships with the project, as a fresh server has it."""
    if not (workspace.ROOT / "examples" / "first-light").is_dir():
        pytest.skip("nothing ships here")
    for module in (workspace, state):
        monkeypatch.setattr(module, "EXAMPLES", workspace.ROOT / "examples")
    for module in (workspace, attributes):
        monkeypatch.setattr(module, "MODELS", workspace.ROOT / "models")


def test_every_page_shows_what_ships(shipped):
    app = open_app()
    for page in walk(app, EVERY):
        assert not app.error and not app.warning or page == CLUSTERS, page
        shown = html_of(app)
        assert shown.count("<img") == shown.count(' alt="'), page


# -- runs that lack what their kind has ------------------------------------------------------


@pytest.fixture
def with_odd_runs(with_people, tiny_folder):
    """Beside a study, finished runs of every kind that hold nothing but the model's name."""
    weights = Run.open(with_people / "first").manifest.weights
    images = Run.open(with_people / "first").table("images")
    asked = {"model": str(tiny_folder), "sampler": "ddim", "steps": 50}
    for kind in ("exploration", "sample", "film", "survey", "classifier-audit", "super-resolution-audit"):
        with writing(with_people / f"odd-{kind}", kind=kind, config=asked, weights=weights) as run:
            run.write_table("images", images)
            run.write_table("frames", images)
    return with_people


def test_odd_runs_hide_nothing_from_others(with_odd_runs, unforeseen):
    app = open_app()
    for page in walk(app, (OVERVIEW, CLUSTERS, BALANCED, RUNS)):
        assert not app.error, page
    (page,) = walk(app, [BALANCED])
    assert "Left out, for their settings cannot be read: odd-sample" in words_of(app)
    assert "Draw" in [b.label for b in app.button]
    (page,) = walk(app, [HARVEST])
    assert "Left out, for their settings cannot be read: odd-exploration" in words_of(app)
    assert len(app.error) == 1 and "odd-film" in app.error[0].value  # in place of the film
    assert [b.label for b in app.button if b.label.startswith("Harvest ")]


@pytest.mark.parametrize(
    ("page", "choice"),
    [
        (CLUSTERS, {"latents": "odd-exploration"}),
        (TIMESTEPS, {}),
        (APPLICATIONS, {}),
        (APPLICATIONS, {"tried": "An upscaler"}),
    ],
)
def test_an_odd_run_that_is_chosen_is_one_red_box_beside_its_choice(
    with_odd_runs, page, choice, unforeseen, with_classifier
):
    app = open_app(page, **choice)
    assert len(app.error) == 1 and not app.exception
    assert app.error[0].value.endswith(".") and "Traceback" not in app.error[0].value
    if page != CLUSTERS:
        assert any(b.label.startswith(("Start a survey", "Try it")) for b in app.button)


def test_an_odd_run_has_a_page_of_its_own_and_stands_beside_others(with_odd_runs):
    app = open_app(DETAILS, of="odd-film")
    assert not app.error and "Filmstrip" in words_of(app)
    app = open_app(COMPARE, a="first", b="odd-survey")
    assert not app.error and len(app.dataframe) >= 1


# -- runs that were damaged ------------------------------------------------------------------


def test_a_damaged_table_hides_nothing_else_of_a_comparison(with_people):
    shutil.copytree(with_people / "first", with_people / "other")
    (with_people / "other" / "tables" / "people_shares.parquet").write_bytes(b"PAR1")
    app = open_app(COMPARE, a="first", b="other")
    assert len(app.error) == 1 and "people_shares.parquet is damaged" in app.error[0].value
    assert html_of(app).count("<img") == 16 and "Their tables" in [s.value for s in app.subheader]


def test_a_damaged_film_leaves_the_slider(with_study, tiny):
    record_film(tiny, out=with_study / "film", seeds=(0,), sqrt_abars=(0.44,), steps=50)
    (with_study / "film" / "tables" / "frames.parquet").write_bytes(b"PAR1")
    app = open_app(HARVEST)
    assert len(app.error) == 1 and "frames.parquet is damaged" in app.error[0].value
    assert app.select_slider(key="t").value and any(b.label.startswith("Harvest ") for b in app.button)


def test_a_damaged_map_in_space_leaves_the_flat_one(with_explored):
    halfway = Run.open(with_explored / "halfway")
    folder = with_explored / explore_tasks.map_name(halfway)
    with writing(folder, kind=explore_tasks.MAP_3D, config={"of": "halfway", "model": ""}) as run:
        run.write_table("points", halfway.table("points"))
    (folder / "tables" / "points.parquet").write_bytes(b"PAR1")
    app = open_app(CLUSTERS, latents="halfway", map=latent_map.SPACE)
    assert len(app.error) == 1 and "points.parquet is damaged" in app.error[0].value
    app.button_group(key="map").set_value(latent_map.FLAT).run()
    assert not app.error and not app.exception


def test_a_surveys_damaged_numbers_are_one_red_box(with_study, surveyed, home):
    shutil.copytree(surveyed, home / "survey")
    (home / "survey" / "metrics.json").write_text("{")
    app = open_app(TIMESTEPS)
    assert len(app.error) == 1 and "metrics.json is damaged" in app.error[0].value


@pytest.mark.parametrize("notes", ["{", "[]", "{}"])
def test_a_batchs_damaged_notes_are_one_red_box_under_the_form(with_people, unforeseen, notes, tiny_folder):
    first = Run.open(with_people / "first")
    config = {"model": str(tiny_folder), "strategy": "plain", "n": 8, "seed": 0, "steps": 3}
    with writing(with_people / "batch", kind="sample", config=config, weights=first.manifest.weights) as run:
        rows = drawn_rows(first, group="plain").drop(columns="file")
        run.write_table("images", rows.assign(evaluations=3.0))
        shutil.copytree(first.path / "images" / "plain", run.path / "images", dirs_exist_ok=True)
        run.write_file("notes.json", notes)
    app = open_app(BALANCED)
    app.selectbox(key="batch").set_value("batch").run()
    assert len(app.error) == 1 and not app.exception
    assert "batch" in app.error[0].value or "notes.json" in app.error[0].value


def test_a_picture_with_a_flipped_bit_is_told(with_people):
    file = next((with_people / "first" / "images" / "plain").iterdir())
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    for page in (OVERVIEW, BALANCED, DETAILS):
        app = open_app(page)
        assert any(f"{file.name} is damaged" in box.value for box in app.error), page


# -- links to what is not there --------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "key"),
    [
        (OVERVIEW, "run"),
        (OVERVIEW, "model"),
        (CLUSTERS, "latents"),
        (BALANCED, "batch"),
        (TIMESTEPS, "survey"),
        (COMPARE, "a"),
        (COMPARE, "b"),
        (APPLICATIONS, "application-classifier-audit"),
    ],
)
def test_a_link_that_names_what_is_gone_says_so(page, key, with_people, surveyed, tried):
    for folder in (with_people / "first", surveyed, tried / "trial"):
        shutil.copytree(folder, with_people / f"copy-of-{folder.name}")
    app = open_app(page, **{key: "![gone](x)"})
    assert not app.error and [w.value for w in app.warning if r"not here, '!\[gone\](x)'" in w.value]
    app = open_app(page, **({key: "copy-of-first"} if key in ("run", "a", "b") else {}))
    assert not [w.value for w in app.warning if "The link names" in w.value]


@pytest.mark.parametrize(("page", "key"), [("generator", "audit"), ("classifiers", "downstream")])
def test_a_link_to_an_audit_that_is_gone_says_so(shipped, page, key):
    app = open_app(f"pages/audit/{page}.py", **{key: "gone"})
    assert not app.error and "that is not here, 'gone'" in app.warning[0].value


def test_a_link_to_a_moment_marks_it_on_the_film(with_study, tiny):
    record_film(tiny, out=with_study / "film", seeds=(0,), sqrt_abars=(0.2, 0.44, 0.8), steps=50)
    moment = tiny.timestep_at(0.8)
    app = open_app(HARVEST, t=str(moment))
    assert app.select_slider(key="t").value == moment
    marked = [b.label for b in app.button if b.proto.type == "primary" and "film-" in (b.key or "")]
    assert marked == ["0.80"]


# -- text that wants to be more --------------------------------------------------------------

EVIL = (
    "![x](http://evil.example/p.png) [y](http://evil.example) https://evil.example www.evil.example"
    " me@evil.example <img src='http://evil.example'>"
)
FOLLOWED = re.compile(r"(?<!\\)\[[yx]\]\(|(?<!\\)<img|https?://evil|www\.evil|me@evil")
SAID = ("markdown", "caption", "title", "subheader", "info", "warning", "error", "success", "progress")


def every_word(app) -> str:
    """Whatever a page gives to the browser as Markdown."""
    said = [getattr(e, "value", None) or e.proto.text for kind in SAID for e in app.get(kind)]
    said += [f"{m.label} {m.value} {m.delta}" for m in app.metric]
    said += [e.proto.label for kind in ("button", "page_link", "download_button") for e in app.get(kind)]
    said += [option.content for group in app.get("button_group") for option in group.proto.options]
    return "\n".join(map(str, said))


@pytest.fixture
def with_hostile_runs(with_explored, surveyed, tried, tiny_folder):
    """Runs in which every text that a run may choose wants to be a link or a picture."""
    home = with_explored
    shutil.copytree(surveyed, home / "survey")
    for name in ("trial", "large"):
        shutil.copytree(tried / name, home / name)
    for name in ("first", "halfway", "survey", "trial", "large"):
        with extending(home / name) as run:
            for table in run.tables():
                found = run.table(table)
                if "sentence" in found:
                    run.write_table(table, found.assign(sentence=EVIL))
            if run.has("metrics.json"):
                run.write_file("metrics.json", json.dumps(hostile(run.read_json("metrics.json"))))
        run.update(note=EVIL)
    config = {"model": EVIL, EVIL: EVIL, "n": 3, "seed": 1}
    with writing(home / "evil", kind=EVIL, config=config, weights={EVIL: EVIL}) as run:
        run.write_file("a.txt", EVIL)
    shutil.copytree(home / "first", home / "other-model")
    manifest = home / "other-model" / "manifest.json"
    stored = json.loads(manifest.read_text())
    stored["config"]["model"] = EVIL
    manifest.write_text(json.dumps(stored))
    return home


def hostile(numbers: dict) -> dict:
    k, people = numbers.get("k"), numbers.get("people")
    if k:
        k |= {"reason": EVIL, "warnings": [EVIL]}
    if people:
        people["follows"] = EVIL
        for recalls in people.get("recalls", {}).values():
            recalls |= {"source": EVIL, "by_hand": EVIL}
    if "sentences" in numbers:
        numbers["sentences"] = [f"{s.partition(',')[0]}, {EVIL}" for s in numbers["sentences"]]
    return numbers


def test_text_of_a_hostile_run_is_never_followed(with_hostile_runs, tiny_folder, with_classifier):
    app = open_app(model=tiny_folder.name, run="first")
    for page in walk(app, EVERY):
        assert not app.error, (page, [box.value for box in app.error])
        assert not FOLLOWED.search(every_word(app)), page
        assert EVIL not in html_of(app), page
    for page, choice in (
        (CLUSTERS, {"latents": "halfway"}),
        (APPLICATIONS, {"tried": "An upscaler"}),
        (DETAILS, {"of": "evil"}),
        (DETAILS, {"of": "first"}),
        (COMPARE, {"a": "evil", "b": "first"}),
        (OVERVIEW, {"model": state.short(EVIL)}),
    ):
        app = open_app(page, **choice)
        assert not FOLLOWED.search(every_word(app)), (page, choice)
        assert EVIL not in html_of(app), (page, choice)
