"""Who gets drawn: methods against targets, in shares, quality and cost."""

from gammaface.audit.options import Aim, AuditOptions, Method, estimate
from gammaface.audit.reference import Real, read_real
from gammaface.audit.run import run_audit
from gammaface.audit.second import Second, find_second
from gammaface.audit.tables import write_tables

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
