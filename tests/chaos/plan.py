"""The plan of a chaos run, derived from its seed: the number of jobs, the order of faults, and the site's failures."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

DatabaseKind = Literal["sqlite", "postgresql"]

#: How often each fault occurs: `ONCE` in the small run, `ALL` in the full run.
ONCE: Mapping[str, int] = dict.fromkeys(
    ("child", "worker", "broker_kill", "broker_stop", "broker_wipe", "beat", "locked", "full"), 1
)
ALL: Mapping[str, int] = {**ONCE, "child": 5, "worker": 2, "broker_kill": 2}

FIRST_HOME = 1
#: The interval between two key reports of the fleet, in seconds.
REPORT_SECONDS = 5.0
#: Time limit for the jobs of a killed worker to run again, in seconds.
RUNNING_AGAIN_SECONDS = 60.0


@dataclass(frozen=True)
class Plan:
    """The parameters of a run.

    `gap_seconds` is the range of pauses before faults. `late_seconds` limits how late a key report may come. `seconds`
    limits the whole run.
    """

    jobs: int
    seed: int
    database: DatabaseKind
    faults: Mapping[str, int]
    gap_seconds: tuple[float, float]
    late_seconds: float
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
        """Return a plan with every fault once. Its run takes less than five minutes.

        Tests run two of these side by side, so a key report may be late by an interval, but none may be missing.
        """
        return cls(jobs, seed, database, ONCE, gap_seconds=(4.0, 9.0), late_seconds=REPORT_SECONDS, seconds=290.0)

    @classmethod
    def full(cls, seed: int, database: DatabaseKind, jobs: int = 1000) -> Plan:
        """Return a plan with the faults in docs/benchmarks/chaos.md. A run of 1,000 jobs takes about 15 minutes."""
        seconds = 600.0 + 1.5 * jobs
        return cls(jobs, seed, database, ALL, gap_seconds=(8.0, 20.0), late_seconds=2.0, seconds=seconds)

    def chance(self, what: str) -> random.Random:
        """Return the random generator for a purpose, so that draws for one purpose do not change another's."""
        return random.Random(f"{self.seed}:{what}")


@dataclass(frozen=True)
class Manners:
    """How the site serves one page. The first requests fail as in `mishaps`, and later ones get a good response.

    A fault is "500" or "503" (HTTP status), "broken" (half of the body), or "hang" (no response for 60 s). Except for
    "hang", responses begin after `latency_seconds`.
    """

    mishaps: tuple[str, ...]
    latency_seconds: float


#: The share of the pages whose first requests fail, and how these requests fail.
_MISHAPS: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.06, ("503",)),
    (0.06, ("500",)),
    (0.06, ("broken",)),
    (0.04, ("hang",)),
    (0.03, ("503", "broken")),
)


def manners(seed: int, number: int) -> Manners:
    """Return how the site serves page `number`. One page in four fails at first; a good response takes 0.3 to 6 s."""
    chance = random.Random(f"{seed}:page:{number}")
    drawn, latency = chance.random(), min(6.0, max(0.3, chance.lognormvariate(0.3, 0.7)))
    for share, mishaps in _MISHAPS:
        if drawn < share:
            return Manners(mishaps, latency)
        drawn -= share
    return Manners((), latency)
