"""Which key takes a request, and when. Pure: a store feeds it what it holds and carries out what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.keypool.figures import Unit
from app.keypool.strategies import KeyView, Score

#: While a key has its first request out, waiting for that answer beats a reservation beyond this.
WORTH_WAITING_US = 250_000
#: How soon to look again for an answer that is under way: a fresh one, and one that has taken long already.
LOOK_AGAIN_US = 50_000
LOOK_AGAIN_LATER_US = 250_000
#: One draw below this for each decision (`chance_of`): a prime.
SEEDS = 65_537
#: About how long an answer takes: when to come back for one that is under way.
ANSWER_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """A key as admission sees it: when it could take this request, if nothing that is under way changes that.

    `awaits_answer`: its one request is out, so it cannot be reserved; `fresh`: that answer is due any moment. `fits` is
    False if the request is larger than the key's limit for a whole minute. `lacks` is the limit that alone keeps a key
    in rotation from taking the request now, None if there is no such limit, or something else does.
    """

    key_id: str
    at_us: int
    view: KeyView
    chance: float
    awaits_answer: bool = False
    fresh: bool = False
    fits: bool = True
    lacks: Unit | None = None


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
    """Nothing has room within the longest wait; `at_us` is when the first key will have, None if there is no key."""

    at_us: int | None


def chance_of(seed: int, position: int) -> float:
    """A number in [0, 1) for a key's place in the configuration, from one draw (0 <= seed < SEEDS) for all keys.

    Cubing permutes the integers below this prime and scatters neighbours; Lua's doubles do it exactly.
    """
    mixed = (seed + position * 40_503) % SEEDS
    return mixed**3 % SEEDS / SEEDS


def decide(candidates: Sequence[Candidate], now_us: int, max_wait_us: int, score: Score) -> Take | LookAgain | Refuse:
    """The strategy's choice among the keys that can go now, else the first to have room, else a refusal.

    Equal scores keep the order of `candidates`. Keys that are too small for the request are used if all are.
    """
    candidates = _in_play(candidates)
    timed = [(c.at_us, i) for i, c in enumerate(candidates) if not c.awaits_answer]
    ready = [(score(candidates[i].view, candidates[i].chance), i) for at_us, i in timed if at_us <= now_us]
    if ready:
        return Take(candidates[min(ready)[1]].key_id, now_us)
    first = min(timed, default=None)
    wait = _wait_for_answer(candidates, None if first is None else first[0] - now_us)
    if wait is not None:
        if max_wait_us > 0:
            return LookAgain(wait)
        return Refuse(now_us + ANSWER_US if first is None else min(first[0], now_us + ANSWER_US))
    if first is None:
        return Refuse(None)
    if first[0] > now_us + max_wait_us:
        return Refuse(first[0])
    return Take(candidates[first[1]].key_id, first[0])


def without_room(candidates: Sequence[Candidate], now_us: int) -> tuple[Unit, int] | None:
    """If all that is missing is room: the limit that the first key to have some lacks, and when that will be."""
    timed = [c for c in _in_play(candidates) if not c.awaits_answer]
    first = min(timed, key=lambda c: c.at_us, default=None)
    if first is None or first.at_us <= now_us or first.lacks is None:
        return None
    return first.lacks, first.at_us


def _in_play(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    """Those that are large enough for the request, if any is."""
    if any(c.fits and not c.awaits_answer for c in candidates):
        return [c for c in candidates if c.fits or c.awaits_answer]
    return candidates


def _wait_for_answer(candidates: Sequence[Candidate], first_in_us: int | None) -> int | None:
    """How long to wait for an answer under way, None if that is not worth it."""
    fresh = any(c.awaits_answer and c.fresh for c in candidates)
    if first_in_us is None:
        return LOOK_AGAIN_US if fresh else LOOK_AGAIN_LATER_US if candidates else None
    return LOOK_AGAIN_US if fresh and first_in_us > WORTH_WAITING_US else None
