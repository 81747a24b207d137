"""The pages of runs: all of them, one of them, two of them; renaming, deleting, exporting, importing."""

import json
import shutil

import pytest

from gammaface.keeping.run_archive import export_run
from gammaface.workspace import Run, list_runs, writing
from pages.parts import run_actions
from tests.app.driving import html_of, open_app, words_of

GALLERY, DETAILS, COMPARE = "pages/runs/gallery.py", "pages/runs/details.py", "pages/runs/compare.py"


def press(app, label: str) -> None:
    next(b for b in app.button if b.label == label).click().run()
    assert not app.exception


@pytest.fixture
def two(with_people, recorded):
    """A labelled study, one without labels, and latents."""
    shutil.copytree(recorded, with_people / "second")
    with writing(with_people / "codes", kind="harvest", config={"n": 3}):
        pass
    return with_people


@pytest.mark.parametrize("page", [GALLERY, DETAILS, COMPARE])
def test_an_empty_workspace_says_what_to_do(page):
    app = open_app(page)
    assert not app.error and any(word in words_of(app) for word in ("first study", "Two runs are needed"))


def test_the_gallery_shows_every_run_and_filters(two):
    app = open_app(GALLERY)
    html = html_of(app)
    assert not app.error and all(f"<h3>{name}</h3>" in html for name in ("first", "second", "codes"))
    assert html.count("<img") == 12 and html.count("<img") == html.count(' alt="')
    assert "No pictures; 0 tables" in html
    app.button_group(key="kinds").set_value(["Latents"]).run()
    assert "<h3>codes</h3>" in html_of(app) and "<h3>first</h3>" not in html_of(app)
    app.button_group(key="kinds").set_value([]).run()
    app.text_input(key="find").set_value("SECO").run()
    assert "<h3>second</h3>" in html_of(app) and "<h3>codes</h3>" not in html_of(app)
    app.text_input(key="find").set_value("nothing like it").run()
    assert "Clear the filters" in words_of(app) and not app.error


def test_a_damaged_run_is_named_with_its_reason_and_can_be_deleted(two):
    (two / "second" / "manifest.json").write_text("{")
    (two / "codes" / "manifest.json").write_text(
        json.dumps({"name": "x", "kind": "k", "config": {}, "schema": 9})
    )
    app = open_app(GALLERY)
    words = words_of(app)
    assert not app.error and "**second** cannot be read. The manifest is damaged" in words
    assert "**codes** cannot be read" in words and "newer GammaFace" in words
    app.button(key="delete-second").click().run()
    assert not app.exception and not (two / "second").exists() and (two / "codes").exists()


def test_one_run_tells_everything(two):
    app = open_app(DETAILS, of="first")
    assert not app.error and app.selectbox(key="of").value == "first"
    frames = {f.value.columns[0]: f.value for f in app.dataframe}
    assert {"Setting", "Weights (sha256)", "Versions", "Seconds"} <= set(frames)
    assert frames["Weights (sha256)"]["Value"].str.len().eq(64).all()
    assert html_of(app).count("<img") == 8
    app.selectbox(key="table").set_value("sweep").run()
    assert "3 rows" in words_of(app)
    press(app, "Check the files")
    assert "Every file is as it was" in app.success[0].value


def test_a_run_that_is_not_there_is_one_red_box(two):
    app = open_app(DETAILS, of="gone")
    assert len(app.error) == 1 and "there is no run 'gone'" in app.error[0].value.lower()


def test_damage_is_named_file_by_file(two):
    (two / "first" / "tables" / "sweep.parquet").write_bytes(b"PAR1")
    app = open_app(DETAILS, of="first")
    press(app, "Check the files")
    assert len(app.error) == 1 and "tables/sweep.parquet" in app.error[0].value
    press(app, "Export")
    assert len(app.error) == 1 and "damaged" in app.error[0].value
    app.selectbox(key="table").set_value("sweep").run()
    assert len(app.error) == 1 and "tables/sweep.parquet is damaged" in app.error[0].value


def test_a_run_is_renamed_and_deleted(two):
    app = open_app(DETAILS, of="second")
    app.text_input(key="name-second").set_value("../out").run()
    app.button(key="rename-second").click().run()
    assert len(app.error) == 1 and "is not a run name" in app.error[0].value
    app.text_input(key="name-second").set_value("third").run()
    app.button(key="rename-second").click().run()
    assert not app.exception and Run.open(two / "third").manifest.name == "third"
    assert not (two / "second").exists()
    assert app.selectbox(key="of").value == "third" and "now called **third**" in app.success[0].value
    app.button(key="delete-third").click().run()
    assert not app.exception and not app.error and not (two / "third").exists()
    assert "was deleted" in app.success[0].value
    assert sorted(p.name for p in two.iterdir() if p.name != "jobs") == ["codes", "first"]


