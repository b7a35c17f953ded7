"""Whatever a model provider answers, a job keeps its page's own values, and a batch keeps its good lines."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import openai
import pytest

from app.clock import ManualClock
from app.property.address.american import read as read_address
from app.property.storage.database import Database
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.repository import JobStore
from app.property.storage.llm.cache import AnswerStore
from app.property.storage.llm.tables import LlmBatchState, RequestState
from app.property.storage.privacy.suppressions import PurgedNames
from app.services.batches.parts import open_parts
from app.services.openai_client_manager import build_manager
from app.services.runtime.resources import Resources, open_resources
from app.services.scraping.run import Run
from app.services.scraping.web_search import WebSearcher
from app.settings import Settings
from tasks.retry_policy import JobProgress, Wait, decide
from tests.integration.test_model_batches import START, Runner, request_of
from tests.integration.test_scrape_service import LISTING
from tests.plugins.hostile_provider import HostileProvider, completion, good, http
from tests.security.test_hostile_providers import ODD_STATUSES, ODD_USAGES, UNUSABLE

KEY = "sk-simulator-0123456789abcdef0123"
NOW = datetime(2026, 12, 1, tzinfo=UTC)
Start = Callable[[Callable[[int], Iterable[bytes]]], HostileProvider]


def _fact(value: str, quote: str = '"a slate roof"', field: str = "Roof") -> list[bytes]:
    """Return a completion whose content has the JSON text `value`."""
    return good(f'{{"facts": [{{"field": "{field}", "value": {value}, "quote": {quote}}}]}}')


#: Completions that are well-formed, with contents that are not.
ODD_CONTENTS: dict[str, list[bytes]] = {
    "5,000 digits": _fact("9" * 5_000, field="YearBuilt"),
    "4,000 digits": _fact("9" * 4_000, field="YearBuilt"),
    "1e999": _fact("1e999", field="ListPrice"),
    "NaN": _fact("NaN", field="ListPrice"),
    "deep": _fact("[" * 5_000 + "]" * 5_000),
    "unclosed": good("[" * 100_000),
    "a lone surrogate": _fact('["\\ud800 slate"]', '"\\udfff a slate roof"'),
    "a NUL": _fact('["sla\\u0000te"]'),
    "a text of 1 MB": good("x" * 1_000_000),
    "a refusal of 1 MB": good(
        choices=[{"index": 0, "message": {"role": "assistant", "content": None, "refusal": "no " * 300_000}}]
    ),
    "an unknown finish": good("{}", choices=[{**completion("{}")["choices"][0], "finish_reason": "eos" * 1_000}]),
    "an unknown tier": good("{}", service_tier="x" * 200, model="m" * 200),
    **{f"usage: {name}": good("{}", usage=usage) for name, usage in ODD_USAGES.items() if name != "infinite"},
}


@pytest.fixture
def scrape(
    make_settings: Callable[..., Settings], provider: Start, site: Any
) -> Iterator[Callable[[list[bytes], Run], Any]]:
    """Yield a function that scrapes an honest page while the provider gives an answer."""
    answers: list[list[bytes]] = []
    server = provider(lambda _: answers[-1])
    settings = make_settings(
        fetch_allowed_private_networks=(ip_network("127.0.0.0/8"),),
        openai_api_keys=KEY, openai_base_url=server.url, openai_max_wait_seconds=0,
    )  # fmt: skip
    with open_resources(settings) as resources:

        def run(answer: list[bytes], *, is_due: bool) -> Any:
            answers.append(answer)
            url = site.page(f"/house/{len(answers)}", LISTING.encode())
            return resources.scraper.scrape(url, _run_of(resources, url, is_due=is_due))

        yield run


def _run_of(resources: Resources, url: str, *, is_due: bool) -> Run:
    (job_id,) = resources.jobs.enqueue([url]).new
    resources.jobs.claim(job_id, "test", 30)
    return Run(Lease(job_id, "test"), is_last=is_due, is_due=is_due)


#: The pool's tests try all of them.
SOME = (
    *("204", "empty", "HTML", "truncated", "null", "5,000 digits", "lists, 100,000 deep", "lists, 900 deep"),
    *("a lone surrogate", "invalid UTF-8", "broken gzip", "choices: []", "choices: null", "message null"),
    *("content a list", "302 elsewhere", "304 without a location", "600"),
)


@pytest.mark.parametrize("name", SOME)
def test_a_job_without_a_usable_answer_stores_the_pages_own_values(scrape: Any, name: str) -> None:
    """As in an outage: the job waits, and at its deadline it is done without the model's values."""
    answer = {**UNUSABLE, **ODD_STATUSES}[name]
    with pytest.raises(openai.APIError) as caught:
        scrape(answer, is_due=False)
    progress = JobProgress(retries=0, waited_seconds=0, deadline_seconds=600)
    decision = decide(caught.value, progress, now=NOW, rng=random.Random(1), model="m")
    assert isinstance(decision, Wait)
    outcome = scrape(answer, is_due=True)
    assert {"ListPrice": 310000, "BedroomsTotal": 3}.items() <= outcome.record.items()
    assert "Roof" in outcome.wanted_model
    assert "The API's answer cannot be used: it" in outcome.model_note
    assert "Traceback" not in outcome.model_note


