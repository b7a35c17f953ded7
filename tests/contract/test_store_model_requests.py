"""Model requests are parked for a batch, answered once, withdrawn if no job waits, or returned to their jobs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from app.clock import ManualClock
from app.errors.jobs import LeaseLostError
from app.property.page import Page
from app.property.storage.database import Database
from app.property.storage.expiry import delete_expired
from app.property.storage.jobs.batches import BatchStore
from app.property.storage.jobs.models import Job, JobState
from app.property.storage.jobs.repository import JobStore
from app.property.storage.llm.batches import Answered, Candidate, LlmBatchStore
from app.property.storage.llm.cache import AnswerStore, Question, StoredAnswer
from app.property.storage.llm.requests import LlmRequestStore, NewRequest
from app.property.storage.llm.tables import LlmBatch, LlmBatchState, LlmRequest, RequestState
from app.property.storage.statements import digest
from app.settings import Settings
from tests.contract.conftest import at_once

WAIT = 26 * 3600.0
DONE = {"choices": [{"message": {"content": "{}"}}]}


@pytest.fixture
def requests(database: Database) -> LlmRequestStore:
    return LlmRequestStore(database)


@pytest.fixture
def batches(database: Database) -> LlmBatchStore:
    return LlmBatchStore(database)


def question(name: str, model: str = "gpt-x") -> NewRequest:
    model_question = Question(digest(name), ("Roof",), model, digest([name, "prompt"]))
    body = {"model": model, "messages": [{"role": "user", "content": f"text of {name}"}]}
    page = Page("https://a.example/", "https://a.example/", "text/html", "", b"", datetime(2026, 1, 1, tzinfo=UTC))
    return NewRequest(model_question, body, input_tokens=100, output_tokens=20, page=page)


def running(jobs: JobStore, *names: str) -> list[Job]:
    """Return claimed economy jobs of one batch."""
    enqueued = jobs.enqueue([f"https://a.example/{name}" for name in names], economy=True)
    found = [jobs.claim(job.id, "me", 30) for job in enqueued.jobs]
    assert None not in found
    return [job for job in found if job is not None]


def parked(jobs: JobStore, requests: LlmRequestStore, *names: str) -> list[Job]:
    found = running(jobs, *names)
    for job, name in zip(found, names, strict=True):
        requests.park(job, "me", question(name), WAIT)
    return [jobs.get(job.id) for job in found]


def charges_of(chosen: Sequence[Candidate]) -> dict[str, tuple[int, int, int]]:
    return {"": (len(chosen), 0, 0)}


def begin_batch(batches: LlmBatchStore, model: str = "gpt-x") -> LlmBatch:
    """Return a batch of all parked requests, with its lease held by "me"."""
    made = batches.begin(model, batches.candidates(model, 1000), charges_of)
    assert made is not None
    claimed = batches.claim("me", 30)
    assert claimed is not None
    assert claimed.id == made.id
    return claimed


def request_of(requests: LlmRequestStore, name: str) -> LlmRequest:
    found = requests.get(question(name).id)
    assert found is not None
    return found


def answer_to(name: str, tokens: int = 7) -> Answered:
    return Answered(question(name).id, DONE, 100, tokens, 5, 64)


def test_a_parked_job_waits_without_a_lease_and_costs_no_attempt(
    jobs: JobStore, requests: LlmRequestStore, clock: ManualClock
) -> None:
    (job,) = parked(jobs, requests, "a")
    assert (job.state, job.attempts, job.waited_seconds) == (JobState.DEFERRED, 0, 0.0)
    assert job.parked_at == clock.now()
    assert job.request_id == question("a").id
    assert job.due_at == clock.now() + timedelta(seconds=WAIT) + timedelta(hours=1)
    outcome = request_of(requests, "a")
    assert (outcome.state, outcome.give_up_at) == (RequestState.PARKED, clock.now() + timedelta(seconds=WAIT))
    clock.advance(WAIT)
    assert jobs.recoverable() == []
    clock.advance(3601)
    assert [each.job.id for each in jobs.recoverable()] == [job.id], "even if its batch never ends"


def test_a_run_that_lost_its_lease_parks_nothing(jobs: JobStore, requests: LlmRequestStore, clock: ManualClock) -> None:
    (job,) = running(jobs, "a")
    clock.advance(31)
    other = jobs.claim(job.id, "other", 30)
    assert other is not None
    with pytest.raises(LeaseLostError):
        requests.park(job, "me", question("a"), WAIT)
    assert jobs.get(job.id).state == JobState.RUNNING
    assert requests.get(question("a").id) is None, "no request must be stored"
    assert requests.withdraw_unwanted() == 0


def test_jobs_with_the_same_question_share_one_request(
    jobs: JobStore, requests: LlmRequestStore, batches: LlmBatchStore
) -> None:
    one, other = running(jobs, "one", "other")
    for job in (one, other):
        requests.park(job, "me", question("same"), WAIT)
    batch = begin_batch(batches)
    assert batch.requests == 1
    assert batches.answer(batch.id, [answer_to("same")]) == 1
    assert {each.job.id for each in jobs.recoverable()} == {one.id, other.id}


def test_a_repeated_answer_resumes_its_job_once(
    jobs: JobStore, requests: LlmRequestStore, batches: LlmBatchStore
) -> None:
    first, second = parked(jobs, requests, "a", "b")
    batch = begin_batch(batches)
    assert batches.answer(batch.id, [answer_to("a", tokens=7)]) == 1
    assert batches.answer(batch.id, [answer_to("a", tokens=9)]) == 0
    assert [each.job.id for each in jobs.recoverable()] == [first.id]
    outcome = request_of(requests, "a")
    assert (outcome.state, outcome.answer) == (RequestState.ANSWERED, DONE)
    assert [(used.calls, used.completion_tokens, used.cached_tokens) for used in batches.used(batch.id)] == [(1, 7, 64)]
    assert jobs.get(second.id).state == JobState.DEFERRED
    assert [name for name, _ in batches.bodies(batch.id)] == [question("b").id], "an ended request has no text"
    batches.fail(batch.id, {question("b").id: ("http_400", "no")})
    assert list(batches.bodies(batch.id)) == []


def test_a_job_that_parks_for_an_answered_request_is_due_at_once(
    jobs: JobStore, requests: LlmRequestStore, batches: LlmBatchStore, clock: ManualClock
) -> None:
    """The batch ended after the job had read the request's state, so the job must not wait for another batch."""
    (job,) = parked(jobs, requests, "a")
    batch = begin_batch(batches)
    batches.answer(batch.id, [answer_to("a")])
    jobs.recoverable()
    again = jobs.claim(job.id, "me", 30)
    assert again is not None
    assert again.request_id == question("a").id
    requests.park(again, "me", question("a"), WAIT)
    assert jobs.get(job.id).due_at == clock.now()
    outcome = request_of(requests, "a")
    assert outcome.state == RequestState.ANSWERED


