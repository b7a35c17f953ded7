"""Scrapes of an address that do not go through at once: no time, no key, a bad answer, a purge, two spellings."""

from __future__ import annotations

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

#: the rules are the same for both databases, whose own part has tests of its own
pytestmark = pytest.mark.parametrize("database_settings", ["sqlite"], indirect=True)
PROSE = "The slate roof was relaid with care. Heating: forced air."
PORTAL = ("Portal", "portal", "<portal>/h?zip={postal_code}")


class Time:
    """What is left of a run, which ends when somebody says so."""

    def __init__(self) -> None:
        self.seconds = 270.0

    def __call__(self) -> float:
        return self.seconds

    def ends(self) -> None:
        self.seconds = 60.0


def detail(found: Any, source: str) -> str:
    return str(next(tried["detail"] for tried in found.tried if tried["source"] == source))


# --- time


def test_a_run_without_time_for_another_page_ends_and_the_next_one_goes_on_from_there(world: World) -> None:
    time = Time()
    world.county.pages |= {FOUND: (200, assessor()), BILL: (200, tax_roll())}
    world.portal.pages["/h?zip=00000"] = (200, listing())
    world.sources(BY_ADDRESS, PORTAL, BY_NUMBER)
    world.county.meanwhile[FOUND] = time.ends
    job_id = world.job()
    with pytest.raises(OutOfTimeError):
        world.scrape(run=Run(Lease(job_id, "test"), seconds_left=time))
    assert (world.county.asked, world.portal.asked) == ({FOUND: 1}, {})
    assert world.resources.properties.page().items == []
    world.county.meanwhile.clear()
    found = world.scrape(run=Run(Lease(job_id, "test"), seconds_left=Time()))
    assert set(outcomes(found).values()) == {"used"}
    assert (world.county.asked, world.portal.asked) == ({FOUND: 1, BILL: 1}, {"/h?zip=00000": 1})


def test_what_a_run_paid_for_before_its_time_was_up_is_not_paid_for_again(world: World) -> None:
    time = Time()
    world.county.pages[FOUND] = (200, assessor())
    world.portal.pages["/h/1"] = (200, listing(prose=PROSE))
    world.portal.meanwhile["/h/1"] = time.ends
    world.api.set_searches({**SEARCHED, "lines": [{"text": "Bedrooms: 3", "url": f"{world.roots['portal']}/h/1"}]})
    world.sources(BY_ADDRESS, domains=("127.0.0.2",))
    job_id = world.job()
    with pytest.raises(OutOfTimeError):
        world.scrape(run=Run(Lease(job_id, "test"), seconds_left=time))
    assert (world.searched(), world.calls()) == (1, 1), "the search, and not the question"
    assert world.scrape(run=Run(Lease(job_id, "test"), seconds_left=Time())).record["Roof"] == ["slate"]
    assert (world.searched(), world.calls()) == (1, 2)
    assert world.portal.asked["/h/1"] == 1


def test_a_job_that_may_not_come_back_is_done_with_what_it_had_time_for(world: World) -> None:
    time = Time()
    world.county.pages |= {FOUND: (200, assessor(Remarks=PROSE)), BILL: (200, tax_roll())}
    world.county.meanwhile[FOUND] = time.ends
    world.sources(BY_ADDRESS, BY_NUMBER, domains=("127.0.0.2",))
    found = world.scrape(run=Run(Lease(world.job(), "test"), seconds_left=time, is_last=True, is_due=True))
    assert found.record["YearBuilt"] == 1987
    assert outcomes(found) == {"Assessor": "used", "Tax roll": "out_of_time", "web search": "not_asked"}
    assert "no time" in detail(found, "web search")
    assert "Roof" in found.wanted_model
    assert found.model_note is not None
    assert "time" in found.model_note
    assert world.calls() == 0


def test_a_run_that_has_little_time_from_the_start_does_what_it_can(world: World) -> None:
    """Else a short limit would put it off for ever."""
    world.county.pages |= {FOUND: (200, assessor()), BILL: (200, tax_roll())}
    world.sources(BY_ADDRESS, BY_NUMBER)
    found = world.scrape(run=Run(Lease(world.job(), "test"), seconds_left=lambda: 20.0))
    assert outcomes(found) == {"Assessor": "used", "Tax roll": "used"}


# --- no key at the deadline


@pytest.mark.parametrize("more", [{}, {"Remarks": "The air conditioning was renewed."}], ids=["one page", "both pages"])
def test_at_the_deadline_a_key_without_room_does_not_cost_the_pages(world: World, more: dict[str, str]) -> None:
    """The search is answered, and then there is no room for the question: that is told, whatever else another page
    would have been asked.
    """
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


def test_at_the_deadline_a_search_that_found_no_key_is_left_out_and_told(world: World) -> None:
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
    assert "no OpenAI key had room" in detail(found, "web search")


# --- what a search costs


def test_the_fee_of_a_search_counts_in_the_budgets(world: World) -> None:
    """Four searches of a cent each are allowed, and reserved; one is made, and charged."""
    world.county.pages[FOUND] = (200, assessor())
    world.sources(BY_ADDRESS, domains=("127.0.0.2",))
    settings = world.resources.settings.replaced(budget_daily_usd=0.035)
    with open_resources(settings) as poor:
        assert "BUDGET_DAILY_USD" in detail(poor.scraper.scrape(ADDRESS), "web search")
    assert world.searched() == 0
    with open_resources(settings.replaced(budget_daily_usd=0.06)) as able:
        found = able.scraper.scrape(ADDRESS, refresh=True)
        spent = able.manager.store.spent()
    assert "cites 0 pages" in detail(found, "web search")
    assert 10_000 < spent.microusd < 15_000


