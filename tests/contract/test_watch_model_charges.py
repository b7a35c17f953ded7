"""A watch's model call is charged once, when it first gets a key."""

from collections.abc import Iterator

import httpx2
import openai
import pytest

from app.clock import SystemClock
from app.errors.watches import WatchBudgetSpentError
from app.keypool.keys import make_keys
from app.keypool.spending import Budget, Cap
from app.keypool.stores.memory import MemoryStore
from app.property.reading.base import Extraction
from app.property.storage.jobs.leases import Lease
from app.property.storage.watches.budget import watch_day
from app.services.openai_client_manager import OpenAIClientManager
from app.services.scraping.model_reading import ModelReader
from app.services.scraping.run import Run
from app.services.watches.budget import model_charge, paid_by_watch
from app.settings import Settings
from tests.contract.conftest import ON_SQLITE
from tests.plugins.stores import Stores
from tests.plugins.watch_steps import URL, begin
from tests.unit.services.test_model_reading import Api, completion, extraction, settled

__all__ = ["extraction"]
pytestmark = ON_SQLITE


@pytest.fixture(autouse=True)
def running(db: Stores) -> Iterator[None]:
    """Run each test as a job of a watch. The budget of watches is one model call a day."""
    db.watches.add([URL])
    (job,) = begin(db, URL)
    with paid_by_watch(job, db, Settings.of(watch_daily_model_calls=1)):
        yield


def call(manager: OpenAIClientManager) -> None:
    with model_charge():
        manager.execute_with_retry(
            lambda client: client.chat.completions.create(model="m", messages=[{"role": "user", "content": "?"}])
        )


def test_a_call_above_the_daily_budget_is_not_sent_and_holds_no_key(db: Stores) -> None:
    api = Api(lambda _: completion("yes"))
    manager = api.manager()
    call(manager)
    with pytest.raises(WatchBudgetSpentError, match="WATCH_DAILY_MODEL_CALLS"):
        call(manager)
    assert (api.calls, watch_day(db).model_calls) == (1, 1)
    assert [key.in_flight for key in manager.get_snapshots()] == [0]


def test_an_audit_above_the_daily_budget_costs_no_page(db: Stores, extraction: Extraction) -> None:
    """The model is asked only to audit the page, so the page must not wait for the next day's budget."""
    api = Api(lambda _: completion("yes"))
    call(api.manager())
    found = ModelReader(db.answers, api.manager(), "m").read(settled(extraction), Run(Lease("job", "me")))
    assert (found.extraction.audited, found.note, api.calls) == (False, None, 1)


def test_a_call_without_a_free_key_is_not_charged(db: Stores) -> None:
    with pytest.raises(openai.RateLimitError):
        call(Api(lambda _: completion("yes")).manager(Budget(day=Cap(calls=0))))
    assert watch_day(db).model_calls == 0


def test_a_call_that_is_repeated_with_another_key_is_charged_once(db: Stores) -> None:
    used = list[str]()

    def respond(request: httpx2.Request) -> httpx2.Response:
        used.append(request.headers["authorization"])
        return completion("yes") if len(used) == 2 else httpx2.Response(503)

    keys = make_keys(["sk-one-0123456789abcdef0123", "sk-two-0123456789abcdef0123"])
    store = MemoryStore(keys, "round_robin", SystemClock())
    call(OpenAIClientManager(keys, base_url="http://api.test/v1", inner=httpx2.MockTransport(respond), store=store))
    assert len(set(used)) == 2
    assert watch_day(db).model_calls == 1


def test_a_failed_call_stays_charged(db: Stores) -> None:
    with pytest.raises(openai.InternalServerError):
        call(Api(lambda _: httpx2.Response(503)).manager())
    assert watch_day(db).model_calls == 1
