"""Errors of SQLAlchemy, sqlite3 and psycopg become ours here: what failed, where (without a password), and why."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.errors.storage import (
    DatabaseFileError,
    DatabaseLockedError,
    DatabaseUnavailableError,
    DiskFullError,
    NotADatabaseError,
    RowGoneError,
    StoreError,
)
from app.redaction import shown_url

#: SQLSTATEs (PostgreSQL documentation, appendix A) that say "somebody else holds it"
_PG_LOCKED = frozenset({"55P03", "40P01", "40001"})
_PG_FULL = frozenset({"53100"})
_PG_FOREIGN_KEY = "23503"
#: connection exceptions, out of resources, cancelled or shut down, system errors, read-only after a failover
_PG_UNAVAILABLE = re.compile(r"08...|53...|57...|58...|25006")
#: result codes of SQLite (https://www.sqlite.org/rescode.html), by the start of their names
_SQLITE_LOCKED = ("SQLITE_BUSY", "SQLITE_LOCKED")
_SQLITE_UNUSABLE = ("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH", "SQLITE_IOERR")
#: less than this and SQLite's write-ahead log cannot grow, which it reports as an I/O error
_FULL_BYTES = 1_000_000


def shown(url: URL) -> str:
    """The URL for people."""
    return shown_url(url.render_as_string(hide_password=False))


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Raise ours for theirs. `IntegrityError` passes: the caller knows what a duplicate means."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as exc:
        raise translate(exc.orig or exc, url) from exc
    except PoolTimeoutError as exc:
        raise DatabaseUnavailableError(shown(url), "all connections of this process are in use") from exc
    except SQLAlchemyError as exc:
        raise StoreError(shown(url), _first_line(exc)) from exc


def translate(exc: BaseException, url: URL) -> StoreError:
    """Our error for an error of the driver or of the operating system."""
    reason, where = _first_line(exc), shown(url)
    if isinstance(exc, OSError):
        full = exc.errno in (errno.ENOSPC, errno.EDQUOT)
        return DiskFullError(where, reason) if full else DatabaseFileError(where, reason)
    name = getattr(exc, "sqlite_errorname", None)
    if name and name.startswith("SQLITE_IOERR") and _is_full(url):
        return DiskFullError(where, reason)
    return _of_sqlite(name, reason, where) if name else _of_postgresql(exc, reason, where)


def _of_sqlite(name: str, reason: str, where: str) -> StoreError:
    if name.startswith(_SQLITE_LOCKED):
        return DatabaseLockedError(where, reason)
    if name.startswith("SQLITE_FULL"):
        return DiskFullError(where, reason)
    if name == "SQLITE_CONSTRAINT_FOREIGNKEY":
        return RowGoneError(where, reason)
    if name.startswith("SQLITE_NOTADB"):
        return NotADatabaseError(where, reason)
    if name.startswith(_SQLITE_UNUSABLE):
        return DatabaseFileError(where, reason)
    return StoreError(where, reason)


def _is_full(url: URL) -> bool:
    try:
        return shutil.disk_usage(Path(url.database or "").parent).free < _FULL_BYTES
    except OSError:
        return False


def _of_postgresql(exc: BaseException, reason: str, where: str) -> StoreError:
    state = getattr(exc, "sqlstate", None)
    if state == _PG_FOREIGN_KEY:
        return RowGoneError(where, reason)
    if state in _PG_LOCKED:
        return DatabaseLockedError(where, reason)
    if state in _PG_FULL or "no space left on device" in str(exc).lower():
        return DiskFullError(where, reason)
    lost = state is None and type(exc).__name__ in ("OperationalError", "ConnectionTimeout", "InterfaceError")
    if lost or (state and _PG_UNAVAILABLE.fullmatch(state)):
        return DatabaseUnavailableError(where, reason)
    return StoreError(where, reason)


def is_duplicate(exc: IntegrityError) -> bool:
    """True if another process wrote a row with the same unique key first."""
    name = getattr(exc.orig, "sqlite_errorname", "") or ""
    return (
        name in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY")
        or getattr(exc.orig, "sqlstate", "") == "23505"
    )


def is_worth_repeating(cause: BaseException | None) -> bool:
    """True if the same transaction, run anew, may pass: PostgreSQL ended it to solve a deadlock or to serialise."""
    return isinstance(cause, DBAPIError) and getattr(cause.orig, "sqlstate", None) in ("40P01", "40001")


def _first_line(exc: BaseException) -> str:
    lines = str(exc).strip().splitlines()
    return lines[0][:300] if lines else type(exc).__name__
