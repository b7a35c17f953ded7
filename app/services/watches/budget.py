"""Who pays for what a job asks of sites and models: a job of a watch pays out of the budget of all watches, before it
asks; any other job pays nothing here.

The purse goes with the context of the run, as the batch does whose budget pays the model (`keypool.retry_loop`):
whatever asks on behalf of the job finds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from urllib.parse import urljoin

import openai

from app.clock import Clock
from app.errors.fetching import HostBusyError
from app.errors.watches import WatchBudgetSpentError
from app.property.storage.engine import Database
from app.property.storage.models import Job
from app.property.storage.quotas import next_day
from app.property.storage.watch_budget import Charge, WatchLedger, WatchLimits
from app.services.reports.metrics.instruments import WATCH_CHARGES
from app.services.runtime.retry import patiently
from app.settings import Settings

_NAMES = {
    Charge.PAGE: ("requests for pages", "WATCH_DAILY_PAGES"),
    Charge.MODEL_CALL: ("calls of the model", "WATCH_DAILY_MODEL_CALLS"),
}
_purse: ContextVar[Purse | None] = ContextVar("watch_purse", default=None)


@dataclass(frozen=True, slots=True)
class Purse:
    """What a job may still take of the budget of watches: as much as the day has left."""

    ledger: WatchLedger
    limits: WatchLimits
    job_id: str
    clock: Clock

    def charge(self, what: Charge) -> date:
        """Charge one; -> the day that it was charged to. Raises `WatchBudgetSpentError`."""
        limit = self.limits.of(what)
        day = patiently(lambda: self.ledger.charge(self.job_id, what, limit), self.clock)
        WATCH_CHARGES.labels(what.value, "refused" if day is None else "charged").inc()
        if day is None:
            now = self.clock.now()
            ends, (name, variable) = next_day(now), _NAMES[what]
            seconds = (ends - now).total_seconds()
            raise WatchBudgetSpentError(name, limit, variable, ends.isoformat(timespec="seconds"), seconds)
        return day

    def refund(self, what: Charge, day: date) -> None:
        """Nobody was asked after all."""
        patiently(lambda: self.ledger.refund(self.job_id, what, day), self.clock)
        WATCH_CHARGES.labels(what.value, "refunded").inc()


def limits_of(settings: Settings) -> WatchLimits:
    """The configured budget of a day."""
    return WatchLimits(
        settings.watch_daily_pages, settings.watch_daily_model_calls, settings.api_daily_targets_per_caller
    )


@contextmanager
def paid_by_watch(job: Job, database: Database, settings: Settings) -> Iterator[None]:
    """What the block asks of sites and models is charged to the budget of watches, if a watch made the job."""
    purse = Purse(WatchLedger(database), limits_of(settings), job.id, database.clock) if job.watch is not None else None
    token = _purse.set(purse)
    try:
        yield
    finally:
        _purse.reset(token)


@contextmanager
def page_charge(url: str) -> Iterator[None]:
    """The block asks a site for the page at `url`. Raises `WatchBudgetSpentError` before it does.

    A job that has to come back for its turn at the site has not asked, and pays nothing.
    """
    purse = _purse.get()
    if purse is None:
        yield
        return
    day = purse.charge(Charge.PAGE)
    try:
        yield
    except HostBusyError as exc:
        # of another page: this one had been asked, and sent the job on to that
        if exc.facts["url"] in (url, urljoin(url, "/robots.txt")):
            purse.refund(Charge.PAGE, day)
        raise


@contextmanager
def model_charge() -> Iterator[None]:
    """The block calls a model. Raises `WatchBudgetSpentError` before it does.

    A call that no key had room for, that OpenAI refused for its rate, or that failed there (5xx, no connection) costs
    nothing there, and nothing here. One that took too long may have been billed.
    """
    purse = _purse.get()
    if purse is None:
        yield
        return
    day = purse.charge(Charge.MODEL_CALL)
    try:
        yield
    except openai.APITimeoutError:
        raise
    except (openai.RateLimitError, openai.InternalServerError, openai.APIConnectionError):
        purse.refund(Charge.MODEL_CALL, day)
        raise


def why_no_model() -> str | None:
    """Why the job may not ask a model at all, ever; None if it may."""
    purse = _purse.get()
    if purse is None or purse.limits.model_calls > 0:
        return None
    return "Watches ask no model (WATCH_DAILY_MODEL_CALLS=0)."
