"""Access to the database: connections, transactions, and error translation.

SQLite runs in WAL mode: there is one writer at a time, and readers never wait. A forked child process never uses or
closes its parent's connections.
"""

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
#: Limits of the pause after a transaction of `repeat_paced`, in seconds.
_LEAST_PAUSE_SECONDS, _MOST_PAUSE_SECONDS = 0.005, 0.1


def names_key(settings: Settings) -> NamesKey:
    """Return the key for hashing purged names: PRIVACY_KEY, or else a key file next to the SQLite database.

    With PostgreSQL and without PRIVACY_KEY, people cannot be purged.
    """
    if settings.retention.privacy_key is not None:
        return NamesKey(settings.retention.privacy_key.get_secret_value())
    url = parse_url(database_url(settings))
    is_sqlite = url.get_backend_name() == "sqlite" and url.database
    return NamesKey(path=Path(f"{url.database}.names-key") if is_sqlite else None)


def database_url(settings: Settings) -> str:
    """Return DATABASE_URL, or else the URL of the SQLite file in PROPINTEL_HOME. It may contain a password."""
    if settings.state.database_url is not None:
        return settings.state.database_url.get_secret_value()
    path = settings.state.propintel_home.absolute() / SQLITE_FILE
    return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


class Database:
    """The database at a URL. It is opened at first use or by `open()`. Thread-safe and fork-safe.

    A missing SQLite folder is created with mode 0700, and an outdated SQLite schema is migrated. An outdated PostgreSQL
    schema raises `DatabaseOutdatedError` instead. If other writers hold the lock for `busy_timeout_seconds`,
    `DatabaseLockedError` is raised. `names_key` is for hashing purged names. Methods raise only errors of `app.errors`
    and `IntegrityError`.
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
        self._next_paced = 0.0

    def __repr__(self) -> str:
        return f"Database({errors.shown(self.url)!r})"

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    def open(self) -> None:
        self._opened()

    def close(self) -> None:
        with self._lock:
            engine, self._engine = self._engine, None
            if engine is not None and self._pid == os.getpid():
                engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a read transaction. It never waits for writers. On PostgreSQL, each statement has its own snapshot."""
        with errors.translated(self.url), self._opened().connect() as connection:
            yield connection.execution_options(begin="BEGIN")

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a write transaction. It is committed after the block, or rolled back if the block raises an error."""
        engine = self._opened()
        self.clock.now()  # a shared clock may query Redis, which must not happen inside the transaction
        with errors.translated(self.url), engine.begin() as connection:
            yield connection

    def repeat[T](self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a write transaction. After a conflict with another transaction, such as a deadlock, repeat it
        up to four times.
        """
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

    def repeat_paced[T](self, work: Callable[[Connection], T]) -> T:
        """Run `work` like `repeat`. Use this for long series of transactions: on SQLite, it pauses between them.

        A waiting writer of SQLite only tries again every 1 to 100 ms. Without pauses, the series would nearly always
        have the write lock at that moment.
        """
        if self.is_sqlite:
            time.sleep(max(0.0, self._next_paced - time.monotonic()))
        begun = time.monotonic()
        result = self.repeat(work)
        ended = time.monotonic()
        self._next_paced = ended + min(_MOST_PAUSE_SECONDS, max(_LEAST_PAUSE_SECONDS, 3 * (ended - begun)))
        return result

    def advisory_lock(self, connection: Connection, name: str, *, shared: bool = False) -> None:
        """Take the lock `name` until the transaction ends. SQLite needs no lock, because it has only one writer at a
        time.
        """
        if not self.is_sqlite:
            function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
            connection.execute(text(f"SELECT {function}(hashtext(:name))"), {"name": name})

    def wipe_free_space(self) -> bool:
        """Overwrite deleted rows in the database's files. Return whether no deleted row is left in them.

        On SQLite, this rewrites the file and empties the write-ahead log, or returns False if readers prevent that. On
        PostgreSQL, this runs VACUUM and returns False: free space and the log are overwritten only when they are
        reused. VACUUM FULL is not used, because it locks whole tables (docs/retention.md).
        """
        engine = self._opened()
        if not self.is_sqlite:
            with errors.translated(self.url), engine.connect() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT")
                connection.detach()  # the connection must not be reused: its timeout is disabled next
                connection.execute(text("SET statement_timeout = 0"))
                connection.execute(text("VACUUM"))
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
        """Keep the parent's engine alive but unused: closing it would write to sockets that the parent still uses."""
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
