"""A rate that no header names: additive increase, multiplicative decrease (Chiu and Jain 1989). Pure.

Until a provider that sends no rate limit headers answers 429, nothing is known of its limit. Then the rate at which
requests were sent and not refused is the first guess. Successes raise it while it is used, the more so the longer no
429 came; each further 429 cuts it. Times are microseconds, rates are per minute. `stores/lua/guesses.lua` has the same
rules.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.keypool.limits import MINUTE_US

#: Over how long requests are counted: so many microseconds, and at least the time of so many of them.
COUNTED_US, COUNTED = 2_000_000.0, 4
#: By how much a rate that is used rises with each second since the last 429, for a rate of a request per second and
#: more, in requests/s; slower ones rise by this share with each success since. No success adds more than a fifth.
INCREASE, SLOW_INCREASE, LARGEST_INCREASE = 0.002, 0.01, 0.2
#: What a 429 leaves, at most once in so long; and what if less than a third of the rate was accepted, so that the guess
#: is far too high.
CUT_GAP_US = 500_000
DECREASE, FAR, FAR_DECREASE = 0.85, 1 / 3, 0.5
#: A rate is used if so much of it is.
USED = 0.5


@dataclass(frozen=True, slots=True)
class Guess:
    """What the guess rests on: requests that were sent and not refused, each fading with time.

    `counted_us` is when the last one was counted, and `cut_us` when the rate was last cut (0: nothing is guessed).
    """

    count: float = 0.0
    counted_us: int = 0
    cut_us: int = 0

    def after_sending(self, per_minute: float | None, now_us: int) -> Guess:
        """One more request goes out."""
        return replace(self, count=self._left(per_minute, now_us) + 1, counted_us=now_us)

    def raised(self, per_minute: float, now_us: int) -> float:
        """The rate after a success: higher if it is used, the more so the longer no 429 came."""
        if self._rate(per_minute, now_us) <= per_minute * USED:
            return per_minute
        per_second, since_s = per_minute / 60, (now_us - self.cut_us) / 1e6
        share = since_s * min(INCREASE / per_second, SLOW_INCREASE * per_second)
        return per_minute * (1 + min(share, LARGEST_INCREASE))

    def after_refusal(self, per_minute: float | None, sent_us: int, now_us: int) -> tuple[Guess, float | None]:
        """A 429 without headers; -> the guess and its rate. None: nothing was ever accepted.

        Requests that were sent before the last cut, or soon after it, do not cut again.
        """
        left = replace(self, count=max(0.0, self._left(per_minute, now_us) - 1), counted_us=now_us)
        accepted = left._rate(per_minute, now_us)
        if per_minute is None:
            return (replace(left, cut_us=now_us), accepted) if accepted else (left, None)
        if sent_us <= self.cut_us + CUT_GAP_US:
            return left, per_minute
        factor = DECREASE if accepted > per_minute * FAR else FAR_DECREASE
        return replace(left, cut_us=now_us), per_minute * factor

    def _rate(self, per_minute: float | None, now_us: int) -> float:
        return self._left(per_minute, now_us) * MINUTE_US / _window_us(per_minute)

    def _left(self, per_minute: float | None, now_us: int) -> float:
        """What still counts of those that were counted earlier."""
        return self.count * max(0.0, 1 - (now_us - self.counted_us) / _window_us(per_minute))


def _window_us(per_minute: float | None) -> float:
    return COUNTED_US if per_minute is None else max(COUNTED_US, COUNTED * MINUTE_US / per_minute)


#: No request was accepted yet.
NO_GUESS = Guess()
