import json
import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammaface import GammaFaceError
from gammaface.attributes import load_attributes
from gammaface.files import write_whole
from gammaface.generators import load_generator
from gammaface.keeping.upkeep import delete_run, rename_run
from gammaface.models.names import take_apart
from gammaface.rebalance.class_sets import DIGITS
from gammaface.run_files import content_of
from gammaface.runs.manifests import SCHEMA, parse_manifest
from gammaface.workspace import EXAMPLES, Run, bundled_models, extending, find_run, home, list_runs, writing

MAKE = {"kind": "test", "config": {"n": 3}}


def test_a_run_comes_back_as_written(tmp_path):
    with writing(tmp_path / "run", **MAKE) as run:
        run.write_array("a", np.arange(6).reshape(2, 3))
        run.write_table("t", pd.DataFrame({"x": [1.5]}))
        run.write_file("notes/a.txt", "hello")
        run.add_timing("work", 1.0)
    opened = Run.open(tmp_path / "run")
    assert opened.manifest.state == "done" and opened.manifest.timings == {"work": 1.0}
    assert opened.manifest.versions["numpy"] == np.__version__
    assert opened.array("a").tolist() == [[0, 1, 2], [3, 4, 5]]
    assert opened.tables() == ["t"] and opened.table("t")["x"][0] == 1.5
    assert not list((tmp_path / "run").rglob("*.tmp"))


def test_one_writer_at_a_time(tmp_path):
    with writing(tmp_path / "run", **MAKE):
        with (
            pytest.raises(GammaFaceError, match="another process is writing"),
            writing(tmp_path / "run", **MAKE),
        ):
            pass
        with pytest.raises(GammaFaceError, match="the run is running"), extending(tmp_path / "run"):
            pass


def test_other_settings_are_refused(tmp_path):
    with writing(tmp_path / "run", **MAKE):
        pass
    with (
        pytest.raises(GammaFaceError, match="other settings or weights"),
        writing(tmp_path / "run", kind="test", config={"n": 4}),
    ):
        pass
    with (
        pytest.raises(GammaFaceError, match="other settings or weights"),
        writing(tmp_path / "run", weights={"faces": "abc"}, **MAKE),
    ):
        pass


@pytest.mark.parametrize("error, state", [(KeyboardInterrupt, "cancelled"), (ValueError, "failed")])
def test_the_state_says_how_it_ended(tmp_path, error, state):
    with pytest.raises(error), writing(tmp_path / "run", **MAKE):
        raise error
    assert Run.open(tmp_path / "run").manifest.state == state


def test_names_stay_inside_the_workspace(tmp_path):
    for name in ("..", "a b", ".hidden", "x" * 81, "naïve", "jobs", "CON", "nul.zip", "lpt1"):
        with (
            pytest.raises(GammaFaceError, match="is not a run name"),
            writing(tmp_path / "home" / name, **MAKE),
        ):
            pass


