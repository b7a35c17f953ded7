"""Which key takes a request, and when. Pure: a store feeds it what it holds and carries out what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.keypool.strategies import KeyView, Score

#: While a key that never answered has its first request out, waiting for that answer beats a reservation beyond this.
_WORTH_WAITING_US = 250_000
_LOOK_AGAIN_US = 50_000
#: About how long an answer takes: when to come back for one that is under way.
_ANSWER_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """A key as admission sees it: when it could take this request (None: only a pending answer can tell)."""

    key_id: str
    at_us: int | None
    view: KeyView


@dataclass(frozen=True, slots=True)
class Take:
    """Use this key at `at_us`, which is now or within the longest wait."""

    key_id: str
    at_us: int


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Ask again after `pause_us`: an answer that is on its way decides."""

    pause_us: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """Nothing has room within the longest wait; `at_us` is when the first key will have, None if no key may be used."""

    at_us: int | None


def decide(
    candidates: Sequence[Candidate], now_us: int, max_wait_us: int, score: Score, chances: Sequence[float]
) -> Take | LookAgain | Refuse:
    """The strategy's choice among the keys that can go now, else the first to have room, else a refusal.

    `chances` holds one number in [0, 1) per candidate. Equal scores keep the order of `candidates`.
    """
    ready = [
        (score(c.view, x), i) for i, (c, x) in enumerate(zip(candidates, chances, strict=True)) if _is_ready(c, now_us)
    ]
    if ready:
        return Take(candidates[min(ready)[1]].key_id, now_us)
    timed = [(c.at_us, i) for i, c in enumerate(candidates) if c.at_us is not None]
    first = min(timed, default=None)
    awaited = len(timed) < len(candidates)
    if awaited and (first is None or first[0] > now_us + _WORTH_WAITING_US):
        if max_wait_us > 0:
            return LookAgain(_LOOK_AGAIN_US)
        return Refuse(now_us + _ANSWER_US if first is None else min(first[0], now_us + _ANSWER_US))
    if first is None:
        return Refuse(None)
    if first[0] > now_us + max_wait_us:
        return Refuse(first[0])
    return Take(candidates[first[1]].key_id, first[0])


def _is_ready(candidate: Candidate, now_us: int) -> bool:
    return candidate.at_us is not None and candidate.at_us <= now_us