@pytest.mark.parametrize("name", ODD_CONTENTS)
def test_an_odd_content_costs_only_its_own_values(scrape: Any, name: str) -> None:
    outcome = scrape(ODD_CONTENTS[name], is_due=False)
    assert {"ListPrice": 310000, "BedroomsTotal": 3}.items() <= outcome.record.items()
    assert len(outcome.model_note or "") < 2_000
    json.dumps(outcome.as_json(), ensure_ascii=False).encode()


# --- web search

_SEARCH = {"id": "r1", "object": "response", "created_at": 1, "model": "m", "status": "completed"}
_OUTPUT = {"type": "message", "id": "m1", "role": "assistant", "status": "completed"}
ODD_SEARCHES: dict[str, Any] = {
    "content null": {**_SEARCH, "output": [{**_OUTPUT, "content": None}]},
    "content a number": {**_SEARCH, "output": [{**_OUTPUT, "content": 5}]},
    "texts of numbers": {**_SEARCH, "output": [{**_OUTPUT, "content": [{"type": "output_text", "text": 5}]}]},
    "annotations a text": {
        **_SEARCH,
        "output": [{**_OUTPUT, "content": [{"type": "output_text", "text": "x", "annotations": "x"}]}],
    },
    "places of texts": {
        **_SEARCH,
        "output": [{**_OUTPUT, "content": [{"type": "output_text", "text": "Year built: 1990", "annotations": [
            {"type": "url_citation", "url": {}, "start_index": "a", "end_index": -1, "title": []}]}]}],
    },
    "unknown items": {**_SEARCH, "output": [{"type": "x" * 1_000, "a": {"b": [1]}}]},
    "action a text": {**_SEARCH, "output": [{"type": "web_search_call", "id": 5, "action": "x", "status": {}}]},
    "sources of numbers": {
        **_SEARCH,
        "output": [{"type": "web_search_call", "id": "w", "action": {"type": "search", "sources": [1, {"url": 5}]}}],
    },
    "usage a text": {**_SEARCH, "output": [], "usage": "much"},
    "no usage in part": {**_SEARCH, "output": [], "usage": {"total_tokens": 5}},
    "huge numbers": {**_SEARCH, "output": [{"type": "x", "n": 1e300, "m": 10**300}], "created_at": 10**300},
    "surrogates as text": {**_SEARCH, "output": [{**_OUTPUT, "content": [{"type": "output_text", "text": "\\ud800"}]}]},
}  # fmt: skip


@pytest.fixture
def search(provider: Start, tmp_path: Path) -> Iterator[Callable[[list[bytes]], Any]]:
    answers: list[list[bytes]] = []
    server = provider(lambda _: answers[-1])
    clock = ManualClock(START)
    settings = Settings.of(
        openai_api_keys=KEY, openai_base_url=server.url, openai_max_wait_seconds=0, propintel_home=tmp_path
    )
    database = Database(f"sqlite:///{tmp_path / 'a.sqlite3'}", clock)
    with build_manager(settings) as manager:
        searcher = WebSearcher(AnswerStore(database), manager, "m", clock, PurgedNames(database))

        def ask(answer: list[bytes]) -> Any:
            answers.append(answer)
            manager.store.act(manager.keys[0].key_id, "close")
            address = read_address("12 Main St, Springfield, IL 62701")
            return searcher.search(f"12 Main St {len(answers)}", address, ("a.test",), START)

        yield ask
    database.close()


def test_a_search_without_a_usable_answer_says_why(search: Any) -> None:
    for name in SOME:
        found = search({**UNUSABLE, **ODD_STATUSES}[name])
        assert isinstance(found, str), name
        assert "its web search: The API's answer cannot be used" in found, name


@pytest.mark.parametrize("name", ODD_SEARCHES)
def test_an_odd_search_answer_raises_nothing(search: Any, name: str) -> None:
    found = search(http(json.dumps(ODD_SEARCHES[name]).encode()))
    assert isinstance(found, str) or found.answer.urls() is not None


# --- batches


def _line(name: str, body: Any, **changes: Any) -> bytes:
    row = {"custom_id": request_of(name).id, "response": {"status_code": 200, "body": body}, "error": None, **changes}
    return json.dumps(row).encode()


