"""Pages designed to block a worker fail permanently at once, and real pages stay far below the limits."""

import gc
import itertools
import json
import random
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from app.clock import ManualClock
from app.errors import PropertyIntelligenceError
from app.errors.pages import PageTooComplexError
from app.property.fetch.decode.text import page_from_file
from app.property.merging.merge import merge
from app.property.page import Page
from app.property.people import parse_name
from app.property.reading import budget
from app.property.reading.base import Extraction
from app.property.reading.model.tokens import count_tokens
from app.property.reading.search.reading import read_results
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.privacy.names_key import NamesKey
from app.property.storage.privacy.suppressions import PurgedNames, refuse_name
from app.services.scraping.model_reading import question_about
from app.services.scraping.pages import with_values
from app.services.scraping.recipes import Recipes
from tasks.retry_policy import Fail, JobProgress, decide
from tests.plugins.address_world import BILL, BY_ADDRESS, BY_NUMBER, FOUND, World, assessor, outcomes
from tests.security.refused import refused

URL = "https://homes.example/12-elm-street"
_HEAD = "<!doctype html><title>Homes</title><h1>12 Elm Street</h1>"

_READER = Recipes(None, ManualClock())


def read_page(page: Page) -> Extraction:
    """Read a page as a scrape without a recipe does."""
    return _READER.read(page).extraction


@pytest.fixture(scope="module", autouse=True)
def _tables_are_loaded() -> None:
    """Load a worker's tables before the first test, so that no page's budget is charged for them."""
    count_tokens("")
    read_page(_page(f"{_HEAD}<p>Year built: 1987"))


#: Pages with a part that is too large, and the error's words for this part.
HEAVY: dict[str, tuple[Callable[[], str], str]] = {
    "cells of a row": (lambda: f"{_HEAD}<table><tr>{'<td>3 beds' * 100_000}", "one <tr> has"),
    "cells of a row, 10 MB": (lambda: f"{_HEAD}<table><tr>{'<td>3 beds' * 1_000_000}", "tags"),
    "titles": (lambda: "<meta property=og:title content='12 Elm Street'>" * 50_000, "one <head> has"),
    "line breaks": (lambda: f"{_HEAD}{'<br>' * 2_400_000}", "tags"),
    "elements": (lambda: f"{_HEAD}{'<ul>' + '<li>3 beds' * 4_000}" * 15, "more than 50000 elements"),
    "keys of JSON": (lambda: json.dumps({f"k{n}": n for n in range(300_000)}), "values"),
    "keys in a script": (lambda: f"{_HEAD}<script>a = {{{'"k":1,' * 300_000}}}</script>", "values"),
}


def _page(text: str) -> Page:
    kind = "application/json" if text.startswith("{") else "text/html"
    body = text.encode()
    return Page(
        url=URL, final_url=URL, content_type=kind, text=text, body=body, fetched_at=datetime(2026, 11, 1, tzinfo=UTC)
    )


@pytest.mark.parametrize("in_thread", [False, True], ids=["main thread", "thread"])
@pytest.mark.parametrize("read", [read_page, read_results])
@pytest.mark.parametrize("name", HEAVY)
def test_a_page_that_is_too_large_is_not_read(name: str, read: Callable[[Page], Any], *, in_thread: bool) -> None:
    make, why = HEAVY[name]
    page = _page(make())
    error = refused(lambda: read(page), in_thread=in_thread)
    assert why in str(error)
    assert error.code == "page_too_complex"


def _for_ever() -> None:
    while True:
        try:
            while True:
                pass
        except Exception:  # noqa: BLE001, S110 (a reader that survives everything)
            pass


