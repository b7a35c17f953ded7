"""Steps that the tests of watches share."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from app.errors import PropertyIntelligenceError
from app.property.record import PageKind
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.jobs.enqueue import make_batch
from app.property.storage.jobs.models import Job, PageFrom
from app.property.storage.jobs.recovery import RESEND_SECONDS
from app.property.storage.statements import new_id
from app.property.storage.watches.budget import WatchLimits
from app.property.storage.watches.models import Change, Watch
from app.property.storage.watches.schedule import Tick
from app.property.urls.targets import normalize_target
from tests.plugins.job_ends import finish
from tests.plugins.stores import Stores

URL = "https://site.example/house/1"
ADDRESS = "12 MAIN ST, SPRINGFIELD, IL 62701"
PLENTY = WatchLimits(pages=1000, model_calls=100)
DAY = 86_400.0


def store_property(db: Stores, *urls: str) -> str:
    """Store a property with a page at each of `urls`; return its id."""
    related = None
    for n, url in enumerate(urls):
        record = SourceRecord(url, url, PageKind.LISTING, f"{n:064x}", db.clock.now(), {}, {})
        related = db.save(record, related=related)
    return str(related)


def due_now(db: Stores, name: str) -> Watch:
    """Advance the clock until the watch `name` is due, and return the watch."""
    wait = (db.watches.get(name).due_at - db.clock.now()).total_seconds()
    db.clock.advance(max(0.0, wait))
    return db.watches.get(name)


def begin(db: Stores, name: str) -> list[Job]:
    """Advance the clock until the watch `name` is due, create the jobs of all due watches, and return its jobs."""
    watch = due_now(db, name)
    return [job for job in db.watches.tick(PLENTY).jobs if job.watch_id == watch.id]


def jobs_for(database: Database, targets: Sequence[str], watch: str | None) -> list[Job]:
    """Create jobs of a watch, as the scheduled task does."""
    now, wanted = database.clock.now(), [normalize_target(target) for target in targets]
    how: Any = {"resend_at": now + timedelta(seconds=RESEND_SECONDS), "watch_of": dict.fromkeys(wanted, watch)}
    return database.repeat(lambda connection: make_batch(connection, now, wanted, priority=8, **how)).jobs


def end(db: Stores, job: Job, outcome: str | PropertyIntelligenceError) -> None:
    db.claim(job.id)
    if isinstance(outcome, str):
        assert finish(db.jobs, job.id, "me", outcome, page_from=PageFrom.SITE)
    else:
        assert db.jobs.fail(job.id, outcome, "me")


def refresh(db: Stores, name: str, outcome: str | PropertyIntelligenceError) -> Tick:
    """Let the watch `name` become due, and end all its jobs with `outcome`. Return the result of the next tick."""
    for job in begin(db, name):
        end(db, job, outcome)
    return db.watches.tick(PLENTY)


def show_change(db: Stores, property_id: str, url: str, look_at: datetime) -> None:
    """Store an unpublished change of the property, seen on the page `url`, whose next check is due at `look_at`."""
    now = db.clock.now()
    row = {"id": new_id(), "property_id": property_id, "field": "ListPrice", "url": url, "urls": url}
    row |= {"seen_at": now, "updated_at": now, "look_at": look_at}
    db.execute(insert(Change).values(row))
