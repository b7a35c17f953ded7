"""How the memory store admits a request, reserves a place for it, or refuses; in Redis `acquire.lua` does it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from app.keypool import breaker
from app.keypool.admission import Candidate, LookAgain, Refuse, Take, chance_of, decide, without_room
from app.keypool.breaker import Circuit
from app.keypool.limits import MINUTE_US
from app.keypool.spending import Spent
from app.keypool.stores.base import DAY_US, DISABLED_RETRY_US, Ask, Later, Lease, NoRoom, Reason, day_of
from app.keypool.stores.ledger import estimate
from app.keypool.stores.state import KeyState, PoolState
from app.keypool.strategies import KeyView, Score

#: Callers are sent away one behind the other, but not for longer than this after there is room: some never come back.
LONGEST_DEFERRAL_US = 60_000_000
#: So far apart, while no limit is known.
UNKNOWN_GAP_US = 100_000


def acquire(pool: PoolState, ask: Ask, now: int, *, score: Score, seed: int) -> Lease | Later | NoRoom:
    """As the contract has it, with the strategy's score and one draw for all keys (`chance_of`)."""
    answer = _answer(pool, ask, now, score, seed)
    if isinstance(answer, NoRoom):
        pool.tally.refused(ask.model, answer.reason)
        if answer.reason == "budget":
            pool.ledger.stop(day_of(now), answer.detail)
    return answer


def _answer(pool: PoolState, ask: Ask, now: int, score: Score, seed: int) -> Lease | Later | NoRoom:
    tokens = ask.input_tokens * pool.ratios.get(ask.model, 1.0) + ask.output_tokens
    more = estimate(ask.model, tokens, ask.microusd)
    detail = pool.ledger.refusal(day_of(now), ask.batch, more)
    if detail is not None:
        return NoRoom(_to_midnight(now), "budget", detail)
    last_resort = not any(pool.is_usable(pool.keys[k], now) for k in pool.order)
    admission = _Admission(pool, ask, tokens, more, now, last_resort)
    candidates = [
        admission.candidate(pool.keys[k], chance_of(seed, position))
        for position, k in enumerate(pool.order)
        if not admission.is_out(k)
    ]
    admission.note_saturation(candidates)
    match decide(candidates, now, ask.max_wait_us, score):
        case Take(key_id, at_us):
            return admission.lease(pool.keys[key_id], at_us)
        case LookAgain(pause_us):
            return Later(pause_us)
        case Refuse(at_us):
            return admission.refuse(at_us)


