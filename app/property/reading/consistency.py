"""Drop or correct values chosen from a page (winners) that contradict each other or the page's country."""

import math
import re
from dataclasses import replace
from typing import Any

from app.property.fields.phrases import pattern
from app.property.fields.table import AXES, FIELDS, FOLLOWERS, PARTS, UNIT_OF, of_kind
from app.property.reading.base import ONLY_LISTING, WITH_PRICE, Candidate
from app.property.reading.document import Document, url_parts
from app.property.reading.place_values import ends_a_street, numbered
from app.property.reading.ranking import Winner, rank
from app.property.reading.terms import words_of
from app.property.record import Method, PageKind
from app.property.values import areas, currency
from app.property.values.areas import IN_SQUARE_METERS
from app.property.values.places import in_country, us_state
from app.property.values.texts import letters_of
from app.property.values.vocabulary import OFF_MARKET, standard_status

#: Matches the end of a list item's locator: the item's position in the list, and the elements inside the item.
_ITEM = re.compile(r"\[\d+\](?:/[a-z]+)*$")
_OUTCODE = re.compile(r"[A-Z]{1,2}\d[A-Z\d]?")
_ZIP = re.compile(r"^\d{5}(?:-\d{4})?$")
#: Countries where rents are either weekly or monthly, so no period is assumed.
_RENT_BY_WEEK = ("AU", "NZ", "GB")
_CONCLUDED = 0.5
#: A price read with less confidence than this does not replace the asking price of a sold home.
_LABELED = 0.65


def make_consistent(
    winners: dict[str, Winner], candidates: list[Candidate], page: Document, kind: PageKind
) -> dict[str, Winner]:
    """Return the consistent winners, and the values inferred from them, such as units, currency, and status."""
    kept = dict(winners)
    _plausible_years(kept, page)
    _coordinates(kept, candidates, page)
    for field in UNIT_OF:
        _area_units(kept, candidates, page, field)
    _price(kept, candidates, page)
    _whole_code(kept, candidates)
    _region(kept, page)
    _street(kept, page)
    _living_is_not_lot(kept)
    _key(kept, page)
    _people(kept, page)
    _sold(kept, candidates)
    _off_market(kept)
    _bathrooms(kept)
    if kind is PageKind.LISTING:
        _parcel_is_no_listing_id(kept, candidates)
    if kind is PageKind.RECORD:
        number = kept.get("ListingId")
        if number is not None and "ParcelNumber" not in kept and _is_parcels(number.candidate):
            kept["ParcelNumber"] = _with(number, field="ParcelNumber")
        for field in ONLY_LISTING:
            if field != "PropertyType" or kept.get(field) is None or kept[field].candidate.value != "Land":
                kept.pop(field, None)
    return kept


#: Labels of listing numbers that mean the parcel number on the pages of authorities: `Property ID`.
_PARCEL_IDS = pattern("pages", "parcel_ids")


def _is_parcels(number: Candidate) -> bool:
    """Return whether a listing number on an authority's page is its parcel number. A portal's own ids never are."""
    is_authoritys = number.method in (Method.LABEL, Method.LLM) or number.reader == "jsonbody"
    return is_authoritys and _PARCEL_IDS.search(words_of(number.quote.partition(":")[0])) is not None


def _parcel_is_no_listing_id(kept: dict[str, Winner], candidates: list[Candidate]) -> None:
    """Drop the parcel number of a listing if the page also labels it, at least as surely, as the listing's number."""
    parcel = kept.get("ParcelNumber")
    if parcel is None:
        return
    sure = max(c.confidence for c in parcel.agreeing or (parcel.candidate,))
    number = letters_of(str(parcel.candidate.value))
    others = (c for c in candidates if c.field in ("ListingId", "ListingKey") and letters_of(str(c.value)) == number)
    if any(other.confidence >= sure for other in others):
        del kept["ParcelNumber"]


def _with(winner: Winner, **changes: Any) -> Winner:
    return replace(winner, candidate=replace(winner.candidate, **changes))


def _whole_code(kept: dict[str, Winner], candidates: list[Candidate]) -> None:
    """Take the full postal code (`LS17 6LD`) from markup if the page shows only its first half, as British pages do."""
    winner = kept.get("PostalCode")
    if winner is None or _OUTCODE.fullmatch(str(winner.candidate.value)) is None:
        return
    begins = f"{winner.candidate.value} "
    whole = [c for c in candidates if c.field == "PostalCode" and str(c.value).startswith(begins)]
    own = {str(c.value): c for c in whole if c.method in (Method.STATE, Method.JSONLD)}
    if len(own) == 1:
        kept["PostalCode"] = replace(winner, candidate=replace(*own.values(), confidence=winner.confidence))


