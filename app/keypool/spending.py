"""Amounts and limits of model calls, tokens, and cost. `ledger.lua` counts usage for all processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, fields
from operator import add, sub

from app.keypool.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Spent:
    """An amount of usage: model calls, tokens, and estimated cost in millionths of a US dollar.

    `cached_tokens` is the part of `tokens` that the provider read from its cache.
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
    calls: int | None = None
    tokens: int | None = None
    microusd: int | None = None

    def exceeded(self, used: Spent, more: Spent) -> str | None:
        if more == NOTHING:
            return None
        caps, total = {f.name: getattr(self, f.name) for f in fields(self)}, used + more
        return next((name for name, cap in caps.items() if cap is not None and getattr(total, name) > cap), None)


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of usage by all processes together: per UTC day, per key and UTC day, and per batch of jobs."""

    day: Cap = Cap()
    key_day: Cap = Cap()
    batch: Cap = Cap()


NO_BUDGET = Budget()


@dataclass(frozen=True, slots=True)
class Usage:
    """The usage that the response to a request reports. `tokens` is input plus output.

    `output_tokens` is the part that the model generated, and `cached_tokens` the part of the input that was read from
    the provider's cache. `microusd` is the estimated cost.
    """

    tokens: int
    microusd: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Bulk:
    """Requests to one model that are sent together, with one key, to OpenAI's batch API. Rate limits per minute do not
    apply to them.

    `bulk_id` is never reused. `charges` maps each batch of jobs ("" for jobs outside a batch) to the estimated usage of
    its requests.
    """

    bulk_id: str
    key_id: str
    model: str
    charges: Mapping[str, Spent]

    @property
    def charged(self) -> Spent:
        return sum(self.charges.values(), NOTHING)


@dataclass(frozen=True, slots=True)
class BulkResult:
    """The result of a `Bulk`. `used` maps each batch of jobs to its usage, which replaces the estimated charge."""

    used: Mapping[str, Spent] = field(default_factory=dict)
    outcomes: Mapping[Outcome, int] = field(default_factory=dict)
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def total(self) -> Spent:
        return sum(self.used.values(), NOTHING)