@dataclass(frozen=True, slots=True)
class _Admission:
    """An ask at one moment: the tokens it is charged, what it counts against budgets, and if no key is usable."""

    pool: PoolState
    ask: Ask
    tokens: float
    more: Spent
    now: int
    last_resort: bool

    def is_out(self, key_id: str) -> bool:
        """True for a key that this request may not have."""
        return key_id in self.ask.barred or key_id in self.pool.disabled

    def candidate(self, state: KeyState, chance: float) -> Candidate:
        ask, now, policy = self.ask, self.now, self.pool.policy
        group = self.pool.group_of(state)
        bucket = group.bucket(ask.model)
        key_id = state.key.key_id
        healthy_at = breaker.available_at(state.health, policy, now, last_resort=self.last_resort)
        quota_at = group.quota_at(policy, now, last_resort=self.last_resort)
        start = max(now, healthy_at, quota_at, state.forbidden.get(ask.model, 0))
        if self.pool.ledger.key_refusal(day_of(now), key_id, self.more):
            start = max(start, now + _to_midnight(now))
        by_health = breaker.awaits_answer(state.health, now)
        by_quota = group.awaits_answer(key_id, now)
        since = now - policy.fresh_probe_us
        at_us = bucket.room_at(self.tokens, start, waited=ask.waited)
        by_room = start <= now < at_us
        return Candidate(
            key_id,
            at_us,
            KeyView(state.turn, state.requests_last_hour(now), bucket.headroom(now)),
            chance,
            awaits_answer=by_health or by_quota,
            fresh=(by_health and state.health.probed_at_us > since) or (by_quota and group.quota_probed_at_us > since),
            fits=bucket.fits(self.tokens),
            lacks=bucket.in_the_way(self.tokens, waited=ask.waited) if by_room else None,
        )

    def note_saturation(self, candidates: Sequence[Candidate]) -> None:
        """A request that may not use some keys cannot tell whether one of them has room."""
        lacking = None if self.ask.barred or self.last_resort else without_room(candidates, self.now)
        if lacking is not None:
            unit, until_us = lacking
            self.pool.tally.saturated(self.ask.model, unit, self.now, until_us)

    def lease(self, state: KeyState, at_us: int) -> Lease:
        pool, ask, now = self.pool, self.ask, self.now
        group = pool.group_of(state)
        bucket = group.bucket(ask.model).charge(self.tokens, at_us, reserved=at_us > now)
        group.buckets[ask.model] = bucket
        probe = breaker.needs_probe(state.health) or group.out_of_quota()
        if breaker.needs_probe(state.health):
            state.health = breaker.begin_probe(state.health, pool.policy, at_us)
        if group.out_of_quota():
            group.begin_probe(pool.policy, state.key.key_id, at_us)
        state.turn = next(pool.turns)
        if at_us <= now:
            state.use(now)
            pool.deferred_to_us.pop(ask.model, None)
        lease = Lease(
            lease_id=next(pool.lease_ids),
            key_id=state.key.key_id,
            model=ask.model,
            tokens=self.tokens,
            generation=state.health.generation,
            quota_generation=group.quota_generation,
            at_us=at_us,
            reserved=at_us > now,
            charges=bucket.charges(),
            last_resort=self.last_resort,
            input_tokens=ask.input_tokens,
            microusd=ask.microusd,
            batch=ask.batch,
            day=day_of(now),
            probe=probe,
        )
        if not lease.reserved:
            pool.ledger.charge(lease)
        pool.open_leases[lease.lease_id] = lease
        return lease

    def refuse(self, at_us: int | None) -> NoRoom:
        """Why not, and when to come back: one caller after the other, if only room is lacking."""
        reason, detail = self._reason_of_refusal()
        if reason == "disabled":
            return NoRoom(DISABLED_RETRY_US, reason)
        if reason == "barred" or at_us is None:
            return NoRoom(0, "barred")
        if reason != "no_room":
            return NoRoom(max(1_000, at_us - self.now), reason, detail)
        deferred_to_us, model = self.pool.deferred_to_us, self.ask.model
        slot = max(deferred_to_us.get(model, 0.0) + self._gap_us(), float(at_us))
        slot = min(slot, float(at_us + LONGEST_DEFERRAL_US))
        deferred_to_us[model] = slot
        return NoRoom(max(1_000, math.floor(slot) - self.now), "no_room")

    def _gap_us(self) -> float:
        """Time in which the whole pool makes room for one such request."""
        model = self.ask.model
        buckets = [group.buckets[model] for group in self.pool.groups.values() if model in group.buckets]
        requests = sum(b.requests.per_minute or 0.0 for b in buckets)
        of_tokens = sum(b.tokens.per_minute or 0.0 for b in buckets)
        if requests + of_tokens <= 0:
            return UNKNOWN_GAP_US
        gap = MINUTE_US / requests if requests else 0.0
        return max(gap, self.tokens * MINUTE_US / of_tokens) if of_tokens else gap

    def _reason_of_refusal(self) -> tuple[Reason, str]:
        pool, now = self.pool, self.now
        eligible = [pool.keys[k] for k in pool.order if not self.is_out(k)]
        usable = [k for k in eligible if pool.is_usable(k, now)]
        allowed = [k for k in usable if k.forbidden.get(self.ask.model, 0) <= now]
        details = [pool.ledger.key_refusal(day_of(now), k.key.key_id, self.more) for k in allowed]
        if None in details:
            return "no_room", ""
        if self.ask.barred:
            return "barred", ""
        if details:
            return "budget", details[0] or ""
        if usable:
            return "forbidden", ""
        circuits = {k.health.circuit for k in eligible}
        if circuits <= {Circuit.DEAD}:
            return ("dead", "") if circuits else ("disabled", "")
        return ("circuit", "") if Circuit.OPEN in circuits else ("quota", "")


def _to_midnight(now_us: int) -> int:
    """Microseconds until the next UTC day."""
    return DAY_US - now_us % DAY_US