def _plausible_years(kept: dict[str, Winner], page: Document) -> None:
    this_year = page.page.fetched_at.year
    for field in of_kind("year"):
        if field in kept and kept[field].candidate.value > this_year + (FIELDS[field].years_ahead or 0):
            del kept[field]
    for day in of_kind("date"):
        if day in kept and str(kept[day].candidate.value) > page.page.fetched_at.date().isoformat():
            for field in (day, *FOLLOWERS.get(day, ())):  # a sale in the future, such as an auction, has not happened
                kept.pop(field, None)


def _coordinates(kept: dict[str, Winner], candidates: list[Candidate], page: Document) -> None:
    """Swap latitude and longitude if that puts them into the property's country. Drop coordinates outside the country.

    Prefer a longitude from the same place on the page as the latitude.
    """
    latitude, longitude = (kept.pop(axis, None) for axis in AXES)
    if latitude is None or longitude is None:
        return
    mate = next((c for c in candidates if c.field == AXES[1] and _beside(c, latitude.candidate)), None)
    if mate is not None:
        longitude = replace(longitude, candidate=replace(mate, confidence=longitude.confidence))
    country = _country(kept, page)
    lat, lon = latitude.candidate.value, longitude.candidate.value
    if country is None or in_country(lat, lon, country):
        kept |= zip(AXES, (latitude, longitude), strict=True)
    elif abs(lon) <= 90 and in_country(lon, lat, country):
        for axis, one, other in zip(AXES, (latitude, longitude), (longitude, latitude), strict=True):
            kept[axis] = replace(one, candidate=replace(other.candidate, field=axis))


def _country(kept: dict[str, Winner], page: Document) -> str | None:
    if "Country" in kept:
        return str(kept["Country"].candidate.value)
    region = kept.get("StateOrProvince")
    if page.locale.country is None and region is not None and us_state(str(region.candidate.value)):
        return "US"
    code = kept.get("PostalCode")
    if page.locale.country is None and "ParcelNumber" in kept:
        taxed = page.locale.lang in (None, "en") and not {"TaxAssessedValue", "X_MarketValue"}.isdisjoint(kept)
        if taxed or (code and _ZIP.match(str(code.candidate.value))):
            return "US"
    return page.locale.country


def _area_units(kept: dict[str, Winner], candidates: list[Candidate], page: Document, field: str) -> None:
    """Set an area's unit: the unit in its text, else a unit that the page states, else the country's usual unit. Drop
    an area that is out of range or has no unit.
    """
    units, limits = UNIT_OF[field], FIELDS[field].range or (0.0, math.inf)
    area, named = kept.get(field), kept.pop(units, None)
    if area is None:
        return
    unit = area.candidate.unit
    beside = (c for c in candidates if c.field == units and c.locator == area.candidate.locator)
    source = next((c for c in beside if unit in (None, c.value)), None)  # a row may give the area in two units
    if unit is None:
        unit = named.candidate.value if named else None
        source = named.candidate if named else None
    if unit is None:
        country = _country(kept, page)
        unit = areas.SQUARE_FEET if country == "US" else areas.SQUARE_METERS if country else None
    if unit is None or not limits[0] <= areas.convert(area.candidate.value, unit, areas.SQUARE_METERS) <= limits[1]:
        del kept[field]
        return
    stated = area.candidate.unit is not None or source is not None
    kept[field] = _with(area, unit=unit)
    if not stated:
        kept[units] = _concluded(kept, units, unit, (field,), f"areas are in {unit} in {_country(kept, page)}")
        return
    kept[units] = replace(
        area, candidate=replace(source or area.candidate, field=units, value=unit, confidence=area.confidence)
    )


def _concluded(kept: dict[str, Winner], field: str, value: object, sources: tuple[str, ...], raw: str) -> Winner:
    """Return a winner whose value is inferred from the fields `sources`. Its evidence quotes these fields."""
    quote = " | ".join(dict.fromkeys(kept[name].candidate.quote for name in sources))
    found = Candidate(field, value, raw, Method.DERIVED, ", ".join(sources), quote, _CONCLUDED)
    return Winner(found, _CONCLUDED, False)


