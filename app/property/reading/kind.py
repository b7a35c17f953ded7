"""Classify a page: a listing, a record, several properties, no result, a block page, or a page that is gone.

What speaks for one property is weighed against what speaks for several.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import unquote

from app.property.fields.phrases import alternatives, pattern
from app.property.fields.table import FIELDS, TYPICAL_FIELDS, of_kind
from app.property.reading import objects, unrelated_blocks
from app.property.reading.base import ONLY_LISTING
from app.property.reading.document import Document
from app.property.reading.jsonbody import the_one
from app.property.reading.object_keys import RESULT_KEYS
from app.property.reading.state import blobs
from app.property.reading.terms import words_of
from app.property.record import PageKind
from app.property.values.texts import letters_of
from app.property.values.vocabulary import offer

_BLOCKED, _GONE, _RECORD, _NOTHING = (pattern("pages", key) for key in ("blocked", "gone", "record", "no_results"))
_SEARCHES = re.compile(r"\b(?:search|suche|szukaj|sök|recherche|buscar)", re.IGNORECASE)
_INPUTS = "count(//form//input[not(@type) or @type='text' or @type='search'])"
_SEARCH = re.compile(
    rf"{alternatives('pages', 'search')}|\b\d[\d,. ]* (?:{alternatives('pages', 'results')})", re.IGNORECASE
)
#: Only a page with fewer characters of visible text than this can count as a block page.
_SMALL_PAGE_CHARS = 2500
_PRICED = frozenset({"ListPrice", "X_PriceQualifier"})
#: Fields that an authority assigns or assesses, such as a parcel number.
_RECORD_FIELDS = frozenset(
    name for name, spec in FIELDS.items() if spec.group == "tax" and spec.kind != "year" and not spec.recurs
)
#: A page about one property usually states at least this many of the fields in `TYPICAL_FIELDS`.
_FEW = 3
_LEAST_CARDS = 3
#: A name of the property with fewer letters and digits may be in the head of the page by chance.
_SHORTEST_NAME = 6
Found = tuple[PageKind, str]


@dataclass(frozen=True, slots=True)
class Classified:
    """A page's kind, the reason in words, and whether the kind is in doubt, so that a model is asked for it."""

    kind: PageKind
    reason: str
    in_doubt: bool = False


def classify(page: Document, fields: Mapping[str, float], names: Iterable[str] = ()) -> Classified:
    """Return the page's kind and the reason in words.

    `fields` maps each field found to its highest confidence. `names` are the addresses, parcel numbers, and listing ids
    that the page states. What speaks for one property and what speaks for several are added up (`_for_one`,
    `_for_several`), so no single phrase decides.
    """
    if page.json is not None:
        return Classified(*_json_kind(page.json, page.row, fields))
    text = " ".join(s.text for s in page.segments)
    stated = len(TYPICAL_FIELDS & set(fields))
    one = min(stated, _FEW + 1) + (_SUBJECT if _is_named_in_head(page, names) else 0)
    if (refused := _refusal(page, text, stated) or _no_result(page, stated, one)) is not None:
        return Classified(*refused)
    several, why = _for_several(page, stated, one, priced=not _PRICED.isdisjoint(fields))
    if several >= max(one, 1):
        return Classified(PageKind.SEARCH, why)
    return Classified(*_with_property(page, fields, text, stated), in_doubt=several > 0 or one < _FEW)


#: What speaks for several properties: the title's words, cards of properties, a form that searches, and data. What
#: speaks for one: each typical field, and an address or number of the property in the head of the page.
_TITLE, _CARDS, _FORM, _DATA, _SUBJECT = 3, 2, 1, 1, 2


def _is_named_in_head(page: Document, names: Iterable[str]) -> bool:
    """Return whether the title, heading, or URL names the property."""
    head = letters_of(f"{page.headline} {unquote(page.url.partition('://')[2].partition('/')[2])}")
    return any(len(name) >= _SHORTEST_NAME and name in head for name in map(letters_of, names))


def _refusal(page: Document, text: str, stated: int) -> Found | None:
    if stated >= _FEW:
        return None
    shown = page.headline
    small = len(text) < _SMALL_PAGE_CHARS
    head = f"{page.title} {text[:1500]}" if small else ""
    if small and (match := _BLOCKED.search(head) or _BLOCKED.search(page.text[:20_000] if len(text) < 300 else "")):
        return PageKind.BLOCKED, f"the page says {match.group()!r}"
    if match := _GONE.search(head) or _GONE.search(shown):
        return PageKind.GONE, f"the page says {match.group()!r}"
    return None


def _no_result(page: Document, stated: int, one: int) -> Found | None:
    """Return `no_result` if the page says that it found nothing. A search among offers is a search, also without
    results.
    """
    said = nothing_in(page) if stated < _FEW and offer(page.headline) is None else None
    if said is None or (_NOTHING.search(page.headline) is None and (one or len(unrelated_blocks.cards(page.root)))):
        return None
    return PageKind.NO_RESULT, f"the page says {said!r}"


def nothing_in(page: Document) -> str | None:
    """Return the words with which the head or the beginning of the page says that nothing was found, or None."""
    if page.root is None:
        return None
    match = _NOTHING.search(page.headline) or _NOTHING.search(" ".join(s.text for s in page.segments[:60]))
    return match.group() if match else None