def test_a_failed_question_is_asked_again_for_another_job(
    jobs: JobStore, requests: LlmRequestStore, batches: LlmBatchStore
) -> None:
    parked(jobs, requests, "a")
    batch = begin_batch(batches)
    batches.fail(batch.id, {question("a").id: ("http_400", "no")})
    (other,) = running(jobs, "other")
    requests.park(other, "me", question("a"), WAIT)
    outcome = request_of(requests, "a")
    assert (outcome.state, outcome.attempts, outcome.error_message) == (RequestState.PARKED, 0, None)


def test_only_requests_of_canceled_jobs_are_withdrawn(
    jobs: JobStore, requests: LlmRequestStore, batches: LlmBatchStore, database: Database
) -> None:
    (remaining,) = parked(jobs, requests, "kept")
    canceled = parked(jobs, requests, "a", "b")
    BatchStore(database).cancel(canceled[0].batch_id)
    assert requests.withdraw_unwanted() == 2
    assert [candidate.id for candidate in batches.candidates("gpt-x", 10)] == [remaining.request_id]
    (again,) = jobs.retry([canceled[0].id])
    assert again.request_id is None, "the job no longer waits for a request"


def test_a_batch_is_worth_waiting_for_while_a_job_wants_an_answer_until_the_deadline(
    jobs: JobStore, requests: LlmRequestStore, batches: LlmBatchStore, clock: ManualClock
) -> None:
    (only,) = parked(jobs, requests, "a")
    unwanted = begin_batch(batches)
    assert batches.worth_waiting(unwanted.id)
    jobs.cancel(only.id)
    assert not batches.worth_waiting(unwanted.id)
    one, _ = parked(jobs, requests, "b", "c")
    batch = begin_batch(batches)
    jobs.cancel(one.id)
    clock.advance(WAIT - 1)
    assert batches.worth_waiting(batch.id)
    clock.advance(1)
    assert not batches.worth_waiting(batch.id)