def _price(kept: dict[str, Winner], candidates: list[Candidate], page: Document) -> None:
    price = kept.get("ListPrice")
    if price is None:
        for field in ("X_Currency", "X_PricePeriod", "X_RentBasis"):
            kept.pop(field, None)
        return
    same_place = {c.field: c for c in candidates if c.locator == price.candidate.locator}
    for field in ("X_PriceQualifier", "X_RentBasis"):
        kept.pop(field, None)
        if field in same_place:
            kept[field] = Winner(same_place[field], price.confidence, False)
    _currency(kept, price, page)
    if "StandardStatus" not in kept:
        kept["StandardStatus"] = _concluded(kept, "StandardStatus", "Active", ("ListPrice",), "a price is asked")
    offered = kept.get("PropertyType")
    rented = offered is not None and "Lease" in str(offered.candidate.value)
    if not rented and (price.candidate.value > 50_000 or "X_PricePeriod" not in same_place):
        kept.pop("X_PricePeriod", None)
    elif rented and "X_PricePeriod" not in kept and _country(kept, page) not in _RENT_BY_WEEK:
        sources = ("PropertyType", "ListPrice")
        kept["X_PricePeriod"] = _concluded(kept, "X_PricePeriod", "month", sources, "rent is asked by the month")


def _currency(kept: dict[str, Winner], price: Winner, page: Document) -> None:
    if price.candidate.unit:
        kept["X_Currency"] = _with(price, field="X_Currency", value=price.candidate.unit)
    elif "X_Currency" not in kept:
        code = currency.COUNTRY_CURRENCY.get(_country(kept, page) or "")
        if code:
            raw = f"the currency of {_country(kept, page)}"
            kept["X_Currency"] = _concluded(kept, "X_Currency", code, ("ListPrice",), raw)


def _region(kept: dict[str, Winner], page: Document) -> None:
    region = kept.get("StateOrProvince")
    code = us_state(str(region.candidate.value)) if region else None
    if region and code and _country(kept, page) in (None, "US"):
        kept["StateOrProvince"] = _with(region, value=code)


def _bathrooms(kept: dict[str, Winner]) -> None:
    """Compute the total number of bathrooms if it is missing or leaves out the half baths."""
    full, half, total = (kept.get(n) for n in ("BathroomsFull", "BathroomsHalf", "BathroomsTotalInteger"))
    if full is None and half is not None and total is not None and _are_items(half.candidate, total.candidate):
        full = kept["BathroomsFull"] = _with(total, field="BathroomsFull")
    if full is None:
        return
    together = full.candidate.value + (half.candidate.value if half else 0)
    if together > 0 and (total is None or total.candidate.value == full.candidate.value < together):
        sources = ("BathroomsFull", "BathroomsHalf") if half else ("BathroomsFull",)
        raw = " + ".join(str(kept[name].candidate.value) for name in sources)
        kept["BathroomsTotalInteger"] = _concluded(kept, "BathroomsTotalInteger", together, sources, raw)


def _street(kept: dict[str, Winner], page: Document) -> None:
    """Add the house number from its own field to a street without a number. Remove the city, region, and postal code
    from the street's end. Drop a street that is only the city's name.
    """
    street = kept.get("UnparsedAddress")
    if street is None:
        if "StreetName" not in kept:
            kept.pop("StreetNumber", None)
        return
    text = str(street.candidate.value)
    number = kept.get("StreetNumber")
    if number is not None and not re.search(r"\d", text) and _beside(street.candidate, number.candidate):
        text = numbered(text, str(number.candidate.value), _country(kept, page))
        street = _with(street, value=text, quote=f"{number.candidate.quote}; {street.candidate.quote}")
        kept["UnparsedAddress"] = street
    city = kept.get("City")
    for field in ("PostalCode", "StateOrProvince", "City"):
        if field in kept:
            end = re.search(rf"[,\s]+{re.escape(str(kept[field].candidate.value))}$", text, re.IGNORECASE)
            if end and not ends_a_street(end[0], text[: end.start()], city.candidate.value if city else None):
                text = text[: end.start()]
    if city is not None and text.casefold() == str(city.candidate.value).casefold():
        for field in ("UnparsedAddress", "StreetName", "StreetNumber"):
            kept.pop(field, None)
    elif text:
        kept["UnparsedAddress"] = _with(street, value=text)


def _beside(one: Candidate, other: Candidate) -> bool:
    return one.locator.rpartition("/")[0] == other.locator.rpartition("/")[0]


