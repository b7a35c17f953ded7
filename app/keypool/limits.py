"""Rate limits: OpenAI's headers and durations, and the token bucket that they speak of. Pure.

A bucket is kept as one number, the time at which it will be full again: the theoretical arrival time of the generic
cell rate algorithm (ITU-T I.371). Times are microseconds, rates are per minute.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime

MINUTE_US = 60_000_000
#: Share of the capacity that is used as burst. Below 1, since headers are rounded and the way there takes time.
BURST_SHARE = 0.9
#: An answer that says the bucket is later than we think is believed at once beyond this; 2 ms is network noise.
_LATE_NOISE_US = 2_000
#: One that says "earlier" is believed by a quarter, and only beyond this many requests or share of the capacity.
_EARLY_DEAD_REQUESTS = 1.5
_EARLY_DEAD_SHARE = 0.1
_EARLY_STEP = 0.25
#: No retry-after is believed beyond a day: it is a broken clock, not a wish.
_LONGEST_PAUSE_S = 86_400.0
#: No bucket is full later than this; a longer reset is nonsense.
_LONGEST_RESET_US = 31 * 86_400 * 1_000_000

_DURATION = re.compile(
    r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?"
)
_DURATION_UNITS_US = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000, 1_000)


def parse_duration_us(text: str) -> int | None:
    """Microseconds of an OpenAI duration: `1s`, `6m0s`, `17ms`, `8.64s`, `1h2m3s`, or a bare number of seconds."""
    text = text.strip()
    try:
        microseconds = float(text) * 1_000_000
    except ValueError:
        match = _DURATION.fullmatch(text)
        if not text or match is None:
            return None
        microseconds = sum(float(n) * unit for n, unit in zip(match.groups(), _DURATION_UNITS_US, strict=True) if n)
    return round(microseconds) if 0 <= microseconds <= _LONGEST_RESET_US else None


def parse_retry_after_us(headers: Mapping[str, str], now: datetime) -> int | None:
    """The pause that the server asks for (`retry-after-ms`, else RFC 9110 section 10.2.3), None if it names none."""
    milliseconds = headers.get("retry-after-ms", "")
    seconds = _number(milliseconds)
    if seconds is not None:
        seconds /= 1000
    else:
        text = headers.get("retry-after", "")
        seconds = _number(text)
        if seconds is None and text:
            try:
                seconds = (parsedate_to_datetime(text) - now).total_seconds()
            except (TypeError, ValueError, OverflowError):
                return None
    return None if seconds is None else round(min(max(seconds, 0.0), _LONGEST_PAUSE_S) * 1_000_000)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


@dataclass(frozen=True, slots=True)
class MeterReading:
    """One trio of headers: the limit, what remains of it, microseconds until the bucket is full."""

    limit: float
    remaining: float
    reset_us: int

    @property
    def per_minute(self) -> float:
        """The rate. A limit a minute is full again within one; a longer reset tells of a limit a day (or hour)."""
        used = self.limit - self.remaining
        if self.reset_us > 1.05 * MINUTE_US and used > 0:
            return min(self.limit, used * MINUTE_US / self.reset_us)
        return self.limit


@dataclass(frozen=True, slots=True)
class LimitReading:
    """What one response said of its limit group and model."""

    requests: MeterReading | None = None
    tokens: MeterReading | None = None


def read_limits(headers: Mapping[str, str]) -> LimitReading:
    """The `x-ratelimit-*` headers of a response; a trio that is incomplete or makes no sense is left out."""
    return LimitReading(_meter(headers, "requests"), _meter(headers, "tokens"))


def _meter(headers: Mapping[str, str], what: str) -> MeterReading | None:
    limit = _number(headers.get(f"x-ratelimit-limit-{what}", ""))
    remaining = _number(headers.get(f"x-ratelimit-remaining-{what}", ""))
    reset = parse_duration_us(headers.get(f"x-ratelimit-reset-{what}", ""))
    if limit is None or remaining is None or reset is None or limit <= 0 or not 0 <= remaining <= limit:
        return None
    return MeterReading(limit, remaining, reset)


@dataclass(frozen=True, slots=True)
class Meter:
    """One token bucket. `per_minute` is None until a response has named it; `full_at_us` is the arrival time."""

    per_minute: float | None = None
    capacity: float = 1.0
    full_at_us: float = 0.0
    corrected_us: float = 0.0

    @property
    def interval_us(self) -> float:
        """Time in which one unit comes back; 0 while the limit is unknown."""
        return MINUTE_US / self.per_minute if self.per_minute else 0.0

    def room_at(self, units: float, now_us: int) -> int:
        """The earliest time at which `units` fit. A request larger than the whole bucket goes when it is full."""
        if self.per_minute is None:
            return now_us
        interval = self.interval_us
        burst = max(self.capacity * BURST_SHARE, min(units, self.capacity)) * interval
        need = min(units, self.capacity) * interval
        return max(now_us, math.ceil(max(self.full_at_us, now_us) + need - burst))

    def charge(self, units: float, now_us: int) -> Meter:
        """The bucket after `units` were taken."""
        if self.per_minute is None:
            return self
        return replace(self, full_at_us=max(self.full_at_us, now_us) + units * self.interval_us)

    def refund(self, units: float) -> Meter:
        """The bucket after a reservation of `units` was given back."""
        return replace(self, full_at_us=self.full_at_us - units * self.interval_us)

    def headroom(self, now_us: int) -> float:
        """Share of the capacity that is free, 0 to 1; 1 while the limit is unknown."""
        if self.per_minute is None:
            return 1.0
        used = max(0.0, self.full_at_us - now_us) / (self.capacity * self.interval_us)
        return max(0.0, 1.0 - used)

    def learn(self, reading: MeterReading, sent_us: int, charged: Charge | None) -> Meter:
        """Take a response's word for the limit, and move the arrival time by what it differs from ours.

        The server speaks of the moment at which it admitted this request; what we charged since then still counts.
        """
        per_minute = reading.per_minute
        capacity = max(1.0, min(reading.limit, reading.remaining + reading.reset_us * per_minute / MINUTE_US))
        theirs = sent_us + reading.reset_us
        if self.per_minute is None or charged is None or charged.full_at_us == 0:
            return Meter(per_minute, capacity, max(self.full_at_us, theirs), self.corrected_us)
        drift = theirs - charged.full_at_us - (self.corrected_us - charged.corrected_us)
        step = drift if drift > _LATE_NOISE_US else 0.0
        dead_band = max(_EARLY_DEAD_REQUESTS, _EARLY_DEAD_SHARE * capacity) * MINUTE_US / per_minute
        if drift < -dead_band:
            step = (drift + dead_band) * _EARLY_STEP
        return Meter(per_minute, capacity, self.full_at_us + step, self.corrected_us + step)


@dataclass(frozen=True, slots=True)
class Charge:
    """What a lease remembers of a meter at its own admission, to tell drift from later charges."""

    full_at_us: float
    corrected_us: float


@dataclass(frozen=True, slots=True)
class Bucket:
    """Limits of one limit group and model: requests, tokens, and a pause that the server asked for."""

    requests: Meter = Meter()
    tokens: Meter = Meter()
    cooldown_until_us: int = 0

    def room_at(self, tokens: float, now_us: int) -> int:
        """The earliest time at which one request of `tokens` fits, cooldown included."""
        start = max(now_us, self.cooldown_until_us)
        return max(self.requests.room_at(1, start), self.tokens.room_at(tokens, start))

    def charge(self, tokens: float, at_us: int) -> Bucket:
        """After one request of `tokens` was admitted for `at_us`."""
        return replace(self, requests=self.requests.charge(1, at_us), tokens=self.tokens.charge(tokens, at_us))

    def refund(self, tokens: float) -> Bucket:
        """After such a request was not sent."""
        return replace(self, requests=self.requests.refund(1), tokens=self.tokens.refund(tokens))

    def cool(self, until_us: int) -> Bucket:
        """A 429: rest until then, never shorter than asked before."""
        return replace(self, cooldown_until_us=max(self.cooldown_until_us, until_us))

    def headroom(self, now_us: int) -> float:
        """Room of the tighter meter, 0 to 1."""
        if now_us < self.cooldown_until_us:
            return 0.0
        return min(self.requests.headroom(now_us), self.tokens.headroom(now_us))

    def charges(self) -> tuple[Charge, Charge]:
        """What a lease keeps for `learn`: requests, tokens."""
        return (
            Charge(self.requests.full_at_us, self.requests.corrected_us),
            Charge(self.tokens.full_at_us, self.tokens.corrected_us),
        )

    def learn(self, reading: LimitReading, sent_us: int, charges: tuple[Charge, Charge]) -> Bucket:
        """After a response with rate limit headers."""
        requests, tokens = self.requests, self.tokens
        if reading.requests is not None:
            requests = requests.learn(reading.requests, sent_us, charges[0])
        if reading.tokens is not None:
            tokens = tokens.learn(reading.tokens, sent_us, charges[1])
        return replace(self, requests=requests, tokens=tokens)
