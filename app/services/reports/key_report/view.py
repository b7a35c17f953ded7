"""The state of the key pool at one moment, from which alarms and advice are computed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

#: States of keys that are not used until they recover or are replaced.
OUT = frozenset({"open", "half_open", "dead", "no_quota"})


@dataclass(frozen=True, slots=True)
class KeyView:
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
        """Whether the key can be used now, or after a 429 usually within a minute."""
        return not (self.is_out or self.is_disabled)

    @property
    def is_disabled(self) -> bool:
        return self.state == "disabled"


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """The usage of a daily cap, of all keys or of the key `mask`.

    `stopped` is True if a request was rejected today because of the cap. A cap per key can cause a rejection only if
    all keys have reached the cap.
    """

    budget: Literal["day", "key_day"]
    unit: str
    used: float
    cap: float
    mask: str | None = None
    stopped: bool = False

    @property
    def share(self) -> float:
        """The used share of the cap, which may exceed 1. For a cap of 0, it is 1."""
        return self.used / self.cap if self.cap else 1.0


@dataclass(frozen=True, slots=True)
class PoolView:
    """The configured keys, in order, and the daily budgets, read just after `at`."""

    at: datetime
    keys: tuple[KeyView, ...]
    budgets: tuple[BudgetUse, ...] = ()


def named(masks: list[str], most: int = 5) -> str:
    """Join masks as `a, b and c`. If there are more than `most`, end with the number of the others: `and 295 more`."""
    if len(masks) > most:
        return f"{', '.join(masks[:most])} and {len(masks) - most} more"
    return " and ".join(filter(None, (", ".join(masks[:-1]), masks[-1] if masks else "")))
