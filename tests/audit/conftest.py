"""One audit of a toy, drawn once; tests that change a run draw their own."""

from __future__ import annotations

import pytest

from tests.audit.toy_classifier import audit, contrary


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """(run, face): two seeds, two targets, real faces, a second opinion, recalls of one attribute."""
    out = tmp_path_factory.mktemp("audits") / "toy"
    recalls = {"side": [[0.95, 0.05], [0.05, 0.95]]}
    run, face, _ = audit(out, real=True, second=contrary(), recalls=recalls)
    return run, face
