"""An economy job uses the answer from its model batch.

It calls the model directly only if the batch gives no answer.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.clock import ManualClock
from app.property.reading.base import Extraction
from app.property.storage.database import Database
from app.property.storage.jobs.models import Job
from app.property.storage.jobs.repository import JobStore
from app.property.storage.llm.batches import Answered, LlmBatchStore
from app.property.storage.llm.cache import AnswerStore
from app.property.storage.llm.requests import LlmRequestStore, NewRequest
from app.services.scraping.model_reading import ModelReader, ModelReading, WaitForBatch
from app.services.scraping.run import Run
from tests.unit.services.test_model_reading import NO_KEYS, Api, completion, extraction, roof

__all__ = ["extraction"]
MODEL = "gpt-4.1-mini"
WAIT_SECONDS = 100.0


@pytest.fixture
def database(tmp_path: Path, clock: ManualClock) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'a.sqlite3'}", clock)
    yield database
    database.close()


class Runs:
    """Runs an economy job several times. Between the runs, the test answers the job's model request in a batch."""

    def __init__(self, database: Database, clock: ManualClock, extraction: Extraction, *, keys: bool = True) -> None:
        self.api = Api(roof)
        self.clock = clock
        self._extraction = extraction
        self._jobs = JobStore(database)
        self.requests, self.batches = LlmRequestStore(database), LlmBatchStore(database)
        self._keys = keys
        self.answers = AnswerStore(database)
        self.renew()
        self.job = self.new_job("https://site.example/1")

    def renew(self) -> None:
        manager = self.api.manager() if self._keys else NO_KEYS
        self._reader = ModelReader(self.answers, manager, MODEL, self.clock, requests=self.requests)

    def new_job(self, target: str) -> Job:
        (made,) = self._jobs.enqueue([target], economy=True).jobs
        return self._claimed(made.id)

    def _claimed(self, job_id: str) -> Job:
        held = self._jobs.claim(job_id, "me", 30)
        assert held is not None
        return held

    def read(self, job: Job | None = None) -> ModelReading:
        return self._reader.read(self._extraction, Run(economy=True, waited_for=(job or self.job).request_id))

    def learned(self, **change: Any) -> None:
        self._extraction = replace(self._extraction, **change)

    def wait(self, job: Job | None = None) -> NewRequest:
        """Run the job until it has to wait; park it and return its model request."""
        with pytest.raises(WaitForBatch) as waits:
            self.read(job)
        self.requests.park(job or self.job, "me", waits.value.request, WAIT_SECONDS)
        return waits.value.request

    def batch(self, act: Callable[[LlmBatchStore, str, str], Any], request: NewRequest) -> None:
        begun = self.batches.begin(MODEL, self.batches.candidates(MODEL, 10), lambda taken: {"": (len(taken), 0, 0)})
        assert begun is not None
        act(self.batches, begun.id, request.id)
        self.wake()

    def wake(self) -> None:
        self._jobs.recoverable()
        self.job = self._claimed(self.job.id)


@pytest.fixture
def runs(database: Database, clock: ManualClock, extraction: Extraction) -> Runs:
    return Runs(database, clock, extraction)


def answer(respond: Callable[[dict[str, Any]], Any], request: NewRequest) -> Any:
    body = respond(dict(request.body)).json()
    return lambda batches, batch_id, request_id: batches.answer(batch_id, [Answered(request_id, body, 100, 20, 5)])


def test_the_parked_request_equals_the_direct_one(
    runs: Runs, database: Database, clock: ManualClock, extraction: Extraction
) -> None:
    request = runs.wait()
    assert runs.api.calls == 0
    asked: list[dict[str, Any]] = []

    def note(body: dict[str, Any]) -> Any:
        asked.append(body)
        return roof(body)

    ModelReader(runs.answers, Api(note).manager(), MODEL, clock).read(extraction)
    assert asked == [dict(request.body)]


def test_a_batch_answer_is_checked_stored_and_not_requested_again(runs: Runs) -> None:
    request = runs.wait()
    runs.batch(answer(roof, request), request)
    reading = runs.read()
    assert "Roof" in reading.extraction.record.values
    other = runs.new_job("https://site.example/2")
    assert runs.read(other).extraction.record.values == reading.extraction.record.values
    assert runs.api.calls == 0


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (lambda body: completion(None, refusal="I cannot help.").json(), "I cannot help"),
        (lambda body: {"choices": 7}, "not a completion"),
    ],
)
def test_an_unusable_answer_is_reported_and_not_paid_for_again(runs: Runs, content: Any, problem: str) -> None:
    request = runs.wait()
    body = content(dict(request.body))
    runs.batch(lambda batches, b, r: batches.answer(b, [Answered(r, body, 0, 0, 0)]), request)
    reading = runs.read()
    assert problem in str(reading.note)
    assert reading.unanswered
    assert runs.read().note == reading.note
    assert runs.api.calls == 0


def test_a_request_that_openai_refused_ends_with_its_reason_and_another_job_sends_it_again(runs: Runs) -> None:
    request = runs.wait()
    runs.batch(lambda batches, b, r: batches.fail(b, {r: ("model_not_found", "No such model.")}), request)
    assert "model_not_found, No such model" in str(runs.read().note)
    assert runs.api.calls == 0
    assert runs.wait(runs.new_job("https://site.example/2")).id == request.id


