"""Watches in a fleet: real workers, a real site that counts what it is asked for, and the task that beat sends."""

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
    """Eight listings, and where they are."""
    pages = {f"/homes/{n}": (200, listing(f"{n} Fictional Ave, Anytown, ST 00000")) for n in range(1, 9)}
    place = Place(pages)
    with BackgroundServer(place.app) as server:
        yield place, server.address


def make_due(fleet: Any) -> None:
    """The time of all watches has come."""
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    with fleet.stores.database.writing() as connection:
        connection.execute(update(Watch).values(due_at=long_ago))


def tick(fleet: Any) -> dict[str, int]:
    """What beat sends every minute, done by a worker."""
    sent: dict[str, int] = fleet.app.send_task("tasks.watches.tick_watches", queue="maintenance").get(timeout=300)
    return sent


def test_three_workers_at_once_ask_for_no_page_too_many(
    make_fleet: Callable[..., Any], site: tuple[Place, str], until: Callable[..., None]
) -> None:
    """Eight jobs of watches find a budget of three pages. Five wait for the next day and cost no retry; when it has
    come they go on. (The next day: what was charged is noted for yesterday, and the jobs are due.)"""
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
    assert (len(waiting), sum(place.asked.values())) == (5, 3), fleet.told(ids)
    midnight = datetime.combine(datetime.now(UTC).date() + timedelta(days=1), datetime.min.time(), UTC)
    assert all(timedelta(0) <= job.due_at - midnight <= timedelta(minutes=5) for job in waiting)
    assert {job.attempts for job in waiting} == {0}
    with database.writing() as connection:
        yesterday = watch_day(database).day - timedelta(days=1)
        connection.execute(update(DailyUsage).values(day=yesterday))
        connection.execute(update(JobRow).where(JobRow.state == "deferred").values(due_at=datetime.now(UTC)))
    fleet.app.send_task("tasks.recovery.recover_jobs", queue="maintenance")
    until(lambda: watch_day(database).pages == 3, 40, lambda: fleet.told(ids))
    until(lambda: (store.counts()["deferred"], store.counts()["done"]) == (2, 6), 40, lambda: fleet.told(ids))
    assert (sum(place.asked.values()), max(place.asked.values())) == (6, 1)


def test_what_is_due_is_refreshed_by_a_tick_and_what_does_not_fit_is_told(
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
    assert {job.state for job in done} == {"done"}, fleet.told(ids)
    assert tick(fleet) == {"sent": 0, "put_off": 1}
    refreshed = [one for one in store.page().items if one.refreshed_at is not None]
    assert {one.property_id for one in refreshed} == {job.property_id for job in done}
    assert sum(place.asked.values()) == 2
    assert fleet.log("worker").count("did not fit into today's budget of 2 pages") == 1