def test_what_ships_is_read_only(recorded, tmp_path):
    shutil.copytree(recorded, tmp_path / "examples" / "first")
    app = open_app(DETAILS, of="first")
    assert "read-only" in words_of(app)
    popovers = {block.proto.popover.label: block.proto.popover.disabled for block in app.get("popover")}
    assert popovers.get("Rename", True) and popovers.get("Delete", True)
    app.button(key="delete-first").click().run()  # as a forged message from a browser would
    assert "read-only" in app.error[0].value and (tmp_path / "examples" / "first").exists()


def test_a_run_is_exported_and_comes_back(two, tmp_path):
    app = open_app(DETAILS, of="first")
    press(app, "Export")
    assert [b.label for b in app.get("download_button")] == ["Save the file"]
    data = run_actions.packed(Run.open(two / "first"))  # what the button calls; the session keeps nothing
    assert isinstance(app.session_state["exported"][1], int) and "packed" not in app.session_state
    app = open_app(GALLERY)
    app.file_uploader(key="import-file").set_value(("first.zip", data, "application/zip")).run()
    app.button(key="import-go").click().run()
    assert "there is a run 'first' already" in app.error[0].value.lower()
    app.text_input(key="import-name").set_value("copy").run()
    app.button(key="import-go").click().run()
    assert not app.exception and Run.open(two / "copy").damaged() == []
    assert "**copy** was imported" in app.success[0].value and "<h3>copy</h3>" in html_of(app)


def test_a_run_too_large_for_a_browser_is_left_to_the_command(two, monkeypatch):
    monkeypatch.setattr(run_actions, "MOST_BYTES", 2**10)
    app = open_app(DETAILS, of="first")
    press(app, "Export")
    assert len(app.error) == 1 and "`python -m gammaface runs export first`" in app.error[0].value
    assert not app.get("download_button")


def test_an_upload_that_finds_no_room_is_one_red_box(two, monkeypatch):
    def full(**options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_actions.tempfile, "NamedTemporaryFile", full)
    app = open_app(GALLERY)
    app.file_uploader(key="import-file").set_value(("a.zip", b"PK", "application/zip")).run()
    app.button(key="import-go").click().run()
    assert len(app.error) == 1 and "No space left on device" in app.error[0].value


def test_a_bad_upload_is_one_red_box_and_leaves_nothing(two, tmp_path):
    data = export_run(Run.open(two / "first"), tmp_path / "a.zip").read_bytes()
    before = sorted(two.rglob("*"))
    for bad in (b"", b"x" * 1000, data[:-30], data[: len(data) // 2]):
        app = open_app(GALLERY)
        app.file_uploader(key="import-file").set_value(("a.zip", bad, "application/zip")).run()
        app.button(key="import-go").click().run()
        assert len(app.error) == 1 and "Nothing was imported" in app.error[0].value
    assert sorted(two.rglob("*")) == before


def test_two_runs_side_by_side(two):
    shutil.copytree(two / "first", two / "other")
    manifest = two / "other" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"config": {"seed": 7, "model": "x"}}))
    app = open_app(COMPARE, a="first", b="other")
    assert not app.error and (app.selectbox(key="a").value, app.selectbox(key="b").value) == (
        "first",
        "other",
    )
    table = app.dataframe[0].value.set_index("")
    assert table.loc["seed"].tolist() == ["0", "7"] and table.loc["k_max"].tolist() == ["3", "absent"]
    assert len(app.get("plotly_chart")) == 1 and "the difference may be chance" in words_of(app)
    assert html_of(app).count("<img") == 16
    app.toggle(key="all-settings").set_value(True).run()
    assert "python" in app.dataframe[0].value[""].tolist()
    app.selectbox(key="b").set_value("codes").run()
    assert not app.exception and "No faces are labelled in codes" in words_of(app)
    app.selectbox(key="b").set_value("first").run()
    assert not app.exception and "one run beside itself" in app.info[0].value
    assert {run.manifest.name for run in list_runs()} == {"first", "second", "other", "codes"}