def test_an_answer_cut_off_during_reasoning_is_requested_directly_with_a_higher_limit(runs: Runs) -> None:
    """All requests of a batch may be sent before the first answer shows that the model spends tokens on reasoning."""
    asked: list[dict[str, Any]] = []

    def note(body: dict[str, Any]) -> Any:
        asked.append(body)
        return roof(body)

    def spent(body: dict[str, Any]) -> Any:
        found = completion("").json()
        found["choices"][0]["finish_reason"] = "length"
        return httpx2.Response(200, json=found)

    runs.api = Api(note)
    runs.renew()
    request = runs.wait()
    runs.batch(answer(spent, request), request)
    assert "Roof" in runs.read().extraction.record.values
    assert asked[0]["max_tokens"] > 4_000 > request.body["max_tokens"]


def test_a_request_refused_for_its_format_is_sent_directly(runs: Runs) -> None:
    request = runs.wait()
    message = "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model."
    runs.batch(lambda batches, b, r: batches.fail(b, {r: ("invalid_request_error", message)}), request)
    assert "Roof" in runs.read().extraction.record.values
    assert runs.api.calls == 1


def test_a_request_without_a_batch_answer_is_sent_directly(runs: Runs) -> None:
    runs.wait()
    runs.clock.advance(WAIT_SECONDS)
    assert runs.requests.release_overdue() == 1
    runs.wake()
    assert "Roof" in runs.read().extraction.record.values
    assert runs.api.calls == 1


def test_a_job_that_was_never_woken_finally_asks_directly(runs: Runs) -> None:
    """An hour after the maximum wait, the job calls the model directly, even if its batch never ends."""
    request = runs.wait()
    runs.clock.advance(WAIT_SECONDS + 3599)
    runs.job.request_id = request.id
    with pytest.raises(WaitForBatch):
        runs.read(runs.job)
    runs.clock.advance(1)
    assert "Roof" in runs.read(runs.job).extraction.record.values
    assert runs.api.calls == 1


def test_after_a_stop_of_all_workers_a_job_waits_for_the_first_look_at_its_batch(runs: Runs) -> None:
    request = runs.wait()
    runs.clock.advance(WAIT_SECONDS + 3600)
    runs.batch(lambda batches, b, r: None, request)
    runs.wait()
    runs.clock.advance(60)
    runs.wake()
    runs.batches.claim("crashes", 30)
    runs.wait()
    runs.clock.advance(60)
    runs.wake()
    assert "Roof" in runs.read().extraction.record.values
    assert runs.api.calls == 1


def test_a_job_whose_request_was_withdrawn_at_the_end_of_its_wait_asks_directly(runs: Runs) -> None:
    request = runs.wait()
    runs.clock.advance(WAIT_SECONDS + 3600)
    runs.wake()
    assert runs.job.request_id == request.id
    assert runs.requests.withdraw_unwanted() == 1
    assert "Roof" in runs.read().extraction.record.values
    assert runs.api.calls == 1


def test_without_a_key_no_job_waits(database: Database, clock: ManualClock, extraction: Extraction) -> None:
    runs = Runs(database, clock, extraction, keys=False)
    assert "No OpenAI key" in str(runs.read().note)


# --- what a recipe learned meanwhile


def test_a_recipe_learned_meanwhile_does_not_change_the_request(
    runs: Runs, database: Database, extraction: Extraction
) -> None:
    """The recipe settles every field that the batch was asked for, but the paid answer is still used."""
    request = runs.wait()
    runs.batch(answer(roof, request), request)
    runs.learned(settled=frozenset(request.question.fields))
    reading = runs.read()
    assert "Roof" in reading.extraction.record.values
    assert reading.asked == tuple(name for name in extraction.asked() if name in request.question.fields)
    assert runs.api.calls == 0
    found = runs.requests.get(request.id)
    assert found is not None
    assert found.used_at is not None


def test_a_request_shortened_by_a_recipe_keeps_its_fields(runs: Runs) -> None:
    """The recipe was suspended while the job waited, so more fields are open than the request contained."""
    runs.learned(settled=frozenset({"YearBuilt", "Heating"}))
    request = runs.wait()
    assert "Heating" not in request.question.fields
    runs.batch(answer(roof, request), request)
    runs.learned(settled=frozenset())
    assert "Roof" in runs.read().extraction.record.values
    assert runs.api.calls == 0


def test_a_request_about_another_page_does_not_change_this_one(runs: Runs, extraction: Extraction) -> None:
    """An address job reads many pages but waits for a request about only one."""
    request = runs.wait()
    runs.batch(answer(roof, request), request)
    other = replace(extraction.page, text=extraction.page.text + "<p>Another.</p>", body=b"another")
    runs.learned(page=other, settled=frozenset({"YearBuilt"}))
    with pytest.raises(WaitForBatch) as waits:
        runs.read()
    assert waits.value.request.question.content_sha256 == other.sha256
    assert "YearBuilt" not in waits.value.request.question.fields
