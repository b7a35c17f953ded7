"""Properties that are filed by older rules are filed anew, beside running workers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from app.clock import Clock
from app.errors import PropertyIntelligenceError
from app.errors.storage import StoreError
from app.property.storage.engine import Database
from app.property.storage.refiling import Refiled, Refiler

log = logging.getLogger(__name__)

_AT_ONCE = 100
#: writers that wait for a SQLite file look every 0.1 s whether it is free: after so much work there is such a gap
_WORK_SECONDS, _GAP_SECONDS = 0.4, 0.11
#: then it is no single property that is at fault
_MOST_FAILURES = 100


@dataclass(slots=True)
class Refiling:
    """What one run did. `failed`: properties that could not be filed anew, and stay due; `left`: how many are due."""

    refiled: int = 0
    joined: list[Refiled] = field(default_factory=list)
    apart: list[Refiled] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    left: int = 0

    def as_json(self) -> dict[str, Any]:
        """The shape that the command shows."""
        return {
            "refiled": self.refiled,
            "joined": [{"property": one.id, "joined": list(one.joined)} for one in self.joined],
            "apart": [
                {"property": one.id, "other": other.id, "why": other.why} for one in self.apart for other in one.apart
            ],
            "failed": self.failed,
            "left": self.left,
        }


def refile_properties(
    database: Database,
    clock: Clock,
    *,
    seconds: float | None = None,
    told: Callable[[Refiling], None] = lambda _: None,
) -> Refiling:
    """File all that is due anew, or what can be done within `seconds`; `told` hears of the run after each property.

    May be ended at any moment and run by many at once. Raises `StoreError` where the database cannot be used, and what
    a property raised once very many did.
    """
    refiler, run = Refiler(database), Refiling()
    begun = clock.now_us()
    worked_since = begun
    for property_id in _due(refiler):
        try:
            done = refiler.refile(property_id)
        except StoreError:
            raise
        except (PropertyIntelligenceError, ValueError, TypeError, KeyError) as exc:
            log.exception("Property %s cannot be filed anew", property_id)
            run.failed.append(property_id)
            if len(run.failed) >= _MOST_FAILURES:
                raise exc
        else:
            _note(run, done)
        told(run)
        now = clock.now_us()
        if seconds is not None and now - begun >= seconds * 1_000_000:
            break
        if now - worked_since >= _WORK_SECONDS * 1_000_000:
            clock.sleep(_GAP_SECONDS)
            worked_since = clock.now_us()
    run.left = refiler.due()
    return run


def _due(refiler: Refiler) -> Iterator[str]:
    place = Refiler.BEGIN
    while some := refiler.after(place, _AT_ONCE):
        yield from (property_id for _, property_id in some)
        place = some[-1]


def _note(run: Refiling, done: Refiled | None) -> None:
    if done is None:  # somebody else did it, or it went into another one
        return
    run.refiled += 1
    if done.joined:
        run.joined.append(done)
        log.info("Property %s turned out to be %s as well", done.id, ", ".join(done.joined))
    if done.apart:
        run.apart.append(done)
        for other in done.apart:
            log.info("Property %s is left apart from %s: %s", done.id, other.id, other.why)
