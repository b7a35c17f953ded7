"""Read embedded state: JSON in scripts (`__NEXT_DATA__`, `window.__X__ = {...}`, `JSON.parse("...")`)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from app.property.fields.table import FIELDS
from app.property.reading import lenient_json, object_keys, objects
from app.property.reading.base import Reading
from app.property.reading.document import Document
from app.property.reading.object_values import Place, Source, pair_of
from app.property.reading.terms import meaning, words_of
from app.property.reading.visitor_objects import without_visitors
from app.property.record import Method

#: The weight of each field as evidence that an object describes a property.
_KEY_WEIGHTS = {
    **{name: spec.typical for name, spec in FIELDS.items() if spec.typical},
    **{"_Address": 1.0, "_Coordinates": 1.0, "_RentWarm": 2.0},
}
_ID_KEYS = re.compile(
    r"^(?:id|_id|.*id|.*key|.*code|url|.*url|slug|href|canonical.*|path|reference|.*number)$", re.IGNORECASE
)
_LONGEST_KEY = 80
_FADING = (1.0, 0.8, 0.55, 0.3)
_LEAST_SCORE = 5.0
_MOST_NODES = 40_000
_LEAST_SCRIPT, _MOST_SCRIPTS = 40, 300


@dataclass(frozen=True, slots=True)
class _Found:
    score: float
    matches: bool
    node: dict[str, Any]
    pointer: str
    where: str
    parent: dict[str, Any]


def read(page: Document) -> Iterator[Reading]:
    """Yield the readings of the objects in the page's scripts that most resemble a property."""
    found = [best for where, value in blobs(page) if (best := _best(value, where, page)) is not None]
    found.sort(key=lambda f: (f.matches, f.score), reverse=True)
    for rank, best in enumerate(found[:3]):
        if rank and found[0].matches and not best.matches:
            return
        # an object passed to a function is often for web analytics, with rounded values and other keys
        base = (0.8 if best.matches else 0.65) - 0.12 * rank - (0.12 if "#chars:" in best.where else 0.0)
        source = Source(Method.STATE, base, page.locale.lang)
        where = f"{best.where}#{best.pointer}"
        yield from objects.read(best.node, source, Place(where))
        yield from _own_id(best, source, where, page.ids)
        if rank == 0:
            yield from _beside(best, page)


def _own_id(best: _Found, source: Source, where: str, ids: frozenset[str]) -> Iterator[Reading]:
    for key in ("id", "ID", "Id", "adId", "listingId"):
        value = best.node.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and len(str(value)) >= 5:
            confidence = 0.7 if str(value).lower() in ids else 0.45
            yield Reading("ListingKey", str(value), source.method, f"{where}/{key}", f'"{key}": {value}', confidence)
            return


def _beside(best: _Found, page: Document) -> Iterator[Reading]:
    """Read the other objects under the parent of the chosen object, to fill gaps in its values."""
    source = Source(Method.STATE, 0.42, page.locale.lang)
    for key, value in best.parent.items():
        if isinstance(value, dict) and value is not best.node and not object_keys.is_cut(key, words_of(key)):
            place = Place(f"{best.where}#{best.pointer.rpartition('/')[0]}").below(key, words_of(key))
            yield from objects.read(value, source, place)


def blobs(page: Document) -> Iterator[tuple[str, Any]]:
    """Yield the location and value of each JSON value in trusted scripts. JSON inside strings is parsed too."""
    if page.root is not None:
        yield from ((where, value) for where, value in page.once(_all_blobs) if where not in page.distrusted)


