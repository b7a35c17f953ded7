"""A page cannot take another page's place by declaring that page's URL as canonical, or by showing that URL with a
script.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.property.record import SourceKind
from app.property.sources.config import read_sources
from app.property.storage.jobs.models import PageFrom
from app.services.runtime.resources import Resources, open_resources
from app.settings import Settings
from tests.plugins.address_world import assessor
from tests.plugins.changing_site import ChangingSite
from tests.plugins.simulator_fixtures import SimulatorHandle

Make = Callable[..., Resources]
ADDRESS = "12 Fictional Ave, Anytown, ST 00000"
CARD, EVIL = "/parcel/12-fictional-ave-00000", "/uploads/12-fictional-ave-00000"
TRUE = {"Year_Built": 1950, "Tax_Year": 2025, "Assessed_Value": "$200,000"}
FALSE = {"Year_Built": 2024, "Tax_Year": 2025, "Assessed_Value": "$900,000"}
AREA = """
[[area]]
name = "Example"
state = "ST"
postal_codes = ["000"]
[[area.source]]
name = "Assessor"
kind = "assessor"
url = "{root}/parcel/{{street_line:slug}}-{{postal_code}}"
"""


@pytest.fixture
def make_service(
    tmp_path: Path, changing_site: ChangingSite, openai_simulator: Callable[..., SimulatorHandle]
) -> Iterator[Make]:
    """Return a function that makes a service whose `sources.toml` lists the assessor as a source."""
    home, api, opened = tmp_path / "home", openai_simulator(), []
    home.mkdir()
    (home / "sources.toml").write_text(AREA.format(root=changing_site.address))

    def make(**changes: Any) -> Resources:
        settings = Settings.of(
            propintel_home=home,
            fetch_allowed_private_networks=(ip_network("127.0.0.0/8"),),
            fetch_min_delay_seconds=0,
            openai_api_key=SecretStr(api.keys[0]),
            openai_base_url=api.base_url,
            **changes,
        )
        context = open_resources(settings)
        opened.append(context)
        return context.__enter__()

    yield make
    for context in opened:
        context.__exit__(None, None, None)


def card(facts: dict[str, Any], head: str = "") -> str:
    return assessor(ADDRESS, "0012-0034", **facts).replace("<title>", f"{head}<title>", 1)


def link(url: str) -> str:
    return f'<link rel="canonical" href="{url}">'


def source(shown: dict[str, Any], url: str) -> dict[str, Any]:
    (found,) = [one for one in shown["sources"] if one["url"] == url]
    return found


def is_not_taken_over(service: Resources, property_id: str, root: str) -> None:
    shown = service.properties.get(property_id)
    assert (shown["record"]["YearBuilt"], shown["record"]["TaxAssessedValue"]) == (1950, 200_000)
    assert source(shown, root + CARD)["source_kind"] == SourceKind.ASSESSOR
    assert source(shown, root + EVIL)["source_kind"] is None
    assert {"YearBuilt", "TaxAssessedValue"} <= {one["field"] for one in shown["conflicts"]}


@pytest.mark.parametrize("way", ["head", "header"])
def test_a_page_that_calls_itself_the_assessors_card_does_not_replace_it(
    make_service: Make, changing_site: ChangingSite, way: str
) -> None:
    service, root = make_service(), changing_site.address
    changing_site.pages[CARD] = card(TRUE)
    changing_site.pages[EVIL] = card(FALSE, link(root + CARD) if way == "head" else "")
    if way == "header":
        changing_site.headers[EVIL] = {"link": f"<{root}{CARD}>; rel=canonical"}
    property_id = service.scraper.scrape(ADDRESS).property_id
    assert service.scraper.scrape(root + EVIL).property_id == property_id
    is_not_taken_over(service, property_id, root)
    service.scraper.scrape(root + EVIL, refresh=True)
    is_not_taken_over(service, property_id, root)


def test_a_false_claim_that_comes_first_does_not_replace_the_card(
    make_service: Make, changing_site: ChangingSite
) -> None:
    """The service fetches the assessor's page only after the false page, whose values differ."""
    service, root = make_service(), changing_site.address
    changing_site.pages |= {CARD: card(TRUE), EVIL: card(FALSE, link(root + CARD))}
    service.scraper.scrape(root + EVIL)
    property_id = service.scraper.scrape(ADDRESS, refresh=True).property_id
    is_not_taken_over(service, property_id, root)


