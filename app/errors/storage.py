"""Errors of the database."""

from app.errors import PropertyIntelligenceError


class StoreError(PropertyIntelligenceError, code="store_failed", facts="url reason"):
    sentence = "The database {url} failed: {reason}."
    remedy = "Check DATABASE_URL and the database's log."


class DatabaseUnavailableError(StoreError, code="database_unavailable"):
    sentence = "The database {url} does not answer: {reason}."
    transient = True


class DatabaseFileError(DatabaseUnavailableError, code="database_file"):
    """The SQLite file cannot be opened, read, or written."""

    sentence = "The database file {url} cannot be used: {reason}."
    remedy = "Check the owner and permissions of its folder: PROPINTEL_HOME, or the folder in DATABASE_URL."


class NotADatabaseError(DatabaseFileError, code="not_a_database"):
    remedy = "Set DATABASE_URL to another file; this one was not changed."
    transient = False


class DatabaseLockedError(StoreError, code="database_locked"):
    sentence = "The database {url} is locked by another process ({reason})."
    remedy = "Queued jobs are retried automatically; repeat a command. For many workers, use PostgreSQL (DATABASE_URL)."
    transient = True


class RowGoneError(StoreError, code="row_gone"):
    """The data refers to a row that was deleted meanwhile, for example by a purge or by pruning."""

    sentence = "A row that this data belongs to was just deleted from the database {url}: {reason}."
    remedy = "Nothing was stored. If the job still exists, it is retried automatically."
    transient = True


class DiskFullError(StoreError, code="disk_full"):
    sentence = "The disk is full: there is no space left for the database {url} ({reason})."
    remedy = "Free disk space. Nothing was stored partially, and queued jobs continue automatically."
    transient = True


class NoSpaceError(PropertyIntelligenceError, code="no_space", facts="place reason"):
    """A file cannot be written because its disk is full, or the user's quota is used up."""

    sentence = "The disk is full: {place} ({reason})."
    remedy = "Free disk space there, or raise the quota, and repeat the command. Stored data and queued jobs are kept."
    transient = True


class DatabaseOutdatedError(StoreError, code="database_outdated"):
    sentence = "The database {url} has schema {reason}, which differs from this version's."
    remedy = "Run `propintel db upgrade`."


class OldSchemaError(StoreError, code="database_of_old_version"):
    """The database was created by a version before 1.0. Such databases are not supported."""

    sentence = "The database {url} has schema {reason}, of a version before 1.0, and cannot be converted."
    remedy = (
        "Export its properties with that version, then name an empty database and enqueue their URLs again: "
        "docs/runbooks/upgrade.md."
    )
