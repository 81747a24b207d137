"""A rebalancing as a page, without a network being loaded."""

import pytest

from gammaface.rebalance import run_rebalance
from gammaface.reports.rebalancing import rebalancing_page
from gammaface.workspace import Run
from tests.rebalance.toy_light import SMALL, light_critic, stored_generator


@pytest.fixture(scope="module")
def rebalanced(tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp("rebalanced")
    return run_rebalance(stored_generator(folder / "light"), light_critic(), SMALL, out=folder / "again")


def test_it_tells_every_row_and_shows_the_same_seeds(rebalanced):
    page = rebalancing_page(rebalanced)
    rows = rebalanced.table("rows")
    assert all(f"<td>{title}</td>" in page for title in rows["title"])
    assert "Evened out: light" in page and "The bias loss: soft shares" in page
    assert page.count('<img src="data:image/png') == 8
    kinds = rebalanced.table("between")["kind"].nunique()
    assert page.count('<script type="application/json"') == 2 + kinds
