"""One limit as the pool keeps it: the rules of a token bucket, and what each answer teaches of the provider's. Pure.

A bucket is kept as one number, the time at which it will be full again: the theoretical arrival time of the generic
cell rate algorithm (ITU-T I.371). Times are microseconds, rates are per minute. `stores/lua/meters.lua` has the same
rules for Redis, with these numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from app.keypool.limits import MINUTE_US, MeterReading

#: What is kept in reserve, since headers are rounded and the way there takes time: a share of the burst, but no more
#: than so many seconds' worth (and one request). Those who held a place may use half of it, which absorbs corrections
#: that come while they wait.
SCHEDULE_RESERVE = 0.2
GATE_RESERVE = 0.1
LONGEST_RESERVE_S = 1.0
#: An answer that says the bucket is later than we think is believed at once beyond this; 2 ms is network noise.
LATE_NOISE_US = 2_000
#: One that says "earlier" is believed by a quarter, and only beyond a band (`Meter.learn`).
EARLY_STEP = 0.25
#: A smaller capacity than known is believed by a quarter: what headers say of it is rounded.
CAPACITY_STEP = 0.25
#: How much the rate of a limit a day may differ from answer to answer and still be the same limit.
WAVERING = 0.25
#: Slow start: a limit named by the minute may be enforced by the second, so bursts begin at one second's worth and grow
#: by a tenth of a request with each success that used them. A 429 against the headers' word ends that for a while.
GROWTH = 0.1
CUT = 0.9
#: Nor does our pace take the whole limit any more after such a 429 for tokens: with no header to say how full that
#: bucket is, an estimate that is a hundredth too low empties it. By so much with each, and no more than that.
SLOWING, SLOWEST = 0.01, 1.04
#: A limit that no header names allows bursts of so many seconds' worth, and at least one request.
GUESSED_BURST_S = 0.2


@dataclass(frozen=True, slots=True)
class Charge:
    """What a lease remembers of a meter at its own admission, to tell corrections from later charges."""

    full_at_us: float = 0.0
    corrected_us: float = 0.0
    paced_at_us: float = 0.0
    moved_us: float = 0.0
    total: float = 0.0


@dataclass(frozen=True, slots=True)
class Meter:
    """One limit: the provider's bucket as headers tell of it, and our own pace. A request needs room in both.

    `per_minute` is None until a response has named it. `full_at_us` is the arrival time of the provider's bucket of
    `capacity`, places that are reserved included; `corrected_us` the sum of all corrections to it, which move every
    reserved place. `paced_at_us` and `moved_us` are the same of our pace, whose burst is the `allowance` of slow start:
    it counts what we send alone, and no header changes it. `total` is all that was ever charged, `idle_total` what it
    was when the bucket was last full; `sample_total` and `sample_us` say where the provider's bucket stood at some
    total, against one that had never been corrected. What was charged before `changed_total`, when the limit changed,
    knows nothing of the bucket since. `slowed` is how much more our pace takes for a request than the limit does.
    """

    per_minute: float | None = None
    capacity: float = 1.0
    full_at_us: float = 0.0
    corrected_us: float = 0.0
    allowance: float = 0.0
    paced_at_us: float = 0.0
    moved_us: float = 0.0
    total: float = 0.0
    idle_total: float = 0.0
    sample_total: float = 0.0
    sample_us: float = 0.0
    changed_total: float = 0.0
    slowed: float = 1.0

    @classmethod
    def guessed(cls, per_minute: float, next_at_us: int, jitter_us: float, total: float) -> Meter:
        """A limit that no header names; the next request fits at `next_at_us`. Places that were reserved are void."""
        burst = _guessed_burst(per_minute)
        meter = cls(per_minute, burst, allowance=burst, total=total, idle_total=total, changed_total=total)
        full_at = next_at_us - meter.free_at(1.0, SCHEDULE_RESERVE, jitter_us)
        return replace(meter, full_at_us=full_at, paced_at_us=full_at)

    def raised(self, per_minute: float) -> Meter:
        """Such a limit at another rate."""
        burst = _guessed_burst(per_minute)
        return replace(self, per_minute=per_minute, capacity=burst, allowance=burst)

    def forgotten(self) -> Meter:
        """Unknown again. Places that were reserved are void."""
        return Meter(total=self.total, changed_total=self.total)

    @property
    def interval_us(self) -> float:
        """Time in which one unit comes back; 0 while the limit is unknown."""
        return MINUTE_US / self.per_minute if self.per_minute else 0.0

    def _burst(self, largest: float, units: float, reserve: float) -> float:
        """What of a burst of `largest` units a request may find used, its own included."""
        kept = min(reserve * largest, reserve / SCHEDULE_RESERVE * max(units, self._units_in(LONGEST_RESERVE_S)))
        return max(largest - kept, min(units, self.capacity))

    def _pad_us(self, largest: float, units: float, reserve: float, jitter_us: float) -> float:
        """What a bucket that keeps (nearly) nothing in reserve needs as slack for uneven travel."""
        return max(0.0, jitter_us - max(0.0, largest - self._burst(largest, units, reserve)) * self.interval_us)

    def _lead_us(self, largest: float, units: float, reserve: float, jitter_us: float) -> float:
        """How long before an arrival time a request may go that finds a burst of `largest` units."""
        burst_us = self._burst(largest, units, reserve) * self.interval_us
        return burst_us - self._pad_us(largest, units, reserve, jitter_us)

    def _units_in(self, seconds: float) -> float:
        return (self.per_minute or 0.0) / 60 * seconds

    def _pace(self) -> float:
        return min(self.capacity, self.allowance)

    def _go_at(self, full_at: float, paced_at: float, units: float, reserve: float, jitter_us: float) -> float:
        need = min(units, self.capacity) * self.interval_us
        return max(
            full_at + need - self._lead_us(self.capacity, units, reserve, jitter_us),
            paced_at + need - self._lead_us(self._pace(), units, reserve, jitter_us),
        )

    def _knows(self, charge: Charge) -> bool:
        return self.per_minute is not None and charge.full_at_us != 0

    def room_at(self, units: float, start_us: int, reserve: float, jitter_us: float) -> int:
        """The earliest time from `start_us` at which `units` fit. More than the whole bucket goes when it is full."""
        return max(start_us, self.free_at(units, reserve, jitter_us))

    def free_at(self, units: float, reserve: float, jitter_us: float) -> int:
        """When `units` fit, or have fitted; 0 while the limit is unknown."""
        if self.per_minute is None:
            return 0
        return math.ceil(self._go_at(self.full_at_us, self.paced_at_us, units, reserve, jitter_us))

    def gate_at(self, units: float, charge: Charge, jitter_us: float) -> int:
        """When a reserved place may go, after the corrections since."""
        if not self._knows(charge):
            return 0
        own, taken = self.own(charge), units * self.interval_us
        paced_at = own.paced_at_us - taken * self.slowed
        return math.ceil(self._go_at(own.full_at_us - taken, paced_at, units, GATE_RESERVE, jitter_us))

    def is_outdated(self, charge: Charge) -> bool:
        """True for a charge from before the limit changed: its place and what it learns are of another bucket."""
        return self._knows(charge) and charge.total <= self.changed_total

    def charge(self, units: float, at_us: int, jitter_us: float = 0.0) -> Meter:
        """The limit after `units` were taken now, or reserved for `at_us` with slack for this jitter (see `sent`)."""
        if self.per_minute is None:
            return self
        taken = units * self.interval_us
        full_from = at_us - self._pad_us(self.capacity, units, SCHEDULE_RESERVE, jitter_us)
        paced_from = at_us - self._pad_us(self._pace(), units, SCHEDULE_RESERVE, jitter_us)
        total = self.total + units
        return replace(
            self,
            full_at_us=max(self.full_at_us, full_from) + taken,
            paced_at_us=max(self.paced_at_us, paced_from) + taken * self.slowed,
            total=total,
            idle_total=total if self.full_at_us <= full_from else self.idle_total,
        )

    def refund(self, units: float, charge: Charge) -> Meter:
        """The limit after a reservation of `units` was given back, if it was ever charged to this bucket."""
        if not self._knows(charge) or self.is_outdated(charge):
            return self
        taken = units * self.interval_us
        full_at, paced_at = self.full_at_us - taken, self.paced_at_us - taken * self.slowed
        return replace(self, full_at_us=full_at, paced_at_us=paced_at, sample_total=0.0)

    def corrected(self, by_us: float) -> Meter:
        """After news of the provider's bucket, which move the reserved places as well."""
        return replace(self, full_at_us=self.full_at_us + by_us, corrected_us=self.corrected_us + by_us)

    def moved(self, by_us: float) -> Meter:
        """After a change of our own pace, which moves the reserved places as well."""
        return replace(self, paced_at_us=self.paced_at_us + by_us, moved_us=self.moved_us + by_us)

    def sent(self, units: float, charge: Charge, now_us: int) -> Meter:
        """A reserved request goes out late: if the bucket was full by then, the time since is lost."""
        if not self._knows(charge):
            return self
        own, taken = self.own(charge), units * self.interval_us
        late = self.corrected(max(0.0, now_us - (own.full_at_us - taken)))
        return late.moved(max(0.0, now_us - (own.paced_at_us - taken * self.slowed)))

    def own(self, charge: Charge) -> Charge:
        """The charge of a lease with all corrections so far taken in."""
        if not self._knows(charge):
            return charge
        return Charge(
            charge.full_at_us + (self.corrected_us - charge.corrected_us),
            self.corrected_us,
            charge.paced_at_us + (self.moved_us - charge.moved_us),
            self.moved_us,
            charge.total,
        )

    def charged(self) -> Charge:
        """What a lease that was just charged keeps; zero while the limit is unknown."""
        return Charge(self.full_at_us, self.corrected_us, self.paced_at_us, self.moved_us, self.total)

    def headroom(self, now_us: int) -> float:
        """Share of the capacity that is free, 0 to 1; 1 while the limit is unknown."""
        if self.per_minute is None:
            return 1.0
        used = max(0.0, self.full_at_us - now_us) / (self.capacity * self.interval_us)
        return max(0.0, 1.0 - used)

    def drift_us(self, reading: MeterReading, admitted_us: int, charge: Charge) -> float:
        """By how much a response says that the bucket is later than we thought (negative: earlier); 0 if unknown.

        The server speaks of the moment at which it admitted this request; what we charged since then still counts.
        """
        return admitted_us + reading.reset_us - self.own(charge).full_at_us if self._knows(charge) else 0.0

    def learn(
        self, reading: MeterReading, admitted_us: int, charge: Charge, units: float, dead: tuple[float, float]
    ) -> Meter:
        """Take a response's word for the limit, and move the arrival time by what it differs from ours.

        `dead` is the band (units, share of the capacity) within which "earlier" is not believed.
        """
        per_minute = reading.per_minute
        said = max(1.0, min(reading.limit, reading.remaining + reading.reset_us * per_minute / MINUTE_US))
        first_burst = max(per_minute / 60, units)
        if not self._knows(charge):
            return Meter(
                per_minute,
                said,
                max(self.full_at_us, float(admitted_us + reading.reset_us)),
                self.corrected_us,
                max(self.allowance, first_burst),
                max(self.paced_at_us, admitted_us + units * MINUTE_US / per_minute),
                self.moved_us,
                total=self.total,
                idle_total=self.total,
                changed_total=self.changed_total,
            )
        if self.is_outdated(charge):
            return self
        if self._is_other_limit(reading):
            return self._with_limit(reading, said, first_burst, admitted_us)
        capacity = said if said > self.capacity else self.capacity + (said - self.capacity) * CAPACITY_STEP
        drift = self.drift_us(reading, admitted_us, charge)
        dead_us = max(dead[0], dead[1] * capacity) * self.interval_us
        step = drift if drift > LATE_NOISE_US else 0.0
        if drift < -dead_us:
            step = (drift + dead_us) * EARLY_STEP
        return replace(self, capacity=capacity).corrected(step)

    def _is_other_limit(self, reading: MeterReading) -> bool:
        """The rate of a limit a day is computed from rounded figures, and wavers."""
        if self.per_minute is None or reading.per_minute == reading.limit:
            return reading.per_minute != self.per_minute
        return abs(reading.per_minute - self.per_minute) > WAVERING * self.per_minute

    def _with_limit(self, reading: MeterReading, said: float, allowance: float, admitted_us: int) -> Meter:
        """Another limit: the response tells where its bucket stands, and the burst of our pace is taken for used.

        Places that were reserved are void (`is_outdated`): who held one asks again.
        """
        return Meter(
            reading.per_minute,
            said,
            float(admitted_us + reading.reset_us),
            self.corrected_us,
            allowance,
            admitted_us + allowance * MINUTE_US / reading.per_minute,
            self.moved_us,
            total=self.total,
            idle_total=self.total,
            changed_total=self.total,
        )

    def grown(self, units: float, charge: Charge, sent_us: int, jitter_us: float) -> Meter:
        """After a success: a burst that was used up may be a little larger next time."""
        if not self._knows(charge) or self.allowance >= self.capacity:
            return self
        room_left = self._lead_us(self._pace(), units, SCHEDULE_RESERVE, jitter_us) - (charge.paced_at_us - sent_us)
        if room_left >= units * self.interval_us:
            return self
        return replace(self, allowance=min(self.capacity, self.allowance + GROWTH * units))

    def was_idle(self, charge: Charge) -> bool:
        """True if the provider's bucket was full not long before this charge: so many units ago as two bursts have."""
        return charge.total - self.idle_total <= 2 * self.allowance

    def cut(self, units: float) -> Meter:
        """After a 429 for which the headers gave no reason: smaller bursts."""
        return replace(self, allowance=max(min(units, self.allowance), self.allowance * CUT))

    def empty_until(
        self, until_us: int, units: float, charge: Charge, jitter_us: float, *, against_the_headers: bool
    ) -> Meter:
        """After a 429: at `until_us` there is room for one such request, and for the next ones as they come back.

        That is our pace; unless its headers said otherwise it is the provider's bucket too. If they did, nobody tells
        how full it is, and a part of the burst is waited for besides, or every larger request would be refused anew.
        """
        if not self._knows(charge):
            return self
        own, need = self.own(charge), min(units, self.capacity) * self.interval_us
        paced = own.paced_at_us + need - self._lead_us(self._pace(), units, SCHEDULE_RESERVE, jitter_us)
        behind = max(0.0, until_us - paced)
        if against_the_headers:
            later = self.moved(behind + GATE_RESERVE * max(units, self._pace()) * self.interval_us)
            return replace(later, slowed=min(SLOWEST, self.slowed + SLOWING)) if units > 1 else later
        later = self.moved(behind)
        full = own.full_at_us + need - self._lead_us(self.capacity, units, SCHEDULE_RESERVE, jitter_us)
        return later.corrected(max(0.0, until_us - full))


def _guessed_burst(per_minute: float) -> float:
    return max(1.0, per_minute / 60 * GUESSED_BURST_S)


#: A limit that no response has named yet.
UNKNOWN = Meter()
