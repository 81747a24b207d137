"""Recording the shipped runs: what is refused before anything is computed, and what can be set."""

import numpy as np
import pytest

from gammaface import GammaFaceError, rebalance, recording
from gammaface.images import to_png
from gammaface.parallel.workers import Workers
from gammaface.recording import LOOKING, OF_REBALANCE, RECORDED, SHARED, Given, check_given, record_run
from gammaface.settings import with_settings
from gammaface.workspace import Run
from tests.test_cli import call, refuse


@pytest.fixture
def begun(monkeypatch):
    """Names of the runs that were begun, instead of computing them."""
    names = []
    monkeypatch.setattr("gammaface.generators.load_generator", lambda name: name)
    monkeypatch.setattr(recording, "record_run", lambda name, *_, **__: names.append(name) or name)
    return names


def test_all_runs_are_recorded_or_none(begun, tmp_path, capsys, monkeypatch):
    words = refuse(capsys, monkeypatch, "record")
    assert "Give --real celeba=PATH. Give --real utkface=PATH." in words and not begun
    one = ["--real", f"utkface={tmp_path}"]
    assert "Give --real celeba=PATH." in refuse(capsys, monkeypatch, "record", *one) and not begun
    both = [*one, "--real", f"celeba={tmp_path}@27,44,101,118"]
    call("record", *both)
    assert begun == list(RECORDED)


@pytest.mark.parametrize("name", ["first-light", "rebalance-digits", "representation"])
def test_a_run_that_needs_no_faces_is_recorded_without_any(begun, name):
    call("record", name)
    assert begun == [name]


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["first-light", "--real", "."], "'first-light' looks at no real faces"),
        (["representation", "--real", "nowhere"], "there are no real faces"),
        (["representation", "--real", "nowhere@1,2"], "not four whole numbers"),
        (["downstream", "--real", "."], "needs labelled real faces"),
        (["--set", "n=5"], "'first-light' has no settings"),
    ],
)
def test_slips_are_refused_at_once(begun, arguments, words, capsys, monkeypatch):
    assert words in refuse(capsys, monkeypatch, "record", *arguments) and not begun


def test_workers_share_what_they_can():
    two = Given(workers=Workers(0, 2))
    check_given(SHARED[:1], two)
    with pytest.raises(GammaFaceError, match="'first-light' is the work of one process, not of 2"):
        check_given(["first-light"], two)


def test_faces_are_written_once_for_all_runs():
    given = Given(real=("utkface=a.parquet", "celeba=b.parquet@1,2,3,4", "c=d/faces"))
    assert given.sources == ["a.parquet", "b.parquet@1,2,3,4", "c=d/faces"]
    assert given.sets == ["utkface=a.parquet", "celeba=b.parquet", "c=d/faces"]
    check_given(["rebalance"], Given(settings=("n=5",)))
    assert set(LOOKING) < set(RECORDED)


def test_everything_of_a_rebalancing_can_be_set():
    texts = [
        "bias=through:steps,steps:2,weight:.5",
        "options=limit:7",
        "mirror=no",
        "sampler=unipc",
        "steps=9",
    ]
    found = with_settings(rebalance.Recipe(), texts, readers=OF_REBALANCE)
    assert found.bias == rebalance.BiasTerm(through="steps", steps=2, weight=0.5)
    assert found.options == {"limit": 7} and found.mirror is False
    assert (found.sampler, found.steps) == ("unipc", 9)
    for wrong in ("bias=magic:1", "bias=steps:many", "bias=through:magic", "options=limits:3", "mirror=1"):
        with pytest.raises(GammaFaceError):
            with_settings(rebalance.Recipe(), [wrong], readers=OF_REBALANCE)


def test_a_rebalancing_is_recorded_with_real_faces_and_goes_on_without_reading_them(
    tiny, tmp_path, monkeypatch
):
    monkeypatch.setattr(recording, "EXAMPLES", tmp_path / "examples")
    rng = np.random.default_rng(0)
    (tmp_path / "faces").mkdir()
    for number in range(8):
        picture = rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)
        (tmp_path / "faces" / f"{number}.png").write_bytes(to_png(picture))
    few = ("attributes=gender", "rows=plain", "sets=1", "n=6", "path_pairs=2", "resamples=2", "steps=2")
    given = Given(real=(str(tmp_path / "faces"),), settings=few)
    path = record_run("rebalance", tiny, given=given)
    run = Run.open(path)
    assert run.manifest.config["reference"] == "real" and run.manifest.config["recipe"]["sampler"] == "ddim"
    assert "Not run: reweighing;" in run.manifest.note and "6 of 2,000 images a set" in run.manifest.note
    for file in (tmp_path / "faces").iterdir():
        file.write_bytes(b"")
    assert record_run("rebalance", tiny, given=given) == path
