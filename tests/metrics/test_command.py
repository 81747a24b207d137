import io

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from gammaface import GammaFaceError
from gammaface.commands.metrics import metrics as command
from gammaface.metrics import audit_table

app = typer.Typer()
app.command("metrics")(command)


@pytest.fixture
def frame(people):
    return pd.DataFrame(
        {
            "y": people["y"],
            "p": people["p"],
            "score": people["scores"],
            "age": np.array(["old", "young", "None"])[people["groups"]],
            "gender": np.tile(["f", "m"], 300),
        }
    )


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def audit(frame, folder, *options):
    file = folder / "ours.csv"
    frame.to_csv(file, index=False)
    return run(file, "--resamples", 50, *options)


def test_csv_is_the_audit_table(frame, tmp_path):
    result = audit(frame, tmp_path, "--format", "csv")
    assert result.exit_code == 0
    expected = audit_table(frame.y, frame.p, frame.score, frame[["age", "gender"]], name="ours", resamples=50)
    printed = pd.read_csv(io.StringIO(result.stdout))
    assert printed["metric"].tolist() == expected["metric"].tolist()
    assert printed["value"].tolist() == pytest.approx(expected["value"].tolist())


@pytest.mark.parametrize(
    ("format", "sign"), [("text", "method"), ("md", "| method |"), ("latex", "\\toprule")]
)
def test_formats(frame, tmp_path, format, sign):
    out = tmp_path / "table"
    result = audit(frame, tmp_path, "--group", "gender", "--format", format, "--out", out)
    assert result.exit_code == 0 and result.stdout == ""
    assert sign in out.read_text() and "difference" not in out.read_text()


def test_scores_per_class(frame, tmp_path):
    one = audit(frame, tmp_path, "--format", "csv").stdout
    wide = frame.assign(score_1=frame.score, score_0=frame.score).drop(columns="score")
    assert audit(wide, tmp_path, "--format", "csv").stdout == one
    truths = wide.assign(y=wide.y == 1, p=wide.p == 1)
    assert audit(truths, tmp_path, "--format", "csv").stdout == one
    named = truths.rename(columns={"score_1": "score_True", "score_0": "score_False"})
    assert audit(named, tmp_path, "--format", "csv").stdout == one


def test_baseline_and_groups(frame, tmp_path):
    worse = tmp_path / "worse.csv"
    frame.assign(p=1 - frame.p).to_csv(worse, index=False)
    result = audit(frame, tmp_path, "--baseline", worse, "--format", "csv")
    table = pd.read_csv(io.StringIO(result.stdout))
    assert set(table["method"]) == {"ours", "worse"} and "bpc" in set(table["metric"])
    result = audit(frame, tmp_path, "--by-group", "-g", "age", "--format", "csv")
    assert set(pd.read_csv(io.StringIO(result.stdout), keep_default_na=False)["group"]) == {
        "age=old",
        "age=young",
        "age=None",
    }


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda f: f.rename(columns={"p": "q"}), [], "there is no column 'p'; the file has y, q"),
        (lambda f: f, ["--group", "race"], "there is no column 'race'"),
        (lambda f: f[["y", "p", "score"]], [], "no group column"),
        (lambda f: f.assign(score=f.score * 2), [], r"scores must lie in \[0, 1\]; they run"),
        (lambda f: f.assign(score=f.score.where(f.index > 2)), [], "'score' has 3 scores that are NaN"),
        (lambda f: f.assign(score="high"), [], "'score' has 600 scores that are NaN or not numbers"),
        (lambda f: f.assign(age=f.age.where(f.index > 0)), [], "column 'age' has 1 missing values"),
        (lambda f: f.assign(p=f.p.where(f.index > 0)), [], "column 'p' has 1 missing values"),
        (
            lambda f: f.assign(age=f.age.where(f.index > 0, "ancient")),
            [],
            r"group 'age=ancient, gender=f' has one row \(n=1\)",
        ),
        (lambda f: f[:0], [], "the file has no rows"),
        (lambda f: f, ["--tpr", "max"], "tpr='max' is not known"),
        (lambda f: f, ["--baseline", "nowhere.csv"], "No such file"),
        (lambda f: f, ["--out", "/nowhere/table"], "the table cannot be written"),
    ],
)
def test_refused(frame, tmp_path, change, options, message):
    result = audit(change(frame), tmp_path, *options)
    assert isinstance(result.exception, GammaFaceError)
    with pytest.raises(GammaFaceError, match=message):
        raise result.exception


def test_unreadable_files(frame, tmp_path):
    for content, message in ((b"", "is empty"), (b'y,p\n"1', "cannot be read"), (b"\xff\xfe", "read")):
        file = tmp_path / "broken.csv"
        file.write_bytes(content)
        assert message in str(run(file).exception)
    other = tmp_path / "other.csv"
    frame.assign(y=1 - frame.y).to_csv(other, index=False)
    assert "not those of the audited file" in str(audit(frame, tmp_path, "--baseline", other).exception)


def test_files_of_the_same_name(frame, tmp_path):
    twice = ["--baseline", tmp_path / "ours.csv"]
    assert "have the same name" in str(audit(frame, tmp_path, *twice).exception)
