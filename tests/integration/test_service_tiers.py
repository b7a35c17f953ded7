"""Model calls request a service tier, record the tier of the reply, and avoid flex while it has no capacity."""

from __future__ import annotations

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
from app.property.storage.llm.cache import AnswerStore, Question
from app.property.storage.statements import digest
from app.services.openai_client_manager import OpenAIClientManager
from app.services.reports.metrics.instruments import REGISTRY
from app.services.scraping.model_reading import ModelReader

MODEL = "gpt-5-mini"


@pytest.fixture
def answers(tmp_path: Path, clock: ManualClock) -> Iterator[AnswerStore]:
    database = Database(f"sqlite:///{tmp_path / 'a.sqlite3'}", clock)
    yield AnswerStore(database)
    database.close()


class Asking:
    """A reader with a pool of the simulator's keys. Each page is a separate model call."""

    def __init__(self, answers: AnswerStore, clock: ManualClock, simulator: Any, tier: ServiceTier | None) -> None:
        self.manager = OpenAIClientManager(
            make_keys(simulator.keys),
            base_url=simulator.base_url,
            max_wait_seconds=0.2,
            timeout_seconds=0.5,
            price=make_pricing(),
        )
        self.reader = ModelReader(answers, self.manager, MODEL, clock, service_tier=tier)
        self.answers = answers
        self.pages = 0

    def ask(self) -> tuple[str | None, str | None]:
        """Read another page; return the reading's note, and the tier of the stored answer or None."""
        self.pages += 1
        extraction = page(self.pages)
        found = self.reader.read(extraction)
        prompt = build_prompt(extraction)
        asked = digest({"messages": prompt.messages, "schema": prompt.schema})
        question = Question(extraction.page.sha256, tuple(sorted(prompt.fields)), MODEL, asked)
        kept = self.answers.model_answer(question)
        return found.note, kept.service_tier if kept else None


def page(number: int) -> Extraction:
    html = f"""<html lang="en"><head><title>{number} Main St</title></head><body><h1>{number} Main St, Springfield</h1>
    <p>$310,000</p><p>A quiet home. The house was built in {1900 + number}. Roof: cedar shakes.</p></body></html>"""
    url = f"https://site.example/{number}"
    return extract(Page(url, url, "text/html", html, html.encode(), ManualClock().now()))


@pytest.fixture
def asking(
    answers: AnswerStore, clock: ManualClock, openai_simulator: Callable[..., Any]
) -> Iterator[Callable[..., tuple[Asking, Any]]]:
    opened: list[Asking] = []

    def start(tier: ServiceTier | None, **server: Any) -> tuple[Asking, Any]:
        simulator = openai_simulator(**server)
        opened.append(Asking(answers, clock, simulator, tier))
        return opened[-1], simulator

    yield start
    for one in opened:
        one.manager.close()


def tiers_counted() -> dict[tuple[str, str], float]:
    samples = [s for m in REGISTRY.collect() for s in m.samples if s.name == "propintel_model_tiers_total"]
    return {(s.labels["wanted"], s.labels["served"]): s.value for s in samples}


@pytest.mark.parametrize(
    ("wanted", "served"), [(None, "flex"), ("auto", "flex"), ("default", "default"), ("priority", "priority")]
)
def test_a_call_requests_the_tier_and_stores_the_tier_of_the_reply(
    asking: Callable[..., tuple[Asking, Any]], wanted: ServiceTier | None, served: str
) -> None:
    """The simulated project uses flex for calls without a tier and for auto."""
    there, _ = asking(wanted, project_tier="flex")
    before = tiers_counted().get((wanted or "none", served), 0.0)
    assert there.ask() == (None, served)
    assert tiers_counted()[wanted or "none", served] == before + 1


@pytest.mark.parametrize("flex", ["unavailable", "hang"])
def test_without_flex_capacity_the_standard_tier_is_used_and_flex_is_paused(
    asking: Callable[..., tuple[Asking, Any]], clock: ManualClock, flex: str
) -> None:
    there, simulator = asking("flex", flex=flex)

    def tried() -> int:
        """Return the number of flex requests so far."""
        totals = simulator.stats()["totals"]
        return int(totals["no_capacity"] + totals["abandoned"])

    assert [there.ask() for _ in range(3)] == [(None, "default")] * 3
    assert tried() == 1
    clock.advance(29)
    assert there.ask() == (None, "default")
    assert tried() == 1
    clock.advance(1)
    assert there.ask() == (None, "default")
    assert tried() == 2
    clock.advance(59)  # the second pause is twice as long
    assert there.ask() == (None, "default")
    assert tried() == 2
    simulator.set_server(flex="ok")
    clock.advance(1)
    assert there.ask() == (None, "flex")
    simulator.set_server(flex=flex)
    assert there.ask() == (None, "default")
    clock.advance(30)  # the pause starts again at its first length
    assert there.ask() == (None, "default")
    assert tried() == 4
    stats = there.manager.get_stats()
    assert [(k["state"], k["failures"], k["rate_limited"]) for k in stats["keys"].values()] == [
        ("closed", 0, False),
        ("closed", 0, False),
    ]
    assert stats["spent_today"]["calls"] == there.pages + (4 if flex == "hang" else 0)


def test_a_rate_limit_of_the_keys_does_not_count_as_missing_flex_capacity(
    asking: Callable[..., tuple[Asking, Any]],
) -> None:
    """The error is raised so that the job is retried. The standard tier has the same limits, so it is not tried."""
    there, simulator = asking("flex", start_level=0.0)
    for key in simulator.keys:
        simulator.set_key(key, rpm=1)
    with pytest.raises(openai.RateLimitError):
        there.ask()
    totals = simulator.stats()["totals"]
    assert (totals["rate_limited"], totals["no_capacity"], totals["ok"]) == (2, 0, 0)


def test_a_model_that_does_not_support_the_tier_is_reported_with_the_setting(
    asking: Callable[..., tuple[Asking, Any]],
) -> None:
    there, simulator = asking("flex", flex="unsupported")
    note, kept = there.ask()
    assert kept is None
    assert note is not None
    assert "OPENAI_SERVICE_TIER=flex" in note
    assert "OPENAI_MODEL" in note
    assert simulator.stats()["totals"]["ok"] == 0
