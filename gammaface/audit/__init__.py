"""Who gets drawn: methods against targets, in shares, quality and cost."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gammaface.audit.options import Aim, AuditOptions, Method, estimate
    from gammaface.audit.reference import Real, read_real
    from gammaface.audit.run import run_audit
    from gammaface.audit.second import Second, find_second
    from gammaface.audit.tables import write_tables

# Pages and reports read an audit's tables without the networks that drew it.
_MODULES = {
    "Aim": "options",
    "AuditOptions": "options",
    "Method": "options",
    "estimate": "options",
    "Real": "reference",
    "read_real": "reference",
    "run_audit": "run",
    "Second": "second",
    "find_second": "second",
    "write_tables": "tables",
}
__all__ = [
    "Aim",
    "AuditOptions",
    "Method",
    "Real",
    "Second",
    "estimate",
    "find_second",
    "read_real",
    "run_audit",
    "write_tables",
]


def __getattr__(name: str):
    if name in _MODULES:
        return getattr(importlib.import_module(f"gammaface.audit.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'gammaface.audit' has no attribute '{name}'")
