"""The checks of the database, and of the jobs, batches and watches in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from app.clock import Clock
from app.errors import PropertyIntelligenceError
from app.errors.broker import BrokerUnavailableError
from app.errors.storage import OldSchemaError
from app.property.storage.database import Database, database_url
from app.property.storage.inspection import DatabaseState, inspect_database
from app.property.storage.jobs.models import JobState
from app.property.storage.llm.batches import LlmBatchStore
from app.property.storage.llm.requests import LlmRequestStore
from app.property.storage.schema import HEAD, is_too_old
from app.property.storage.watches.repository import Watches
from app.services.reports.doctor.findings import Finding, all_in_all, failed, ok, skipped, warning
from app.services.reports.doctor.fleet import CeleryFacts
from app.services.runtime.stores import open_stores
from app.settings import Settings

#: file systems that other machines share (mount(8)): SQLite's locks and shared memory do not hold there
_SHARED_FILE_SYSTEMS = re.compile(r"nfs4?|cifs|smb3|smbfs|9p|afs|ceph|lustre|beegfs|gpfs|fuse\.(sshfs|glusterfs|s3fs)")
_MOUNTS = Path("/proc/self/mounts")
_ESCAPE = re.compile(r"\\([0-7]{3})")
#: beat looks every ten seconds; a queued job or request that waits longer than this means too few workers or keys
_LATE_SECONDS = 900.0
#: what was put off is first on the next day; longer than that, and the budget is too small for what is watched
_WATCH_LATE = timedelta(days=1, hours=1)


def check_database(settings: Settings, mounts: Path = _MOUNTS) -> Finding:
    """Check that it answers, that its schema is this version's, and that it keeps what it is given. `mounts` lists file
    systems as proc(5) does; without such a file nothing is said of them."""
    found = inspect_database(database_url(settings))
    if not found.exists:
        return all_in_all(f"{found.shown} is not there yet: it is made at first use", _file(found, mounts))
    name = "PostgreSQL" if found.file is None else "SQLite"
    said = f"{name} {found.version} at {found.shown}, schema {found.revision or 'none'}"
    return all_in_all(said, [*_schema(found), *_file(found, mounts)])


def _schema(found: DatabaseState) -> Iterator[Finding]:
    revision = found.revision or ""
    if is_too_old(found.revision):
        yield failed("that is of a version before 1.0, and is not converted", OldSchemaError.remedy)
    elif revision > HEAD:
        yield failed(f"that is newer than this version's {HEAD}", "Run the version that made it.")
    elif revision != HEAD and found.file is None:
        yield failed(f"this version needs {HEAD}", "Run `propintel db upgrade`.")
    elif revision != HEAD:
        yield warning(f"the next command brings it to {HEAD}", "Run `propintel db upgrade` to do so now.")
    elif found.due:
        said = f"properties filed by an older version's rules, which may be stored a second time: {found.due}"
        yield warning(said, "Run `propintel db reindex`; workers may go on meanwhile.")
    if found.reviews:
        said = f"pairs of properties of which a person has to say whether they are one: {found.reviews}"
        yield warning(said, "`propintel properties decisions` lists them.")


def _file(found: DatabaseState, mounts: Path) -> Iterator[Finding]:
    if found.file is None:
        return
    if found.exists and not os.access(found.file, os.W_OK):
        yield failed("this user may not write to it", "Mend the owner and rights of the file and its folder.")
    if found.exists and found.journal_mode != "wal":
        said = f"its journal mode is {found.journal_mode}, in which readers and writers wait for each other"
        yield warning(said, "Run `propintel db upgrade`, which turns WAL on.")
    kind = file_system(found.file, mounts)
    if kind is not None and _SHARED_FILE_SYSTEMS.fullmatch(kind):
        said = f"it is on a network file system ({kind}), where SQLite loses data"
        yield warning(said, "Move PROPINTEL_HOME to a local disk, or set DATABASE_URL to a PostgreSQL.")


def file_system(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """Return the type of the file system on which `path` is; None where that cannot be told."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    kinds = dict[Path, str]()
    for _, folder, kind, *_ in (line.split(" ") for line in lines if line.count(" ") >= 2):
        kinds[Path(_ESCAPE.sub(lambda match: chr(int(match[1], 8)), folder))] = kind  # proc(5) escapes blanks in octal
    where = path.expanduser().absolute().resolve()
    return next((kinds[folder] for folder in (where, *where.parents) if folder in kinds), None)