def test_foreign_folders_are_left_alone(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").write_text("")
    (tmp_path / "photos" / ".manifest.json.123.tmp").write_text("")
    with pytest.raises(GammaFaceError, match="holds other files"), writing(tmp_path / "photos", **MAKE):
        pass
    assert (tmp_path / "photos" / ".manifest.json.123.tmp").exists()


def test_a_first_write_that_was_cut_off_is_begun_again(tmp_path):
    (tmp_path / "run").mkdir()
    for name in (".lock", ".manifest.json.123.tmp", ".manifest.json.45.tmp"):
        (tmp_path / "run" / name).write_text("")
    with writing(tmp_path / "run", **MAKE) as run:
        run.write_file("a.txt", "a")
    assert Run.open(run.path).manifest.state == "done" and not list(run.path.glob(".*.tmp"))


@pytest.mark.parametrize("content", ["", "{", '{"name": 1}', '{"unknown": 1}'])
def test_damaged_manifests_are_told(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(GammaFaceError, match="manifest is damaged"):
        Run.open(tmp_path)


def test_missing_and_damaged_parts_are_told(tmp_path):
    with writing(tmp_path / "run", **MAKE) as run:
        run.write_array("a", np.zeros(100))
        run.write_table("t", pd.DataFrame({"x": range(100)}))
    for file in ("arrays/a.npy", "tables/t.parquet"):
        path = tmp_path / "run" / file
        path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(GammaFaceError, match="the file [a-z/]+.(npy|parquet) is damaged"):
        run.array("a")
    with pytest.raises(GammaFaceError, match="the file [a-z/]+.(npy|parquet) is damaged"):
        run.table("t")
    with pytest.raises(GammaFaceError, match="no table named 'u'"):
        run.table("u")


def flip_a_bit(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def test_every_file_is_compared_with_its_checksum_when_it_is_read(tmp_path):
    with writing(tmp_path / "run", **MAKE) as run:
        run.write_file("metrics.json", '{"k": 1}')
        run.write_file("images/00000000.png", b"png" * 10)
    run, png = Run.open(tmp_path / "run"), tmp_path / "run" / "images" / "00000000.png"
    assert run.read_json("metrics.json") == {"k": 1}
    assert run.read_bytes("images/00000000.png") == content_of(png) == b"png" * 10
    with pytest.raises(GammaFaceError, match="no file notes.json"):
        run.read_json("notes.json")
    flip_a_bit(run.path / "metrics.json")
    flip_a_bit(png)
    with pytest.raises(GammaFaceError, match="metrics.json is damaged: it is not as it was"):
        run.read_json("metrics.json")
    for read in (lambda: run.read_bytes("images/00000000.png"), lambda: content_of(png)):
        with pytest.raises(GammaFaceError, match="images/00000000.png is damaged: it is not as it was"):
            read()


@pytest.mark.parametrize("content", ["", "{", "[1]", "[" * 100_000])
def test_a_file_without_a_json_object_is_damaged(tmp_path, content):
    with writing(tmp_path / "run", **MAKE) as run:
        run.write_file("metrics.json", content)
    with pytest.raises(GammaFaceError, match="metrics.json is damaged"):
        Run.open(tmp_path / "run").read_json("metrics.json")


def test_a_file_outside_every_run_is_not_read_as_one_of_a_run(tmp_path):
    with writing(tmp_path / "home" / "run", **MAKE):
        pass
    (tmp_path / "secret.txt").write_text("secret")
    with pytest.raises(GammaFaceError, match="belongs to no run"):
        content_of(tmp_path / "home" / "run" / ".." / ".." / "secret.txt")


def test_a_failed_write_leaves_the_old_file(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("old")

    def fail(handle):
        handle.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(GammaFaceError, match="No space left on device"):
        write_whole(file, fail)
    assert file.read_text() == "old" and list(tmp_path.iterdir()) == [file]


def test_runs_are_found_by_name(tmp_path, monkeypatch):
    monkeypatch.setenv("GAMMAFACE_HOME", str(tmp_path))
    with writing(tmp_path / "mine", **MAKE):
        pass
    assert find_run("mine").path == tmp_path / "mine"
    assert "mine" in [r.manifest.name for r in list_runs()]
    with pytest.raises(GammaFaceError, match="there is no run 'yours'"):
        find_run("yours")


BASE = {"name": "run", "kind": "test", "config": {}, "schema": SCHEMA}


def test_a_run_of_the_first_schema_is_read_and_brought_to_today_s(tmp_path):
    stored = BASE | {"state": "done", "schema": 1}
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(stored))
    run = Run.open(tmp_path / "run")
    assert run.manifest.schema == SCHEMA and run.damaged() == []
    with extending(tmp_path / "run") as run:
        run.write_file("a.json", "{}")
    stored = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert stored["schema"] == SCHEMA and stored["checksums"]


def test_first_light_keeps_loading():
    run = Run.open(EXAMPLES / "first-light")
    assert run.manifest.schema == SCHEMA and all(len(run.table(name)) for name in run.tables())


def test_a_newer_run_is_refused_in_words():
    with pytest.raises(GammaFaceError, match="written by a newer GammaFace.*Update GammaFace"):
        parse_manifest(json.dumps(BASE | {"schema": SCHEMA + 1, "unheard": 1}).encode(), where="run")


ODD = {
    "schema": (0, -1, True, "1", None, 1.5),
    "state": ("sealed", 3),
    "config": ([], {"model": 5}),
    "weights": ([], {"faces": 3}),
    "timings": ({"harvest": "long"}, {"harvest": True}),
    "name": (None, 3),
    "checksums": (None, {}),
}


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, values in ODD.items() for v in values])
def test_a_manifest_of_odd_types_is_told(field, value):
    with pytest.raises(GammaFaceError, match="manifest is damaged"):
        parse_manifest(json.dumps(BASE | {field: value}).encode(), where="run")


@pytest.mark.parametrize("content", [b"[" * 100_000, b"[]", b"\xff", b" " * (4 * 2**20 + 1)])
def test_a_manifest_that_is_none_is_told(content):
    with pytest.raises(GammaFaceError, match="manifest is damaged"):
        parse_manifest(content, where="run")


@given(st.binary(max_size=60) | st.text().map(str.encode))
def test_no_manifest_breaks_the_parser(content):
    with pytest.raises(GammaFaceError, match="manifest is damaged"):
        parse_manifest(content, where="run")


@pytest.fixture
def sealed(tmp_path):
    """A finished run with a run inside."""
    with writing(tmp_path / "run", **MAKE) as run:
        run.write_array("a", np.zeros(100))
        run.write_table("t", pd.DataFrame({"x": range(100)}))
        with writing(run.path / "plain", **MAKE) as inner:
            inner.write_table("t", pd.DataFrame({"x": [1]}))
    return Run.open(tmp_path / "run")


def flip(file):
    """Another byte of the same file, at the same time and size as far as anyone sees."""
    data, stat = bytearray(file.read_bytes()), file.stat()
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns - 1))


