"""Check and migrate the database schema with Alembic."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, inspect, text

from app import files
from app.errors.storage import DatabaseOutdatedError, OldSchemaError, StoreError
from app.property.storage import errors
from app.property.storage.engine import make_engine, outside_transaction, parse_url

#: Newest revision in `migrations/versions`. Repeated here, so that processes start without loading Alembic.
HEAD = "0100"
_MIGRATIONS = Path(__file__).parent / "migrations"
_FIRST = "0100"


def make_file(url: URL) -> None:
    """Create a missing SQLite file and its folder, readable only by the owner."""
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
    """Migrate a SQLite database to `HEAD`; require that a PostgreSQL database is at `HEAD`.

    Raises `OldSchemaError` for a schema from before 1.0, and `DatabaseOutdatedError` if PostgreSQL is not migrated.
    """
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
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def upgrade(url: str) -> tuple[str | None, str]:
    """Migrate the database to `HEAD` in one transaction. Return the old revision (None: no schema) and the new one.

    Raises `OldSchemaError`, and `StoreError` if the revision is unknown to this version.
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
                # in WAL mode, readers do not wait for writers; the file keeps the mode permanently
                cursor.execute("PRAGMA journal_mode = WAL")
        return _run(engine)


def _run(engine: Engine) -> tuple[str | None, str]:
    from alembic import command  # noqa: PLC0415 (loading takes 0.1 s, which a start at HEAD saves)
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))  # migrating a large table takes long
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
            problem = f"this version cannot migrate its schema {before} to {HEAD} ({exc})"
            raise StoreError(errors.shown(engine.url), problem) from exc
        return before, HEAD


def is_too_old(revision: str | None) -> bool:
    return revision is not None and revision < _FIRST


def _require_no_old_schema(engine: Engine, revision: str | None) -> None:
    if is_too_old(revision):
        raise OldSchemaError(errors.shown(engine.url), str(revision))


@contextmanager
def _file_lock(url: URL, kind: int) -> Iterator[None]:
    """Lock a file next to the SQLite database: exclusively to migrate, shared to read the revision.

    A lock of SQLite is not enough, because SQLite does not wait while the journal mode changes. Do nothing on
    PostgreSQL, where a migration takes an advisory lock.
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
