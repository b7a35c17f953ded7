"""What a job of a watch was charged for and then did not ask costs the day nothing; what it asked stays paid."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import openai
import pytest

from app.clock import ManualClock
from app.errors.fetching import FetchTimeoutError, HostBusyError
from app.property.storage.engine import Database
from app.property.storage.watch_budget import WatchLedger
from app.property.storage.watches import Watches
from app.services.watches.budget import model_charge, page_charge, paid_by_watch
from app.settings import Settings
from tests.plugins.watch_steps import URL, begin


@pytest.fixture
def ledger(database: Database, watches: Watches, clock: ManualClock) -> Iterator[WatchLedger]:
    """While a job of a watch runs."""
    watches.add([URL])
    (job,) = begin(watches, clock, URL)
    with paid_by_watch(job, database, Settings()):
        yield WatchLedger(database)


def busy(url: str) -> HostBusyError:
    return HostBusyError(url, 30.0, 0.0)


@pytest.mark.parametrize("waits", [URL, "https://site.example/robots.txt"])
def test_a_page_that_waits_for_its_turn_was_not_asked_for(ledger: WatchLedger, waits: str) -> None:
    with pytest.raises(HostBusyError), page_charge(URL):
        raise busy(waits)
    assert ledger.today().pages == 0


@pytest.mark.parametrize("then", [busy("https://other.example/elsewhere"), FetchTimeoutError(URL, "no byte for 30 s")])
def test_a_page_that_was_asked_for_stays_paid(ledger: WatchLedger, then: Exception) -> None:
    """It answered with a redirect to a site that is busy, or took too long."""
    with pytest.raises(type(then)), page_charge(URL):
        raise then
    assert ledger.today().pages == 1


def test_a_call_that_no_key_had_room_for_costs_nothing(ledger: WatchLedger) -> None:
    answer = httpx2.Response(429, request=httpx2.Request("POST", "https://api.example/v1/responses"))
    with pytest.raises(openai.RateLimitError), model_charge():
        raise openai.RateLimitError("no room", response=answer, body=None)
    assert ledger.today().model_calls == 0


def test_a_call_that_failed_there_costs_nothing(ledger: WatchLedger) -> None:
    """Or an outage of an hour would spend the day's calls."""
    request = httpx2.Request("POST", "https://api.example/v1/responses")
    answer = httpx2.Response(503, request=request)
    with pytest.raises(openai.InternalServerError), model_charge():
        raise openai.InternalServerError("down", response=answer, body=None)
    with pytest.raises(openai.APIConnectionError), model_charge():
        raise openai.APIConnectionError(request=request)
    assert ledger.today().model_calls == 0


def test_a_call_that_took_too_long_stays_paid(ledger: WatchLedger) -> None:
    request = httpx2.Request("POST", "https://api.example/v1/responses")
    with pytest.raises(openai.APITimeoutError), model_charge():
        raise openai.APITimeoutError(request)
    assert ledger.today().model_calls == 1
