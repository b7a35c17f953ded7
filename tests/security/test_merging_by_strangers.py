"""A page of unknown kind may join a property, but only a person may merge two properties because of it."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.property.record import SourceKind
from app.property.source_record import SourceRecord
from app.property.storage.properties.decisions import DecisionStore
from app.property.storage.properties.tables import IdentityDecision
from app.services.reports.doctor.database import check_database
from app.services.reports.doctor.findings import State
from app.services.runtime.stores import Stores, open_stores
from app.settings import Settings
from benchmarks.saving import save_record
from tests.plugins.page_records import page_record

AT = datetime(2026, 6, 1, tzinfo=UTC)
STREET = {"StreetNumber": "12", "StreetName": "Fictional Ave", "City": "Anytown", "StateOrProvince": "ST"}
PARCEL = {"ParcelNumber": "0012-0034", "CountyOrParish": "Example", "StateOrProvince": "ST"}
HOUSE, LOT, PORTAL = "https://permits.example/a", "https://assessor.example/b", "https://portal.example/c"
STRANGER = "https://stranger.example/x"


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    with open_stores(Settings.of(propintel_home=tmp_path / "home")) as opened:
        yield opened


def page(url: str, kind: SourceKind | None, *parts: dict[str, Any], day: int = 0) -> SourceRecord:
    values = {name: value for part in parts for name, value in part.items()}
    return page_record(url, values, AT + timedelta(days=day), f"{url}{day}"[-64:].rjust(64, "0"), source_kind=kind)


def known(street_kind: SourceKind | None = SourceKind.PERMITS) -> list[SourceRecord]:
    """Return a house's page (with an address), and the page of another owner's lot (with a parcel number)."""
    return [page(HOUSE, street_kind, STREET, {"YearBuilt": 1950}), page(LOT, SourceKind.ASSESSOR, PARCEL)]


def save(stores: Stores, *records: SourceRecord) -> None:
    for record in records:
        save_record(stores.properties, record)


def homes(stores: Stores, *urls: str) -> list[str]:
    found = {source["url"]: one["property"] for one in stores.properties.page().items for source in one["sources"]}
    return [found[url] for url in urls]


def waiting(stores: Stores) -> list[IdentityDecision]:
    return DecisionStore(stores.database).reviews().items


@pytest.mark.parametrize("kind", [None, SourceKind.OTHER])
def test_a_strangers_page_with_ones_parcel_number_and_anothers_address_does_not_merge_both(
    stores: Stores, kind: SourceKind | None
) -> None:
    save(stores, *known())
    save(stores, page(STRANGER, kind, STREET, PARCEL))
    house, lot, stranger = homes(stores, HOUSE, LOT, STRANGER)
    assert house != lot
    assert stranger in (house, lot), "the page must join one of the two"
    (review,) = waiting(stores)
    assert {review.property_id, review.other_id} == {house, lot}
    assert (review.kind, review.undone_at) == ("review", None)
    assert "page of unknown kind" in review.reason


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_both_properties_stay_separate_in_any_order(stores: Stores, order: tuple[int, ...]) -> None:
    records = [*known(), page(STRANGER, None, STREET, PARCEL)]
    for place in order:
        save_record(stores.properties, records[place])
    save(stores, *records)
    house, lot = homes(stores, HOUSE, LOT)
    assert house != lot
    assert {frozenset((one.property_id, one.other_id)) for one in waiting(stores)} == {frozenset((house, lot))}


def test_a_known_page_does_not_merge_properties_that_a_stranger_connected_before(stores: Stores) -> None:
    """The stranger's page gives the house's address and the lot's number. Then the lot's own page is scraped again."""
    save(stores, *known(None), page(PORTAL, None, STREET), page(STRANGER, None, STREET, PARCEL, {"CloseDate": "x"}))
    save(stores, page(LOT, SourceKind.ASSESSOR, PARCEL, {"TaxYear": 2026}, day=1))
    house, lot = homes(stores, HOUSE, LOT)
    assert house != lot


def test_a_strangers_value_attracts_no_further_page(stores: Stores) -> None:
    """The lot is stored first. The stranger's page says that the lot has the house's address."""
    lot, house = page(LOT, SourceKind.ASSESSOR, PARCEL), page(HOUSE, SourceKind.PERMITS, STREET)
    save(stores, lot, house, page(STRANGER, None, STREET, PARCEL), page(PORTAL, None, STREET))
    of_lot, of_house, stranger, portal = homes(stores, LOT, HOUSE, STRANGER, PORTAL)
    assert stranger == of_lot != of_house == portal


def test_a_page_found_for_an_address_joins_the_property_there(stores: Stores) -> None:
    lot, house = (save_record(stores.properties, record) for record in reversed(known()))
    assert lot != house
    assert save_record(stores.properties, page(STRANGER, None, STREET, PARCEL), related=house) == house
    assert len(waiting(stores)) == 1


def test_an_office_that_names_both_merges_them(stores: Stores) -> None:
    save(stores, *known())
    save(stores, page(PORTAL, SourceKind.TAX_ROLL, STREET, PARCEL))
    house, lot = homes(stores, HOUSE, LOT)
    assert house == lot
    assert waiting(stores) == []


def test_two_properties_that_match_without_the_stranger_are_merged(stores: Stores) -> None:
    """One property lacks the city and the other the ZIP code, until an office's page states both."""
    by_zip = {name: value for name, value in STREET.items() if name != "City"} | {"PostalCode": "00000"}
    save(stores, page(HOUSE, SourceKind.PERMITS, STREET))
    save(stores, page(LOT, SourceKind.ASSESSOR, by_zip))
    house, lot = homes(stores, HOUSE, LOT)
    assert house != lot
    save(stores, page(HOUSE, SourceKind.PERMITS, STREET, by_zip, day=1))
    save(stores, page(STRANGER, None, STREET, by_zip))
    house, lot, stranger = homes(stores, HOUSE, LOT, STRANGER)
    assert house == lot == stranger


