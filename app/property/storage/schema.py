"""Which schema a database has, and migrations up and down: Alembic, driven from here without an alembic.ini."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, inspect, text

from app import files
from app.errors.storage import DatabaseOutdatedError, StoreError
from app.property.storage import failures
from app.property.storage.connections import make_engine, parse_url
from app.property.storage.tables import metadata

#: the newest revision in migrations/versions; a test keeps it so. Here, so that no start has to load Alembic
HEAD = "0025"
_MIGRATIONS = Path(__file__).parent / "migrations"
#: as Alembic itself creates it
_VERSION_TABLE = """CREATE TABLE IF NOT EXISTS alembic_version (
    version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"""


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
        raise failures.translate(exc, url) from exc


def prepare(engine: Engine) -> None:
    """Make `engine` usable: SQLite is migrated, any other database must be at `HEAD`."""
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
        return
    with engine.connect() as connection:
        found = current(connection)
    if found != HEAD:
        raise DatabaseOutdatedError(failures.shown(engine.url), found or "none")


def current(connection: Connection) -> str | None:
    """The revision that the database is at; None if it has no schema of ours."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def upgrade(url: str, revision: str = "head") -> tuple[str | None, str | None]:
    """Migrate up in one transaction; -> the revisions before and after. Safe to call from many processes at once."""
    return _migrate(url, revision, up=True)


def downgrade(url: str, revision: str) -> tuple[str | None, str | None]:
    """Migrate down to `revision` ("base": drop all data); -> the revisions before and after."""
    return _migrate(url, revision, up=False)


def _migrate(url: str, revision: str, *, up: bool) -> tuple[str | None, str | None]:
    parsed = parse_url(url)
    make_file(parsed)
    engine = make_engine(parsed, 30.0)
    try:
        with failures.translated(parsed), _alone(parsed):
            if engine.dialect.name == "sqlite":
                _use_wal(engine)
            return _run(engine, revision, up=up)
    finally:
        engine.dispose()


def _is_empty(connection: Connection) -> bool:
    return current(connection) is None and set(inspect(connection).get_table_names()) <= {"alembic_version"}


def _create(connection: Connection) -> None:
    """Create the schema of `HEAD` directly, which takes a fifth of the time of all migrations in turn."""
    metadata.create_all(connection)
    connection.execute(text(_VERSION_TABLE))
    connection.execute(text("INSERT INTO alembic_version (version_num) VALUES (:head)"), {"head": HEAD})


def _run(engine: Engine, revision: str, *, up: bool) -> tuple[str | None, str | None]:
    from alembic import command  # noqa: PLC0415 (0.1 s that a start at HEAD saves)
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))  # a large table takes its time
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('propintel migrations'))"))
        before = current(connection)
        if up and revision == "head" and _is_empty(connection):
            _create(connection)
            return before, HEAD
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        try:
            (command.upgrade if up else command.downgrade)(config, revision)
        except CommandError as exc:
            problem = f"its schema {before} cannot be brought to {revision} by this version ({exc})"
            raise StoreError(failures.shown(engine.url), problem) from exc
        return before, current(connection)


def _prepare_sqlite(engine: Engine) -> None:
    with _file_lock(engine.url, fcntl.LOCK_SH), engine.connect() as connection:
        ready = current(connection) == HEAD
    if not ready:
        with _alone(engine.url):
            _use_wal(engine)
            _run(engine, "head", up=True)


def _use_wal(engine: Engine) -> None:
    """Readers that do not wait for writers; kept in the file. Outside a transaction, as SQLite demands."""
    raw = engine.raw_connection()
    try:
        raw.cursor().execute("PRAGMA journal_mode = WAL")
    except sqlite3.Error as exc:
        raise failures.translate(exc, engine.url) from exc
    finally:
        raw.close()


def _alone(url: URL) -> AbstractContextManager[None]:
    """One process at a time, and nobody who looks at the schema meanwhile. PostgreSQL locks within the transaction."""
    return _file_lock(url, fcntl.LOCK_EX) if url.get_backend_name() == "sqlite" else nullcontext()


@contextmanager
def _file_lock(url: URL, kind: int) -> Iterator[None]:
    """A lock on a file beside the database: SQLite fails at once, without waiting, while the journal mode changes."""
    path = Path(f"{url.database}.lock")
    try:
        handle = open(path, "a", opener=files.private)  # noqa: SIM115 (the `with` is below)
    except OSError as exc:
        raise failures.translate(exc, url) from exc
    with handle:
        fcntl.flock(handle, kind)
        yield
