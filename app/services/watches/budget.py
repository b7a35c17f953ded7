"""Charge the page requests and model calls of watch jobs to the daily watch budget.

A page is charged when the site's rate limit admits its request, and a model call when it gets its first OpenAI key. A
request is charged just before it is sent, so no charge has to be undone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial

import openai

from app.errors.watches import WatchBudgetSpentError
from app.keypool.retry_loop import bound, on_first_key
from app.plurals import counted
from app.property.storage.database import Database
from app.property.storage.jobs.models import Job
from app.property.storage.jobs.usage import next_day
from app.property.storage.watches.budget import Charge, WatchLimits, charge_watches
from app.services.reports.metrics.instruments import WATCH_CHARGES
from app.services.runtime.retry import retry_on_store_error
from app.settings import Settings

_NAMES = {
    Charge.PAGE: ("page request", "WATCH_DAILY_PAGES"),
    Charge.MODEL_CALL: ("model call", "WATCH_DAILY_MODEL_CALLS"),
}
_budget: ContextVar[WatchBudget | None] = ContextVar("watch_budget", default=None)


@dataclass(frozen=True, slots=True)
class WatchBudget:
    """Charges pages and model calls to today's budget, which all watches share."""

    database: Database
    limits: WatchLimits

    def charge(self, what: Charge) -> None:
        """Charge one page or model call. Raises `WatchBudgetSpentError` if today's budget is used up."""
        limit = self.limits.pages if what is Charge.PAGE else self.limits.model_calls
        is_charged = retry_on_store_error(lambda: charge_watches(self.database, what, limit), self.database.clock)
        WATCH_CHARGES.labels(what.value, "charged" if is_charged else "refused").inc()
        if not is_charged:
            now = self.database.clock.now()
            ends, (name, variable) = next_day(now), _NAMES[what]
            seconds = (ends - now).total_seconds()
            raise WatchBudgetSpentError(counted(limit, name), variable, ends.isoformat(timespec="seconds"), seconds)


def limits_of(settings: Settings) -> WatchLimits:
    """Return the configured daily budget of watches, and the daily quota of jobs per caller."""
    watch = settings.watch
    return WatchLimits(watch.daily_pages, watch.daily_model_calls, settings.web.api_daily_targets_per_caller)


@contextmanager
def paid_by_watch(job: Job, database: Database, settings: Settings) -> Iterator[None]:
    """In the block, charge page requests and model calls to the watch budget if a watch created the job."""
    budget = WatchBudget(database, limits_of(settings)) if job.watch_id is not None else None
    with bound(_budget, budget):
        yield


def page_charge() -> Callable[[], None] | None:
    """Return a function that charges one page to the current job's watch budget; None for jobs without a watch."""
    budget = _budget.get()
    return partial(budget.charge, Charge.PAGE) if budget is not None else None


@contextmanager
def model_charge() -> Iterator[None]:
    """Charge the model call in the block when it gets its first OpenAI key.

    Raises `WatchBudgetSpentError` if the budget is used up.
    """
    budget = _budget.get()
    try:
        with bound(on_first_key, partial(budget.charge, Charge.MODEL_CALL) if budget is not None else None):
            yield
    except openai.APIConnectionError as exc:
        if isinstance(exc.__cause__, WatchBudgetSpentError):
            raise exc.__cause__ from None
        raise


def why_no_model() -> str | None:
    """Return the reason why the current job may never call a model; None if it may."""
    budget = _budget.get()
    if budget is None or budget.limits.model_calls > 0:
        return None
    return "Watches make no model calls (WATCH_DAILY_MODEL_CALLS=0)."
