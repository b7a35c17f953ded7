"""Check the database, and the jobs, model batches, and watches in it."""

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from app.clock import Clock
from app.errors import PropertyIntelligenceError
from app.errors.broker import BrokerUnavailableError
from app.errors.storage import OldSchemaError
from app.plurals import counted
from app.property.storage.database import Database, database_url
from app.property.storage.inspection import DatabaseState, inspect_database
from app.property.storage.jobs.models import JobState
from app.property.storage.llm.batches import LlmBatchStore
from app.property.storage.llm.requests import LlmRequestStore
from app.property.storage.schema import HEAD, is_too_old
from app.property.storage.watches.repository import Watches
from app.services.reports.doctor.findings import Finding, combined, failed, ok, skipped, warning
from app.services.reports.doctor.fleet import CeleryFacts
from app.services.reports.doctor.machine import space_findings
from app.services.runtime.stores import open_stores
from app.settings import Settings

#: Types of network file systems, as mount(8) names them. SQLite may lose data on them, because its locks and shared
#: memory may not work.
_SHARED_FILE_SYSTEMS = re.compile(r"nfs4?|cifs|smb3|smbfs|9p|afs|ceph|lustre|beegfs|gpfs|fuse\.(sshfs|glusterfs|s3fs)")
_MOUNTS = Path("/proc/self/mounts")
_ESCAPE = re.compile(r"\\([0-7]{3})")
#: Warn if a queued job waits longer than this. For a parked model request, OPENAI_BATCH_COLLECT_SECONDS are added.
_LATE_SECONDS = 900.0
#: Warn if a watch is overdue by more than this. A watch may wait a day for its budget, so it is not late before the
#: next day.
_WATCH_LATE = timedelta(days=1, hours=1)


def check_database(settings: Settings, mounts: Path = _MOUNTS) -> Finding:
    """Check that the database answers, has this version's schema, and is on a safe file system.

    `mounts` is the file that lists the mounted file systems (proc(5)). If it is unreadable, the file system is not
    checked.
    """
    found = inspect_database(database_url(settings))
    if not found.exists:
        return combined(f"{found.shown} does not exist yet: it is created at first use", _file(found, mounts))
    name = "PostgreSQL" if found.file is None else "SQLite"
    detail = f"{name} {found.version} at {found.shown}, schema {found.revision or 'none'}"
    return combined(detail, [*_schema(found), *_file(found, mounts), *_space(found, settings.state.propintel_home)])


def _space(found: DatabaseState, home: Path) -> Iterator[Finding]:
    """Check the disk of an SQLite file, unless it is the disk of PROPINTEL_HOME, which `check_home` checks."""
    if found.file is not None and found.file.parent.exists():
        is_same = home.expanduser().exists() and home.expanduser().stat().st_dev == found.file.parent.stat().st_dev
        yield from () if is_same else space_findings(found.file.parent, "DATABASE_URL")


def _schema(found: DatabaseState) -> Iterator[Finding]:
    revision = found.revision or ""
    if is_too_old(found.revision):
        yield failed("that schema is from a version before 1.0 and cannot be migrated", OldSchemaError.remedy)
    elif revision > HEAD:
        yield failed(f"that schema is newer than this version's {HEAD}", "Run the newer version.")
    elif revision != HEAD and found.file is None:
        yield failed(f"this version needs {HEAD}", "Run `propintel db upgrade`.")
    elif revision != HEAD:
        yield warning(f"the next command migrates it to {HEAD}", "Run `propintel db upgrade` to do so now.")
    elif found.due:
        detail = f"properties with keys of an older version, which may be stored a second time: {found.due}"
        yield warning(detail, "Run `propintel db reindex`; workers may continue meanwhile.")
    if found.reviews:
        detail = f"pairs of properties that a person has to review: {found.reviews}"
        yield warning(detail, "`propintel properties decisions` lists them.")


def _file(found: DatabaseState, mounts: Path) -> Iterator[Finding]:
    if found.file is None:
        return
    if found.exists and not os.access(found.file, os.W_OK):
        yield failed("this user may not write to it", "Correct owner and permissions of the file and its folder.")
    if found.exists and found.journal_mode != "wal":
        detail = f"its journal mode is {found.journal_mode}, in which readers and writers wait for each other"
        yield warning(detail, "Run `propintel db upgrade`, which enables WAL.")
    kind = file_system(found.file, mounts)
    if kind is not None and _SHARED_FILE_SYSTEMS.fullmatch(kind):
        detail = f"it is on a network file system ({kind}), where SQLite loses data"
        yield warning(detail, "Move PROPINTEL_HOME to a local disk, or set DATABASE_URL to a PostgreSQL.")