def test_overdue_parked_requests_are_released_to_their_jobs(
    jobs: JobStore, requests: LlmRequestStore, clock: ManualClock
) -> None:
    (job,) = parked(jobs, requests, "a")
    clock.advance(WAIT - 1)
    assert requests.release_overdue() == 0
    clock.advance(1)
    assert requests.release_overdue() == 1
    assert [each.job.id for each in jobs.recoverable()] == [job.id]


def test_a_question_that_is_already_answered_is_not_sent(
    jobs: JobStore, requests: LlmRequestStore, batches: LlmBatchStore, database: Database
) -> None:
    (job, _) = parked(jobs, requests, "a", "b")
    odd = {"Roof": ("NUL \x00 and half a pair \ud800", "")}  # a page can make a model answer this
    AnswerStore(database).save_model_answer(question("a").question, StoredAnswer(odd, "gpt-x", 1, 1))
    assert requests.release_answered() == 1
    assert [candidate.id for candidate in batches.candidates("gpt-x", 10)] == [question("b").id]
    assert [each.job.id for each in jobs.recoverable()] == [job.id]


def test_a_returned_request_is_sent_directly_after_the_third_batch(
    jobs: JobStore, requests: LlmRequestStore, batches: LlmBatchStore, clock: ManualClock
) -> None:
    (job,) = parked(jobs, requests, "a")
    for n in (1, 2):
        batch = begin_batch(batches)
        assert batches.give_back(batch, None, pause_seconds=60) == 1
        batches.release(batch.id, "me", None)
        assert batches.candidates("gpt-x", 10) == [], "the request must wait a minute"
        assert requests.parked() == []
        clock.advance(60)
        outcome = request_of(requests, "a")
        assert (outcome.state, outcome.attempts) == (RequestState.PARKED, n)
    for _ in range(3):  # a batch that could not be created does not count as an attempt
        batch = begin_batch(batches)
        assert batches.give_back(batch, None, counted=False) == 1
        batches.release(batch.id, "me", None)
    batch = begin_batch(batches)
    assert batches.give_back(batch, None) == 1
    outcome = request_of(requests, "a")
    assert outcome.state == RequestState.DIRECT
    assert [each.job.id for each in jobs.recoverable()] == [job.id]


def test_a_batch_contains_and_charges_only_parked_requests(
    jobs: JobStore, requests: LlmRequestStore, batches: LlmBatchStore
) -> None:
    first, second = parked(jobs, requests, "a", "b")
    chosen = batches.candidates("gpt-x", 10)
    jobs.cancel(first.id)
    requests.withdraw_unwanted()
    made = batches.begin("gpt-x", chosen, charges_of)
    assert made is not None
    assert (made.requests, made.tokens, made.charges) == (1, 120, {"": [1, 0, 0]})
    assert batches.begin("gpt-x", chosen, charges_of) is None
    assert [name for name, _ in batches.bodies(made.id)] == [second.request_id]


