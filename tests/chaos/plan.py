"""What a run does, drawn from its seed: how many jobs and which faults in which order; and how the site misbehaves."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

DatabaseKind = Literal["sqlite", "postgresql"]

#: how often each fault comes: once in the small run, as issue 4 has it in the full one
ONCE: Mapping[str, int] = dict.fromkeys(
    ("child", "worker", "broker_kill", "broker_stop", "broker_wipe", "beat", "locked", "full"), 1
)
ALL: Mapping[str, int] = {**ONCE, "child": 5, "worker": 2, "broker_kill": 2}

#: pages are numbered from here, so that every street number is a usual one
FIRST_HOME = 1
#: gap between two key reports of the fleet
REPORT_SECONDS = 5.0
#: within this time the jobs of a worker that was killed run again
RUNNING_AGAIN_SECONDS = 60.0


@dataclass(frozen=True)
class Plan:
    """One run. `gap_seconds` is drawn between its two ends before each fault; `seconds` bounds the run as a whole."""

    jobs: int
    seed: int
    database: DatabaseKind
    faults: Mapping[str, int]
    gap_seconds: tuple[float, float]
    seconds: float
    poison: bool = True
    skewed_clock: bool = True
    order: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        order = [name for name, times in self.faults.items() for _ in range(times)]
        random.Random(f"{self.seed}:order").shuffle(order)
        object.__setattr__(self, "order", tuple(order))

    @classmethod
    def small(cls, seed: int, database: DatabaseKind, jobs: int = 100) -> Plan:
        """Every fault once, in less than five minutes."""
        return cls(jobs, seed, database, ONCE, gap_seconds=(4.0, 9.0), seconds=290.0)

    @classmethod
    def full(cls, seed: int, database: DatabaseKind, jobs: int = 1000) -> Plan:
        """The faults of the table in docs/benchmarks/chaos.md, in about a quarter of an hour."""
        return cls(jobs, seed, database, ALL, gap_seconds=(8.0, 20.0), seconds=600.0 + 1.5 * jobs)

    def chance(self, what: str) -> random.Random:
        """A generator of its own for each purpose, so that what one draws does not move another."""
        return random.Random(f"{self.seed}:{what}")


@dataclass(frozen=True)
class Manners:
    """How the site answers one page: what goes wrong at its first requests, then how long a good answer takes.

    `mishaps` are "500" and "503" (statuses), "broken" (the body ends half-way) and "hang" (no answer at all).
    """

    mishaps: tuple[str, ...]
    latency_seconds: float


#: share of pages, and what goes wrong at their first requests
_MISHAPS: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.06, ("503",)),
    (0.06, ("500",)),
    (0.06, ("broken",)),
    (0.04, ("hang",)),
    (0.03, ("503", "broken")),
)


def manners(seed: int, number: int) -> Manners:
    """The site's manners at page `number`; one page in four goes wrong at first, a good answer takes 0.3 to 6 s."""
    chance = random.Random(f"{seed}:page:{number}")
    drawn, latency = chance.random(), min(6.0, max(0.3, chance.lognormvariate(0.3, 0.7)))
    for share, mishaps in _MISHAPS:
        if drawn < share:
            return Manners(mishaps, latency)
        drawn -= share
    return Manners((), latency)
