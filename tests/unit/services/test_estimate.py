"""Estimates add up: what they say follows from targets, experience, prices and limits that the test knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from app.clock import ManualClock
from app.keypool.figures import Room
from app.property.page import Page
from app.property.reading.base import Extraction
from app.property.reading.model.prompt import build_prompt
from app.property.recipes.recipe import Counts, RecipeState, new_recipe
from app.property.record import PageKind, PropertyRecord, SourceKind
from app.property.storage.answers import AnswerStore, Question, StoredAnswer
from app.property.storage.engine import Database
from app.property.storage.forecast import Took
from app.property.storage.job_sources import JobSources
from app.property.storage.jobs import JobStore
from app.property.storage.key_history import KeyHistoryStore
from app.property.storage.pages import PageStore
from app.property.storage.properties import PropertyStore
from app.property.storage.recipes import StoredRecipes
from app.property.storage.tried import Tried
from app.property.storage.usage import Counted, CountedKey, Uses
from app.services.keys.view import KeyView
from app.services.reports.estimate import Estimate, _model_minutes, estimate
from app.services.reports.estimate_basis import measured, total, total_range
from app.services.reports.estimate_kinds import _TYPICAL, CACHED_TOKENS
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


def test_the_readme_says_what_a_thousand_pages_cost(database: Database, tmp_path: Path) -> None:
    """At the prices of the default model, before anything is stored; with batches, where nothing cached is cheaper."""
    settings = _settings(tmp_path, openai_model="gpt-4.1-mini", openai_prices="")
    targets = [f"http://homes.example/{n}" for n in range(1000)]
    with closing(KeyView(settings)) as keys:
        usd, economy = (estimate(database, keys, settings, targets, economy=one).usd for one in (False, True))
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    said = re.search(r"About \$([0-9.]+) for 1,000 pages\*\* with `gpt-4.1-mini`, or \$([0-9.]+) with `--econ", readme)
    assert said is not None
    assert (f"{usd:.2f}", f"{economy:.2f}") == said.groups()


def test_what_all_prompts_begin_with_is_no_longer_than_what_they_have_in_common() -> None:
    url = "http://homes.example/1"
    page = Page(url, url, "text/html", "<p>x</p>", b"<p>x</p>", ManualClock().now())
    prefix = build_prompt(Extraction(page, PageKind.LISTING, "a test", PropertyRecord())).prefix_tokens
    assert prefix // 128 * 128 == CACHED_TOKENS


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


def _cache(database: Database, share: float, model: str = "m-1") -> None:
    """So much of the model's input of the last hour was cached."""
    history = KeyHistoryStore(database)
    used = Uses(requests=1, input_tokens=10_000, cached_tokens=round(10_000 * share))
    before, after = (Counted([CountedKey("a", "sk-a", "a", True, calls, {})], []) for calls in ({}, {model: used}))
    history.take_in(lambda: before)
    history.take_in(lambda: after)


def test_before_anything_was_counted_what_all_prompts_begin_with_is_cached_from_the_second_one_on(
    database: Database, tmp_path: Path
) -> None:
    settings = _settings(tmp_path, openai_prices="m-1=2/10/0.5")
    one, many = (_estimate(database, settings, count) for count in (1, 1_000))
    assert (one.cached_share, "cached" in one.sentence()) == (0.0, False)
    alike = 999 * CACHED_TOKENS
    given, made = 1_000 * _TYPICAL.input_tokens, 1_000 * _TYPICAL.output_tokens
    assert many.cached_share == pytest.approx(alike / given, abs=1e-4)
    assert many.usd == pytest.approx(((given - alike) * 2 + alike * 0.5 + made * 10) / 1_000_000, rel=1e-3)
    assert " of the input cached as all prompts begin alike." in many.sentence()


def test_as_much_of_the_input_as_was_cached_lately_is_priced_as_cached(database: Database, tmp_path: Path) -> None:
    _remember(database, pages=40, calls=10)
    settings = _settings(tmp_path, openai_prices="m-1=2/10/0.5")
    _cache(database, 0.0)
    before = _estimate(database, settings, 200)
    assert (before.cached_share, "cached" in before.sentence()) == (0.0, False)
    _cache(database, 0.6)
    found = _estimate(database, settings, 200)
    assert found.usd == pytest.approx(50 * (400 * 2 + 600 * 0.5 + 100 * 10) / 1_000_000)
    assert found.tokens == before.tokens
    assert found.as_json()["cached_share"] == 0.6
    assert " with 60% of the input cached as in the last 7 days." in found.sentence()


