"""Record the key pool's counters and alerts, for the scheduled tasks."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from app.keypool.figures import CallFigures, ModelFigures, PoolFigures
from app.keypool.keys import ApiKey
from app.keypool.outcomes import Outcome
from app.keypool.spending import Budget, Cap
from app.property.storage.database import Database
from app.property.storage.keys.alerts import AlertStore, Severity
from app.property.storage.keys.history import KeyHistoryStore
from app.property.storage.keys.tables import Alert, Key
from app.property.storage.keys.usage import CountedKey, Demand, Uses
from app.services.keys.store import budget_of
from app.services.keys.view import amounts
from app.services.openai_client_manager import OpenAIClientManager
from app.services.reports.key_report.alarms import find_alarms
from app.services.reports.key_report.view import BudgetUse, KeyView, PoolView
from app.settings import Settings

log = logging.getLogger(__name__)

_FAILURES = (Outcome.QUOTA_EXHAUSTED, Outcome.INVALID_KEY, Outcome.FORBIDDEN, Outcome.SERVER_FAILURE)


@dataclass(frozen=True, slots=True)
class PoolMonitor:
    settings: Settings
    manager: OpenAIClientManager
    database: Database

    @property
    def history(self) -> KeyHistoryStore:
        return KeyHistoryStore(self.database)

    @property
    def alerts(self) -> AlertStore:
        return AlertStore(self.database)

    def look(self, at: datetime | None = None, stats: Mapping[str, Any] | None = None) -> PoolView | None:
        """Record the counters, and return a view of the pool, or None while Redis is unavailable.

        `stats` are the manager's stats just after `at`, if the caller has them. Keys that another process has just
        removed are omitted. Raises errors of the database.
        """
        at = at or self.database.clock.now()
        figures = self._record_counters()
        if figures is None:
            return None
        stats = stats or self.manager.get_stats()
        if stats["scope"] != "fleet":
            return None
        known = {key.key_id: key for key in self.history.known_keys()}
        keys = tuple(
            _key_view(key, str(stats["keys"][key.mask]["state"]), known.get(key.key_id))
            for key in self.manager.keys
            if key.mask in stats["keys"]  # the manager may have got a key after the `stats`
            and (key.key_id not in known or known[key.key_id].removed_at is None)
        )
        return PoolView(at, keys, tuple(budget_uses(stats, figures.stopped, budget_of(self.settings))))

    def _record_counters(self) -> PoolFigures | None:
        """Record the shared counters, and return the pool's figures, or None while Redis is unavailable.

        Without Redis, a manager has only the counters of its own process, which would make the totals drop.
        """
        figures: PoolFigures | None = None

        def read() -> list[CountedKey] | None:
            nonlocal figures
            found = self.manager.store.figures()
            figures = found if found.scope == "fleet" else None
            return counted(self.manager.keys, found) if figures is not None else None

        self.history.record_counters(read)
        return figures

    def check(self) -> tuple[list[Alert], list[Alert]]:
        """Record alerts about problems, and log and return the new and the resolved ones."""
        view = self.look()
        if view is None:
            return [], []
        alerts, wanted = self.alerts, self.settings.alert
        alarms = find_alarms(view, wanted.key_age_days, wanted.budget_share, alerts.firing())
        fired, resolved = alerts.record(alarms, notify=wanted.webhook_url is not None)
        for alert in fired:
            level = logging.ERROR if alert.severity == Severity.CRITICAL else logging.WARNING
            log.log(level, "Alert %s: %s", alert.kind, alert.message)
        for alert in resolved:
            log.info("Alert %s is resolved: %s", alert.kind, alert.message)
        return fired, resolved


def counted(keys: Sequence[ApiKey], figures: PoolFigures) -> list[CountedKey]:
    """Return counters for the history: first those of the whole pool, then those of each key."""
    configured = {key.key_id: key for key in keys}
    calls: dict[str, dict[str, Uses]] = {}
    for one in figures.calls:
        calls.setdefault(one.key_id, {})[one.model] = _uses(one)
    return [
        CountedKey("", "", "", True, {model.model: _demand(model) for model in figures.models}),
        *(
            CountedKey(
                key_id,
                configured[key_id].mask if key_id in configured else "",
                figures.groups.get(key_id, key_id),
                key_id in configured,
                calls.get(key_id, {}),
                {str(name): n for name, n in figures.transitions.get(key_id, {}).items()},
            )
            for key_id in dict.fromkeys((*configured, *calls))
        ),
    ]


def budget_uses(stats: Mapping[str, Any], stopped: Mapping[str, int], budget: Budget) -> Iterator[BudgetUse]:
    """Yield the usage of the daily caps: first of all keys together, then of each key."""
    yield from _of_cap("day", budget.day, stats["spent_today"], stopped, None)
    for mask, figures in stats["keys"].items():
        if figures["state"] != "draining":
            yield from _of_cap("key_day", budget.key_day, figures["spent_today"], stopped, mask)


def _of_cap(
    name: Literal["day", "key_day"], cap: Cap, spent: Mapping[str, Any], stopped: Mapping[str, int], mask: str | None
) -> Iterator[BudgetUse]:
    for unit, most in amounts(cap).items():
        figure = "microusd" if unit == "usd" else unit
        is_stopped = stopped.get(f"{name} {figure}", -1) >= getattr(cap, figure)
        yield BudgetUse(name, unit, spent[unit], most, mask, is_stopped)


def _key_view(key: ApiKey, state: str, known: Key | None) -> KeyView:
    if known is None:
        return KeyView(key.key_id, key.mask, key.group, state)
    marks = (known.first_seen_at, known.opened_at, known.died_at, known.quota_gone_at)
    return KeyView(key.key_id, key.mask, known.limit_group, state, *marks)


def _uses(call: CallFigures) -> Uses:
    return Uses(
        requests=sum(call.outcomes.values()),
        successes=call.outcomes.get(Outcome.SUCCESS, 0),
        failures=sum(count for outcome, count in call.outcomes.items() if outcome in _FAILURES),
        rate_limits=call.outcomes.get(Outcome.RATE_LIMITED, 0),
        input_tokens=call.input_tokens,
        output_tokens=call.output_tokens,
        microusd=call.microusd,
        cached_tokens=call.cached_tokens,
    )


def _demand(model: ModelFigures) -> Demand:
    return Demand(
        sent=sum(model.waits),
        waited_us=model.waited_us,
        saturated_requests_us=model.saturated_us.get("requests", 0),
        saturated_tokens_us=model.saturated_us.get("tokens", 0),
        refusals=dict(model.refusals),
    )
