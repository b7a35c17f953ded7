"""Scraping an address with little time, a busy key pool, bad search answers, a purge, or a second spelling."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import openai
import pytest
from sqlalchemy import update

from app.clock import ManualClock
from app.errors.jobs import OutOfTimeError
from app.property.storage.database import Database
from app.property.storage.jobs.leases import Lease
from app.property.storage.llm.tables import CacheKind, LlmCache
from app.property.storage.privacy.suppressions import refuse_from_now
from app.services.reports.metrics.instruments import REGISTRY
from app.services.runtime.resources import open_resources
from app.services.scraping.run import Run
from tests.plugins.address_world import (
    ADDRESS,
    BILL,
    BY_ADDRESS,
    BY_NUMBER,
    FOUND,
    SEARCHED,
    World,
    assessor,
    listing,
    outcomes,
    tax_roll,
)

#: These tests run only on SQLite, because the tested rules do not depend on the database.
pytestmark = pytest.mark.parametrize("database_settings", ["sqlite"], indirect=True)
PROSE = "The slate roof was relaid with care. Heating: forced air."
PORTAL = ("Portal", "portal", "<portal>/h?zip={postal_code}")


class TimeLeft:
    def __init__(self) -> None:
        self.seconds = 270.0

    def __call__(self) -> float:
        return self.seconds

    def run_out(self) -> None:
        self.seconds = 60.0


def detail(found: Any, source: str) -> str:
    return str(next(tried["detail"] for tried in found.tried if tried["source"] == source))


# --- time


def test_the_next_run_continues_where_a_run_ran_out_of_time(world: World) -> None:
    time = TimeLeft()
    world.county.pages |= {FOUND: (200, assessor()), BILL: (200, tax_roll())}
    world.portal.pages["/h?zip=00000"] = (200, listing())
    world.sources(BY_ADDRESS, PORTAL, BY_NUMBER)
    world.county.meanwhile[FOUND] = time.run_out
    job_id = world.job()
    with pytest.raises(OutOfTimeError):
        world.scrape(run=Run(Lease(job_id, "test"), seconds_left=time))
    assert (world.county.asked, world.portal.asked) == ({FOUND: 1}, {})
    assert world.resources.properties.page().items == []
    world.county.meanwhile.clear()
    found = world.scrape(run=Run(Lease(job_id, "test"), seconds_left=TimeLeft()))
    assert set(outcomes(found).values()) == {"used"}
    assert (world.county.asked, world.portal.asked) == ({FOUND: 1, BILL: 1}, {"/h?zip=00000": 1})


def test_a_last_run_is_done_with_the_pages_that_it_had_time_for(world: World) -> None:
    time = TimeLeft()
    world.county.pages |= {FOUND: (200, assessor(Remarks=PROSE)), BILL: (200, tax_roll())}
    world.county.meanwhile[FOUND] = time.run_out
    world.sources(BY_ADDRESS, BY_NUMBER, domains=("127.0.0.2",))
    found = world.scrape(run=Run(Lease(world.job(), "test"), seconds_left=time, is_last=True, is_due=True))
    assert found.record["YearBuilt"] == 1987
    assert outcomes(found) == {"Assessor": "used", "Tax roll": "out_of_time", "web search": "not_asked"}
    assert "no time" in detail(found, "web search")
    assert "Roof" in found.wanted_model
    assert found.model_note is not None
    assert "time" in found.model_note
    assert world.calls() == 0


def test_a_run_that_starts_with_little_time_does_all_its_work(world: World) -> None:
    """Otherwise, a short time limit would defer the job forever."""
    world.county.pages |= {FOUND: (200, assessor()), BILL: (200, tax_roll())}
    world.sources(BY_ADDRESS, BY_NUMBER)
    found = world.scrape(run=Run(Lease(world.job(), "test"), seconds_left=lambda: 20.0))
    assert outcomes(found) == {"Assessor": "used", "Tax roll": "used"}


# --- no capacity at the deadline


@pytest.mark.parametrize("more", [{}, {"Remarks": "The air conditioning was renewed."}], ids=["one page", "both pages"])
def test_a_model_call_without_capacity_at_the_deadline_does_not_lose_the_pages(
    world: World, more: dict[str, str]
) -> None:
    """The search uses the key's last capacity. The model note says that the model call was skipped."""
    world.county.pages[FOUND] = (200, assessor(**more))
    world.portal.pages["/h/1"] = (200, listing(prose=PROSE))
    world.api.set_searches({**SEARCHED, "lines": [{"text": "Bedrooms: 3", "url": f"{world.roots['portal']}/h/1"}]})
    world.sources(BY_ADDRESS, domains=("127.0.0.2",))
    world.api.set_key(world.api.keys[0], rpm=1)
    job_id = world.job()
    with pytest.raises(openai.RateLimitError):
        world.scrape(run=Run(Lease(job_id, "test"), is_last=True))
    found = world.scrape(run=Run(Lease(job_id, "test"), is_last=True, is_due=True))
    assert found.record["ListPrice"] == 410_000
    assert "Roof" in found.wanted_model
    assert "no_capacity" in str(found.model_note)
    assert world.resources.properties.get(found.property_id)["record"] == found.record