def test_a_flipped_bit_is_found_when_the_file_is_read(sealed):
    assert sealed.table("t")["x"].sum() == 4950 and sealed.damaged() == []
    flip(sealed.path / "arrays" / "a.npy")
    with pytest.raises(GammaFaceError, match="arrays/a.npy is damaged: it is not as it was"):
        sealed.array("a")
    assert len(sealed.table("t")) == 100
    (sealed.path / "tables" / "t.parquet").unlink()
    assert sealed.damaged() == ["arrays/a.npy", "tables/t.parquet"]


def test_an_inner_run_answers_for_itself(sealed):
    flip(sealed.path / "plain" / "tables" / "t.parquet")
    assert sealed.damaged() == []
    assert Run.open(sealed.path / "plain").damaged() == ["tables/t.parquet"]


@pytest.mark.parametrize("damage", [flip, flip_a_bit])
@pytest.mark.parametrize("opening", [extending, lambda path: writing(path, **MAKE)])
def test_damage_is_not_taken_for_content(sealed, opening, damage):
    damage(sealed.path / "arrays" / "a.npy")
    with opening(sealed.path) as run:
        run.write_table("more", pd.DataFrame({"x": [1]}))
    again = Run.open(sealed.path)
    assert again.damaged() == ["arrays/a.npy"] and again.table("more")["x"][0] == 1


@pytest.mark.parametrize("damage", [flip, flip_a_bit])
def test_damage_is_named_when_it_is_read_to_extend_the_run(sealed, damage):
    damage(sealed.path / "arrays" / "a.npy")
    for _ in range(2):
        with (
            pytest.raises(GammaFaceError, match="arrays/a.npy is damaged: it is not as it was"),
            extending(sealed.path) as run,
        ):
            run.array("a")
    with extending(sealed.path) as run:
        run.write_array("a", np.ones(100))
        assert run.array("a").sum() == 100
        run.write_array("a", np.zeros(100))
        assert run.array("a").sum() == 0
    assert run.array("a").sum() == 0 and Run.open(sealed.path).damaged() == []


def test_a_file_moved_over_another_is_new_content(sealed):
    """Also one of the same size and an older time."""
    with extending(sealed.path) as run:
        old, stat = run.path / "arrays" / "a.npy", (run.path / "arrays" / "a.npy").stat()
        run.write_array("b", np.ones(100))
        os.utime(run.path / "arrays" / "b.npy", ns=(stat.st_atime_ns, stat.st_mtime_ns))
        (run.path / "arrays" / "b.npy").replace(old)
        assert run.array("a").sum() == 100
    assert Run.open(sealed.path).damaged() == []


def test_a_forged_or_lost_list_is_told(sealed):
    for content in ("{}", '["a"]', "{"):
        (sealed.path / "checksums.json").write_text(content)
        with pytest.raises(GammaFaceError, match="list of checksums is damaged"):
            sealed.table("t")
    (sealed.path / "checksums.json").unlink()
    with pytest.raises(GammaFaceError, match="list of checksums is damaged"):
        sealed.damaged()
    with pytest.raises(GammaFaceError, match="list of checksums is damaged"), extending(sealed.path):
        pass


def test_a_reader_is_not_told_of_damage_while_another_writes(sealed):
    with extending(sealed.path) as run:
        run.write_table("t", pd.DataFrame({"x": [7]}))
        assert sealed.table("t")["x"].tolist() == [7]
    assert sealed.table("t")["x"].tolist() == [7]  # opened before, read after
    assert Run.open(sealed.path).damaged() == []


