"""Test recipes on the labeled pages of real hosts: what recipes learn from a few pages, and which values they read."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.clock import ManualClock
from app.property.fetch.decode.text import page_from_file
from app.property.page import Page
from app.property.reading.base import Extraction
from app.property.reading.model.claim_check import check_claims
from app.property.reading.model.prompt import build_prompt
from app.property.reading.pipeline import with_model_values
from app.property.recipes.keeper import AuditRate, RecipeKeeper, host_of
from app.property.record import Method
from benchmarks.extraction.run import SAVED, load_truth
from benchmarks.extraction.scorer import score
from benchmarks.extraction.simulated import answers
from benchmarks.recipes.memory import MemoryRecipes

_LABELS = ("truth.jsonl", "more_truth.jsonl")


@dataclass(frozen=True, slots=True)
class Host:
    """The result for a host with several labeled pages.

    `read` counts values that recipes read; `wrong` lists those that labels contradict.
    """

    name: str
    pages: int
    templates: int
    active: int
    anchors: int
    read: int
    wrong: tuple[str, ...]


def real_hosts(folder: Path) -> list[Host]:
    """Read the pages of hosts with at least two pages: first with a simulated model, then with the learned recipes."""
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for labels in _LABELS:
        for row in load_truth(folder, labels) if (folder / labels).is_file() else ():
            rows[urlsplit(row["url"] or "").hostname or ""].append(row)
    return [_host(name, ones, folder) for name, ones in sorted(rows.items()) if name and len(ones) > 1]


def _host(name: str, rows: list[dict[str, Any]], folder: Path) -> Host:
    store = MemoryRecipes()
    keeper = RecipeKeeper(store, ManualClock(SAVED), AuditRate(0.0, 0.0))
    for row in rows:
        page = _page(row, folder)
        read = keeper.read(page, store.of_host(host_of(page)))
        asked = read.extraction.asked("missing")
        answered, dropped = _ask(read.extraction, row)
        keeper.learn(read, asked, answered if asked else None, dropped=dropped)
    recipes = store.of_host(host_of(_page(rows[0], folder)))
    read_by_recipe, wrong = 0, list[str]()
    for row in rows:
        record = keeper.read(_page(row, folder), recipes).extraction.record
        own = {name for name, proof in record.evidence.items() if proof.method is Method.RECIPE}
        read_by_recipe += len(own)
        wrong += [
            f"{row['file']}: {one.field} {one.emitted!r} instead of {one.expected!r}"
            for one in score({row["file"]: record.values}, [row]).outcomes
            if one.verdict == "wrong" and one.field in own
        ]
    anchors = sum(len(found) for recipe in recipes for found in recipe.fields.values())
    active = sum(bool(recipe.fields) for recipe in recipes)
    return Host(name, len(rows), len(recipes), active, anchors, read_by_recipe, tuple(wrong))


def _page(row: dict[str, Any], folder: Path) -> Page:
    return page_from_file(folder / row["file"], row["url"], SAVED)


def _ask(extraction: Extraction, row: dict[str, Any]) -> tuple[Extraction, tuple[str, ...]]:
    prompt = build_prompt(extraction)
    values = {one.field: (one.value, one.quote) for one in answers(prompt, row)}
    candidates, dropped = check_claims(values, prompt)
    return with_model_values(extraction, candidates, len(dropped)), tuple(one.field for one in dropped)
