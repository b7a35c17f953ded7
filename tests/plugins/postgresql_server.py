"""A PostgreSQL server that only its block knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.postgresql import postgresql, why_not


@contextmanager
def postgresql_server() -> Iterator[Path]:
    """The socket folder of a server; user `postgres`, no password. Skips the test where `why_not()`."""
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    with postgresql("fsync=off") as server:
        yield server.folder
