"""A page is made of its own kind of run alone."""

import pytest

from gammaface import GammaFaceError
from gammaface.audit.report import audit_page
from gammaface.reports.classifiers import classifiers_page
from gammaface.reports.rebalancing import rebalancing_page
from gammaface.workspace import writing


@pytest.mark.parametrize(
    ("page", "kind", "words"),
    [
        (audit_page, "downstream", "no finished audit"),
        (classifiers_page, "audit", "no finished downstream study"),
        (rebalancing_page, "audit", "no finished rebalancing"),
    ],
)
def test_another_kind_of_run_is_refused(page, kind, words, tmp_path):
    with writing(tmp_path / "run", kind=kind, config={}) as run:
        pass
    with pytest.raises(GammaFaceError, match=words):
        page(run)
