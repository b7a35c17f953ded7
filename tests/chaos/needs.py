"""The requirements of a run on this machine."""

from __future__ import annotations

from benchmarks import postgresql
from tests.chaos.fleet import missing_programs
from tests.chaos.plan import DatabaseKind
from tests.chaos.store_under_test import can_mount


def missing(database: DatabaseKind) -> list[str]:
    """Return a sentence for each missing requirement; empty if the run can start."""
    found = missing_programs()
    if not can_mount():
        found.append("no small disk to fill: mounting a tmpfs needs root")
    if database == "postgresql" and (reason := postgresql.why_not()):
        found.append(reason)
    return found
