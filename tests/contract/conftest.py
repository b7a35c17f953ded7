"""Run every store test on SQLite, and on PostgreSQL if it is installed."""

import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import ColumnElement, Table, func, inspect, select, text

from app.clock import ManualClock
from app.errors import PropertyIntelligenceError
from app.property.page import Page
from app.property.storage.database import Database
from app.property.storage.engine import make_engine, parse_url
from app.property.storage.pages.repository import PageStore, unpack
from app.property.storage.schema import upgrade
from app.property.storage.types import Base
from tests.plugins.postgresql_server import POSTGRESQL
from tests.plugins.stores import NAMES_KEY, Stores

#: Runs a test only on PostgreSQL, for behavior that SQLite does not have.
ON_POSTGRESQL = pytest.mark.parametrize("database_url", [POSTGRESQL], indirect=True)
#: Runs a test only on SQLite, because other tests cover its statements on PostgreSQL.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(params=["sqlite", POSTGRESQL])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        path = tmp_path / "store.sqlite3"
        path.write_bytes(_migrated_sqlite())
        return f"sqlite:///{path}"
    return str(request.getfixturevalue("postgresql").new_database())


@cache
def _migrated_sqlite() -> bytes:
    """Return a migrated database file. Tests copy it, which is faster than a migration (0.2 s)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "migrated.sqlite3"
        upgrade(f"sqlite:///{path}")
        return path.read_bytes()


@pytest.fixture
def db(database_url: str, clock: ManualClock) -> Iterator[Stores]:
    with closing(Stores(database_url, clock)) as stores:
        yield stores


def count(database: Database, table: Table | type[Base], *conditions: ColumnElement[bool]) -> int:
    with database.reading() as connection:
        return connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()


def stored_texts(database: Database) -> Iterator[tuple[str, str, str]]:
    """Yield the table's name, the column's name, and the text of each stored value. Page bodies are decompressed."""
    with database.reading() as connection:
        for table in inspect(connection).get_table_names():
            for row in connection.execute(text(f"SELECT * FROM {table}")).mappings():  # noqa: S608 (names of tables)
                for column, value in row.items():
                    if column == "packed":
                        raw = unpack(bytes(value))
                        yield table, column, f"{raw.decode('utf-8', 'replace')} {raw.decode('utf-16', 'replace')}"
                    else:
                        yield table, column, str(value)


def set_version(url: str, version: str) -> None:
    engine = make_engine(parse_url(url), 5)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    engine.dispose()


@contextmanager
def writing_threads(
    database_url: str, clock: ManualClock, page: Page, refusal: type[PropertyIntelligenceError]
) -> Iterator[None]:
    """Store `page` repeatedly in three threads during the `with` block, until storing fails with `refusal`."""
    began = threading.Event()

    def write() -> bool:
        with closing(Database(database_url, clock, names_key=NAMES_KEY, busy_timeout_seconds=120)) as mine:
            for _ in range(5000):
                try:
                    PageStore(mine).save_page(page)
                except refusal:
                    return True
                began.set()
        return False

    with ThreadPoolExecutor(3) as threads:
        writers = [threads.submit(write) for _ in range(3)]
        assert began.wait(60)
        yield
        assert all(writer.result(300) for writer in writers), "the purge must refuse the page"


def at_once[T](*works: Callable[[], T]) -> list[T]:
    start = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        start.wait(60)
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))