def test_the_cpu_limit_ends_any_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU limit interrupts even code that catches every error. The next page has a new CPU budget."""
    monkeypatch.setattr(budget, "CPU_SECONDS", 0.2)
    for _ in range(2):
        with pytest.raises(PageTooComplexError, match="CPU time"), budget.reading(URL):
            _for_ever()
    with budget.reading(URL):
        pass


def test_no_signal_escapes_from_the_end_of_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second signal that arrives while the first one's error is created must not escape from the block."""

    class SlowlyMadeError(PageTooComplexError, code="slow"):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            while time.process_time() < until:
                pass

    monkeypatch.setattr(budget, "CPU_SECONDS", 0.01)
    monkeypatch.setattr(budget, "_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(budget, "PageTooComplexError", SlowlyMadeError)
    until = time.process_time() + 0.2
    with pytest.raises(SlowlyMadeError, match="CPU time"), budget.reading(URL):
        _for_ever()


def test_the_memory_limit_ends_any_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MEMORY_BYTES", 200_000_000)
    with pytest.raises(PageTooComplexError, match="memory"), budget.reading(URL):
        bytearray(300_000_000)
    assert len(bytearray(300_000_000)) == 300_000_000, "the memory limit remains after the block"


def _nested_for_ever() -> None:
    while True:
        with budget.reading("https://homes.example/another"):
            pass


def test_a_nested_block_uses_the_same_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "CPU_SECONDS", 0.2)
    with pytest.raises(PageTooComplexError) as caught, budget.reading(URL):
        _nested_for_ever()
    assert caught.value.facts["url"] == URL


