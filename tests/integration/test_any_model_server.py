"""The model step with servers that support less than OpenAI, with reasoning models, and with service tiers.

The client learns from a rejected request which options a server lacks. An option that a server silently ignores must do
no harm. The flex tier is not used while it has no capacity.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from app.clock import ManualClock
from app.keypool.keys import make_keys
from app.keypool.pricing import make_pricing
from app.property.page import Page
from app.property.reading.base import Extraction
from app.property.reading.model.llm import ServiceTier
from app.property.reading.model.prompt import build_prompt
from app.property.reading.pipeline import extract
from app.property.storage.database import Database
from app.property.storage.llm.cache import AnswerStore, Question, StoredAnswer
from app.property.storage.statements import digest
from app.services.openai_client_manager import OpenAIClientManager
from app.services.reports.metrics.instruments import REGISTRY
from app.services.scraping.model_reading import ModelReader, ModelReading

MODEL = "gpt-5-mini"


@pytest.fixture
def answers(tmp_path: Path, clock: ManualClock) -> Iterator[AnswerStore]:
    database = Database(f"sqlite:///{tmp_path / 'a.sqlite3'}", clock)
    yield AnswerStore(database)
    database.close()


class Asking:
    """Each page is a separate model call."""

    def __init__(self, answers: AnswerStore, clock: ManualClock, simulator: Any, tier: ServiceTier | None) -> None:
        self.answers, self.simulator, self.pages = answers, simulator, 0
        self.manager = OpenAIClientManager(
            make_keys(simulator.keys),
            **{"base_url": simulator.base_url, "max_wait_seconds": 0.2, "price": make_pricing()},
            **({"timeout_seconds": 3} if tier == "flex" else {}),
        )
        self.reader = ModelReader(answers, self.manager, MODEL, clock, service_tier=tier)

    def read(self) -> ModelReading:
        self.pages += 1
        return self.reader.read(page(self.pages))

    def kept(self, number: int) -> StoredAnswer | None:
        extraction = page(number)
        prompt = build_prompt(extraction)
        asked = digest({"messages": prompt.messages, "schema": prompt.schema})
        question = Question(extraction.page.sha256, tuple(sorted(prompt.fields)), MODEL, asked)
        return self.answers.model_answer(question)

    def ask(self) -> tuple[str | None, str | None]:
        """Return the reading's note, and the service tier of the stored answer, or None."""
        found = self.read()
        kept = self.kept(self.pages)
        return found.note, kept.service_tier if kept else None

    def requests(self) -> int:
        """Return the number of requests sent so far, including rejected ones."""
        return sum(int(key["requests"]) for key in self.manager.get_stats()["keys"].values())


@pytest.fixture
def asking(
    answers: AnswerStore, clock: ManualClock, openai_simulator: Callable[..., Any]
) -> Iterator[Callable[..., Asking]]:
    opened: list[Asking] = []

    def start(tier: ServiceTier | None = None, **server: Any) -> Asking:
        opened.append(Asking(answers, clock, openai_simulator(**server), tier))
        return opened[-1]

    yield start
    for one in opened:
        one.manager.close()


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
    """The model reasons without end. Like Ollama, the server ignores the newer option for the token limit."""
    asks = asking(limits="max_tokens", ignores_unknown=True, reasoning_tokens=1_000_000)
    note = asks.read().note
    assert note is not None
    assert "0 of" in note
    assert asks.manager.store.spent().tokens < 100_000


def test_a_reasoning_model_gets_a_higher_token_limit_and_both_answers_are_counted(
    asking: Callable[..., Asking],
) -> None:
    """The first answer contains only reasoning, so the call is repeated at once."""
    asks = asking(reasoning_tokens=3_000)
    assert is_read(asks.read())
    assert asks.requests() == 2
    both = asks.manager.store.spent().tokens
    for _ in range(3):
        assert is_read(asks.read())
    assert asks.requests() == 5
    one = (asks.manager.store.spent().tokens - both) / 3
    assert one > 3_000
    assert 0 < both - one < 5_000  # the first answer was limited to the tokens of a model without reasoning
    first, second = asks.kept(1), asks.kept(2)
    assert first
    assert second
    assert first.prompt_tokens + first.completion_tokens == both
    assert second.prompt_tokens + second.completion_tokens < both


