"""Jobs on generated hostile pages stay within limits of time and memory. `make fuzz` runs 10,000 such jobs."""

import json
import logging
import sys
import time

import pytest

from app.errors.pages import PageTooComplexError
from app.property.reading import pipeline
from tests.fuzz.soak import runner
from tests.fuzz.soak.child import FailedReaders, measured
from tests.fuzz.soak.pages import HostilePage, hostile_page
from tests.fuzz.soak.runner import MOST_CPU_SECONDS, MOST_MEGABYTES, Outcome, soak

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what a page takes is read from /proc")
_PAGES = 20
#: A program that replaces the soak's child. It reports its start, waits for a page, and then runs a test's code.
_ENDS = """
import sys
print('{"problem": "", "kept_megabytes": 50}', flush=True)
sys.stdin.readline()
"""


@pytest.mark.long
def test_no_hostile_page_takes_too_much() -> None:
    """A job that stores a page and quotes it to a model takes at most 3 s of CPU time and 400 MB."""
    outcomes = soak(20_261_129, range(_PAGES))
    assert len(outcomes) == _PAGES
    assert [str(one) for one in outcomes if one.failure] == []
    assert {"done", "page_too_complex"} <= {one.code for one in outcomes}


@pytest.mark.long
def test_no_known_attack_takes_too_much() -> None:
    """Each attack once blocked a worker for 2 s to 100 s."""
    known: dict[str, tuple[str, bytes]] = {
        "blanks": ("text/html", b"<meta http-equiv=" + b" " * 65_000),
        "quotes": ("text/html", b"<p>" + "‹".encode() * 120_000),
        "keys": ("application/json", json.dumps({f"k{n}": n for n in range(200_000)}).encode()),
        "rules": (
            "text/html",
            b"<style>" + b"".join(b".a%d .b{color:red}" % n for n in range(20_000)) + b"</style><p>x",
        ),
        "rows": ("application/json", json.dumps([{"address": "12 Elm St", "text": "y" * 40_000}] * 200).encode()),
        "attributes": ("text/html", b"<p a='b'c='d'" + b"".join(b" a%d" % n for n in range(150_000)) + b">x"),
    }

    def page(_: int, number: int) -> HostilePage:
        name = list(known)[number]
        kind, body = known[name]
        return HostilePage(name, (("Content-Type", kind),), body)

    outcomes = soak(1, range(len(known)), page)
    assert [str(one) for one in outcomes if one.failure] == []
    assert len(outcomes) == len(known)


def test_a_page_depends_only_on_its_seed_and_number() -> None:
    pages = {(seed, number): hostile_page(seed, number) for seed in (1, 2) for number in range(20)}
    assert len(set(pages.values())) == len(pages)
    assert all(hostile_page(*which) == page for which, page in reversed(pages.items()))


def test_cpu_time_and_memory_of_a_job_are_measured() -> None:
    def work() -> None:
        until = time.process_time() + 0.3
        while time.process_time() < until:
            pass
        bytearray(b"x" * 100_000_000)

    idle, result = measured(lambda: None, FailedReaders()), measured(work, FailedReaders())
    assert (result["code"], result["problem"]) == ("done", "")
    assert 0.3 <= result["seconds"] < 3
    assert 180 <= result["peak_megabytes"] - idle["peak_megabytes"] < 300


def test_more_than_a_page_may_take_is_a_failure() -> None:
    assert not Outcome(1, "run", "done", MOST_CPU_SECONDS, MOST_MEGABYTES).failure
    assert "3.1 s of CPU" in Outcome(1, "run", "done", 3.1, 1.0).failure
    assert "401 MB" in Outcome(1, "run", "done", 1.0, 401.0).failure


def test_an_error_that_no_page_may_cause_and_a_reader_that_fails_silently_are_failures() -> None:
    def raises(exc: Exception) -> None:
        raise exc

    log, failed = logging.getLogger(pipeline.__name__), FailedReaders()
    log.addHandler(failed)
    try:
        silent = measured(lambda: log.warning("extractor %s failed", "tables"), failed)
    finally:
        log.removeHandler(failed)
    assert "tables failed" in silent["problem"]
    too_complex = measured(lambda: raises(PageTooComplexError("u", "r")), failed)
    assert (too_complex["code"], too_complex["problem"]) == ("page_too_complex", "")
    defect = measured(lambda: raises(ZeroDivisionError("by zero")), failed)
    assert (defect["code"], "by zero" in defect["problem"]) == ("ZeroDivisionError", True)


@pytest.mark.parametrize(
    ("end", "problem"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "status -11"),
        ("sys.exit(3)", "status 3"),
        ("import time; time.sleep(60)", "did not come to an end"),
    ],
)
def test_a_process_that_ends_or_hangs_is_a_failure(monkeypatch: pytest.MonkeyPatch, end: str, problem: str) -> None:
    monkeypatch.setattr(runner, "CHILD", (sys.executable, "-c", _ENDS + end))
    monkeypatch.setattr(runner, "MOST_WALL_SECONDS", 1.0 if "sleep" in end else 300.0)
    outcomes = soak(1, range(2), lambda *_: HostilePage("run", (), b"x"))
    assert [problem in one.failure for one in outcomes] == [True, True]
    assert "2 failures" in runner.summary(outcomes)
