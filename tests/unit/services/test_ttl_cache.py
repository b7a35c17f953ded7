"""Answers are cached for a limited time. Failures are not cached."""

import threading
from collections.abc import Callable

import pytest

from app.services.runtime.ttl_cache import TtlCache
from tests.plugins.waiting import wait_until


def _counting() -> Callable[[], int]:
    asked = 0

    def ask() -> int:
        nonlocal asked
        asked += 1
        return asked

    return ask


def test_an_answer_is_cached_until_its_time_ends() -> None:
    now = 100.0
    kept = TtlCache(_counting(), 1.0, monotonic=lambda: now)
    assert (kept(), kept()) == (1, 1)
    now = 100.999
    assert kept() == 1
    now = 101.0
    assert kept() == 2
    now = 161.0
    assert kept.last(60.0) == 2
    now = 161.001
    assert kept.last(60.0) is None


def test_a_failure_is_not_cached() -> None:
    answers = iter([ValueError("no"), 5])

    def ask() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    kept = TtlCache(ask, 60.0)
    with pytest.raises(ValueError, match="no"):
        kept()
    assert kept() == 5


def test_within_the_grace_callers_get_the_old_answer_while_one_call_refreshes_it() -> None:
    now = 100.0
    going = threading.Event()
    going.set()
    count = _counting()

    def ask() -> int:
        going.wait(60)
        return count()

    kept = TtlCache(ask, 1.0, grace_seconds=2.0, monotonic=lambda: now)
    assert kept() == 1
    now = 102.9
    going.clear()
    assert [kept() for _ in range(3)] == [1, 1, 1]
    going.set()
    wait_until(lambda: kept.last(0.5) == 2, 10)
    assert kept() == 2
    now = 110.0
    assert kept() == 3, "an answer was returned after its grace"


def test_a_failure_within_the_grace_is_tried_again() -> None:
    now = 100.0
    answers = iter([1, ValueError("no"), 3])
    asked = []

    def ask() -> int:
        answer = next(answers)
        asked.append(answer)
        if isinstance(answer, Exception):
            raise answer
        return answer

    kept = TtlCache(ask, 1.0, grace_seconds=2.0, monotonic=lambda: now)
    kept()
    now = 101.5
    assert kept() == 1
    wait_until(lambda: len(asked) == 2, 10)
    wait_until(lambda: kept() == 3, 10)


def test_if_no_thread_can_start_the_next_caller_refreshes(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a machine is briefly out of threads, callers must not wait forever."""
    now = 100.0
    kept = TtlCache(_counting(), 1.0, grace_seconds=2.0, monotonic=lambda: now)
    kept()
    now = 101.5

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", refuse)
        assert kept() == 1
    wait_until(lambda: kept() >= 2, 10)
