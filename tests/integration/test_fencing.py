"""A run that has lost its job's lease stores nothing and makes no more paid calls."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from app.errors.jobs import LeaseLostError
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.models import Job as JobRow
from app.property.storage.jobs.models import JobAttempt, JobState
from app.property.storage.properties.tables import Observation, Property, SourceRow, Unverified
from app.property.storage.watches.models import Change
from app.services.scraping.run import Run
from tests.plugins.address_world import (
    ADDRESS,
    BY_ADDRESS,
    BY_NUMBER,
    FOUND,
    World,
    assessor,
    listing,
    results,
    tax_roll,
)

RESULTS = (
    Property.__table__,
    SourceRow.__table__,
    Observation.__table__,
    Unverified.__table__,
    Change.__table__,
    JobAttempt.__table__,
)
PROSE = "The slate roof was relaid with care."


def cancel(world: World, job_id: str) -> None:
    world.resources.jobs.cancel(job_id)


def supersede(world: World, job_id: str) -> None:
    """Let another worker take over the job and finish it."""
    with world.resources.database.writing() as connection:
        connection.execute(JobRow.__table__.update().where(JobRow.id == job_id).values(lease_owner="other"))
    assert world.resources.jobs.fail(job_id, LeaseLostError(job_id), "other")


def stored(world: World) -> dict[str, int]:
    with world.resources.database.reading() as connection:
        return {t.name: connection.execute(select(func.count()).select_from(t)).scalar_one() for t in RESULTS}


def run_of(world: World, job_id: str) -> Run:
    lease = Lease(job_id, "test")
    return Run(lease, holds=lambda: world.resources.jobs.holds(lease))


@pytest.mark.parametrize("lose", [cancel, supersede])
def test_a_page_is_neither_stored_nor_sent_to_the_model_after_the_lease_is_lost(
    world: World, lose: Callable[[World, str], None]
) -> None:
    world.portal.pages["/h"] = (200, listing(prose=PROSE))
    url = f"{world.roots['portal']}/h"
    job_id = world.job(url)
    world.portal.meanwhile["/h"] = lambda: lose(world, job_id)
    with pytest.raises(LeaseLostError):
        world.scrape(url, run_of(world, job_id))
    assert not any(stored(world).values()), stored(world)
    assert world.calls() == 0


def test_an_unchanged_page_is_not_confirmed_after_the_lease_is_lost(world: World) -> None:
    world.portal.pages["/h"] = (200, listing())
    url = f"{world.roots['portal']}/h"
    world.scrape(url)
    query = select(SourceRow.checked_at, Property.updated_at).join(Property)
    with world.resources.database.reading() as connection:
        before = connection.execute(query).all()
    job_id = world.job(url, refresh=True)
    world.portal.meanwhile["/h"] = lambda: cancel(world, job_id)
    with pytest.raises(LeaseLostError):
        world.scrape(url, run_of(world, job_id), refresh=True)
    with world.resources.database.reading() as connection:
        assert connection.execute(query).all() == before


def test_an_address_fetches_no_more_pages_and_makes_no_search_after_the_lease_is_lost(world: World) -> None:
    world.county.pages |= {FOUND: (200, assessor()), "/bill/00120034": (200, tax_roll())}
    world.sources(BY_ADDRESS, BY_NUMBER, domains=("127.0.0.2",))
    job_id = world.job()
    world.county.meanwhile[FOUND] = lambda: cancel(world, job_id)
    with pytest.raises(LeaseLostError):
        world.scrape(ADDRESS, run_of(world, job_id))
    assert dict(world.county.asked) == {FOUND: 1}
    assert stored(world)["job_attempts"] == 0
    assert not any(stored(world).values()), stored(world)
    assert (world.calls(), world.searched()) == (0, 0)


def test_a_search_page_is_not_continued_after_the_lease_is_lost(world: World) -> None:
    links = [(f"/homes/{n}-oak-st-anytown", f"{n} Oak St, Anytown, ST 00000 $1{n:02},000 3 beds") for n in range(30)]
    page = results(*links).replace("</body>", '<a rel="next" href="/list?page=2">Next</a><p>Page 1 of 3</p></body>')
    world.portal.pages |= {"/list": (200, page), "/list?page=2": (200, page)}
    url = f"{world.roots['portal']}/list"
    job_id = world.job(url)
    world.portal.meanwhile["/list"] = lambda: cancel(world, job_id)
    with pytest.raises(LeaseLostError):
        world.resources.scraper.store_target(url, run_of(world, job_id))
    assert dict(world.portal.asked) == {"/list": 1}


def test_an_expired_lease_that_no_worker_took_over_is_still_valid(world: World) -> None:
    """A locked database can delay the renewal of a lease."""
    world.portal.pages["/h"] = (200, listing())
    url = f"{world.roots['portal']}/h"
    job_id = world.job(url)
    with world.resources.database.writing() as connection:
        connection.execute(
            JobRow.__table__.update().where(JobRow.id == job_id).values(lease_expires_at=JobRow.created_at)
        )
    done = world.scrape(url, run_of(world, job_id))
    job = world.resources.jobs.get(job_id)
    assert (job.state, job.property_id) == (JobState.DONE, done.property_id)
