"""The model step works with servers that support less than OpenAI does, and with models that reason.

The client learns from a server's first refusal. Unsupported options that a server ignores silently must do no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.clock import ManualClock
from app.keypool.keys import make_keys
from app.keypool.pricing import make_pricing
from app.property.page import Page
from app.property.reading.base import Extraction
from app.property.reading.model.prompt import build_prompt
from app.property.reading.pipeline import extract
from app.property.storage.database import Database
from app.property.storage.llm.cache import AnswerStore, Question, StoredAnswer
from app.property.storage.statements import digest
from app.services.openai_client_manager import OpenAIClientManager
from app.services.scraping.model_reading import ModelReader, ModelReading

Start = Callable[..., Any]
MODEL = "gpt-5-mini"


@pytest.fixture
def answers(tmp_path: Path, clock: ManualClock) -> Iterator[AnswerStore]:
    database = Database(f"sqlite:///{tmp_path / 'a.sqlite3'}", clock)
    yield AnswerStore(database)
    database.close()


class Asking:
    """A reader of pages, whose pool has the server's keys. Each page is a separate model call."""

    def __init__(self, answers: AnswerStore, clock: ManualClock, simulator: Any) -> None:
        self.answers = answers
        self.manager = OpenAIClientManager(
            make_keys(simulator.keys), base_url=simulator.base_url, max_wait_seconds=0.2, price=make_pricing()
        )
        self.reader = ModelReader(answers, self.manager, MODEL, clock)
        self.pages = 0

    def read(self) -> ModelReading:
        self.pages += 1
        return self.reader.read(page(self.pages))

    def kept(self, number: int) -> StoredAnswer:
        """Return the stored answer about a page."""
        extraction = page(number)
        prompt = build_prompt(extraction)
        asked = digest({"messages": prompt.messages, "schema": prompt.schema})
        found = self.answers.model_answer(Question(extraction.page.sha256, tuple(sorted(prompt.fields)), MODEL, asked))
        assert found is not None
        return found

    def requests(self) -> int:
        """Return the number of requests sent so far, including refused requests."""
        return sum(int(key["requests"]) for key in self.manager.get_stats()["keys"].values())


@pytest.fixture
def asking(answers: AnswerStore, clock: ManualClock, openai_simulator: Start) -> Callable[..., Asking]:
    return lambda **server: Asking(answers, clock, openai_simulator(**server))


def page(number: int) -> Extraction:
    html = (
        f'<html lang="en"><head><title>{number} Main St</title></head><body><h1>{number} Main St, Springfield, IL'
        " 62701</h1><p>$310,000</p><p>A quiet home. Built in 1987. Its slate roof was relaid.</p></body></html>"
    )
    url = f"https://site.example/{number}"
    found = extract(Page(url, url, "text/html", html, html.encode(), ManualClock().now()))
    assert "Roof" in found.asked()
    return found


def is_read(found: ModelReading) -> bool:
    return found.note is None and "Roof" in found.extraction.record.values


@pytest.mark.parametrize(
    ("server", "refusals"),
    [
        ({}, 0),
        ({"limits": "max_tokens"}, 0),
        ({"limits": "max_completion_tokens"}, 1),
        ({"formats": "json_object"}, 1),
        ({"formats": "text"}, 2),
        ({"formats": "text", "limits": "max_completion_tokens"}, 3),
        ({"formats": "text", "answers": "fenced"}, 2),
        ({"answers": "fenced"}, 0),
    ],
)
def test_a_server_with_fewer_options_refuses_each_unsupported_option_once(
    asking: Callable[..., Asking], server: dict[str, Any], refusals: int
) -> None:
    asks = asking(**server)
    assert is_read(asks.read())
    assert asks.requests() == 1 + refusals
    assert is_read(asks.read())
    assert asks.requests() == 2 + refusals


def test_a_server_that_ignores_the_schema_gets_it_in_the_prompt_and_one_more_call(
    asking: Callable[..., Asking],
) -> None:
    asks = asking(formats="text", ignores_unknown=True, answers="fenced")
    assert is_read(asks.read())
    assert asks.requests() == 2
    assert is_read(asks.read())
    assert asks.requests() == 3


def test_an_answer_stays_bounded_if_only_the_older_token_limit_is_respected(asking: Callable[..., Asking]) -> None:
    """The model reasons without end, and the server ignores the newer option for the limit, as Ollama does."""
    asks = asking(limits="max_tokens", ignores_unknown=True, reasoning_tokens=1_000_000)
    note = asks.read().note
    assert note is not None
    assert "0 of" in note
    assert asks.manager.store.spent().tokens < 100_000


def test_a_reasoning_model_gets_a_higher_token_limit_and_both_answers_are_counted(
    asking: Callable[..., Asking],
) -> None:
    """The first answer contains only reasoning, so the call is repeated at once. Later pages need one call each."""
    asks = asking(reasoning_tokens=3_000)
    assert is_read(asks.read())
    assert asks.requests() == 2
    both = asks.manager.store.spent().tokens
    for _ in range(3):
        assert is_read(asks.read())
    assert asks.requests() == 5
    one = (asks.manager.store.spent().tokens - both) / 3
    assert one > 3_000
    assert 0 < both - one < 5_000  # the first answer had the token limit of a model that does not reason
    first, second = asks.kept(1), asks.kept(2)
    assert first.prompt_tokens + first.completion_tokens == both
    assert second.prompt_tokens + second.completion_tokens < both


def test_the_token_limit_adapts_to_the_model(asking: Callable[..., Asking]) -> None:
    asks = asking(reasoning_tokens=3_000)
    limits = []
    for _ in range(4):
        asks.read()
        limits.append(asks.reader.dialect.room)
    assert limits == sorted(limits, reverse=True)
    assert limits[-1] == 4 * 3_000


def test_a_model_that_does_not_reason_gets_no_extra_tokens(asking: Callable[..., Asking]) -> None:
    asks = asking()
    asks.read()
    assert asks.reader.dialect.room == 0


def test_an_error_that_no_other_request_format_avoids_leaves_a_note(asking: Callable[..., Asking]) -> None:
    asks = asking(models=["another"])
    assert "HTTP 404" in (asks.read().note or "")
    assert asks.requests() == 1


def test_the_simulated_server_refuses_options_with_the_apis_errors(openai_simulator: Start) -> None:
    simulator = openai_simulator(limits="max_completion_tokens", formats="json_object")
    body: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}
    with httpx2.Client(timeout=120, headers={"authorization": f"Bearer {simulator.keys[0]}"}) as client:
        url = f"{simulator.base_url}/chat/completions"
        first = client.post(url, json={**body, "max_tokens": 5})
        assert (first.status_code, first.json()["error"]["param"]) == (400, "max_tokens")
        schema = {"name": "x", "schema": {"type": "object"}}
        second = client.post(url, json={**body, "response_format": {"type": "json_schema", "json_schema": schema}})
        assert (second.status_code, second.json()["error"]["param"]) == (400, "response_format")
