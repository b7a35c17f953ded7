"""Tests of the key history store."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import QueuePool, func, select

from app.clock import ManualClock
from app.property.storage.database import Database
from app.property.storage.expiry import delete_expired
from app.property.storage.keys.history import KeyHistoryStore
from app.property.storage.keys.tables import KeyHour
from app.property.storage.keys.usage import HOUR, CountedKey, Demand, Uses, hour_of
from app.settings import Settings
from tests.contract.conftest import at_once

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
Requests = Callable[[], dict[str, int]]


@pytest.fixture
def history(database: Database) -> KeyHistoryStore:
    return KeyHistoryStore(database)


def key(
    name: str, requests: int = 0, *, configured: bool = True, group: str = "", model: str = "m", **transitions: int
) -> CountedKey:
    calls = {model: Uses(requests=requests, successes=requests)} if requests else {}
    return CountedKey(name, f"sk-{name}", group or name, configured, calls, transitions)


def pool(models: Mapping[str, Demand]) -> CountedKey:
    return CountedKey("", "", "", True, models)


def record_counters(history: KeyHistoryStore, *keys: CountedKey, models: Mapping[str, Demand] | None = None) -> None:
    history.record_counters(lambda: [pool(models or {}), *keys])


@pytest.fixture
def requests(database: Database) -> Requests:
    """Return a function that returns the number of recorded requests per key."""
    query = select(KeyHour.key_id, func.sum(KeyHour.requests)).group_by(KeyHour.key_id)
    query = query.where(KeyHour.key_id != "")

    def read() -> dict[str, int]:
        with database.reading() as connection:
            return {key_id: int(count) for key_id, count in connection.execute(query)}

    return read


def test_new_counts_of_all_keys_are_added_to_the_current_hour(history: KeyHistoryStore, clock: ManualClock) -> None:
    used = Uses(3, 3, 0, 0, input_tokens=9_000, output_tokens=300, microusd=50, cached_tokens=5_120)
    record_counters(history, key("a"), key("b"), key("c"))
    record_counters(history, key("a", 10), key("b", 5), CountedKey("c", "sk-c", "c", True, {"m": used}))
    first = hour_of(clock.now())
    clock.advance(2 * HOUR_S)
    record_counters(history, key("a", 10), key("b", 5))
    clock.advance(15)
    record_counters(history, key("a", 17), key("b", 5))
    clock.advance(15)
    record_counters(history, key("a", 4), key("b", 5))  # the pool's store lost its data and counts from 0 again
    last = (hour_of(clock.now()), Uses(requests=11, successes=11))
    assert history.by_hour(first) == [(first, replace(used, requests=18, successes=18)), last]
    assert history.by_hour(last[0]) == [last]


def test_a_new_database_ignores_earlier_counts(
    history: KeyHistoryStore, clock: ManualClock, requests: Requests
) -> None:
    """The first counts may have accumulated long before, so they are only a baseline. A key added later starts at 0."""
    record_counters(history, key("a", 900, open=2, dead=1), models={"m": Demand(900)})
    clock.advance(15)
    record_counters(history, key("a", 903, open=2, dead=1), key("b", 4), models={"m": Demand(907)})
    assert requests() == {"a": 3, "b": 4}
    assert history.demand(clock.now() - HOUR) == {"m": Demand(7)}
    assert [(known.opened_at, known.died_at) for known in history.known_keys()] == [(None, None)] * 2


def test_each_model_of_a_key_is_counted(history: KeyHistoryStore, clock: ManualClock, requests: Requests) -> None:
    record_counters(history, key("a"))
    record_counters(history, key("a", 100, model="large"))
    clock.advance(15)
    record_counters(history, key("a", 3, model="small"))
    clock.advance(15)
    record_counters(history, key("a", 101, model="large"))
    assert requests() == {"a": 104}, "a model without new counts must not change"


def test_concurrent_processes_count_each_request_once(
    history: KeyHistoryStore, database: Database, clock: ManualClock, requests: Requests
) -> None:
    """A process reads the counts again if another process has recorded newer ones meanwhile."""
    record_counters(history, key("a", 0))
    shown = itertools.count(5, 5)

    def read() -> list[CountedKey]:
        sent = next(shown)
        return [pool({"m": Demand(sent=sent, refusals={"no_capacity": sent})}), key("a", sent)]

    at_once(*[lambda: KeyHistoryStore(database).record_counters(read)] * 8)
    total = next(shown) - 5
    assert requests() == {"a": total}
    assert history.demand(clock.now() - HOUR) == {"m": Demand(sent=total, refusals={"no_capacity": total})}


def test_the_pool_is_read_outside_of_transactions(history: KeyHistoryStore, database: Database) -> None:
    """Reading the pool takes network time, so no transaction may be open meanwhile."""
    with database.reading() as connection:
        pool = connection.engine.pool
    assert isinstance(pool, QueuePool)
    open_meanwhile: list[int] = []

    def read() -> list[CountedKey]:
        open_meanwhile.append(pool.checkedout())
        return [key("a", 5)]

    history.record_counters(read)
    assert open_meanwhile == [0]


def test_outdated_counts_are_not_counted_twice(history: KeyHistoryStore, requests: Requests) -> None:
    """Counts below the recorded ones may be outdated. They need not mean that the pool lost its data."""
    record_counters(history, key("a", 100))
    shown = iter((101, 103))

    def read() -> list[CountedKey]:
        counted = [key("a", next(shown))]
        record_counters(history, key("a", 102))
        return counted

    history.record_counters(read)
    assert requests() == {"a": 3}


def test_a_key_is_first_seen_once_and_removed_when_it_is_missing(history: KeyHistoryStore, clock: ManualClock) -> None:
    began = clock.now()
    record_counters(history, key("a"), key("b"))
    clock.advance(DAY_S)
    record_counters(history, key("a"), key("b", 3, configured=False), key("c"))
    removed = clock.now()
    known = {each.key_id: each for each in history.known_keys()}
    assert {name: each.first_seen_at for name, each in known.items()} == {"a": began, "b": began, "c": removed}
    assert {name: each.removed_at for name, each in known.items()} == {"a": None, "b": removed, "c": None}
    assert (known["b"].mask, known["a"].last_seen_at) == ("sk-b", removed)

    clock.advance(DAY_S)
    record_counters(history, key("a"), key("c"))
    still = {each.key_id: each.removed_at for each in history.known_keys()}
    assert still["b"] == removed, "the key must not be removed again"
    record_counters(history, key("a"), key("b"))
    back = {each.key_id: each for each in history.known_keys()}
    assert (back["b"].removed_at, back["b"].first_seen_at, back["c"].removed_at) == (None, began, clock.now())


def test_a_process_with_an_old_configuration_restores_no_key(
    history: KeyHistoryStore, clock: ManualClock, requests: Requests
) -> None:
    record_counters(history, key("a"), key("b"))
    clock.advance(15)
    removed = clock.now()
    record_counters(history, key("a"))
    clock.advance(15)
    record_counters(history, key("a"), key("b", 3))
    assert {each.key_id: each.removed_at for each in history.known_keys()}["b"] == removed
    clock.advance(15)
    record_counters(history, key("a"), key("b", 3))
    assert {each.key_id: each.removed_at for each in history.known_keys()}["b"] is None, "the key must be restored"
    assert requests() == {"b": 3}


def test_a_draining_key_keeps_its_mask_and_group(
    history: KeyHistoryStore, clock: ManualClock, requests: Requests
) -> None:
    record_counters(history, key("a"))
    record_counters(history, key("a", 1, group="team"), key("b"))
    clock.advance(15)
    record_counters(history, CountedKey("a", "", "a", False, {"m": Uses(requests=4, successes=4)}, {}), key("b"))
    known = {each.key_id: each for each in history.known_keys()}
    assert (known["a"].mask, known["a"].limit_group) == ("sk-a", "team")
    assert requests() == {"a": 4}


def test_a_process_without_keys_or_counters_removes_no_key(history: KeyHistoryStore) -> None:
    record_counters(history, key("a"))
    record_counters(history)
    history.record_counters(lambda: None)
    assert [each.removed_at for each in history.known_keys()] == [None]


def test_the_newest_time_of_each_transition_is_stored(history: KeyHistoryStore, clock: ManualClock) -> None:
    """The time of the last opening stays stored after the circuit has closed."""
    record_counters(history, key("a"))
    record_counters(history, key("a", open=1))
    first = clock.now()
    clock.advance(60)
    record_counters(history, key("a", open=1, closed=1))
    (known,) = history.known_keys()
    assert (known.opened_at, known.died_at, known.quota_gone_at) == (first, None, None)
    clock.advance(60)
    record_counters(history, key("a", open=2, closed=2, dead=1, no_quota=1))
    (known,) = history.known_keys()
    assert known.opened_at == known.died_at == known.quota_gone_at == clock.now()


def test_new_keys_may_have_different_transitions(history: KeyHistoryStore, clock: ManualClock) -> None:
    record_counters(history, key("a"))
    record_counters(history, key("a"), key("b", dead=1), key("c", no_quota=1))
    died = {each.key_id: (each.died_at, each.quota_gone_at) for each in history.known_keys()}
    assert died == {"a": (None, None), "b": (clock.now(), None), "c": (None, clock.now())}
    clock.advance(15)
    record_counters(history, key("a", open=1), key("b", 3, dead=1), key("c", no_quota=2))
    opened = {each.key_id: each.opened_at for each in history.known_keys()}
    assert opened == {"a": clock.now(), "b": None, "c": None}


def test_demand_of_a_model_is_summed_with_its_refusals(history: KeyHistoryStore, clock: ManualClock) -> None:
    record_counters(history, key("a"))
    record_counters(history, key("a"), models={"m": Demand(5, 1_000, 2_000_000, 0, {"no_capacity": 2})})
    clock.advance(HOUR_S)
    record_counters(history, key("a"), models={"m": Demand(5, 1_000, 2_000_000, 0, {"no_capacity": 2})})
    clock.advance(15)
    record_counters(
        history, key("a"), models={"m": Demand(9, 4_000, 3_000_000, 7, {"no_capacity": 3, "budget": 1}), "n": Demand(1)}
    )
    assert history.demand(hour_of(clock.now())) == {
        "m": Demand(4, 3_000, 1_000_000, 7, {"no_capacity": 1, "budget": 1}),
        "n": Demand(1),
    }
    assert history.demand(hour_of(clock.now()) - HOUR)["m"] == Demand(
        9, 4_000, 3_000_000, 7, {"no_capacity": 3, "budget": 1}
    )


def test_old_hours_and_removed_keys_are_pruned_in_small_steps(
    history: KeyHistoryStore, database: Database, clock: ManualClock, requests: Requests
) -> None:
    record_counters(history, key("z"))
    record_counters(history, *(key(f"old{n}", 1) for n in range(600)), models={"m": Demand(1)})
    record_counters(history, key("a", 1))
    clock.advance(399 * DAY_S)
    assert not delete_expired(database, Settings.of())
    clock.advance(2 * DAY_S)
    delete_expired(database, Settings.of())
    assert 0 < len(requests()) < 600
    while delete_expired(database, Settings.of()):
        pass
    assert requests() == {}
    assert [each.key_id for each in history.known_keys()] == ["a"]
    assert history.demand(clock.now() - timedelta(days=9999)) == {}
