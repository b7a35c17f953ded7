"""A paid search is kept if the database fails just after the payment."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import Connection

from app.clock import ManualClock
from app.errors.storage import DatabaseUnavailableError
from app.property.address import Address
from app.property.storage.database import Database
from app.property.storage.llm.cache import AnswerStore
from app.property.storage.privacy.suppressions import PurgedNames
from app.services.scraping.web_search import WebSearcher
from tests.unit.services.test_model_reading import Api


class FailingDatabase(Database):
    """Simulates a restart of the database server: the next transactions fail. `failing` is their number."""

    failing = 0

    def _fail(self) -> None:
        if self.failing:
            self.failing -= 1
            raise DatabaseUnavailableError("postgresql://db", "the server is starting up")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        self._fail()
        with super().reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        self._fail()
        with super().writing() as connection:
            yield connection


@pytest.fixture
def database(tmp_path: Path, clock: ManualClock) -> Iterator[FailingDatabase]:
    database = FailingDatabase(f"sqlite:///{tmp_path / 'a.sqlite3'}", clock)
    yield database
    database.close()


def test_a_paid_search_is_kept(database: FailingDatabase, clock: ManualClock) -> None:
    def respond(_: dict[str, Any]) -> httpx2.Response:
        database.failing = 3
        usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        body = {"id": "r", "object": "response", "created_at": 1, "model": "m", "output": [], "usage": usage}
        return httpx2.Response(200, json={**body, "status": "completed"})

    api = Api(respond)
    searcher = WebSearcher(AnswerStore(database), api.manager(), "m", clock, PurgedNames(database))
    asked = "12 Main St, Anytown", Address(), ("site.example",), clock.now() - timedelta(days=1)
    assert searcher.search(*asked) == searcher.search(*asked)
    assert api.calls == 1
