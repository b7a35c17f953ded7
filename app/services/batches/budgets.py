"""Which parked requests the budgets have room for now, and which keys could carry them.

The look is not binding: `charge_bulk` is, which charges all of a batch or nothing. It only spares uploads in vain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from app.keypool.snapshots import KeySnapshot
from app.keypool.spending import NOTHING, Cap, Spent
from app.property.storage.llm.batches import Candidate
from app.services.batches.parts import Parts, spent_of

#: states in which a key takes requests, now or soon
_IN_ROTATION = frozenset({"closed", "half_open", "cooling"})


@dataclass(slots=True)
class Room:
    """What is left of the budgets, as requests are taken from it one by one."""

    parts: Parts
    day: Spent
    key: Spent
    batches: dict[str, Spent] = field(default_factory=dict)

    def takes(self, more: Spent, payer: str) -> bool | None:
        """True: there was room, and it is taken. False: not today. None: never, the budget of that batch is used up."""
        of_batch = self.batches.get(payer)
        if of_batch is None:
            of_batch = self.batches[payer] = self.parts.manager.spent(payer)
        budget = self.parts.budget
        if budget.batch.exceeded(of_batch, more):
            return None
        if budget.day.exceeded(self.day, more) or budget.key_day.exceeded(self.key, more):
            return False
        self.batches[payer] = of_batch + more
        self.day, self.key = self.day + more, self.key + more
        return True


@dataclass(frozen=True, slots=True)
class Choice:
    """Requests to send together; `never` are those whose batch of jobs has no budget left."""

    chosen: list[Candidate]
    never: list[str]


def choose(parts: Parts, candidates: Sequence[Candidate], model: str, *, most_bytes: int, most_tokens: float) -> Choice:
    """Those that fit together into one file, one key and all budgets, in their order; one, if one fits at all."""
    keys = usable_keys(parts)
    if not keys:
        return Choice([], [])
    room = _room(parts, keys)
    chosen: list[Candidate] = []
    never: list[str] = []
    size, tokens = 0, 0.0
    for each in candidates:
        larger, more_tokens = size + each.body_bytes + LINE_BYTES, tokens + each.input_tokens
        if chosen and (larger > most_bytes or more_tokens > most_tokens):
            break
        more = Spent(1, each.input_tokens + each.output_tokens, parts.cost_of(each, model))
        taken = room.takes(more, each.batch)
        if taken:
            chosen.append(each)
            size, tokens = larger, more_tokens
        elif taken is None:
            never.append(each.id)
    return Choice(chosen, never)


def _room(parts: Parts, keys: Sequence[KeySnapshot]) -> Room:
    """What is used, and what batches that are not charged yet will use."""
    unsent = [batch for batch in parts.batches.under_way() if batch.is_uncharged]
    owed: dict[str, Spent] = {}
    for batch in unsent:
        for payer, more in spent_of(batch.charges).items():
            owed[payer] = owed.get(payer, NOTHING) + more
    all_owed = sum(owed.values(), NOTHING)
    batches = {payer: parts.manager.spent(payer) + more for payer, more in owed.items()}
    day, key = parts.manager.spent(), _least_used(parts.budget.key_day, keys)
    return Room(parts, day + all_owed, key + all_owed, batches)


#: what a line holds beside the body
LINE_BYTES = 192


def usable_keys(parts: Parts) -> list[KeySnapshot]:
    """Configured keys that are in rotation."""
    return [found for found in parts.manager.get_snapshots() if found.state in _IN_ROTATION]


def keys_with_room(parts: Parts, more: Spent) -> frozenset[str]:
    """Keys in rotation whose budget of the day has room for all of it."""
    cap = parts.budget.key_day
    return frozenset(k.key_id for k in usable_keys(parts) if not cap.exceeded(k.spent_today, more))


def _least_used(cap: Cap, keys: Iterable[KeySnapshot]) -> Spent:
    """What the key has spent that has most room left, by the figure that is capped."""
    if cap == Cap():
        return Spent()
    return min((k.spent_today for k in keys), key=lambda s: _share(cap, s))


def _share(cap: Cap, spent: Spent) -> float:
    pairs = ((cap.calls, spent.calls), (cap.tokens, spent.tokens), (cap.microusd, spent.microusd))
    return max((used / max(1, most) for most, used in pairs if most is not None), default=0.0)
