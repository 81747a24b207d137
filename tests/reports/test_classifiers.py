"""The downstream study as a page: what it tells, and that a run of another kind is refused."""

import re

import pytest

from gammaface import GammaFaceError
from gammaface.reports.classifiers import classifiers_page
from tests.downstream.conftest import made_up_study


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return made_up_study(tmp_path_factory.mktemp("study") / "classifiers")


def test_it_tells_every_claim_table_and_figure(study):
    page = classifiers_page(study)
    text = re.sub(r"\s+", " ", re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", page, flags=re.S))
    claims = study.table("claims")
    told = claims[claims["verdict"] != "not measured"]
    assert len(told) and all(row.verdict in text for row in told.itertuples())
    assert "Not measured:" in text and "4 seeds an arm" in text and "240 test faces" in text
    for name in ("baseline", "group-reweigh", "plain-augment 50%", "gamma-face 50%", "gamma-face 100%"):
        assert name in text
    assert "Bias vs plain-augment" in text and "Beside the paper" in text and "not comparable" in text
    classes = study.table("groups")["class"].nunique()
    assert page.count('<script type="application/json"') == 2 + classes


def test_a_damaged_table_is_said(study):
    changed = study.table("figures").drop(columns="metric")
    study.write_table("figures", changed)
    with pytest.raises(GammaFaceError, match="damaged"):
        classifiers_page(study)