def test_a_run_that_is_written_again_has_no_list_until_it_is_done(sealed):
    with pytest.raises(KeyboardInterrupt), writing(sealed.path, **MAKE) as run:
        run.write_table("t", pd.DataFrame({"x": [7]}))
        raise KeyboardInterrupt
    stopped = Run.open(sealed.path)
    assert not stopped.manifest.checksums and stopped.table("t")["x"][0] == 7


def test_renaming_takes_what_belongs_to_the_run_along():
    with writing(home() / "old", **MAKE):
        pass
    for name, config in (("faces-old-1a", {"study": "old"}), ("faces-older-1a", {"study": "older"})):
        with writing(home() / name, kind="faces", config=config):
            pass
    run = rename_run(home() / "old", "new")
    assert (run.manifest.name, run.path) == ("new", home() / "new")
    assert json.loads((run.path / "manifest.json").read_text())["name"] == "new"
    assert Run.open(home() / "faces-new-1a").manifest.config == {"study": "new"}
    assert sorted(p.name for p in home().iterdir()) == ["faces-new-1a", "faces-older-1a", "new"]
    with writing(home() / "faces-new-1a", kind="faces", config={"study": "new"}):
        pass  # it goes on under its new name


@pytest.mark.parametrize("name", ["taken", "..", "a/b", "jobs", ""])
def test_a_name_that_cannot_be_given_is_refused(name):
    for each in ("run", "taken"):
        with writing(home() / each, **MAKE):
            pass
    with pytest.raises(GammaFaceError):
        rename_run(home() / "run", name)
    assert sorted(p.name for p in home().iterdir()) == ["run", "taken"]


@pytest.mark.parametrize("change", [delete_run, lambda path: rename_run(path, "other")])
def test_what_ships_is_linked_or_is_written_stays(change, tmp_path, monkeypatch):
    monkeypatch.setattr("gammaface.workspace.EXAMPLES", tmp_path / "examples")
    with writing(tmp_path / "examples" / "first", **MAKE):
        pass
    with pytest.raises(GammaFaceError, match="read-only"):
        change(tmp_path / "examples" / "first")
    home().mkdir()
    (home() / "link").symlink_to(tmp_path / "examples" / "first")
    with pytest.raises(GammaFaceError, match="read-only|link to a folder"):
        change(home() / "link")
    with writing(home() / "busy", **MAKE), pytest.raises(GammaFaceError, match="another process is writing"):
        change(home() / "busy")
    assert Run.open(tmp_path / "examples" / "first") and Run.open(home() / "busy")


def test_deleting_leaves_nothing_and_takes_ruins_too():
    with writing(home() / "run", **MAKE) as run:
        run.write_table("t", pd.DataFrame({"x": [1]}))
    (home() / "run" / "manifest.json").write_text("{")
    delete_run(home() / "run")
    assert not list(home().iterdir())
    with pytest.raises(GammaFaceError, match="there is no run here"):
        delete_run(home() / "run")


@pytest.mark.parametrize("folder", sorted(EXAMPLES.glob("*/manifest.json")), ids=lambda p: p.parent.name)
def test_shipped_runs_were_made_with_the_shipped_weights(folder):
    run = Run.open(folder.parent)
    assert run.manifest.state == "done"
    found = dict(run.manifest.weights)
    assert found, "a recorded run names the weights that it was made with"
    if run.has("metrics.json"):
        numbers = json.loads((run.path / "metrics.json").read_text())
        if "classifier" in numbers.get("people", {}):
            found["attributes"] = numbers["people"]["classifier"]
    if run.manifest.config.get("model") == DIGITS.model:  # both were trained within the recording itself
        assert found.keys() == {DIGITS.model, "classifier"}
        found = {}
    for name, weights in found.items():
        if name in ("attributes", "classifier"):  # a rebalancing calls its own by no name
            shipped = load_attributes().hash
        else:
            assert take_apart(name).base in bundled_models()
            shipped = load_generator(name).weights_hash
        assert shipped == weights, "weights changed: run `make record`"


@pytest.mark.parametrize("folder", sorted(EXAMPLES.glob("*/manifest.json")), ids=lambda p: p.parent.name)
def test_shipped_runs_are_small(folder):
    files = [f for f in folder.parent.rglob("*") if f.is_file()]
    assert sum(f.stat().st_size for f in files) <= 10 * 2**20
    assert len(list(folder.parent.glob("images/**/*.png"))) <= 64
    json.loads(folder.read_text())
