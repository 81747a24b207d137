"""docs/quickstart.py runs as it stands, on a tiny model and few faces."""

from pathlib import Path

from gammaface import attributes
from gammaface.balancing import draw_seeds
from tests.tiny_attributes import write_classifier

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "quickstart.py"
SIZES = 'MODEL, N, STEPS = "faces", 400, 25\n'


def test_every_cell_runs(tiny, tiny_folder, tmp_path, monkeypatch, capsys):
    write_classifier(tmp_path / "attributes", draw_seeds(tiny, range(16), steps=2).images)
    monkeypatch.setattr(attributes, "MODELS", tmp_path)
    source = SCRIPT.read_text()
    assert source.count(SIZES) == 1
    small = source.replace(SIZES, f"MODEL, N, STEPS = {str(tiny_folder)!r}, 40, 2\n")
    found = {"__name__": "quickstart"}
    exec(compile(small, str(SCRIPT), "exec"), found)
    said = capsys.readouterr().out
    assert "noise floor 0.112" in said and "network evaluations an image" in said
    assert found["quota"].images.shape == (40, 3, 64, 64)
    assert sorted(found["classifier"].label(found["quota"].images)["gender"]).count("male") == 20
