"""The data of a chaos run, from which `account.py` builds the table."""

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.expectation import Expectation, Observation
from tests.chaos.faults import Away
from tests.chaos.ledger import Ledger
from tests.chaos.plan import Plan
from tests.chaos.site import Served
from tests.chaos.watch import Watch


@dataclass(frozen=True)
class Probe:
    """Jobs submitted after a broker fault that ended at `since`. `ran_at` is when the first job started, or None."""

    what: str
    since: float
    ran_at: float | None


@dataclass(frozen=True)
class JobRow:
    id: str
    target: str
    state: str
    attempts: int
    property_id: str | None
    error_code: str | None
    error_message: str | None
    lease_owner: str | None


@dataclass
class Evidence:
    """The measurements of a run. `fetched` is keyed by page URL, and `paid` by the SHA-256 of the prompt."""

    plan: Plan
    home: Path
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    accepted: list[str] = field(default_factory=list)
    away: list[Away] = field(default_factory=list)
    probes: list[Probe] = field(default_factory=list)
    not_done: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    ledger: Ledger = field(init=False)
    watch: Watch = field(init=False)
    logs: dict[str, Path] = field(default_factory=dict)
    jobs: dict[str, JobRow] = field(default_factory=dict)
    fetched: Counter[str] = field(default_factory=Counter)
    served: list[Served] = field(default_factory=list)
    paid: Counter[str] = field(default_factory=Counter)
    observations: Counter[Observation] = field(default_factory=Counter)
    properties: int = 0
    without_model: dict[str, bool] = field(default_factory=dict)
    left_over: list[str] = field(default_factory=list)
    expectation: Expectation = field(init=False)
