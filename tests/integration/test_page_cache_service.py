"""Unchanged pages and pages with several URLs cost no second model call.

The fetcher, extractors, and database are real.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from pydantic import SecretStr

from app.errors.fetching import PageUnderWayError
from app.errors.pages import PageGoneError
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.models import PageFrom
from app.property.storage.pages.index import PageIndex
from app.property.storage.pages.repository import PageStore
from app.property.storage.pages.retention import Retention
from app.services.runtime.resources import Resources, open_resources
from app.services.scraping.run import Run
from app.settings import Settings
from tests.plugins.changing_site import ChangingSite
from tests.plugins.simulator_fixtures import SimulatorHandle


def listing(number: int = 12, price: int = 310_000, *, head: str = "", body: str = "", ident: str = "48213") -> str:
    """Return a page whose markup states most values. The roof is named only in the prose, which the model reads."""
    data = {
        "@context": "https://schema.org", "@type": "SingleFamilyResidence", "name": f"{number} Main St",
        "identifier": ident,
        "address": {"@type": "PostalAddress", "streetAddress": f"{number} Main St", "addressLocality": "Springfield",
                    "addressRegion": "IL", "postalCode": "62701"},
        "numberOfBedrooms": 3, "offers": {"@type": "Offer", "price": price, "priceCurrency": "USD"},
    }  # fmt: skip
    return f"""<!doctype html><html lang="en"><head><title>{number} Main St</title>{head}
