"""Rate-limit state in memory and in Redis behaves the same, given the same steps and one clock."""

import uuid
from collections.abc import Iterator

import pytest
import redis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from app.clock import ManualClock
from app.property.fetch.pace.rules import RequestOutcome, Visitor
from app.property.fetch.pace.stores import LocalPace, RedisPace
from tests.plugins.examples import drawn

VISITORS = [Visitor(f"job-{n}", f"batch-{n % 3}", 2.0, can_defer=True) for n in range(7)]
VISITORS += [Visitor(f"job-{n}", "batch-0", 60.0, requested_site="old.example") for n in (0, 7)]
GAPS = st.sampled_from([0.0, 0.1, 1.0, 7.0])
LEFT = st.sampled_from([0.0, 0.1, 2.0, 60.0])
ANSWERS = st.builds(
    RequestOutcome,
    latency_us=st.none() | st.integers(0, 90_000_000),
    succeeded=st.booleans(),
    pushed_back=st.booleans(),
    retry_after_us=st.none() | st.sampled_from([0, 1_000_000, 9_000_000_000]),
)


class PaceMachine(RuleBasedStateMachine):
    client: redis.Redis

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.site = ManualClock(), uuid.uuid4().hex
        self.local = LocalPace(self.clock, concurrency=2, lease_seconds=70)
        self.shared = RedisPace(self.client, concurrency=2, lease_seconds=70, clock=self.clock)
        self.tokens: list[str] = []
        self.announced_us: list[int] = []

    @rule(visitor=st.sampled_from(VISITORS), gap=GAPS, left=LEFT)
    def enter(self, visitor: Visitor, gap: float, left: float) -> None:
        self._enter(uuid.uuid4().hex, visitor, gap, left)

    @precondition(lambda self: self.tokens)
    @rule(data=st.data(), visitor=st.sampled_from(VISITORS), gap=GAPS, left=LEFT)
    def enter_again(self, data: st.DataObject, visitor: Visitor, gap: float, left: float) -> None:
        self._enter(data.draw(st.sampled_from(self.tokens)), visitor, gap, left)

    def _enter(self, token: str, visitor: Visitor, gap: float, left: float) -> None:
        answers = [
            store.enter(self.site, token, visitor, gap_seconds=gap, left_seconds=left)
            for store in (self.local, self.shared)
        ]
        assert answers[0] == answers[1]
        self.tokens.append(token)
        self.announced_us.append(self.clock.now_us() + answers[0].wait_us)

    @precondition(lambda self: self.tokens)
    @rule(data=st.data())
    def sent(self, data: st.DataObject) -> None:
        token = data.draw(st.sampled_from(self.tokens))
        for store in (self.local, self.shared):
            store.sent(self.site, token)

    @precondition(lambda self: self.tokens)
    @rule(data=st.data(), outcome=ANSWERS)
    def leave(self, data: st.DataObject, outcome: RequestOutcome) -> None:
        token = data.draw(st.sampled_from(self.tokens))
        for store in (self.local, self.shared):
            store.leave(self.site, token, outcome)

    @rule(seconds=st.sampled_from([0.05, 0.5, 3.0, 70.0, 3_601.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @precondition(lambda self: self.announced_us)
    @rule(data=st.data(), beside_us=st.sampled_from([-1, 0, 1]))
    def jump_to_an_announced_time(self, data: st.DataObject, beside_us: int) -> None:
        ahead = data.draw(st.sampled_from(self.announced_us)) + beside_us - self.clock.now_us()
        if ahead > 0:
            self.clock.advance(ahead / 1_000_000)


@pytest.fixture(scope="module")
def client(embedded_valkey_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(embedded_valkey_url, socket_timeout=120) as connection:
        yield connection


def test_both_paces_behave_the_same(client: redis.Redis) -> None:
    PaceMachine.client = client
    run_state_machine_as_test(PaceMachine, settings=drawn(60, stateful_step_count=40))
