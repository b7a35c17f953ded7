"""What is known of the pool at one moment: all that alarms and advice are judged by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

#: states of a key in which it takes no request and needs somebody, or time, to come back
OUT = frozenset({"open", "half_open", "dead", "no_quota"})


@dataclass(frozen=True, slots=True)
class KeyView:
    """One configured key. `state` is the pool's word for it (`stores.base.State`); the times are the newest at which it
    befell the key, None if it never did."""

    key_id: str
    mask: str
    group: str
    state: str
    first_seen_at: datetime | None = None
    opened_at: datetime | None = None
    died_at: datetime | None = None
    quota_gone_at: datetime | None = None

    @property
    def is_out(self) -> bool:
        """It fails or was refused; a key that an operator disabled does neither."""
        return self.state in OUT

    @property
    def is_in_rotation(self) -> bool:
        """It takes requests, or does so again by itself within a minute as a rule."""
        return not (self.is_out or self.is_disabled)

    @property
    def is_disabled(self) -> bool:
        """An operator took it out, and will bring it back."""
        return self.state == "disabled"


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """How much of one daily cap is used; `mask` names the key of a cap per key.

    `stopped`: what was left had no room for a request of this day; of a cap per key that is so of all keys together.
    """

    budget: Literal["day", "key_day"]
    unit: str  # "calls", "tokens" or "usd"
    used: float
    cap: float
    mask: str | None = None
    stopped: bool = False

    @property
    def share(self) -> float:
        """0 and up; a cap of 0 is used up from the beginning."""
        return self.used / self.cap if self.cap else 1.0


@dataclass(frozen=True, slots=True)
class PoolView:
    """The pool at `at`: its configured keys in their order, and the daily budgets, all read after that moment."""

    at: datetime
    keys: tuple[KeyView, ...]
    budgets: tuple[BudgetUse, ...] = ()


def named(masks: list[str], most: int = 5) -> str:
    """`a, b and c`, or the first five `and 295 more`."""
    if len(masks) > most:
        return f"{', '.join(masks[:most])} and {len(masks) - most} more"
    return " and ".join(filter(None, (", ".join(masks[:-1]), masks[-1] if masks else "")))
