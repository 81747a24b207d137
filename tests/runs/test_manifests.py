"""The precision of networks, in a manifest: a run never mixes two."""

import json

import pytest

from gammaface import GammaFaceError, harvest
from gammaface.drawing import draw_run
from gammaface.models.precision import VARIABLE
from gammaface.runs.manifests import read_manifest
from gammaface.workspace import Run, writing
from tests.audit.toy_classifier import METHODS, SIDE, audit

MAKE = {"kind": "test", "config": {"n": 3}}
REFUSED = "begun with networks in float32, and here they run in bfloat16"


def cut_off(make, out):
    """Leave a run in float32, cancelled after its first images."""

    def stop(done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(out, progress=stop)


def test_an_audit_draws_all_cells_in_one_precision(tmp_path, monkeypatch):
    short = {"aims": (SIDE,), "methods": METHODS[:2]}
    monkeypatch.setenv(VARIABLE, "float32")
    audit(tmp_path / "run", seeds=(0,), **short)
    monkeypatch.setenv(VARIABLE, "bfloat16")
    with pytest.raises(GammaFaceError, match=REFUSED):
        audit(tmp_path / "run", seeds=(0, 1), **short)


@pytest.mark.parametrize("kind", ["harvest", "sample"])
def test_what_was_begun_in_one_precision_is_not_gone_on_with_in_another(tiny, kind, tmp_path, monkeypatch):
    def make(out, **more):
        if kind == "harvest":
            return harvest(tiny, n=6, steps=2, batch_size=2, out=out, **more)
        return draw_run(tiny, None, n=6, steps=2, strategy="plain", out=out, **more)

    monkeypatch.setenv(VARIABLE, "float32")
    cut_off(make, tmp_path / "run")
    assert Run.open(tmp_path / "run").manifest.versions["precision"] == "float32"
    monkeypatch.setenv(VARIABLE, "bfloat16")
    with pytest.raises(GammaFaceError, match=REFUSED) as refused:
        make(tmp_path / "run")
    assert "GAMMAFACE_PRECISION=float32" in refused.value.fix
    assert Run.open(tmp_path / "run").manifest.state == "cancelled"  # nothing was touched
    monkeypatch.setenv(VARIABLE, "float32")
    make(tmp_path / "run")
    assert Run.open(tmp_path / "run").manifest.state == "done"


def test_runs_of_before_the_precision_was_recorded_go_on(tmp_path):
    with writing(tmp_path / "run", precision="float32", **MAKE):
        pass
    file = tmp_path / "run" / "manifest.json"
    stored = json.loads(file.read_text())
    del stored["versions"]["precision"]
    file.write_text(json.dumps(stored))
    with writing(tmp_path / "run", precision="bfloat16", **MAKE) as run:
        run.write_file("a.txt", "a")
    assert read_manifest(file).state == "done"


def test_what_no_network_computes_goes_on_in_any_precision(tmp_path):
    with writing(tmp_path / "run", precision="float32", **MAKE):
        pass
    with writing(tmp_path / "run", **MAKE):
        pass
    assert Run.open(tmp_path / "run").manifest.versions["precision"] == "float32"
