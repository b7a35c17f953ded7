"""Batches of the model from parked requests to answers: the real stores, pool and SDK over HTTP, and a simulator whose
ledger says what was billed how often. Time is ours; a process that dies is one that stops between two steps."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openai
import pytest

from app.clock import ManualClock
from app.errors.jobs import LeaseLostError
from app.keypool.outcomes import Outcome
from app.keypool.spending import Bulk, BulkResult, Spent
from app.property.page import Page
from app.property.storage.database import Database
from app.property.storage.jobs.batches import BatchStore
from app.property.storage.jobs.models import Job, JobState
from app.property.storage.jobs.repository import JobStore
from app.property.storage.llm.cache import AnswerStore, Question, StoredAnswer
from app.property.storage.llm.requests import NewRequest
from app.property.storage.llm.tables import LlmBatch, LlmBatchState, LlmRequest, RequestState
from app.property.storage.statements import digest
from app.services.batches.collecting import collect, tidy
from app.services.batches.parts import Parts, open_parts
from app.services.batches.runner import BatchRunner
from app.services.openai_client_manager import OpenAIClientManager, build_manager
from app.settings import Settings
from simulators.openai.bodies import prompt_sha256
from tests.plugins.simulator_fixtures import KEYS, SimulatorHandle

MODEL = "gpt-4.1-mini"
#: dollars a million tokens, which is also millionths of a dollar a token; half of it with a batch
PRICES = f"{MODEL}=2/8"
START = datetime(2026, 11, 26, tzinfo=UTC)
HOUR = 3600.0


def messages(name: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"The house {name} was built in 1998."}]


def request_of(name: str, model: str = MODEL) -> NewRequest:
    question = Question(digest(name), ("YearBuilt",), model, digest([name, "asked"]))
    body = {"model": model, "messages": messages(name), "max_completion_tokens": 40}
    page = Page("https://a.example/", "https://a.example/", "text/html", "", b"", START)
    return NewRequest(question, body, input_tokens=100, output_tokens=40, page=page)


class DiedError(BaseException):
    """The process is gone: nothing after this line happens, nothing is tidied up."""


@dataclass
class Desk:
    """One process that looks after batches, beside a database and a simulator that outlive it."""

    simulator: SimulatorHandle
    database: Database
    clock: ManualClock
    settings: Settings
    manager: OpenAIClientManager
    jobs: JobStore
    parts: Parts
    lives: int = field(default=1)

    def park(self, *names: str, asked: Callable[[str], NewRequest] = request_of) -> list[Job]:
        """Economy jobs of one batch that wait for these questions, of which each is `asked` in its way."""
        made = self.jobs.enqueue([f"https://a.example/{name}" for name in names], economy=True)
        for job, name in zip(made.jobs, names, strict=True):
            held = self.jobs.claim(job.id, "worker", 30)
            assert held is not None
            self.parts.requests.park(held, "worker", asked(name), self.settings.openai.batch_max_wait_seconds)
        return [self.jobs.get(job.id) for job in made.jobs]

    def turn(self, seconds: float = 0.0) -> None:
        """What a turn of beat does, `seconds` after the last."""
        self.clock.advance(seconds)
        tidy(self.parts)
        collect(self.parts)
        while (batch := self.parts.batches.claim(self.owner, 30)) is not None:
            BatchRunner(self.parts, self.owner).advance(batch)

    def turns(self, count: int, seconds: float = 60.0) -> None:
        for _ in range(count):
            self.turn(seconds)

    def die_in(self, name: str, *, after: bool) -> None:
        """Turn until the process dies as it calls `name` of the API: just before, or just after it was done there."""
        api = self.parts.api

        def fatal(*args: Any, **kwargs: Any) -> Any:
            if after:
                done = getattr(api, name)(*args, **kwargs)
                if isinstance(done, Iterator):
                    next(done)
            raise DiedError

        dying = Fatal(api, {name: fatal})
        mortal = replace(self, parts=replace(self.parts, api=dying))
        with pytest.raises(DiedError):
            mortal.turns(3)
        self.lives += 1
        self.clock.advance(31)  # its lease ends

    @property
    def owner(self) -> str:
        return f"process-{self.lives}"

    def batch(self) -> LlmBatch:
        return self.parts.batches.newest(1)[0]

    def outcome(self, name: str) -> LlmRequest:
        found = self.parts.requests.get(request_of(name).id)
        assert found is not None
        return found

    def states(self, names: Iterable[str]) -> Counter[RequestState]:
        """How many of these questions are in each state."""
        return Counter(self.outcome(name).state for name in names)

    def woken(self) -> set[str]:
        """The jobs that recovery would send now."""
        return {each.job.id for each in self.jobs.recoverable()}

    def billed(self, *names: str) -> list[int]:
        """How often each question was paid for."""
        paid = self.simulator.prompts()
        return [paid.get(prompt_sha256(messages(name)), 0) for name in names]

    def at_openai(self) -> tuple[int, int]:
        """Batches ever made there, and files that nobody has deleted."""
        found = self.simulator.batches()
        return len(found["batches"]), len(found["files"])


class Fatal:
    """An API of which some calls are the last."""

    def __init__(self, api: Any, fatal: Mapping[str, Callable[..., Any]]) -> None:
        self._api = api
        self._fatal = fatal

    def __getattr__(self, name: str) -> Any:
        return self._fatal.get(name) or getattr(self._api, name)


@pytest.fixture
def make_desk(openai_simulator: Callable[..., SimulatorHandle], tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """`make_desk(keys=[{...}], server={...}, setting=value)`; batches are over as soon as they are looked at."""
    with ExitStack() as closing:

        def make(
            keys: list[dict[str, Any]] | None = None, server: dict[str, Any] | None = None, **settings: Any
        ) -> Desk:
            given = keys or [{"key": KEYS[0]}]
            simulator = openai_simulator(given, **{"batch_seconds": 0.0, "batch_cancel_seconds": 0.0, **(server or {})})
            clock = ManualClock(START)
            chosen = Settings.of(
                openai_api_keys=",".join(str(key["key"]) for key in given),
                openai_base_url=simulator.base_url,
                propintel_home=tmp_path,
                **{
                    "openai_prices": PRICES,
                    "openai_batch_collect_seconds": 0,
                    "openai_max_wait_seconds": 0,
                    **settings,
                },
            )
            database = Database(f"sqlite:///{tmp_path / 'store.sqlite3'}", clock)
            closing.callback(database.close)
            manager = build_manager(chosen, clock)
            closing.callback(manager.close)
            parts = open_parts(chosen, database, manager)
            assert parts is not None
            return Desk(simulator, database, clock, chosen, manager, JobStore(database), parts)

        yield make


@contextmanager
def silent_log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    caplog.clear()
    with caplog.at_level("INFO"):
        yield caplog


# --- the ordinary way


def test_parked_questions_become_one_batch_and_each_job_gets_its_answer(
    make_desk: Callable[..., Desk],
) -> None:
    desk = make_desk()
    jobs = desk.park("a", "b", "c")
    desk.turn()
    assert desk.batch().state is LlmBatchState.RUNNING
    desk.turn(60)
    assert desk.batch().state is LlmBatchState.CLOSED
    assert desk.woken() == {job.id for job in jobs}
    for name in "abc":
        answer = desk.outcome(name).answer
        assert answer is not None
        assert "1998" in answer["choices"][0]["message"]["content"]
    assert desk.billed("a", "b", "c") == [1, 1, 1]
    assert desk.at_openai() == (1, 0)
    desk.turns(3)
    assert desk.at_openai() == (1, 0)


def test_what_is_uploaded_expires_by_itself_within_three_days(make_desk: Callable[..., Desk]) -> None:
    """Should nobody be left to delete it."""
    desk = make_desk(server={"batch_seconds": 3600})
    desk.park("a")
    desk.turn()
    (file,) = desk.simulator.batches()["files"]
    assert file["expires_at"] - file["created_at"] == 3 * 86_400
    assert file["purpose"] == "batch"


def test_requests_wait_for_company_and_not_for_longer_than_the_setting(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(openai_batch_collect_seconds=600)
    desk.park("a")
    desk.turn(599)
    assert desk.at_openai() == (0, 0)
    desk.park("b")
    desk.turn(1)
    assert desk.batch().requests == 2


def test_as_many_as_one_batch_takes_are_sent_at_once(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(openai_batch_collect_seconds=600, openai_batch_max_requests=2)
    desk.park("a", "b", "c")
    desk.turn()
    assert [batch.requests for batch in desk.parts.batches.newest()] == [2]
    assert desk.states("abc") == {RequestState.SENT: 2, RequestState.PARKED: 1}


def test_a_file_is_no_larger_than_it_may_be(make_desk: Callable[..., Desk]) -> None:
    body = len(json.dumps(request_of("a").body, separators=(",", ":")))
    desk = make_desk(server={"batch_seconds": 3600}, openai_batch_max_megabytes=(2 * (body + 192) + 10) / 1e6)
    desk.park("a", "b", "c", "d", "e")
    desk.turn()
    assert sorted(batch.requests for batch in desk.parts.batches.newest()) == [1, 2, 2]
    limit = desk.settings.openai.batch_max_megabytes * 1e6
    assert all(file["bytes"] <= limit for file in desk.simulator.batches()["files"])


def test_usage_is_counted_once_by_key_and_model_at_half_the_price(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    desk.park("a", "b")
    desk.turns(4)
    (call,) = [c for c in desk.manager.store.figures().calls if c.model == MODEL]
    assert dict(call.outcomes) == {Outcome.SUCCESS: 2}
    used = [desk.outcome(name).answer["usage"] for name in "ab"]  # type: ignore[index]
    given, made = sum(u["prompt_tokens"] for u in used), sum(u["completion_tokens"] for u in used)
    assert (call.input_tokens, call.output_tokens) == (given, made)
    assert call.microusd == pytest.approx((2 * given + 8 * made) / 2, abs=2)
    assert desk.manager.store.spent() == Spent(2, given + made, call.microusd)


def test_cached_tokens_of_a_batch_are_counted_and_cost_what_a_batch_charges_for_them(
    make_desk: Callable[..., Desk],
) -> None:
    """GPT-5 mini, a million tokens in a batch: $0.125 of input, $0.0125 if cached, $1 of output (OpenAI, 2026-11)."""
    model, text = "gpt-5-mini", "The house was built in 1998. " * 300

    def asked(name: str) -> NewRequest:
        request, content = request_of(name, model), f"{text}It is house {name}."
        body = {**request.body, "messages": [{"role": "user", "content": content}]}
        return replace(request, body=body, input_tokens=2_200)

    desk = make_desk(openai_model=model, openai_prices="")
    desk.park("a", "b", asked=asked)
    desk.turn()
    charged = desk.manager.store.spent()
    desk.turns(4)
    found = [desk.parts.requests.get(asked(name).id) for name in "ab"]
    used = [one.answer["usage"] for one in found]  # type: ignore[index, union-attr]
    given, made = sum(u["prompt_tokens"] for u in used), sum(u["completion_tokens"] for u in used)
    cached = [u["prompt_tokens_details"]["cached_tokens"] for u in used]
    assert sorted(cached) == [0, len(f"{text}It is house ") // 4 // 128 * 128]
    (call,) = [c for c in desk.manager.store.figures().calls if c.model == model]
    assert (call.input_tokens, call.cached_tokens) == (given, sum(cached))
    cost = (given - sum(cached)) * 0.125 + sum(cached) * 0.0125 + made
    assert call.microusd == pytest.approx(cost, abs=2)
    assert desk.manager.store.spent() == Spent(2, given + made, call.microusd, sum(cached))
    assert charged == Spent(2, 2 * 2_240, 2 * (275 + 40)), "as if nothing were cached: that is certain only afterwards"


# --- whoever dies


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", ["upload", "create", "look", "lines", "delete"])
def test_a_death_anywhere_bills_nothing_twice_and_loses_nothing(
    make_desk: Callable[..., Desk], step: str, after: bool
) -> None:
    desk = make_desk()
    jobs = desk.park("a", "b")
    desk.die_in(step, after=after)
    desk.turns(5)
    assert desk.woken() == {job.id for job in jobs}
    assert {desk.outcome(name).state for name in "ab"} == {RequestState.ANSWERED}
    assert desk.billed("a", "b") == [1, 1]
    made, files = desk.at_openai()
    assert made == 1
    assert files == (1 if (step, after) == ("upload", True) else 0), "whose upload nobody knows of expires by itself"
    assert desk.batch().state is LlmBatchState.CLOSED
    assert desk.manager.store.spent().calls == 2


def test_a_death_before_the_budgets_were_told_counts_once(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    desk.park("a", "b")
    desk.turn()
    batch = desk.parts.batches
    noted = batch.note

    def fatal(batch_id: str, owner: str, **change: Any) -> Any:
        if change.get("state") is LlmBatchState.SETTLED:
            raise DiedError
        return noted(batch_id, owner, **change)

    mortal = replace(desk, parts=replace(desk.parts, batches=Fatal(batch, {"note": fatal})))
    with pytest.raises(DiedError):
        mortal.turn(60)
    desk.turns(2)
    (call,) = [c for c in desk.manager.store.figures().calls if c.model == MODEL]
    assert dict(call.outcomes) == {Outcome.SUCCESS: 2}
    assert desk.manager.store.spent().calls == 2


def test_a_process_that_slept_through_its_lease_touches_nothing_more(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    desk.park("a")
    tidy(desk.parts)
    collect(desk.parts)
    asleep = desk.parts.batches.claim("sleeper", 30)
    assert asleep is not None
    desk.clock.advance(31)
    desk.turn()
    with pytest.raises(LeaseLostError):
        BatchRunner(desk.parts, "sleeper").advance(asleep)
    desk.turns(2)
    assert desk.at_openai()[0] == 1
    assert desk.billed("a") == [1]


# --- what OpenAI may do


def test_a_question_that_is_refused_ends_with_the_reason(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(server={"batch_line_status": 400})
    (job,) = desk.park("a")
    desk.turns(3)
    outcome = desk.outcome("a")
    assert (outcome.state, outcome.error_code) == (RequestState.FAILED, "server_error")
    assert outcome.error_message == "This request failed."
    assert desk.woken() == {job.id}
    assert desk.manager.store.spent() == Spent(), "what is refused is not billed"


@pytest.mark.parametrize("status", [429, 500])
def test_a_question_that_fails_is_sent_again_and_then_left_to_its_job(
    make_desk: Callable[..., Desk], status: int
) -> None:
    desk = make_desk(server={"batch_line_status": status})
    (job,) = desk.park("a")
    desk.turns(10)
    assert desk.outcome("a").state is RequestState.DIRECT
    assert desk.at_openai() == (3, 0)
    assert desk.woken() == {job.id}


def test_a_question_that_failed_once_is_answered_by_the_next_batch(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(server={"batch_line_status": 500})
    desk.park("a")
    desk.turns(2)
    desk.simulator.set_server(batch_line_status=200)
    desk.turns(4)
    assert desk.outcome("a").state is RequestState.ANSWERED
    assert desk.billed("a") == [1]


def test_what_expired_unanswered_is_sent_again_and_what_was_answered_is_not(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(server={"batch_ends": "expired", "batch_answered": 0.5})
    desk.park("a", "b")
    desk.turns(2)
    assert desk.states("ab") == {RequestState.ANSWERED: 1, RequestState.PARKED: 1}
    assert desk.manager.store.spent().calls == 1, "the other one was not billed"
    desk.simulator.set_server(batch_ends="completed")
    desk.turns(4)
    assert {desk.outcome(name).state for name in "ab"} == {RequestState.ANSWERED}
    assert desk.billed("a", "b") == [1, 1]
    assert desk.at_openai() == (2, 0)


def test_a_batch_that_somebody_cancels_at_openai_is_made_again(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(server={"batch_seconds": 3600})
    desk.park("a")
    desk.turn()
    desk.simulator.client().batches.cancel(desk.batch().openai_id or "")
    desk.simulator.set_server(batch_seconds=0.0)
    desk.turns(5)
    assert desk.outcome("a").state is RequestState.ANSWERED
    assert desk.billed("a") == [1]


def test_too_many_enqueued_tokens_make_smaller_batches_and_cost_no_attempt(make_desk: Callable[..., Desk]) -> None:
    """Four questions of about ten tokens, of which an account of the lowest tier may have two enqueued."""
    desk = make_desk(server={"batch_max_tokens": 25}, openai_batch_collect_seconds=60)
    desk.park("a", "b", "c", "d")
    desk.turn(60)
    desk.turn(60)
    assert {desk.outcome(name).attempts for name in "abcd"} == {0}
    assert desk.manager.store.spent() == Spent(), "a batch that failed costs nothing"
    desk.turns(30)
    assert {desk.outcome(name).state for name in "abcd"} == {RequestState.ANSWERED}
    assert desk.billed("a", "b", "c", "d") == [1, 1, 1, 1]


def test_where_there_is_no_batch_api_the_jobs_ask_like_any_other(make_desk: Callable[..., Desk]) -> None:
    """A gateway that knows chat completions only answers 404 to an upload."""
    desk = make_desk()
    desk.simulator.set_server(batches=False)
    (job,) = desk.park("a")
    desk.turns(10)
    assert desk.outcome("a").state is RequestState.DIRECT
    assert desk.woken() == {job.id}
    assert desk.manager.store.spent() == Spent()


def test_a_server_that_is_away_is_waited_for(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(keys=[{"key": KEYS[0], "behaviour": "flaky", "failure_rate": 1.0}])
    desk.park("a")
    desk.turns(2)
    assert desk.outcome("a").attempts == 1
    desk.simulator.set_key(KEYS[0], behaviour="ok")
    desk.clock.advance(HOUR)  # the key's circuit is closed again
    desk.turns(8)
    assert desk.outcome("a").state is RequestState.ANSWERED
    assert desk.billed("a") == [1]


def test_results_that_somebody_deleted_are_asked_for_again_and_stay_charged(
    make_desk: Callable[..., Desk], caplog: pytest.LogCaptureFixture
) -> None:
    desk = make_desk()
    desk.park("a")
    desk.turn()
    client = desk.simulator.client()
    made = client.batches.retrieve(desk.batch().openai_id or "")
    client.files.delete(made.output_file_id or "")
    desk.turn(60)
    assert "may be billed twice" in caplog.text
    desk.turns(5)
    assert desk.outcome("a").state is RequestState.ANSWERED
    assert desk.billed("a") == [2]
    assert desk.manager.store.spent().calls == 2


# --- keys


def test_a_batch_is_looked_after_with_the_key_that_made_it(make_desk: Callable[..., Desk]) -> None:
    keys = [{"key": key, "project": f"proj_{n}"} for n, key in enumerate(KEYS[:3])]
    desk = make_desk(keys=keys)
    for name in "abcdef":
        desk.park(name)
        desk.turns(2)
    desk.turns(2)
    used = {batch.key_id for batch in desk.parts.batches.newest()}
    assert len(used) == 3, "the pool spreads batches over its keys"
    assert desk.billed(*"abcdef") == [1] * 6
    assert desk.at_openai() == (6, 0)
    assert desk.simulator.stats()["totals"]["bad_requests"] == 0, "no key asked for what another one's project made"


def test_a_key_of_the_same_project_takes_over_from_one_that_died(
    make_desk: Callable[..., Desk], caplog: pytest.LogCaptureFixture
) -> None:
    """Keys are rotated within a project: the batch goes on, and nothing is billed twice."""
    keys = [{"key": KEYS[0], "project": "a"}, {"key": KEYS[1], "project": "a"}, {"key": KEYS[2], "project": "b"}]
    desk = make_desk(keys=keys)
    desk.park("a")
    desk.turn()
    masks = {key.key_id: key.secret.get_secret_value() for key in desk.manager.keys}
    made_by = masks[desk.batch().key_id or ""]
    assert made_by == KEYS[0]
    desk.simulator.set_key(made_by, behaviour="dead")
    desk.turns(2)
    assert "continues with key" in caplog.text
    assert masks[desk.batch().key_id or ""] == KEYS[1]
    desk.turns(2)
    assert desk.outcome("a").state is RequestState.ANSWERED
    assert desk.billed("a") == [1]
    assert desk.at_openai() == (1, 0)


def test_a_batch_whose_project_has_no_key_left_is_given_up_and_sent_with_another(
    make_desk: Callable[..., Desk], caplog: pytest.LogCaptureFixture
) -> None:
    keys = [{"key": KEYS[0], "project": "a"}, {"key": KEYS[1], "project": "b"}]
    desk = make_desk(keys=keys, server={"batch_seconds": 3600})
    desk.park("a")
    desk.turn()
    desk.simulator.set_key(KEYS[0], behaviour="dead")
    desk.simulator.set_server(batch_seconds=0.0)
    desk.turns(65)
    assert desk.outcome("a").state is RequestState.SENT, "one refusal may be an accident"
    desk.turns(1)
    lost = [record for record in caplog.records if "is given up" in record.getMessage()]
    assert [record.levelname for record in lost] == ["ERROR"]
    assert "may be billed twice" in lost[0].getMessage()
    desk.turns(4)
    assert desk.outcome("a").state is RequestState.ANSWERED
    batches = desk.simulator.batches()["batches"]
    assert [batch["project"] for batch in batches] == ["a", "b"]
    assert desk.manager.store.spent().calls == 2, "the first may be billed: it stays charged"


def test_a_batch_whose_key_was_taken_out_is_given_up_sooner(make_desk: Callable[..., Desk]) -> None:
    keys = [{"key": KEYS[0], "project": "a"}, {"key": KEYS[1], "project": "b"}]
    desk = make_desk(keys=keys, server={"batch_seconds": 3600})
    desk.park("a")
    desk.turn()
    desk.manager.replace_keys([key for key in desk.manager.keys if key.key_id != desk.batch().key_id])
    desk.turns(5)
    assert desk.outcome("a").state is RequestState.SENT, "its successor in the project may be on its way"
    desk.turns(2)
    assert [batch["project"] for batch in desk.simulator.batches()["batches"]] == ["a", "b"]


@pytest.mark.parametrize("others", [0, 1], ids=["alone", "among others"])
def test_a_key_that_was_refused_by_accident_keeps_its_batch(make_desk: Callable[..., Desk], others: int) -> None:
    """A 401 that passes within the hour costs nothing twice."""
    desk = make_desk(keys=[{"key": key, "project": f"proj_{n}"} for n, key in enumerate(KEYS[: 1 + others])])
    desk.park("a")
    desk.turn()
    desk.simulator.set_key(KEYS[0], behaviour="dead")
    desk.turn(60)
    assert desk.batch().unreachable_since is not None
    desk.simulator.set_key(KEYS[0], behaviour="ok")
    desk.turns(64)
    assert desk.outcome("a").state is RequestState.ANSWERED
    assert desk.billed("a") == [1]
    assert desk.at_openai() == (1, 0)


def test_a_dead_key_is_not_chosen_again(make_desk: Callable[..., Desk]) -> None:
    keys = [{"key": KEYS[0], "behaviour": "dead"}, {"key": KEYS[1], "project": "b"}]
    desk = make_desk(keys=keys)
    desk.park("a", "b")
    desk.turns(5)
    assert desk.billed("a", "b") == [1, 1]
    assert {desk.outcome(name).attempts for name in "ab"} == {1}


# --- who wants it, and for how long


def test_a_batch_that_nobody_waits_for_is_cancelled_at_openai(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(server={"batch_seconds": 3600})
    jobs = desk.park("a", "b")
    desk.turn()
    BatchStore(desk.database).cancel(jobs[0].batch_id)
    desk.turns(3)
    (made,) = desk.simulator.batches()["batches"]
    assert made["status"] == "cancelled"
    desk.turns(3)
    assert {desk.outcome(name).state for name in "ab"} == {RequestState.WITHDRAWN}
    assert desk.billed("a", "b") == [0, 0]
    assert desk.at_openai() == (1, 0)
    assert desk.manager.store.spent() == Spent()


def test_a_batch_that_takes_longer_than_a_job_may_wait_is_cancelled_and_the_job_asks_itself(
    make_desk: Callable[..., Desk],
) -> None:
    desk = make_desk(server={"batch_seconds": 10**6}, openai_batch_max_wait_seconds=HOUR)
    (job,) = desk.park("a")
    desk.turns(59)
    assert desk.outcome("a").state is RequestState.SENT
    desk.turns(4)
    assert desk.outcome("a").state is RequestState.DIRECT
    assert desk.woken() == {job.id}
    assert [batch["status"] for batch in desk.simulator.batches()["batches"]] == ["cancelled"]


def test_a_question_that_nothing_could_be_done_about_is_the_job_s_again(make_desk: Callable[..., Desk]) -> None:
    """No key is usable for a day: parked requests go back when they have waited long enough."""
    desk = make_desk(keys=[{"key": KEYS[0], "behaviour": "no_quota"}], openai_batch_max_wait_seconds=HOUR)
    with pytest.raises(openai.RateLimitError):
        desk.manager.get_client().chat.completions.create(model=MODEL, messages=messages("x"))  # type: ignore
    (job,) = desk.park("a")
    desk.turn(HOUR - 1)
    assert desk.outcome("a").state is RequestState.PARKED
    desk.turn(1)
    assert desk.outcome("a").state is RequestState.DIRECT
    assert desk.woken() == {job.id}


def test_a_question_that_was_answered_meanwhile_is_not_sent(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    (job,) = desk.park("a")
    AnswerStore(desk.database).save_model_answer(request_of("a").question, StoredAnswer({}, MODEL, 1, 1))
    desk.turns(2)
    assert desk.at_openai() == (0, 0)
    assert desk.woken() == {job.id}


# --- budgets: 140 tokens a question, (2 x 100 + 8 x 40) / 2 = 260 millionths of a dollar


@pytest.mark.parametrize(
    "budget",
    [
        {"budget_daily_model_calls": 2},
        {"budget_daily_tokens": 2 * 140},
        {"budget_daily_usd": 2 * 260 / 1e6},
        {"budget_key_daily_model_calls": 2},
        {"budget_key_daily_usd": 2 * 260 / 1e6},
    ],
    ids=lambda found: next(iter(found)),
)
def test_what_a_day_has_no_budget_for_waits_for_the_next(
    make_desk: Callable[..., Desk], budget: dict[str, Any]
) -> None:
    desk = make_desk(server={"batch_seconds": 10**6}, openai_batch_max_wait_seconds=48 * HOUR, **budget)
    desk.park("a", "b", "c")
    desk.turns(3)
    assert sum(batch.requests for batch in desk.parts.batches.newest()) == 2
    assert desk.states("abc") == {RequestState.SENT: 2, RequestState.PARKED: 1}
    assert desk.at_openai() == (1, 1), "what there is no budget for is not uploaded"
    desk.turn(24 * HOUR)
    assert desk.states("abc") == {RequestState.SENT: 3}


def test_a_batch_of_jobs_without_budget_is_left_to_its_jobs_and_another_goes_on(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(server={"batch_seconds": 10**6}, budget_batch_model_calls=1)
    poor = desk.park("a", "b")
    desk.park("c")
    desk.turns(2)
    assert desk.states("ab") == {RequestState.SENT: 1, RequestState.DIRECT: 1}
    assert desk.outcome("c").state is RequestState.SENT
    assert len(desk.woken() & {job.id for job in poor}) == 1


def test_a_used_up_budget_does_not_keep_results_from_being_read(make_desk: Callable[..., Desk]) -> None:
    """The answers used more than was estimated: looking, reading and deleting cost nothing and go on."""
    desk = make_desk(budget_daily_tokens=280)
    desk.park("a", "b")
    desk.turn()
    key_id = desk.batch().key_id or ""
    more = Bulk("other", key_id, MODEL, {})
    desk.manager.store.settle_bulk(more, BulkResult({"": Spent(1, 5, 0)}))
    assert desk.manager.store.spent().tokens > 280
    desk.turns(2)
    assert {desk.outcome(name).state for name in "ab"} == {RequestState.ANSWERED}
    assert desk.at_openai() == (1, 0)


# --- what must not leak


def test_logs_and_errors_hold_no_text_of_pages_and_no_key(
    make_desk: Callable[..., Desk], caplog: pytest.LogCaptureFixture
) -> None:
    keys = [{"key": KEYS[0], "project": "a"}, {"key": KEYS[1], "project": "b"}]
    desk = make_desk(keys=keys, server={"batch_line_status": 500, "echoes_key": True})
    with silent_log(caplog):
        desk.park("secret-villa")
        desk.turns(2)
        desk.simulator.set_key(KEYS[0], behaviour="dead")
        desk.simulator.set_key(KEYS[1], behaviour="forbidden")
        desk.turns(12)
    told = caplog.text + " ".join(str(batch) for batch in desk.parts.batches.newest())
    assert "Batch" in told
    assert "secret-villa" not in told
    assert not any(key in told for key in KEYS)


def test_the_database_forgets_the_text_of_a_question_that_is_over(
    make_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    desk = make_desk()
    desk.park("secret-villa")
    desk.turns(3)
    with desk.database.reading() as connection:
        bodies = connection.exec_driver_sql("SELECT body FROM llm_requests").scalars().all()
    assert bodies == [None]


def test_a_job_that_is_over_is_never_woken(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    one, other = desk.park("a", "b")
    desk.turn()
    desk.jobs.cancel(one.id)
    desk.turns(2)
    assert desk.woken() == {other.id}
    assert desk.jobs.get(one.id).state is JobState.CANCELLED
