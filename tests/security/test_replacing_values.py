"""A page of one owner does not replace the value that another owner's page stated before, however often it repeats its
own value. Both values are shown as disputed.
"""

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from app.property.merging.merge import Merged, merge
from app.property.record import SourceKind
from app.property.source_record import SourceRecord, Tenure
from app.services.runtime.resources import Resources, open_resources
from app.settings import Settings
from tests.plugins.changing_site import ChangingSite
from tests.plugins.page_records import page_record

AT = datetime(2026, 6, 1, tzinfo=UTC)
HONEST, LOUD = "/homes/12-elm-street", "/deals/12-elm"
TRUE = {"price": 450_000, "year": 1987, "area": 1410, "status": "Active", "agent": "Ann Doe"}
FALSE = {"price": 99_000, "year": 1999, "area": 2200, "status": "Pending", "agent": "Eve Fox"}
FIELDS = {"price": "ListPrice", "year": "YearBuilt", "area": "LivingArea", "status": "StandardStatus",
          "agent": "ListAgentFullName"}  # fmt: skip


@pytest.fixture
def service(tmp_path: Path, changing_site: ChangingSite) -> Iterator[Resources]:
    settings = Settings.of(
        propintel_home=tmp_path / "home",
        fetch_allowed_private_networks=(ip_network("127.0.0.0/8"),),
        fetch_min_delay_seconds=0,
        model_use="never",
    )
    with open_resources(settings) as opened:
        yield opened


def quiet_page(facts: dict[str, Any]) -> str:
    """Return a page that states each fact once."""
    return (
        "<title>12 Elm Street, Springfield, IL 62701</title><h1>12 Elm Street, Springfield, IL 62701</h1><dl>"
        f"<dt>Price</dt><dd>${facts['price']:,}</dd><dt>Year built</dt><dd>{facts['year']}</dd><dt>Living area</dt>"
        f"<dd>{facts['area']:,} sq ft</dd><dt>Status</dt><dd>{facts['status']}</dd><dt>Listing agent</dt>"
        f"<dd>{facts['agent']}</dd><dt>Bedrooms</dt><dd>3</dd></dl>"
    )


def loud_page(facts: dict[str, Any]) -> str:
    """Return a page that repeats its facts in title, metadata, JSON-LD, and labels."""
    address = {"@type": "PostalAddress", "streetAddress": "12 Elm Street", "addressLocality": "Springfield",
               "addressRegion": "IL", "postalCode": "62701"}  # fmt: skip
    data = {
        "@context": "https://schema.org", "@type": ["RealEstateListing", "SingleFamilyResidence"], "address": address,
        "yearBuilt": facts["year"], "offers": {"@type": "Offer", "price": facts["price"], "priceCurrency": "USD"},
        "floorSize": {"@type": "QuantitativeValue", "value": facts["area"], "unitCode": "FTK"},
    }  # fmt: skip
    head = (
        f"<title>12 Elm Street, Springfield, IL 62701 for ${facts['price']:,}</title>"
        f'<meta property="og:title" content="12 Elm Street for ${facts["price"]:,}">'
        f'<meta property="product:price:amount" content="{facts["price"]}">'
        f'<script type="application/ld+json">{json.dumps(data)}</script>'
    )
    return f"{head}<p>List price: ${facts['price']:,}</p>{quiet_page(facts).partition('</title>')[2]}"


def shown(service: Resources, property_id: str) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Return the property's values, and the values of each disputed field, the shown one first."""
    found = service.properties.get(property_id)
    disputed = {one["field"]: [proof["value"] for proof in one["evidence"]] for one in found["conflicts"]}
    return found["record"], disputed


@pytest.mark.parametrize("is_loud_first", [False, True])
def test_a_page_that_repeats_its_values_does_not_replace_another_owners(
    service: Resources, changing_site: ChangingSite, is_loud_first: bool
) -> None:
    """The page that came first keeps its values in both orders, also after refreshes of either page."""
    changing_site.pages |= {HONEST: quiet_page(TRUE), LOUD: loud_page(FALSE)}
    honest, loud = changing_site.address + HONEST, changing_site.address.replace("127.0.0.1", "localhost") + LOUD
    first, second = (loud, honest) if is_loud_first else (honest, loud)
    mine, theirs = (FALSE, TRUE) if is_loud_first else (TRUE, FALSE)
    property_id = service.scraper.scrape(first).property_id
    for url, changed in ((second, False), (second, False), (first, False), (second, True), (first, True)):
        path = LOUD if url == loud else HONEST
        if changed:  # another body with the same facts
            changing_site.pages[path] += "<p>Viewed 7 times</p>"
        assert service.scraper.scrape(url, refresh=True).property_id == property_id
        record, disputed = shown(service, property_id)
        for fact, name in FIELDS.items():
            assert record[name] == mine[fact], (url, name)
            assert disputed[name] == [mine[fact], theirs[fact]], (url, name)


