"""Create configured SQLAlchemy engines for SQLite and PostgreSQL, and parse database URLs."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from app.errors import ConfigurationError


def parse_url(text_: str) -> URL:
    """Parse the URL of a supported database.

    Raises `ConfigurationError`, without the URL, if it is invalid or not supported.
    """
    remedy = "Use sqlite:////path/to/file or postgresql://user:password@host/database"
    try:
        url = make_url(text_.strip())
    except (ArgumentError, ValueError):
        raise ConfigurationError("DATABASE_URL", "is not a database URL", remedy) from None
    if url.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() != "sqlite":
        raise ConfigurationError("DATABASE_URL", f"{url.drivername} is not supported", remedy)
    if url.database in (None, "", ":memory:") or "memory" in url.query.get("mode", ""):
        raise ConfigurationError("DATABASE_URL", "a database in memory is lost with its process", remedy)
    return url.set(drivername="sqlite")


#: Connection parameters. If the server's host or network fails, its connections are closed after about 15 seconds
#: instead of minutes to hours (PostgreSQL documentation, section 34.1.2).
_POSTGRESQL = {
    "connect_timeout": 5,
    "application_name": "propintel",
    "tcp_user_timeout": 15_000,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
}
#: Maximum duration of a statement on PostgreSQL, except for migrations and VACUUM.
_STATEMENT_TIMEOUT_MS = 60_000


def make_engine(url: URL, busy_timeout_seconds: float) -> Engine:
    """Return an engine that connects at first use. Its statements wait up to `busy_timeout_seconds` for locks."""
    if url.get_backend_name() != "sqlite":
        engine = create_engine(url, pool_pre_ping=True, max_overflow=15, hide_parameters=True, connect_args=_POSTGRESQL)
        wait_ms = round(busy_timeout_seconds * 1000)
        event.listen(engine, "connect", lambda raw, _: _prepare_postgresql(raw, wait_ms))
        return engine
    engine = create_engine(url, max_overflow=-1, hide_parameters=True, connect_args={"timeout": busy_timeout_seconds})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


@contextmanager
def outside_transaction(engine: Engine) -> Iterator[Any]:
    with closing(engine.raw_connection()) as raw, closing(raw.cursor()) as cursor:
        yield cursor


def _prepare_postgresql(raw: Any, wait_ms: int) -> None:
    with raw.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {wait_ms:d}")
        cursor.execute(f"SET statement_timeout = {_STATEMENT_TIMEOUT_MS:d}")
        cursor.execute("SET TIME ZONE 'UTC'")
        # otherwise, a plan from when the table was small might still scan the whole table
        cursor.execute("SET plan_cache_mode = force_custom_plan")
    raw.commit()


def _prepare_sqlite(raw: Any, _: Any) -> None:
    raw.isolation_level = None  # `_begin_sqlite` opens transactions, not the driver
    cursor = raw.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    # in WAL mode, a crashed process loses no commit; a power failure can lose the last ones
    cursor.execute("PRAGMA synchronous = NORMAL")
    # overwrite deleted rows with zeros, so that a purged page does not remain in the file's free space
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """Begin a transaction. A writer takes the write lock now, because taking it later can fail at once."""
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN IMMEDIATE"))