def check_jobs(settings: Settings, celery: CeleryFacts, clock: Clock) -> Finding:
    """Count jobs, and check that those that wait have somebody who does them."""
    try:
        found = inspect_database(database_url(settings))
    except PropertyIntelligenceError:
        return skipped("jobs are in the database, which cannot be used")
    if not found.exists:
        return ok("none yet")
    if found.revision != HEAD:
        return skipped("jobs are in the database, whose schema is another version's")
    with open_stores(settings, clock) as stores:
        counts = stores.jobs.counts()
        oldest = next(iter(stores.jobs.list(state=JobState.QUEUED, limit=1)), None)
        complaints = [*_economy(stores.database, settings), *_watches(stores.database, settings)]
    said = ", ".join(f"{counts[state]} {state}" for state in JobState)
    if counts[JobState.FAILED]:
        said += " (`propintel jobs list --failed` says why)"
    seconds = (clock.now() - oldest.created_at).total_seconds() if oldest else 0.0
    waiting = counts[JobState.QUEUED] + counts[JobState.DEFERRED]
    try:
        if waiting and not celery.is_served(settings, celery.scrape_queue):
            jobs = "1 job waits" if waiting == 1 else f"{waiting} jobs wait"
            late = failed(f"{jobs} and no worker runs", "Run `propintel up`, or `celery -A worker worker`.")
            return all_in_all(said, [late, *complaints])
    except BrokerUnavailableError:
        late = warning(f"{waiting} jobs wait while Redis does not answer", "They go on by themselves once it does.")
        return all_in_all(said, [late, *complaints])
    if seconds > _LATE_SECONDS:
        remedy = "Start more workers; `propintel keys list` says whether keys have no room."
        complaints.insert(0, warning(f"the oldest queued job waits for {seconds / 60:.0f} min", remedy))
    return all_in_all(said, complaints)


def _economy(database: Database, settings: Settings) -> Iterator[Finding]:
    """Complain of questions that wait for batches of the model, and of batches that nobody reaches."""
    now = database.clock.now()
    longest = max(((now - one.oldest_at).total_seconds() for one in LlmRequestStore(database).parked()), default=0.0)
    if longest > settings.openai.batch_collect_seconds + _LATE_SECONDS:
        yield warning(
            f"economy requests wait for {longest / 60:.0f} min and no batch is made of them",
            "See that beat and a worker run, and that a budget and a key have room; the worker's log says why.",
        )
    for batch in LlmBatchStore(database).under_way():
        if batch.unreachable_since is not None:
            minutes = (now - batch.unreachable_since).total_seconds() / 60
            yield warning(
                f"no key has reached {batch.openai_id or batch.id} of {batch.requests} requests for {minutes:.0f} min",
                "Give the pool a key of the project that the batch was made in, or wait: its requests are sent again.",
            )


def _watches(database: Database, settings: Settings) -> Iterator[Finding]:
    """Complain of a budget that starves watches for days, and of watches that nobody begins."""
    watches, watch = Watches(database), settings.watch
    put_off, untaken, jobs = watches.late(database.clock.now() - _WATCH_LATE)
    if put_off:
        yield warning(
            f"{put_off} watches have waited for more than a day for room in the budget of {watch.daily_pages}"
            f" pages a day; all want about {watches.daily_pages():.0f}",
            "Raise WATCH_DAILY_PAGES, or watch less or less often.",
        )
    if jobs:
        yield warning(
            f"{jobs} jobs of watches have waited for more than a day, as a rule for room in the budget of"
            f" {watch.daily_model_calls} model calls a day",
            "`propintel jobs list` says what they wait for; raise WATCH_DAILY_MODEL_CALLS, or watch less.",
        )
    if untaken:
        said = f"{untaken} watches have been due for more than a day and nobody begins them"
        yield warning(said, "See that beat and a worker run; the worker's log says why.")
