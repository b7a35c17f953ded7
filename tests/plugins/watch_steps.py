"""Steps that the tests of watches share."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from app.clock import ManualClock
from app.errors import PropertyIntelligenceError
from app.property.record import PageKind
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.jobs.enqueue import make_batch
from app.property.storage.jobs.models import Job, PageFrom
from app.property.storage.jobs.recovery import RESEND_SECONDS
from app.property.storage.jobs.repository import JobStore
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.statements import new_id
from app.property.storage.watches.budget import WatchLimits
from app.property.storage.watches.models import Change, Watch
from app.property.storage.watches.repository import Watches
from app.property.urls.targets import normalize_target
from benchmarks.saving import save_record
from tests.plugins.job_ends import finish

URL = "https://site.example/house/1"
ADDRESS = "12 MAIN ST, SPRINGFIELD, IL 62701"
PLENTY = WatchLimits(pages=1000, model_calls=100)
DAY = 86_400.0


def store_property(database: Database, clock: ManualClock, *urls: str) -> str:
    """Store a property with a page at each of `urls`; return its id."""
    related = None
    for n, url in enumerate(urls):
        record = SourceRecord(url, url, PageKind.LISTING, f"{n:064x}", clock.now(), {}, {})
        related = save_record(PropertyStore(database), record, related=related)
    return str(related)


def due_now(watches: Watches, clock: ManualClock, name: str) -> Watch:
    """Advance the clock until the watch is due; return the watch."""
    wait = (watches.get(name).due_at - clock.now()).total_seconds()
    clock.advance(max(0.0, wait))
    return watches.get(name)


def begin(watches: Watches, clock: ManualClock, name: str, limits: WatchLimits = PLENTY) -> list[Job]:
    """Advance the clock until the watch `name` is due; create the jobs of all due watches; return those of `name`."""
    due_now(watches, clock, name)
    watch = watches.get(name)
    return [job for job in watches.tick(limits).jobs if job.watch_id == watch.id]


def jobs_for(database: Database, targets: Sequence[str], watch: str | None) -> list[Job]:
    """Create jobs of a watch, as the scheduled task does."""
    now, wanted = database.clock.now(), [normalize_target(target) for target in targets]
    how: Any = {"resend_at": now + timedelta(seconds=RESEND_SECONDS), "watch_of": dict.fromkeys(wanted, watch)}
    return database.repeat(lambda connection: make_batch(connection, now, wanted, priority=8, **how)).jobs


def end(jobs: JobStore, job: Job, outcome: str | PropertyIntelligenceError) -> None:
    assert jobs.claim(job.id, "worker", 60) is not None
    if isinstance(outcome, str):
        assert finish(jobs, job.id, "worker", outcome, page_from=PageFrom.SITE)
    else:
        assert jobs.fail(job.id, outcome, "worker")


def show_change(database: Database, property_id: str, url: str, look_at: datetime) -> None:
    """Store an unpublished change of the property, seen on the page `url`, whose next check is due at `look_at`."""
    now = database.clock.now()
    row = {"id": new_id(), "property_id": property_id, "field": "ListPrice", "url": url, "urls": url}
    row |= {"seen_at": now, "updated_at": now, "look_at": look_at}
    with database.writing() as connection:
        connection.execute(insert(Change).values(row))
