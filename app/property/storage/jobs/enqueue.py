"""A list of targets becomes a batch of jobs in one transaction, thousands of rows at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select

from app.errors.targets import InvalidTargetError
from app.property.storage.database import Database
from app.property.storage.jobs import idempotency, usage
from app.property.storage.jobs.models import Enqueued, Job, JobState
from app.property.storage.pages.index import fresh_urls, is_fresh
from app.property.storage.privacy.names import purged_since
from app.property.storage.statements import chunks, insert_into, job_of, new_id
from app.property.storage.tables import ACTIVE, IS_ACTIVE, batches, jobs, records
from app.property.urls.targets import is_address, normalise_target


def enqueue_targets(
    database: Database,
    targets: Sequence[str],
    *,
    now: datetime,
    resend_at: datetime,
    fresh_since: datetime | None,
    priority: int,
    callback_url: str | None = None,
    economy: bool = False,
    requester: usage.Requester | None = None,
    watch: str | None = None,
) -> Enqueued:
    """See `JobStore.enqueue`; `fresh_since` None: freshness does not matter. `watch` pays for the jobs."""
    wanted = [normalise_target(target) for target in targets]
    key = requester.key if requester is not None else None
    row = batch_row(now, priority, len(wanted), callback_url=callback_url, economy=economy)
    row["caller"] = requester.caller if requester is not None else None
    if key is not None:
        row |= {"idempotency_key": key.id, "fingerprint": key.fingerprint, "answer_by": resend_at}
    watch_of = dict.fromkeys(wanted, watch) if watch is not None else {}

    def work(connection: Connection) -> Enqueued:
        if key is not None and (earlier := idempotency.take(database, connection, key, now)) is not None:
            return earlier
        refuse_named(database, connection, wanted)
        made = make_batch(connection, row, wanted, resend_at, fresh_since, watch_of=watch_of)
        if requester is not None:
            usage.charge(connection, requester, now, len(made.new))
        return made

    return database.repeat(work)


def refuse_named(database: Database, connection: Connection, wanted: Sequence[str]) -> None:
    """Raise `InvalidTargetError` if one of `wanted` names a person who was purged, without repeating it."""
    finder = purged_since(database, connection, None).finder
    if finder is None:
        return
    for n, target in enumerate(wanted, 1):
        if not is_address(target) and finder.is_in(target):
            raise InvalidTargetError(f"Target {n} of {len(wanted)}", "it names a person who was purged")


def new_targets(database: Database, targets: Sequence[str], *, fresh_days: float, refresh: bool) -> list[str]:
    """Return those of `targets` for which `JobStore.enqueue` would make a job now, each once and normalized.

    Raises `InvalidTargetError` for the first that is neither a URL nor an address.
    """
    wanted = list(dict.fromkeys(normalise_target(target) for target in targets))
    fresh_since = None if refresh else database.clock.now() - timedelta(days=fresh_days)
    with database.reading() as connection:
        known = {target for some in chunks(wanted) for target in known_jobs(connection, some, fresh_since)}
    return [target for target in wanted if target not in known]


def batch_row(
    now: datetime, priority: int, targets: int, *, callback_url: str | None = None, economy: bool = False
) -> dict[str, Any]:
    """A row of `tables.batches` for so many targets."""
    return {
        "id": new_id(),
        "created_at": now,
        "priority": priority,
        "targets": targets,
        "duplicates": 0,
        "callback_url": callback_url,
        "economy": economy,
    }


def make_batch(
    connection: Connection,
    batch: dict[str, Any],
    wanted: Sequence[str],
    resend_at: datetime,
    fresh_since: datetime | None,
    *,
    watch_of: Mapping[str, str | None] = MappingProxyType({}),
) -> Enqueued:
    """Insert `batch` (a row of `tables.batches`) and the jobs for those of `wanted` that need one.

    `watch_of` says for a target which watch it is for.
    """
    template: dict[str, Any] = {
        "batch_id": batch["id"],
        "state": JobState.QUEUED,
        "priority": batch["priority"],
        "refresh": fresh_since is None,
        "attempts": 0,
        "waited_seconds": 0.0,
        "wanted_model": [],
        "sent_times": 0,
        "resend_at": resend_at,
        "economy": batch["economy"],
        "created_at": batch["created_at"],
    }
    connection.execute(insert(batches).values(batch))
    position, found, new = 0, list[Job](), list[str]()
    for some in chunks(list(dict.fromkeys(wanted))):
        known = known_jobs(connection, some, fresh_since)
        rows = [
            {
                **template,
                "id": new_id(),
                "target": target,
                "position": position + place,
                "watch_id": watch_of.get(target),
            }
            for place, target in enumerate(some)
            if target not in known
        ]
        made = insert_jobs(connection, rows)
        late = [row["target"] for row in rows if row["target"] not in made]
        known |= known_jobs(connection, late, fresh_since)
        new.extend(made[row["target"]].id for row in rows if row["target"] in made)
        found.extend(job for target in some if (job := made.get(target) or known.get(target)))
        position += len(some)
    duplicates = len(wanted) - len(new)
    change: dict[str, Any] = {"duplicates": duplicates}
    if "idempotency_key" in batch:
        change["job_ids"] = [job.id for job in found]
    connection.execute(batches.update().where(batches.c.id == batch["id"]).values(change))
    return Enqueued(batch["id"], found, new, duplicates)


def insert_jobs(connection: Connection, rows: list[dict[str, Any]]) -> dict[str, Job]:
    """Insert what no other process inserted meanwhile; -> the jobs made, by target."""
    if not rows:
        return {}
    statement = (
        insert_into(connection, jobs)
        .on_conflict_do_nothing(index_elements=[jobs.c.target], index_where=IS_ACTIVE)
        .returning(*jobs.c)
    )
    return {row.target: job_of(row) for row in connection.execute(statement, rows)}


def _fresh_addresses(targets: Sequence[str], since: datetime) -> Select[tuple[str]]:
    """Those of `targets` that are addresses of a property with a fresh page, and none that is asked about again.

    Which property that is says the job that found it, for no page says so by itself; a job that found it fresh has read
    nothing."""
    addresses = [target for target in targets if is_address(target)]
    found = select(jobs.c.target).join(records, records.c.property_id == jobs.c.property_id).distinct()
    return found.where(
        jobs.c.target.in_(addresses), jobs.c.state == JobState.DONE, is_fresh(since, whole_property=True)
    )


def known_jobs(connection: Connection, targets: Sequence[str], fresh_since: datetime | None) -> dict[str, Job | None]:
    """Targets that need no new job, with the job that is (or was) theirs; None if they were scraped without one."""
    if not targets:
        return {}
    known: dict[str, Job | None] = {}
    if fresh_since is not None:
        fresh = list(connection.execute(fresh_urls(targets, fresh_since)).scalars())
        fresh += connection.execute(_fresh_addresses(targets, fresh_since)).scalars()
        known.update(dict.fromkeys(fresh))
        newest = (
            select(
                jobs, func.row_number().over(partition_by=jobs.c.target, order_by=jobs.c.finished_at.desc()).label("n")
            )
            .where(jobs.c.target.in_(fresh), jobs.c.state == JobState.DONE)
            .subquery()
        )
        if fresh:
            known.update({r.target: job_of(r) for r in connection.execute(select(newest).where(newest.c.n == 1))})
    active = select(jobs).where(jobs.c.target.in_(targets), jobs.c.state.in_(ACTIVE))
    known.update({row.target: job_of(row) for row in connection.execute(active)})
    return known
