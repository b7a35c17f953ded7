"""The places of a page where a value may stand, by the anchors that lead to them.

`Spots` finds them for learning, where every anchor of the page is wanted, and for reading, where a few are.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

from app.property.reading import jsonld, state
from app.property.reading.base import Candidate
from app.property.reading.document import Document, Segment
from app.property.reading.grids import cell_text
from app.property.reading.pointers import below
from app.property.reading.trees import is_within, spaced_text, squared
from app.property.recipes.recipe import Anchor
from app.property.recipes.template import stable_names

_PAIR = re.compile(r"^([^:：]{2,60})[:：]\s*(\S.*)$", re.DOTALL)
_PIECES = re.compile(r"[|•·]")
#: parts of an attribute's anchor
_MARKS = re.compile(r"[=.]")
_DIGITS, _YEAR = re.compile(r"\d+"), re.compile(r"\b(?:19|20)\d\d\b")
_INDEX = re.compile(r"\[\d+\]|/\d+(?=/|$)")
_MOST_LABEL, _MOST_VALUE, _MOST_TEXT = 60, 200, 400
#: how many elements label and value may be apart
_NEAR = 4
_MOST_NODES, _DEEPEST, _MOST_ITEMS = 20_000, 12, 60
#: members by which the objects of a list differ
_MOST_NAMES = 4
_TAGS = ("h1", "h2", "title", "address")
_BLOCKS = 6
#: blocks of JSON-LD that are looked at
_MOST_BLOCKS = 20
#: what may stand within the element of one value
_INLINE = frozenset({"a", "abbr", "b", "bdi", "em", "i", "small", "span", "strong", "sub", "sup", "time"})


@dataclass(frozen=True, slots=True)
class Spot:
    """A text or JSON value of the page, and where it stands. `element` is None in JSON."""

    raw: Any
    locator: str
    quote: str
    label: str = ""
    element: Any = None


class Spots:
    """The spots of one page. `wanted` are the names of anchors that matter (None: all)."""

    def __init__(
        self, page: Document, candidates: Sequence[Candidate], wanted: frozenset[Anchor] | None = None
    ) -> None:
        self._page = page
        self.candidates = candidates
        self._wanted = None if wanted is None else frozenset(map(_bare, wanted))
        self._around: dict[Any, frozenset[str]] = {}

    def at(self, anchor: Anchor) -> list[Spot]:
        """Return the spots that `anchor` leads to, however many."""
        found = self.by_anchor.get(_bare(anchor), [])
        return [spot for spot in found if not anchor.within or anchor.within in self._blocks(spot.element)]

    def _blocks(self, element: Any) -> frozenset[str]:
        if element not in self._around:
            self._around[element] = frozenset(blocks_around(element))
        return self._around[element]

    @cached_property
    def by_anchor(self) -> dict[Anchor, list[Spot]]:
        """The spots by anchors that name no block."""
        found: dict[Anchor, list[Spot]] = defaultdict(list)
        for anchor, make in self._all():
            if self._wanted is None or anchor in self._wanted:
                spot = make()
                if spot.raw not in (None, "", []):
                    found[anchor].append(spot)
        return found

    @cached_property
    def readings(self) -> dict[tuple[str, Anchor], list[Candidate]]:
        """What readers found, by field and by an anchor of the reader and the kind of place."""
        found: dict[tuple[str, Anchor], list[Candidate]] = defaultdict(list)
        for one in self.candidates:
            anchor = Anchor("reader", one.reader, _INDEX.sub("", one.locator.partition("#chars")[0]))
            if one.reader and len(anchor.relation) <= _MOST_TEXT:
                found[one.field, anchor].append(one)
        return found

    def _all(self) -> Iterator[tuple[Anchor, Callable[[], Spot]]]:
        page = self._page
        if page.root is None:
            if page.json is not None and self._is_wanted("path", "body"):
                yield from _in_json(page.json, "body", "", page.row)
            return
        if self._is_wanted("label"):
            yield from _labels(page, self._words("label"))
        if self._is_wanted("attribute"):
            yield from _attributes(page, self._words("attribute"))
        if self._is_wanted("path", "ld+json"):
            for where, value in page.once(jsonld.blocks)[:_MOST_BLOCKS]:
                yield from _in_json(value, "ld+json", f"{where}#")
        if self._is_wanted("path", "state"):
            for where, value in state.blobs(page):
                yield from _in_json(value, "state", f"{where}#")

    def _words(self, kind: str) -> frozenset[str] | None:
        """Words of a page that the wanted anchors name, so that the others need no look; None: all are wanted."""
        if self._wanted is None:
            return None
        names = (one.name for one in self._wanted if one.kind == kind)
        return frozenset(names if kind == "label" else (word for name in names for word in _MARKS.split(name)))

    def _is_wanted(self, kind: str, relation: str | None = None) -> bool:
        return self._wanted is None or any(
            one.kind == kind and relation in (None, one.relation) for one in self._wanted
        )


def blocks_around(element: Any) -> Iterator[str]:
    """The names of the blocks around `element`, nearest first: `#id`, `.class`."""
    for above in islice(element.iterancestors(), _BLOCKS) if element is not None else ():
        if above.tag in ("body", "html"):
            return
        if above.get("id") and not _DIGITS.search(above.get("id")):
            yield f"#{above.get('id')}"
        yield from (f".{name}" for name in stable_names(above)[:2])


def folded(label: str) -> str:
    """Return the words of a label as anchors name it: in small letters, a year as `YEAR`, without marks at its ends."""
    return _YEAR.sub("YEAR", " ".join(label.casefold().split())).strip(" :：?*.-–—")


def _bare(anchor: Anchor) -> Anchor:
    return replace(anchor, within="", reads="", unit="")


# --- labels ----------------------------------------------------------------------------------------------------------


def _labels(page: Document, wanted: frozenset[str] | None) -> Iterator[tuple[Anchor, Callable[[], Spot]]]:
    segments = page.segments
    for segment in segments:
        if len(segment.text) <= _MOST_TEXT and re.search("[:：]", segment.text):
            for piece in map(str.strip, _PIECES.split(segment.text)):
                if (pair := _PAIR.match(piece)) and (label := _label(pair[1])):
                    yield Anchor("label", label, "colon"), _made(page, pair[2], segment.owner, pair[1])
        label = _label(segment.text)
        if not label or (wanted is not None and label not in wanted):
            continue
        for relation, value in _beside(page, segment.index):
            element, text = (value.owner, value.text) if isinstance(value, Segment) else (value, value)
            yield Anchor("label", label, relation), _made(page, text, element, segment.text)


def _label(text: str) -> str:
    """The label's folded words; empty for a text that is none."""
    label = folded(text) if len(text) <= _MOST_LABEL else ""
    return label if label.count(" ") <= 6 and re.search(r"[^\W\d_]", label) else ""


