"""Model batches, from parked requests to answers, with the real stores, pool, and SDK over HTTP.

The simulator records how often each request was billed. An exception between two steps simulates a crash.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from app.clock import ManualClock
from app.errors.jobs import LeaseLostError
from app.keypool.outcomes import Outcome
from app.keypool.spending import Spent
from app.property.page import Page
from app.property.storage.database import Database
from app.property.storage.jobs.batches import BatchStore
from app.property.storage.jobs.models import Job
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
#: Prices in dollars per million input and output tokens. Batch requests cost half.
PRICES = f"{MODEL}=2/8"
START = datetime(2026, 11, 26, tzinfo=UTC)
HOUR = 3600.0
_REQUEST = httpx2.Request("POST", "https://api.example/v1/batches")
REFUSED = openai.BadRequestError("no", response=httpx2.Response(400, request=_REQUEST), body=None)
TOO_FAST = openai.RateLimitError("later", response=httpx2.Response(429, request=_REQUEST), body=None)


def messages(name: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"The house {name} was built in 1998."}]


def request_of(name: str, model: str = MODEL) -> NewRequest:
    question = Question(digest(name), ("YearBuilt",), model, digest([name, "asked"]))
    body = {"model": model, "messages": messages(name), "max_completion_tokens": 40}
    page = Page("https://a.example/", "https://a.example/", "text/html", "", b"", START)
    return NewRequest(question, body, input_tokens=100, output_tokens=40, page=page)


class CrashError(BaseException):
    """Simulates a crash: unlike a normal exception, it triggers no error handling."""


@dataclass
class Runner:
    """A process that runs model batches. Its database and simulator survive its crashes."""

    simulator: SimulatorHandle
    database: Database
    clock: ManualClock
    settings: Settings
    manager: OpenAIClientManager
    jobs: JobStore
    parts: Parts
    lives: int = field(default=1)

    def park(self, *names: str, asked: Callable[[str], NewRequest] = request_of) -> list[Job]:
        """Enqueue a batch of economy jobs, each parked on the request that `asked` returns for its name."""
        made = self.jobs.enqueue([f"https://a.example/{name}" for name in names], economy=True)
        for job, name in zip(made.jobs, names, strict=True):
            held = self.jobs.claim(job.id, "worker", 30)
            assert held is not None
            self.parts.requests.park(held, "worker", asked(name), self.settings.openai.batch_max_wait_seconds)
        return [self.jobs.get(job.id) for job in made.jobs]

    def turn(self, seconds: float = 0.0) -> None:
        """Advance the clock by `seconds`, then run beat's batch tasks once."""
        self.clock.advance(seconds)
        tidy(self.parts)
        collect(self.parts)
        while (batch := self.parts.batches.claim(self.owner, 30)) is not None:
            BatchRunner(self.parts, self.owner).advance(batch)

    def turns(self, count: int, seconds: float = 60.0) -> None:
        for _ in range(count):
            self.turn(seconds)

    def crash_in(self, name: str, *, after: bool) -> None:
        """Run turns until the process crashes in the API call `name`: before the call, or after it has succeeded."""
        api = self.parts.api

        def crash(*args: Any, **kwargs: Any) -> Any:
            if after:
                done = getattr(api, name)(*args, **kwargs)
                if isinstance(done, Iterator):
                    next(done)
            raise CrashError

        crashing_api = CrashingApi(api, {name: crash})
        crashing = replace(self, parts=replace(self.parts, api=crashing_api))
        with pytest.raises(CrashError):
            crashing.turns(3)
        self.lives += 1
        self.clock.advance(31)  # until the crashed process's lease has expired

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
        return Counter(self.outcome(name).state for name in names)

    def woken(self) -> set[str]:
        return {each.job.id for each in self.jobs.recoverable()}

    def billed(self, *names: str) -> list[int]:
        paid = self.simulator.prompts()
        return [paid.get(prompt_sha256(messages(name)), 0) for name in names]

    def at_openai(self) -> tuple[int, int]:
        """Return how many batches were ever created at OpenAI, and how many files exist there now."""
        found = self.simulator.batches()
        return len(found["batches"]), len(found["files"])


class CrashingApi:
    def __init__(self, api: Any, crash: Mapping[str, Callable[..., Any]]) -> None:
        self._api = api
        self._fatal = crash

    def __getattr__(self, name: str) -> Any:
        return self._fatal.get(name) or getattr(self._api, name)