def _for_several(page: Document, stated: int, one: int, *, priced: bool) -> tuple[int, str]:
    """Return how much speaks for several properties, and the strongest reason."""
    found: list[tuple[int, str]] = []
    if match := _SEARCH.search(page.headline):
        found.append((_TITLE, f"the title says {match.group()!r}"))
    if one <= _FEW and page.root is not None:
        count = 0 if priced else len(unrelated_blocks.cards(page.root))
        if count >= _LEAST_CARDS:
            found.append((_CARDS, f"it shows {count} properties, each with an address of its own"))
        if _SEARCHES.search(page.headline) and page.root.xpath(_INPUTS) >= 2:
            found.append((_FORM, "it is a form that searches"))
        if stated == 0 and any(
            any(objects.are_listings(_objects(found)) for found in result_lists(v)) for _, v in islice(blobs(page), 20)
        ):
            found.append((_DATA, "its state holds a list of properties"))
    return sum(points for points, _ in found), max(found, default=(0, ""), key=lambda one: one[0])[1]


_NAME_FIELDS = frozenset(of_kind("name")) & frozenset(ONLY_LISTING)
_AUCTION = re.compile(r"\bauction\b", re.IGNORECASE)


def _with_property(page: Document, fields: Mapping[str, float], text: str, stated: int) -> Found:
    words = _RECORD.search(f"{page.title} {text[:3000]}")
    if words and not _asks(page, fields):
        return PageKind.RECORD, f"the page says {words.group()!r} and asks no price"
    banner = fields.get("StandardStatus", 0.0) >= 0.6 and not words  # the home is sold, pending, or off the market
    banner = banner or _AUCTION.search(page.title) is not None  # auctions usually have no asking price
    if _RECORD_FIELDS & set(fields) and not _asks(page, fields) and not banner:
        return PageKind.RECORD, "it has a parcel number or assessed values and asks no price"
    return PageKind.LISTING, f"it has {stated} of the facts of a listing"


def _asks(page: Document, fields: Mapping[str, float]) -> bool:
    """Return whether the page states an asking price. On a page that looks like a record, the title or heading must
    also offer a sale or rental. On other pages, a low-confidence price needs such an offer, or an agent's or agency's
    name.
    """
    price = fields.get("ListPrice", 0.0)
    offered = offer(page.headline) is not None
    profile = _RECORD.search(f"{page.title} {page.url.replace('-', ' ')}") is not None
    listed = not _NAME_FIELDS.isdisjoint(fields)
    return (
        (price > 0.45 and listed and not profile)
        or (price > 0.55 and (offered or not profile))
        or (price > 0 and offered)
    )


_REFUSED_CODES, _GONE_CODES = {401, 403, 407, 429, 498, 499}, {404, 410}
_REFUSED = re.compile(r"forbidden|unauthori[sz]ed|denied|credentials|token required|rate limit|too many", re.IGNORECASE)
_MISSING = re.compile(r"not found|no (?:\w+ )?(?:with|found|matching)|expired|no longer|does not exist", re.IGNORECASE)
_MESSAGE_KEYS = ("error", "errors", "message", "status", "statuscode", "status code", "code", "detail", "title")


def _json_kind(body: Any, row: str | None, fields: Mapping[str, float]) -> Found:
    stated = len(TYPICAL_FIELDS & set(fields))
    if row is None and stated == 0 and (found := _error(body)) is not None:
        return found
    lists = list(result_lists(body))
    if row is None and stated == 0 and (body == [] or (lists and not any(lists))):
        return PageKind.NO_RESULT, "its list of results is empty"
    is_list = (
        stated < _FEW and not any(map(objects.are_of_one, lists)) and any(len(_objects(one)) != 1 for one in lists)
    )
    if row is None and (is_list or the_one(body)[0] is None):
        return PageKind.SEARCH, "the answer holds several objects, or none"
    if "ListPrice" in fields and "TaxAssessedValue" not in fields:
        return PageKind.LISTING, "an object with a price asked"
    return PageKind.RECORD, "an object about one parcel"


def _error(body: Any) -> Found | None:
    texts = list(_error_texts(body, 0))
    codes = {int(word) for text in texts for word in re.findall(r"\b[45]\d\d\b", text)}
    text = " ".join(texts)
    if codes & _REFUSED_CODES or _REFUSED.search(text):
        return PageKind.BLOCKED, f"the answer says {text[:80]!r}"
    if codes & _GONE_CODES or _MISSING.search(text):
        return PageKind.GONE, f"the answer says {text[:80]!r}"
    return None


def _error_texts(value: Any, depth: int) -> Iterator[str]:
    if depth > 3:
        return
    if isinstance(value, list):
        for item in value[:5]:
            yield from _error_texts(item, depth + 1)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if words_of(key) in _MESSAGE_KEYS:
                if isinstance(inner, str | int) and not isinstance(inner, bool):
                    yield str(inner)[:200]
                else:
                    yield from _error_texts(inner, depth + 1)


def result_lists(value: Any, depth: int = 0) -> Iterator[list[Any]]:
    """Yield the lists of results in a JSON answer."""
    for key, inner in value.items() if isinstance(value, dict) and depth <= 2 else ():
        if isinstance(inner, list) and words_of(key) in RESULT_KEYS:
            yield inner
        elif isinstance(inner, dict):
            yield from result_lists(inner, depth + 1)


def _objects(items: list[Any]) -> list[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)]
