"""Check each stored value's evidence against the page that it was read from.

The evidence must name this page's URL and content hash. Its locator must lead to exactly one place, which must contain
`raw`. The page must contain `quote`, and the quote must state the value (`saying.py`).

A computed value is checked differently: its locator lists the fields that it was computed from. Computing it again must
give the same value, and its quote must contain the quotes of these fields.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from app.property.merging.derived import derive
from app.property.reading import lenient_json, pointers
from app.property.reading.base import Extraction
from app.property.reading.document import Document
from app.property.record import Evidence, Method
from benchmarks.extraction.saying import concluded, says

#: A quote may join at most this many passages of the page, such as a label, its value, and the text between them.
_MOST_PIECES = 4
_ADDRESS = re.compile(r"^https?://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fault:
    file: str
    field: str
    why: str
    proof: Evidence


@dataclass(frozen=True, slots=True)
class Place:
    """The text at a locator (`own`), and the other text of the page that its quote may contain (`page`)."""

    own: str
    page: str


def faults(file: str, extraction: Extraction) -> Iterator[Fault]:
    document = Document(extraction.page)
    evidence = extraction.record.evidence
    country = evidence["Country"].value if "Country" in evidence else document.locale.country
    for name, proof in evidence.items():
        why = (
            _computed_fault(name, evidence, country)
            if proof.method is Method.DERIVED and not _is_place(proof.locator)
            else _fault(name, proof, document)
        )
        if why is not None:
            yield Fault(file, name, why, proof)


def _is_place(locator: str) -> bool:
    """Return whether the locator leads to a place of the page, and does not list fields."""
    return locator.startswith("/") or "#" in locator


def _computed_fault(name: str, evidence: Mapping[str, Evidence], country: str | None) -> str | None:
    proof = evidence[name]
    inputs = [n for n in re.split(r", | - | / ", proof.locator) if n]
    if not inputs or any(n not in evidence for n in inputs):
        return "is computed from a field that is not there"
    if any(evidence[n].quote not in proof.quote for n in inputs):
        return "does not quote what it is computed from"
    computed = derive({n: e.value for n, e in evidence.items()}, evidence).get(name)  # `derive` also needs the units
    values = {n: evidence[n].value for n in inputs}
    again = computed.value if computed is not None else concluded(name, values, country)
    return None if again == proof.value else "does not follow from what it names"


def _fault(name: str, proof: Evidence, document: Document) -> str | None:
    if proof.content_sha256 != document.page.sha256 or proof.source_url != document.page.final_url:
        return "is of another page"
    place = _place(proof.locator, document)
    if place is None:
        return "has a locator that leads nowhere"
    if not _is_pieced(proof.raw, (place.own,)):
        return "has a raw text that does not stand at its locator"
    if not all(_is_pieced(part, (place.own, place.page)) for part in _summands(proof.quote)):
        return "has a quote that is not on the page"
    if not says(name, proof, document.locale, place.own):
        return "has a quote that does not say it"
    return None


def _summands(quote: str) -> list[str]:
    """Return the summands of a quote such as `Full baths: 1; 3/4 baths: 1`; any other quote is one summand."""
    parts = quote.split("; ")
    return parts if len(parts) > 1 and all(re.fullmatch(r"[^:;]+: \d{1,2}", part) for part in parts) else [quote]


# --- the place that a locator leads to -------------------------------------------------------------------------------


def _place(locator: str, document: Document) -> Place | None:
    if locator == "url":
        return Place(_words(f"{document.url} {document.page.url} {document.page.final_url}"), "")
    if document.json is not None:
        return _json_place(document.json, locator)
    path, _, rest = locator.partition("#")
    try:
        found = document.root.xpath(path) if document.root is not None and path.startswith("/") else []
    except etree.XPathError:
        return None
    if len(found) != 1:
        return None
    if rest or locator.endswith("#"):
        return _script_place(found[0], rest)
    element = found[0]
    own = _words(" ".join([*element.attrib.values(), *element.itertext(), *element.attrib]))
    return Place(own, _words(" ".join([*_visible(document), *_attributes(document)])))


def _visible(document: Document) -> Iterator[str]:
    for element in document.root.iter():
        if element.tag not in ("script", "style"):
            yield element.text or ""
        yield element.tail or ""


def _attributes(document: Document) -> Iterator[str]:
    for element in document.root.iter():
        for name, value in element.attrib.items():
            yield from (name, value)


def _script_place(script: Any, rest: str) -> Place | None:
    """Return the place of a JSON pointer in a script.

    `rest` is `/pointer`, `NAME#/pointer` for the value assigned to NAME, or `chars:OFFSET#/pointer` for the argument of
    the call at that offset.
    """
    name, mark, pointer = rest.rpartition("#")
    text = script.text or ""
    if not mark:
        return _json_place(lenient_json.unpacked(lenient_json.loads(text)), pointer)
    if name.startswith("chars:"):
        offset = int(name.removeprefix("chars:"))
        values = [value for at, value in lenient_json.arguments(text) if at == offset]
    else:
        values = [value for known, _, value in lenient_json.assignments(text) if known == name]
    places = (_json_place(lenient_json.unpacked(value), pointer) for value in values)
    return next((place for place in places if place is not None), None)


def _json_place(value: Any, pointer: str) -> Place | None:
    keys = [pointers.key_of(token) for token in pointer.split("/")[1:]]
    above: Any = None
    for key in keys:
        above = value
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    own = _words(" ".join(_leaves(value)))
    return Place(own, _words(" ".join([*keys, *_leaves(above)])))


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    elif value is not None:
        yield str(value)


# --- texts -----------------------------------------------------------------------------------------------------------


def _words(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    words = f" {' '.join(re.findall(r'[^\W_]+', plain))} ".replace(" m 2 ", " m2 ")
    return re.sub(r"(\d ?)(m|ft) 2 ", r"\1\g<2>2 ", words)


def _holds(place: str, text: str) -> bool:
    wanted = _words(text)
    return bool(wanted.strip()) and (wanted in place or (len(wanted) > 8 and _glued(wanted) in _glued(place)))


def _glued(words: str) -> str:
    return words.replace(" ", "")


def _is_pieced(quote: str, places: Iterable[str]) -> bool:
    """Return True if `quote` can be split into at most `_MOST_PIECES` passages that each occur in one of `places`."""
    places = list(places)
    left = _words(quote).split()
    for _ in range(_MOST_PIECES):
        if not left:
            break
        length = next((n for n in range(len(left), 0, -1) if _any_holds(places, left[:n])), 0)
        if length == 0:
            return False
        left = left[length:]
    return not left


def _any_holds(places: Iterable[str], words: list[str]) -> bool:
    return any(_holds(place, " ".join(words)) for place in places)
