"""The health of one key: closed -> open -> half_open (Nygard, *Release It!*), and dead. Pure transitions.

Times are microseconds since the epoch, by the store's clock. A `generation` counts every change of mind about a key, so
that an answer to a request sent before that change cannot undo it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

SECOND_US = 1_000_000


class Circuit(StrEnum):
    """Where a key stands. `open` takes no traffic, `half_open` one probe, `dead` was refused by the provider (401)."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers of the specification, and ours where it names none (see docs/decisions)."""

    failure_threshold: int = 3
    open_us: int = 300 * SECOND_US
    max_open_us: int = 3600 * SECOND_US
    probe_lease_us: int = 120 * SECOND_US
    dead_probe_us: int = 3600 * SECOND_US
    #: with no key usable at all, dead and out-of-quota keys are tried again this often
    last_resort_us: int = 300 * SECOND_US
    #: an answer to a probe is worth waiting for this long; then others look elsewhere
    fresh_probe_us: int = 2 * SECOND_US


@dataclass(frozen=True, slots=True)
class Health:
    """`retry_at_us` is when an open or dead key may be probed; `probe_until_us` when the probe under way gives up."""

    circuit: Circuit = Circuit.CLOSED
    failures: int = 0
    generation: int = 0
    verified: bool = False
    retry_at_us: int = 0
    openings: int = 0
    probe_until_us: int = 0
    probed_at_us: int = 0


def circuit_at(health: Health, now_us: int) -> Circuit:
    """The state as seen at `now_us`: an open circuit whose time has come is half_open."""
    if health.circuit is Circuit.OPEN and now_us >= health.retry_at_us:
        return Circuit.HALF_OPEN
    return health.circuit


def needs_probe(health: Health) -> bool:
    """True while a key may carry one request at a time: never answered, open or dead."""
    return not health.verified or health.circuit is not Circuit.CLOSED


def begin_probe(health: Health, policy: Policy, now_us: int) -> Health:
    """Take the probe lease; it expires by itself, should the process that holds it die."""
    return replace(health, probe_until_us=now_us + policy.probe_lease_us, probed_at_us=now_us)


def on_success(health: Health, generation: int) -> Health:
    """The key answered: a probe closes the circuit, else one failure is forgiven (spec: "failure count decreases")."""
    if health.circuit is not Circuit.CLOSED:
        if generation != health.generation:
            return health
        return Health(generation=health.generation + 1, verified=True)
    failures = max(0, health.failures - 1) if generation == health.generation else health.failures
    return replace(health, failures=failures, verified=True, probe_until_us=0)


def on_stream_began(health: Health) -> Health:
    """The key was accepted; of a key that is probed only the stream's end says whether it answers."""
    return replace(health, verified=True, probe_until_us=0) if health.circuit is Circuit.CLOSED else health


def on_failure(
    health: Health, policy: Policy, generation: int, now_us: int, *, sent_at_us: int | None = None
) -> Health:
    """A 5xx, timeout or broken connection: the threshold opens the circuit, a failed probe opens it twice as long.

    A probe sent (`sent_at_us`) before it was due, because no key was usable at all, changes nothing: else a minute's
    outage would double every key to an hour.
    """
    if generation != health.generation:
        return health
    failures = health.failures + 1
    if health.circuit is Circuit.CLOSED and failures < policy.failure_threshold:
        return replace(health, failures=failures, probe_until_us=0)
    if health.circuit is not Circuit.CLOSED and sent_at_us is not None and sent_at_us < health.retry_at_us:
        return replace(health, failures=failures, probe_until_us=0)
    open_us = min(policy.open_us * 2**health.openings, policy.max_open_us)
    return replace(
        health,
        circuit=Circuit.DEAD if health.circuit is Circuit.DEAD else Circuit.OPEN,
        failures=failures,
        generation=health.generation + 1,
        retry_at_us=now_us + open_us,
        openings=min(health.openings + 1, 16),
        probe_until_us=0,
    )


def on_invalid_key(health: Health, policy: Policy, generation: int, now_us: int) -> Health:
    """A 401: dead until reloaded, one probe an hour. Never a breaker failure."""
    if generation != health.generation:
        return health
    return replace(
        health,
        circuit=Circuit.DEAD,
        generation=health.generation + 1,
        retry_at_us=now_us + policy.dead_probe_us,
        probe_until_us=0,
    )


def on_probe_asked(health: Health, now_us: int) -> Health:
    """An operator wants an open or dead key tried now: its wait is over, and as long again should the probe fail."""
    if health.circuit is Circuit.CLOSED or awaits_answer(health, now_us) or now_us >= health.retry_at_us:
        return health
    return replace(health, retry_at_us=now_us, openings=max(0, health.openings - 1))


def ended_outage(before: Health, after: Health, sent_at_us: int) -> bool:
    """True if a request closed a circuit before it was due. It was sent as no key was usable: the provider is back."""
    closed = before.circuit is Circuit.OPEN and after.circuit is Circuit.CLOSED
    return closed and sent_at_us < before.retry_at_us


def on_outage_ended(health: Health, now_us: int) -> Health:
    """An open circuit is due."""
    due = health.circuit is Circuit.OPEN and health.retry_at_us > now_us
    return replace(health, retry_at_us=now_us) if due else health


def on_no_verdict(health: Health, generation: int) -> Health:
    """The answer says nothing of the key's health (429, 403), but it is one, and the probe is over."""
    return replace(health, verified=True, probe_until_us=0) if generation == health.generation else health


def on_abandoned(health: Health, generation: int) -> Health:
    """No answer came and none will: the caller went away. The next request takes over the probe."""
    return replace(health, probe_until_us=0) if generation == health.generation else health


def awaits_answer(health: Health, now_us: int) -> bool:
    """True while the one request that this key may carry is out, and nobody else may use the key."""
    return needs_probe(health) and now_us < health.probe_until_us


def available_at(health: Health, policy: Policy, now_us: int, *, last_resort: bool = False) -> int:
    """When the key's health lets a request go; while a probe is under way that is when its lease ends, at the latest.

    `last_resort` is the specification's "reset all, try all": open circuits are probed at once, dead ones at most every
    `policy.last_resort_us`.
    """
    if awaits_answer(health, now_us):
        return health.probe_until_us
    if health.circuit is Circuit.CLOSED:
        return now_us
    if not last_resort:
        return max(now_us, health.retry_at_us)
    if health.circuit is Circuit.OPEN:
        return now_us
    return max(now_us, min(health.retry_at_us, health.probed_at_us + policy.last_resort_us))
