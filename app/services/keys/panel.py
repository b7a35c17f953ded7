"""Build the overview of the keys: states in words, remaining limits, waits, budgets, and the last day."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from app.keypool.figures import WAIT_BOUNDS_S, Capacity, ModelFigures
from app.keypool.snapshots import KeySnapshot
from app.keypool.spending import Spent
from app.property.storage.database import Database
from app.property.storage.keys.alerts import AlertStore
from app.property.storage.keys.history import KeyHistoryStore
from app.property.storage.keys.tables import Alert
from app.property.storage.keys.usage import HOUR, Uses, hour_of
from app.services.keys.view import KeyReport, amounts
from app.services.reports.key_report.alarms import Kind

SPAN = timedelta(hours=24)
MOST_KEYS = 20
MOST_CAPACITIES = 10
_URGENT = ("dead", "no_quota", "open", "half_open", "disabled")
_OUTAGES = (Kind.CIRCUIT_OPEN, Kind.KEY_DEAD, Kind.QUOTA_GONE)
STATES = {
    "closed": ("healthy", ""),
    "cooling": ("resting", "Rate limited (429)."),
    "open": ("circuit open", "Circuit open after repeated failures."),
    "half_open": ("probing", "One request tests whether it works again."),
    "dead": ("refused", "The provider refused it (401). Replace it."),
    "no_quota": ("no credit", "Its organization has no credit left. Add credit."),
    "disabled": ("disabled", "Disabled by an operator until it is enabled."),
    "draining": ("draining", "Removed from the configuration. Open requests finish."),
}


@dataclass(frozen=True, slots=True)
class Panel:
    """The overview at the time `at`.

    `keys` are snapshots with their states in words. `capacities` are remaining limits, with the most exhausted first.
    `budgets` are the daily caps for all processes together. `hours` has the usage of each of the last 24 hours, oldest
    first. `outages` are the last day's alerts about unusable keys.
    """

    at: datetime
    healthy: int
    total: int
    keys: Sequence[Mapping[str, Any]]
    keys_left_off: int
    capacities: Sequence[Capacity]
    capacities_left_off: int
    waits: Sequence[Mapping[str, Any]]
    budgets: Sequence[Mapping[str, Any]]
    spent: Spent
    hours: Sequence[tuple[datetime, Uses]]
    outages: Sequence[Alert]
    firing: Sequence[Alert]


def make_panel(found: KeyReport, database: Database, *, all_keys: bool = False) -> Panel:
    """Return the overview. Unless `all_keys`, it has at most `MOST_KEYS` keys. Raises errors of the database."""
    now = database.clock.now()
    known = dict(KeyHistoryStore(database).by_hour(now - SPAN))
    hours = [hour_of(now) - number * HOUR for number in reversed(range(SPAN // HOUR))]
    counted = found.configured
    alerts, spent = AlertStore(database), amounts(found.spent)
    keys = found.snapshots if all_keys else most_urgent(found.snapshots)
    capacities = tightest(found.figures.capacities)
    return Panel(
        at=now,
        healthy=sum(key.is_healthy for key in counted),
        total=len(counted),
        keys=[key_row(key) for key in keys],
        keys_left_off=len(found.snapshots) - len(keys),
        capacities=[c._replace(group=found.masks.get(c.group, c.group)) for c in capacities],
        capacities_left_off=len(found.figures.capacities) - len(capacities),
        waits=[_wait_row(model) for model in found.figures.models],
        budgets=[{"unit": unit, "used": spent[unit], "cap": cap} for unit, cap in amounts(found.budget.day).items()],
        spent=found.spent,
        hours=[(hour, known.get(hour, Uses())) for hour in hours],
        outages=alerts.since(now - SPAN, _OUTAGES),
        firing=alerts.firing(),
    )


def key_row(key: KeySnapshot) -> dict[str, Any]:
    name, reason = STATES[key.state]
    if key.rests_us > 0 and key.state in ("closed", "cooling"):
        name = f"resting {_span(key.rests_us)}"
    if key.probe_in_us > 0 and key.state in ("open", "dead"):
        reason = f"{reason} Next probe in {_span(key.probe_in_us)}."
    last_used = None if key.last_used_us is None else datetime.fromtimestamp(key.last_used_us / 1_000_000, UTC)
    usd = key.spent_today.microusd / 1_000_000
    return {**asdict(key), "state_name": name, "reason": reason, "last_used": last_used, "usd_today": usd}


def _span(microseconds: int) -> str:
    seconds = -(-microseconds // 1_000_000)
    if seconds < 100:
        return f"{seconds} s"
    return f"{-(-seconds // 60)} min" if seconds < 6_000 else f"{-(-seconds // 3_600)} h"


def most_urgent(keys: Sequence[KeySnapshot]) -> list[KeySnapshot]:
    """Return at most `MOST_KEYS` keys. If there are more, those that may need an operator come first."""
    if len(keys) <= MOST_KEYS:
        return list(keys)
    ranks = {state: rank for rank, state in enumerate(_URGENT)}
    return sorted(keys, key=lambda key: ranks.get(key.state, len(ranks)))[:MOST_KEYS]


def tightest(capacities: Sequence[Capacity]) -> list[Capacity]:
    return sorted(capacities, key=lambda of: of.left / of.per_minute if of.per_minute else 0.0)[:MOST_CAPACITIES]


def _wait_row(model: ModelFigures) -> dict[str, Any]:
    """Return how long a model's requests waited for a key.

    `share_at_once` is the share of requests (0 to 1) that waited at most 10 ms. `p95_seconds` is None if it exceeds 60
    s.
    """
    sent, reached = sum(model.waits), accumulate(model.waits)
    return {
        "model": model.model,
        "sent": sent,
        "share_at_once": model.waits[0] / sent if sent else 1.0,
        "mean_seconds": model.waited_us / 1_000_000 / sent if sent else 0.0,
        "p95_seconds": next(
            (bound for bound, n in zip(WAIT_BOUNDS_S, reached, strict=False) if n >= 0.95 * sent), None
        ),
        "refused": sum(model.refusals.values()),  # requests that got no key
    }
