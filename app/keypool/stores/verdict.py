"""What the end of a request does to its key and its limit group, in the memory store; in Redis `settle.lua` does it."""

from __future__ import annotations

from app.keypool import breaker
from app.keypool.breaker import Circuit, Policy
from app.keypool.buckets import Refused
from app.keypool.outcomes import ACCEPTED, Outcome
from app.keypool.stores.base import Change, Lease, Settlement
from app.keypool.stores.state import GroupState, KeyState


def judge(
    state: KeyState, group: GroupState, lease: Lease, settlement: Settlement, *, policy: Policy, now: int
) -> Change:
    """Change a key and its group as the outcome of one of its requests demands; -> what that did."""
    outcome = settlement.outcome
    if outcome is not Outcome.QUOTA_EXHAUSTED:
        group.end_probe(lease.quota_generation)
    if outcome in ACCEPTED:
        return _succeed(state, group, lease, settlement)
    if outcome is Outcome.ABANDONED:
        state.health = breaker.on_abandoned(state.health, lease.generation)
        return Change()
    if outcome is Outcome.NO_CAPACITY:
        state.health = breaker.on_no_verdict(state.health, lease.generation)
        return Change()
    state.failures += 1
    if outcome is Outcome.SERVER_FAILURE:
        return _fail(state, lease, policy, now, counts=settlement.counts)
    return _reject(state, group, lease, settlement, policy=policy, now=now)


def end_stream(state: KeyState, lease: Lease, policy: Policy, now: int, *, broke: bool) -> Change:
    """A stream that was settled as a success at its head is over; -> what that did to its key."""
    if not broke:
        return _complete(state, lease)
    state.successes -= 1
    state.failures += 1
    return _fail(state, lease, policy, now, counts=True)


def _reject(
    state: KeyState, group: GroupState, lease: Lease, settlement: Settlement, *, policy: Policy, now: int
) -> Change:
    """The provider answered and would not serve: 401, 403, 429. One too large for a key says nothing of the key."""
    before = state.health
    if settlement.outcome is Outcome.INVALID_KEY:
        state.health = breaker.on_invalid_key(before, policy, lease.generation, now)
        return Change(died=before.circuit is not Circuit.DEAD and state.health.circuit is Circuit.DEAD)
    state.health = breaker.on_no_verdict(before, lease.generation)
    if settlement.outcome is Outcome.RATE_LIMITED:
        return _cool(state, group, lease, settlement, now)
    if settlement.outcome is Outcome.QUOTA_EXHAUSTED:
        return Change(quota_gone=group.lose_quota(lease.quota_generation, lease.at_us, now))
    if settlement.outcome is Outcome.FORBIDDEN:
        state.forbidden[lease.model] = now + policy.dead_probe_us
    return Change()


def _succeed(state: KeyState, group: GroupState, lease: Lease, settlement: Settlement) -> Change:
    """The key was accepted, even where the request was at fault; only a real success shows that there is money."""
    state.successes += 1
    if settlement.outcome is Outcome.SUCCESS:
        group.regain_quota(lease.quota_generation)
    if settlement.streams:
        state.health = breaker.on_stream_began(state.health)
        return Change()
    return _complete(state, lease)


def _complete(state: KeyState, lease: Lease) -> Change:
    before = state.health.circuit
    state.health = breaker.on_success(state.health, lease.generation)
    return Change(closed=before is not Circuit.CLOSED and state.health.circuit is Circuit.CLOSED)


def _fail(state: KeyState, lease: Lease, policy: Policy, now: int, *, counts: bool) -> Change:
    """Further failures of one request are not held against a key; for one being probed they are the answer."""
    before = state.health
    if not counts and before.circuit is Circuit.CLOSED:
        state.health = breaker.on_abandoned(before, lease.generation)
        return Change()
    state.health = breaker.on_failure(before, policy, lease.generation, now, sent_at_us=lease.at_us)
    opened = state.health.generation != before.generation and state.health.circuit is Circuit.OPEN
    return Change(opened_after=state.health.failures if opened else None)


def _cool(state: KeyState, group: GroupState, lease: Lease, settlement: Settlement, now: int) -> Change:
    state.rate_limits += 1
    bucket = group.bucket(lease.model)
    refusal = Refused.of(settlement.limits, lease.tokens, lease.at_us, settlement.pause_us, settlement.limited_by)
    cooled = bucket.refused(refusal, lease.charges, now)
    group.buckets[lease.model] = cooled
    until = cooled.cooldown_until_us
    return Change(cooled_us=until - now if until > max(now, bucket.cooldown_until_us) else None)
