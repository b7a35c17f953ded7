"""The limits of one limit group and model together: what fits when, and what an answer teaches. Pure.

`meters` has the rules of each single limit; `stores/lua/buckets.lua` the same as here for Redis, with these numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from app.keypool.figures import Room, Unit
from app.keypool.guesses import NO_GUESS, Guess
from app.keypool.limits import MINUTE_US, LimitReading
from app.keypool.meters import GATE_RESERVE, SCHEDULE_RESERVE, UNKNOWN, Charge, Meter

#: A 429 that names no time rests the key this long (specification: "disabled for 60 seconds"), unless its rate can be
#: guessed.
DEFAULT_COOLDOWN_US = 60_000_000
#: Within how many units or share of the capacity an answer that says "earlier" is not believed.
REQUESTS_DEAD, TOKENS_DEAD = (1.5, 0.1), (800.0, 0.05)
#: For how long bursts do not grow after a 429 against the headers' word.
STEADY_US = 600_000_000
#: How unevenly requests travel: the slack of a bucket that holds little more than one. It grows with a 429.
JITTER_US, JITTER_GROWTH, JITTER_DECAY, LONGEST_JITTER_US = 10_000.0, 1.5, 0.999, 40_000.0
#: Times that were computed to be the same may differ by this.
ROUNDED_US = 2


@dataclass(frozen=True, slots=True)
class Refused:
    """A 429 to a request of `tokens` that was sent at `sent_us`.

    The pause it asks for and the limit it names, None if it does not, and whether it had rate limit headers and they
    promised room for the request.
    """

    tokens: float
    sent_us: int
    pause_us: int | None
    limited_by: Unit | None
    with_headers: bool
    against_the_headers: bool

    @classmethod
    def of(
        cls, reading: LimitReading, tokens: float, sent_us: int, pause_us: int | None, limited_by: Unit | None
    ) -> Refused:
        """As a response says it; without headers nothing was promised."""
        promised = (
            reading.requests is not None
            and reading.tokens is not None
            and reading.requests.remaining >= 1
            and reading.tokens.remaining >= tokens
        )
        with_headers = reading.requests is not None or reading.tokens is not None
        return cls(tokens, sent_us, pause_us, limited_by, with_headers, promised)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Limits of one limit group and model: requests, tokens, and a pause that the server asked for.

    `jitter_us` is the slack for uneven travel; until `steady_until_us` bursts do not grow. `cooldown_of` is the limit
    that the 429 of the pause named ("requests" if it named none). `guess` is what the limit of requests rests on where
    no header names any.
    """

    requests: Meter = UNKNOWN
    tokens: Meter = UNKNOWN
    cooldown_until_us: int = 0
    jitter_us: float = JITTER_US
    steady_until_us: int = 0
    cooldown_of: Unit = "requests"
    guess: Guess = NO_GUESS

    def room_at(self, tokens: float, start_us: int, *, waited: bool = False) -> int:
        """The earliest time at which one request of `tokens` fits, cooldown included."""
        start = max(start_us, self.cooldown_until_us)
        reserve = GATE_RESERVE if waited else SCHEDULE_RESERVE
        return max(
            self.requests.room_at(1.0, start, reserve, self.jitter_us),
            self.tokens.room_at(tokens, start, reserve, self.jitter_us),
        )

    def in_the_way(self, tokens: float, *, waited: bool = False) -> Unit:
        """The limit that makes such a request wait the longest; the pause stands for the one that it is of."""
        reserve = GATE_RESERVE if waited else SCHEDULE_RESERVE
        requests_at = self.requests.free_at(1.0, reserve, self.jitter_us)
        tokens_at = self.tokens.free_at(tokens, reserve, self.jitter_us)
        if self.cooldown_until_us >= max(requests_at, tokens_at) - ROUNDED_US:
            return self.cooldown_of
        return "tokens" if tokens_at > requests_at else "requests"

    def rooms(self, group: str, model: str, now_us: int) -> Iterator[Room]:
        """What is left of each limit that is known."""
        meters: tuple[tuple[Unit, Meter], ...] = (("requests", self.requests), ("tokens", self.tokens))
        for unit, meter in meters:
            if meter.per_minute is not None:
                left = 0.0 if now_us < self.cooldown_until_us else meter.headroom(now_us) * meter.capacity
                yield Room(group, model, unit, meter.per_minute, left)

    def gate_at(self, tokens: float, charges: tuple[Charge, Charge]) -> int:
        """When a reserved place may go."""
        requests, of_tokens = charges
        return max(
            self.cooldown_until_us,
            self.requests.gate_at(1.0, requests, self.jitter_us),
            self.tokens.gate_at(tokens, of_tokens, self.jitter_us),
        )

    def is_outdated(self, charges: tuple[Charge, Charge]) -> bool:
        """True for a place that was reserved before a limit changed."""
        return self.requests.is_outdated(charges[0]) or self.tokens.is_outdated(charges[1])

    def fits(self, tokens: float) -> bool:
        """False if a request of `tokens` is larger than a whole minute's limit."""
        return self.tokens.per_minute is None or tokens <= self.tokens.per_minute

    def charge(self, tokens: float, at_us: int, *, reserved: bool = False) -> Bucket:
        """After one request of `tokens` was admitted now, or reserved for `at_us`."""
        jitter = self.jitter_us if reserved else 0.0
        return replace(
            self if reserved else self._counted(at_us),
            requests=self.requests.charge(1.0, at_us, jitter),
            tokens=self.tokens.charge(tokens, at_us, jitter),
        )

    def refund(self, tokens: float, charges: tuple[Charge, Charge]) -> Bucket:
        """After such a request was not sent."""
        return replace(
            self,
            requests=self.requests.refund(1.0, charges[0]),
            tokens=self.tokens.refund(tokens, charges[1]),
        )

    def sent(self, tokens: float, charges: tuple[Charge, Charge], now_us: int) -> Bucket:
        """A reserved request goes out now."""
        return replace(
            self._counted(now_us),
            requests=self.requests.sent(1.0, charges[0], now_us),
            tokens=self.tokens.sent(tokens, charges[1], now_us),
        )

    def own(self, charges: tuple[Charge, Charge]) -> tuple[Charge, Charge]:
        """The charges of a lease with all corrections so far taken in."""
        return (self.requests.own(charges[0]), self.tokens.own(charges[1]))

    def headroom(self, now_us: int) -> float:
        """Room of the tighter meter, 0 to 1."""
        if now_us < self.cooldown_until_us:
            return 0.0
        return min(self.requests.headroom(now_us), self.tokens.headroom(now_us))

    def charges(self) -> tuple[Charge, Charge]:
        """What a lease keeps for `learn`: requests, tokens. Zero while a limit is unknown."""
        return (self.requests.charged(), self.tokens.charged())

    def learn(self, reading: LimitReading, admitted_us: int, charges: tuple[Charge, Charge], tokens: float) -> Bucket:
        """After a response with rate limit headers to a request of `tokens`."""
        requests, of_tokens, guess = self.requests, self.tokens, self.guess
        if reading.requests is not None and guess.cut_us:
            requests, guess = requests.forgotten(), NO_GUESS
        if reading.requests is not None:
            requests = requests.learn(reading.requests, admitted_us, charges[0], 1.0, REQUESTS_DEAD)
        if reading.tokens is not None:
            of_tokens = of_tokens.learn(reading.tokens, admitted_us, charges[1], tokens, TOKENS_DEAD)
        return replace(self, requests=requests, tokens=of_tokens, guess=guess)

    def succeeded(self, taken: float, charges: tuple[Charge, Charge], sent_us: int, now_us: int) -> Bucket:
        """After a success that took so many tokens: travel is less uneven, bursts and a guessed rate may grow."""
        requests, tokens, grows = self.requests, self.tokens, now_us >= self.steady_until_us
        if self.guess.cut_us and requests.per_minute is not None:
            requests = requests.raised(self.guess.raised(requests.per_minute, now_us))
        elif grows and requests.was_idle(charges[0]):
            # one that is busy all the time gains nothing by larger bursts, and would overshoot
            requests = requests.grown(1.0, charges[0], sent_us, self.jitter_us)
        if grows:
            tokens = tokens.grown(taken, charges[1], sent_us, self.jitter_us)
        jitter_us = max(JITTER_US, self.jitter_us * JITTER_DECAY)
        return replace(self, requests=requests, tokens=tokens, jitter_us=jitter_us)

    def refused(self, refusal: Refused, charges: tuple[Charge, Charge], now_us: int) -> Bucket:
        """After a 429 that asks for a pause, and whose headers were learned already: rest, then one by one.

        Never a shorter rest than asked before. `limited_by` None concerns both limits.
        """
        guess = self.guess
        if not refusal.with_headers and self._is_guessed_or_unknown():
            guess, per_minute = guess.after_refusal(self.requests.per_minute, refusal.sent_us, now_us)
            if per_minute is not None:
                return replace(self, guess=guess)._guessed_at(per_minute, refusal, now_us)
        until = now_us + (DEFAULT_COOLDOWN_US if refusal.pause_us is None else refusal.pause_us)
        requests, tokens, steady_until = self.requests, self.tokens, self.steady_until_us
        of_requests, of_tokens = refusal.limited_by != "tokens", refusal.limited_by != "requests"
        if refusal.against_the_headers:
            steady_until = now_us + STEADY_US
            requests = requests.cut(1.0) if of_requests else requests
            tokens = tokens.cut(refusal.tokens) if of_tokens else tokens
        if of_requests:
            requests = requests.empty_until(
                until, 1.0, charges[0], self.jitter_us, against_the_headers=refusal.against_the_headers
            )
        # it was charged here and not there: no sample of the estimate may span it
        tokens = replace(tokens, idle_total=tokens.total + 0.5, sample_total=0.0)
        if of_tokens:
            tokens = tokens.empty_until(
                until, refusal.tokens, charges[1], self.jitter_us, against_the_headers=refusal.against_the_headers
            )
        jitter = min(LONGEST_JITTER_US, self.jitter_us * JITTER_GROWTH)
        longer = until > self.cooldown_until_us
        cooldown_of = refusal.limited_by or "requests" if longer else self.cooldown_of
        return Bucket(requests, tokens, max(self.cooldown_until_us, until), jitter, steady_until, cooldown_of, guess)

    def _counted(self, now_us: int) -> Bucket:
        if not self._is_guessed_or_unknown():
            return self
        return replace(self, guess=self.guess.after_sending(self.requests.per_minute, now_us))

    def _is_guessed_or_unknown(self) -> bool:
        """True while no header has named a limit of requests."""
        return self.requests.per_minute is None or self.guess.cut_us > 0

    def _guessed_at(self, per_minute: float, refusal: Refused, now_us: int) -> Bucket:
        """After a 429 that names no limit: paced at this rate, and the next request goes when that has room."""
        requests, pause_us = self.requests, refusal.pause_us
        if per_minute != requests.per_minute:
            pause_us = math.ceil(MINUTE_US / per_minute) if pause_us is None else pause_us
            requests = Meter.guessed(per_minute, now_us + pause_us, self.jitter_us, requests.total)
        until = max(self.cooldown_until_us, now_us + (pause_us or 0))
        cooldown_of = refusal.limited_by or "requests" if until > self.cooldown_until_us else self.cooldown_of
        return replace(self, requests=requests, cooldown_until_us=until, cooldown_of=cooldown_of)
