"""Read unlabeled addresses, counties, kinds of building, ids, and map points from headings, URL, and links."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import unquote

from app.property import address as addresses
from app.property.reading import unrelated_blocks
from app.property.reading.base import Candidate, Reading, of_text
from app.property.reading.document import Document, url_parts
from app.property.reading.map_points import FIRM
from app.property.reading.place_values import placed
from app.property.reading.readings import candidates_of
from app.property.reading.terms import words_of
from app.property.reading.trees import spaced_text
from app.property.reading.us_address import us_address_in
from app.property.record import Method

#: Matches an id made of groups of capitals and digits, but not a date: `/property/HWL-20418`, `?pin=121-00418-0310`.
_GROUPED_KEY = re.compile(r"[/=_](?!(?:19|20)\d\d-\d\d-\d\d)((?:[A-Z\d]{1,12}-){1,4}[A-Z\d]{2,12})(?=$|[/?&#])")
_LEAST_DIGITS = 4
_OFFERING = re.compile(r"^.{0,80}?\b(?:for sale|for rent|to let|to rent|sold)\b(?: in| at| on)?[ :,]*", re.IGNORECASE)
_COUNTY = re.compile(r"\b([A-Z][a-z]+(?: [A-Z][a-z]+)?) County, ([A-Z]{2})\b")
_LATITUDES = ("data-lat", "data-latitude", "data-map-lat", "data-marker-lat")
_LONGITUDES = tuple(
    f"data-{part}{axis}" for part in ("", "map-", "marker-") for axis in ("lng", "lon", "long", "longitude")
)
_MAP_LINK = re.compile(r"(?<![\d.])(-?\d{1,2}\.\d{4,})\s?(?:,|~|%2C)\s?\+?(-?\d{1,3}\.\d{4,})(?!\d)")
_SEPARATORS = re.compile(r"\s+[|•·–—]\s+|\s+-\s+|\s*\|\s*")
_EIRCODE = re.compile(r"^(?:[AC-FHKNPRTV-Y]\d{2}|D6W)\s?[0-9AC-FHKNPRTV-Y]{4}$")
_FIRST_SEGMENTS = 160
#: Headings that are section titles and do not name the kind of property.
_SECTIONS = frozenset({"land", "lot", "lots", "site", "plot", "parcel"})


def read(page: Document) -> Iterator[Reading | Candidate]:
    yield from key_in_address(page)
    for text, where, confidence in _headings(page):
        yield from _addresses_in(text, where, confidence, page)
        yield from _kind_in(text, where, min(0.42, confidence - 0.05), page)
        if county := _COUNTY.search(text):
            yield of_text("CountyOrParish", county[1], text, where, 0.5)
            yield of_text("StateOrProvince", county[2], text, where, 0.45)
    for segment in page.segments[:_FIRST_SEGMENTS] if page.locale.country == "IE" else ():
        if _EIRCODE.match(segment.text):
            yield of_text("PostalCode", segment.text, segment.text, page.path(segment.owner), 0.5)
    yield from _map_points(page)


def key_in_address(page: Document) -> Iterator[Candidate]:
    """Read the property's key from the URL: a group such as `HWL-20418`, else the last word that looks like an id."""
    parts = url_parts(unquote(page.url))
    whole = f"{parts.path}?{parts.query}"
    grouped = next(
        (one for one in _GROUPED_KEY.finditer(whole) if sum(map(str.isdigit, one[1])) >= _LEAST_DIGITS), None
    )
    if grouped is not None:
        yield Candidate("ListingKey", grouped[1], grouped[1], Method.LABEL, "url", page.url, 0.5)
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
        if heading not in page.skipped and not unrelated_blocks.heads_others(heading):
            yield spaced_text(heading)[:160], page.path(heading), 0.4


def _map_points(page: Document) -> Iterator[Reading]:
    """Read the point of a map link or of `data-` attributes, if all such points of the page agree to two decimals."""
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
        point = f"{latitude}, {longitude}"
        yield Reading("_Coordinates", point, Method.LABEL, page.path(element), shown, 0.5)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+\.\d+", text) is not None


def _addresses_in(text: str, where: str, confidence: float, page: Document) -> Iterator[Candidate]:
    if page.locale.country in (None, "US") and (parts := us_address_in(text)):
        yield from placed(parts, text, where, confidence)
        return
    for piece in (_OFFERING.sub("", p) for p in _SEPARATORS.split(text)):
        parsed = addresses.parse(piece, page.locale.country)
        if _is_address(parsed):
            yield from placed(parsed, text, where, confidence)
            return


def _is_address(parsed: addresses.Address) -> bool:
    stated = [p for p in (parsed.street, parsed.city, parsed.state, parsed.postal_code) if p]
    placed = bool(parsed.state or parsed.postal_code)
    return (len(stated) >= 3 and placed) or bool(parsed.city and parsed.postal_code)


def _kind_in(text: str, where: str, confidence: float, page: Document) -> Iterator[Candidate]:
    if words_of(text) in _SECTIONS:
        return
    for candidate in candidates_of(
        Reading("PropertySubType", text[:110], Method.LABEL, where, text, confidence), page.locale
    ):
        if candidate.field == "PropertySubType":
            yield candidate
