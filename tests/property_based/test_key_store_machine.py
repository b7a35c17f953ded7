"""A memory store and a server store give the same replies to the same steps on the same clock."""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.clock import ManualClock
from app.keypool.breaker import Policy
from app.keypool.keys import ApiKey
from app.keypool.limits import LimitReading, MeterReading
from app.keypool.outcomes import Outcome
from app.keypool.snapshots import Action, KeySnapshot
from app.keypool.spending import Budget, Usage
from app.keypool.stores.base import LEASE_US, Change, KeyRequest, Later, Lease, NoCapacity, Settlement, Store
from app.keypool.stores.memory import MemoryStore
from app.keypool.stores.redis import RedisStore
from app.keypool.strategies import STRATEGIES
from tests.plugins.examples import drawn
from tests.plugins.redis_fixtures import TAG
from tests.plugins.store_draws import (
    ASKS,
    BUDGETS,
    KEYS,
    PAUSES,
    POLICY,
    READINGS,
    REQUEST_LIMITS,
    TOKEN_LIMITS,
    TROUBLE,
    Dice,
    Reading,
    only,
)
from tests.plugins.store_steps import DAY, HOUR, MINUTE, SECOND, wait_until

MakeStores = Callable[[tuple[ApiKey, ...], str, ManualClock, Budget, Dice], tuple[Store, Store]]


class Held(NamedTuple):
    model: Lease
    other: Lease


def normalized(model: object, other: object) -> object:
    """Return `other` with the random lease ids of `model`, so that both can be compared."""
    if not (isinstance(model, Lease) and isinstance(other, Lease)):
        return other
    renamed = other.text.replace(other.lease_id, model.lease_id, 1)
    return replace(other, lease_id=model.lease_id, text=renamed)


def full_at(lease: Lease) -> tuple[float, float]:
    parts = json.loads(lease.text)
    return float(parts[8]), float(parts[13])


def figures(store: Store) -> list[KeySnapshot]:
    return sorted(store.snapshot(), key=lambda seen: seen.key_id if seen.state == "draining" else "")


