"""A good run meets every target. A run with one error misses only the target for this error."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from tests.chaos.account import figures
from tests.chaos.evidence import Evidence, JobRow, Probe
from tests.chaos.expectation import Expectation
from tests.chaos.ledger import InterruptedJob, Kill, Ledger
from tests.chaos.plan import REPORT_SECONDS, Plan
from tests.chaos.store_under_test import StoreUnderTest
from tests.chaos.watch import LogLine, Start, Watch

HOME, POISON = "http://127.0.0.1/homes/1", "http://127.0.0.1/poison/2"
PRICE = (HOME, "ListPrice", "d1")
FAILED = {"state": "failed", "error_code": "page_gone", "error_message": "it is gone"}
NOBODY = cast(StoreUnderTest, None)


def row(job_id: str, **changes: Any) -> JobRow:
    given = {"target": HOME, "state": "done", "attempts": 1, "property_id": "h", "error_code": None}
    return JobRow(id=job_id, **{**given, "error_message": None, "lease_owner": None, **changes})


def kill(what: str, at: float, *interrupted: InterruptedJob) -> Kill:
    return Kill(what, at, frozenset({1}), interrupted)


@pytest.fixture
def good_run(tmp_path: Path) -> Evidence:
    """Return a good run with one listing and one poison page, in which a worker, a beat, and the broker were killed."""
    evidence = Evidence(Plan.small(1, "sqlite", jobs=2), tmp_path, began=0.0)
    evidence.accepted = ["home", "poison"]
    given_up = row("poison", target=POISON, state="failed", error_code="worker_died", error_message="gave up")
    evidence.jobs = {"home": row("home"), "poison": given_up}
    evidence.fetched, evidence.paid = Counter({HOME: 2}), Counter({"question": 1})
    evidence.observations, evidence.properties, evidence.without_model = Counter({PRICE: 1}), 1, {HOME: False}
    evidence.expectation = Expectation(Counter({PRICE: 1}), {"question": HOME})
    evidence.ledger, evidence.watch = Ledger(NOBODY), Watch(NOBODY, {})
    unsaved = InterruptedJob("home", HOME, page_saved=False, answer_saved=True)
    evidence.ledger.kills = [kill("worker", 10.0, unsaved), kill("beat", 40.0)]
    evidence.ledger.kills += [kill("poison", float(n)) for n in range(5)]
    evidence.watch.starts = [Start(5.0, "home", "one"), Start(45.0, "home", "two")]
    evidence.watch.log_lines = [LogLine(n * REPORT_SECONDS, "maintenance", report=True) for n in range(9)]
    evidence.watch.log_lines += [LogLine(50.0, "beat-2", report=False), LogLine(54.0, "maintenance", report=True)]
    evidence.probes = [Probe("broker_kill", 20.0, 21.0), Probe("broker_wipe", 30.0, 34.0)]
    return evidence


def missed(evidence: Evidence) -> list[str]:
    return [figure.name for figure in figures(evidence) if figure.holds is False]


def test_a_good_run_meets_every_target(good_run: Evidence) -> None:
    assert missed(good_run) == []


def _log(evidence: Evidence) -> None:
    log = evidence.home / "scrape-1.log"
    frame = '  File "/srv/tasks/base.py", line 1, in retry'
    log.write_text(f"10:00:00 ERROR: what\nTraceback (most recent call last):\n{frame}\nKeyError: 1\n")
    evidence.logs = {"scrape-1": log}


BREAKAGES: dict[str, Callable[[Evidence], object]] = {
    "jobs accounted for": lambda e: e.jobs.update(home=row("home", state="queued", property_id=None)),
    "dead letters whose page is good": lambda e: e.jobs.update(home=row("home", **FAILED)),
    "processes that the poison page killed": lambda e: e.ledger.kills.pop(),
    "properties or observations stored twice": lambda e: e.observations.update([PRICE]),
    "observations that differ": lambda e: e.observations.clear(),
    "pages fetched again beyond": lambda e: e.fetched.update([HOME]),
    "model calls paid again beyond": lambda e: e.paid.update(["question"]),
    "model calls with a question": lambda e: e.paid.update(["another"]),
    "running again after kill -9 of a whole worker": lambda e: e.watch.starts.pop(),
    "consuming again after the broker was killed": lambda e: e.probes.append(Probe("broker_kill", 60.0, 66.0)),
    "consuming again after the broker was wiped": lambda e: e.probes.append(Probe("broker_wipe", 60.0, None)),
    "key reports on schedule": lambda e: e.watch.log_lines.append(LogLine(65.0, "maintenance", report=True)),
    "a beat sends again after the active one was killed": lambda e: e.ledger.kills.append(kill("beat", 51.0)),
    "processes that ended by themselves": lambda e: e.ended.append("scrape-1, exit code 1"),
    "processes left": lambda e: e.left_over.append("4711 python"),
    "tracebacks in the logs": _log,
    "faults that found no time": lambda e: e.not_done.append("child"),
}


@pytest.mark.parametrize("name", BREAKAGES)
def test_each_fault_misses_its_own_target(good_run: Evidence, name: str) -> None:
    BREAKAGES[name](good_run)
    (found,) = missed(good_run)
    assert found.startswith(name)


def test_a_page_that_is_refused_without_a_fault_may_be_a_dead_letter(good_run: Evidence) -> None:
    good_run.jobs["home"] = row("home", **FAILED)
    good_run.expectation = replace(good_run.expectation, refused=frozenset({HOME}))
    assert missed(good_run) == []


def test_a_second_property_of_a_page_counts_as_stored_twice(good_run: Evidence) -> None:
    good_run.properties = 2
    assert missed(good_run) == ["properties or observations stored twice"]


def test_observations_may_be_missing_if_the_model_was_not_used(good_run: Evidence) -> None:
    good_run.observations.clear()
    good_run.without_model[HOME] = True
    assert missed(good_run) == []


def test_a_kill_excuses_no_second_fetch_of_a_saved_page(good_run: Evidence) -> None:
    good_run.ledger.kills[0] = kill("worker", 10.0, InterruptedJob("home", HOME, page_saved=True, answer_saved=True))
    assert missed(good_run) == ["pages fetched again beyond those in flight at a kill"]