def test_a_search_without_capacity_at_the_deadline_is_skipped_and_reported(world: World) -> None:
    world.county.pages[FOUND] = (200, assessor())
    world.sources(BY_ADDRESS, domains=("127.0.0.2",))
    world.api.set_key(world.api.keys[0], rpm=1)
    world.api.client().models.list()
    world.api.client().chat.completions.create(model="gpt-4.1-mini", messages=[{"role": "user", "content": "Hi"}])
    job_id = world.job()
    with pytest.raises(openai.RateLimitError):
        world.scrape(run=Run(Lease(job_id, "test"), is_last=True))
    found = world.scrape(run=Run(Lease(job_id, "test"), is_last=True, is_due=True))
    assert outcomes(found) == {"Assessor": "used", "web search": "not_asked"}
    assert "no OpenAI key had capacity" in detail(found, "web search")


# --- the price of a search


def test_the_fee_of_a_search_counts_in_the_budgets(world: World) -> None:
    """A search call may make four searches of a cent each, so the budget must allow four.

    The call makes one search and is charged for one.
    """
    world.county.pages[FOUND] = (200, assessor())
    world.sources(BY_ADDRESS, domains=("127.0.0.2",))
    settings, before = world.resources.settings.replaced(budget_daily_usd=0.035), counted("budget")
    with open_resources(settings) as poor:
        assert "BUDGET_DAILY_USD" in detail(poor.scraper.scrape(ADDRESS), "web search")
    assert (world.searched(), counted("budget")) == (0, before + 1)
    with open_resources(settings.replaced(budget_daily_usd=0.06)) as able:
        found = able.scraper.scrape(ADDRESS, refresh=True)
        spent = able.manager.store.spent()
    assert "cites 0 pages" in detail(found, "web search")
    assert 10_000 < spent.microusd < 15_000


# --- unusable answers


@pytest.mark.parametrize(
    ("answers", "outcome", "reported"),
    [
        ("refusal", "refused", "can't help"),
        ("filtered", "refused", "content_filter"),
        ("truncated", "incomplete", "max_output_tokens"),
        ("empty", "empty", "empty"),
    ],
)
def test_a_refused_or_truncated_search_is_repeated_after_an_hour(
    world: World, answers: str, outcome: str, reported: str
) -> None:
    """Within the hour, the search is not repeated, because each repetition is charged."""
    world.county.pages[FOUND] = (200, assessor())
    world.api.set_searches({**SEARCHED, "lines": [{"text": "Bedrooms: 3 and more words, to be cut in the middle"}]})
    world.api.set_key(world.api.keys[0], answers=answers)
    world.sources(BY_ADDRESS, domains=("127.0.0.2",))
    before = counted(outcome)
    assert reported in detail(world.scrape(), "web search")
    assert counted(outcome) == before + 1
    long_ago = world.resources.database.clock.now() - timedelta(days=1)
    world.scrape(refresh=True, asked_at=long_ago)
    assert world.searched() == 1
    with world.resources.database.writing() as connection:
        aged = long_ago + timedelta(hours=22, minutes=59)
        connection.execute(update(LlmCache).values(created_at=aged))
    world.api.set_key(world.api.keys[0], answers="normal")
    found = world.scrape(refresh=True, asked_at=long_ago)
    assert (world.searched(), detail(found, "web search")) == (2, "gpt-4.1-mini cites 0 pages")


