"""What model calls use, against the budgets of the fleet. Pure counting; a store holds it under its lock.

A call is charged its estimate when it is about to be sent, so that no two can squeeze below one cap, and corrected to
what it used once that is known. Whatever was surely not billed is given back. A reserved place is not
charged: the process that holds it may die.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from app.keypool.spending import NOTHING, Budget, Bulk, Cap, Spent, Usage
from app.keypool.stores.base import Lease


def estimate(model: str, tokens: float, microusd: int) -> Spent:
    """What a request is charged; one without a model (a list of models) is no model call."""
    return Spent(1 if model else 0, math.ceil(tokens), microusd)


def exceeded(cap: Cap, used: Spent, more: Spent) -> str | None:
    """The first figure ("calls", "tokens", "microusd") that `more` would bring over the cap; none if it is nothing."""
    if more == NOTHING:
        return None
    if cap.calls is not None and used.calls + more.calls > cap.calls:
        return "calls"
    if cap.tokens is not None and used.tokens + more.tokens > cap.tokens:
        return "tokens"
    if cap.microusd is not None and used.microusd + more.microusd > cap.microusd:
        return "microusd"
    return None


@dataclass(slots=True)
class Ledger:
    """Counters by UTC day, by key and day, and by batch. Of days only the newest two are kept.

    `size` is how many processes share what is left of each budget; what the others may use counts as used up.
    """

    budget: Budget
    size: int = 1
    _used: dict[tuple[str, ...], Spent] = field(default_factory=dict)
    _known: dict[tuple[str, ...], Spent] = field(default_factory=dict)
    _stopped: dict[int, dict[str, int]] = field(default_factory=dict)
    #: bulks that were charged, and on which day; those that are settled
    _bulks: dict[str, int] = field(default_factory=dict)
    _over: set[str] = field(default_factory=set)

    def refusal(self, day: int, batch: str, more: Spent) -> str | None:
        """Which budget of the day or batch has no room for `more`: "day calls", "batch tokens"."""
        if (what := self._exceeded(self.budget.day, ("day", str(day)), more)) is not None:
            return f"day {what}"
        if batch and (what := self._exceeded(self.budget.batch, ("batch", batch), more)) is not None:
            return f"batch {what}"
        return None

    def key_refusal(self, day: int, key_id: str, more: Spent) -> str | None:
        """The figure of which this key's budget of the day has no room for `more`."""
        what = self._exceeded(self.budget.key_day, ("key", str(day), key_id), more)
        return None if what is None else f"key_day {what}"

    def refusal_of(self, lease: Lease) -> str | None:
        """Which budget has no room for a request that held a place: as `refusal`, or `key_refusal`."""
        more = estimate(lease.model, lease.tokens, lease.microusd)
        return self.refusal(lease.day, lease.batch, more) or self.key_refusal(lease.day, lease.key_id, more)

    def stop(self, day: int, detail: str) -> None:
        """A request had no room in this budget, named as `refusal` and `key_refusal` do. Of a batch nothing is kept."""
        name, _, unit = detail.partition(" ")
        cap = {"day": self.budget.day, "key_day": self.budget.key_day}.get(name)
        if cap is not None:
            self._stopped = {day: {**self._stopped.get(day, {}), detail: getattr(cap, unit)}}

    def stopped(self, day: int) -> dict[str, int]:
        """The budgets that had no room for a request of this day, and their caps."""
        return dict(self._stopped.get(day, {}))

    def charge(self, lease: Lease) -> None:
        """A request is about to be sent."""
        self._add(lease, estimate(lease.model, lease.tokens, lease.microusd), 1)
        for place in [p for p in self._used if p[0] != "batch" and int(p[1]) < lease.day - 1]:
            del self._used[place]

    def refund(self, lease: Lease) -> None:
        """It was surely not billed."""
        self._add(lease, estimate(lease.model, lease.tokens, lease.microusd), -1)

    def correct(self, lease: Lease, usage: Usage) -> None:
        """What it used is known."""
        charged = estimate(lease.model, lease.tokens, lease.microusd)
        self._add(lease, Spent(0, usage.tokens - charged.tokens, usage.microusd - charged.microusd), 1)

    def charge_bulk(self, day: int, bulk: Bulk) -> str | None:
        """All of it, once; or which budget has no room for it."""
        if bulk.bulk_id in self._bulks:
            return None
        detail = self.refusal(day, "", bulk.charged)
        for batch, more in bulk.charges.items():
            if detail is None and batch and (what := self._exceeded(self.budget.batch, ("batch", batch), more)):
                detail = f"batch {what}"
        detail = detail or self.key_refusal(day, bulk.key_id, bulk.charged)
        if detail is None:
            self._bulks[bulk.bulk_id] = day
            self._add_bulk(day, bulk.key_id, bulk.charges, 1)
        return detail

    def settle_bulk(self, today: int, bulk: Bulk, used: Mapping[str, Spent]) -> bool:
        """What was used in place of what was charged, once. False if that was said before."""
        if bulk.bulk_id in self._over:
            return False
        self._over.add(bulk.bulk_id)
        day = self._bulks.get(bulk.bulk_id)
        if day is not None:
            self._add_bulk(day, bulk.key_id, bulk.charges, -1)
        self._add_bulk(today if day is None else day, bulk.key_id, used, 1)
        return True

    def _add_bulk(self, day: int, key_id: str, parts: Mapping[str, Spent], sign: int) -> None:
        for batch, more in parts.items():
            for place in _places_of(day, key_id, batch):
                self._add_to(place, more, sign)

    def start_from(self, name: str, used: Spent) -> None:
        """So much was used of budget `name` before this ledger began."""
        self._used[_place(name)] = self._known[_place(name)] = used

    def counted(self) -> dict[str, Spent]:
        """What was counted since this ledger began, by name: `d:<day>`, `d:<day>:<key>`, `t:<batch>`."""
        return {_name(place): used.minus(self._known.get(place, NOTHING)) for place, used in self._used.items()}

    def day(self, day: int) -> Spent:
        return self._used.get(("day", str(day)), NOTHING)

    def key(self, day: int, key_id: str) -> Spent:
        return self._used.get(("key", str(day), key_id), NOTHING)

    def batch(self, batch: str) -> Spent:
        return self._used.get(("batch", batch), NOTHING)

    def _exceeded(self, cap: Cap, place: tuple[str, ...], more: Spent) -> str | None:
        used, known = self._used.get(place, NOTHING), self._known.get(place, NOTHING)
        mine = Cap(
            _share(cap.calls, known.calls, self.size),
            _share(cap.tokens, known.tokens, self.size),
            _share(cap.microusd, known.microusd, self.size),
        )
        return exceeded(mine, used, more)

    def _add(self, lease: Lease, more: Spent, sign: int) -> None:
        for place in _places_of(lease.day, lease.key_id, lease.batch):
            self._add_to(place, more, sign)

    def _add_to(self, place: tuple[str, ...], more: Spent, sign: int) -> None:
        used = self._used.get(place, NOTHING)
        self._used[place] = Spent(
            used.calls + sign * more.calls,
            used.tokens + sign * more.tokens,
            used.microusd + sign * more.microusd,
        )


def _places_of(day: int, key_id: str, batch: str) -> Iterator[tuple[str, ...]]:
    yield ("day", str(day))
    yield ("key", str(day), key_id)
    if batch:
        yield ("batch", batch)


def _name(place: tuple[str, ...]) -> str:
    return f"t:{place[1]}" if place[0] == "batch" else ":".join(("d", *place[1:]))


def _place(name: str) -> tuple[str, ...]:
    kind, _, rest = name.partition(":")
    if kind == "t":
        return ("batch", rest)
    day, _, key_id = rest.partition(":")
    return ("key", day, key_id) if key_id else ("day", day)


def _share(cap: int | None, known: int, size: int) -> int | None:
    """The cap that leaves the others their part of what was left when this ledger began."""
    return None if cap is None else known + max(0, cap - known) // size
