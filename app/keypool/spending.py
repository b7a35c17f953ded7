"""What requests use of the fleet's budgets: model calls, tokens, money. Values alone; `ledger.lua` counts them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, fields
from operator import add, sub

from app.keypool.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Spent:
    """Model calls, tokens and estimated cost (millionths of a US dollar) that were used.

    `cached_tokens`, of `tokens`, are those of the input that the provider had in its cache.
    """

    calls: int = 0
    tokens: int = 0
    microusd: int = 0
    cached_tokens: int = 0

    def __add__(self, other: Spent) -> Spent:
        return Spent(*map(add, astuple(self), astuple(other)))

    def __sub__(self, other: Spent) -> Spent:
        return Spent(*map(sub, astuple(self), astuple(other)))


NOTHING = Spent()


@dataclass(frozen=True, slots=True)
class Cap:
    """The most that may be used; None: no cap."""

    calls: int | None = None
    tokens: int | None = None
    microusd: int | None = None

    def exceeded(self, used: Spent, more: Spent) -> str | None:
        """The first figure ("calls", "tokens", "microusd") that `more` would bring over the cap; nothing never does."""
        if more == NOTHING:
            return None
        caps, total = {f.name: getattr(self, f.name) for f in fields(self)}, used + more
        return next((name for name, cap in caps.items() if cap is not None and getattr(total, name) > cap), None)


@dataclass(frozen=True, slots=True)
class Budget:
    """Caps of the whole fleet: for a UTC day, for one key in a UTC day, and for one batch in all."""

    day: Cap = Cap()
    key_day: Cap = Cap()
    batch: Cap = Cap()


NO_BUDGET = Budget()


@dataclass(frozen=True, slots=True)
class Usage:
    """What a finished request used, as its response says.

    `output_tokens`, of `tokens`, are those of the completion, `cached_tokens` those of the input that came from the
    provider's cache; `microusd` is the estimated cost.
    """

    tokens: int
    microusd: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Bulk:
    """Requests to one model that are sent together with one key, apart from the limits of a minute (a batch).

    `bulk_id` is theirs for ever. `charges` are their estimates together, by the batch of jobs whose budget pays ("":
    none).
    """

    bulk_id: str
    key_id: str
    model: str
    charges: Mapping[str, Spent]

    @property
    def charged(self) -> Spent:
        """All of them together."""
        return sum(self.charges.values(), NOTHING)


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What came of a bulk: what was used in place of its charges, how its requests ended, and tokens by direction."""

    used: Mapping[str, Spent] = field(default_factory=dict)
    outcomes: Mapping[Outcome, int] = field(default_factory=dict)
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def total(self) -> Spent:
        """What all of them used together."""
        return sum(self.used.values(), NOTHING)
