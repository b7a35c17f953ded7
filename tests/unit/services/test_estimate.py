"""Cost and time estimates follow from targets, recent jobs, prices, and limits."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from app.clock import ManualClock
from app.keypool.figures import Capacity
from app.property.page import Page
from app.property.reading.base import Extraction
from app.property.reading.model.prompt import build_prompt
from app.property.record import PageKind, PropertyRecord, SourceKind
from app.property.storage.database import Database
from app.property.storage.jobs.models import JobAttempt
from app.property.storage.keys.usage import Uses
from app.property.storage.llm.cache import AnswerStore, StoredSearch
from app.services.keys.view import KeyView
from app.services.reports.estimate import _TYPICAL_URL, Estimate, _model_minutes, estimate
from app.settings import Settings
from tests.contract.test_store_figures import does, end

KEY = "sk-proj-" + "e" * 40


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'store.sqlite3'}", ManualClock())
    yield database
    database.close()


def _settings(tmp_path: Path, **more: object) -> Settings:
    given = {"openai_api_keys": KEY, "openai_model": "m-1", "openai_prices": "m-1=2/10", "propintel_home": tmp_path}
    return Settings.of(**{**given, **more})  # type: ignore[arg-type]


def _urls(count: int, host: str = "homes.example") -> list[str]:
    return [f"http://{host}/{n}" for n in range(count)]


def _addresses(count: int) -> list[str]:
    return [f"{n} Next St, Anytown, ST 00000" for n in range(1, count + 1)]


def _estimate(database: Database, settings: Settings, targets: Sequence[str], *, economy: bool = False) -> Estimate:
    with closing(KeyView(settings)) as keys:  # no Redis listens at this URL
        return estimate(database, keys, settings, targets, economy=economy)


def _sources(tmp_path: Path, *templates: str, search: bool = False, county: str = "Example", state: str = "ST") -> None:
    """Add an area with a source for each template to `sources.toml`, and with `search` a domain to search."""
    lines = [f'[[area]]\nname = "{county}"\nstate = "{state}"\ncounty = "{county}"'] if templates else []
    lines += [f'[[area.source]]\nname = "S{n}"\nkind = "gis"\nurl = "{url}"' for n, url in enumerate(templates)]
    lines += ['[web_search]\nallowed_domains = ["county.example"]'] if search else []
    file = tmp_path / "sources.toml"
    file.write_text("\n".join([*([file.read_text()] if file.exists() else []), *lines]))


BY_LINE, BY_ZIP = "https://gis.example/?q={street_line}", "https://tax.example/{postal_code}/{street_number}?u={unit}"
BY_PARCEL = "https://assessor.example/{parcel_number:bare}"


def _work(database: Database, urls: int, addresses: int = 0) -> None:
    """Store finished jobs. A quarter of them had a model call, and half of the addresses had a search of 8,000 tokens.

    A call has 1,000 input tokens, 600 of them cached, and 100 output tokens. An address has three pages.
    """
    tried = [JobAttempt(name, SourceKind.GIS, f"https://{name}.example/", "used") for name in "abc"]
    for n in range(urls):
        end(database, f"http://old.example/{n}")
    for n in range(addresses):
        target = f"{n + 1} Done St, Anytown, ST 00000"
        end(database, target, tried=tuple(tried))
        if n % 2:
            search = StoredSearch({"output": []}, "m-1", 8_000, 0, database.clock.now())
            AnswerStore(database).save_search(f"{n:064x}", target, search, [])
    calls, searches = (urls + addresses) // 4, addresses // 2
    tokens = 1_000 * calls + 8_000 * searches
    does(database, Uses(0, calls + searches, 0, 0, tokens, 100 * calls, 0, cached_tokens=600 * calls))


def test_the_readme_states_the_cost_of_a_thousand_pages(database: Database, tmp_path: Path) -> None:
    """The estimate uses the default model's prices and has no earlier jobs."""
    settings = _settings(tmp_path, openai_model="gpt-4.1-mini", openai_prices="")
    usd, economy = (_estimate(database, settings, _urls(1_000), economy=one).usd for one in (False, True))
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    costs = re.search(r"About \$([0-9.]+) for 1,000 pages\*\* with `gpt-4.1-mini`, or \$([0-9.]+) with `--econ", readme)
    assert costs is not None
    assert (f"{usd:.2f}", f"{economy:.2f}") == costs.groups()


def test_the_common_beginning_of_all_prompts_is_assumed_to_be_cached() -> None:
    url = "http://homes.example/1"
    page = Page(url, url, "text/html", "<p>x</p>", b"<p>x</p>", ManualClock().now())
    prefix = build_prompt(Extraction(page, PageKind.LISTING, "a test", PropertyRecord())).prefix_tokens
    assert prefix // 128 * 128 == _TYPICAL_URL.cached_tokens