# --- answers that are none


@pytest.mark.parametrize(
    ("answers", "outcome", "told"),
    [
        ("refusal", "refused", "can't help"),
        ("filtered", "refused", "content_filter"),
        ("truncated", "incomplete", "max_output_tokens"),
        ("empty", "empty", "empty"),
    ],
)
def test_a_search_that_was_refused_or_broken_off_is_asked_again_after_an_hour(
    world: World, answers: str, outcome: str, told: str
) -> None:
    """And not before: each time it would be paid for."""
    world.county.pages[FOUND] = (200, assessor())
    world.api.set_searches({**SEARCHED, "lines": [{"text": "Bedrooms: 3 and more words, to be cut in the middle"}]})
    world.api.set_key(world.api.keys[0], answers=answers)
    world.sources(BY_ADDRESS, domains=("127.0.0.2",))
    before = counted(outcome)
    assert told in detail(world.scrape(), "web search")
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


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("propintel_web_searches_total", {"outcome": outcome}) or 0.0


# --- pages that are purged meanwhile


def purges(world: World, url: str) -> Callable[[], None]:
    """Somebody purges the page a minute from now: after it was fetched, named or read."""

    def purge() -> None:
        mine = world.resources.database
        later = Database(mine.url.render_as_string(), ManualClock(mine.clock.now() + timedelta(minutes=1)))
        refuse_from_now(later, [url])
        later.close()

    return purge


def test_a_page_that_is_purged_while_it_is_fetched_is_left_out_and_the_others_stay(world: World) -> None:
    world.county.pages[FOUND] = (200, assessor())
    world.portal.pages["/h?zip=00000"] = (200, listing())
    world.sources(PORTAL, BY_ADDRESS)
    world.portal.meanwhile["/h?zip=00000"] = purges(world, f"{world.roots['portal']}/h?zip=00000")
    found = world.scrape()
    assert (outcomes(found)["Assessor"], outcomes(found)["Portal"]) == ("used", "purged")
    assert f"{world.roots['portal']}/h?zip=00000" not in [tried["url"] for tried in found.tried]
    assert len(found.sources) == 1


def test_a_cited_page_that_was_purged_meanwhile_is_left_out_with_all_that_was_said_of_it(world: World) -> None:
    """The answer tells of it, so that is not kept."""
    root = world.roots["portal"]
    world.county.pages[FOUND] = (200, assessor())
    world.portal.pages |= {"/h/1": (200, listing()), "/h/2": (200, listing(price="$420,000"))}
    lines = [{"text": "Bedrooms: 3", "url": f"{root}/h/1"}, {"text": "Bedrooms: 3", "url": f"{root}/h/2"}]
    world.api.set_searches({**SEARCHED, "lines": lines})
    world.sources(BY_ADDRESS, domains=("127.0.0.2",))
    purges(world, f"{root}/h/1")()
    found = world.scrape()
    assert found.record["ListPrice"] == 420_000
    assert (world.portal.asked["/h/1"], found.unverified) == (0, [])
    assert "1 of them were purged meanwhile" in detail(found, "web search")
    with world.resources.database.reading() as connection:
        assert connection.execute(LlmCache.__table__.select().where(LlmCache.kind == CacheKind.SEARCH)).all() == []


def test_a_page_that_is_purged_after_it_was_read_is_not_stored_and_another_one_is_asked_about(world: World) -> None:
    """It says most, so the model is asked about it; its answer may not be kept either."""
    remarks = f"{PROSE} Two stories. Cooling: central air. HOA fee of $120 a month."
    world.county.pages[FOUND] = (200, assessor(Remarks=remarks))
    world.portal.pages["/h?zip=00000"] = (200, listing(prose="The slate roof was relaid with care."))
    world.sources(BY_ADDRESS, PORTAL)
    gone = f"{world.roots['county']}{FOUND}"
    world.portal.meanwhile["/h?zip=00000"] = purges(world, gone)
    found = world.scrape()
    assert (outcomes(found)["Assessor"], outcomes(found)["Portal"]) == ("purged", "used")
    assert [source["url"] for source in found.sources] == [f"{world.roots['portal']}/h?zip=00000"]
    assert (found.record["Roof"], found.evidence["Roof"]["source_url"]) == (["slate"], found.sources[0]["url"])


# --- two spellings


@pytest.mark.parametrize(("known", "asked"), [("st-clair", 1), ("saint-clair", 2)])
def test_a_register_is_asked_in_the_second_spelling_where_it_does_not_know_the_first(
    world: World, known: str, asked: int
) -> None:
    page = assessor("31 St Clair Ave, Anytown, ST 00000")
    world.county.pages[f"/find?street=31-{known}-ave&zip=00000"] = (200, page)
    world.sources(BY_ADDRESS)
    found = world.scrape("31 Saint Clair Ave, Anytown, ST 00000")
    assert found.record["YearBuilt"] == 1987
    assert world.county.asked.total() == asked
    assert [tried["outcome"] for tried in found.tried if tried["source"] == "Assessor"][-1] == "used"
