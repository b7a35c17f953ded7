"""Scraping the chosen properties of the county yields the right values, or reports that a value is doubtful.

`make bench-county` measures the whole county.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.county.judge import Figures, judge
from benchmarks.county.run import scrape_county
from simulators.county.county import County
from simulators.county.homes import Home
from simulators.county.serving import RunningCounty
from tests.plugins.postgresql_server import POSTGRESQL

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]
#: The county's lots with numbers up to this one look alike.
_LOOKALIKES = 45


def chosen(county: County) -> list[Home]:
    """Return homes that look alike, have duplicated pages, or are in other counties, and one for each kind of error."""
    wanted = set(range(1, _LOOKALIKES + 1, 2)) | {39, 40, 42}
    met: set[tuple[str, str, str]] = set()
    for one in county.planted:
        if (what := (one.kind, one.site, one.field)) not in met and not {one.home} & wanted:
            met.add(what)
            wanted.add(one.home)
    beyond = [home.number for home in county.homes if home.town.county != "Example"]
    wanted |= set(beyond[:10])
    twice = [number for number, pages in county.pages.items() if any(page.variant for page in pages)]
    wanted |= set(twice[::4])
    return [home for home in county.homes if home.number in wanted]


@pytest.fixture(scope="module", params=["sqlite", POSTGRESQL])
def figures(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Figures]:
    folder = tmp_path_factory.mktemp("county")
    with RunningCounty() as running:
        homes = chosen(running.county)
        if request.param == "sqlite":
            yield _measured(running, homes, None, folder)
            return
        yield _measured(running, homes, request.getfixturevalue("postgresql").new_database(), folder)


def _measured(running: RunningCounty, homes: list[Home], url: str | None, folder: Path) -> Figures:
    scraped, stored = scrape_county(running, homes, url, folder)
    found = judge(running, homes, scraped, stored)
    assert running.server.asked["vault"] == 0, "a page was fetched that robots.txt forbids"
    assert running.server.asked["rumors"] == 0, "a page was fetched outside of the allowed domains"
    return found


def test_each_property_gets_the_values_and_pages_that_are_its_own(figures: Figures) -> None:
    assert figures.homes > 50
    assert (figures.wrong_merges, figures.no_property) == ([], [])
    assert figures.pages > 250
    assert figures.missed_share <= 0.02, figures.missed_merges
    assert figures.fields > 1500
    assert figures.fields_right >= 0.98, figures.wrong_fields
    assert figures.invented == []
    assert figures.outdated >= 2
    assert figures.outdated_wrong == []
    assert figures.values > 1500
    assert figures.unproven == []


def test_every_planted_conflict_is_reported_and_no_lie_of_a_search_is_stored(figures: Figures) -> None:
    assert all(figures.planted[kind] >= least for kind, least in (("conflict", 10), ("decimal", 3), ("unit", 2)))
    assert figures.unreported == []
    assert figures.refused.total() <= 4
    assert figures.lies_told >= 10
    assert figures.lies_believed == []


def test_a_property_costs_one_call_if_its_pages_suffice(figures: Figures) -> None:
    assert figures.suffice >= 35
    assert figures.most_questions <= 1
    assert figures.searched_in_vain == []
