import json

import numpy as np
import pandas as pd
import pytest

from gammaface import GammaFaceError
from gammaface.attributes import load_attributes
from gammaface.files import write_whole
from gammaface.generators import load_generator
from gammaface.workspace import EXAMPLES, Run, bundled_models, extending, find_run, list_runs, writing

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
    for name in ("..", "a b", ".hidden", "x" * 81, "naïve"):
        with (
            pytest.raises(GammaFaceError, match="is not a run name"),
            writing(tmp_path / "home" / name, **MAKE),
        ):
            pass


def test_foreign_folders_are_left_alone(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").write_text("")
    with pytest.raises(GammaFaceError, match="holds other files"), writing(tmp_path / "photos", **MAKE):
        pass


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
    with pytest.raises(GammaFaceError, match="the file is damaged"):
        run.array("a")
    with pytest.raises(GammaFaceError, match="the file is damaged"):
        run.table("t")
    with pytest.raises(GammaFaceError, match="no table named 'u'"):
        run.table("u")


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


@pytest.mark.parametrize("folder", sorted(EXAMPLES.glob("*/manifest.json")), ids=lambda p: p.parent.name)
def test_shipped_runs_were_made_with_the_shipped_weights(folder):
    run = Run.open(folder.parent)
    assert run.manifest.state == "done"
    numbers = json.loads((run.path / "metrics.json").read_text())
    found = dict(run.manifest.weights)
    if "classifier" in numbers.get("people", {}):
        found["attributes"] = numbers["people"]["classifier"]
    for name, weights in found.items():
        if name == "attributes":
            shipped = load_attributes().hash
        else:
            assert name in bundled_models()
            shipped = load_generator(name).weights_hash
        assert shipped == weights, "weights changed: run `make record`"


@pytest.mark.parametrize("folder", sorted(EXAMPLES.glob("*/manifest.json")), ids=lambda p: p.parent.name)
def test_shipped_runs_are_small(folder):
    files = [f for f in folder.parent.rglob("*") if f.is_file()]
    assert sum(f.stat().st_size for f in files) <= 10 * 2**20
    assert len(list(folder.parent.glob("images/**/*.png"))) <= 64
    json.loads(folder.read_text())
