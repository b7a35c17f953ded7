"""Running jobs of a canceled batch store nothing and make no further paid calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import func, select

from app.property.storage.properties.tables import Observation, Property
from simulators.openai.config import Config
from simulators.openai.server import OpenAISimulator
from simulators.serving import BackgroundServer
from simulators.site.server import build_site
from tests.plugins.simulator_fixtures import KEYS, SimulatorHandle

pytestmark = pytest.mark.worker
LISTING = "/homes/1"


class BeforeAnswer:
    """An ASGI application that calls `act` before it answers `path`."""

    def __init__(self, app: Any, path: str) -> None:
        self._app = app
        self._path = path
        self.act: Callable[[], object] = lambda: None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path") == self._path:
            self.act()
        await self._app(scope, receive, send)


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    with ExitStack() as running:
        yield lambda app, *stopping: running.enter_context(BackgroundServer(app, *stopping)).address


@pytest.mark.parametrize(("canceled_at", "calls"), [("page", 0), ("model", 1)])
def test_a_batch_canceled_while_its_job_runs_stores_nothing(
    make_fleet: Callable[..., Any], serve: Callable[..., str], canceled_at: str, calls: int
) -> None:
    simulator = OpenAISimulator(Config.from_json({"keys": [{"key": KEYS[0], "rpm": 60_000, "tpm": 100_000_000}]}))
    site, model = BeforeAnswer(build_site(), LISTING), BeforeAnswer(simulator.app, "/v1/chat/completions")
    api = SimulatorHandle(serve(model, simulator.stopping), KEYS[:1])
    fleet = make_fleet(OPENAI_API_KEYS=KEYS[0], OPENAI_BASE_URL=api.base_url)
    fleet.start_worker(pool="threads", concurrency=1)
    canceling = {"page": site, "model": model}[canceled_at]
    canceling.act = lambda: fleet.stores.batches.cancel(fleet.stores.jobs.list()[0].batch_id)
    (job_id,) = fleet.send(serve(site) + LISTING)
    assert fleet.app.AsyncResult(job_id).get(timeout=60) == {"job": job_id, "state": "skipped"}
    assert fleet.job(job_id).state == "cancelled"
    with fleet.stores.database.reading() as connection:
        for table in (Property.__table__, Observation.__table__):
            assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 0
    assert api.stats()["totals"]["requests"] == calls