def _all_blobs(page: Document) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    scripts = (s for s in page.root.iter("script") if "ld+json" not in (s.get("type") or "").lower())
    for script in islice((s for s in scripts if len(s.text or "") >= _LEAST_SCRIPT), _MOST_SCRIPTS):
        text, kind = script.text, (script.get("type") or "").lower()
        where = page.path(script)
        if "json" in kind or text.lstrip()[:1] in ("{", "["):
            value = lenient_json.loads(text)
            if isinstance(value, dict | list):
                found.append((where, value))
                continue
        found += ((f"{where}#{name}", value) for name, _, value in lenient_json.assignments(text))
        found += ((f"{where}#chars:{offset}", value) for offset, value in lenient_json.arguments(text))
    return [(where, without_visitors(lenient_json.unpacked(value))) for where, value in found]


def _best(value: Any, where: str, page: Document) -> _Found | None:
    best: _Found | None = None
    for pointer, node, parent in _dicts(value):
        score = _score(node)
        if score < _LEAST_SCORE:
            continue
        found = _Found(score, _matches(node, page), node, pointer, where, parent)
        if best is None or (found.matches, found.score) > (best.matches, best.score):
            best = found
        elif (found.matches, found.score) == (best.matches, best.score) and found.pointer.startswith(best.pointer):
            best = found  # of two nested objects with the same score, prefer the inner one
    return best


def _dicts(value: Any) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield (pointer, object, parent) in document order, except from branches about other properties."""
    stack: list[tuple[str, Any, dict[str, Any]]] = [("", value, {})]
    for _ in range(_MOST_NODES):
        if not stack:
            return
        pointer, node, parent = stack.pop()
        if isinstance(node, dict):
            yield pointer, node, parent
            inner = [(k, v) for k, v in node.items() if isinstance(v, dict | list)]
            children = [(f"{pointer}/{k}", v, node) for k, v in inner if not object_keys.is_cut(k, words_of(k))]
        elif objects.are_listings([v for v in node if isinstance(v, dict)]):
            children = []
        else:
            children = [(f"{pointer}/{i}", v, {}) for i, v in enumerate(node[:100]) if isinstance(v, dict | list)]
        stack.extend(reversed(children))


def _score(node: dict[str, Any]) -> float:
    """Fields of inner objects count less."""
    stated: dict[str, float] = {}
    _collect(node, 0, stated, "")
    return sum(stated.values())


def _collect(node: dict[str, Any], depth: int, stated: dict[str, float], parent: str) -> None:
    for key, value in node.items():
        if value is None or value in ("", []):
            continue
        named = _key_of(parent, key[:_LONGEST_KEY])
        if named.field:
            stated[named.field] = max(stated.get(named.field, 0.0), named.worth * _FADING[depth])
        if isinstance(value, dict) and depth < len(_FADING) - 1 and not object_keys.is_cut(key, named.words):
            _collect(value, depth + 1, stated, named.words)
        elif isinstance(value, list) and depth < 2 and not object_keys.is_cut(key, named.words):
            _collect_pairs(value, depth, stated)


@dataclass(frozen=True, slots=True)
class _Key:
    words: str
    field: str
    worth: float


@lru_cache(maxsize=20_000)
def _key_of(parent: str, key: str) -> _Key:
    words = words_of(key)
    found = (meaning(f"{parent} {words}") if parent else None) or meaning(words)
    if found is None or found.field not in _KEY_WEIGHTS:
        return _Key(words, "", 0.0)
    return _Key(words, found.field, _KEY_WEIGHTS[found.field] * found.trust)


def _collect_pairs(items: list[Any], depth: int, stated: dict[str, float]) -> None:
    for item in items[:40]:
        pair = pair_of(item) if isinstance(item, dict) else None
        found = meaning(pair[0], None) if pair else None
        if found is not None and found.field in _KEY_WEIGHTS:
            stated[found.field] = max(stated.get(found.field, 0.0), _KEY_WEIGHTS[found.field] * _FADING[depth + 1])


def _matches(node: dict[str, Any], page: Document) -> bool:
    for key, value in node.items():
        if isinstance(value, str | int) and not isinstance(value, bool) and _ID_KEYS.match(key):
            tokens = {t.lower() for t in re.split(r"[^\w]+|_", str(value)[:300])}
            if tokens & page.ids:
                return True
    return False