@pytest.mark.parametrize(("prices", "economy"), [("m-1=2/10", False), ("m-1=2/10/0.5", True)])
def test_cached_input_that_is_no_cheaper_is_not_spoken_of(
    database: Database, tmp_path: Path, prices: str, *, economy: bool
) -> None:
    """No price of it is known: of this model at all, or of its batches."""
    _remember(database, pages=40, calls=10)
    _cache(database, 0.6)
    settings = _settings(tmp_path, openai_prices=prices)
    with closing(KeyView(settings)) as keys:
        targets = [f"http://homes.example/{n}" for n in range(200)]
        found = estimate(database, keys, settings, targets, economy=economy)
    assert found.usd == pytest.approx(50 * (1_000 * 2 + 100 * 10) / 1_000_000 / (2 if economy else 1))
    assert (found.cached_share, "cached" in found.sentence()) == (0.0, False)


def test_where_no_model_is_used_none_is_paid_for(database: Database, tmp_path: Path) -> None:
    _remember(database, pages=40, calls=10)
    found = _estimate(database, _settings(tmp_path, model_use="never"), 200)
    assert (found.jobs, found.model_calls, found.tokens, found.usd) == (200, 0, 0, 0.0)


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
    # a: 10 calls a minute by its tokens, b: 20 by its requests
    assert _model_minutes(ROOMS, "m-1", 300, 300 * 1_100) == pytest.approx(10.0)
    assert _model_minutes([], "m-1", 300, 300 * 1_100) is None
    assert _model_minutes([], "m-1", 0, 0) == 0.0


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
    settings = _settings(tmp_path)
    two = [f"{n} Main St, Anytown, ST 00000" for n in range(1, 6)]
    one, none = "1 Main St, Otherville, QX 11111", "1 Main St, Nowhere, ZZ 22222"
    targets = [*two, one, none, "1 MAIN STREET, Anytown ST 00000", "http://homes.example/1"]
    with closing(KeyView(settings)) as keys:
        found = estimate(database, keys, settings, targets)
    assert (found.targets, found.jobs, found.duplicates, found.addresses) == (9, 8, 1, 7)
    # two pages each of five; one and two that a search finds; these two; and the URL's
    assert (found.pages, found.web_searches) == (5 * 2 + 1 + 2 + 2 + 1, 2)
    assert found.model_calls == 8  # one an address; of the page one in four
    assert found.tokens == 7.25 * 1_100 + 2 * 8_100
    searching = 2 * 0.01 + 2 * (8_000 * 2 + 100 * 10) / 1_000_000
    assert found.usd == pytest.approx(7.25 * (1_000 * 2 + 100 * 10) / 1_000_000 + searching)
    assert "7 are addresses: about 16 pages in all" in found.sentence()
    assert "2 web searches" in found.sentence()
    assert "5 addresses by what sources.toml has for them (2 pages each, up to 8 with a search)" in found.sentence()
    assert found.ranges is None
    assert [(one["targets"], one["of"], one["from"], one["pages"]) for one in found.as_json()["bases"]] == [
        (1, "urls", "history", {"least": 1, "median": 1, "most": 1}),
        (5, "addresses", "sources", {"least": 2, "median": 2, "most": 8}),
        (1, "addresses", "sources", {"least": 1, "median": 3, "most": 7}),
        (1, "addresses", "sources", {"least": 0, "median": 2, "most": 6}),
    ]


def test_the_pace_at_a_source_that_all_addresses_have_takes_its_time(database: Database, tmp_path: Path) -> None:
    (tmp_path / "sources.toml").write_text(AREAS)
    settings = _settings(tmp_path, openai_api_keys=None, fetch_min_delay_seconds=2.0)
    targets = [f"{n} Main St, Anytown, ST 00000" for n in range(1, 302)]
    with closing(KeyView(settings)) as keys:
        found = estimate(database, keys, settings, targets)
    assert (found.minutes, found.slowest_host) == (10.0, "gis.example")


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


def _done(database: Database, clock: ManualClock, number: int, pages: int, sources: tuple[str, ...]) -> None:
    """A job of an address that got so many pages of these sources, and asked a question of 1,000 + 100 tokens if they
    were more than two."""
    jobs, store, answers = JobStore(database), PageStore(database), AnswerStore(database)
    (job_id,) = jobs.enqueue([f"{number} Done St, Anytown, ST 00000"]).new
    jobs.claim(job_id, "test", 30)
    for page in range(pages):
        url, body = f"https://a.example/{number}/{page}", f"<p>{number} {page}</p>"
        got = Page(url, url, "text/html", body, body.encode(), clock.now())
        store.save_page(got, job_id)
        if page == 2:
            answers.save_model_answer(
                Question(got.sha256, ("Roof",), "m-1", "b" * 64), StoredAnswer({}, "m-1", 1_000, 100)
            )
    tried = [Tried(name, SourceKind.GIS, None, "used") for name in sources]
    JobSources(database).put(job_id, tried, asked_at=clock.now())
    home = PropertyStore(database).save_record(source(f"https://a.example/{number}/0", ListingId=f"L{number}"))
    jobs.finish(job_id, "test", home)


@pytest.fixture
def asking(database: Database, tmp_path: Path) -> Settings:
    (tmp_path / "sources.toml").write_text(AREAS)
    return _settings(tmp_path, fetch_min_delay_seconds=0)


