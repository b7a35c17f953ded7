"""PostgreSQL servers for tests: one for a block, or one for a whole session."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks import postgresql as servers
from benchmarks.postgresql import PostgreSQL

#: The parameter for PostgreSQL in tests that run on every database. `make test` leaves it out.
POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.every_server)


@contextmanager
def postgresql_server() -> Iterator[PostgreSQL]:
    """Start a server until the end of the block, or skip the test if PostgreSQL is not installed."""
    if (reason := servers.why_not()) is not None:
        pytest.skip(reason)
    with servers.postgresql("fsync=off") as server:
        yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    with postgresql_server() as server:
        yield server
