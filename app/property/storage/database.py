"""The one way to the database: opened once per process, transactions, errors translated.

Knows no table of ours. SQLite runs in WAL mode with writers that wait for each other. A forked child never uses (or
closes) its parent's connections.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from app.clock import Clock, SystemClock
from app.errors.storage import StoreError
from app.property.storage import errors, schema
from app.property.storage.engine import make_engine, outside_transaction, parse_url
from app.property.storage.privacy.names_key import NamesKey
from app.settings import Settings

SQLITE_FILE = "propintel.sqlite3"
_ATTEMPTS = 5
_LEAST_PAUSE_SECONDS, _MOST_PAUSE_SECONDS = 0.005, 0.1


def names_key(settings: Settings) -> NamesKey:
    """PRIVACY_KEY, else a file beside the SQLite file; none for a database that others share."""
    if settings.retention.privacy_key is not None:
        return NamesKey(settings.retention.privacy_key.get_secret_value())
    url = parse_url(database_url(settings))
    is_ours = url.get_backend_name() == "sqlite" and url.database
    return NamesKey(path=Path(f"{url.database}.names-key") if is_ours else None)


def database_url(settings: Settings) -> str:
    """DATABASE_URL, else the SQLite file below PROPINTEL_HOME. Holds the password: not for showing."""
    if settings.state.database_url is not None:
        return settings.state.database_url.get_secret_value()
    path = settings.state.propintel_home.absolute() / SQLITE_FILE
    return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


class Database:
    """A database by its URL. Thread-safe and fork-safe; opened at first use or by `open()`.

    SQLite creates its folder (0700) and migrates itself; PostgreSQL must be at this version's schema, else
    `DatabaseOutdatedError`. `busy_timeout_seconds` is how long a writer waits for another before
    `DatabaseLockedError`; `names_key` is what purged people's names are hashed with. All methods raise errors of
    `app.errors` only, but for `IntegrityError`.
    """

    def __init__(
        self,
        url: str,
        clock: Clock | None = None,
        *,
        busy_timeout_seconds: float = 10.0,
        names_key: NamesKey | None = None,
    ) -> None:
        self.url = parse_url(url)
        self.clock = clock or SystemClock()
        self.names_key = names_key or NamesKey()
        self._busy_timeout_seconds = busy_timeout_seconds
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._pid = os.getpid()
        self._inherited: list[Engine] = []
        self._next_turn = 0.0

    def __repr__(self) -> str:
        return f"Database({errors.shown(self.url)!r})"

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    def open(self) -> None:
        """Connect, and bring the schema up to date (SQLite) or check it (PostgreSQL)."""
        self._opened()

    def close(self) -> None:
        """Close the connections of this process; the next use opens anew."""
        with self._lock:
            engine, self._engine = self._engine, None
            if engine is not None and self._pid == os.getpid():
                engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the database; it waits for no writer."""
        with errors.translated(self.url), self._opened().connect() as connection:
            yield connection.execution_options(begin="BEGIN")

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is committed as a whole, or not at all if the block raises."""
        engine = self._opened()
        self.clock.now()  # the fleet's clock asks Redis now and then: rather before the transaction than in it
        with errors.translated(self.url), engine.begin() as connection:
            yield connection

    def repeat[T](self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction; if another process wrote the same rows first, again, at most five times."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self.writing() as connection:
                    return work(connection)
            except IntegrityError as exc:
                if attempt == _ATTEMPTS or not errors.is_worth_repeating(exc):
                    raise errors.translate(exc.orig or exc, self.url) from exc
            except StoreError as exc:
                if attempt == _ATTEMPTS or not errors.is_worth_repeating(exc.__cause__):
                    raise
        raise AssertionError("unreachable")  # pragma: no cover

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One of many transactions in a row, between which other writers get their turn. SQLite has no queue: who waits
        looks again every 1 to 100 ms, and would most often find the next one."""
        if self.is_sqlite:
            time.sleep(max(0.0, self._next_turn - time.monotonic()))
        begun = time.monotonic()
        yield
        took = time.monotonic() - begun
        self._next_turn = begun + took + min(_MOST_PAUSE_SECONDS, max(_LEAST_PAUSE_SECONDS, 3 * took))

    def advisory_lock(self, connection: Connection, name: str, *, shared: bool = False) -> None:
        """Take the lock `name` until the transaction ends. Holders of a shared lock exclude only exclusive ones.

        On SQLite this does nothing: SQLite has one writer at a time.
        """
        if not self.is_sqlite:
            function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
            connection.execute(text(f"SELECT {function}(hashtext(:name))"), {"name": name})

    def wipe_free_space(self) -> bool:
        """Overwrite what deleted rows left behind in the database's files; -> whether none of it is left.

        SQLite writes itself anew and empties its log; False if readers kept it from that. PostgreSQL is told that the
        space is free (VACUUM), and False: it overwrites it when it is used again, as it does with its own log; what
        would do so at once locks all tables (docs/retention.md).
        """
        engine = self._opened()
        if not self.is_sqlite:
            with errors.translated(self.url), engine.connect() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM"))
            return False
        with errors.translated(self.url), outside_transaction(engine) as cursor:
            cursor.execute("VACUUM")
            return bool(cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)

    def _opened(self) -> Engine:
        if self._pid != os.getpid():
            self._forget_parent()
        engine = self._engine
        if engine is not None:
            return engine
        with self._lock:
            if self._engine is None:
                self._engine = self._connect()
            return self._engine

    def _forget_parent(self) -> None:
        """After a fork: keep the parent's engine unused and alive, since closing it would write to shared sockets."""
        self._lock = threading.Lock()
        if self._engine is not None:
            self._inherited.append(self._engine)
        self._engine, self._pid = None, os.getpid()

    def _connect(self) -> Engine:
        schema.make_file(self.url)
        engine = make_engine(self.url, self._busy_timeout_seconds)
        try:
            with errors.translated(self.url):
                schema.prepare(engine)
        except BaseException:
            engine.dispose()
            raise
        return engine