def _beside(page: Document, index: int) -> Iterator[tuple[str, Any]]:
    """The elements that may hold the value of the label at `index`, and how they stand to it."""
    owner = page.segments[index].owner
    for above in (owner, *islice(owner.iterancestors(), _NEAR)):
        if above.tag in ("td", "th", "dt"):
            beside = above.getnext()
            fits = beside is not None and (beside.tag == "dd" if above.tag == "dt" else beside.tag in ("td", "th"))
            if fits and cell_text(above) == page.segments[index].text:
                yield ("term" if above.tag == "dt" else "cell"), beside
            break
    places = {step: index + step for step in (-2, -1, 1, 2) if 0 <= index + step < len(page.segments)}
    around = {step: page.segments[place].owner for step, place in places.items()}
    is_leading = page.segments[index].text.endswith((":", "："))
    for step, relation in ((1, "next"), (-1, "previous")):
        value = _value_beside(page, places[step], owner) if step in places and (step > 0 or not is_leading) else None
        if value is None:
            continue
        apart = _apart(around[step], owner)
        other, behind = around.get(-step), around.get(2 * step)
        is_another = step < 0 and -2 in places and page.segments[places[-2]].text.endswith((":", "："))
        if not is_another and all(
            one is None or apart <= _apart(at, one) for at, one in ((owner, other), (around[step], behind))
        ):
            yield relation, value  # neither of the two is nearer to something else


def _value_beside(page: Document, place: int, label: Any) -> Any:
    """The element that holds the text at `place` and not the label; of a text behind a label in bold, the text."""
    segment = page.segments[place]
    return segment if segment.owner is label.getparent() else _block_of(segment.owner, label)


def _apart(one: Any, other: Any) -> int:
    """How many elements one must climb from `one` to an element that also holds `other`; many: `_NEAR` and one."""
    for steps, above in enumerate((one, *islice(one.iterancestors(), _NEAR))):
        if is_within(other, above):
            return steps
    return _NEAR + 1


def _block_of(element: Any, label: Any) -> Any:
    """The largest element that holds `element` and not the label; None where they are far apart, or one text's."""
    around = {label, *islice(label.iterancestors(), _NEAR)}
    if element in around:
        return None
    for above in (element, *islice(element.iterancestors(), _NEAR)):
        if above.getparent() in around:
            return above
    return None


def _made(page: Document, value: Any, element: Any, label: str) -> Callable[[], Spot]:
    def make() -> Spot:
        text = value if isinstance(value, str) else squared(spaced_text(value))
        raw = text if len(text) <= _MOST_VALUE else ""
        shown = label.rstrip(" :：")
        return Spot(raw, page.path(element), f"{shown}: {text}"[:300], shown, element)

    return make


