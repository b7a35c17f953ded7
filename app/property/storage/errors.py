"""Translate errors of SQLAlchemy, sqlite3, and psycopg to `StoreError`s. Their messages contain no password."""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.disk import has_no_space, is_full, space_left
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

#: Error classes by a pattern of error codes; the first match counts. Codes are SQLSTATEs (PostgreSQL documentation,
#: appendix A) or SQLite's result codes (https://www.sqlite.org/rescode.html).
_MEANINGS: Mapping[str, type[StoreError]] = {
    r"55P03|40P01|40001|SQLITE_(BUSY|LOCKED).*": DatabaseLockedError,
    r"53100": DiskFullError,
    r"23503|SQLITE_CONSTRAINT_FOREIGNKEY": RowGoneError,
    r"SQLITE_NOTADB.*": NotADatabaseError,
    r"SQLITE_(CANTOPEN|READONLY|PERM|AUTH|IOERR).*": DatabaseFileError,
    # connection exception, lack of resources, shutdown or canceled statement, system error, read-only after a failover
    r"08...|53...|57...|58...|25006": DatabaseUnavailableError,
}
#: Driver exceptions that, without an error code, mean a lost or failed connection.
_LOST = ("OperationalError", "ConnectionTimeout", "InterfaceError")
#: Codes after which a repetition may succeed: a unique key that another process inserted first, a deadlock, or a
#: serialization failure.
_PASSING = ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "23505", "40P01", "40001")


def shown(url: URL) -> str:
    return shown_url(url.render_as_string(hide_password=False))


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Translate database errors in the block to `StoreError`s, except `IntegrityError`."""
    try:
        yield
    except IntegrityError:
        raise
    except (DBAPIError, sqlite3.Error) as exc:
        raise translate(getattr(exc, "orig", None) or exc, url) from exc
    except PoolTimeoutError as exc:
        raise DatabaseUnavailableError(shown(url), "all connections of this process are in use") from exc
    except SQLAlchemyError as exc:
        raise StoreError(shown(url), _first_line(exc)) from exc


def translate(exc: BaseException, url: URL) -> StoreError:
    reason, where, code = _first_line(exc), shown(url), _code(exc)
    if isinstance(exc, OSError):
        return DiskFullError(where, _with_space(url, reason)) if is_full(exc) else DatabaseFileError(where, reason)
    if code.startswith("SQLITE_"):
        full = code.startswith("SQLITE_FULL") or (
            code.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN")) and has_no_space(Path(url.database or "").parent)
        )
    else:
        full = "no space left on device" in str(exc).lower()
    if full:
        return DiskFullError(where, _with_space(url, reason))
    if not code and type(exc).__name__ in _LOST:
        return DatabaseUnavailableError(where, reason)
    meaning = next((error for codes, error in _MEANINGS.items() if re.fullmatch(codes, code)), StoreError)
    return meaning(where, reason)


def _code(exc: BaseException | None) -> str:
    return getattr(exc, "sqlite_errorname", None) or getattr(exc, "sqlstate", None) or ""


def _with_space(url: URL, reason: str) -> str:
    """Add the free space of an SQLite file's folder. The disk of a server is not this machine's."""
    is_file = url.get_backend_name() == "sqlite" and url.database
    return f"{reason}; {space_left(Path(str(url.database)).parent)}" if is_file else reason


def is_worth_repeating(cause: BaseException | None) -> bool:
    return isinstance(cause, DBAPIError) and _code(cause.orig) in _PASSING


def _first_line(exc: BaseException) -> str:
    lines = str(exc).strip().splitlines()
    return lines[0][:300] if lines else type(exc).__name__
