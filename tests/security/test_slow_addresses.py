"""Addresses that are made to be slow to read: none of them is, and ten thousand in a request are given up in time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.access.tokens import Role, issue_token
from app.clock import SystemClock
from app.errors.targets import InvalidTargetError
from app.property.urls.targets import normalise_target
from app.settings import Settings
from web import create_app, limits
from web.limits import MAX_TARGETS, READING_SECONDS

PLAIN = "12 Elmwood Broadway Springfield IL 62701"
#: the processor time for one address, compared with that for the plain one
MOST_TIMES = 10
#: what stands before, what is repeated up to 280 characters, what stands behind
KINDS = [
    ("7 ", "\ufdfa", ", X, IL 62701"),  # one character is eighteen
    ("7 ", "½", ", X, IL 62701"),
    ("", "1 & ", ", IL 62701"),
    ("7 Main ", "Apt 4 ", ", X, IL 62701"),
    ("7 Main ", "Unit # ", ", X, IL 62701"),
    ("7 Main St ", "Bldg B ", " X, IL 62701"),
    ("7 Main St", ", A", ", IL 62701"),
    ("7 ", "Hwy 5 ", " IL 62701"),
    ("7 ", "N ", " IL 62701"),
    ("7 ", "St ", " IL 62701"),
    ("", "1 ", ", IL 62701"),
    ("", "RR 1 BOX 2 ", " IL 62701"),
    ("7 ", "a, ", ", Netherlands"),
    ("7 ", "A1 ", ", Canada"),
]
#: is read anew and anew, each time in another way
UNSETTLED = "{} Bldg Front and and Trailer and Front Front, X, IL 62701"

#: asks what so many targets would cost; -> status, answer, seconds of this process
Estimate = Callable[[list[str]], tuple[int, dict[str, Any], float]]


def seconds_of(target: str) -> float:
    """Processor time for reading it: the least of three times, since others use the caches of the processor too."""
    taken = []
    for _ in range(3):
        began = time.thread_time()
        with contextlib.suppress(InvalidTargetError):
            normalise_target(target)
        taken.append(time.thread_time() - began)
    return min(taken)


@pytest.mark.parametrize(("before", "repeated", "after"), KINDS, ids=ascii)
def test_no_address_is_slow_to_read(before: str, repeated: str, after: str) -> None:
    normalise_target(PLAIN)  # loads the tables and the tagger
    most = MOST_TIMES * seconds_of(PLAIN)
    room = (280 - len(before) - len(after)) // len(repeated)
    for count in (room, 30 // len(repeated.split()), 12, 8):  # as many as fit, and so few that they are read
        assert seconds_of(f"{before}{repeated * min(room, count)}{after}") < most


def test_an_address_of_many_words_is_refused_in_words() -> None:
    with pytest.raises(InvalidTargetError, match="an address has 40 words at most"):
        normalise_target(f"12 {'Elm ' * 45}St, Springfield, IL 62701")


@pytest.fixture
def estimate(
    make_settings: Callable[..., Settings],
) -> Iterator[Estimate]:
    settings = make_settings()
    token = issue_token(settings, Role.OPERATOR, timedelta(minutes=5), clock=SystemClock(), subject="tester")
    with TestClient(create_app(lambda: settings)) as client:

        def ask(targets: list[str]) -> tuple[int, dict[str, Any], float]:
            began = time.process_time()
            answer = client.post(
                "/api/v1/estimates", json={"targets": targets}, headers={"Authorization": f"Bearer {token}"}
            )
            return answer.status_code, answer.json(), time.process_time() - began

        ask([PLAIN])
        yield ask


def test_ten_thousand_hostile_addresses_are_given_up_in_time(
    estimate: Estimate,
) -> None:
    status, answer, seconds = estimate([UNSETTLED.format(n) for n in range(MAX_TARGETS)])
    assert seconds < READING_SECONDS + 4  # to send, parse, and answer
    assert status == 200 or answer["error"]["code"] == "targets_too_costly"


def test_ten_thousand_plain_addresses_are_taken(estimate: Estimate, monkeypatch: pytest.MonkeyPatch) -> None:
    """They take a third of what they may; three times as much is let pass for a slow machine."""
    monkeypatch.setattr(limits, "READING_SECONDS", 3 * READING_SECONDS)
    status, answer, _ = estimate([f"{n} Main St, Springfield, IL 62701" for n in range(MAX_TARGETS)])
    assert status == 200
    assert answer["data"]["jobs"] == MAX_TARGETS
