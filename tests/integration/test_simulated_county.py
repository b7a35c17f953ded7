"""The simulated county serves its sites over HTTP."""

from collections.abc import Iterator

import httpx2
import pytest

from simulators.county.serving import RunningCounty
from simulators.county.sites import SITES


@pytest.fixture(scope="module")
def running() -> Iterator[RunningCounty]:
    with RunningCounty() as county:
        yield county


@pytest.fixture
def client() -> Iterator[httpx2.Client]:
    with httpx2.Client(trust_env=False, timeout=300) as client:
        yield client


def test_every_open_page_is_served_and_blocked_pages_are_blocked(running: RunningCounty, client: httpx2.Client) -> None:
    blocked = [page for page in running.county.every_page.values() if page.blocked]
    assert len(blocked) == 5
    for page in [*(page for number in range(1, 201, 7) for page in running.county.pages[number]), *blocked]:
        answer = client.get(running.roots[page.site.key] + page.path)
        assert answer.status_code == (403 if page.blocked else 200), page.path
        if page.blocked:
            assert "Verify you are human" in answer.text
            assert str(page.says["YearBuilt"]) not in answer.text


def test_one_site_forbids_all_of_it_and_only_one(running: RunningCounty, client: httpx2.Client) -> None:
    forbidding = [
        site.key
        for site in SITES
        if "Disallow: /\n" in client.get(f"{running.roots[site.key]}/robots.txt", follow_redirects=False).text
    ]
    assert forbidding == ["vault"]


def test_a_lookup_leads_to_the_property_or_lists_what_it_found(running: RunningCounty, client: httpx2.Client) -> None:
    root = running.roots["hearth"]
    one = client.get(f"{root}/lookup", params={"address": "12 Fictional Avenue", "zip": "00000"})
    assert one.headers["location"] == "/homes/st/anytown/12-fictional-ave-00000"
    several = client.get(f"{root}/lookup", params={"address": "12 Fictional"})
    assert several.status_code == 200
    assert several.text.count('class="result"') > 1
    none = client.get(f"{root}/lookup", params={"address": "9 Nowhere"})
    assert "No properties matched" in none.text


def test_requests_to_a_site_are_counted_except_robots_txt(running: RunningCounty, client: httpx2.Client) -> None:
    before = running.server.asked["rumors"]
    client.get(f"{running.roots['rumors']}/robots.txt")
    assert running.server.asked["rumors"] == before
    assert "thatched" in client.get(f"{running.roots['rumors']}/rumors/12-fictional-ave").text
    assert running.server.asked["rumors"] == before + 1
