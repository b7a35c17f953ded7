"""The checks of the database, and of the jobs in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from app.clock import Clock
from app.errors import PropertyIntelligenceError
from app.errors.broker import BrokerUnavailableError
from app.errors.storage import OldSchemaError
from app.property.storage.database import database_url
from app.property.storage.inspection import DatabaseState, inspect_database
from app.property.storage.jobs.models import JobState
from app.property.storage.schema import HEAD, is_too_old
from app.services.reports.doctor.economy import economy_verdicts
from app.services.reports.doctor.findings import Verdict, all_in_all, failed, ok, skipped, warning
from app.services.reports.doctor.watches import watch_verdicts
from app.services.reports.doctor.workers import Fleet
from app.services.runtime.stores import open_stores
from app.settings import Settings

#: file systems that other machines share (mount(8)): SQLite's locks and shared memory do not hold there
_SHARED_FILE_SYSTEMS = re.compile(r"nfs4?|cifs|smb3|smbfs|9p|afs|ceph|lustre|beegfs|gpfs|fuse\.(sshfs|glusterfs|s3fs)")
_MOUNTS = Path("/proc/self/mounts")
_ESCAPE = re.compile(r"\\([0-7]{3})")
#: a queued job that waits longer than this tells of too few workers or keys
_LONG_WAIT_SECONDS = 900.0


def check_database(settings: Settings, mounts: Path = _MOUNTS) -> Verdict:
    """Does it answer, is its schema this version's, does it keep what it is given?

    `mounts` lists file systems as proc(5) does; without such a file nothing is said of them.
    """
    found = inspect_database(database_url(settings))
    if not found.exists:
        said = f"{found.shown} is not there yet: it is made at first use"
        return all_in_all(said, _place(found, mounts))
    name = "PostgreSQL" if found.file is None else "SQLite"
    said = f"{name} {found.version} at {found.shown}, schema {found.revision or 'none'}"
    return all_in_all(said, [*_schema(found), *_reviews(found), *_file(found), *_place(found, mounts)])


def _reviews(found: DatabaseState) -> Iterator[Verdict]:
    if found.reviews:
        yield warning(
            f"pairs of properties of which a person has to say whether they are one: {found.reviews}",
            "`propintel decisions` lists them.",
        )


def _schema(found: DatabaseState) -> Iterator[Verdict]:
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
        yield warning(
            f"properties filed by an older version's rules, which may be stored a second time: {found.due}",
            "Run `propintel db reindex`; workers may go on meanwhile.",
        )


def _file(found: DatabaseState) -> Iterator[Verdict]:
    if found.file is None:
        return
    if not os.access(found.file, os.W_OK):
        yield failed("this user may not write to it", "Mend the owner and rights of the file and its folder.")
    if found.journal_mode != "wal":
        yield warning(
            f"its journal mode is {found.journal_mode}, in which readers and writers wait for each other",
            "Run `propintel db upgrade`, which turns WAL on.",
        )


def _place(found: DatabaseState, mounts: Path) -> Iterator[Verdict]:
    kind = file_system(found.file, mounts) if found.file is not None else None
    if kind is not None and _SHARED_FILE_SYSTEMS.fullmatch(kind):
        yield warning(
            f"it is on a network file system ({kind}), where SQLite loses data",
            "Move PROPINTEL_HOME to a local disk, or set DATABASE_URL to a PostgreSQL.",
        )


def file_system(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """The type of the file system on which `path` is; None where that cannot be told."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    where = path.expanduser().absolute().resolve()
    kinds = {Path(_unescaped(line.split(" ")[1])): line.split(" ")[2] for line in lines if line.count(" ") >= 2}
    return next((kinds[folder] for folder in (where, *where.parents) if folder in kinds), None)


def _unescaped(field: str) -> str:
    """proc(5) writes blanks and the like in octal."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), field)


def check_jobs(settings: Settings, fleet: Fleet, clock: Clock) -> Verdict:
    """How many there are, and whether those that wait have somebody who does them."""
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
        waits = [*economy_verdicts(stores.database, settings), *watch_verdicts(stores.database, settings)]
    said = ", ".join(f"{counts[state]} {state}" for state in JobState)
    if counts[JobState.FAILED]:
        said += " (`propintel jobs --failed` says why)"
    seconds = (clock.now() - oldest.created_at).total_seconds() if oldest else 0.0
    waiting = counts[JobState.QUEUED] + counts[JobState.DEFERRED]
    return all_in_all(said, [*_waiting(waiting, seconds, fleet), *waits])


def _waiting(waiting: int, oldest_seconds: float, fleet: Fleet) -> Iterator[Verdict]:
    try:
        served = not waiting or fleet.does_jobs()
    except BrokerUnavailableError:
        yield warning(f"{waiting} jobs wait while Redis does not answer", "They go on by themselves once it does.")
        return
    if not served:
        jobs = "1 job waits" if waiting == 1 else f"{waiting} jobs wait"
        yield failed(f"{jobs} and no worker runs", "Run `propintel up`, or `celery -A worker worker`.")
    elif oldest_seconds > _LONG_WAIT_SECONDS:
        yield warning(
            f"the oldest queued job waits for {oldest_seconds / 60:.0f} min",
            "Start more workers; `propintel keys` says whether keys have no room.",
        )
