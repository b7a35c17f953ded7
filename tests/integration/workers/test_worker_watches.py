"""A real worker runs beat's task for watches, and the jobs that the task creates."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.property.storage.watches.models import Watch
from app.property.storage.watches.repository import Watches
from simulators.serving import BackgroundServer
from tests.plugins.address_world import Place, listing


@pytest.mark.worker
def test_a_tick_refreshes_due_watches_and_logs_those_over_budget(make_fleet: Any) -> None:
    place = Place({f"/homes/{n}": (200, listing(f"{n} Fictional Ave, Anytown, ST 00000")) for n in (1, 2, 3)})
    fleet = make_fleet(WATCH_DAILY_PAGES="2")
    fleet.start_worker(pool="threads", concurrency=2)

    def tick() -> dict[str, int]:
        return dict(fleet.app.send_task("tasks.watches.tick_watches", queue="maintenance").get(timeout=300))

    with BackgroundServer(place.app) as server:
        store = Watches(fleet.stores.database)
        store.add([server.address + path for path in place.pages], interval_days=1)
        with fleet.stores.database.writing() as connection:
            connection.execute(update(Watch).values(due_at=datetime.now(UTC) - timedelta(hours=1)))
        assert tick() == {"sent": 2, "put_off": 1}
        ids = [job.id for job in fleet.stores.jobs.list()]
        done = fleet.wait_for_state(ids, "done", "failed")
    assert {job.state for job in done} == {"done"}, fleet.describe(ids)
    assert tick() == {"sent": 0, "put_off": 1}
    refreshed = [watch for watch in store.page().items if watch.refreshed_at is not None]
    assert {watch.property_id for watch in refreshed} == {job.property_id for job in done}
    assert sum(place.asked.values()) == 2
    assert fleet.log("worker").count("did not fit into today's budget of 2 pages") == 1
