"""Find listings in a results page's data: JSON-LD lists, script state, and JSON bodies."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from app.property.fields.table import ADDRESS_FIELDS, TYPICAL_FIELDS
from app.property.reading.document import Document
from app.property.reading.jsonld import blocks, node_type
from app.property.reading.object_keys import RESULT_KEYS, URL_KEYS, is_no_result
from app.property.reading.search.links import Links
from app.property.reading.state import blobs
from app.property.reading.terms import meaning, words_of

_MOST_BLOBS, _MOST_NODES = 60, 60_000
_NO_LISTINGS = re.compile(r"Breadcrumb|Article|Blog|News|Video|FAQ|Question|Review|Agent|Person|Organi[sz]ation|Image")
_PROPERTY = re.compile(
    r"RealEstateListing|Residence|House|Apartment|Accommodation|Product|^Offer$|Place$|Event$|Home$|Property|Room"
)
_STATED = TYPICAL_FIELDS | {"_Address", *(ADDRESS_FIELDS[part] for part in ("city", "postal_code", "street_name"))}


def declared(page: Document, links: Links) -> Iterator[str]:
    """Yield the listing URLs in a JSON body, or else in a page's JSON-LD and then in its scripts. A URL may repeat."""
    if page.json is not None:
        yield from _listed(page.json, links)
        return
    if page.root is None:
        return
    for _, value in page.once(blocks):
        yield from _items(value, links)
    for _, value in islice(blobs(page), _MOST_BLOBS):
        yield from _listed(value, links)


def _items(value: Any, links: Links) -> Iterator[str]:
    alone: list[str] = []
    for node in _nodes(value):
        kind = node_type(node)
        elements = node.get("itemListElement")
        if isinstance(elements, list | dict) and not _NO_LISTINGS.search(kind):
            for element in elements if isinstance(elements, list) else [elements]:
                if (url := _of_element(element, links)) is not None:
                    yield url
        elif _PROPERTY.search(kind) and not _NO_LISTINGS.search(kind):
            url = links.listing(_own_url(node))
            alone += [url] if url else []
    if len(set(alone)) > 1:
        yield from alone


def _of_element(element: Any, links: Links) -> str | None:
    if isinstance(element, str):
        return links.listing(element)
    if not isinstance(element, dict):
        return None
    item = element.get("item")
    inner = item if isinstance(item, dict) else {}
    if _NO_LISTINGS.search(f"{node_type(element)} {node_type(inner)}"):
        return None
    named = item if isinstance(item, str) else _own_url(inner) or _own_url(element)
    return links.listing(named)


def _own_url(node: dict[str, Any]) -> str | None:
    offered = node.get("mainEntityOfPage")
    for value in (node.get("url"), offered, offered.get("@id") if isinstance(offered, dict) else None, node.get("@id")):
        if isinstance(value, str) and value.strip() and not value.startswith(("#", "_:")):
            return value
    return None


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of JSON-LD, outermost first. Only lists and keys such as `@graph` are followed."""
    stack = [value]
    for _ in range(_MOST_NODES):
        if not stack:
            return
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(reversed(node))
        elif isinstance(node, dict):
            yield node
            inner = (
                node.get(k) for k in ("@graph", "mainEntity", "mainEntityOfPage", "hasPart", "itemOffered", "offers")
            )
            stack.extend(one for one in inner if isinstance(one, dict | list))


def _listed(value: Any, links: Links) -> Iterator[str]:
    """Yield the listing URLs from lists of objects that describe properties. Skip keys that are not about results."""
    stack: list[tuple[str, Any]] = [("", value)]
    for _ in range(_MOST_NODES):
        if not stack:
            return
        key, node = stack.pop()
        if isinstance(node, list):
            rows = [row for row in node if isinstance(row, dict)]
            found = [url for row in rows if (url := _of_row(row, links)) is not None]
            if found and (len(set(found)) > 1 or words_of(key) in RESULT_KEYS):
                yield from found
                continue
            stack.extend((key, row) for row in reversed(node) if isinstance(row, dict | list))
        elif isinstance(node, dict):
            below = [(k, v) for k, v in node.items() if isinstance(v, dict | list) and not is_no_result(k)]
            stack.extend(reversed(below))


def _of_row(row: dict[str, Any], links: Links) -> str | None:
    """Return the property's URL in a row or in an object inside the row, if the row has at least two facts."""
    for node in (row, *(v for v in row.values() if isinstance(v, dict))):
        if (url := _url_in(node, links)) is not None:
            return url if len(_stated_facts(row)) >= 2 else None
    return None


def _url_in(node: dict[str, Any], links: Links) -> str | None:
    named = {words_of(key): value for key, value in node.items() if isinstance(value, str) and "/" in value}
    offered = (links.listing(named[name]) for name in URL_KEYS if name in named)
    return next((url for url in offered if url is not None), None)


def _stated_facts(row: dict[str, Any]) -> set[str]:
    stated: set[str] = set()
    for key, value in row.items():
        if value in (None, "", []):
            continue
        found = meaning(words_of(key))
        if found is not None:
            stated.add(found.field)
        if isinstance(value, dict):
            stated |= {m.field for k, v in value.items() if v not in (None, "") and (m := meaning(words_of(k)))}
    return stated & _STATED
