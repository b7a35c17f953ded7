"""The state of the key pool at one moment, from which alarms and advice are computed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

#: States of keys that are not used because they fail or were rejected.
OUT = frozenset({"open", "half_open", "dead", "no_quota"})


@dataclass(frozen=True, slots=True)
class KeyView:
    """A configured key: its state in the pool (`snapshots.State`), and when it was first seen and last failed."""

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
        """Whether the key is not used because it fails or was rejected. False for a disabled key."""
        return self.state in OUT

    @property
    def is_in_rotation(self) -> bool:
        """Whether the key can be used now or, after a 429, usually within a minute."""
        return not (self.is_out or self.is_disabled)

    @property
    def is_disabled(self) -> bool:
        return self.state == "disabled"


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """The usage of a daily cap. If the cap is per key, `mask` names the key.

    `stopped` is True if the cap caused a rejection today. A cap per key does so only if all keys have reached it.
    """

    budget: Literal["day", "key_day"]
    unit: str  # "calls", "tokens" or "usd"
    used: float
    cap: float
    mask: str | None = None
    stopped: bool = False

    @property
    def share(self) -> float:
        """The used share of the cap. It can exceed 1, and is 1 for a cap of 0."""
        return self.used / self.cap if self.cap else 1.0


@dataclass(frozen=True, slots=True)
class PoolView:
    """The configured keys, in order, and the daily budgets. Both were read just after `at`."""

    at: datetime
    keys: tuple[KeyView, ...]
    budgets: tuple[BudgetUse, ...] = ()


def named(masks: list[str], most: int = 5) -> str:
    """Join masks as `a, b and c`. If there are more than `most`, end in a count such as `and 295 more`."""
    if len(masks) > most:
        return f"{', '.join(masks[:most])} and {len(masks) - most} more"
    return " and ".join(filter(None, (", ".join(masks[:-1]), masks[-1] if masks else "")))
