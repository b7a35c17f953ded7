"""Repeating a value on many hosts or ports does not outvote a county office."""

from datetime import UTC, datetime

import pytest

from app.property.merging.merge import Merged, merge
from app.property.record import SourceKind
from app.property.source_record import SourceRecord
from tests.plugins.page_records import page_record

AT = datetime(2026, 6, 1, tzinfo=UTC)
ASSESSOR = "https://assessor.county.example/parcel/1"


def built(url: str, year: int, kind: SourceKind | None = None) -> SourceRecord:
    return page_record(url, {"YearBuilt": year}, AT, source_kind=kind)


def merged(*sources: SourceRecord) -> Merged:
    return merge(sources)


@pytest.mark.parametrize(
    "urls",
    [
        ("https://homes.owner.example/1", "https://facts.owner.example/1"),
        ("https://owner.example/1", "https://www.owner.example/1"),
        ("https://owner.example/1", "https://owner.example:8443/1"),
        ("http://192.0.2.7:8001/1", "http://192.0.2.7:8002/1"),
        ("https://a.owner.co.uk/1", "https://b.owner.co.uk/1"),
        ("https://a.b.owner.github.io/1", "https://c.owner.github.io/1"),
    ],
)
@pytest.mark.parametrize("kind", [None, SourceKind.OTHER, SourceKind.PORTAL])
def test_hosts_and_ports_of_one_owner_are_one_source(urls: tuple[str, str], kind: SourceKind | None) -> None:
    found = merged(built(ASSESSOR, 1978, SourceKind.ASSESSOR), *(built(url, 1987, kind) for url in urls))
    assert found.values["YearBuilt"] == 1978
    assert {one.source_count for one in found.source_values["YearBuilt"]} == {1}


@pytest.mark.parametrize(
    "urls",
    [
        ("https://one.example/1", "https://two.example/1"),
        ("https://one.github.io/1", "https://two.github.io/1"),
        ("https://one.maps.arcgis.com/1", "https://two.maps.arcgis.com/1"),
        ("https://one.qpublic.net/1", "https://two.qpublic.net/1"),
        ("https://one.squarespace.com/1", "https://two.squarespace.com/1"),
        ("http://192.0.2.7/1", "http://192.0.2.8/1"),
    ],
)
def test_sites_of_different_owners_are_separate_sources_on_any_host(urls: tuple[str, str]) -> None:
    found = merged(built(ASSESSOR, 1978, SourceKind.ASSESSOR), *(built(url, 1987, SourceKind.PORTAL) for url in urls))
    assert found.values["YearBuilt"] == 1987
    assert found.source_values["YearBuilt"][0].source_count == 2


def test_an_unknown_page_of_a_known_source_adds_nothing_to_it() -> None:
    """Otherwise, each page of a portal that is scraped by its URL would add a vote for the portal."""
    portal = built("https://portal.example/1", 1987, SourceKind.PORTAL)
    found = merged(built(ASSESSOR, 1978, SourceKind.ASSESSOR), portal, built("https://blog.portal.example/1", 1987))
    assert found.values["YearBuilt"] == 1978
    assert {one.source_count for one in found.source_values["YearBuilt"]} == {1}


def test_two_known_offices_of_one_county_are_two_sources() -> None:
    found = merged(
        built("https://portal.example/1", 1987, SourceKind.PORTAL),
        built("https://assessor.county.example/1", 1978, SourceKind.ASSESSOR),
        built("https://tax.county.example/1", 1978, SourceKind.TAX_ROLL),
    )
    assert found.values["YearBuilt"] == 1978
    assert found.source_values["YearBuilt"][0].source_count == 2