def _lines() -> list[bytes]:
    """Return hostile lines, and good ones for "a" and "c" between them."""
    answer = json.dumps(completion()).encode()
    return [
        b"null", b"[]", b"5", b'"x"', b"9" * 5_000, b"[" * 100_000, b'{"custom_id": ' + b"9" * 5_000 + b"}",
        b"\xff\xfe",
        _line("a", completion("from 1998")),
        b'{"custom_id": "x", "response": "no"}', b'{"custom_id": ["x"], "response": {"status_code": [200]}}',
        b'{"custom_id": {"a": 1}, "response": {"status_code": 200, "body": []}}',
        b'{"custom_id": "x", "response": {"status_code": 400, "body": {"error": {"code": [1], "message": {"a": 1}}}}}',
        b'{"custom_id": "%s"}' % (b"x" * 100_000), b'{"error": {"message": 5, "code": 1e999}}',
        _line("b", {"choices": None, "usage": {"prompt_tokens": -5, "completion_tokens": 10**30}}),
        b'{"custom_id": "x", "response": {"status_code": 200, "body": ' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}}",
        _line("b", answer.decode()), b"x" * 3_000_000,
        _line("c", completion("from 1998")),
        _line("d", completion())[:-40],
    ]  # fmt: skip


@pytest.fixture
def make_hostile_runner(provider: Start, tmp_path: Path) -> Iterator[Callable[..., tuple[Runner, list[str]]]]:
    """Yield a function that starts a batch runner, and a provider that gives the answer of each "METHOD /path"."""
    closing: list[Callable[[], None]] = []

    def make(answers: dict[str, Any]) -> Runner:
        server = provider(lambda number: _of(answers, server.requests[number].replace("/v1", "")))
        clock = ManualClock(START)
        chosen = Settings.of(
            openai_api_keys=KEY, openai_base_url=server.url, propintel_home=tmp_path, openai_max_wait_seconds=0,
            openai_batch_collect_seconds=0, openai_max_answer_megabytes=2,
        )  # fmt: skip
        database = Database(f"sqlite:///{tmp_path / 'store.sqlite3'}", clock)
        manager = build_manager(chosen, clock)
        closing.extend((database.close, manager.close))
        parts = open_parts(chosen, database, manager)
        assert parts is not None
        simulator: Any = None  # the provider takes its place
        return Runner(simulator, database, clock, chosen, manager, JobStore(database), parts)

    yield make
    for close in closing:
        close()


def _of(answers: dict[str, Any], request: str) -> Iterable[bytes]:
    answer = next(answer for prefix, answer in answers.items() if request.startswith(prefix))
    return answer if isinstance(answer, list) else http(json.dumps(answer).encode())


def _batch(status: str, **changes: Any) -> dict[str, Any]:
    made = {"id": "batch_1", "object": "batch", "status": status, "created_at": START.timestamp(), "metadata": {}}
    return {**made, "endpoint": "/v1/chat/completions", "input_file_id": "f1", "completion_window": "24h", **changes}


def test_hostile_lines_of_a_result_file_lose_no_other_line(make_hostile_runner: Any) -> None:
    runner = make_hostile_runner(
        {
            "POST /files": {"id": "f1"},
            "POST /batches": _batch("in_progress"),
            "GET /batches/": _batch("completed", output_file_id="out"),
            "GET /files/out": http(b"\n".join(_lines()), kind="application/octet-stream"),
            "DELETE": {"id": "f1", "deleted": True},
        }
    )
    runner.park("a", "b", "c", "d")
    runner.turns(2)
    assert runner.states("ac") == Counter({RequestState.ANSWERED: 2})
    assert runner.outcome("d").state is not RequestState.ANSWERED
    first = runner.parts.batches.newest(2)[-1]
    assert first.state is LlmBatchState.CLOSED


@pytest.mark.parametrize("name", ["204", "5,000 digits", "null", "302 elsewhere"])
@pytest.mark.parametrize("step", ["POST /files", "POST /batches", "GET /batches/", "GET /files/out"])
def test_an_unusable_answer_delays_a_batch_and_ends_no_step_as_a_defect(
    make_hostile_runner: Any, step: str, name: str
) -> None:
    answers: dict[str, Any] = {
        "POST /files": {"id": "f1"},
        "POST /batches": _batch("in_progress"),
        "GET /batches?": {"object": "list", "data": [], "has_more": False},
        "GET /batches/": _batch("completed", output_file_id="out"),
        "GET /files/out": http(_line("a", completion()), kind="application/octet-stream"),
        "DELETE": {"id": "f1", "deleted": True},
    }
    honest = answers[step]
    answers[step] = {**UNUSABLE, **ODD_STATUSES}[name]
    runner = make_hostile_runner(answers)
    runner.park("a")
    runner.turns(3)
    answers[step] = honest
    runner.turns(30, 120)
    assert runner.outcome("a").state is RequestState.ANSWERED


def test_a_list_of_batches_without_an_end_is_left(make_hostile_runner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.services.batches.api._MAX_LISTED", 50)
    page = {"object": "list", "data": [_batch("completed", id="other")], "has_more": True}
    runner = make_hostile_runner({"GET /batches": page})
    key_id = runner.manager.keys[0].key_id
    assert runner.parts.api.find(key_id, "mine", START) is None
