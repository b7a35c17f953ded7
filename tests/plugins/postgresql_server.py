"""A PostgreSQL server that only its block knows, and one for a whole session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks import postgresql as servers
from benchmarks.postgresql import PostgreSQL

#: the parameter of a test that runs on every database, and in `make test` on SQLite alone
POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.every_server)


@contextmanager
def postgresql_server() -> Iterator[PostgreSQL]:
    """A server that ends with the block. Skips the test where there are no programs for one."""
    if (reason := servers.why_not()) is not None:
        pytest.skip(reason)
    with servers.postgresql("fsync=off") as server:
        yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A server that only this test session knows."""
    with postgresql_server() as server:
        yield server