def test_all_work_on_a_page_shares_one_budget(site: Any, fetcher: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fetching the page again starts a new budget."""
    url = site.page("/1", f"{_HEAD}<p>Price: $250,000</p><p>3 bedrooms, built in 1987</p>".encode())
    page = fetcher.fetch(url)
    costs = [page.spent.cpu_seconds]
    extraction = read_page(page)
    costs.append(page.spent.cpu_seconds)
    question_about(extraction)
    costs.append(page.spent.cpu_seconds)
    assert 0 < costs[0] < costs[1] < costs[2]
    monkeypatch.setattr(budget, "CPU_SECONDS", costs[2])
    for work in (lambda: read_page(page), lambda: _READER.read_rows(page, bool), lambda: question_about(extraction)):
        with pytest.raises(PageTooComplexError, match="CPU time"):
            work()
    monkeypatch.undo()
    assert fetcher.fetch(url).spent.cpu_seconds < budget.CPU_SECONDS


def test_a_job_that_times_out_while_reading_fails_permanently() -> None:
    """Only a timeout during fetching is retried, because then the site was slow."""
    with pytest.raises(PageTooComplexError) as caught, budget.reading(URL):
        raise SoftTimeLimitExceeded
    assert isinstance(_decided(caught.value), Fail)
    assert not isinstance(_decided(SoftTimeLimitExceeded()), Fail)


def _decided(exc: Exception) -> Any:
    return decide(exc, JobProgress(0, 0.0, 3600.0), now=datetime.now(UTC), rng=random.Random(1), model="m")


def test_no_reader_mistakes_the_end_of_its_job_for_its_own_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal of Celery's soft time limit may interrupt any code."""
    from app.property.reading import pipeline

    def interrupted(_: object) -> list[Any]:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(pipeline, "READERS", {"interrupted": interrupted, **pipeline.READERS})
    with pytest.raises(PageTooComplexError, match="time of its job"):
        read_page(_page(_HEAD))


def test_a_heavy_source_does_not_cost_an_address_its_other_sources(world: World) -> None:
    world.county.pages |= {FOUND: (200, assessor()), BILL: (200, HEAVY["cells of a row"][0]())}
    world.sources(BY_ADDRESS, BY_NUMBER)
    outcome = world.scrape()
    assert outcome.record["YearBuilt"] == 1987
    assert {"Assessor": "used", "Tax roll": "page_too_complex"}.items() <= outcomes(outcome).items()


def _of_long_words(letter: str) -> Page:
    word = letter * 100_000
    data = json.dumps({word: word, "address": f"12 {word} Street", "price": word, "label": word, "value": word})
    rows = f"<tr><th>{word}<td>{word}<tr><th>Agent<td>Jane {word}<tr><th>Address<td>12 {word} St<tr><th>Style<td>{word}"
    return _page(f"{_HEAD}<script>a = {data}</script><h2>{word} for sale</h2><table>{rows}</table><p>{word}: {word}")


def test_nothing_of_a_page_is_cached_afterwards(tmp_path: Path) -> None:
    """Caches that outlive a page contain only short words of the page."""
    database = Database(f"sqlite:///{tmp_path / 'store.sqlite3'}", names_key=NamesKey("k" * 32))
    with closing(database):
        refuse_name(database, database.names_key.make(), parse_name("Ada Example"))
        finder = PurgedNames(database).finder()

    def work(letter: str) -> None:
        page = _of_long_words(letter)
        finder.without(page.text)
        extraction = read_page(page)
        source = SourceRecord(URL, URL, extraction.kind, page.sha256, page.fetched_at, {}, {})
        merge([with_values(source, extraction), with_values(replace(source, url=f"{URL}/2"), extraction)])

    work("a")
    gc.collect()
    tracemalloc.start()
    try:
        for letter in "bcdef":
            work(letter)
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 100_000, "a word of the page is still in memory"


@pytest.mark.parametrize("block_seconds", [0.34, 0.41], ids=["its answer", "its question"])
def test_a_source_that_exceeds_its_budget_at_the_model_prompt_is_kept(
    world: World, monkeypatch: pytest.MonkeyPatch, block_seconds: float
) -> None:
    """Each step of work costs a fixed time, so that reading stays within the budget and prompting exceeds it."""
    world.county.pages[FOUND] = (200, assessor(Roof="see below") + "<p>The roof was renewed in 2010.</p>")
    world.sources(BY_ADDRESS)
    monkeypatch.setattr(budget, "time", SimpleNamespace(thread_time=itertools.count(0, block_seconds).__next__))
    outcome = world.scrape()
    assert outcome.record["YearBuilt"] == 1987
    assert "too complex" in outcome.model_note


_FIRST_PAGE = """
import sys
from datetime import UTC, datetime
from app.property.reading import budget
from app.property.page import Page
from app.property.reading.pipeline import extract
from app.services.scraping.model_reading import question_about
text = "<h1>12 Elm Street</h1><p>Year built: 1987<p>3 beds"
budget.MEMORY_BYTES = 50_000_000
page = Page("https://homes.example/1", "https://homes.example/1", "text/html", text, b"", datetime.now(UTC))
print(len(question_about(extract(page)).fields) > 0)
"""


def test_the_first_page_of_a_process_does_not_pay_for_its_tables() -> None:
    """The first prompt of a process loads a table of 180 MB, more than a page's limit."""
    ran = subprocess.run([sys.executable, "-c", _FIRST_PAGE], capture_output=True, text=True, timeout=300, check=False)
    assert ran.stdout.strip() == "True", ran.stderr


@pytest.mark.long
@pytest.mark.real_pages
def test_real_pages_are_far_from_every_limit(shared_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOST_TAGS", "MOST_VALUES", "MOST_ELEMENTS", "MOST_CHILDREN"):
        monkeypatch.setattr(budget, name, getattr(budget, name) // 8)
    monkeypatch.setattr(budget, "CPU_SECONDS", budget.CPU_SECONDS / 2)
    monkeypatch.setattr(budget, "MEMORY_BYTES", budget.MEMORY_BYTES // 2)
    files = [path for name in ("html", "more") for path in (shared_dir / "pages" / name).rglob("*") if path.is_file()]
    assert len(files) >= 38
    failed = {}
    for path in files:
        page = page_from_file(path, URL, datetime.now(UTC))
        try:
            question_about(read_page(page))
            with budget.reading(page.url, page.spent):
                read_results(page)
        except PropertyIntelligenceError as exc:
            failed[path.name] = str(exc)
    assert failed == {}