<script type="application/ld+json">{json.dumps(data)}</script></head><body>
<h1>{number} Main St, Springfield, IL 62701</h1><p>${price:,}</p><p>3 bedrooms</p>
<p>The kitchen looks out on a slate roof that was relaid with care.</p><p>Year built: 1987</p>
<p>A quiet home with a garden, close to the park and the river. {body}</p></body></html>"""


@pytest.fixture
def api(openai_simulator: Callable[..., SimulatorHandle]) -> SimulatorHandle:
    return openai_simulator()


@pytest.fixture
def service(tmp_path: Path, api: SimulatorHandle, changing_site: ChangingSite) -> Iterator[Resources]:
    settings = Settings.of(
        propintel_home=tmp_path / "home",
        fetch_allowed_private_networks="127.0.0.0/8",  # type: ignore[arg-type]  # as in the environment
        openai_api_key=SecretStr(api.keys[0]),
        openai_base_url=api.base_url,
    )
    with open_resources(settings) as resources:
        yield resources


def calls(api: SimulatorHandle) -> int:
    return int(api.stats()["totals"]["requests"])


def scrape(service: Resources, url: str, **options: Any) -> Any:
    return service.scraper.scrape(url, **options)


def test_a_page_that_its_site_reports_as_unchanged_costs_no_call(
    service: Resources, api: SimulatorHandle, changing_site: ChangingSite
) -> None:
    changing_site.pages["/h/48213"] = listing()
    url = f"{changing_site.address}/h/48213"
    first = scrape(service, url)
    assert (first.page_from, calls(api)) == (PageFrom.SITE, 1)
    again = scrape(service, url, refresh=True)
    assert changing_site.statuses("/h/48213") == [200, 304]
    assert (again.page_from, again.property_id, again.record) == (PageFrom.UNCHANGED, first.property_id, first.record)
    assert calls(api) == 1
    assert again.sources[0]["checked_at"] > again.sources[0]["fetched_at"]
    assert scrape(service, url).page_from is PageFrom.STORED
    assert len(changing_site.asked) == 2


def test_a_changed_page_is_read_and_paid_for(
    service: Resources, api: SimulatorHandle, changing_site: ChangingSite
) -> None:
    changing_site.pages["/h/48213"] = listing()
    url = f"{changing_site.address}/h/48213"
    scrape(service, url)
    changing_site.pages["/h/48213"] = listing(price=299_000, body="Now with a new price.")
    again = scrape(service, url, refresh=True)
    assert changing_site.statuses("/h/48213") == [200, 200]
    assert (again.page_from, again.record["ListPrice"], calls(api)) == (PageFrom.SITE, 299_000, 2)
    assert len(again.sources) == 1
    changing_site.has_validators = False  # without validators, an unchanged page is recognized by its hash
    again = scrape(service, url, refresh=True)
    assert changing_site.statuses("/h/48213") == [200, 200, 200]
    assert (again.page_from, calls(api)) == (PageFrom.UNCHANGED, 2)


def test_a_redirect_target_is_requested_with_its_own_validators(
    service: Resources, api: SimulatorHandle, changing_site: ChangingSite
) -> None:
    changing_site.pages["/h/48213"] = listing()
    changing_site.redirects["/old/48213"] = "/h/48213"
    old, new = f"{changing_site.address}/old/48213", f"{changing_site.address}/h/48213"
    first = scrape(service, old)
    assert scrape(service, old, refresh=True).page_from is PageFrom.UNCHANGED
    assert scrape(service, new).page_from is PageFrom.UNCHANGED, "a first request with this URL must count as unchanged"
    assert scrape(service, new).page_from is PageFrom.STORED
    assert changing_site.statuses("/h/48213") == [200, 304, 304]
    assert all("if-none-match" not in one.headers for one in changing_site.asked if one.path == "/old/48213")
    assert calls(api) == 1
    (source,) = service.properties.get(first.property_id)["sources"]
    assert (source["url"], source["page_url"]) == (old, new)


def test_a_listing_with_three_urls_is_one_source_and_costs_one_call(
    service: Resources, api: SimulatorHandle, changing_site: ChangingSite
) -> None:
    canonical = f'<link rel="canonical" href="{changing_site.address}/homes/48213">'
    for n, path in enumerate(("/homes/48213", "/homes/48213?view=map", "/mobile/48213")):
        changing_site.pages[path] = listing(head=canonical, body=f"<i>token {n}</i>")
    outcomes = [scrape(service, changing_site.address + path) for path in changing_site.pages]
    assert [one.page_from for one in outcomes] == [PageFrom.SITE, PageFrom.SAME_PAGE, PageFrom.SAME_PAGE]
    assert len({one.property_id for one in outcomes}) == 1
    assert calls(api) == 1
    assert len(outcomes[-1].sources) == 1
    assert scrape(service, f"{changing_site.address}/mobile/48213").page_from is PageFrom.STORED
    assert len(changing_site.asked) == 3


def test_a_new_canonical_url_is_fetched_once_and_replaces_its_other_urls(
    service: Resources, api: SimulatorHandle, changing_site: ChangingSite
) -> None:
    root = changing_site.address
    for path in ("/homes/48213", "/mobile/48213", "/to/48213"):
        changing_site.pages[path] = listing(
            head=f'<link rel="canonical" href="{root}/homes/48213">', body=f"<i>{path}</i>"
        )
    first = scrape(service, f"{root}/mobile/48213")
    (source,) = first.sources
    assert (first.page_from, source["url"], source["page_url"]) == (PageFrom.SITE, *[f"{root}/homes/48213"] * 2)
    second = scrape(service, f"{root}/to/48213")
    assert (second.page_from, second.property_id, len(second.sources)) == (PageFrom.SAME_PAGE, first.property_id, 1)
    assert [one.path for one in changing_site.asked] == ["/mobile/48213", "/homes/48213", "/to/48213"]
    assert calls(api) == 1
    again = scrape(service, f"{root}/mobile/48213", refresh=True)
    assert (again.page_from, calls(api)) == (PageFrom.UNCHANGED, 1)
    assert [one.status for one in changing_site.asked[3:]] == [304, 304]
    assert again.sources[0]["checked_at"] > again.sources[0]["fetched_at"], "the canonical URL was not requested"


def test_another_url_with_different_values_is_a_separate_source(
    service: Resources, api: SimulatorHandle, changing_site: ChangingSite
) -> None:
    canonical = f'<link rel="canonical" href="{changing_site.address}/homes/48213">'
    changing_site.pages["/homes/48213"] = listing(head=canonical)
    changing_site.pages["/mobile/48213"] = listing(head=canonical, price=299_000)
    scrape(service, f"{changing_site.address}/homes/48213")
    second = scrape(service, f"{changing_site.address}/mobile/48213")
    assert (second.page_from, second.record["ListPrice"]) == (PageFrom.SITE, 299_000)
    (conflict,) = second.conflicts
    assert [proof["value"] for proof in conflict["evidence"]] == [299_000, 310_000]
    assert len(second.sources) == 2


def test_a_canonical_link_to_another_listing_is_ignored(
    service: Resources, api: SimulatorHandle, changing_site: ChangingSite
) -> None:
    """A faulty template puts the first listing's URL on every page: 14 Main St must not become 12 Main St."""
    canonical = f'<link rel="canonical" href="{changing_site.address}/homes/48213">'
    changing_site.pages["/homes/48213"] = listing(head=canonical)
    changing_site.pages["/x/48213/14-main"] = listing(14, 450_000, head=canonical, ident="48999")
    first = scrape(service, f"{changing_site.address}/homes/48213")
    second = scrape(service, f"{changing_site.address}/x/48213/14-main")
    assert second.page_from is PageFrom.SITE
    assert second.property_id != first.property_id
    assert (second.record["StreetNumber"], second.record["ListPrice"]) == ("14", 450_000)
    assert service.properties.get(first.property_id)["record"]["StreetNumber"] == "12"
    assert calls(api) == 2


