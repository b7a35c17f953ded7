"""Create a batch of jobs from a list of targets."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.orm import aliased

from app.errors.targets import InvalidTargetError
from app.property.storage.database import Database
from app.property.storage.jobs.models import Batch, Enqueued, Job, JobState
from app.property.storage.pages.index import fresh_urls, is_fresh
from app.property.storage.privacy.suppressions import purged_since
from app.property.storage.properties.fresh import fresh_properties
from app.property.storage.properties.tables import SourceRow
from app.property.storage.statements import chunks, entities, insert_into, new_id
from app.property.storage.types import ACTIVE, IS_ACTIVE
from app.property.urls.targets import address_of_target, is_address, normalize_target


def refuse_named(database: Database, connection: Connection, wanted: Sequence[str]) -> None:
    """Raise `InvalidTargetError`, without the URL, if a target URL names a purged person."""
    names = purged_since(database, connection, None).names
    for n, target in enumerate(wanted, 1):
        if not is_address(target) and names.is_in(target):
            raise InvalidTargetError(f"Target {n} of {len(wanted)}", "it names a person who was purged")


def new_targets(
    database: Database, targets: Sequence[str], *, fresh_days: float, refresh: bool, can_ask: bool = True
) -> list[str]:
    """Return the normalized targets for which a request would create jobs now (see `known_jobs`).

    Raises `InvalidTargetError`.
    """
    wanted = list(dict.fromkeys(normalize_target(target) for target in targets))
    fresh_since = None if refresh else database.clock.now() - timedelta(days=fresh_days)
    with database.reading() as connection:
        known = {target for some in chunks(wanted) for target in known_jobs(connection, some, fresh_since, can_ask)}
    return [target for target in wanted if target not in known]


def make_batch(
    connection: Connection,
    now: datetime,
    wanted: Sequence[str],
    *,
    priority: int,
    resend_at: datetime,
    fresh_since: datetime | None = None,
    can_ask: bool = True,
    economy: bool = False,
    watch_of: Mapping[str, str | None] = MappingProxyType({}),
    **columns: Any,
) -> Enqueued:
    """Insert a batch with these `columns`, and jobs for its targets.

    A target gets no job if it has an active job, or was read after `fresh_since` (None: reading time does not matter)
    and does not wait for a model that `can_ask`. `watch_of` maps a target to the id of its watch.
    """
    batch_id = new_id()
    shared = {"created_at": now, "priority": priority, "economy": economy}
    connection.execute(insert(Batch).values(id=batch_id, targets=len(wanted), **shared, **columns))
    common: dict[str, Any] = {**shared, "batch_id": batch_id, "refresh": fresh_since is None, "resend_at": resend_at}
    found, new = list[Job](), list[str]()
    for some in chunks(list(enumerate(dict.fromkeys(wanted)))):
        known = known_jobs(connection, [target for _, target in some], fresh_since, can_ask)
        rows = [
            {**common, "target": target, "position": place, "watch_id": watch_of.get(target)}
            for place, target in some
            if target not in known
        ]
        made = insert_jobs(connection, rows)
        late = [row["target"] for row in rows if row["target"] not in made]
        known |= known_jobs(connection, late, fresh_since, can_ask)
        new += [made[row["target"]].id for row in rows if row["target"] in made]
        found += [job for _, target in some if (job := made.get(target) or known.get(target))]
    duplicates = len(wanted) - len(new)
    change: dict[str, Any] = {"duplicates": duplicates}
    if "idempotency_key" in columns:
        change["job_ids"] = [job.id for job in found]
    connection.execute(update(Batch).where(Batch.id == batch_id).values(change))
    return Enqueued(batch_id, found, new, duplicates)


def insert_jobs(connection: Connection, rows: Sequence[dict[str, Any]]) -> dict[str, Job]:
    """Insert jobs, except for targets with an active job. Return the inserted jobs by target."""
    if not rows:
        return {}
    statement = (
        insert_into(connection, Job)
        .on_conflict_do_nothing(index_elements=[Job.target], index_where=IS_ACTIVE)
        .returning(Job)
    )
    return {job.target: job for job in entities(connection, statement, rows)}


def _fresh_addresses(connection: Connection, targets: Sequence[str], since: datetime, *, can_ask: bool) -> list[str]:
    """Return the addresses whose property is fresh: found by a job for the address, or by the property's address."""
    addresses = {target: address_of_target(target) for target in targets if is_address(target)}
    if not addresses:
        return []
    by_job = select(Job.target).join(SourceRow, SourceRow.property_id == Job.property_id).distinct()
    fresh = Job.state == JobState.DONE, is_fresh(since, can_ask=can_ask, whole_property=True)
    known = connection.execute(by_job.where(Job.target.in_(addresses), *fresh)).scalars().all()
    return [*known, *fresh_properties(connection, addresses, since, can_ask=can_ask)]


def known_jobs(
    connection: Connection, targets: Sequence[str], fresh_since: datetime | None, can_ask: bool = True
) -> dict[str, Job | None]:
    """Map each target that needs no new job to its active job, or else to its newest finished job (None if there is
    none).

    A target needs no job if it was read after `fresh_since` and waits for no model that `can_ask`.
    """
    if not targets:
        return {}
    known: dict[str, Job | None] = {}
    if fresh_since is not None:
        fresh = list(connection.execute(fresh_urls(targets, fresh_since, can_ask=can_ask)).scalars())
        fresh += _fresh_addresses(connection, targets, fresh_since, can_ask=can_ask)
        known.update(dict.fromkeys(fresh))
        place = func.row_number().over(partition_by=Job.target, order_by=Job.finished_at.desc()).label("place")
        done = select(Job, place).where(Job.target.in_(fresh), Job.state == JobState.DONE).subquery()
        if fresh:
            newest = entities(connection, select(aliased(Job, done)).where(done.c.place == 1))
            known.update({job.target: job for job in newest})
    active = select(Job).where(Job.target.in_(targets), Job.state.in_(ACTIVE))
    known.update({job.target: job for job in entities(connection, active)})
    return known