@pytest.fixture
def make_runner(openai_simulator: Any, tmp_path: Path) -> Iterator[Callable[..., Runner]]:
    """Yield `make_runner(keys=[{...}], server={...}, setting=value)`. By default, batches finish at once."""
    with ExitStack() as closing:

        def make(
            keys: list[dict[str, Any]] | None = None, server: dict[str, Any] | None = None, **settings: Any
        ) -> Runner:
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
            return Runner(simulator, database, clock, chosen, manager, JobStore(database), parts)

        yield make


# --- the normal case


def test_parked_requests_become_one_batch_and_each_job_gets_its_answer(make_runner: Any) -> None:
    """Usage is counted once, by key and model, at half the price."""
    runner = make_runner()
    jobs = runner.park("a", "b", "c")
    runner.turn()
    assert runner.batch().state is LlmBatchState.RUNNING
    runner.turn(60)
    assert runner.batch().state is LlmBatchState.CLOSED
    assert runner.woken() == {job.id for job in jobs}
    answers = [runner.outcome(name).answer for name in "abc"]
    assert all("1998" in answer["choices"][0]["message"]["content"] for answer in answers)
    assert runner.billed("a", "b", "c") == [1, 1, 1]
    assert runner.at_openai() == (1, 0)
    runner.turns(3)
    assert runner.at_openai() == (1, 0)
    (call,) = [c for c in runner.manager.store.figures().calls if c.model == MODEL]
    assert dict(call.outcomes) == {Outcome.SUCCESS: 3}
    given, made = (sum(a["usage"][f"{kind}_tokens"] for a in answers) for kind in ("prompt", "completion"))
    assert (call.input_tokens, call.output_tokens) == (given, made)
    assert call.microusd == pytest.approx((2 * given + 8 * made) / 2, abs=2)
    assert runner.manager.store.spent() == Spent(3, given + made, call.microusd)
    with runner.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT DISTINCT body FROM llm_requests").scalars().all() == [None]


def test_requests_are_collected_for_no_longer_than_the_setting_unless_they_fill_a_batch(make_runner: Any) -> None:
    runner = make_runner(openai_batch_collect_seconds=600, openai_batch_max_requests=3)
    runner.park("a")
    runner.turn(599)
    assert runner.at_openai() == (0, 0)
    runner.park("b")
    runner.turn(1)
    assert runner.batch().requests == 2
    runner.park("c", "d", "e", "f")
    runner.turn()
    assert runner.states("cdef") == {RequestState.SENT: 3, RequestState.PARKED: 1}


def test_a_file_does_not_exceed_its_maximum_size_and_expires_at_openai_in_three_days(make_runner: Any) -> None:
    body = len(json.dumps(request_of("a").body, separators=(",", ":")))
    runner = make_runner(server={"batch_seconds": 3600}, openai_batch_max_megabytes=(2 * (body + 192) + 10) / 1e6)
    runner.park("a", "b", "c", "d", "e")
    runner.turn()
    assert sorted(batch.requests for batch in runner.parts.batches.newest()) == [1, 2, 2]
    limit = runner.settings.openai.batch_max_megabytes * 1e6
    files = runner.simulator.batches()["files"]
    assert all(file["bytes"] <= limit for file in files)
    assert {file["expires_at"] - file["created_at"] for file in files} == {3 * 86_400}