def test_a_job_that_waited_for_hours_does_not_repeat_its_flawed_search(world: World) -> None:
    """An economy job waits for a model batch after its search."""
    world.county.pages[FOUND] = (200, assessor())
    world.api.set_key(world.api.keys[0], answers="empty")
    world.sources(BY_ADDRESS, domains=("127.0.0.2",))
    world.scrape()
    now = world.resources.database.clock.now()
    with world.resources.database.writing() as connection:
        connection.execute(update(LlmCache).values(created_at=now - timedelta(hours=2)))
    began_at = now - timedelta(hours=3)
    run = Run(Lease(world.job(refresh=True), "test"), began_at=began_at)
    world.scrape(run=run, refresh=True, asked_at=began_at)
    assert world.searched() == 1


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("propintel_web_searches_total", {"outcome": outcome}) or 0.0


# --- pages that are purged during a run


def purge_of(world: World, url: str) -> Callable[[], None]:
    def purge() -> None:
        mine = world.resources.database
        later = Database(mine.url.render_as_string(), ManualClock(mine.clock.now() + timedelta(minutes=1)))
        refuse_from_now(later, [url])
        later.close()

    return purge


def test_a_page_that_is_purged_during_its_fetch_is_left_out_and_the_others_stay(world: World) -> None:
    world.county.pages[FOUND] = (200, assessor())
    world.portal.pages["/h?zip=00000"] = (200, listing())
    world.sources(PORTAL, BY_ADDRESS)
    world.portal.meanwhile["/h?zip=00000"] = purge_of(world, f"{world.roots['portal']}/h?zip=00000")
    found = world.scrape()
    assert (outcomes(found)["Assessor"], outcomes(found)["Portal"]) == ("used", "purged")
    assert f"{world.roots['portal']}/h?zip=00000" not in [tried["url"] for tried in found.tried]
    assert len(found.sources) == 1


def test_a_cited_page_that_was_purged_is_left_out_with_all_values_cited_from_it(world: World) -> None:
    """The search answer contains the purged page's URL, so the answer is not stored either."""
    root = world.roots["portal"]
    world.county.pages[FOUND] = (200, assessor())
    world.portal.pages |= {"/h/1": (200, listing()), "/h/2": (200, listing(price="$420,000"))}
    lines = [{"text": "Bedrooms: 3", "url": f"{root}/h/1"}, {"text": "Bedrooms: 3", "url": f"{root}/h/2"}]
    world.api.set_searches({**SEARCHED, "lines": lines})
    world.sources(BY_ADDRESS, domains=("127.0.0.2",))
    purge_of(world, f"{root}/h/1")()
    found = world.scrape()
    assert found.record["ListPrice"] == 420_000
    assert (world.portal.asked["/h/1"], found.unverified) == (0, [])
    assert "1 of them were purged meanwhile" in detail(found, "web search")
    with world.resources.database.reading() as connection:
        assert connection.execute(LlmCache.__table__.select().where(LlmCache.kind == CacheKind.SEARCH)).all() == []


def test_a_page_that_is_purged_after_it_was_read_is_not_stored(world: World) -> None:
    """The model reads the remaining page instead."""
    remarks = f"{PROSE} Two stories. Cooling: central air. HOA fee of $120 a month."
    world.county.pages[FOUND] = (200, assessor(Remarks=remarks))
    world.portal.pages["/h?zip=00000"] = (200, listing(prose="The slate roof was relaid with care."))
    world.sources(BY_ADDRESS, PORTAL)
    gone = f"{world.roots['county']}{FOUND}"
    world.portal.meanwhile["/h?zip=00000"] = purge_of(world, gone)
    found = world.scrape()
    assert (outcomes(found)["Assessor"], outcomes(found)["Portal"]) == ("purged", "used")
    assert [source["url"] for source in found.sources] == [f"{world.roots['portal']}/h?zip=00000"]
    assert (found.record["Roof"], found.evidence["Roof"]["source_url"]) == (["slate"], found.sources[0]["url"])


# --- two spellings


@pytest.mark.parametrize(("known", "asked"), [("st-clair", 1), ("saint-clair", 2)])
def test_a_register_that_does_not_know_the_first_spelling_is_asked_in_the_second(
    world: World, known: str, asked: int
) -> None:
    page = assessor("31 St Clair Ave, Anytown, ST 00000")
    world.county.pages[f"/find?street=31-{known}-ave&zip=00000"] = (200, page)
    world.sources(BY_ADDRESS)
    found = world.scrape("31 Saint Clair Ave, Anytown, ST 00000")
    assert found.record["YearBuilt"] == 1987
    assert world.county.asked.total() == asked
    assert [tried["outcome"] for tried in found.tried if tried["source"] == "Assessor"][-1] == "used"
