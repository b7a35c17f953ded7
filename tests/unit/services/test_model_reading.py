"""Each question to a model is paid for once. If the model fails, values that were read without it are kept."""

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from app.clock import ManualClock, SystemClock
from app.keypool.keys import make_keys
from app.keypool.retry_loop import bound, spending_batch
from app.keypool.spending import NO_BUDGET, Budget, Cap
from app.keypool.stores.memory import MemoryStore
from app.property.page import Page
from app.property.reading.base import Extraction
from app.property.reading.model.tokens import count_tokens
from app.property.reading.pipeline import extract
from app.property.record import Method, PropertyRecord
from app.property.storage.database import Database
from app.property.storage.jobs.leases import Lease
from app.property.storage.llm.cache import AnswerStore
from app.services.openai_client_manager import OpenAIClientManager
from app.services.reports.metrics.instruments import REGISTRY
from app.services.scraping.model_reading import ModelReader
from app.services.scraping.run import Run
from app.settings.forms import ModelUse

HTML = """<html lang="en"><head><title>12 Main St</title></head><body><h1>12 Main St, Springfield, IL 62701</h1>
<p>$310,000</p><p>A quiet home. The house was put up in 1987 and its roof is covered with cedar shakes.</p>
<p>The agent, Mara Quill of Larkspur Homes, shows it.</p></body></html>"""
KEY = "sk-test-0123456789abcdefghijklmnop"
NO_KEYS = OpenAIClientManager(())


@pytest.fixture
def answers(tmp_path: Path, clock: ManualClock) -> Iterator[AnswerStore]:
    database = Database(f"sqlite:///{tmp_path / 'a.sqlite3'}", clock)
    yield AnswerStore(database)
    database.close()


@pytest.fixture
def extraction(clock: ManualClock) -> Extraction:
    url = "https://site.example/1"
    found = extract(Page(url, url, "text/html", HTML, HTML.encode(), clock.now()))
    assert "Roof" in found.asked()
    return found


class Api:
    def __init__(self, respond: Callable[[dict[str, Any]], httpx2.Response]) -> None:
        self.calls = 0
        self._respond = respond

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.calls += 1
        return self._respond(json.loads(request.content))

    def manager(self, budget: Budget = NO_BUDGET) -> OpenAIClientManager:
        """Requests do not wait for capacity, and each costs a dollar."""
        keys = make_keys([KEY])
        return OpenAIClientManager(
            keys,
            base_url="http://api.test/v1",
            max_wait_seconds=0,
            inner=httpx2.MockTransport(self),
            store=MemoryStore(keys, "round_robin", SystemClock(), budget=budget),
            price=lambda *_, **__: 1_000_000,
        )


