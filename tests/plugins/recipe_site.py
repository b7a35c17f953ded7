"""A small site for tests of recipes: pages, their facts, and a model that answers about them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from app.clock import SystemClock
from app.property.page import Page
from app.property.reading.base import Extraction
from app.property.reading.model.claim_check import check_claims
from app.property.reading.model.prompt import build_prompt
from app.property.reading.pipeline import with_model_values
from app.property.recipes.keeper import AuditRate, RecipeKeeper, host_of
from app.property.recipes.using import RecipeReading
from benchmarks.recipes.memory import MemoryRecipes

NO_AUDITS = AuditRate(share=0.0)
Facts = Mapping[str, Any]


def facts(number: int) -> dict[str, Any]:
    """Return the facts of the home `number`, which differ from home to home."""
    random = Random(number)
    return {
        "ListPrice": random.randrange(200, 900) * 1000,
        "BedroomsTotal": random.randint(1, 6),
        "BathroomsTotalInteger": random.randint(1, 5),
        "LivingArea": random.randint(700, 4000),
        "YearBuilt": random.randint(1900, 2015),
    }


LABELS = {
    "BedroomsTotal": "Sleeping rooms",
    "BathroomsTotalInteger": "Baths",
    "LivingArea": "Covered size",
    "YearBuilt": "Year built",
}
REDESIGNED = {
    "BedroomsTotal": "Bedrooms here",
    "BathroomsTotalInteger": "No. of bathrooms",
    "LivingArea": "Interior",
    "YearBuilt": "Constructed",
}


def shown(name: str, value: Any) -> str:
    return f"{value:,} sq ft" if name == "LivingArea" else str(value)


def rows(known: Facts, labels: Mapping[str, str] = LABELS) -> str:
    lines = (f"<tr><td>{labels[n]}</td><td>{shown(n, known[n])}</td></tr>" for n in labels if known.get(n) is not None)
    return f'<table class="facts">{"".join(lines)}</table>'


def redesigned(known: Facts) -> str:
    lines = (f"<li><b>{REDESIGNED[n]}</b> <span>{shown(n, known[n])}</span></li>" for n in REDESIGNED if known.get(n))
    return f'<section class="details"><ul class="list">{"".join(lines)}</ul></section>'


def page(number: int, known: Facts, body: str | None = None, host: str = "homes.example") -> Page:
    """Return the page of the home `number`, which also shows a card of another home below the facts."""
    price = f'<p class="price">${known["ListPrice"]:,}</p>' if known.get("ListPrice") else ""
    html = (
        f"<html lang='en'><head><title>Home {number}</title></head><body><main><h1>{100 + number} Main St, Austin, TX "
        f"787{10 + number % 80}</h1>{price}{body or rows(known)}"
        f'<div class="more"><a href="/homes/{number + 1}">Next</a><span>$1,000,000</span></div></main></body></html>'
    )
    return as_page(f"https://{host}/homes/{number}", html)


def as_page(url: str, text: str, content_type: str = "text/html") -> Page:
    return Page(url, url, content_type, text, text.encode(), datetime(2026, 3, 1, tzinfo=UTC))


def parcel(number: int, known: Facts) -> Page:
    """Return the response of a county's GIS layer."""
    attributes = {"PIN": f"12-{number:04}-77", "EFFYR": known["YearBuilt"], "TLA": known["LivingArea"], "NBHD": "A 14"}
    body = json.dumps({"fields": [{"name": "PIN"}, {"name": "TLA"}], "features": [{"attributes": attributes}]})
    return as_page(f"https://gis.example.gov/arcgis/query?pin={number}", body, "application/json")


@dataclass
class Reader:
    """Reads pages as the service does: first with recipes, then with a model for fields that recipes did not read."""

    store: MemoryRecipes = field(default_factory=MemoryRecipes)
    audits: AuditRate = NO_AUDITS
    clock: Any = field(default_factory=SystemClock)
    calls: list[tuple[str, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.keeper = RecipeKeeper(self.store, self.clock, self.audits)

    def read(
        self, one: Page, stated: Mapping[str, tuple[Any, str]], *, answers: bool = True
    ) -> tuple[RecipeReading, Extraction]:
        """`stated` is the model's answer: a value and a quote for each field."""
        read = self.keeper.read(one, self.store.of_host(host_of(one)))
        asked = read.extraction.asked()
        if not asked:
            self.keeper.learn(read, (), None)
            return read, read.extraction
        self.calls.append(asked)
        if not answers:
            self.keeper.learn(read, asked, None)
            return read, read.extraction
        known = {name: pair for name, pair in stated.items() if name in asked}
        kept, dropped = check_claims(known, build_prompt(read.extraction))
        answered = with_model_values(read.extraction, kept, len(dropped))
        self.keeper.learn(read, asked, answered, dropped=[one.field for one in dropped])
        return read, answered

    def read_homes(
        self,
        numbers: range,
        body: Callable[[Facts], str] | None = None,
        labels: Mapping[str, str] = LABELS,
        *,
        lacks: Callable[[int], tuple[str, ...]] = lambda _: (),
        wrong: Callable[[int, dict[str, tuple[Any, str]]], None] | None = None,
        host: str = "homes.example",
    ) -> list[tuple[RecipeReading, dict[str, Any], dict[str, Any]]]:
        """Read the homes `numbers`. Return for each the reading, the record's values, and the true facts."""
        found = []
        for number in numbers:
            known = {name: None if name in lacks(number) else value for name, value in facts(number).items()}
            stated = answer(known, labels)
            if wrong is not None:
                wrong(number, stated)
            read, after = self.read(page(number, known, body(known) if body else rows(known, labels), host), stated)
            found.append((read, dict(after.record.values), known))
        return found


def answer(known: Facts, labels: Mapping[str, str] = LABELS) -> dict[str, tuple[Any, str]]:
    """Return the answer of a model that reads the page correctly."""
    pairs = {
        name: (known[name], f"{label}: {shown(name, known[name])}")
        for name, label in labels.items()
        if known.get(name) is not None
    }
    if known.get("ListPrice"):
        pairs["ListPrice"] = (known["ListPrice"], f"${known['ListPrice']:,}")
    return pairs