class StoreMachine(RuleBasedStateMachine):
    """A state machine that runs the same steps of callers, operators, providers, and time on two stores."""

    make_stores: MakeStores

    @initialize(
        strategy=st.sampled_from(sorted(STRATEGIES)),
        count=st.integers(3, 5),
        budget=st.sampled_from(BUDGETS),
        proven=st.sampled_from([True, True, False]),
        with_headers=st.sampled_from([True, True, False]),
        **READINGS,
    )
    def begin(
        self, strategy: str, count: int, budget: Budget, proven: bool, with_headers: bool, **readings: Reading
    ) -> None:
        """If `with_headers` is false, the provider never reports a limit."""
        self.with_headers = with_headers
        self.clock = ManualClock()
        self.dice = Dice()
        self.model, self.other = type(self).make_stores(KEYS[:count], strategy, self.clock, budget, self.dice)
        self.reserved: list[Held] = []
        self.open: list[Held] = []
        self.streams: list[Held] = []
        self.ended: list[Held] = []
        self.soon: set[int] = set()
        self.rare: set[int] = set()
        self.configured = {key.key_id for key in KEYS[:count]}
        self.disabled: set[str] = set()
        for _ in range(count if proven else 0):
            self._acquire(KeyRequest("m", 10, 0), 0)
            if self.open:
                self._settle(0, LimitReading(**readings), outcome=Outcome.SUCCESS)

    def teardown(self) -> None:
        if hasattr(self, "other"):
            self.other.close()

    # --- steps of callers ---------------------------------------------------------------------------------------------

    @rule(**ASKS, times=st.sampled_from([1, 1, 4, 20]))
    def acquire(self, ask: KeyRequest, face: int, times: int) -> None:
        while times and self._acquire(ask, face):
            times -= 1

    @rule(**ASKS, outcome=st.sampled_from([Outcome.SUCCESS, Outcome.SUCCESS, *Outcome]), **READINGS)
    def request(self, ask: KeyRequest, face: int, outcome: Outcome, requests: Reading, tokens: Reading) -> None:
        self._acquire(ask, face)
        if self.open:
            self._settle(len(self.open) - 1, LimitReading(requests, tokens), outcome=outcome)

    @rule(
        whose=st.sampled_from([*[(key,) for key in KEYS], KEYS[:2], KEYS, KEYS]),
        outcome=st.sampled_from([None, *([Outcome.SERVER_FAILURE] * 3), *TROUBLE]),
        nth=st.integers(0, 3),
        beside_us=st.sampled_from([-1, 0, 0, 1]),
        pause_us=PAUSES,
    )
    def trouble(
        self, whose: tuple[ApiKey, ...], outcome: Outcome | None, nth: int, beside_us: int, pause_us: int | None
    ) -> None:
        """Make some keys fail, or not answer if `outcome` is None. Then advance the clock to a deadline this causes."""
        before = self.soon | self.rare
        for key in whose:
            for _ in range(POLICY.failure_threshold if outcome is Outcome.SERVER_FAILURE else 1):
                sent = self._acquire(only(key), 0)
                if sent and outcome is not None:
                    self._settle(len(self.open) - 1, LimitReading(), outcome=outcome, pause_us=pause_us)
        for key in whose:
            self._acquire(only(key), 0)
        moments = sorted((self.soon | self.rare) - before)
        if moments:
            self._go_to(moments[nth % len(moments)] + beside_us)
        for key in whose:
            self._acquire(only(key), 0)

    def _acquire(self, ask: KeyRequest, face: int) -> bool:
        self.dice.face = face
        before = self.clock.now_us()
        replies = self._same(lambda store: store.acquire(ask))
        self._note(replies)
        match replies[0]:
            case Lease(key_id=key_id, at_us=at_us):
                assert key_id in self.configured - self.disabled - ask.barred
                assert before <= at_us <= before + ask.max_wait_us
            case Later(pause_us):
                assert 0 < pause_us <= SECOND
            case NoCapacity(retry_after_us):
                assert 0 <= retry_after_us <= DAY
        return isinstance(replies[0], Lease)

    @precondition(lambda self: self.reserved)
    @rule(pick=st.integers(0, 9), beside_us=st.sampled_from([-1, 0, 0, 1, 5_000, 2 * SECOND]))
    def confirm_one(self, pick: int, beside_us: int) -> None:
        held = self._take(self.reserved, pick)
        self._go_to(held.model.at_us + beside_us)
        self._confirm(held)

    @precondition(lambda self: self.reserved)
    @rule(most=st.integers(1, 9))
    def confirm_in_turn(self, most: int) -> None:
        for held in sorted(self.reserved, key=lambda held: held.model.at_us)[:most]:
            self.reserved.remove(held)
            self._go_to(held.model.at_us)
            self._confirm(held)

    def _confirm(self, held: Held) -> None:
        replies = self.model.confirm(held.model), self.other.confirm(held.other)
        assert replies[0] == normalized(*replies), replies
        if isinstance(replies[0], Later):
            self.reserved.append(held)
            self.soon.add(self.clock.now_us() + replies[0].pause_us)
        elif replies[0] is None:
            self.ended.append(held)
        else:
            self._note(replies)

    @precondition(lambda self: self.reserved)
    @rule(pick=st.integers(0, 9))
    def give_back(self, pick: int) -> None:
        held = self._take(self.reserved, pick)
        self._each(held, lambda store, lease: store.give_back(lease))
        self.ended.append(held)

    @precondition(lambda self: self.ended)
    @rule(pick=st.integers(0, 9), outcome=st.sampled_from(Outcome))
    def repeat(self, pick: int, outcome: Outcome) -> None:
        held = self.ended[pick % len(self.ended)]
        assert self._each(held, lambda store, lease: store.settle(lease, Settlement(outcome))) == Change()
        assert self._each(held, lambda store, lease: store.give_back(lease)) is None

    @precondition(lambda self: self.streams)
    @rule(
        pick=st.integers(0, 9),
        tokens=st.integers(0, 30_000),
        microusd=st.integers(0, 50),
        output_tokens=st.integers(0, 20_000),
        tells=st.booleans(),
        broke=st.booleans(),
    )
    def end_of_stream(self, pick: int, *, tells: bool, broke: bool, **used: int) -> None:
        held, usage = self._take(self.streams, pick), Usage(**used) if tells else None
        for _ in range(2):  # the second call is a retry, as after a lost reply
            self._each(held, lambda store, lease: store.end_stream(lease, usage, broke=broke))

    @rule(keys=st.permutations(KEYS), count=st.sampled_from([0, 2, 3, 4, 5, 5, 5]))
    def set_keys(self, keys: list[ApiKey], count: int) -> None:
        self._same(lambda store: store.set_keys(keys[:count]))
        self.configured = {key.key_id for key in keys[:count]}

    # --- steps of operators -------------------------------------------------------------------------------------------

    @rule(key=st.sampled_from(KEYS), action=st.sampled_from(["disable", "enable", "enable", "probe", "probe"]))
    def act(self, key: ApiKey, action: Action) -> None:
        self._same(lambda store: store.act(key.key_id, action))
        if action != "probe":
            self.disabled = self.disabled - {key.key_id} | ({key.key_id} if action == "disable" else set())
        self._acquire(only(key), 0)

    # --- steps of providers -------------------------------------------------------------------------------------------

    @precondition(lambda self: self.open)
    @rule(
        pick=st.integers(0, 9),
        outcome=st.sampled_from([Outcome.SUCCESS, Outcome.SUCCESS, Outcome.SUCCESS, *Outcome]),
        **READINGS,
        pause_us=PAUSES,
        counts=st.booleans(),
        admitted_after_us=st.sampled_from([0, 0, 1_500, 400_000]),
        limited_by=st.sampled_from([None, "requests", "tokens"]),
        usage=st.sampled_from([None, Usage(3, 1), Usage(900, 30, 200, 512)]),
        waited_us=st.sampled_from([0, 10_000, 10_001, 700_000, 90 * SECOND]),
    )
    def settle(self, pick: int, requests: Reading, tokens: Reading, **facts: Any) -> None:
        self._settle(pick, LimitReading(requests, tokens), **facts)

    @precondition(lambda self: self.open)
    @rule(
        pick=st.integers(0, 9),
        outcome=st.sampled_from([Outcome.SUCCESS, Outcome.SUCCESS, Outcome.RATE_LIMITED]),
        late_us=st.sampled_from([0, 0, 1_999, 2_000, 2_001, 700_000, -SECOND, -5 * SECOND, -20 * SECOND]),
        requests=st.sampled_from(REQUEST_LIMITS),
        tokens=st.sampled_from(TOKEN_LIMITS),
        pause_us=st.sampled_from([None, SECOND]),
    )
    def settle_as_expected(
        self, pick: int, late_us: int, requests: tuple[int, int], tokens: tuple[int, int], **facts: Any
    ) -> None:
        lease = self.open[pick % len(self.open)].model
        readings = [
            _expected(full_at_us - lease.at_us + late_us, *limit)
            for full_at_us, limit in zip(full_at(lease), (requests, tokens), strict=True)
        ]
        self._settle(pick, LimitReading(*readings), **facts)

    @precondition(lambda self: self.open)
    @rule(pick=st.integers(0, 9), outcome=st.sampled_from([*([Outcome.SERVER_FAILURE] * 9), *Outcome]))
    def all_of_one_key_end_alike(self, pick: int, outcome: Outcome) -> None:
        key_id = self.open[pick % len(self.open)].model.key_id
        for position in reversed([n for n, held in enumerate(self.open) if held.model.key_id == key_id]):
            self._settle(position, LimitReading(), outcome=outcome)

    def _settle(self, pick: int, limits: LimitReading, **facts: Any) -> None:
        held = self._take(self.open, pick)
        limits = limits if self.with_headers else LimitReading()
        streams = facts["outcome"] is Outcome.SUCCESS and facts.get("usage") is None
        settlement = Settlement(limits=limits, streams=streams, **facts)
        change = self._each(held, lambda store, lease: store.settle(lease, settlement))
        self.ended.append(held)
        if streams:
            self.streams.append(held)
        now, pause = self.clock.now_us(), settlement.pause_us
        self.soon.add(now + (MINUTE if pause is None else pause))
        if change.opened_after is not None:
            self.rare |= {now + POLICY.open_us * 2**n for n in range(3)}
        if change.died or change.quota_gone:
            self.rare |= {now + POLICY.dead_probe_us, now + POLICY.last_resort_us, now + HOUR, now + 2 * HOUR}

    # --- steps of time ------------------------------------------------------------------------------------------------

    @rule(microseconds=st.sampled_from([1, 1_000, 100_000, SECOND, 10 * SECOND, 5 * MINUTE, 1 * HOUR]))
    def wait(self, microseconds: int) -> None:
        self._go_to(self.clock.now_us() + microseconds)

    @rule(rare=st.booleans(), nth=st.integers(0, 3), beside_us=st.sampled_from([-1, 0, 0, 1]))
    def jump_to_a_deadline(self, rare: bool, nth: int, beside_us: int) -> None:
        """Advance the clock to a future deadline plus `beside_us`. At a deadline, a reply may change."""
        now = self.clock.now_us()
        midnight = now - now % DAY + DAY
        ahead = sorted(at for at in {*(self.rare if rare else self.soon), midnight} if at > now)
        self._go_to(ahead[min(nth, len(ahead) - 1)] + beside_us)
        for key in KEYS if rare else ():
            self._acquire(only(key), 0)

    # --- invariants ---------------------------------------------------------------------------------------------------

    @invariant()
    def figures_are_equal(self) -> None:
        self._same(lambda store: (store.now_us(), figures(store), store.spent(), store.spent("b")))
        model, other = self.model.figures(), self.other.figures()
        assert replace(model, scope="fleet") == other, (model, other)

    @invariant()
    def figures_add_up(self) -> None:
        """The requests in flight are those with a valid lease, and no request ends twice."""
        now = self.clock.now_us()
        held = Counter(one.model.key_id for one in (*self.open, *self.reserved) if one.model.at_us + LEASE_US > now)
        for key in self.model.snapshot():
            assert key.in_flight == held[key.key_id], key
            assert key.successes + key.failures <= key.requests, key
        assert all(0 <= capacity.left <= capacity.per_minute for capacity in self.model.figures().capacities)

    # --- helpers ------------------------------------------------------------------------------------------------------

    def _same(self, step: Callable[[Store], Any]) -> tuple[Any, Any]:
        replies = step(self.model), step(self.other)
        assert replies[0] == normalized(*replies), replies
        return replies

    def _each(self, held: Held, step: Callable[[Store, Lease], Any]) -> Any:
        replies = step(self.model, held.model), step(self.other, held.other)
        assert replies[0] == replies[1], replies
        return replies[0]

    def _note(self, replies: tuple[Any, Any]) -> None:
        now = self.clock.now_us()
        match replies[0]:
            case Lease(reserved=True, at_us=at_us):
                self.reserved.append(Held(*replies))
                self.soon |= {at_us, at_us + POLICY.probe_lease_us}
            case Lease(at_us=at_us):
                self.open.append(Held(*replies))
                self.soon |= {at_us + POLICY.probe_lease_us, at_us + POLICY.fresh_probe_us}
                self.rare.add(at_us + LEASE_US)
            case Later(pause_us):
                self.soon.add(now + pause_us)
            case NoCapacity(retry_after_us):
                self.soon.add(now + retry_after_us)

    @staticmethod
    def _take(held: list[Held], pick: int) -> Held:
        return held.pop(pick % len(held))

    def _go_to(self, at_us: int) -> None:
        if at_us > self.clock.now_us():
            wait_until(self.clock, at_us)