def file_system(path: Path, mounts: Path = _MOUNTS) -> str | None:
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    kinds = dict[Path, str]()
    for _, folder, kind, *_ in (line.split(" ") for line in lines if line.count(" ") >= 2):
        kinds[Path(_ESCAPE.sub(lambda match: chr(int(match[1], 8)), folder))] = kind
    where = path.expanduser().absolute().resolve()
    return next((kinds[folder] for folder in (where, *where.parents) if folder in kinds), None)


def check_jobs(settings: Settings, celery: CeleryFacts, clock: Clock) -> Finding:
    """Count jobs, and check that workers run and that no job, model request, or watch waits too long."""
    try:
        found = inspect_database(database_url(settings))
    except PropertyIntelligenceError:
        return skipped("jobs are in the database, which cannot be used")
    if not found.exists:
        return ok("none yet")
    if found.revision != HEAD:
        return skipped("jobs are in the database, which has the schema of another version")
    with open_stores(settings, clock) as stores:
        counts = stores.jobs.counts()
        oldest = next(iter(stores.jobs.list(state=JobState.QUEUED, limit=1)), None)
        complaints = [*_economy(stores.database, settings), *_watches(stores.database, settings)]
    detail = ", ".join(f"{counts[state]} {state}" for state in JobState)
    if counts[JobState.FAILED]:
        detail += " (`propintel jobs list --failed` says why)"
    seconds = (clock.now() - oldest.created_at).total_seconds() if oldest else 0.0
    waiting = counts[JobState.QUEUED] + counts[JobState.DEFERRED]
    try:
        if waiting and not celery.is_served(settings, celery.scrape_queue):
            jobs = counted(waiting, "job waits", "jobs wait")
            late = failed(f"{jobs} and no worker runs", "Run `propintel up`, or `celery -A worker worker`.")
            return combined(detail, [late, *complaints])
    except BrokerUnavailableError:
        jobs = counted(waiting, "job waits", "jobs wait")
        late = warning(f"{jobs} while Redis does not answer", "Jobs continue when Redis answers again.")
        return combined(detail, [late, *complaints])
    if seconds > _LATE_SECONDS:
        remedy = "Start more workers; `propintel keys list` shows whether keys have capacity."
        complaints.insert(0, warning(f"the oldest queued job has waited for {seconds / 60:.0f} min", remedy))
    return combined(detail, complaints)


def _economy(database: Database, settings: Settings) -> Iterator[Finding]:
    now = database.clock.now()
    longest = max(((now - one.oldest_at).total_seconds() for one in LlmRequestStore(database).parked()), default=0.0)
    if longest > settings.openai.batch_collect_seconds + _LATE_SECONDS:
        yield warning(
            f"economy requests have waited for {longest / 60:.0f} min without a batch",
            "Check that beat and a worker run, and that a budget and a key have capacity; see the worker's log.",
        )
    for batch in LlmBatchStore(database).under_way():
        if batch.unreachable_since is not None:
            minutes = (now - batch.unreachable_since).total_seconds() / 60
            yield warning(
                f"no key has reached {batch.openai_id or batch.id} ({counted(batch.requests, 'request')})"
                f" for {minutes:.0f} min",
                "Add a key of the batch's project, or wait until its requests are sent again.",
            )


def _watches(database: Database, settings: Settings) -> Iterator[Finding]:
    watches, watch = Watches(database), settings.watch
    put_off, untaken, jobs = watches.late(database.clock.now() - _WATCH_LATE)
    if put_off:
        yield warning(
            f"{counted(put_off, 'watch has', 'watches have')} waited for more than a day because the budget is"
            f" {counted(watch.daily_pages, 'page')} a day;"
            f" all watches need about {watches.daily_pages():.0f}",
            "Raise WATCH_DAILY_PAGES, or watch less or less often.",
        )
    if jobs:
        yield warning(
            f"{counted(jobs, 'job of a watch has', 'jobs of watches have')} waited for more than a day, usually for the"
            f" budget of {counted(watch.daily_model_calls, 'model call')} a day",
            "`propintel jobs list` shows what they wait for; raise WATCH_DAILY_MODEL_CALLS, or watch less.",
        )
    if untaken:
        detail = f"{counted(untaken, 'watch has', 'watches have')} been due for more than a day without a job"
        yield warning(detail, "Check that beat and a worker run; see the worker's log.")