def test_recent_jobs_determine_the_cost_of_the_next_ones(database: Database, tmp_path: Path) -> None:
    _work(database, urls=40)
    found = _estimate(database, _settings(tmp_path, openai_prices="m-1=2/10/0.5"), [*_urls(200), *_urls(1)])
    assert (found.targets, found.jobs, found.duplicates) == (201, 200, 1)
    assert (found.pages, found.model_calls, found.tokens) == (200, 50, 55_000)
    assert found.usd == pytest.approx(50 * (400 * 2 + 600 * 0.5 + 100 * 10) / 1_000_000)
    assert found.as_json()["recent_jobs"] == {"urls": 40}
    assert "URLs: like 40 jobs of the last 7 days." in found.sentence()
    flex = _estimate(database, _settings(tmp_path, openai_service_tier="flex"), _urls(200))
    assert flex.usd == pytest.approx(50 * (1_000 * 2 + 100 * 10) / 1_000_000 / 2)


def test_addresses_have_pages_and_searches_of_their_own(database: Database, tmp_path: Path) -> None:
    _work(database, urls=20, addresses=20)
    _sources(tmp_path, BY_LINE, BY_ZIP, BY_PARCEL, search=True)
    settings = _settings(tmp_path)
    urls, addresses = (_estimate(database, settings, targets) for targets in (_urls(80), _addresses(80)))
    assert (urls.pages, urls.model_calls, urls.tokens) == (80, 20, 22_000)
    assert (addresses.pages, addresses.model_calls, addresses.tokens) == (240, 20 + 40, 22_000 + 40 * 8_000)
    asking, searching = 20 * (1_000 * 2 + 100 * 10) / 1_000_000, 40 * (0.01 + 8_000 * 2 / 1_000_000)
    assert addresses.usd == pytest.approx(asking + searching)
    both = _estimate(database, settings, [*_urls(80), *_addresses(80)], economy=True)
    assert both.usd == pytest.approx(2 * asking / 2 + searching), "searches are not sent in batches"


def test_with_too_few_recent_jobs_of_a_kind_typical_figures_are_used(database: Database, tmp_path: Path) -> None:
    _work(database, urls=20, addresses=19)
    _sources(tmp_path, BY_LINE, BY_ZIP)
    found = _estimate(database, _settings(tmp_path), [*_urls(100), *_addresses(10)])
    assert found.recent_jobs == {"urls": 20, "addresses": 0}
    assert found.pages == 100 + 10 * 2
    assert "Addresses: typical figures, for lack of recent jobs." in found.sentence()
    database.clock.advance(timedelta(days=8).total_seconds())  # type: ignore[attr-defined]
    found = _estimate(database, _settings(tmp_path), _urls(100))
    assert (found.recent_jobs, found.model_calls) == ({"urls": 0}, 100)


@pytest.mark.parametrize("search", [True, False], ids=["search", "no search"])
@pytest.mark.parametrize("change", [{"model_use": "never"}, {"openai_api_keys": None}], ids=str)
def test_without_a_model_nothing_is_paid_except_a_search(
    database: Database, tmp_path: Path, change: dict[str, object], *, search: bool
) -> None:
    """A search needs a key, but does not ask about pages."""
    _work(database, urls=20, addresses=20)
    _sources(tmp_path, BY_LINE, BY_ZIP, BY_PARCEL, search=search)
    found = _estimate(database, _settings(tmp_path, **change), _addresses(10))
    searches = 5 if search and "model_use" in change else 0
    assert (found.jobs, found.pages, found.model_calls, found.tokens) == (10, 30, searches, 8_000 * searches)
    assert (found.usd == 0, found.problem) == (not searches, None)


# --- sources of addresses


@pytest.mark.parametrize("recent", [0, 20], ids=["typical", "recent jobs"])
def test_an_address_has_as_many_pages_as_its_county_has_sources(
    database: Database, tmp_path: Path, recent: int
) -> None:
    """Sources that need the parcel number count, and those of other states do not."""
    _work(database, urls=0, addresses=recent)
    more = [f"https://s{n}.example/{{street_line:slug}}" for n in range(4)]
    _sources(tmp_path, BY_LINE, BY_ZIP, BY_PARCEL, *more)
    _sources(tmp_path, *more, county="Elsewhere", state="OH")
    found = _estimate(database, _settings(tmp_path), _addresses(2))
    assert (found.jobs, found.pages, found.without_source, found.problem) == (2, 14, 0, None)
    assert _estimate(database, _settings(tmp_path), ["1 Next St, Elsewhere, OH 44444"]).pages == 4


