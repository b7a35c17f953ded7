"""Which schema a database has, and migrations: Alembic, driven from here without an alembic.ini."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, inspect, text

from app import files
from app.errors.storage import DatabaseOutdatedError, OldSchemaError, StoreError
from app.property.storage import errors
from app.property.storage.engine import make_engine, outside_transaction, parse_url

#: the newest revision in migrations/versions; a test keeps it so. Here, so that no start has to load Alembic
HEAD = "0100"
_MIGRATIONS = Path(__file__).parent / "migrations"
#: the oldest revision that migrations lead from
_FIRST = "0100"


def make_file(url: URL) -> None:
    """Make a SQLite file and its folder, for their owner alone; what is there already stays as it is.

    SQLite gives the files that it makes beside its database the mode of the database.
    """
    if url.get_backend_name() != "sqlite":
        return
    file = Path(url.database or "")
    try:
        if not file.parent.exists():
            files.make_private_folder(file.parent)
        if not file.exists():
            open(file, "ab", opener=files.private).close()
    except OSError as exc:
        raise errors.translate(exc, url) from exc


def prepare(engine: Engine) -> None:
    """Make `engine` usable: SQLite is migrated, any other database must be at `HEAD`."""
    with _file_lock(engine.url, fcntl.LOCK_SH), engine.connect() as connection:
        found = current(connection)
    if found == HEAD:
        return
    if engine.dialect.name == "sqlite":
        _migrate(engine)
    else:
        _require_no_old_schema(engine, found)
        raise DatabaseOutdatedError(errors.shown(engine.url), found or "none")


def current(connection: Connection) -> str | None:
    """The revision that the database is at; None if it has no schema of ours."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def upgrade(url: str) -> tuple[str | None, str]:
    """Migrate to `HEAD` in one transaction; -> the revisions before and after. Many processes may call this at once.

    Raises `OldSchemaError` for a database that no migration leads from.
    """
    parsed = parse_url(url)
    make_file(parsed)
    engine = make_engine(parsed, 30.0)
    try:
        with errors.translated(parsed):
            return _migrate(engine)
    finally:
        engine.dispose()


def _migrate(engine: Engine) -> tuple[str | None, str]:
    with _file_lock(engine.url, fcntl.LOCK_EX):
        if engine.dialect.name == "sqlite":
            with outside_transaction(engine) as cursor:
                cursor.execute("PRAGMA journal_mode = WAL")  # is kept in the file: readers do not wait for writers
        return _run(engine)


def _run(engine: Engine) -> tuple[str | None, str]:
    from alembic import command  # noqa: PLC0415 (0.1 s that a start at HEAD saves)
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))  # a large table takes its time
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('propintel migrations'))"))
        before = current(connection)
        _require_no_old_schema(engine, before)
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as exc:
            problem = f"its schema {before} cannot be brought to {HEAD} by this version ({exc})"
            raise StoreError(errors.shown(engine.url), problem) from exc
        return before, HEAD


def is_too_old(revision: str | None) -> bool:
    """Whether a database is of a version before 1.0, which no migration leads from."""
    return revision is not None and revision < _FIRST


def _require_no_old_schema(engine: Engine, revision: str | None) -> None:
    if is_too_old(revision):
        raise OldSchemaError(errors.shown(engine.url), str(revision))


@contextmanager
def _file_lock(url: URL, kind: int) -> Iterator[None]:
    """A lock on a file beside the database: SQLite fails at once, without waiting, while the journal mode changes.

    Whoever migrates is alone, and nobody looks at the schema meanwhile. PostgreSQL locks within the transaction.
    """
    if url.get_backend_name() != "sqlite":
        yield
        return
    path = Path(f"{url.database}.lock")
    try:
        handle = open(path, "a", opener=files.private)  # noqa: SIM115 (the `with` is below)
    except OSError as exc:
        raise errors.translate(exc, url) from exc
    with handle:
        fcntl.flock(handle, kind)
        yield