# --- attributes ------------------------------------------------------------------------------------------------------


def _attributes(page: Document, wanted: frozenset[str] | None) -> Iterator[tuple[Anchor, Callable[[], Spot]]]:
    skipped = page.skipped
    for element in page.root.iter():
        if not isinstance(element.tag, str) or not (element.attrib or element.tag in _TAGS):
            continue
        if wanted is not None and wanted.isdisjoint(_words_of(element)):
            continue
        names = list(_names(element))
        if not names or (element.tag not in ("meta", "title") and _is_skipped(element, skipped)):
            continue
        for name, attribute in names:
            yield Anchor("attribute", name), _attribute(page, element, name, attribute)


def _words_of(element: Any) -> Iterator[str]:
    """The words of an element that an anchor may name."""
    yield element.tag
    for key, value in element.attrib.items():
        yield key
        yield from value.split() if key == "class" else _MARKS.split(value[:80])


def _names(element: Any) -> Iterator[tuple[str, str]]:
    """What names an element, and the attribute that holds its value; empty where its text does."""
    if element.tag == "meta":
        name = element.get("property") or element.get("name")
        if name:
            yield f"meta={name}"[:80], "content"
        return
    if element.tag in _TAGS:
        yield element.tag, ""
    holds_one = all(inner.tag in _INLINE for inner in islice(element.iterdescendants(), 8))
    for key, value in element.attrib.items():
        if key == "itemprop":
            yield f"itemprop={value}"[:80], "content" if element.get("content") else ""
        elif key.startswith("data-") and 0 < len(value) <= _MOST_VALUE:
            yield key[:80], key
        if holds_one and (key == "id" or key.startswith("data-")) and len(value) <= 40 and not _DIGITS.search(value):
            yield f"{key}={value}"[:80], ""
    if holds_one:
        yield from ((f"{element.tag}.{name}"[:80], "") for name in stable_names(element))


def _is_skipped(element: Any, skipped: frozenset[Any]) -> bool:
    return element in skipped or any(above in skipped for above in element.iterancestors())


def _attribute(page: Document, element: Any, name: str, attribute: str) -> Callable[[], Spot]:
    def make() -> Spot:
        content = element.get(attribute) if attribute else "".join(islice(element.itertext(), 60))
        text = squared(" ".join((content or "").split()))
        where = page.path(element) + (f"/@{attribute}" if attribute else "")
        label = _MARKS.split(name)[-1]
        return Spot(text if len(text) <= _MOST_TEXT else "", where, f"{label}: {text}"[:300], label, element)

    return make


# --- JSON ------------------------------------------------------------------------------------------------------------


def _in_json(
    value: Any, relation: str, where: str, row: str | None = None
) -> Iterator[tuple[Anchor, Callable[[], Spot]]]:
    """Every plain value under its path of key names; members of lists by a text that tells them apart."""
    stack: list[tuple[Any, tuple[str, ...], str]] = [(value, ("",), "")]
    for _ in range(_MOST_NODES):
        if not stack:
            return
        node, paths, pointer = stack.pop()
        if pointer.count("/") > _DEEPEST:
            continue
        if isinstance(node, dict):
            children = [(v, tuple(f"{p}/{k}" for p in paths), below(pointer, k)) for k, v in islice(node.items(), 300)]
        elif isinstance(node, list):
            children = [
                (v, tuple(f"{p}/{m}" for p in paths for m in _members(v, len(node)))[:8], below(pointer, i))
                for i, v in enumerate(node[:_MOST_ITEMS])
                if isinstance(v, dict | list)
            ]
        else:
            children = []
        for inner, inner_paths, at in children:
            if isinstance(inner, dict | list):
                stack.append((inner, inner_paths, at))
            if row is not None and not (at == row or at.startswith(f"{row}/")):
                continue
            if isinstance(inner, str | int | float | bool) or _is_plain_list(inner):
                key = at.rpartition("/")[2]
                for path in inner_paths:
                    yield Anchor("path", path[:_MOST_TEXT], relation), _json_spot(inner, where + at, key)


def _is_plain_list(value: Any) -> bool:
    return isinstance(value, list) and 0 < len(value) <= 20 and all(isinstance(v, str) for v in value)


def _members(item: Any, many: int) -> Iterator[str]:
    """How an item of a list is named: `*`, or `*[caption=TLA]` by each short text of its own."""
    yield "*"
    if many > 1 and isinstance(item, dict):
        names = ((k, v) for k, v in item.items() if isinstance(v, str) and 0 < len(v) <= 40 and not _DIGITS.search(v))
        yield from (f"*[{key}={value}]" for key, value in islice(names, _MOST_NAMES))


def _json_spot(value: Any, locator: str, key: str) -> Callable[[], Spot]:
    return lambda: Spot(value, locator, f'"{key}": {value}'[:300], key)
