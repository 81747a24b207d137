"""Audit/Rebalance: before the first run, with one, and with a damaged one."""

import shutil

import pytest

from gammaface.rebalance import run_rebalance
from tests.app.driving import html_of, open_app, words_of
from tests.rebalance.toy_light import SMALL, light_critic, stored_generator

PAGE = "pages/audit/rebalance.py"


@pytest.fixture(scope="module")
def rebalanced(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rebalanced")
    return run_rebalance(stored_generator(folder / "light"), light_critic(), SMALL, out=folder / "again").path


def test_before_the_first_run_it_says_what_to_do(with_study):
    app = open_app(PAGE)
    assert not app.error
    assert "Nothing has been retrained yet" in [s.value for s in app.subheader]
    assert "gammaface rebalance --dry-run" in app.code[0].value


def test_a_run_is_told_in_words_tables_and_pictures(with_study, rebalanced, home):
    shutil.copytree(rebalanced, home / "again")
    app = open_app(PAGE)
    assert not app.error
    words = words_of(app)
    assert "2 sets of 64 a row" in words and "none is an FID" in words and "plain sampling's FD is" in words
    assert "The bias loss: soft shares" in words
    assert "- \\+ synthetic data (fine-tuned" in words, "a list within the list, if it is not escaped"
    table = app.dataframe[0].value
    assert table["Row"].tolist() == ["plain", "+ synthetic data"] and "[" in table["FD"].iloc[1]
    assert len(app.get("plotly_chart")) == 4 and len(app.get("download_button")) == 3
    assert html_of(app).count("<img") == 8, "the same four seeds on both sides"
    app.button_group(key="between").set_value("kernel").run()
    assert not app.exception and not app.error


def test_a_damaged_run_is_a_red_box(with_study, rebalanced, home):
    shutil.copytree(rebalanced, home / "again")
    (home / "again" / "tables" / "rows.parquet").write_bytes(b"PAR1")
    app = open_app(PAGE)
    assert len(app.error) == 1 and "damaged" in app.error[0].value