def test_a_page_that_must_not_be_stored_is_not_stored(
    service: Resources, api: SimulatorHandle, changing_site: ChangingSite, tmp_path: Path
) -> None:
    changing_site.pages["/h/48213"] = listing(body="Shown to you only.")
    changing_site.headers["/h/48213"] = {"cache-control": "private, no-store"}
    url = f"{changing_site.address}/h/48213"
    job = service.jobs.enqueue([url]).new[0]
    service.jobs.claim(job, "test", 30)
    scrape(service, url, run=Run(Lease(job, "test")))
    assert PageStore(service.database).checkpoint(job) is None
    again = scrape(service, url, refresh=True)
    assert changing_site.statuses("/h/48213") == [200, 200]
    assert (again.page_from, calls(api)) == (PageFrom.UNCHANGED, 1), "its values and hash must be stored"


def test_an_unusable_page_is_requested_without_validators(service: Resources, changing_site: ChangingSite) -> None:
    changing_site.pages["/h/1"] = """<html><head><title>Not available</title></head><body>
<h1>This listing is no longer available</h1><p>It has been removed.</p></body></html>"""
    url = f"{changing_site.address}/h/1"
    job = service.jobs.enqueue([url]).new[0]
    service.jobs.claim(job, "test", 30)
    for _ in range(2):
        with pytest.raises(PageGoneError):
            scrape(service, url, run=Run(Lease(job, "test")))
    assert changing_site.statuses("/h/1") == [200, 200]


def test_a_pruned_body_is_fetched_again(service: Resources, api: SimulatorHandle, changing_site: ChangingSite) -> None:
    changing_site.pages["/h/48213"] = listing()
    url = f"{changing_site.address}/h/48213"
    first = scrape(service, url)
    assert Retention(service.database).prune_surplus(0).bodies == 1
    again = scrape(service, url, refresh=True)
    assert changing_site.statuses("/h/48213") == [200, 200]
    assert (again.page_from, again.property_id, calls(api)) == (PageFrom.UNCHANGED, first.property_id, 1)


def test_a_record_without_a_model_answer_is_read_again_from_the_stored_body(
    tmp_path: Path, service: Resources, api: SimulatorHandle, changing_site: ChangingSite
) -> None:
    """After a 304, the model reads the stored body."""
    changing_site.pages["/h/48213"] = listing()
    url = f"{changing_site.address}/h/48213"
    keyless = service.settings.replaced(openai_api_key=None)
    with open_resources(keyless) as before:
        first = before.scraper.scrape(url)
    assert first.model_note is not None
    again = scrape(service, url, refresh=True)
    assert changing_site.statuses("/h/48213") == [200, 304]
    assert (again.page_from, again.model_note, calls(api)) == (PageFrom.SITE, None, 1)
    assert again.evidence["Roof"]["method"] == "llm"


def test_a_deferred_job_remembers_that_its_page_was_confirmed(
    service: Resources, api: SimulatorHandle, changing_site: ChangingSite
) -> None:
    """If the confirmation were not stored, the page would look old and be requested again."""
    changing_site.pages["/h/48213"] = listing()
    url = f"{changing_site.address}/h/48213"
    with open_resources(service.settings.replaced(openai_api_key=None)) as keyless:
        keyless.scraper.scrape(url)
        job = service.jobs.enqueue([url], refresh=True).new[0]
        service.jobs.claim(job, "test", 30)
        api.set_key(api.keys[0], rpm=1)
        api.client().chat.completions.create(model="gpt-4.1-mini", messages=[{"role": "user", "content": "Hi"}])
        with pytest.raises(openai.RateLimitError):
            scrape(service, url, run=Run(Lease(job, "test")), refresh=True)
        (source,) = keyless.scraper.scrape(url, Run(Lease(job, "test")), refresh=True).sources
    assert changing_site.statuses("/h/48213") == [200, 304]
    assert source["checked_at"] is not None
    assert source["checked_at"] > source["fetched_at"]


def test_a_page_that_another_job_reads_is_waited_for_and_costs_no_second_call(
    service: Resources, api: SimulatorHandle, changing_site: ChangingSite
) -> None:
    changing_site.pages["/h/48213"] = listing()
    url = f"{changing_site.address}/h/48213"
    other, mine = (Lease(job, "test") for job in service.jobs.enqueue([f"{url}/other", url]).new)
    for lease in (other, mine):
        service.jobs.claim(lease.job_id, "test", 30)
    assert PageIndex(service.database).take_reading(url, other)
    with pytest.raises(PageUnderWayError):
        scrape(service, url, run=Run(mine))
    assert calls(api) == 0