@pytest.mark.parametrize(
    ("templates", "state"),
    [
        ((), None),
        ((BY_LINE,), "OH"),
        ((BY_PARCEL,), "ST"),
        ((BY_LINE.replace("q=", "key={secret:GIS_TOKEN}&q="),), "ST"),
        ((BY_ZIP,), "ST"),
    ],
    ids=["no file", "another state", "only by parcel", "without its secret", "without a placeholder's value"],
)
def test_an_address_for_which_nothing_can_be_asked_would_fail(
    database: Database, tmp_path: Path, templates: tuple[str, ...], state: str | None
) -> None:
    """The addresses have no ZIP code."""
    addresses = ["1 Next St, Anytown, ST", "2 Next St, Anytown, ST"]
    if state is not None:
        _sources(tmp_path, *templates, state=state)
    found = _estimate(database, _settings(tmp_path), [*addresses, *_urls(3)])
    assert (found.jobs, found.without_source, found.pages, found.model_calls) == (5, 2, 3, 3)
    for words in ("2 addresses would fail", "sources.toml", "web is not searched", "docs/sources.md"):
        assert words in found.sentence()
    assert "1 NEXT ST, ANYTOWN, ST would fail" in str(_estimate(database, _settings(tmp_path), addresses[:1]).problem)
    assert found.as_json()["without_source"] == 2


def test_an_address_without_sources_is_searched_for_if_a_key_can_pay(database: Database, tmp_path: Path) -> None:
    _sources(tmp_path, search=True)
    found = _estimate(database, _settings(tmp_path), _addresses(3))
    assert (found.without_source, found.pages, found.model_calls, found.tokens) == (0, 6, 6, 3 * (3_697 + 8_000))
    keyless = _estimate(database, _settings(tmp_path, openai_api_keys=None), _addresses(3))
    assert (keyless.without_source, keyless.pages) == (3, 0)
    assert "No OpenAI key is configured" in keyless.sentence()


def test_an_invalid_sources_file_is_named(database: Database, tmp_path: Path) -> None:
    (tmp_path / "sources.toml").write_text("[[area]\n")
    found = _estimate(database, _settings(tmp_path), [*_addresses(2), *_urls(1)])
    assert (found.without_source, found.pages) == (2, 1)
    assert "is not TOML" in found.sentence()
    assert _estimate(database, _settings(tmp_path), _urls(1)).problem is None


def test_the_pace_of_a_countys_host_determines_the_time(database: Database, tmp_path: Path) -> None:
    _sources(tmp_path, BY_LINE, BY_LINE.replace("?q=", "?p="), BY_PARCEL)
    settings = _settings(tmp_path, openai_api_keys=None, fetch_min_delay_seconds=2.0)
    assert _estimate(database, settings, _addresses(151)).minutes == 10.0


def test_economy_is_half_price_in_any_tier_and_waits_for_no_limit(database: Database, tmp_path: Path) -> None:
    """For this model, the batch price of cached input is unknown, so cached input costs as much as other input."""
    _work(database, urls=40)
    priced = {"openai_service_tier": "priority", "openai_prices": "m-1=2/10/0.5"}
    settings = _settings(tmp_path, fetch_min_delay_seconds=0, **priced)
    found = _estimate(database, settings, _urls(200), economy=True)
    assert found.usd == pytest.approx(50 * (1_000 * 2 + 100 * 10) / 1_000_000 / 2)
    assert (found.minutes, found.as_json()["economy"]) == (0.0, True)
    assert "answers within a day" in found.sentence()


def test_an_unknown_price_is_shown_as_unknown(database: Database, tmp_path: Path) -> None:
    found = _estimate(database, _settings(tmp_path, openai_model="m-unheard-of", openai_prices=""), _urls(10))
    assert found.usd is None
    assert "unknown cost" in found.sentence()


def test_the_pace_at_one_host_determines_the_time(database: Database, tmp_path: Path) -> None:
    settings = _settings(tmp_path, openai_api_keys=None, fetch_min_delay_seconds=2.0)
    assert _estimate(database, settings, [*_urls(301), *_urls(40, "other.example")]).minutes == 10.0


CAPACITIES = [
    Capacity("a", "m-1", "requests", per_minute=60, left=60),
    Capacity("a", "m-1", "tokens", per_minute=11_000, left=11_000),
    Capacity("b", "m-1", "requests", per_minute=20, left=0),
    Capacity("b", "m-other", "requests", per_minute=9_999, left=9_999),
]


def test_limit_groups_work_in_parallel_each_by_its_tightest_limit() -> None:
    # group a can make 10 calls a minute because of tokens, and group b 20 because of requests
    assert _model_minutes(CAPACITIES, "m-1", 300, 300 * 1_100) == pytest.approx(10.0)
    assert _model_minutes([], "m-1", 300, 300 * 1_100) is None
    assert _model_minutes([], "m-1", 0, 0) == 0.0