def completion(content: str | None, **message: Any) -> httpx2.Response:
    body = {
        "id": "c", "object": "chat.completion", "created": 1, "model": "gpt-test-1",
        "choices": [{"index": 0, "finish_reason": "stop",
                     "message": {"role": "assistant", "content": content, "refusal": None, **message}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }  # fmt: skip
    return httpx2.Response(200, json=body)


ROOF = ("Roof", ["cedar shakes"], "roof is covered with cedar shakes")


def facts(*stated: tuple[str, Any, str]) -> str:
    return json.dumps({"facts": [{"field": field, "value": value, "quote": quote} for field, value, quote in stated]})


def roof(_: dict[str, Any]) -> httpx2.Response:
    return completion(facts(ROOF))


def error(status: int, message: str, code: str = "x") -> Callable[[dict[str, Any]], httpx2.Response]:
    return lambda _: httpx2.Response(status, json={"error": {"message": message, "type": "x", "code": code}})


#: The API's answer when a key has no capacity.
slow_down = error(429, "slow down", "rate_limit_exceeded")


def unreachable(_: dict[str, Any]) -> httpx2.Response:
    raise httpx2.ConnectError("no route")


def reader(answers: AnswerStore, api: Api, model: str = "gpt-test", clock: ManualClock | None = None) -> ModelReader:
    return ModelReader(answers, api.manager(), model, clock)


def test_a_question_is_paid_once_across_processes_and_its_answer_is_used_even_without_a_key(
    answers: AnswerStore, extraction: Extraction
) -> None:
    api = Api(roof)
    first = reader(answers, api).read(extraction)
    assert (first.note, first.unanswered) == (None, ())
    proof = first.extraction.record.evidence["Roof"]
    assert proof.method is Method.LLM
    assert proof.quote in HTML
    before = _answers_counted()
    for again in (reader(answers, api), ModelReader(answers, NO_KEYS, "gpt-test")):
        assert again.read(extraction).extraction.record == first.extraction.record
    assert api.calls == 1
    reader(answers, api, model="gpt-other").read(extraction)
    assert api.calls == 2
    without = ModelReader(answers, NO_KEYS, "m-keyless").read(extraction)
    assert without.extraction is extraction
    assert "OPENAI_API_KEYS" in (without.note or "")
    assert "Roof" in without.unanswered
    assert _grown(before) == {"kept": 2, "no_key": 1, "asked": 1, "gpt-other": 1}


@pytest.mark.parametrize(
    ("respond", "pattern", "outcome"),
    [
        (lambda _: completion("no JSON at all"), "not the requested JSON", "invalid"),
        (lambda _: completion(""), "empty", "invalid"),
        (lambda _: completion(None, refusal="I would rather not"), "I would rather not", "refused"),
        (error(400, "bad schema"), "HTTP 400, .*bad schema", "failed"),
        (error(401, f"Incorrect API key provided: {KEY}"), "HTTP 401", "failed"),
        (error(403, "no access to this model"), "HTTP 403", "failed"),
        (error(500, "boom"), "HTTP 500", "failed"),
        (unreachable, "Connection error", "failed"),
    ],
    ids=["rubbish", "empty", "refusal", "400", "401", "403", "500", "unreachable"],
)
def test_a_failing_model_is_a_note_is_counted_and_costs_no_value(
    answers: AnswerStore, extraction: Extraction, respond: Any, pattern: str, outcome: str
) -> None:
    before = _answers_counted()
    found = ModelReader(answers, Api(respond).manager(), "m-failing").read(extraction)
    assert found.extraction is extraction
    assert found.note is not None
    assert re.search(pattern, found.note)
    assert KEY not in found.note
    assert "Roof" in found.unanswered
    assert _grown(before) == {outcome: 1, "m-failing": 1}


@pytest.mark.parametrize(
    ("content", "calls"),
    [({"content": None, "refusal": "no"}, 1), ({"content": "no JSON at all"}, 2), ({"content": ""}, 1)],
)
def test_an_unusable_answer_is_not_paid_for_again_within_an_hour(
    answers: AnswerStore, extraction: Extraction, clock: ManualClock, content: Any, calls: int
) -> None:
    """After an answer that is not JSON, the model is called a second time, with the schema."""
    bad = Api(lambda _: completion(**content))
    first = reader(answers, bad, clock=clock).read(extraction)
    clock.advance(3_600)
    again = reader(answers, bad, clock=clock).read(extraction)
    assert (bad.calls, again.note, again.unanswered) == (calls, first.note, first.unanswered)
    assert first.note
    clock.advance(1)
    good = Api(roof)
    assert reader(answers, good, clock=clock).read(extraction).note is None
    assert good.calls == 1


def cut(_: dict[str, Any]) -> httpx2.Response:
    answer = completion(facts(ROOF, ("YearBuilt", 1987, "put up in 1987"))[:-8])
    body = answer.json()
    body["choices"][0]["finish_reason"] = "length"
    return httpx2.Response(200, json=body)


def test_complete_values_of_a_truncated_answer_are_kept(
    answers: AnswerStore, extraction: Extraction, clock: ManualClock
) -> None:
    api = Api(cut)
    found = reader(answers, api, clock=clock).read(extraction)
    again = reader(answers, api, clock=clock).read(extraction)
    assert api.calls == 1
    assert found.extraction.record.values["Roof"] == ["cedar shakes"]
    assert found.note is not None
    assert "cut off at the token limit" in found.note
    assert found.unanswered
    assert "Roof" not in found.unanswered
    assert (again.note, again.unanswered, again.extraction.record) == (
        found.note,
        found.unanswered,
        found.extraction.record,
    )


def invented(_: dict[str, Any]) -> httpx2.Response:
    agent = ("ListAgentFullName", "Mara Quillen", "The agent, Mara Quill")
    return completion(facts(ROOF, agent, ("ListOfficeName", "Nightjar Homes", "of Nightjar Homes")))


def _dropped_counted() -> dict[str, float]:
    samples = (sample for family in REGISTRY.collect() for sample in family.samples)
    return {s.labels["flaw"]: s.value for s in samples if s.name == "propintel_model_values_dropped_total"}


def test_dropped_values_are_named_in_the_note_and_counted_by_their_flaw(
    answers: AnswerStore, extraction: Extraction
) -> None:
    before = _dropped_counted()
    found = reader(answers, Api(invented)).read(extraction)
    assert found.note == (
        "Not stored, because the page's text does not confirm the model's values: ListAgentFullName, ListOfficeName."
    )
    assert found.unanswered == ()
    assert "Roof" in found.extraction.record.values
    assert found.extraction.dropped == 2
    grown = {flaw: value - before.get(flaw, 0.0) for flaw, value in _dropped_counted().items()}
    assert {flaw: n for flaw, n in grown.items() if n} == {"not_stated": 1, "not_in_text": 1}


@pytest.mark.parametrize(
    ("respond", "pattern"),
    [
        (error(429, "quota", "insufficient_quota"), r"no OpenAI key has quota left; add credit"),
        (
            error(429, "Request too large for gpt-test: Limit 90, Requested 99.", "rate_limit_exceeded"),
            r"Limit 90, Requested 99\. Waiting never helps: use keys with a higher limit",
        ),
    ],
    ids=["quota", "too large"],
)
def test_a_429_that_waiting_cannot_fix_is_a_note_that_names_the_remedy(
    answers: AnswerStore, extraction: Extraction, respond: Any, pattern: str
) -> None:
    found = reader(answers, Api(respond)).read(extraction)
    assert found.extraction is extraction
    assert found.note is not None
    assert re.search(pattern, found.note), found.note
    assert "Scrape again" in found.note
    assert found.asks_again, "the next job does not ask again"
    assert "Error code" not in found.note, "the note contains the SDK's own words"
    assert "Roof" in found.unanswered


@pytest.mark.parametrize(
    ("budget", "pattern"),
    [
        (Budget(batch=Cap(calls=0)), r"batch.* model calls .*BUDGET_BATCH_MODEL_CALLS.*another batch"),
        (Budget(day=Cap(microusd=999_999)), r"day.* US dollars .*BUDGET_DAILY_USD.*00:00 UTC"),
        (Budget(key_day=Cap(tokens=9)), r"key.* tokens .*BUDGET_KEY_DAILY_TOKENS.*00:00 UTC"),
    ],
    ids=["batch", "day", "key"],
)
def test_an_exhausted_budget_is_a_note_that_names_it(
    answers: AnswerStore, extraction: Extraction, budget: Budget, pattern: str
) -> None:
    api, before = Api(roof), _answers_counted()
    with bound(spending_batch, "b"):
        found = ModelReader(answers, api.manager(budget), "m-capped").read(extraction)
    assert api.calls == 0
    assert found.extraction is extraction
    assert found.note is not None
    assert re.search(pattern, found.note), found.note
    assert found.asks_again
    assert _grown(before) == {"budget": 1}


def _answers_counted() -> dict[str, float]:
    names = {"propintel_model_answers_total": "outcome", "propintel_model_call_seconds_count": "model"}
    samples = (sample for family in REGISTRY.collect() for sample in family.samples if sample.name in names)
    return {sample.labels[names[sample.name]]: sample.value for sample in samples}


def _grown(before: dict[str, float]) -> dict[str, float]:
    grown = {name: value - before.get(name, 0.0) for name, value in _answers_counted().items()}
    return {name: value for name, value in grown.items() if value}


@pytest.mark.parametrize(
    ("respond", "outcome", "measured"),
    [
        (roof, "asked", 1),
        (cut, "cut", 1),
        (error(429, "no money", "insufficient_quota"), "failed", 0),
        (slow_down, None, 0),
    ],
)
def test_every_answer_is_counted_by_its_outcome(
    answers: AnswerStore, extraction: Extraction, respond: Any, outcome: str | None, measured: int
) -> None:
    """A lack of capacity is not counted, because the job is retried."""
    before = _answers_counted()
    reader = ModelReader(answers, Api(respond).manager(), "m-counted")
    with pytest.raises(openai.RateLimitError) if outcome is None else contextlib.nullcontext():
        reader.read(extraction)
    assert _grown(before) == {n: v for n, v in {outcome: 1.0, "m-counted": float(measured)}.items() if n and v}


@pytest.mark.parametrize(("use", "asked"), [("always", "YearBuilt"), ("missing", "BedroomsTotal"), ("never", None)])
def test_the_setting_decides_what_a_model_is_asked_for(
    answers: AnswerStore, extraction: Extraction, use: ModelUse, asked: str | None
) -> None:
    """The page's year is certain, so it is requested only with `always`. With `never`, the next model is asked."""
    sent: list[str] = []

    def note(request: dict[str, Any]) -> httpx2.Response:
        sent.append(request["messages"][1]["content"].rpartition("\nWanted: ")[2])
        return completion(facts())

    proof = extraction.record.evidence["ListPrice"]
    year = proof.model_copy(update={"value": 1987, "confidence": 0.95})
    known = replace(extraction, record=PropertyRecord(values={"YearBuilt": 1987}, evidence={"YearBuilt": year}))
    found = ModelReader(answers, Api(note).manager(), "m-used", use=use).read(known)
    assert len(sent) == (asked is not None)
    assert all(asked in one for one in sent)
    assert all(("YearBuilt" in one) is (use == "always") for one in sent)
    assert (found.note, found.unanswered, found.asks_again) == (None, (), use == "never")


def test_a_page_is_sent_within_the_configured_tokens(answers: AnswerStore, extraction: Extraction) -> None:
    sent: list[str] = []

    def note(request: dict[str, Any]) -> httpx2.Response:
        sent.append(request["messages"][1]["content"])
        return completion(facts())

    for most in (20, 3_500):
        found = ModelReader(answers, Api(note).manager(), f"m-{most}", text_tokens=most).read(extraction)
        assert (found.note, found.unanswered) == (None, ())
    small, whole = (text.partition("\n")[2].partition("\n</page-")[0] for text in sent)
    assert count_tokens(small) <= 20 < count_tokens(whole)
    assert "cedar shakes" in whole


def test_a_certain_value_is_checked_by_the_model_with_always(answers: AnswerStore, extraction: Extraction) -> None:
    price = facts(("ListPrice", 310_000, "$310,000"))
    sure = extraction.record.evidence["ListPrice"].model_copy(update={"confidence": 0.95})
    known = replace(extraction, record=PropertyRecord(values={"ListPrice": 310_000}, evidence={"ListPrice": sure}))
    stated = [
        ModelReader(answers, Api(lambda _: completion(price)).manager(), f"m-{use}", use=use).read(known)
        for use in ("always", "missing")
    ]
    checked = [{c.field for c in one.extraction.candidates if c.method is Method.LLM} for one in stated]
    assert checked == [{"ListPrice"}, set()]


# --- audits of recipes


def settled(extraction: Extraction) -> Extraction:
    return replace(extraction, settled=frozenset(extraction.asked()), audited=True)


def test_an_audit_asks_for_every_field_that_a_recipe_settled(answers: AnswerStore, extraction: Extraction) -> None:
    found = reader(answers, Api(roof)).read(settled(extraction))
    assert (found.extraction.audited, found.note) == (True, None)
    assert {"Roof", "YearBuilt"} <= set(found.asked)
    unasked = ModelReader(answers, NO_KEYS, "gpt-keyless").read(settled(extraction))
    assert (unasked.asked, unasked.note, unasked.asks_again) == ((), None, False)


@pytest.mark.parametrize(
    "respond", [slow_down, unreachable, error(500, "down"), lambda _: completion("", refusal="No.")]
)
def test_an_audit_without_an_answer_costs_no_page(
    answers: AnswerStore, extraction: Extraction, respond: Callable[[dict[str, Any]], httpx2.Response]
) -> None:
    """A job does not wait for an audit, and an audit without a model is not reported."""
    found = reader(answers, Api(respond)).read(settled(extraction), run=Run(Lease("job", "me")))
    assert (found.extraction.audited, found.asked, found.unanswered, found.note) == (False, (), (), None)
    assert not found.asks_again
