"""A watch's job is charged before each page and each model call, with the real fetcher, sites, and API."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from app.errors import PropertyIntelligenceError
from app.errors.watches import WatchBudgetSpentError
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.models import Job
from app.property.storage.watches.budget import Charge, charge_watches, watch_day
from app.property.storage.watches.repository import Watches
from app.services.scraping.run import Run
from app.services.watches.budget import paid_by_watch
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
from tests.plugins.watch_steps import jobs_for


@pytest.fixture
def job(world: World) -> Job:
    (watch,) = Watches(world.resources.database).add([ADDRESS]).watches
    (made,) = jobs_for(world.resources.database, [ADDRESS], watch.id)
    claimed = world.resources.jobs.claim(made.id, "test", 30)
    assert claimed is not None
    return claimed


@pytest.fixture
def scrape(world: World, job: Job) -> Callable[..., Any]:
    """Return `scrape(pages, calls)`, which runs the job with this daily budget."""

    def run(pages: int, calls: int) -> Any:
        limits = {"watch_daily_pages": pages, "watch_daily_model_calls": calls}
        settings = world.resources.settings.replaced(**limits)
        with paid_by_watch(job, world.resources.database, settings):
            return world.scrape(run=Run(Lease(job.id, "test")), refresh=True, asked_at=job.created_at)

    return run


def spent(world: World) -> tuple[int, int]:
    today = watch_day(world.resources.database)
    return today.pages, today.model_calls


def asked(world: World) -> tuple[int, int]:
    return sum(world.county.asked.values()) + sum(world.portal.asked.values()), world.calls()


def test_every_page_and_every_call_of_an_address_is_charged(world: World, scrape: Any) -> None:
    """A template's page, a cited page, a web search, and a model call are charged as often as requested."""
    world.county.pages |= {FOUND: (200, assessor())}
    world.portal.pages |= {"/listing/9": (200, listing(prose="The roof was replaced in 2019 with metal."))}
    cited = {"text": "Bedrooms: 3", "url": f"{world.roots['portal']}/listing/9"}
    world.api.set_searches({**SEARCHED, "lines": [cited]})
    world.sources(BY_ADDRESS, domains=("127.0.0.2",))
    scrape(100, 100)
    assert spent(world) == asked(world)
    assert spent(world) == (2, 2)
    assert world.searched() == 1


def test_an_address_without_page_budget_continues_the_next_day_and_requests_nothing_twice(
    world: World, scrape: Any
) -> None:
    world.county.pages |= {FOUND: (200, assessor()), BILL: (200, tax_roll())}
    world.sources(BY_ADDRESS, BY_NUMBER)
    with pytest.raises(WatchBudgetSpentError, match=r"1 page request;.*WATCH_DAILY_PAGES"):
        scrape(1, 100)
    assert asked(world)[0] == spent(world)[0] == 1
    outcome = scrape(2, 100)  # a budget of two pages stands for the next day's budget
    assert outcomes(outcome) == {"Assessor": "used", "Tax roll": "used"}
    assert world.county.asked == {FOUND: 1, BILL: 1}


def test_a_model_call_beyond_the_daily_budget_waits_and_nothing_is_stored_before_it(world: World, scrape: Any) -> None:
    """A page stored without the model's earlier values would look changed."""
    world.county.pages |= {FOUND: (200, assessor())}
    world.sources(BY_ADDRESS, domains=("127.0.0.2",))
    assert charge_watches(world.resources.database, Charge.MODEL_CALL, 1)
    with pytest.raises(WatchBudgetSpentError, match="WATCH_DAILY_MODEL_CALLS") as caught:
        scrape(100, 1)
    assert caught.value.facts["resets_at"] > datetime.now(UTC).isoformat()
    assert world.calls() == 0
    assert world.resources.properties.page().items == []


def test_without_a_call_budget_pages_are_stored_with_a_note(world: World, scrape: Any) -> None:
    world.county.pages |= {FOUND: (200, assessor()), BILL: (200, tax_roll())}
    world.sources(BY_ADDRESS, BY_NUMBER)
    world.county.pages[BILL] = (200, tax_roll() + "<p>The roof was replaced in 2019 with metal.</p>")
    outcome = scrape(100, 0)
    assert "WATCH_DAILY_MODEL_CALLS=0" in outcome.model_note
    assert world.calls() == 0


def test_a_retry_is_charged_again_and_a_delay_of_the_site_is_not(world: World, scrape: Any) -> None:
    """The site answers 503, so it is requested once and then left alone during the job's later runs."""
    world.county.pages |= {FOUND: (503, "")}
    world.sources(BY_ADDRESS, enabled=False)
    for _ in range(3):
        with pytest.raises(PropertyIntelligenceError):
            scrape(100, 100)
    assert spent(world)[0] == asked(world)[0]


def test_a_job_without_a_watch_is_charged_nothing(world: World) -> None:
    world.county.pages |= {FOUND: (200, assessor()), BILL: (200, tax_roll())}
    world.sources(BY_ADDRESS, BY_NUMBER)
    job = world.resources.jobs.get(world.job())
    with paid_by_watch(job, world.resources.database, world.resources.settings):
        world.scrape(run=Run(Lease(job.id, "test")))
    assert spent(world) == (0, 0)