def _scrape_both(service: Resources, site: ChangingSite) -> tuple[str, str, str | None]:
    """Scrape two pages that agree, the honest one first. Return their URLs and the property's ID."""
    site.pages |= {HONEST: quiet_page(TRUE), LOUD: loud_page(TRUE)}
    honest, loud = site.address + HONEST, site.address.replace("127.0.0.1", "localhost") + LOUD
    property_id = service.scraper.scrape(honest).property_id
    service.scraper.scrape(loud)
    return honest, loud, property_id


def test_a_price_cut_of_the_earlier_page_is_shown_although_others_repeat_the_old_price(
    service: Resources, changing_site: ChangingSite
) -> None:
    honest, loud, property_id = _scrape_both(service, changing_site)
    changing_site.pages[HONEST] = quiet_page({**TRUE, "price": 430_000})
    service.scraper.scrape(honest, refresh=True)
    service.scraper.scrape(loud, refresh=True)
    record, disputed = shown(service, property_id)
    assert record["ListPrice"] == 430_000
    assert disputed["ListPrice"] == [430_000, 450_000]


def test_a_page_that_copied_a_value_and_then_changes_it_waits_until_the_other_page_is_old(
    service: Resources, changing_site: ChangingSite
) -> None:
    _, loud, property_id = _scrape_both(service, changing_site)
    changing_site.pages[LOUD] = loud_page(FALSE)
    service.scraper.scrape(loud, refresh=True)
    assert shown(service, property_id)[0]["ListPrice"] == 450_000


def test_a_newer_page_of_the_same_owner_replaces_its_older_page(
    service: Resources, changing_site: ChangingSite
) -> None:
    changing_site.pages |= {HONEST: loud_page(TRUE), LOUD: quiet_page(FALSE)}
    property_id = service.scraper.scrape(changing_site.address + HONEST).property_id
    service.scraper.scrape(changing_site.address + LOUD)
    assert shown(service, property_id)[0]["ListPrice"] == 99_000


def states(
    url: str, day: float, *, read: float | None = None, kind: SourceKind | None = None, confidence: float = 0.9,
    former: Any = None, changed: float | None = None, **values: Any,
) -> SourceRecord:  # fmt: skip
    """Return the record of a page that states `values` since `day`, and that was last read on the day `read`."""
    at, seen = AT + timedelta(days=day), AT + timedelta(days=day if read is None else read)
    began = AT + timedelta(days=day if changed is None else changed)
    record = page_record(f"https://{url}/1", values, seen, source_kind=kind, confidence=confidence)
    return replace(record, tenures={name: Tenure(at, began, former) for name in values})


def merged(*records: SourceRecord) -> Merged:
    found = [merge(order) for order in itertools.permutations(records)]
    assert all(one == found[0] for one in found), "the order of the records must not matter"
    return found[0]


def price(*records: SourceRecord) -> Any:
    return merged(*records).values["ListPrice"]


@pytest.mark.parametrize("kind", [None, SourceKind.OTHER, SourceKind.PORTAL, SourceKind.ASSESSOR])
@pytest.mark.parametrize("field", ["ListPrice", "YearBuilt", "TaxAssessedValue", "LotSizeArea"])
def test_of_two_single_sources_of_one_rank_the_earlier_one_stays(kind: SourceKind | None, field: str) -> None:
    found = merged(
        states("honest.example", 0, kind=kind, confidence=0.8, **{field: 1990}),
        states("loud.example", 1, kind=kind, confidence=0.99, **{field: 1950}),
    )
    assert found.values[field] == 1990
    assert [one.verdict for one in found.conflicts[field]] == ["won", "conflict"]
    assert found.conflicts[field][1].reason.startswith("stated later")


