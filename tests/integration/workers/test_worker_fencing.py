"""After its batch is canceled, a job finishes its current paid call but stores nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from app.property.storage.properties.tables import Observation, Property
from simulators.openai.config import Config
from simulators.openai.server import OpenAISimulator
from simulators.serving import BackgroundServer
from tests.plugins.simulator_fixtures import KEYS, SimulatorHandle

pytestmark = pytest.mark.worker


class BeforeAnswer:
    def __init__(self, app: Any) -> None:
        self._app = app
        self.act: Callable[[], object] = lambda: None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path") == "/v1/chat/completions":
            self.act()
        await self._app(scope, receive, send)


def test_a_batch_canceled_during_its_jobs_model_call_stores_nothing(make_fleet: Any, property_site: str) -> None:
    simulator = OpenAISimulator(Config.from_json({"keys": [{"key": KEYS[0], "rpm": 60_000, "tpm": 100_000_000}]}))
    model = BeforeAnswer(simulator.app)
    with BackgroundServer(model, simulator.stopping) as server:
        api = SimulatorHandle(server.address, KEYS[:1])
        fleet = make_fleet(OPENAI_API_KEYS=KEYS[0], OPENAI_BASE_URL=api.base_url)
        fleet.start_worker(pool="threads", concurrency=1)
        model.act = lambda: fleet.stores.batches.cancel(fleet.stores.jobs.list()[0].batch_id)
        (job_id,) = fleet.send(f"{property_site}/homes/1")
        assert fleet.app.AsyncResult(job_id).get(timeout=300) == {"job": job_id, "state": "skipped"}
        assert api.stats()["totals"]["requests"] == 1
    assert fleet.job(job_id).state == "cancelled"
    with fleet.stores.database.reading() as connection:
        for table in (Property.__table__, Observation.__table__):
            assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 0
