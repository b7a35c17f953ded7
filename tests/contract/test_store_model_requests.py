"""Model requests wait for a batch until they are answered, withdrawn, or returned to their jobs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from app.errors.jobs import LeaseLostError
from app.property.page import Page
from app.property.storage.expiry import delete_expired
from app.property.storage.jobs.models import Job, JobState
from app.property.storage.llm.batches import Answered, Candidate
from app.property.storage.llm.cache import Question, StoredAnswer
from app.property.storage.llm.requests import NewRequest
from app.property.storage.llm.tables import LlmBatch, LlmBatchState, LlmRequest, RequestState
from app.property.storage.statements import digest
from app.settings import Settings
from tests.contract.conftest import at_once
from tests.plugins.stores import Stores

WAIT = 26 * 3600.0
DONE = {"choices": [{"message": {"content": "{}"}}]}


def question(name: str, model: str = "gpt-x") -> NewRequest:
    model_question = Question(digest(name), ("Roof",), model, digest([name, "prompt"]))
    body = {"model": model, "messages": [{"role": "user", "content": f"text of {name}"}]}
    page = Page("https://a.example/", "https://a.example/", "text/html", "", b"", datetime(2026, 1, 1, tzinfo=UTC))
    return NewRequest(model_question, body, input_tokens=100, output_tokens=20, page=page)


def running(db: Stores, *names: str) -> list[Job]:
    enqueued = db.jobs.enqueue([f"https://a.example/{name}" for name in names], economy=True)
    return [db.claim(job.id) for job in enqueued.jobs]


def parked(db: Stores, *names: str) -> list[Job]:
    found = running(db, *names)
    for job, name in zip(found, names, strict=True):
        db.requests.park(job, "me", question(name), WAIT)
    return [db.jobs.get(job.id) for job in found]


def charges_of(chosen: Sequence[Candidate]) -> dict[str, tuple[int, int, int]]:
    return {"": (len(chosen), 0, 0)}


def begin_batch(db: Stores, model: str = "gpt-x") -> LlmBatch:
    """Create a batch of all parked requests, and claim its lease as "me"."""
    made = db.llm_batches.begin(model, db.llm_batches.candidates(model, 1000), charges_of)
    assert made is not None
    claimed = db.llm_batches.claim("me", 30)
    assert claimed.id == made.id
    return claimed


def request_of(db: Stores, name: str) -> LlmRequest:
    found = db.requests.get(question(name).id)
    assert found is not None
    return found


def answer_to(name: str, tokens: int = 7) -> Answered:
    return Answered(question(name).id, DONE, 100, tokens, 5, 64)


def test_a_parked_job_waits_without_a_lease_and_costs_no_attempt(db: Stores) -> None:
    (job,) = parked(db, "a")
    assert (job.state, job.attempts, job.waited_seconds) == (JobState.DEFERRED, 0, 0.0)
    assert job.parked_at == db.clock.now()
    assert job.request_id == question("a").id
    assert job.due_at == db.clock.now() + timedelta(seconds=WAIT) + timedelta(hours=1)
    outcome = request_of(db, "a")
    assert (outcome.state, outcome.give_up_at) == (RequestState.PARKED, db.clock.now() + timedelta(seconds=WAIT))
    db.clock.advance(WAIT)
    assert db.jobs.recoverable() == []
    db.clock.advance(3601)
    assert [each.job.id for each in db.jobs.recoverable()] == [job.id], "even if its batch never ends"


def test_a_run_that_lost_its_lease_parks_nothing(db: Stores) -> None:
    (job,) = running(db, "a")
    db.clock.advance(31)
    db.claim(job.id, "other")
    with pytest.raises(LeaseLostError):
        db.requests.park(job, "me", question("a"), WAIT)
    assert db.jobs.get(job.id).state == JobState.RUNNING
    assert db.requests.get(question("a").id) is None, "no request must be stored"
    assert db.requests.withdraw_unwanted() == 0


def test_jobs_with_the_same_question_share_one_request(db: Stores) -> None:
    one, other = running(db, "one", "other")
    for job in (one, other):
        db.requests.park(job, "me", question("same"), WAIT)
    batch = begin_batch(db)
    assert batch.requests == 1
    assert db.llm_batches.answer(batch.id, [answer_to("same")]) == 1
    assert {each.job.id for each in db.jobs.recoverable()} == {one.id, other.id}


def test_a_repeated_answer_resumes_its_job_once(db: Stores) -> None:
    first, second = parked(db, "a", "b")
    batch = begin_batch(db)
    assert db.llm_batches.answer(batch.id, [answer_to("a", tokens=7)]) == 1
    assert db.llm_batches.answer(batch.id, [answer_to("a", tokens=9)]) == 0
    assert [each.job.id for each in db.jobs.recoverable()] == [first.id]
    outcome = request_of(db, "a")
    assert (outcome.state, outcome.answer) == (RequestState.ANSWERED, DONE)
    (used,) = db.llm_batches.used(batch.id)
    assert (used.calls, used.completion_tokens, used.cached_tokens) == (1, 7, 64)
    assert db.jobs.get(second.id).state == JobState.DEFERRED
    assert [name for name, _ in db.llm_batches.bodies(batch.id)] == [question("b").id], "an ended request has no text"
    db.llm_batches.fail(batch.id, {question("b").id: ("http_400", "no")})
    assert list(db.llm_batches.bodies(batch.id)) == []


def test_a_job_that_parks_for_an_answered_request_is_due_at_once(db: Stores) -> None:
    """The batch ended after the job had read that the request is parked, so the job must not wait for another batch."""
    (job,) = parked(db, "a")
    batch = begin_batch(db)
    db.llm_batches.answer(batch.id, [answer_to("a")])
    db.jobs.recoverable()
    again = db.claim(job.id)
    assert again.request_id == question("a").id
    db.requests.park(again, "me", question("a"), WAIT)
    assert db.jobs.get(job.id).due_at == db.clock.now()
    assert request_of(db, "a").state == RequestState.ANSWERED


def test_a_failed_question_is_asked_again_for_another_job(db: Stores) -> None:
    parked(db, "a")
    batch = begin_batch(db)
    db.llm_batches.fail(batch.id, {question("a").id: ("http_400", "no")})
    (other,) = running(db, "other")
    db.requests.park(other, "me", question("a"), WAIT)
    outcome = request_of(db, "a")
    assert (outcome.state, outcome.attempts, outcome.error_message) == (RequestState.PARKED, 0, None)


def test_only_requests_of_canceled_jobs_are_withdrawn(db: Stores) -> None:
    (remaining,) = parked(db, "kept")
    canceled = parked(db, "a", "b")
    db.batches.cancel(canceled[0].batch_id)
    assert db.requests.withdraw_unwanted() == 2
    assert [candidate.id for candidate in db.llm_batches.candidates("gpt-x", 10)] == [remaining.request_id]
    (again,) = db.jobs.retry([canceled[0].id])
    assert again.request_id is None, "the job no longer waits for a request"


def test_a_batch_is_worth_waiting_for_while_a_job_wants_an_answer_until_the_deadline(db: Stores) -> None:
    (only,) = parked(db, "a")
    unwanted = begin_batch(db)
    assert db.llm_batches.worth_waiting(unwanted.id)
    db.jobs.cancel(only.id)
    assert not db.llm_batches.worth_waiting(unwanted.id)
    one, _ = parked(db, "b", "c")
    batch = begin_batch(db)
    db.jobs.cancel(one.id)
    db.clock.advance(WAIT - 1)
    assert db.llm_batches.worth_waiting(batch.id)
    db.clock.advance(1)
    assert not db.llm_batches.worth_waiting(batch.id)


def test_overdue_parked_requests_are_released_to_their_jobs(db: Stores) -> None:
    (job,) = parked(db, "a")
    db.clock.advance(WAIT - 1)
    assert db.requests.release_overdue() == 0
    db.clock.advance(1)
    assert db.requests.release_overdue() == 1
    assert [each.job.id for each in db.jobs.recoverable()] == [job.id]


def test_a_question_that_is_already_answered_is_not_sent(db: Stores) -> None:
    (job, _) = parked(db, "a", "b")
    odd = {"Roof": ("NUL \x00 and half a pair \ud800", "")}  # text that a model may quote from a page
    db.answers.save_model_answer(question("a").question, StoredAnswer(odd, "gpt-x", 1, 1))
    assert db.requests.release_answered() == 1
    assert [candidate.id for candidate in db.llm_batches.candidates("gpt-x", 10)] == [question("b").id]
    assert [each.job.id for each in db.jobs.recoverable()] == [job.id]


def test_a_returned_request_is_sent_directly_after_the_third_batch(db: Stores) -> None:
    (job,) = parked(db, "a")
    for n in (1, 2):
        batch = begin_batch(db)
        assert db.llm_batches.give_back(batch, None, pause_seconds=60) == 1
        db.llm_batches.release(batch.id, "me", None)
        assert db.llm_batches.candidates("gpt-x", 10) == [], "the request must wait a minute"
        assert db.requests.parked() == []
        db.clock.advance(60)
        outcome = request_of(db, "a")
        assert (outcome.state, outcome.attempts) == (RequestState.PARKED, n)
    for _ in range(3):  # a batch that is not created does not count as an attempt
        batch = begin_batch(db)
        assert db.llm_batches.give_back(batch, None, counted=False) == 1
        db.llm_batches.release(batch.id, "me", None)
    batch = begin_batch(db)
    assert db.llm_batches.give_back(batch, None) == 1
    assert request_of(db, "a").state == RequestState.DIRECT
    assert [each.job.id for each in db.jobs.recoverable()] == [job.id]


def test_a_batch_contains_and_charges_only_parked_requests(db: Stores) -> None:
    first, second = parked(db, "a", "b")
    chosen = db.llm_batches.candidates("gpt-x", 10)
    db.jobs.cancel(first.id)
    db.requests.withdraw_unwanted()
    made = db.llm_batches.begin("gpt-x", chosen, charges_of)
    assert (made.requests, made.tokens, made.charges) == (1, 120, {"": [1, 0, 0]})
    assert db.llm_batches.begin("gpt-x", chosen, charges_of) is None
    assert [name for name, _ in db.llm_batches.bodies(made.id)] == [second.request_id]


def test_each_model_has_batches_of_its_own(db: Stores) -> None:
    one, other = running(db, "a", "b")
    db.requests.park(one, "me", question("a", "gpt-x"), WAIT)
    db.requests.park(other, "me", question("b", "gpt-y"), WAIT)
    assert {(found.model, found.requests) for found in db.requests.parked()} == {("gpt-x", 1), ("gpt-y", 1)}
    assert begin_batch(db, "gpt-y").requests == 1


def test_a_batch_has_one_owner_until_its_lease_ends(db: Stores) -> None:
    parked(db, "a")
    batch = begin_batch(db)
    assert db.llm_batches.claim("other", 30) is None
    db.clock.advance(29)
    assert db.llm_batches.renew(batch.id, "me", 30)
    db.clock.advance(30)
    assert db.llm_batches.claim("other", 30) is not None
    assert not db.llm_batches.renew(batch.id, "me", 30)
    with pytest.raises(LeaseLostError):
        db.llm_batches.note(batch.id, "me", state=LlmBatchState.UPLOADED)
    with pytest.raises(LeaseLostError):
        db.llm_batches.release(batch.id, "me", None)
    assert db.llm_batches.newest()[0].state == LlmBatchState.NEW


def test_an_open_batch_is_due_at_its_time_and_a_closed_one_never(db: Stores) -> None:
    parked(db, "a")
    batch = begin_batch(db)
    db.llm_batches.release(batch.id, "me", db.clock.now() + timedelta(seconds=60))
    db.clock.advance(59)
    assert db.llm_batches.claim("me", 30) is None
    db.clock.advance(1)
    assert db.llm_batches.claim("me", 30) is not None
    db.llm_batches.release(batch.id, "me", None)
    db.clock.advance(86_400)
    assert db.llm_batches.claim("me", 30) is None
    assert db.llm_batches.under_way() == []
    assert [each.id for each in db.llm_batches.newest()] == [batch.id]


def test_concurrent_batches_share_no_request(db: Stores) -> None:
    parked(db, *(f"p{n}" for n in range(40)))
    chosen = db.llm_batches.candidates("gpt-x", 100)
    parts = (chosen, chosen[::-1], chosen[:20], chosen[20:])
    made = at_once(*(partial(db.llm_batches.begin, "gpt-x", part, charges_of) for part in parts))
    claimed = [request_id for batch in made if batch is not None for request_id, _ in db.llm_batches.bodies(batch.id)]
    assert sorted(claimed) == sorted(candidate.id for candidate in chosen)


def test_finished_requests_and_batches_expire(db: Stores) -> None:
    parked(db, "a", "b")
    batch = begin_batch(db)
    db.llm_batches.answer(batch.id, [answer_to("a")])
    db.llm_batches.release(batch.id, "me", None)
    db.clock.advance(timedelta(days=7).total_seconds())
    assert delete_expired(db, Settings.of()) == {}
    db.clock.advance(1)
    assert delete_expired(db, Settings.of()) == {"llm_requests": 1}
    db.clock.advance(timedelta(days=30).total_seconds())
    assert delete_expired(db, Settings.of()) == {}, "the batch still has an open request"
    db.llm_batches.fail(batch.id, {question("b").id: ("gone", "")})
    db.clock.advance(timedelta(days=8).total_seconds())
    assert delete_expired(db, Settings.of()) == {"llm_requests": 1, "llm_batches": 1}


def test_figures_count_open_requests_and_the_longest_wait(db: Stores) -> None:
    assert db.requests.figures().oldest_seconds == 0
    parked(db, "a", "b")
    begin_batch(db)
    db.clock.advance(90)
    parked(db, "c")
    figures = db.requests.figures()
    assert (figures.parked, figures.sent, figures.oldest_seconds) == (1, 2, 90.0)
