"""Recipes save model calls. If the recipe store fails, pages are still read."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from app.clock import ManualClock
from app.errors.storage import StoreError
from app.property.page import Page
from app.property.reading.base import Extraction
from app.property.recipes.keeper import AuditRate
from app.property.recipes.recipe import Anchor, Recipe, RecipeState
from app.property.recipes.using import RecipeReading
from app.property.record import Evidence, Method, PageKind
from app.property.source_record import SourceRecord
from app.services.reports.metrics.instruments import REGISTRY
from app.services.scraping.model_reading import ModelReading
from app.services.scraping.pages import with_values
from app.services.scraping.recipes import TYPICAL_TOKENS, Recipes
from app.settings.forms import ModelUse
from benchmarks.recipes.memory import MemoryRecipes

HOST = "homes.example"
NO_AUDITS = AuditRate(0.0)
SOURCE = SourceRecord(
    "https://homes.example/h/1",
    "https://homes.example/h/1",
    PageKind.LISTING,
    "0" * 64,
    datetime(2026, 1, 1, tzinfo=UTC),
    {},
    {},
)
WRITTEN = Recipe(
    "handwritten1",
    HOST,
    pages="/h/*",
    written=True,
    state=RecipeState.ACTIVE,
    fields={"YearBuilt": (Anchor("label", "year of completion", "cell"),)},
    usual=0.5,
)


def page(clock: ManualClock, number: int = 1) -> Page:
    url = f"https://{HOST}/h/{number}"
    rows = f"<tr><td>Year of completion</td><td>{1950 + number}</td></tr>"
    text = f"""<html lang="en"><head><title>{number} Main St</title></head><body>
<h1>{number} Main St, Springfield, IL 62701</h1><p>$310,000</p><table>{rows}</table></body></html>"""
    return Page(url, url, "text/html", text, text.encode(), clock.now())


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"propintel_recipe_{name}_total", labels) or 0.0


class Failing(MemoryRecipes):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def of_host(self, host: str) -> Sequence[Recipe]:
        raise self.error

    def find_or_add(self, recipe: Recipe) -> Recipe:
        raise self.error


class Holding(MemoryRecipes):
    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self._recipes[recipe.id] = recipe


def asked(extraction: Extraction, *fields: str, tokens: int = 3_000) -> ModelReading:
    return ModelReading(extraction, asked=fields, prompt_tokens=tokens)


def test_a_page_is_read_by_a_written_recipe(clock: ManualClock) -> None:
    read = Recipes(Holding(WRITTEN), clock, NO_AUDITS).read(page(clock))
    proof = read.extraction.record.evidence["YearBuilt"]
    assert (proof.value, proof.method, read.applies) == (1951, Method.RECIPE, True)
    assert "YearBuilt" not in read.extraction.asked()
    stored = with_values(SOURCE, read.extraction)
    assert stored.evidence["YearBuilt"].recipe == "recipe for homes.example, written by hand"
    assert stored.evidence["StreetNumber"].model_dump().keys() == set(Evidence.model_fields) - {"recipe", "rendered"}


@pytest.mark.parametrize("error", [StoreError("sqlite", "gone"), KeyError("fields")])
def test_a_failure_of_the_store_costs_no_page(
    clock: ManualClock, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    recipes = Recipes(Failing(error), clock)
    read = recipes.read(page(clock))
    assert read.extraction.record.values["StreetNumber"] == "1"
    recipes.learn(read, asked(read.extraction, "Roof"))
    assert "Recipes cannot be read" in caplog.text
    assert "cannot be learned" in caplog.text


class Noting(Recipes):
    """Recipes that record the arguments of the keeper's `learn` instead of learning."""

    def __init__(self, store: MemoryRecipes, clock: ManualClock, use: ModelUse = "missing") -> None:
        super().__init__(store, clock, NO_AUDITS, use)
        self.recorded: list[tuple[Any, ...]] = []
        keeper = self._keeper
        assert keeper is not None
        keeper.learn = lambda _, *recorded, **more: self.recorded.append((*recorded, more))  # type: ignore[method-assign]


def test_answered_fields_are_learned_and_unanswered_ones_are_not(clock: ManualClock) -> None:
    recipes = Noting(MemoryRecipes(), clock)
    read = recipes.read(page(clock))
    recipes.learn(read, asked(read.extraction, "Roof", "Heating"))
    recipes.learn(read, replace(asked(read.extraction, "Roof", "Heating"), unanswered=("Heating",)))
    recipes.learn(read, replace(asked(read.extraction, "Roof"), unanswered=("Roof",), dropped=("Roof",)))
    recipes.learn(read, ModelReading(read.extraction, "asked of another page", ("Roof",)))
    more = {"dropped": (), "saved_tokens": 0}
    assert recipes.recorded == [(("Roof", "Heating"), read.extraction, more), (("Roof",), read.extraction, more)]


def test_without_recipes_or_a_model_nothing_is_learned(clock: ManualClock) -> None:
    off = Recipes(None, clock)
    before = counted("pages", outcome="none"), counted("saved_calls")
    off.learn(off.read(page(clock)), asked(off.read(page(clock)).extraction, "Roof"))
    recipes = Noting(Holding(WRITTEN), clock, "never")
    read = recipes.read(page(clock))
    assert read.applies
    recipes.learn(read, ModelReading(read.extraction))
    assert recipes.recorded == []
    assert (counted("pages", outcome="none"), counted("saved_calls")) == before, (
        "a call that would not be made is saved"
    )


def test_a_saved_call_counts_with_the_mean_tokens_of_real_calls(clock: ManualClock) -> None:
    recipes = Noting(Holding(WRITTEN), clock)
    read = recipes.read(page(clock))
    calls, tokens = counted("saved_calls"), counted("saved_tokens")
    recipes.learn(read, ModelReading(read.extraction))
    recipes.learn(read, asked(read.extraction, "Roof", tokens=TYPICAL_TOKENS + 1_000))
    recipes.learn(read, ModelReading(read.extraction))
    recipes.learn(read, ModelReading(read.extraction), could_ask=False)
    assert counted("saved_calls") - calls == 2
    assert counted("saved_tokens") - tokens == 2 * TYPICAL_TOKENS + 100
    assert [recorded[-1]["saved_tokens"] for recorded in recipes.recorded] == [
        TYPICAL_TOKENS,
        0,
        TYPICAL_TOKENS + 100,
        0,
    ]


@pytest.mark.parametrize(
    ("change", "reading", "outcome"),
    [
        ({"recipe": None}, {}, "none"),
        ({"recipe": replace(WRITTEN, state=RecipeState.LEARNING)}, {}, "none"),
        ({"applies": False}, {"asked": ("Roof",)}, "not_applied"),
        ({"audited": True}, {"asked": ("Roof",)}, "audited"),
        ({}, {"asked": ("Roof",)}, "asked"),
        ({}, {"unanswered": ("Roof",)}, "asked"),
        ({}, {}, "settled"),
    ],
)
def test_each_page_is_counted_by_its_recipe_s_result(
    clock: ManualClock, change: dict[str, Any], reading: dict[str, Any], outcome: str
) -> None:
    recipes = Noting(Holding(WRITTEN), clock)
    read: RecipeReading = recipes.read(page(clock))
    extraction = replace(read.extraction, audited=change.get("audited", False))
    change = {name: value for name, value in change.items() if name != "audited"}
    before = counted("pages", outcome=outcome)
    recipes.learn(replace(read, **change), ModelReading(extraction, **reading))
    assert counted("pages", outcome=outcome) == before + 1
