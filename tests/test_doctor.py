import shutil

import pytest
from typer.testing import CliRunner

from gammaface import doctor
from gammaface.cli import app
from gammaface.workspace import home, writing


@pytest.fixture
def bare(tmp_path, monkeypatch, tiny_folder):
    """An installation with one bundled model, no classifiers and no runs."""
    shutil.copytree(tiny_folder, tmp_path / "models" / "tiny")
    for module in ("workspace", "models.loading", "attributes"):
        monkeypatch.setattr(f"gammaface.{module}.MODELS", tmp_path / "models")
    monkeypatch.setattr(doctor, "EXAMPLES", tmp_path / "examples")
    return tmp_path


def found() -> dict[str, doctor.Finding]:
    return {finding.topic: finding for finding in doctor.examine()}


def test_a_sound_installation_names_only_what_is_missing(bare):
    seen = found()
    assert [t for t, f in seen.items() if f.mend] == ["model attributes", "model second"]
    assert seen["packages"].found.endswith("as pinned")
    assert "loads" in seen["model tiny"].found


def test_each_broken_thing_is_named_with_its_remedy(bare, monkeypatch):
    weights = next((bare / "models" / "tiny" / "unet").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:500])
    with writing(home() / "cut", kind="study", config={}, weights={}):
        pass
    (home() / "cut" / "manifest.json").write_text("{")
    with pytest.raises(KeyboardInterrupt), writing(home() / "half", kind="study", config={}, weights={}):
        raise KeyboardInterrupt
    (home() / "other").mkdir()
    with writing(bare / "examples" / "old", kind="study", config={}, weights={"tiny": "0"}):
        pass
    pins = bare / "requirements.txt"
    pins.write_text("numpy==0.0.1\nno-such-package==1.0\n")
    monkeypatch.setattr(doctor, "REQUIREMENTS", pins)
    seen = found()
    assert "truncated" in seen["model tiny"].found
    assert "manifest is damaged" in seen["run cut"].found
    assert seen["run half"].found == "is cancelled" and "go on" in seen["run half"].mend
    assert "is no run" in seen["run other"].found
    assert "no-such-package missing" in seen["packages"].found and "pip install" in seen["packages"].mend


def test_the_device_is_told_with_the_precision_of_its_networks(bare, monkeypatch):
    monkeypatch.setenv("GAMMAFACE_PRECISION", "bfloat16")
    assert found()["device"].found.endswith(", networks in bfloat16")
    monkeypatch.setenv("GAMMAFACE_PRECISION", "half")
    told = found()["device"]
    assert told.found.endswith("; GAMMAFACE_PRECISION=half") and "float32 or bfloat16" in told.mend


def test_outdated_shipped_runs_are_named(bare):
    with writing(bare / "examples" / "old", kind="study", config={}, weights={"tiny": "0"}):
        pass
    assert found()["run old"].mend == "Run `make record`."


def test_a_full_disk_is_foreseen(bare, monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    assert "Free disk space" in found()["workspace"].mend


def test_the_command_exits_2_where_something_needs_mending(bare):
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 2
    assert "mend  model attributes" in result.stdout and "ok    python" in result.stdout
