"""An answer is given again for a while; a failure is not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.services.kept import Kept


def _counting() -> Callable[[], int]:
    asked = 0

    def ask() -> int:
        nonlocal asked
        asked += 1
        return asked

    return ask


def test_an_answer_is_kept_for_its_time_and_no_longer() -> None:
    now = 100.0
    kept = Kept(_counting(), 1.0, lambda: now)
    assert (kept(), kept()) == (1, 1)
    now = 100.999
    assert kept() == 1
    now = 101.0
    assert kept() == 2


def test_of_many_who_ask_at_once_one_does() -> None:
    going = threading.Event()
    count = _counting()

    def ask() -> int:
        going.wait(10)
        return count()

    kept = Kept(ask, 60.0)
    with ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(kept) for _ in range(8)]
        going.set()
        assert {answer.result(10) for answer in answers} == {1}


def test_a_failure_is_not_kept() -> None:
    answers = iter([ValueError("no"), 5])

    def ask() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    kept = Kept(ask, 60.0)
    with pytest.raises(ValueError, match="no"):
        kept()
    assert kept() == 5


def test_the_newest_answer_may_be_had_without_asking() -> None:
    now = 100.0
    kept = Kept(_counting(), 1.0, lambda: now)
    assert kept.last(60.0) is None
    kept()
    now = 160.0
    assert kept.last(60.0) == 1
    now = 160.001
    assert kept.last(60.0) is None
