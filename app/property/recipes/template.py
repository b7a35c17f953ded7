"""Recognize pages of the same host that have the same template."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any
from zlib import crc32

from app.property.reading.document import Document
from app.property.reading.pointers import pointed
from app.property.recipes.recipe import Recipe

#: Minimum similarity of pages that count as having the same template, and of pages on which a recipe is tried.
ALIKE, TRIED = 0.8, 0.6
#: Maximum number of hashes per page. Keeping the smallest ones means that similar pages keep mostly the same hashes.
_MOST = 400
_MOST_ELEMENTS, _MOST_NODES, _DEEPEST = 8_000, 5_000, 12
#: Matches class names that look handwritten; generated names may change with each release of a site.
_STABLE = re.compile(r"[A-Za-z][a-z]*(?:[-_A-Z]+[a-z]+)*[-_]*\Z")


def stable_names(element: Any) -> list[str]:
    return [name for name in (element.get("class") or "").split()[:8] if _STABLE.match(name)]


def fingerprint(page: Document) -> frozenset[int]:
    """Return hashes of the tags and stable class names of an HTML page, or of the key paths of a JSON body."""
    body = page.json if page.row is None else pointed(page.json, page.row)
    parts = _paths(body) if page.json is not None else _tags(page)
    hashes = {crc32(one.encode()) for one in set(parts)}
    return frozenset(sorted(hashes)[:_MOST])


def likeness(one: frozenset[int], other: frozenset[int]) -> float:
    """Return the similarity of two fingerprints, 0 to 1: the Jaccard index of their hashes."""
    return len(one & other) / len(one | other) if one and other else 0.0


def likest(recipes: Iterable[Recipe], print_: frozenset[int], least: float = ALIKE) -> list[Recipe]:
    """Return the learned recipes whose similarity to the fingerprint `print_` is at least `least`, the most similar
    first.
    """
    learned = [(likeness(one.fingerprint, print_), one) for one in recipes if not one.written]
    return [one for share, one in sorted(learned, key=lambda pair: -pair[0]) if share >= least]


def _tags(page: Document) -> Iterator[str]:
    if page.root is None:
        return
    main = next((e for e in page.root.iter("main") if len(e)), None)
    stack, known, skipped = [(page.root if main is None else main, "")], dict[str, str](), page.skipped
    for _ in range(_MOST_ELEMENTS):
        if not stack:
            return
        element, above = stack.pop()
        if element in skipped:
            continue
        styled = element.get("class") or ""
        if styled not in known:
            known[styled] = ".".join(sorted(stable_names(element)))
        own = f"{element.tag}.{known[styled]}"
        yield f"{above}>{own}"
        stack += [(child, own) for child in element]


def _paths(value: Any) -> Iterator[str]:
    stack: list[tuple[Any, str]] = [(value, "")]
    for _ in range(_MOST_NODES):
        if not stack:
            return
        node, path = stack.pop()
        if path.count("/") > _DEEPEST:
            continue
        if isinstance(node, dict):
            yield from (f"{path}/{key}" for key in islice(node, 200))
            stack.extend((inner, f"{path}/{key}") for key, inner in islice(node.items(), 200))
        elif isinstance(node, list):
            stack.extend((inner, f"{path}/*") for inner in node[:20])
