"""The HTML report: nothing that a run holds becomes script or markup."""

import base64
import hashlib
import json
import re
import shutil

import pytest

from gammaface import GammaFaceError
from gammaface.report import write_report
from gammaface.workspace import EXAMPLES, Run, extending

EVIL = "</script><script>document.title='hacked'</script><img src=x onerror=\"alert(1)\">'\"`{{1}}"
COUNT = "document.querySelectorAll('.js-plotly-plot').length"
pytestmark = pytest.mark.skipif(not (EXAMPLES / "first-light").is_dir(), reason="no shipped study")


@pytest.fixture
def study(tmp_path):
    return shutil.copytree(EXAMPLES / "first-light", tmp_path / "study")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """The report of a study in which every string that a run may choose is an attack."""
    study = shutil.copytree(EXAMPLES / "first-light", tmp_path_factory.mktemp("hostile") / "study")
    with extending(study) as run:
        numbers = json.loads((study / "metrics.json").read_text())
        numbers["k"]["reason"] = EVIL
        numbers["k"]["warnings"] = [EVIL]
        numbers["harvest"]["space"] = EVIL
        numbers["model"]["weights"] = EVIL
        numbers["people"]["follows"] = EVIL
        for row in numbers["people"]["attributes"]:
            row["attribute"] = EVIL
        run.write_file("metrics.json", json.dumps(numbers))
        for name in ("people_shares", "people_by_component"):
            table = run.table(name).astype({"value": object})
            table.loc[table["attribute"] == "race", "value"] = EVIL
            run.write_table(name, table)
        run.write_table("moves", run.table("moves").assign(sentence=EVIL))
        run.update(versions={EVIL: EVIL}, created=EVIL)
        run.update(config=run.manifest.config | {"model": EVIL}, timings={EVIL: 1.0})
    return write_report(Run.open(study))


def scripts(page: str) -> list[tuple[str, str]]:
    return re.findall(r"<script([^>]*)>(.*?)</script>", page, re.S)


def test_hostile_strings_are_escaped(hostile):
    page = hostile.read_text()
    assert "<script>document" not in page and "<img src=x" not in page
    assert page.count("&lt;img src=x") >= 8  # they are shown as the text that they are


def test_only_the_two_scripts_of_ours_may_run(hostile):
    page = hostile.read_text()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    allowed = set(re.findall(r"sha256-([\w+/=]+)", policy.replace("&#43;", "+").replace("&#39;", "'")))
    found = [content for kind, content in scripts(page) if "json" not in kind]
    digests = {base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in found}
    assert len(found) == 2 and digests == allowed
    assert "default-src" in policy and "unsafe-eval" not in policy and "script-src" in policy
    for kind, content in scripts(page):
        if "json" in kind:
            assert json.loads(content)["data"] and "<" not in content


def test_a_browser_draws_the_figures_and_runs_nothing_else(hostile):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("there is no chromium on this machine")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        complaints = []
        page.on("dialog", lambda dialog: complaints.append("Content Security Policy let a dialog in"))
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"file://{hostile}")
        drawn = len([kind for kind, _ in scripts(hostile.read_text()) if "json" in kind])
        page.wait_for_function(f"{COUNT} == {drawn}", timeout=120_000)
        assert "hacked" not in page.title().replace(EVIL, "")
        assert page.get_by_text("WebGL is not supported").count() == 0
        assert not [text for text in complaints if "Content Security Policy" in text]
        page.evaluate(
            "document.body.append(document.createRange().createContextualFragment("
            "'<script>document.title=\"hacked\"</script>'))"
        )
        assert page.title() != "hacked"  # script that got in all the same does not run
        browser.close()


@pytest.mark.parametrize(
    "change", [lambda n: n.pop("k"), lambda n: n.update(people=3), lambda n: n["harvest"].update(n="many")]
)
def test_damaged_numbers_are_told(study, change):
    numbers = json.loads((study / "metrics.json").read_text())
    change(numbers)
    with extending(study) as run:  # as whoever wrote the run left it
        run.write_file("metrics.json", json.dumps(numbers))
    with pytest.raises(GammaFaceError, match="numbers of this run are damaged"):
        write_report(Run.open(study))
