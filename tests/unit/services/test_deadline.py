"""A call with a time limit returns the answer, raises the call's error, or reports that no answer came."""

import threading

import pytest

from app.deadline import TimeLimited
from app.errors import NoAnswerError
from app.errors.storage import StoreError


def test_the_answer_and_the_error_are_passed_on() -> None:
    assert TimeLimited(lambda: 7, "the oracle", 10)() == 7

    def refuse() -> None:
        raise StoreError("db", "closed")

    with pytest.raises(StoreError, match="closed"):
        TimeLimited(refuse, "the oracle", 10)()


def test_a_call_that_hangs_is_named_and_runs_in_one_thread_only() -> None:
    """While a call hangs, later calls wait for its answer. After the answer, the next call starts a new one."""
    asked, may_answer = [], threading.Event()

    def hang() -> int:
        asked.append(threading.current_thread())
        may_answer.wait()
        return len(asked)

    ask = TimeLimited(hang, "the oracle", 0.01)
    for _ in range(3):
        with pytest.raises(NoAnswerError, match=r"the oracle gave no answer within 0\.01 s"):
            ask()
    assert len(asked) == 1
    assert asked[0].daemon
    may_answer.set()
    asked[0].join()
    patient = TimeLimited(hang, "the oracle", 10)
    assert patient() == 2
    assert patient() == 3
