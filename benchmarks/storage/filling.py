"""Store millions of observations in minutes, by copying a sample of stored homes under other names.

The sample's rows are read from its SQLite file. Each copy gets other hashes, ids, home numbers, and row numbers, and
earlier times. The code does not depend on the names of tables and columns.
"""

import hashlib
import re
import sqlite3
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, text

from app.clock import ManualClock
from app.property.page import CacheValidators, Page
from app.property.storage.database import Database
from app.property.storage.jobs.leases import Lease, finish
from app.property.storage.jobs.models import DailyUsage
from app.property.storage.jobs.repository import JobStore
from app.property.storage.pages.repository import PageStore
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.tables import Observation
from app.property.storage.tables import metadata
from benchmarks.saving import save_record
from benchmarks.storage.workload import FIRST, SAMPLE, STRIDE, home_number, readings

#: The age of the oldest copy, whose pages were first read `_AGAIN` earlier. `SPAN` plus `_AGAIN` must be less than a
#: year, because older names and page copies are pruned.
SPAN = timedelta(days=300)
_AGAIN = timedelta(days=40)
_BODY = b"<html><title>A home</title>" + b"<p>A fictional home with a porch.</p>" * 40
#: Matches hashes, ids, and the numbers of homes and houses in the sample, also inside longer texts.
_NAMES = re.compile(rf"[0-9a-f]{{64}}|[0-9a-f]{{32}}|{FIRST // 1000}[01]\d\d")
_MOMENT = "%Y-%m-%d %H:%M:%S.%f"
_IS_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}")
_COPIES_AT_ONCE = 10


class _Copy(dict[str, str]):
    """Maps the sample's names, times, and row numbers to those of one copy."""

    def __init__(self, number: int, earlier: timedelta) -> None:
        self._number, self._earlier = number, earlier

    def __missing__(self, name: str) -> str:
        self[name] = found = self._renamed(name)
        return found

    def _renamed(self, name: str) -> str:
        if "+" in name:  # a row number, and how much it grows with each copy
            row, _, step = name.partition("+")
            return str(int(row) + self._number * int(step))
        if _IS_MOMENT.fullmatch(name):
            return (datetime.fromisoformat(name) - self._earlier).strftime(_MOMENT)
        if len(name) == len(str(FIRST)):
            return str(int(name) + self._number * STRIDE)
        return hashlib.sha256(f"{name} {self._number}".encode()).hexdigest()[: len(name)]


class _Rows:
    """The rows of one table in the sample. Each cell is a value, or a format string that a `_Copy` fills."""

    def __init__(self, table: Table, raw: sqlite3.Connection) -> None:
        self.table, self.columns = table, ", ".join(column.name for column in table.columns)
        steps = [_row_number_of(column, raw) for column in table.columns]
        rows = raw.execute(f'SELECT {self.columns} FROM "{table.name}"')  # noqa: S608
        self.rows = [[_cell(value, step) for value, step in zip(row, steps, strict=True)] for row in rows]

    def copied(self, copies: Sequence[_Copy]) -> list[tuple[Any, ...]]:
        return [
            tuple([value % copy if varies else value for value, varies in row]) for copy in copies for row in self.rows
        ]


def _row_number_of(column: Any, raw: sqlite3.Connection) -> int:
    """Return how much the column's row numbers grow with each copy; 0 if the column has no row numbers."""
    keys = [column, *(key.column for key in column.foreign_keys)]
    numbered = next((key for key in keys if key.table.autoincrement_column is key), None)
    if numbered is None:
        return 0
    query = f'SELECT max("{numbered.name}") FROM "{numbered.table.name}"'  # noqa: S608
    return int(raw.execute(query).fetchone()[0] or 0)


def _cell(value: Any, step: int) -> tuple[Any, bool]:
    if step and value is not None:
        return f"%({value}+{step})s", True
    if not isinstance(value, str):
        return value, False
    if _IS_MOMENT.fullmatch(value):
        return f"%({value})s", True
    form = _NAMES.sub(lambda found: f"%({found[0]})s", value.replace("%", "%%"))
    return (form, True) if "%(" in form else (value, False)


def fill(database: Database, wanted: int) -> int:
    """Store about `wanted` observations and all related rows in an empty database, and return the number of copies."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/sample.sqlite3"
        _make_sample(path, database.clock.now())
        raw = sqlite3.connect(path)
        # this table is not copied, because its size does not depend on the number of properties
        tables = [_Rows(table, raw) for table in metadata.sorted_tables if table is not DailyUsage.__table__]
        raw.close()
    each = next(len(rows.rows) for rows in tables if rows.table is Observation.__table__)
    copies = max(1, round(wanted / each))
    for first in range(0, copies, _COPIES_AT_ONCE):
        some = [_Copy(n, SPAN * n / copies) for n in range(first, min(copies, first + _COPIES_AT_ONCE))]
        with database.writing() as connection:
            if not database.is_sqlite:
                connection.execute(text("SET LOCAL session_replication_role = replica"))  # do not check foreign keys
            for rows in tables:
                _insert(connection, rows, rows.copied(some))
    if not database.is_sqlite:
        with database.writing() as connection:
            for rows in tables:
                _number_on(connection, rows.table)
            connection.execute(text("ANALYZE"))
        database.wipe_free_space()  # VACUUM, which autovacuum has done in a store that has run for a while
    return copies


def _insert(connection: Connection, rows: _Rows, cells: list[tuple[Any, ...]]) -> None:
    into = f'"{rows.table.name}" ({rows.columns})'
    if not cells:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"INSERT INTO {into} VALUES ({', '.join('?' * len(cells[0]))})", cells)  # noqa: S608
        return
    raw: Any = connection.connection.cursor()
    with raw.copy(f"COPY {into} FROM STDIN") as copy:
        for row in cells:
            copy.write_row(row)


def _number_on(connection: Connection, table: Table) -> None:
    column = table.autoincrement_column
    if column is not None:
        last = f'SELECT max("{column.name}") FROM "{table.name}"'  # noqa: S608
        connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column.name}'), ({last}))"))


def _make_sample(path: str, now: datetime) -> None:
    """Make an SQLite store of `SAMPLE` homes, as workers would leave it.

    Each page has a job and a copy, and was read twice. The second reading found other prices for half of the homes.
    """
    clock = ManualClock(now - _AGAIN)
    database = Database(f"sqlite:///{path}", clock)
    jobs, pages, properties = JobStore(database), PageStore(database), PropertyStore(database)
    for is_again in (False, True):
        for place in range(SAMPLE):
            price = 100_000 + place if is_again and place % 2 else None
            for record in readings(home_number(0, place), clock.now(), price=price):
                (job,) = jobs.enqueue([record.url], refresh=True).jobs
                jobs.claim(job.id, "benchmark", 60)
                kept = Page(record.url, record.url, "text/html", "", _BODY + record.url.encode(), record.fetched_at,
                            validators=CacheValidators(etag=f'"{record.content_sha256}"'))  # fmt: skip
                pages.save_page(kept, job.id)
                home = save_record(properties, record, edition="benchmark")
                with database.writing() as connection:
                    finish(connection, Lease(job.id, "benchmark"), clock.now(), home)
        clock.advance(_AGAIN.total_seconds())
    database.close()