def test_a_claim_to_be_a_missing_page_is_ignored(make_service: Make, changing_site: ChangingSite) -> None:
    service, root = make_service(), changing_site.address
    changing_site.pages[EVIL] = card(FALSE, link(root + CARD))
    (found,) = service.scraper.scrape(root + EVIL).sources
    assert (found["url"], found["page_url"]) == (root + EVIL, root + EVIL)


def test_a_page_with_fewer_values_removes_none_and_does_not_keep_the_card_fresh(
    make_service: Make, changing_site: ChangingSite
) -> None:
    service, root = make_service(), changing_site.address
    changing_site.pages[CARD] = card(TRUE)
    changing_site.pages[EVIL] = card({"Year_Built": 1950}, link(root + CARD))
    first = service.scraper.scrape(ADDRESS)
    before = source(service.properties.get(first.property_id), root + CARD)
    again = service.scraper.scrape(root + EVIL)
    assert (again.property_id, again.page_from) == (first.property_id, PageFrom.SAME_PAGE)
    shown = service.properties.get(first.property_id)
    assert shown["record"]["TaxAssessedValue"] == 200_000
    assert [source(shown, root + CARD)] == shown["sources"] == [before]
    changing_site.pages[CARD] = card({**TRUE, "Assessed_Value": "$210,000"})
    service.scraper.scrape(root + EVIL, refresh=True)
    shown = service.properties.get(first.property_id)
    assert shown["record"]["TaxAssessedValue"] == 210_000, "the value must come from the card"


def test_a_page_of_another_host_or_port_is_not_fetched(make_service: Make, changing_site: ChangingSite) -> None:
    service, root = make_service(), changing_site.address
    changing_site.pages |= {CARD: card(TRUE), EVIL: card(FALSE, link(root.replace("127.0.0.1", "127.0.0.2") + CARD))}
    service.scraper.scrape(root + EVIL)
    assert [one.path for one in changing_site.asked] == [EVIL]


def test_a_page_that_the_cards_url_redirects_to_does_not_inherit_its_kind(
    make_service: Make, changing_site: ChangingSite
) -> None:
    service, root = make_service(), changing_site.address
    changing_site.pages |= {CARD: card(TRUE), EVIL: card(FALSE)}
    property_id = service.scraper.scrape(ADDRESS).property_id
    service.scraper.scrape(root + CARD, refresh=True)
    assert source(service.properties.get(property_id), root + CARD)["source_kind"] == SourceKind.ASSESSOR
    changing_site.redirects[CARD] = EVIL
    service.scraper.scrape(root + CARD, refresh=True)
    assert source(service.properties.get(property_id), root + CARD)["source_kind"] is None


@pytest.mark.parametrize(
    ("template", "cited", "kind"),
    [
        ("https://county.example/{postal_code}", "https://county.example/other", SourceKind.GIS),
        ("https://county.example/{postal_code}", "https://www.county.example/other", None),
        ("https://county.example/{postal_code}", "https://county.example:8443/other", None),
        ("https://services.arcgis.com/{postal_code}", "https://services.arcgis.com/another/office", None),
        ("https://county.qpublic.net/{postal_code}", "https://county.qpublic.net/x", None),
    ],
)
def test_a_cited_page_inherits_a_kind_only_on_its_offices_own_host(
    tmp_path: Path, template: str, cited: str, kind: SourceKind | None
) -> None:
    (tmp_path / "sources.toml").write_text(
        f'[[area]]\nname = "X"\nstate = "ST"\n[[area.source]]\nname = "A"\nkind = "gis"\nurl = "{template}"\n'
    )
    assert read_sources(tmp_path / "sources.toml").kind_of_cited(cited) == kind


def test_a_script_that_writes_the_cards_address_does_not_replace_it(
    make_service: Make, changing_site: ChangingSite
) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium: install Debian's package chromium")
    root = changing_site.address
    host = root.partition("://")[2].partition(":")[0]
    service = make_service(
        fetch_browser_path=Path(chromium), fetch_browser_sandbox=os.geteuid() != 0, fetch_browser_hosts=host
    )
    changing_site.pages[CARD] = card(TRUE)
    changing_site.pages[EVIL] = card(FALSE, f"<script>history.replaceState({{}}, '', '{CARD}')</script>")
    property_id = service.scraper.scrape(ADDRESS).property_id
    service.scraper.scrape(root + EVIL)
    is_not_taken_over(service, property_id, root)