def test_each_model_has_batches_of_its_own(jobs: JobStore, requests: LlmRequestStore, batches: LlmBatchStore) -> None:
    one, other = running(jobs, "a", "b")
    requests.park(one, "me", question("a", "gpt-x"), WAIT)
    requests.park(other, "me", question("b", "gpt-y"), WAIT)
    assert {(found.model, found.requests) for found in requests.parked()} == {("gpt-x", 1), ("gpt-y", 1)}
    assert begin_batch(batches, "gpt-y").requests == 1


def test_a_batch_has_one_owner_until_its_lease_ends(
    jobs: JobStore, requests: LlmRequestStore, batches: LlmBatchStore, clock: ManualClock
) -> None:
    parked(jobs, requests, "a")
    batch = begin_batch(batches)
    assert batches.claim("other", 30) is None
    clock.advance(29)
    assert batches.renew(batch.id, "me", 30)
    clock.advance(30)
    assert batches.claim("other", 30) is not None
    assert not batches.renew(batch.id, "me", 30)
    with pytest.raises(LeaseLostError):
        batches.note(batch.id, "me", state=LlmBatchState.UPLOADED)
    with pytest.raises(LeaseLostError):
        batches.release(batch.id, "me", None)
    assert batches.newest()[0].state == LlmBatchState.NEW


def test_an_open_batch_is_due_at_its_time_and_a_closed_one_never(
    jobs: JobStore, requests: LlmRequestStore, batches: LlmBatchStore, clock: ManualClock
) -> None:
    parked(jobs, requests, "a")
    batch = begin_batch(batches)
    batches.release(batch.id, "me", clock.now() + timedelta(seconds=60))
    clock.advance(59)
    assert batches.claim("me", 30) is None
    clock.advance(1)
    assert batches.claim("me", 30) is not None
    batches.release(batch.id, "me", None)
    clock.advance(86_400)
    assert batches.claim("me", 30) is None
    assert batches.under_way() == []
    assert [each.id for each in batches.newest()] == [batch.id]


def test_concurrent_batches_share_no_request(jobs: JobStore, requests: LlmRequestStore, batches: LlmBatchStore) -> None:
    parked(jobs, requests, *(f"p{n}" for n in range(40)))
    chosen = batches.candidates("gpt-x", 100)
    parts = (chosen, chosen[::-1], chosen[:20], chosen[20:])
    made = at_once(*(partial(batches.begin, "gpt-x", part, charges_of) for part in parts))
    claimed = [request_id for batch in made if batch is not None for request_id, _ in batches.bodies(batch.id)]
    assert sorted(claimed) == sorted(candidate.id for candidate in chosen)


def test_finished_requests_and_batches_expire(
    jobs: JobStore, requests: LlmRequestStore, batches: LlmBatchStore, database: Database, clock: ManualClock
) -> None:
    parked(jobs, requests, "a", "b")
    batch = begin_batch(batches)
    batches.answer(batch.id, [answer_to("a")])
    batches.release(batch.id, "me", None)
    clock.advance(timedelta(days=7).total_seconds())
    assert delete_expired(database, Settings.of()) == {}
    clock.advance(1)
    assert delete_expired(database, Settings.of()) == {"llm_requests": 1}
    clock.advance(timedelta(days=30).total_seconds())
    assert delete_expired(database, Settings.of()) == {}, "the batch still has an open request"
    batches.fail(batch.id, {question("b").id: ("gone", "")})
    clock.advance(timedelta(days=8).total_seconds())
    assert delete_expired(database, Settings.of()) == {"llm_requests": 1, "llm_batches": 1}


def test_figures_count_open_requests_and_the_longest_wait(
    jobs: JobStore, requests: LlmRequestStore, batches: LlmBatchStore, clock: ManualClock
) -> None:
    assert requests.figures().oldest_seconds == 0
    parked(jobs, requests, "a", "b")
    begin_batch(batches)
    clock.advance(90)
    parked(jobs, requests, "c")
    figures = requests.figures()
    assert (figures.parked, figures.sent, figures.oldest_seconds) == (1, 2, 90.0)
