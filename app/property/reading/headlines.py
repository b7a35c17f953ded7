"""Addresses, prices, kinds of building and ids that stand without a label: in title, headings, address bar, short
lines.

Everything here is a guess from place and shape, so it ranks below markup and labels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import unquote

from app.property import address as addresses
from app.property.reading import others
from app.property.reading.base import Candidate, Reading
from app.property.reading.document import Document, Segment, url_parts
from app.property.reading.map_calls import FIRM
from app.property.reading.place_values import address_values
from app.property.reading.readings import candidates_of
from app.property.reading.terms import meaning, words_of
from app.property.reading.trees import spaced_text
from app.property.reading.whose import names_site
from app.property.record import Method
from app.property.values.places import us_state
from app.property.values.prices import find_period
from app.property.values.vocabulary import yes_no

_US_ADDRESS = re.compile(
    r"(?<![\w#])(\d{1,6}(?:-\d+)?[A-Z]?\s[^,|•\n]{2,50}?),?\s*,\s*([A-Z][A-Za-z.' "
    r"-]{2,30}?),?\s+([A-Z]{2}),?\s+(\d{5}(?:-\d{4})?)\b"
)
_CITY_LINE = re.compile(r"^([A-Z][A-Za-z.' -]{2,30}?),?\s+([A-Z]{2}),?\s+(\d{5}(?:-\d{4})?)$")
_STREET_LINE = re.compile(r"^\d{1,6}[A-Z]?\s+\S.{2,50}$")
#: letters that a site sets before its numbers: `/property/HWL-20418`
_LETTERED_KEY = re.compile(r"[/=_]([A-Z]{1,4}-\d{4,12})(?=$|[/?&#])")
_STREET_AND_UNIT = re.compile(
    r"^\d{1,6}[A-Z]?\s[^,|]{3,50}?,?\s(?:unit|apt\.?|suite|ste\.?|#)\s?#?\w{1,6}$", re.IGNORECASE
)
_OFFERING = re.compile(r"^.{0,80}?\b(?:for sale|for rent|to let|to rent|sold)\b(?: in| at| on)?[ :,]*", re.IGNORECASE)
_COUNTY = re.compile(r"\b([A-Z][a-z]+(?: [A-Z][a-z]+)?) County, ([A-Z]{2})\b")
_LATITUDES = ("data-lat", "data-latitude", "data-map-lat", "data-marker-lat")
_LONGITUDES = tuple(
    f"data-{part}{axis}" for part in ("", "map-", "marker-") for axis in ("lng", "lon", "long", "longitude")
)
_MAP_LINK = re.compile(r"(?<![\d.])(-?\d{1,2}\.\d{4,})\s?(?:,|~|%2C)\s?\+?(-?\d{1,3}\.\d{4,})(?!\d)")
_SEPARATORS = re.compile(r"\s+[|•·–—]\s+|\s+-\s+|\s*\|\s*")
_PRICE_ALONE = re.compile(
    r"^(?:[^\w\s$€£]{0,2}\s*)?(?:(?:offers? (?:over|above|from|around)|from|guide(?: price)?|asking(?: price)?|"
    r"price|ab|od|från|in excess of)[:\s]\s*)?(?:(?:US|A|AU|C|NZ)?[$€£]\s?\d[\d.,' ]*(?:\.\d\d)?[kKmM]?|\d[\d., "
    r"\u00a0]*\s?(?:€|zł|kr|EUR|PLN|SEK|CHF))(?:\s*(?:/|per |pro )\s?\w+)?$",
    re.IGNORECASE,
)
_NO_PRICE_NEAR = re.compile(
    r"\best\b|estimate|cut|change|deposit|mortgage|payment|\blast\b|previous|tax|fee|/\s?(?:sq|m²)|"
    r"per sq|/m|zestimate|sold|average|median|range|kaution|neben|czynsz|avgift|insurance|income|save|"
    r"reduc",
    re.I,
)
_KIND_ALONE = re.compile(
    r"^(?:single[ -]family (?:home|residence|residential)|town ?house|condo(?:minium)?|apartment|"
    r"detached(?: house)?|semi[ -]detached(?: house)?|terraced(?: house)?|end of terrace(?: house)?|"
    r"bungalow|detached bungalow|multi[ -]family(?: home)?|duplex|house|villa|(?:etagen|dachgeschoss|"
    r"erdgeschoss|eigentums|miet)wohnung|wohnung|einfamilienhaus|mehrfamilienhaus|doppelhaushälfte|"
    r"reihenhaus|mieszkanie|dom|lägenhet|radhus|vacant land|house for sale)$",
    re.IGNORECASE,
)
_ID_ALONE = re.compile(
    r"^(?:MLS|Ref|Reference|Listing|Property)\s?(?:#|No\.?|ID|number)?\s?[:#]?\s*([A-Z]{0,4}-?\d[\w-]{3,14})$",
    re.IGNORECASE,
)
_COOLING_ALONE = re.compile(
    r"^(?:a/c|central a/?c|air conditioning|central air(?: conditioning)?|centrally air[ -]conditioned|エアコン)$",
    re.IGNORECASE,
)
_HEATING_ALONE = re.compile(
    r"^(?:(?:natural|central|individual|underfloor|district|communal|electric|gas|oil|solar|radiant|hot water)[ -])"
    r"{1,3}heating(?:: [A-Za-z /]{3,30})?$",
    re.IGNORECASE,
)
#: `Annonce n°204417` in a heading
_NUMBERED = re.compile(
    r"\b(?:annonce|anuncio|anúncio|annuncio|ogłoszenie|anzeige|inserat)\s(?:n[°º.]|nr\.?)\s?(\d{4,12})\b", re.IGNORECASE
)
_EIRCODE = re.compile(r"^(?:[AC-FHKNPRTV-Y]\d{2}|D6W)\s?[0-9AC-FHKNPRTV-Y]{4}$")
#: headings of what every property has
_SECTIONS = frozenset({"land", "lot", "lots", "site", "plot", "parcel"})
_FIRST_SEGMENTS = 160


class Headlines:
    """What stands out on the page."""

    name = "headlines"

    def candidates(self, page: Document) -> Iterator[Candidate]:
        yield from _key_in_address(page)
        if page.root is None:
            return
        for text, where, confidence in _headings(page):
            yield from _addresses_in(text, where, confidence, page)
            yield from _unit_in(text, where)
            if numbered := _NUMBERED.search(text):
                yield Candidate("ListingId", numbered[1], text, Method.LABEL, where, text[:300], 0.55)
            yield from _kind_in(text, where, min(0.42, confidence - 0.05), page)
            if county := _COUNTY.search(text):
                yield Candidate("CountyOrParish", county[1], text, Method.LABEL, where, text[:300], 0.5)
                yield Candidate("StateOrProvince", county[2], text, Method.LABEL, where, text[:300], 0.45)
        for segment in page.segments[:_FIRST_SEGMENTS]:
            if len(segment.text) <= 60:
                yield from _alone(segment, page, 0.52 - 0.1 * segment.index / _FIRST_SEGMENTS)
        yield from _two_lines(page)
        yield from _map_points(page)


def _key_in_address(page: Document) -> Iterator[Candidate]:
    """The last word of the page's address that looks like an id, as the site's own key."""
    parts = url_parts(unquote(page.url))
    whole = f"{parts.path}?{parts.query}"
    if lettered := _LETTERED_KEY.search(whole):
        yield Candidate("ListingKey", lettered[1], lettered[1], Method.LABEL, "url", page.url, 0.5)
        return
    words = [w for w in re.split(r"[/=&?_.-]+", whole) if w]
    for word in reversed(words):
        digits = sum(c.isdigit() for c in word)
        if (word.isdigit() and 5 <= digits <= 14) or (
            1 <= digits < len(word) and 6 <= len(word) <= 12 and word.isalnum() and word is words[-1]
        ):
            yield Candidate("ListingKey", word, word, Method.LABEL, "url", page.url, 0.5)
            return


def _headings(page: Document) -> Iterator[tuple[str, str, float]]:
    yield page.title[:300], page.title_path, 0.5
    for heading in islice(page.root.iter("h1"), 2):
        yield spaced_text(heading)[:200], page.path(heading), 0.62
    for meta in page.described:
        yield " ".join((meta.get("content") or "").split())[:300], page.path(meta), 0.45
    for heading in islice(page.root.iter("h2", "h3"), 6):
        if heading not in page.skipped and not others.heads_others(heading):
            yield spaced_text(heading)[:160], page.path(heading), 0.4


def _map_points(page: Document) -> Iterator[Candidate]:
    """The point that a map's link or an element's data names, where the page names no other."""
    points: dict[tuple[str, str], tuple[str, Any]] = {}
    for element in page.root.iter("a", "img", "iframe"):
        link = element.get("href" if element.tag == "a" else "src") or ""
        if "map" in link and "olygon" not in link and (match := _MAP_LINK.search(link)):
            points.setdefault((match[1], match[2]), (link, element))
    for element in page.having(*_LATITUDES):
        latitude, longitude = (
            next((element.get(name) for name in names if element.get(name)), "") for names in (_LATITUDES, _LONGITUDES)
        )
        titles = " ".join(element.get(name) or "" for name in ("data-title", "title", "aria-label", "alt"))
        if "." in latitude and longitude and not FIRM.search(titles):
            points.setdefault((latitude, longitude), (f"{latitude}, {longitude}", element))
    near = {(round(float(a), 2), round(float(o), 2)) for a, o in points if _is_number(a) and _is_number(o)}
    if len(near) == 1:
        (latitude, longitude), (shown, element) = next(iter(points.items()))
        yield from candidates_of(
            Reading("_Coordinates", f"{latitude}, {longitude}", Method.LABEL, page.path(element), shown, 0.5),
            page.locale,
        )


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+\.\d+", text) is not None


def _addresses_in(text: str, where: str, confidence: float, page: Document) -> Iterator[Candidate]:
    match = _US_ADDRESS.search(text)
    if match and us_state(match[3]):
        parts = addresses.with_street(
            addresses.Address(city=match[2], state=match[3], postal_code=match[4], country="US"), match[1]
        )
        yield from _parts(parts, text, where, confidence)
        return
    for piece in (_OFFERING.sub("", p) for p in _SEPARATORS.split(text)):
        parsed = addresses.parse(piece, page.locale.country)
        if _is_address(parsed):
            yield from _parts(parsed, text, where, confidence)
            return


def _unit_in(text: str, where: str) -> Iterator[Candidate]:
    """A street with its unit that stands alone as a heading: `420 W 56th St Unit 5`."""
    if where.count("h1") and _STREET_AND_UNIT.match(text):
        yield from _parts(addresses.with_street(addresses.Address(), text), text, where, 0.55)


def _is_address(parsed: addresses.Address) -> bool:
    """Enough for a text without a label: town and code, or three parts of which one is a region or a code."""
    told = [p for p in (parsed.street, parsed.city, parsed.state, parsed.postal_code) if p]
    placed = bool(parsed.state or parsed.postal_code)
    return (len(told) >= 3 and placed) or bool(parsed.city and parsed.postal_code)


def _kind_in(text: str, where: str, confidence: float, page: Document) -> Iterator[Candidate]:
    """The kind of building that a heading or a title names."""
    if words_of(text) in _SECTIONS:
        return
    for candidate in candidates_of(
        Reading("PropertySubType", text[:110], Method.LABEL, where, text, confidence), page.locale
    ):
        if candidate.field == "PropertySubType":
            yield candidate


def _parts(parts: addresses.Address, text: str, where: str, confidence: float) -> Iterator[Candidate]:
    for field, value, _ in address_values(parts):
        if value:
            yield Candidate(field, value, text, Method.LABEL, where, text[:300], confidence)


def _alone(segment: Segment, page: Document, price_confidence: float) -> Iterator[Candidate]:
    text, where = segment.text, page.path(segment.owner)

    def reading(field: str, confidence: float) -> Iterator[Candidate]:
        return candidates_of(Reading(field, text, Method.LABEL, where, text, confidence), page.locale)

    if _PRICE_ALONE.match(text) and _is_asked(segment, page):
        yield from reading("ListPrice", price_confidence)  # the further down, the less
    elif match := _ID_ALONE.match(text):
        yield Candidate("ListingId", match[1], text, Method.LABEL, where, text, 0.55)
    elif _KIND_ALONE.match(text):
        yield from reading("PropertySubType", 0.45)
    elif _COOLING_ALONE.match(text) and not _is_denied(segment, page):
        yield from reading("Cooling", 0.4)
    elif _HEATING_ALONE.match(text) and segment.owner.tag == "li":
        yield from reading("Heating", 0.4)
    elif page.locale.country == "IE" and _EIRCODE.match(text):
        yield from reading("PostalCode", 0.5)


def _is_denied(segment: Segment, page: Document) -> bool:
    """True before a plain `No`."""
    after = page.segments[segment.index + 1] if segment.index + 1 < len(page.segments) else None
    return after is not None and yes_no(after.text) is False


def _is_asked(segment: Segment, page: Document) -> bool:
    """False for estimates, payments and cuts, which say so right before or behind the amount."""
    around = page.segments[max(0, segment.index - 1) : segment.index + 2]
    if any(_NO_PRICE_NEAR.search(s.text) for s in around if len(s.text) <= 60):
        return False
    before = around[0].text if segment.index else ""
    known = meaning(before.rstrip(":"), page.locale.lang)
    if known is not None and known.field not in ("ListPrice", "_Address"):
        return False
    if any(above.tag in ("td", "th") for above in (segment.owner, *segment.owner.iterancestors())):
        return False
    digits = re.sub(r"\D", "", segment.text.partition(".00")[0])
    return (
        len(digits) >= 5 or re.search(r"\d[kKmM]$", segment.text) is not None or find_period(segment.text) is not None
    )


def _two_lines(page: Document) -> Iterator[Candidate]:
    """A street line right above a line of town, state and ZIP code, below a label that asks for the property's
    address.
    """
    for segment in page.segments[1:]:
        match = _CITY_LINE.match(segment.text)
        if match is None or not us_state(match[2]):
            continue
        street = page.segments[segment.index - 1]
        if not _STREET_LINE.match(street.text) or not _below_own_label(street, page):
            continue
        whole = f"{street.text}, {segment.text}"
        parts = addresses.with_street(
            addresses.Address(city=match[1], state=match[2], postal_code=match[3], country="US"), street.text
        )
        yield from _parts(parts, whole, page.path(street.owner), 0.75)


def _below_own_label(street: Segment, page: Document) -> bool:
    for before in reversed(page.segments[max(0, street.index - 6) : street.index]):
        known: Any = meaning(before.text.rstrip(":"), page.locale.lang) if len(before.text) <= 60 else None
        if known is not None:
            plain = words_of(before.text) == "address"  # which is the owner's where another label names the site
            return bool(known.field == "_Address") and not (plain and page.once(names_site))
        if re.search(r"owner|mail", before.text[:60], re.I):
            return False
    return False
