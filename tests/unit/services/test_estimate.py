"""Estimates add up: what they say follows from targets, experience, prices and limits that the test knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.clock import ManualClock
from app.keypool.figures import Room
from app.property.store import AnswerStore, Database, Experience, PropertyStore, Question, StoredAnswer
from app.services.estimate import Estimate, _model_minutes, estimate
from app.services.key_view import KeyView
from app.settings import Settings
from tests.contract.test_store_properties import source

KEY = "sk-proj-" + "e" * 40


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'store.sqlite3'}", ManualClock())
    yield database
    database.close()


def _settings(tmp_path: Path, **more: object) -> Settings:
    given = {"openai_api_keys": KEY, "openai_model": "m-1", "openai_prices": "m-1=2/10", "propintel_home": tmp_path}
    return Settings(_env_file=None, **{**given, **more})  # type: ignore[arg-type]


def _estimate(database: Database, settings: Settings, count: int, host: str = "homes.example") -> Estimate:
    with closing(KeyView(settings)) as keys:  # no Redis runs there
        return estimate(database, keys, settings, [f"http://{host}/{n}" for n in range(count)])


def _remember(database: Database, pages: int, calls: int) -> None:
    """`pages` that were stored, `calls` of them with a call of 1,000 + 100 tokens."""
    properties, answers = PropertyStore(database), AnswerStore(database)
    for number in range(pages):
        sha = f"{number:064x}"
        properties.save_record(source(f"http://old.example/{number}", sha=sha, ListingId=f"L{number}"))
        if number < calls:
            question = Question(sha, ("Roof",), "m-1", "b" * 64)
            answers.save_model_answer(question, StoredAnswer({}, "m-1", 1_000, 100))


def test_own_pages_say_what_the_next_ones_take(database: Database, tmp_path: Path) -> None:
    _remember(database, pages=40, calls=10)
    found = _estimate(database, _settings(tmp_path), 200)
    assert (found.jobs, found.model_calls, found.tokens, found.basis_pages) == (200, 50, 55_000, 40)
    assert found.usd == pytest.approx(50 * (1_000 * 2 + 100 * 10) / 1_000_000)


def test_flex_is_half_price(database: Database, tmp_path: Path) -> None:
    _remember(database, pages=40, calls=10)
    found = _estimate(database, _settings(tmp_path, openai_service_tier="flex"), 200)
    assert found.usd == pytest.approx(50 * (1_000 * 2 + 100 * 10) / 1_000_000 / 2)


def test_economy_is_half_price_whatever_the_tier_and_waits_for_no_limit(database: Database, tmp_path: Path) -> None:
    _remember(database, pages=40, calls=10)
    settings = _settings(tmp_path, openai_service_tier="priority", fetch_min_delay_seconds=0)
    with closing(KeyView(settings)) as keys:
        targets = [f"http://homes.example/{n}" for n in range(200)]
        found = estimate(database, keys, settings, targets, economy=True)
    assert found.usd == pytest.approx(50 * (1_000 * 2 + 100 * 10) / 1_000_000 / 2)
    assert (found.minutes, found.as_json()["economy"]) == (0.0, True)
    assert "answers within a day" in found.sentence()


def test_with_few_pages_of_its_own_it_says_what_is_typical(database: Database, tmp_path: Path) -> None:
    _remember(database, pages=19, calls=1)
    found = _estimate(database, _settings(tmp_path), 10)
    assert (found.model_calls, found.basis_pages) == (10, 0)
    assert "too few are stored" in found.sentence()


def test_without_a_key_no_call_is_made(database: Database, tmp_path: Path) -> None:
    found = _estimate(database, _settings(tmp_path, openai_api_keys=None), 10)
    assert (found.model_calls, found.tokens, found.usd) == (0, 0, 0.0)
    assert "$0.00" in found.sentence()


def test_a_price_that_nobody_knows_is_said_to_be_unknown(database: Database, tmp_path: Path) -> None:
    found = _estimate(database, _settings(tmp_path, openai_model="m-unheard-of", openai_prices=""), 10)
    assert found.usd is None
    assert "unknown cost" in found.sentence()


def test_the_pace_at_one_host_takes_its_time(database: Database, tmp_path: Path) -> None:
    settings = _settings(tmp_path, openai_api_keys=None, fetch_min_delay_seconds=2.0)
    found = _estimate(database, settings, 301)
    assert (found.minutes, found.slowest_host) == (10.0, "homes.example")


ROOMS = [
    Room("a", "m-1", "requests", per_minute=60, left=60),
    Room("a", "m-1", "tokens", per_minute=11_000, left=11_000),
    Room("b", "m-1", "requests", per_minute=20, left=0),
    Room("b", "m-other", "requests", per_minute=9_999, left=9_999),
]


def test_groups_of_keys_work_side_by_side_each_by_its_tightest_limit() -> None:
    basis = Experience(pages=1, calls=1, input_tokens=1_000, output_tokens=100)
    # a: 10 calls a minute by its tokens, b: 20 by its requests
    assert _model_minutes(ROOMS, "m-1", 300, basis) == pytest.approx(10.0)
    assert _model_minutes([], "m-1", 300, basis) is None
    assert _model_minutes([], "m-1", 0, basis) == 0.0


AREAS = """
[[area]]
name = "Two"
state = "ST"
postal_codes = ["00000"]
[[area.source]]
name = "A"
kind = "gis"
url = "https://gis.example/?q={street_line}"
[[area.source]]
name = "B"
kind = "assessor"
url = "https://assessor.example/{parcel_number}"
[[area]]
name = "One"
state = "QX"
[[area.source]]
name = "C"
kind = "gis"
url = "https://gis.example/?q={street_line}"
[web_search]
allowed_domains = ["portal.example"]
"""


def test_an_address_is_the_pages_of_its_sources_one_call_and_a_search_where_these_are_few(
    database: Database, tmp_path: Path
) -> None:
    _remember(database, pages=40, calls=10)
    (tmp_path / "sources.toml").write_text(AREAS)
    settings = _settings(tmp_path, fetch_min_delay_seconds=60)
    two = [f"{n} Main St, Anytown, ST 00000" for n in range(1, 6)]
    one, none = "1 Main St, Otherville, QX 11111", "1 Main St, Nowhere, ZZ 22222"
    targets = [*two, one, none, "1 MAIN STREET, Anytown ST 00000", "http://homes.example/1"]
    with closing(KeyView(settings)) as keys:
        found = estimate(database, keys, settings, targets)
    assert (found.targets, found.jobs, found.duplicates, found.addresses) == (9, 8, 1, 7)
    # two pages each of five; one and two that a search finds; these two; and the URL's
    assert (found.pages, found.web_searches) == (5 * 2 + 1 + 2 + 2 + 1, 2)
    assert found.model_calls == 8  # one an address; of the page one in four
    assert found.tokens == 8 * 1_100 + 2 * 8_100
    searching = 2 * 0.01 + 2 * (8_000 * 2 + 100 * 10) / 1_000_000
    assert found.usd == pytest.approx(8 * (1_000 * 2 + 100 * 10) / 1_000_000 + searching)
    assert found.slowest_host == ""
    assert "7 are addresses: about 16 pages in all" in found.sentence()
    assert "2 web searches" in found.sentence()


def test_where_nothing_is_searched_no_search_is_counted(database: Database, tmp_path: Path) -> None:
    (tmp_path / "sources.toml").write_text(AREAS.replace("[web_search]", "[web_search]\nenabled = false"))
    settings = _settings(tmp_path)
    with closing(KeyView(settings)) as keys:
        found = estimate(database, keys, settings, ["1 Main St, Otherville, QX 11111"])
    assert (found.pages, found.web_searches) == (1, 0)


def test_without_a_key_no_address_is_searched_for(database: Database, tmp_path: Path) -> None:
    (tmp_path / "sources.toml").write_text(AREAS)
    settings = _settings(tmp_path, openai_api_keys=None)
    with closing(KeyView(settings)) as keys:
        found = estimate(database, keys, settings, ["1 Main St, Otherville, QX 11111"])
    assert (found.addresses, found.model_calls, found.web_searches, found.usd) == (1, 0, 0, 0.0)
    assert "web search" not in found.sentence()