@pytest.mark.parametrize("days", [1, 29, 31, 60, 400])
def test_a_stranger_cannot_wait_until_an_earlier_price_is_old(days: int) -> None:
    earlier = states("honest.example", 0, ListPrice=450_000)
    found = merged(earlier, states("loud.example", days, ListPrice=99_000))
    assert found.values["ListPrice"] == 450_000
    assert list(found.conflicts) == ["ListPrice"]
    known = states("portal.example", days, kind=SourceKind.PORTAL, ListPrice=440_000)
    assert price(earlier, known) == 440_000


@pytest.mark.parametrize("former", [{"OriginalListPrice": 450_000},
                                    {"X_PriceHistory": [{"date": "2026-05-01", "price": 450_000}]}])  # fmt: skip
def test_a_stranger_cannot_declare_an_earlier_price_to_be_a_former_one(former: dict[str, Any]) -> None:
    found = merged(
        states("honest.example", 0, ListPrice=450_000), states("loud.example", 1, **{"ListPrice": 99_000, **former})
    )
    assert found.values["ListPrice"] == 450_000
    assert "ListPrice" in found.conflicts


@pytest.mark.parametrize(
    "false", [{"ListPrice": 45_000, "LivingArea": 141}, {"ListPrice": 4_500_000, "LivingArea": 14_100}]
)
@pytest.mark.parametrize("is_area_shared", [False, True])
def test_a_stranger_gains_nothing_by_facts_that_make_an_earlier_price_look_wrong(
    false: dict[str, Any], is_area_shared: bool
) -> None:
    """The stranger's area makes the other price an unusual one, ten times its own."""
    area = {"LivingArea": 1410} if is_area_shared else {}
    honest = states("honest.example", 0, LivingAreaUnits="Square Feet", ListPrice=450_000, **area)
    assert price(honest, states("loud.example", 1, LivingAreaUnits="Square Feet", **false)) == 450_000


def test_a_moved_decimal_point_that_other_facts_prove_loses_although_it_came_first() -> None:
    facts = {"LivingArea": 1410, "LivingAreaUnits": "Square Feet"}
    found = merged(
        states("slip.example", 0, ListPrice=4_500_000, **facts), states("right.example", 1, ListPrice=450_000, **facts)
    )
    assert found.values["ListPrice"] == 450_000
    assert "decimal point" in found.conflicts["ListPrice"][1].reason


def test_two_later_sources_that_agree_outvote_an_earlier_one() -> None:
    first = states("first.example", 0, ListPrice=450_000)
    others = [states(f"{name}.example", 1, ListPrice=440_000) for name in "ab"]
    assert price(first, *others) == 440_000
    assert price(first, others[0], states("facts.a.example", 1, ListPrice=440_000)) == 450_000, "one owner, one voice"


def test_the_earliest_of_three_different_values_stays() -> None:
    records = [states(f"{name}.example", day, ListPrice=450_000 + day) for day, name in enumerate("abc")]
    assert price(*records) == 450_000


def test_a_known_source_outranks_earlier_and_later_strangers() -> None:
    strangers = [states(f"{name}.example", day, ListPrice=99_000 + day) for name, day in (("a", 0), ("b", 24))]
    assert price(*strangers, states("portal.example", 1, kind=SourceKind.PORTAL, ListPrice=450_000)) == 450_000


def test_a_value_that_was_probably_misread_is_not_the_earlier_one() -> None:
    doubtful = states("a.example", 0, confidence=0.4, ListPrice=450_000)
    assert price(doubtful, states("b.example", 1, ListPrice=440_000)) == 440_000


@pytest.mark.parametrize(("read", "shown_price"), [(0.5, 450_000), (0.9, 440_000), (60, 440_000)])
def test_a_change_of_a_page_that_agreed_before_is_shown_once_the_earlier_page_is_old(
    read: float, shown_price: int
) -> None:
    """Sites show the same change at different times, so a page that is about to follow must not hide it for long."""
    first = states("a.example", -9, read=0, ListPrice=450_000)
    changed = states("b.example", -8, read=read, former=450_000, changed=0.1, ListPrice=440_000)
    assert price(first, changed) == shown_price
    assert price(replace(first, checked_at=AT + timedelta(days=read)), changed) == 450_000
    never_agreed = states("b.example", -8, read=read, former=300_000, changed=0.1, ListPrice=440_000)
    assert price(first, never_agreed) == 450_000
