"""Real workers run watches' jobs on a site that counts requests, and the task for watches that beat sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.property.storage.jobs.models import DailyUsage
from app.property.storage.jobs.models import Job as JobRow
from app.property.storage.watches.budget import watch_day
from app.property.storage.watches.models import Watch
from app.property.storage.watches.repository import Watches
from simulators.serving import BackgroundServer
from tasks._celery.publish import send_jobs
from tests.plugins.address_world import Place, listing
from tests.plugins.watch_steps import jobs_for

pytestmark = pytest.mark.worker


@pytest.fixture
def site() -> Iterator[tuple[Place, str]]:
    """Serve eight listings; yield their site and its address."""
    pages = {f"/homes/{n}": (200, listing(f"{n} Fictional Ave, Anytown, ST 00000")) for n in range(1, 9)}
    place = Place(pages)
    with BackgroundServer(place.app) as server:
        yield place, server.address


def make_due(fleet: Any) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    with fleet.stores.database.writing() as connection:
        connection.execute(update(Watch).values(due_at=long_ago))


def tick(fleet: Any) -> dict[str, int]:
    """Have a worker run the task that beat sends every minute; return its result."""
    sent: dict[str, int] = fleet.app.send_task("tasks.watches.tick_watches", queue="maintenance").get(timeout=300)
    return sent


def test_concurrent_workers_stay_within_the_page_budget(
    make_fleet: Callable[..., Any], site: tuple[Place, str], until: Callable[..., None]
) -> None:
    """Of eight jobs with a budget of three pages, five wait for the next day and lose no retry. The test then moves
    the used budget to yesterday, so the jobs continue."""
    place, root = site
    fleet = make_fleet(WATCH_DAILY_PAGES="3")
    database, store = fleet.stores.database, fleet.stores.jobs
    (watch,) = Watches(database).add([f"{root}/homes/1"]).watches
    made = jobs_for(database, [f"{root}{path}" for path in place.pages], watch.id)
    ids = [job.id for job in made]
    fleet.start_worker(pool="prefork", concurrency=3)
    send_jobs(fleet.app, store, made)
    found = fleet.wait_for_state(ids, "done", "deferred", "failed")
    waiting = [job for job in found if job.state == "deferred"]
    assert (len(waiting), sum(place.asked.values())) == (5, 3), fleet.describe(ids)
    midnight = datetime.combine(datetime.now(UTC).date() + timedelta(days=1), datetime.min.time(), UTC)
    assert all(timedelta(0) <= job.due_at - midnight <= timedelta(minutes=5) for job in waiting)
    assert {job.attempts for job in waiting} == {0}
    with database.writing() as connection:
        yesterday = watch_day(database).day - timedelta(days=1)
        connection.execute(update(DailyUsage).values(day=yesterday))
        connection.execute(update(JobRow).where(JobRow.state == "deferred").values(due_at=datetime.now(UTC)))
    fleet.app.send_task("tasks.recovery.recover_jobs", queue="maintenance")
    until(lambda: watch_day(database).pages == 3, 40, lambda: fleet.describe(ids))
    until(lambda: (store.counts()["deferred"], store.counts()["done"]) == (2, 6), 40, lambda: fleet.describe(ids))
    assert (sum(place.asked.values()), max(place.asked.values())) == (6, 1)


def test_a_tick_refreshes_due_watches_and_logs_those_over_budget(
    make_fleet: Callable[..., Any], site: tuple[Place, str], until: Callable[..., None]
) -> None:
    place, root = site
    fleet = make_fleet(WATCH_DAILY_PAGES="2")
    fleet.start_worker(pool="threads", concurrency=2)
    store = Watches(fleet.stores.database)
    store.add([f"{root}/homes/{n}" for n in (1, 2, 3)], interval_days=1)
    make_due(fleet)
    assert tick(fleet) == {"sent": 2, "put_off": 1}
    ids = [job.id for job in fleet.stores.jobs.list()]
    done = fleet.wait_for_state(ids, "done", "failed")
    assert {job.state for job in done} == {"done"}, fleet.describe(ids)
    assert tick(fleet) == {"sent": 0, "put_off": 1}
    refreshed = [watch for watch in store.page().items if watch.refreshed_at is not None]
    assert {watch.property_id for watch in refreshed} == {job.property_id for job in done}
    assert sum(place.asked.values()) == 2
    assert fleet.log("worker").count("did not fit into today's budget of 2 pages") == 1