def test_a_person_merges_both_and_no_review_is_left(stores: Stores) -> None:
    save(stores, *known(), page(STRANGER, None, STREET, PARCEL))
    (review,) = waiting(stores)
    decisions = DecisionStore(stores.database)
    made = decisions.join(review.property_id, review.other_id, who="Ann")
    house, lot = homes(stores, HOUSE, LOT)
    assert house == lot
    assert waiting(stores) == []
    decisions.undo(made.id, who="Ann")
    assert [one.id for one in waiting(stores)] == [review.id], "the review must be open again"


def test_the_doctor_counts_open_reviews_and_names_the_command_that_lists_them(stores: Stores, tmp_path: Path) -> None:
    settings = Settings.of(propintel_home=tmp_path / "home")
    assert check_database(settings).state is State.OK
    save(stores, *known(), page(STRANGER, None, STREET, PARCEL))
    found = check_database(settings)
    assert found.state is State.WARNING
    assert ("has to review: 1" in found.detail, "propintel properties decisions" in str(found.remedy)) == (True, True)


def test_a_review_that_was_closed_is_not_opened_again_for_the_same_page(stores: Stores) -> None:
    save(stores, *known(), page(STRANGER, None, STREET, PARCEL))
    (review,) = waiting(stores)
    save(stores, page(STRANGER, None, STREET, PARCEL, {"YearBuilt": 1960}, day=1))
    assert [one.id for one in waiting(stores)] == [review.id], "the same page must not open a second review"
    DecisionStore(stores.database).undo(review.id, who="Ann")
    save(stores, page(STRANGER, None, STREET, PARCEL, {"YearBuilt": 1970}, day=2))
    assert waiting(stores) == []
    save(stores, page("https://another.example/y", None, STREET, PARCEL))
    house, lot = homes(stores, HOUSE, LOT)
    assert house != lot
    assert len(waiting(stores)) == 1, "another page must open a new review"