def _are_items(half: Candidate, baths: Candidate) -> bool:
    """Return whether half baths and baths are items of one list. In such a list, `baths` means full baths."""
    one, other = (_ITEM.sub("", each.locator) for each in (half, baths))
    return one == other and "total" not in baths.quote.casefold()


def _is_one_area(one: Candidate, other: Candidate) -> bool:
    """Return whether two areas are the same size: equal numbers, or equal within rounding after unit conversion."""
    sizes = [float(c.value) * IN_SQUARE_METERS.get(c.unit or "", 1.0) for c in (one, other)]
    return one.value == other.value or (one.unit != other.unit and math.isclose(*sizes, rel_tol=2e-3))


def _living_is_not_lot(kept: dict[str, Winner]) -> None:
    """If living area and lot are the same size, drop the value with the lower confidence.

    A headline's `607 m²` may have been read as living area although it is the lot's size.
    """
    living, lot = (kept.get(field) for field in UNIT_OF)
    if living is None or lot is None or not _is_one_area(living.candidate, lot.candidate):
        return
    weaker = living if living.confidence < lot.confidence else lot
    for field in (weaker.candidate.field, UNIT_OF[weaker.candidate.field]):
        kept.pop(field, None)


def _key(kept: dict[str, Winner], page: Document) -> None:
    """Remove the site's name from the front of a listing ID or key. Drop a listing key that equals the postal code."""
    for field in ("ListingId", "ListingKey"):
        found = kept.get(field)
        brand, mark, rest = str(found.candidate.value).partition("-") if found else ("", "", "")
        if found and mark and len(rest) >= 4 and brand.casefold() == _brand(page):
            kept[field] = _with(found, value=rest)
    key, code = kept.get("ListingKey"), kept.get("PostalCode")
    if key and code and str(key.candidate.value).casefold() == str(code.candidate.value).replace(" ", "").casefold():
        del kept["ListingKey"]


def _people(kept: dict[str, Winner], page: Document) -> None:
    """Drop an agent whose name is the agency's. Drop an agency if the street begins with the agency's name. Drop an
    agency from markup if its name contains the site's name.
    """
    agent, office = kept.get("ListAgentFullName"), kept.get("ListOfficeName")
    if agent and office and letters_of(agent.candidate.value) == letters_of(office.candidate.value):
        del kept["ListAgentFullName"]
    street = kept.get("UnparsedAddress")
    if office and street and letters_of(street.candidate.value).startswith(letters_of(office.candidate.value)):
        del kept["ListOfficeName"]  # the name is a development's, because the street has the same name
        office = None
    brand = _brand(page)
    marked_up = office is not None and office.candidate.method in (Method.MICRODATA, Method.JSONLD, Method.OPENGRAPH)
    if office and marked_up and brand and brand in letters_of(office.candidate.value):
        del kept["ListOfficeName"]


def _brand(page: Document) -> str:
    """Return the letters of the host name's longest part (`trulia` of `www.trulia.com`), or "" if the host name has no
    dot.
    """
    labels = (url_parts(page.url).hostname or "").split(".")
    return letters_of(max(labels[:-1], key=len)) if len(labels) > 1 else ""


def _off_market(kept: dict[str, Winner]) -> None:
    """Drop the status and price of a home that is not for sale. Its status in the site's words stays."""
    status = kept.get("StandardStatus")
    if status is None or status.candidate.value != OFF_MARKET:
        return
    for field in ("StandardStatus", "ListPrice", *WITH_PRICE):
        kept.pop(field, None)
    for field in PARTS["StandardStatus"]:
        if field in kept and standard_status(str(kept[field].candidate.value)) != OFF_MARKET:
            del kept[field]


def _sold(kept: dict[str, Winner], candidates: list[Candidate]) -> None:
    """If the asking price of a sold home equals the price paid, replace it with another labeled price, or drop it."""
    status, asked, paid = kept.get("StandardStatus"), kept.get("ListPrice"), kept.get("ClosePrice")
    if not (status and asked and paid) or status.candidate.value != "Closed":
        return
    if asked.candidate.value != paid.candidate.value:
        return
    others = [c for c in candidates if c.field == "ListPrice" and c.value != paid.candidate.value]
    last = rank(c for c in others if c.confidence >= _LABELED).get("ListPrice")
    if last is not None:
        kept["ListPrice"] = last
        return
    for field in ("ListPrice", *WITH_PRICE):
        kept.pop(field, None)