def test_cached_tokens_of_a_batch_are_counted_at_the_batch_price(make_runner: Any) -> None:
    """In a batch, GPT-5 mini costs $0.125 per million input tokens, $0.0125 cached, $1 output (OpenAI, 2026-11)."""
    model, text = "gpt-5-mini", "The house was built in 1998. " * 300

    def asked(name: str) -> NewRequest:
        request, content = request_of(name, model), f"{text}It is house {name}."
        body = {**request.body, "messages": [{"role": "user", "content": content}]}
        return replace(request, body=body, input_tokens=2_200)

    runner = make_runner(openai_model=model, openai_prices="")
    runner.park("a", "b", asked=asked)
    runner.turn()
    charged = runner.manager.store.spent()
    runner.turns(4)
    found = [runner.parts.requests.get(asked(name).id) for name in "ab"]
    used = [one.answer["usage"] for one in found]  # type: ignore[index, union-attr]
    given, made = sum(u["prompt_tokens"] for u in used), sum(u["completion_tokens"] for u in used)
    cached = [u["prompt_tokens_details"]["cached_tokens"] for u in used]
    assert sorted(cached) == [0, len(f"{text}It is house ") // 4 // 128 * 128]
    (call,) = [c for c in runner.manager.store.figures().calls if c.model == model]
    assert (call.input_tokens, call.cached_tokens) == (given, sum(cached))
    cost = (given - sum(cached)) * 0.125 + sum(cached) * 0.0125 + made
    assert call.microusd == pytest.approx(cost, abs=2)
    assert runner.manager.store.spent() == Spent(2, given + made, call.microusd, sum(cached))
    assert charged == Spent(2, 2 * 2_240, 2 * (275 + 40)), "the estimate must assume that nothing is cached"


# --- crashes


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", ["upload", "create", "look", "lines", "delete"])
def test_a_crash_at_any_step_bills_nothing_twice_and_loses_nothing(make_runner: Any, step: str, after: bool) -> None:
    runner = make_runner()
    jobs = runner.park("a", "b")
    runner.crash_in(step, after=after)
    runner.turns(5)
    assert runner.woken() == {job.id for job in jobs}
    assert {runner.outcome(name).state for name in "ab"} == {RequestState.ANSWERED}
    assert runner.billed("a", "b") == [1, 1]
    made, files = runner.at_openai()
    assert made == 1
    assert files == (1 if (step, after) == ("upload", True) else 0), "only an unrecorded file may stay"
    assert runner.batch().state is LlmBatchState.CLOSED
    assert runner.manager.store.spent().calls == 2


def test_a_crash_before_the_usage_is_charged_counts_it_once(make_runner: Any) -> None:
    runner = make_runner()
    runner.park("a", "b")
    runner.turn()
    batch = runner.parts.batches
    noted = batch.note

    def crash(batch_id: str, owner: str, **change: Any) -> Any:
        if change.get("state") is LlmBatchState.SETTLED:
            raise CrashError
        return noted(batch_id, owner, **change)

    crashing = replace(runner, parts=replace(runner.parts, batches=CrashingApi(batch, {"note": crash})))
    with pytest.raises(CrashError):
        crashing.turn(60)
    runner.turns(2)
    (call,) = [c for c in runner.manager.store.figures().calls if c.model == MODEL]
    assert dict(call.outcomes) == {Outcome.SUCCESS: 2}
    assert runner.manager.store.spent().calls == 2


def test_a_process_that_overslept_its_lease_returns_no_request_of_a_running_batch(make_runner: Any) -> None:
    runner = make_runner()

    def create(*args: Any) -> Any:
        runner.clock.advance(31)
        runner.lives += 1
        runner.turns(2, 31)
        raise REFUSED

    api = CrashingApi(runner.parts.api, {"create": create})
    runner.park("a")
    with pytest.raises(LeaseLostError):
        replace(runner, parts=replace(runner.parts, api=api)).turn()
    assert runner.outcome("a").state is RequestState.SENT
    assert runner.batch().state is LlmBatchState.RUNNING


def test_a_process_that_overslept_its_lease_changes_nothing_more(make_runner: Any) -> None:
    runner = make_runner()
    runner.park("a")
    tidy(runner.parts)
    collect(runner.parts)
    asleep = runner.parts.batches.claim("sleeper", 30)
    assert asleep is not None
    runner.clock.advance(31)
    runner.turn()
    with pytest.raises(LeaseLostError):
        BatchRunner(runner.parts, "sleeper").advance(asleep)
    runner.turns(2)
    assert runner.at_openai()[0] == 1
    assert runner.billed("a") == [1]


# --- failures at OpenAI


def test_a_refused_request_ends_with_the_reason(make_runner: Any) -> None:
    runner = make_runner(server={"batch_line_status": 400})
    (job,) = runner.park("a")
    runner.turns(3)
    outcome = runner.outcome("a")
    assert (outcome.state, outcome.error_code) == (RequestState.FAILED, "server_error")
    assert outcome.error_message == "This request failed."
    assert runner.woken() == {job.id}
    assert runner.manager.store.spent() == Spent(), "a refused request was billed"


@pytest.mark.parametrize(
    ("server", "batches"), [({"batch_line_status": 429}, 3), ({"batch_line_status": 500}, 3), ({"batches": False}, 0)]
)
def test_a_failing_request_is_sent_again_and_then_left_to_its_job(
    make_runner: Any, server: dict[str, Any], batches: int
) -> None:
    """A gateway without the batch API answers the upload with 404."""
    runner = make_runner(server=server)
    (job,) = runner.park("a")
    runner.turns(10)
    assert runner.outcome("a").state is RequestState.DIRECT
    assert runner.at_openai() == (batches, 0)
    assert runner.woken() == {job.id}
    assert runner.manager.store.spent() == Spent()


def test_only_unanswered_requests_of_an_expired_batch_are_sent_again(make_runner: Any) -> None:
    runner = make_runner(server={"batch_ends": "expired", "batch_answered": 0.5})
    runner.park("a", "b")
    runner.turns(2)
    assert runner.states("ab") == {RequestState.ANSWERED: 1, RequestState.PARKED: 1}
    assert runner.manager.store.spent().calls == 1, "an unanswered request was billed"
    runner.simulator.set_server(batch_ends="completed")
    runner.turns(4)
    assert {runner.outcome(name).state for name in "ab"} == {RequestState.ANSWERED}
    assert runner.billed("a", "b") == [1, 1]
    assert runner.at_openai() == (2, 0)


def test_too_many_enqueued_tokens_make_smaller_batches_and_cost_no_attempt(make_runner: Any) -> None:
    """Each of the four requests has about ten tokens, and the account may enqueue 25."""
    runner = make_runner(server={"batch_max_tokens": 25}, openai_batch_collect_seconds=60)
    runner.park("a", "b", "c", "d")
    runner.turn(60)
    runner.turn(60)
    assert {runner.outcome(name).attempts for name in "abcd"} == {0}
    assert runner.manager.store.spent() == Spent(), "a failed batch was charged"
    runner.turns(30)
    assert {runner.outcome(name).state for name in "abcd"} == {RequestState.ANSWERED}
    assert runner.billed("a", "b", "c", "d") == [1, 1, 1, 1]


def test_a_failing_server_is_retried(make_runner: Any) -> None:
    runner = make_runner(keys=[{"key": KEYS[0], "behavior": "flaky", "failure_rate": 1.0}])
    runner.park("a")
    runner.turns(2)
    assert runner.outcome("a").attempts == 1
    runner.simulator.set_key(KEYS[0], behavior="ok")
    runner.clock.advance(HOUR)  # until the key's open circuit allows a probe
    runner.turns(8)
    assert runner.outcome("a").state is RequestState.ANSWERED
    assert runner.billed("a") == [1]


def test_a_batch_whose_creation_got_no_response_is_created_and_billed_once(make_runner: Any) -> None:
    """The server created the batch, but its response came too late. The key pool must not repeat the request."""
    runner = make_runner(openai_timeout_seconds=3, openai_max_wait_seconds=15)
    api = runner.parts.api

    def create(*args: Any) -> Any:
        runner.simulator.set_key(KEYS[0], behavior="slow", seconds=10.0)
        try:
            return api.create(*args)
        finally:
            runner.simulator.set_key(KEYS[0], behavior="ok")

    runner.park("a", "b")
    replace(runner, parts=replace(runner.parts, api=CrashingApi(api, {"create": create}))).turn()
    runner.simulator.set_key(KEYS[0], behavior="dead")
    runner.turns(4)
    runner.simulator.set_key(KEYS[0], behavior="ok")
    runner.turns(13, 300)
    assert runner.at_openai() == (1, 0)
    assert runner.billed("a", "b") == [1, 1]
    assert {runner.outcome(name).state for name in "ab"} == {RequestState.ANSWERED}


@pytest.mark.parametrize("refused", [False, True])
def test_a_batch_that_was_not_created_in_time_is_not_sent_and_costs_nothing(make_runner: Any, refused: bool) -> None:
    runner = make_runner()

    def create(*args: Any) -> Any:
        raise TOO_FAST

    api = CrashingApi(runner.parts.api, {"create": create} if refused else {})
    runner.park("a")
    if refused:
        replace(runner, parts=replace(runner.parts, api=api)).turns(3)
    else:
        collect(runner.parts)
    replace(runner, parts=replace(runner.parts, api=api)).turn(28 * HOUR)
    assert runner.outcome("a").state is RequestState.DIRECT
    assert runner.at_openai() == (0, 0)
    assert runner.manager.store.spent().calls == 0


def test_a_broken_download_is_repeated_and_stops_no_other_batch(make_runner: Any) -> None:
    runner = make_runner(server={"break_rate": 1.0}, openai_batch_max_requests=1)
    runner.park("a", "b")
    runner.turns(2)
    assert {batch.state for batch in runner.parts.batches.newest()} == {LlmBatchState.RUNNING}
    assert all("onnection" in (batch.error or "") for batch in runner.parts.batches.newest())
    runner.simulator.set_server(break_rate=0.0)
    runner.turns(3)
    assert {runner.outcome(name).state for name in "ab"} == {RequestState.ANSWERED}
    assert runner.billed("a", "b") == [1, 1]


def test_a_first_error_after_a_day_without_workers_does_not_lose_the_answers(make_runner: Any) -> None:
    runner = make_runner()
    runner.park("a")
    runner.turn()
    runner.clock.advance(28 * HOUR)
    runner.simulator.set_server(break_rate=1.0)
    runner.turn()
    runner.simulator.set_server(break_rate=0.0)
    runner.turns(2)
    assert runner.outcome("a").state is RequestState.ANSWERED
    assert runner.billed("a") == [1]


def test_deleted_results_are_requested_again_and_the_first_charge_remains(
    make_runner: Any, caplog: pytest.LogCaptureFixture
) -> None:
    runner = make_runner()
    runner.park("a")
    runner.turn()
    client = runner.simulator.client()
    made = client.batches.retrieve(runner.batch().openai_id or "")
    client.files.delete(made.output_file_id or "")
    runner.turn(60)
    assert "may be billed twice" in caplog.text
    runner.turns(5)
    assert runner.outcome("a").state is RequestState.ANSWERED
    assert runner.billed("a") == [2]
    assert runner.manager.store.spent().calls == 2


# --- keys


def test_a_batch_is_checked_with_the_key_that_made_it(make_runner: Any) -> None:
    keys = [{"key": key, "project": f"proj_{n}"} for n, key in enumerate(KEYS[:3])]
    runner = make_runner(keys=keys)
    for name in "abcdef":
        runner.park(name)
        runner.turns(2)
    runner.turns(2)
    used = {batch.key_id for batch in runner.parts.batches.newest()}
    assert len(used) == 3, "batches must be spread over all keys"
    assert runner.billed(*"abcdef") == [1] * 6
    assert runner.at_openai() == (6, 0)
    assert runner.simulator.stats()["totals"]["bad_requests"] == 0, "a key requested a batch of another project"


def test_a_key_of_the_same_project_takes_over_from_a_dead_key(
    make_runner: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """All keys of a project can read its batches, so the batch continues with another key and is billed once."""
    keys = [{"key": KEYS[0], "project": "a"}, {"key": KEYS[1], "project": "a"}, {"key": KEYS[2], "project": "b"}]
    runner = make_runner(keys=keys)
    runner.park("a")
    runner.turn()
    masks = {key.key_id: key.secret.get_secret_value() for key in runner.manager.keys}
    made_by = masks[runner.batch().key_id or ""]
    assert made_by == KEYS[0]
    runner.simulator.set_key(made_by, behavior="dead")
    runner.turns(2)
    assert "continues with key" in caplog.text
    assert masks[runner.batch().key_id or ""] == KEYS[1]
    runner.turns(2)
    assert runner.outcome("a").state is RequestState.ANSWERED
    assert runner.billed("a") == [1]
    assert runner.at_openai() == (1, 0)


def test_a_batch_whose_project_has_no_key_left_is_abandoned_and_sent_with_another_key(
    make_runner: Any, caplog: pytest.LogCaptureFixture
) -> None:
    keys = [{"key": KEYS[0], "project": "a"}, {"key": KEYS[1], "project": "b"}]
    runner = make_runner(keys=keys, server={"batch_seconds": 3600})
    runner.park("a")
    runner.turn()
    runner.simulator.set_key(KEYS[0], behavior="dead")
    runner.simulator.set_server(batch_seconds=0.0)
    runner.turns(6)
    runner.turns(11, 300)
    runner.turns(4)
    assert runner.outcome("a").state is RequestState.SENT, "the batch was given up after one refusal"
    runner.turns(1)
    lost = [record for record in caplog.records if "is given up" in record.getMessage()]
    assert [record.levelname for record in lost] == ["ERROR"]
    assert "may be billed twice" in lost[0].getMessage()
    runner.turns(4)
    assert runner.outcome("a").state is RequestState.ANSWERED
    batches = runner.simulator.batches()["batches"]
    assert [batch["project"] for batch in batches] == ["a", "b"]
    assert runner.manager.store.spent().calls == 2, "the first batch may be billed, so it must stay charged"


def test_a_batch_whose_key_was_removed_is_abandoned_sooner(make_runner: Any) -> None:
    keys = [{"key": KEYS[0], "project": "a"}, {"key": KEYS[1], "project": "b"}]
    runner = make_runner(keys=keys, server={"batch_seconds": 3600})
    runner.park("a")
    runner.turn()
    runner.manager.replace_keys([key for key in runner.manager.keys if key.key_id != runner.batch().key_id])
    runner.turns(5)
    assert runner.outcome("a").state is RequestState.SENT, "the batch was given up before a new key could be added"
    runner.turns(2)
    assert [batch["project"] for batch in runner.simulator.batches()["batches"]] == ["a", "b"]


@pytest.mark.parametrize("others", [0, 1], ids=["alone", "among others"])
def test_a_key_that_was_refused_temporarily_keeps_its_batch(make_runner: Any, others: int) -> None:
    """If the key is accepted again within an hour, nothing is charged twice."""
    runner = make_runner(keys=[{"key": key, "project": f"proj_{n}"} for n, key in enumerate(KEYS[: 1 + others])])
    runner.park("a")
    runner.turn()
    runner.simulator.set_key(KEYS[0], behavior="dead")
    runner.turn(60)
    assert runner.batch().unreachable_since is not None
    runner.simulator.set_key(KEYS[0], behavior="ok")
    runner.turns(13, 300)
    assert runner.outcome("a").state is RequestState.ANSWERED
    assert runner.billed("a") == [1]
    assert runner.at_openai() == (1, 0)


def test_a_dead_key_is_not_chosen_again(make_runner: Any) -> None:
    keys = [{"key": KEYS[0], "behavior": "dead"}, {"key": KEYS[1], "project": "b"}]
    runner = make_runner(keys=keys)
    runner.park("a", "b")
    runner.turns(5)
    assert runner.billed("a", "b") == [1, 1]
    assert {runner.outcome(name).attempts for name in "ab"} == {1}


# --- cancellation and time limits


def test_a_batch_without_waiting_jobs_is_canceled_at_openai(make_runner: Any) -> None:
    runner = make_runner(server={"batch_seconds": 3600})
    jobs = runner.park("a", "b")
    runner.turn()
    BatchStore(runner.database).cancel(jobs[0].batch_id)
    runner.turns(3)
    (made,) = runner.simulator.batches()["batches"]
    assert made["status"] == "cancelled"
    runner.turns(3)
    assert {runner.outcome(name).state for name in "ab"} == {RequestState.WITHDRAWN}
    assert runner.billed("a", "b") == [0, 0]
    assert runner.at_openai() == (1, 0)
    assert runner.manager.store.spent() == Spent()


def test_a_batch_that_exceeds_the_jobs_maximum_wait_is_canceled_and_the_job_makes_the_call(make_runner: Any) -> None:
    runner = make_runner(server={"batch_seconds": 10**6}, openai_batch_max_wait_seconds=HOUR)
    (job,) = runner.park("a")
    runner.turns(11, 300)
    runner.turns(4)
    assert runner.outcome("a").state is RequestState.SENT
    runner.turns(4)
    assert runner.outcome("a").state is RequestState.DIRECT
    assert runner.woken() == {job.id}
    assert [batch["status"] for batch in runner.simulator.batches()["batches"]] == ["cancelled"]


def test_a_late_request_does_not_cancel_the_batch_of_newer_ones(make_runner: Any) -> None:
    """A first batch expired after a day, so its request has only two hours left when newer requests are sent."""
    runner = make_runner(server={"batch_ends": "expired", "batch_answered": 0.0})
    runner.park("old")
    runner.turn()
    runner.turn(24 * HOUR)
    assert runner.outcome("old").state is RequestState.PARKED
    runner.simulator.set_server(batch_seconds=10**6)
    runner.park("new")
    runner.turns(2)
    runner.turn(2 * HOUR)
    runner.turns(3)
    assert runner.outcome("old").state is RequestState.DIRECT
    assert (runner.outcome("new").state, runner.outcome("new").attempts) == (RequestState.SENT, 1)


def test_a_batch_that_never_ends_is_given_up_when_its_files_have_expired(make_runner: Any) -> None:
    runner = make_runner(server={"batch_seconds": 10**9, "batch_cancel_seconds": 10**9})
    (job,) = runner.park("a")
    runner.turns(26, HOUR)
    runner.jobs.cancel(job.id)
    runner.turns(45, HOUR)
    assert runner.batch().state is LlmBatchState.RUNNING
    runner.turns(2, HOUR)
    assert runner.batch().state is LlmBatchState.CLOSED
    assert runner.outcome("a").state.is_open is False


def test_a_batch_with_an_unknown_status_is_not_sent_again(make_runner: Any) -> None:
    """A gateway may name the status of a running batch differently."""
    runner = make_runner(server={"batch_seconds": 3600})
    runner.park("a")
    runner.turn()
    api = runner.parts.api
    queued = CrashingApi(api, {"look": lambda *args: api.look(*args).model_copy(update={"status": "queued"})})
    replace(runner, parts=replace(runner.parts, api=queued)).turns(5)
    runner.simulator.set_server(batch_seconds=0.0)
    runner.turns(2)
    assert runner.billed("a") == [1]
    assert runner.outcome("a").state is RequestState.ANSWERED


def test_a_request_that_cannot_be_sent_goes_back_to_its_job(make_runner: Any) -> None:
    """No key is usable for a day, so the request goes back after the maximum wait."""
    runner = make_runner(keys=[{"key": KEYS[0], "behavior": "no_quota"}], openai_batch_max_wait_seconds=HOUR)
    with pytest.raises(openai.RateLimitError):
        runner.manager.get_client().chat.completions.create(model=MODEL, messages=messages("x"))  # type: ignore
    (job,) = runner.park("a")
    runner.turn(HOUR - 1)
    assert runner.outcome("a").state is RequestState.PARKED
    runner.turn(1)
    assert runner.outcome("a").state is RequestState.DIRECT
    assert runner.woken() == {job.id}


def test_a_request_that_was_answered_meanwhile_is_not_sent(make_runner: Any) -> None:
    runner = make_runner()
    (job,) = runner.park("a")
    AnswerStore(runner.database).save_model_answer(request_of("a").question, StoredAnswer({}, MODEL, 1, 1))
    runner.turns(2)
    assert runner.at_openai() == (0, 0)
    assert runner.woken() == {job.id}


# --- budgets: a request has 140 tokens and costs (2 x 100 + 8 x 40) / 2 = 260 microdollars


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
def test_requests_beyond_a_daily_budget_wait_for_the_next_day(make_runner: Any, budget: dict[str, Any]) -> None:
    runner = make_runner(server={"batch_seconds": 10**6}, openai_batch_max_wait_seconds=48 * HOUR, **budget)
    runner.park("a", "b", "c")
    runner.turns(3)
    assert sum(batch.requests for batch in runner.parts.batches.newest()) == 2
    assert runner.states("abc") == {RequestState.SENT: 2, RequestState.PARKED: 1}
    assert runner.at_openai() == (1, 1), "a request without budget was uploaded"
    runner.turn(24 * HOUR)
    assert runner.states("abc") == {RequestState.SENT: 3}


def test_requests_beyond_their_batchs_budget_go_back_to_their_jobs_and_other_batches_continue(make_runner: Any) -> None:
    runner = make_runner(server={"batch_seconds": 10**6}, budget_batch_model_calls=1)
    poor = runner.park("a", "b")
    runner.park("c")
    runner.turns(2)
    assert runner.states("ab") == {RequestState.SENT: 1, RequestState.DIRECT: 1}
    assert runner.outcome("c").state is RequestState.SENT
    assert len(runner.woken() & {job.id for job in poor}) == 1


# --- secrets and page text


def test_logs_and_errors_contain_no_page_text_and_no_key(make_runner: Any, caplog: pytest.LogCaptureFixture) -> None:
    keys = [{"key": KEYS[0], "project": "a"}, {"key": KEYS[1], "project": "b"}]
    runner = make_runner(keys=keys, server={"batch_line_status": 500, "echoes_key": True})
    with caplog.at_level("INFO"):
        runner.park("secret-villa")
        runner.turns(2)
        runner.simulator.set_key(KEYS[0], behavior="dead")
        runner.simulator.set_key(KEYS[1], behavior="forbidden")
        runner.turns(12)
    told = caplog.text + " ".join(str(batch) for batch in runner.parts.batches.newest())
    assert "Batch" in told
    assert "secret-villa" not in told
    assert not any(key in told for key in KEYS)
