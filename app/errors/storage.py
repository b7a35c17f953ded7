"""The database."""

from __future__ import annotations

from typing import ClassVar

from app.errors import PropertyIntelligenceError


class StoreError(PropertyIntelligenceError):
    code = "store_failed"
    fact_names: ClassVar[tuple[str, ...]] = ("url", "reason")
    sentence = "The database {url} failed: {reason}."
    remedy = "Check DATABASE_URL and the database's log."


class DatabaseUnavailableError(StoreError):
    code = "database_unavailable"
    sentence = "The database {url} does not answer: {reason}."
    transient = True


class DatabaseFileError(DatabaseUnavailableError):
    """A SQLite file that cannot be opened, read or written."""

    code = "database_file"
    sentence = "The database file {url} cannot be used: {reason}."
    remedy = "Check the owner and rights of its folder: PROPINTEL_HOME, unless DATABASE_URL names another."


class NotADatabaseError(DatabaseFileError):
    code = "not_a_database"
    remedy = "Name another file in DATABASE_URL; this one was not touched."
    transient = False


class DatabaseLockedError(StoreError):
    code = "database_locked"
    sentence = "The database {url} is locked by another process ({reason})."
    remedy = "Queued jobs try again by themselves, repeat a command; for many workers set DATABASE_URL to a PostgreSQL."
    transient = True


class RowGoneError(StoreError):
    """What was to be stored belongs to a row that a purge, or pruning, deleted meanwhile."""

    code = "row_gone"
    sentence = "What this belongs to was deleted meanwhile from the database {url}: {reason}."
    remedy = "Nothing of it is stored. A job that is still there tries again by itself."
    transient = True


class DiskFullError(StoreError):
    code = "disk_full"
    sentence = "There is no room left for the database {url} ({reason})."
    remedy = "Free disk space; nothing was half-written, and queued jobs go on by themselves."
    transient = True


class DatabaseOutdatedError(StoreError):
    code = "database_outdated"
    sentence = "The database {url} is at schema {reason}, not at this version's."
    remedy = "Run `propintel db upgrade`."


class OldSchemaError(StoreError):
    """A database of a version before 1.0, which this version cannot read."""

    code = "database_of_old_version"
    sentence = "The database {url} is at schema {reason}, of a version before 1.0, and is not converted."
    remedy = "With that version, `propintel export`; with this one, name an empty database and enqueue the URLs again:"
    remedy += " docs/runbooks/upgrade.md."