def _of_addresses(database: Database, settings: Settings, count: int) -> Estimate:
    with closing(KeyView(settings)) as keys:
        return estimate(database, keys, settings, [f"{n} Next St, Anytown, ST 00000" for n in range(1, count + 1)])


def test_addresses_take_what_those_with_the_same_sources_took(database: Database, asking: Settings) -> None:
    """Of every four that were done one took two pages, two took three and one five; three were asked about."""
    clock = database.clock
    assert isinstance(clock, ManualClock)
    for number in range(1, 21):
        _done(database, clock, number, (2, 3, 3, 5)[number % 4], ("A", "B", "web search"))
    found = _of_addresses(database, asking, 400)
    assert (found.pages, found.model_calls, found.web_searches, found.tokens) == (1_300, 300, 0, 330_000)
    assert found.usd == pytest.approx(300 * (1_000 * 2 + 100 * 10) / 1_000_000)
    (basis,) = found.as_json()["bases"]
    assert (basis["from"], basis["samples"], basis["sources"]) == ("history", 20, ["A", "B"])
    assert (basis["pages"], basis["model_calls"]) == ({"least": 2, "median": 3, "most": 5}, 0.75)
    assert found.ranges is not None
    low, high = found.ranges["pages"]
    assert 800 < low < 1_300 < high < 2_000
    assert "by the last 20 with these sources (3 pages each, 2 to 5)" in found.sentence()
    assert f"Nine times in ten: {low:,.0f} to {high:,.0f} pages" in found.sentence()


def test_what_was_done_with_other_sources_or_too_seldom_is_no_measure(database: Database, asking: Settings) -> None:
    clock = database.clock
    assert isinstance(clock, ManualClock)
    for number in range(1, 20):
        _done(database, clock, number, 5, ("A", "B"))
    for number in range(20, 40):
        _done(database, clock, number, 7, ("A", "C"))  # before B was added to the file
    found = _of_addresses(database, asking, 10)
    assert (found.pages, found.ranges, found.bases[0].as_json()["from"]) == (20, None, "sources")


def test_the_range_of_a_sum_grows_with_its_root_and_with_what_is_not_known_of_the_mean() -> None:
    """20 samples of mean 3 and variance 20/19 (half of them 2, half 4)."""
    samples = [Took(pages=pages) for pages in (2, 4)] * 10
    variance = 20 / 19
    for count, half in (
        (1, 1.0),  # never beyond what one of them took
        (20, 1.645 * (variance * (20 + 20)) ** 0.5),
        (2_000, 1.645 * (variance * (2_000 + 200_000)) ** 0.5),
    ):
        bases = (measured(count, samples),)
        assert total(bases, lambda took: took.pages) == 3 * count
        found = total_range(bases, lambda took: took.pages)
        assert found == pytest.approx((3 * count - half, 3 * count + half))


def test_without_a_key_what_was_asked_before_is_not_counted(database: Database, tmp_path: Path) -> None:
    _remember(database, pages=40, calls=10)
    found = _estimate(database, _settings(tmp_path, openai_api_keys=None), 100)
    assert (found.model_calls, found.usd, found.pages) == (0, 0.0, 100)


def test_a_learned_site_takes_the_calls_that_its_recipes_leave(database: Database, tmp_path: Path) -> None:
    """As long as recipes have read too few pages of it, it is judged as any other."""
    store = StoredRecipes(database)
    recipe = store.find_or_add(new_recipe("homes.example", frozenset({1})))

    def read(pages: int, without: int) -> None:
        counts = Counts(pages=pages, without_model=without)
        store.update(recipe.id, lambda one: replace(one, state=RecipeState.ACTIVE, counts=counts))

    read(19, 19)
    assert _estimate(database, _settings(tmp_path), 100).model_calls == 100
    read(400, 380)
    found = _estimate(database, _settings(tmp_path), 100, "www.homes.example")
    assert (found.model_calls, found.tokens) == (5, 5 * (_TYPICAL.input_tokens + _TYPICAL.output_tokens))
    assert found.as_json()["bases"][0]["from"] == "recipe"
    assert "Judged: 100 URLs of a learned site by their recipes (95% need no model)." in found.sentence()
    assert found.ranges is not None
    with closing(KeyView(_settings(tmp_path))) as keys:
        urls = [f"http://{host}/{n}" for host in ("homes.example", "new.example") for n in range(50)]
        mixed = estimate(database, keys, _settings(tmp_path), urls)
    assert mixed.model_calls == 53
    for change in ({"recipe_use": "off"}, {"model_use": "always"}):
        assert _estimate(database, _settings(tmp_path, **change), 100).model_calls == 100
    store.update(recipe.id, lambda one: replace(one, state=RecipeState.SUSPENDED))
    assert _estimate(database, _settings(tmp_path), 100).model_calls == 100
