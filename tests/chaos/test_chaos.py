"""Each fault occurs while jobs run. No work may be lost or repeated."""

import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from tests.chaos import report
from tests.chaos.account import figures
from tests.chaos.plan import DatabaseKind, Plan
from tests.chaos.run import missing, run

SEED = 1


@pytest.mark.chaos
@pytest.mark.worker
@pytest.mark.timeout(900)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_no_fault_loses_a_job_or_repeats_work(database: DatabaseKind) -> None:
    lacking = missing(database)
    if lacking:
        pytest.skip("; ".join(lacking))
    home = Path(tempfile.mkdtemp(prefix="chaos-"))
    evidence = run(Plan.small(SEED, database), home, lambda line: sys.stderr.write(f"{line}\n"))
    found = figures(evidence)
    sys.stdout.write(report.table(found))
    missed = report.misses(found)
    if missed:
        pytest.fail(f"{missed}\n{report.tails(evidence)}\nkept: {home}", pytrace=False)
    shutil.rmtree(home)