def test_an_error_that_no_other_request_format_avoids_leaves_a_note(asking: Callable[..., Asking]) -> None:
    asks = asking(models=["another"])
    assert "HTTP 404" in (asks.read().note or "")
    assert asks.requests() == 1


# --- service tiers


def tiers_counted() -> dict[tuple[str, str], float]:
    samples = [s for m in REGISTRY.collect() for s in m.samples if s.name == "propintel_model_tiers_total"]
    return {(s.labels["wanted"], s.labels["served"]): s.value for s in samples}


@pytest.mark.parametrize(
    ("wanted", "served"), [(None, "flex"), ("auto", "flex"), ("default", "default"), ("priority", "priority")]
)
def test_a_call_requests_the_tier_and_stores_the_tier_of_the_reply(
    asking: Callable[..., Asking], wanted: ServiceTier | None, served: str
) -> None:
    """The simulated project uses flex for calls without a tier and for tier "auto"."""
    there = asking(wanted, project_tier="flex")
    before = tiers_counted().get((wanted or "none", served), 0.0)
    assert there.ask() == (None, served)
    assert tiers_counted()[wanted or "none", served] == before + 1


@pytest.mark.parametrize("flex", ["unavailable", "hang"])
def test_without_flex_capacity_the_standard_tier_is_used_and_flex_is_paused(
    asking: Callable[..., Asking], clock: ManualClock, flex: str
) -> None:
    there = asking("flex", flex=flex)

    def tried() -> int:
        totals = there.simulator.stats()["totals"]
        return int(totals["no_capacity"] + totals["abandoned"])

    assert [there.ask() for _ in range(3)] == [(None, "default")] * 3
    assert tried() == 1
    clock.advance(29)
    assert there.ask() == (None, "default")
    assert tried() == 1
    clock.advance(1)
    assert there.ask() == (None, "default")
    assert tried() == 2
    clock.advance(59)  # each pause without flex requests is twice as long as the previous one
    assert there.ask() == (None, "default")
    assert tried() == 2
    there.simulator.set_server(flex="ok")
    clock.advance(1)
    assert there.ask() == (None, "flex")
    there.simulator.set_server(flex=flex)
    assert there.ask() == (None, "default")
    clock.advance(30)  # after a success, the first pause is short again
    assert there.ask() == (None, "default")
    assert tried() == 4
    stats = there.manager.get_stats()
    assert [(k["state"], k["failures"], k["rate_limited"]) for k in stats["keys"].values()] == [
        ("closed", 0, False),
        ("closed", 0, False),
    ]
    assert stats["spent_today"]["calls"] == there.pages + (4 if flex == "hang" else 0)


def test_a_rate_limit_of_the_keys_does_not_count_as_missing_flex_capacity(asking: Callable[..., Asking]) -> None:
    """The error is raised, so the job is retried. The standard tier has the same rate limits, so it is not tried."""
    there = asking("flex", start_level=0.0)
    for key in there.simulator.keys:
        there.simulator.set_key(key, rpm=1)
    with pytest.raises(openai.RateLimitError):
        there.ask()
    totals = there.simulator.stats()["totals"]
    assert (totals["rate_limited"], totals["no_capacity"], totals["ok"]) == (2, 0, 0)


def test_a_model_that_does_not_support_the_tier_is_reported_with_the_setting(asking: Callable[..., Asking]) -> None:
    there = asking("flex", flex="unsupported")
    note, kept = there.ask()
    assert kept is None
    assert note is not None
    assert "OPENAI_SERVICE_TIER=flex" in note
    assert "OPENAI_MODEL" in note
    assert there.simulator.stats()["totals"]["ok"] == 0
