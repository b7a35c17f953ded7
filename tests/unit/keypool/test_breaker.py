"""The circuit breaker's rules, by hand-moved time."""

from __future__ import annotations

from app.keypool.breaker import (
    SECOND_US,
    Circuit,
    Health,
    Policy,
    available_at,
    awaits_answer,
    begin_probe,
    circuit_at,
    needs_probe,
    on_abandoned,
    on_failure,
    on_invalid_key,
    on_no_verdict,
    on_probe_asked,
    on_success,
)

POLICY = Policy()
NOW = 1_000 * SECOND_US
ANSWERED = Health(verified=True)


def _fail(health: Health, times: int, now: int = NOW) -> Health:
    for _ in range(times):
        health = on_failure(health, POLICY, health.generation, now)
    return health


def test_the_third_failure_opens_the_circuit_for_five_minutes() -> None:
    """Specification: after 3 failures, key is disabled for 5 minutes."""
    assert _fail(ANSWERED, 2).circuit is Circuit.CLOSED
    opened = _fail(ANSWERED, 3)
    assert opened.circuit is Circuit.OPEN
    assert available_at(opened, POLICY, NOW) == NOW + 300 * SECOND_US


def test_an_open_circuit_is_half_open_exactly_when_its_time_has_come() -> None:
    opened = _fail(ANSWERED, 3)
    assert circuit_at(opened, opened.retry_at_us - 1) is Circuit.OPEN
    assert circuit_at(opened, opened.retry_at_us) is Circuit.HALF_OPEN


def test_a_success_forgives_one_failure() -> None:
    """Specification: on success, failure count decreases."""
    twice = _fail(ANSWERED, 2)
    assert on_success(twice, twice.generation).failures == 1
    assert on_success(ANSWERED, 0).failures == 0


def test_half_open_lets_one_probe_go_and_its_lease_expires() -> None:
    opened = _fail(ANSWERED, 3)
    probing = begin_probe(opened, POLICY, opened.retry_at_us)
    until = probing.probe_until_us
    assert until == opened.retry_at_us + 120 * SECOND_US
    for now in (opened.retry_at_us, until - 1):
        assert awaits_answer(probing, now)
        assert available_at(probing, POLICY, now) == available_at(probing, POLICY, now, last_resort=True) == until
    assert not awaits_answer(probing, until)
    assert available_at(probing, POLICY, until) == until


def test_a_probe_that_succeeds_closes_the_circuit_and_forgets() -> None:
    opened = begin_probe(_fail(ANSWERED, 3), POLICY, NOW + 300 * SECOND_US)
    closed = on_success(opened, opened.generation)
    assert (closed.circuit, closed.failures, closed.openings) == (Circuit.CLOSED, 0, 0)
    assert closed.generation > opened.generation


def test_each_failed_probe_doubles_the_open_time_up_to_an_hour() -> None:
    health, waits = _fail(ANSWERED, 3), []
    for _ in range(6):
        now = health.retry_at_us
        health = on_failure(health, POLICY, health.generation, now)
        waits.append((health.retry_at_us - now) // SECOND_US)
    assert waits == [600, 1200, 2400, 3600, 3600, 3600]


def test_an_answer_from_before_the_circuit_opened_changes_nothing() -> None:
    """A slow success sent while the key was thought well must not close a circuit that opened since."""
    opened = _fail(ANSWERED, 3)
    assert on_success(opened, generation=ANSWERED.generation) == opened
    assert on_failure(opened, POLICY, ANSWERED.generation, NOW) == opened


def test_a_refused_key_is_dead_and_probed_once_an_hour() -> None:
    dead = on_invalid_key(ANSWERED, POLICY, 0, NOW)
    assert (dead.circuit, dead.failures) == (Circuit.DEAD, 0)
    assert available_at(dead, POLICY, NOW) == NOW + 3600 * SECOND_US


def test_with_no_key_usable_open_circuits_are_probed_at_once_and_dead_keys_every_five_minutes() -> None:
    """Specification: all keys unhealthy -> reset, try all again; a dead key is not hammered for it."""
    assert available_at(_fail(ANSWERED, 3), POLICY, NOW, last_resort=True) == NOW
    dead = on_invalid_key(begin_probe(ANSWERED, POLICY, NOW), POLICY, 0, NOW)
    assert available_at(dead, POLICY, NOW, last_resort=True) == NOW + 300 * SECOND_US


def test_a_key_that_never_answered_takes_one_request_at_a_time() -> None:
    fresh = begin_probe(Health(), POLICY, NOW)
    assert awaits_answer(fresh, NOW)
    assert available_at(fresh, POLICY, NOW) == NOW + 120 * SECOND_US
    for answered in (on_success(fresh, fresh.generation), on_no_verdict(fresh, fresh.generation)):
        assert not needs_probe(answered)
        assert not awaits_answer(answered, NOW)
        assert available_at(answered, POLICY, NOW) == NOW


def test_a_caller_that_goes_away_leaves_the_probe_to_the_next_one() -> None:
    fresh = begin_probe(Health(), POLICY, NOW)
    left = on_abandoned(fresh, fresh.generation)
    assert needs_probe(left)
    assert available_at(left, POLICY, NOW) == NOW


def test_a_verified_key_with_its_circuit_closed_takes_any_number() -> None:
    assert not needs_probe(ANSWERED)
    assert not awaits_answer(begin_probe(ANSWERED, POLICY, NOW), NOW)
    assert available_at(begin_probe(ANSWERED, POLICY, NOW), POLICY, NOW) == NOW


def test_a_probe_sent_before_it_was_due_does_not_lengthen_the_open_time() -> None:
    """With no key usable all are tried at once: else a minute's outage would double every key to an hour."""
    opened = _fail(ANSWERED, 3)
    early = on_failure(opened, POLICY, opened.generation, NOW + SECOND_US, sent_at_us=opened.retry_at_us - 1)
    assert (early.retry_at_us, early.openings) == (opened.retry_at_us, opened.openings)
    due = on_failure(opened, POLICY, opened.generation, opened.retry_at_us, sent_at_us=opened.retry_at_us)
    assert due.retry_at_us == opened.retry_at_us + 600 * SECOND_US


def test_a_probe_that_an_operator_asks_for_is_due_at_once_and_costs_no_patience() -> None:
    """Failing it, the key waits as long as before; asked for again meanwhile, nothing changes."""
    opened = _fail(ANSWERED, 3)
    later = on_failure(opened, POLICY, opened.generation, opened.retry_at_us)
    asked = on_probe_asked(later, NOW + 400 * SECOND_US)
    assert circuit_at(asked, NOW + 400 * SECOND_US) is Circuit.HALF_OPEN
    assert on_probe_asked(asked, NOW + 401 * SECOND_US) == asked
    failed = on_failure(asked, POLICY, asked.generation, NOW + 402 * SECOND_US, sent_at_us=NOW + 401 * SECOND_US)
    assert failed.retry_at_us == NOW + 1002 * SECOND_US
    probing = begin_probe(later, POLICY, NOW + 301 * SECOND_US)
    assert on_probe_asked(probing, NOW + 302 * SECOND_US) == probing
    assert on_probe_asked(ANSWERED, NOW) == ANSWERED
