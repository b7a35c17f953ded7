"""A page of unknown kind without an address adds nothing to a property with which it only shares a parcel number, until
a fact or a person confirms it.
"""

import itertools
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from app.property.record import SourceKind
from app.property.source_record import SourceRecord
from app.property.storage.properties.decisions import DecisionStore
from app.services.runtime.resources import open_resources
from app.services.runtime.stores import Stores, open_stores
from app.settings import Settings
from benchmarks.saving import save_record
from tests.plugins.changing_site import ChangingSite
from tests.security.test_merging_by_strangers import HOUSE, LOT, PARCEL, STRANGER, STREET, homes, page, save, waiting

CARD = page(LOT, SourceKind.ASSESSOR, PARCEL, STREET, {"YearBuilt": 1950, "BedroomsTotal": 3})
SITE_PARCEL = {"ParcelNumber": "0012-0034"}
FALSE = {"ListPrice": 99_000, "YearBuilt": 1999, "ListAgentFullName": "Eve Fox"}


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    with open_stores(Settings.of(propintel_home=tmp_path / "home")) as opened:
        yield opened


def bare(*parts: dict[str, Any], kind: SourceKind | None = None, day: int = 0) -> SourceRecord:
    return page(STRANGER, kind, PARCEL, FALSE, *parts, day=day)


def values(stores: Stores, property_id: str) -> dict[str, Any]:
    record: dict[str, Any] = stores.properties.get(property_id)["record"]
    return record


@pytest.mark.parametrize("kind", [None, SourceKind.OTHER])
@pytest.mark.parametrize("is_stranger_first", [False, True])
@pytest.mark.parametrize("parcel", [PARCEL, SITE_PARCEL, {**SITE_PARCEL, "City": "Anytown"}])
def test_a_parcel_number_alone_joins_no_page_of_unknown_kind(
    stores: Stores, kind: SourceKind | None, is_stranger_first: bool, parcel: dict[str, Any]
) -> None:
    """A shared town adds nothing."""
    stranger = page(STRANGER, kind, parcel, FALSE)
    save(stores, *([stranger, CARD] if is_stranger_first else [CARD, stranger]))
    card, other = homes(stores, LOT, STRANGER)
    assert card != other
    assert values(stores, card)["YearBuilt"] == 1950
    assert "ListPrice" not in values(stores, card)
    if parcel is PARCEL:
        (review,) = waiting(stores)
        assert {review.property_id, review.other_id} == {card, other}


def test_two_pages_of_unknown_kind_with_one_parcel_number_stay_apart(stores: Stores) -> None:
    save(stores, page(HOUSE, None, PARCEL, STREET, {"YearBuilt": 1950}), bare())
    house, other = homes(stores, HOUSE, STRANGER)
    assert house != other
    assert "ListPrice" not in values(stores, house)


@pytest.mark.parametrize("fact", [{"BedroomsTotal": 3, "YearBuilt": 1950}, STREET])
def test_the_page_joins_by_itself_when_it_is_read_with_an_address_or_a_matching_fact(
    stores: Stores, fact: dict[str, Any]
) -> None:
    save(stores, CARD, bare())
    before = homes(stores, LOT, STRANGER)
    save(stores, bare(fact, day=1))
    card, other = homes(stores, LOT, STRANGER)
    assert card == other in before
    assert waiting(stores) == []


def test_more_facts_against_than_for_the_page_do_not_confirm_it(stores: Stores) -> None:
    """The bedrooms agree, but the year differs."""
    save(stores, CARD, bare({"BedroomsTotal": 3}))
    card, other = homes(stores, LOT, STRANGER)
    assert card != other


def test_a_page_that_is_read_again_stays_in_its_property(stores: Stores) -> None:
    save(stores, CARD, bare())
    before = homes(stores, LOT, STRANGER)
    save(stores, bare({"ListPrice": 98_000}, day=1), CARD, bare({"ListPrice": 97_000}, day=2))
    assert homes(stores, LOT, STRANGER) == before
    assert len(waiting(stores)) == 1


def test_a_person_confirms_the_page_and_it_stays(stores: Stores) -> None:
    save(stores, CARD, bare())
    (review,) = waiting(stores)
    DecisionStore(stores.database).join(review.property_id, review.other_id, who="Ann")
    save(stores, bare({"ListPrice": 98_000}, day=1))
    card, other = homes(stores, LOT, STRANGER)
    assert card == other
    assert values(stores, card)["YearBuilt"] == 1950, "the assessor's"


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_offices_still_join_by_a_parcel_number_whoever_came_first(stores: Stores, order: tuple[int, ...]) -> None:
    """A tax bill without an address joins the assessor's card, also if a stranger's page has the number first."""
    bill = page("https://tax.example/b", SourceKind.TAX_ROLL, PARCEL, {"TaxYear": 2025, "TaxAnnualAmount": 3900})
    records = [CARD, bill, bare()]
    for place in order:
        save_record(stores.properties, records[place])
    save(stores, *records)
    card, of_bill, stranger = homes(stores, LOT, "https://tax.example/b", STRANGER)
    assert card == of_bill != stranger
    assert "ListPrice" not in values(stores, card)


def test_a_page_found_for_a_property_joins_it(stores: Stores) -> None:
    """A search for the property's own parcel number led to the page."""
    card = save_record(stores.properties, CARD)
    assert save_record(stores.properties, bare(), related=card) == card
    save(stores, bare({"ListPrice": 98_000}, day=1))
    assert homes(stores, LOT, STRANGER) == [card, card]
    assert waiting(stores) == []


def test_a_scraped_page_that_only_names_a_parcel_becomes_its_own_property(
    tmp_path: Path, changing_site: ChangingSite
) -> None:
    settings = Settings.of(
        propintel_home=tmp_path / "home",
        fetch_allowed_private_networks=(ip_network("127.0.0.0/8"),),
        fetch_min_delay_seconds=0,
        model_use="never",
    )
    facts = (
        "<dt>Parcel number</dt><dd>0012-0034-56</dd><dt>County</dt><dd>Sangamon County</dd><dt>State</dt><dd>IL</dd>"
    )
    changing_site.pages |= {
        "/card": f"<h1>12 Elm Street, Springfield, IL 62701</h1><dl>{facts}<dt>Year built</dt><dd>1987</dd></dl>",
        "/deal": f"<h1>Great deal</h1><dl>{facts}<dt>Price</dt><dd>$99,000</dd><dt>Year built</dt><dd>1999</dd></dl>",
    }
    card, deal = changing_site.address + "/card", changing_site.address.replace("127.0.0.1", "localhost") + "/deal"
    with open_resources(settings) as service:
        first, second = (service.scraper.scrape(url).property_id for url in (card, deal))
        assert first != second
        assert "ListPrice" not in service.properties.get(first)["record"]
        changing_site.pages["/deal"] += "<p>Address: 12 Elm Street, Springfield, IL 62701</p>"
        assert service.scraper.scrape(deal, refresh=True).property_id in (first, second)
        shown = service.properties.get(first)
        assert (shown["record"]["YearBuilt"], shown["record"]["ListPrice"]) == (1987, 99_000)