def _expected(reset_us: float, per_minute: int, capacity: int) -> MeterReading | None:
    """Return the reading of a bucket that is full after `reset_us`, or None if even an empty one is full earlier."""
    used = max(0.0, reset_us) * per_minute / MINUTE
    return MeterReading(per_minute, capacity - used, round(max(0.0, reset_us))) if used <= capacity else None


PROFILE = drawn(300, stateful_step_count=40, suppress_health_check=list(HealthCheck))


def _run(make_stores: MakeStores, profile: settings = PROFILE) -> None:
    machine = type("Machine", (StoreMachine,), {"make_stores": staticmethod(make_stores)})
    run_state_machine_as_test(machine, settings=profile)


@pytest.fixture
def redis_connection(embedded_valkey_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(embedded_valkey_url, socket_timeout=10) as connection:
        yield connection


def _memory(policy: Policy = POLICY) -> Callable[..., Store]:
    return lambda keys, strategy, clock, budget, dice: MemoryStore(
        keys, strategy, clock, policy=policy, rng=dice, budget=budget
    )


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_server_store_behaves_like_a_memory_store(redis_connection: redis.Redis) -> None:
    numbers = itertools.count()

    def make(*parts: Any) -> tuple[Store, Store]:
        keys, strategy, clock, budget, dice = parts
        redis_connection.flushdb()
        prefix = f"{TAG}:machine{next(numbers)}"
        other = RedisStore(
            keys, strategy, redis_connection, clock=clock, policy=POLICY, rng=dice, budget=budget, prefix=prefix
        )
        return _memory()(*parts), other

    _run(make)


@pytest.mark.parametrize("number", ["open_us", "last_resort_us"])
def test_the_machine_detects_a_difference_of_one_microsecond(number: str) -> None:
    off = replace(POLICY, **{number: getattr(POLICY, number) + 1})
    profile = settings(PROFILE, max_examples=1_000, phases=[Phase.generate], derandomize=True)
    with pytest.raises(AssertionError):
        _run(lambda *parts: (_memory()(*parts), _memory(off)(*parts)), profile)
