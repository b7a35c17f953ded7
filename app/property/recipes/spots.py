"""Find spots on a page (places that may hold a value) and their anchors (locators, see `Anchor`).

To learn a recipe, all possible anchors are found; to read a page, only those of the recipe.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice, product
from typing import Any, NamedTuple

from app.property.reading import jsonld, state
from app.property.reading.base import Candidate
from app.property.reading.document import Document, Segment
from app.property.reading.grids import cell_text
from app.property.reading.pointers import below
from app.property.reading.trees import is_inside, levels_between, spaced_text, squared
from app.property.recipes.recipe import Anchor
from app.property.recipes.template import stable_names

_PAIR = re.compile(r"^([^:：]{2,60})[:：]\s*(\S.*)$", re.DOTALL)
_PIECES = re.compile(r"[|•·]")
_BESIDE = ("cell", "term", "next", "previous")
#: Relations in which the label and the value are in the same clause.
IN_CLAUSE = ("after", "before")
_CLAUSES = re.compile(r"[,;:.!?]\s+|[.!?]$|[|•·]")
_MARKS = re.compile(r"[=.]")
_DIGITS, _YEAR = re.compile(r"\d+"), re.compile(r"\b(?:19|20)\d\d\b")
_INDEX = re.compile(r"\[\d+\]|/\d+(?=/|$)")
_COUNT = re.compile(r"\d{1,2}(?:[.,]\d)?\Z")
_MOST_LABEL, _MOST_VALUE, _MOST_TEXT = 60, 200, 400
#: Maximum number of tree levels between a label or value and their common ancestor.
_NEAR = 4
_MOST_NODES, _DEEPEST, _MOST_ITEMS = 20_000, 12, 60
#: Maximum number of path names for an object in a list, in addition to `*` (`_members`).
_MOST_NAMES = 4
_TAGS = ("h1", "h2", "title", "address")
_BLOCKS = 6
_MOST_BLOCKS = 20
#: Maximum number of words examined per clause, of words in a label in a clause, and of clauses examined per page.
_MOST_WORDS, _MOST_LABEL_WORDS, _MOST_CLAUSES = 20, 4, 2_000
#: Tags of inline elements. If an element contains no other elements, its text may be one value.
_INLINE = frozenset({"a", "abbr", "b", "bdi", "em", "i", "small", "span", "strong", "sub", "sup", "time"})


class Spot(NamedTuple):
    """A text or JSON value on a page, and where it is. `element` is None for a JSON value."""

    raw: Any
    locator: str
    quote: str
    label: str = ""
    element: Any = None


_Found = Iterator[tuple[Anchor, Callable[[], Spot]]]
#: Wanted anchor names with their relations; None means all anchors.
_Names = Mapping[str, Collection[str]] | None


class Spots:
    """The spots on a page to which the `wanted` anchors lead (None: all possible anchors)."""

    def __init__(self, page: Document, candidates: Sequence[Candidate], wanted: Iterable[Anchor] | None = None) -> None:
        self.page = page
        self.candidates = candidates
        self._wanted = None if wanted is None else frozenset(one.bare for one in wanted)
        #: Cache of `typed.py`: values by the field that a text was parsed as, the locator, and the text.
        self.parsed: dict[tuple[str, str, str], list[Candidate]] = {}

    def at(self, anchor: Anchor) -> list[Spot]:
        found = self.by_anchor.get(anchor.bare, [])
        if anchor.relation in IN_CLAUSE and anchor.kind == "label":
            size = anchor.name.count(" ") + 1
            beside = self.in_clauses(lambda clause: anchor.name in clause.casefold(), (size,))
            found = [spot for known, spot in beside if known == anchor.bare]
        return [spot for spot in found if not anchor.within or anchor.within in blocks_around(spot.element)]

    @cached_property
    def by_anchor(self) -> dict[Anchor, list[Spot]]:
        """Map each anchor without `within` to its spots, except anchors in clauses."""
        found: dict[Anchor, list[Spot]] = defaultdict(list)
        for kind, find in (("label", _labels), ("attribute", _attributes), ("path", _json_values)):
            names: dict[str, set[str]] = defaultdict(set)
            for one in self._wanted or ():
                if one.kind == kind:
                    names[one.name].add(one.relation)
            for anchor, make in find(self.page, names or None) if names or self._wanted is None else ():
                if self._wanted is None or anchor in self._wanted:
                    spot = make()
                    if spot.raw not in (None, "", []):
                        found[anchor].append(spot)
        return found

    @cached_property
    def readings(self) -> dict[tuple[str, Anchor], list[Candidate]]:
        """Map each field and reader anchor to the values that the reader found there."""
        found: dict[tuple[str, Anchor], list[Candidate]] = defaultdict(list)
        wanted = None if self._wanted is None else {one.name for one in self._wanted if one.kind == "reader"}
        for one in self.candidates:
            if one.reader and (wanted is None or one.reader in wanted):
                anchor = Anchor("reader", one.reader, _INDEX.sub("", one.locator.partition("#chars")[0]))
                if len(anchor.relation) <= _MOST_TEXT:
                    found[one.field, anchor].append(one)
        return found

    @cached_property
    def read(self) -> dict[tuple[str, str, str], list[Candidate]]:
        """Map (field, locator, text) to all values that the same reader found in this text."""
        together: dict[tuple[str, str, str], list[Candidate]] = defaultdict(list)
        for one in self.candidates:
            together[one.reader, one.locator, one.raw].append(one)
        return {(one.field, one.locator, one.raw): found for found in together.values() for one in found}

    @cached_property
    def _clauses(self) -> list[tuple[str, Segment]]:
        texts = (segment for segment in self.page.segments if " " in segment.text)
        parts = ((part.strip(), segment) for segment in texts for part in _CLAUSES.split(segment.text))
        return list(islice(((part, segment) for part, segment in parts if " " in part), _MOST_CLAUSES))

    def in_clauses(
        self, may_say: Callable[[str], bool], sizes: Collection[int] = range(1, _MOST_LABEL_WORDS + 1)
    ) -> Iterator[tuple[Anchor, Spot]]:
        """Yield labels in clauses as anchors, each with its spot. Only clauses that pass `may_say` are searched.
        `sizes` are the numbers of words that a label may have.

        A spot is the count before the label, or the text after it.
        """
        for clause, segment in ((clause, segment) for clause, segment in self._clauses if may_say(clause)):
            words = clause.split()[:_MOST_WORDS]
            for begin, size in product(range(len(words)), sizes):
                label, before, after = words[begin : begin + size], words[:begin][-1:], " ".join(words[begin + size :])
                name = " ".join(label).casefold()
                if len(label) < size or _DIGITS.search(name) or not re.search(r"[^\W\d_]", name):
                    continue
                found = [("before", before[0])] if before and _COUNT.match(before[0]) else []
                found += [("after", after)] if after else []
                for relation, value in found:
                    spot = Spot(value, self.page.path(segment.owner), clause[:300], " ".join(label), segment.owner)
                    yield Anchor("label", name, relation), spot


def blocks_around(element: Any) -> Iterator[str]:
    """Yield the names (`#id` or `.class`) of the elements around `element`, nearest first."""
    for above in islice(element.iterancestors(), _BLOCKS) if element is not None else ():
        if above.tag in ("body", "html"):
            return
        if above.get("id") and not _DIGITS.search(above.get("id")):
            yield f"#{above.get('id')}"
        yield from (f".{name}" for name in stable_names(above)[:2])


def folded(label: str) -> str:
    """Return the label in the form of `Anchor.name`: lowercase, without punctuation at the ends, and with `YEAR` for
    years.
    """
    words = " ".join(label.casefold().split()).strip(" :：?*.-–—")
    return _YEAR.sub("YEAR", words) if "19" in words or "20" in words else words


def _labels(page: Document, wanted: _Names) -> _Found:
    for segment in page.segments:
        text = segment.text
        if len(text) <= _MOST_TEXT and (":" in text or "：" in text):
            for piece in map(str.strip, _PIECES.split(text)):
                if (pair := _PAIR.match(piece)) and (label := _label(pair[1], wanted)):
                    yield Anchor("label", label, "colon"), _made(page, pair[2], segment.owner, pair[1])
        if label := _label(text, wanted):
            for relation, value in _beside(page, segment.index, wanted[label] if wanted is not None else _BESIDE):
                element, raw = (value.owner, value.text) if isinstance(value, Segment) else (value, value)
                yield Anchor("label", label, relation), _made(page, raw, element, text)


def _label(text: str, wanted: _Names) -> str:
    label = folded(text) if len(text) <= _MOST_LABEL else ""
    if wanted is not None:
        return label if label in wanted else ""
    return label if label.count(" ") <= 6 and re.search(r"[^\W\d_]", label) else ""


def _beside(page: Document, index: int, relations: Collection[str]) -> Iterator[tuple[str, Any]]:
    """Yield elements or texts next to a label that may hold its value, each with the relation.

    The next or previous text is skipped if it, or the label, is closer to another text.
    """
    owner = page.segments[index].owner
    for above in (owner, *islice(owner.iterancestors(), _NEAR)):
        if above.tag in ("td", "th", "dt"):
            beside = above.getnext()
            fits = beside is not None and (beside.tag == "dd" if above.tag == "dt" else beside.tag in ("td", "th"))
            if fits and cell_text(above) == page.segments[index].text:
                yield ("term" if above.tag == "dt" else "cell"), beside
            break
    if "next" not in relations and "previous" not in relations:
        return
    places = {step: index + step for step in (-2, -1, 1, 2) if 0 <= index + step < len(page.segments)}
    around = {step: page.segments[place].owner for step, place in places.items()}
    is_leading = page.segments[index].text.endswith((":", "："))
    for step, relation in ((1, "next"), (-1, "previous")):
        is_sought = relation in relations and step in places and (step > 0 or not is_leading)
        value = _value_beside(page, places[step], owner) if is_sought else None
        if value is None:
            continue
        apart = levels_between(around[step], owner, _NEAR + 1)
        other, behind = around.get(-step), around.get(2 * step)
        is_another = step < 0 and -2 in places and page.segments[places[-2]].text.endswith((":", "："))
        if not is_another and all(
            one is None or apart <= levels_between(at, one, _NEAR + 1)
            for at, one in ((owner, other), (around[step], behind))
        ):
            yield relation, value


def _value_beside(page: Document, place: int, label: Any) -> Any:
    """Return the element around the text at index `place` that may hold the label's value.

    If the label is an element inside that text, such as a bold word, return the text's segment.
    """
    segment = page.segments[place]
    return segment if segment.owner is label.getparent() else _block_of(segment.owner, label)


def _block_of(element: Any, label: Any) -> Any:
    """Return the largest element that contains `element` but not the label."""
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


def _attributes(page: Document, wanted: _Names) -> _Found:
    skipped = page.skipped
    elements = page.root.iter() if wanted is None and page.root is not None else _named(page, wanted or ())
    for element in elements:
        names = list(_names(element)) if isinstance(element.tag, str) else []
        if names and (element.tag in ("meta", "title") or not is_inside(element, skipped)):
            for name, attribute in names:
                yield Anchor("attribute", name), _attribute(page, element, name, attribute)


def _named(page: Document, wanted: Collection[str]) -> Iterable[Any]:
    found: dict[Any, None] = {}
    for name in sorted(wanted) if page.root is not None else ():
        first, _, second = name.partition("=")
        tag, dot, style = name.partition(".")
        if first == "meta" or name in _TAGS:
            found |= dict.fromkeys(page.root.iter(first))
        elif dot and first == name and not name.startswith("data-"):
            found |= dict.fromkeys(one for one in page.having("class") if style in one.get("class") and one.tag == tag)
        else:
            found |= dict.fromkeys(one for one in page.having(first) if second in one.get(first))
    return found


def _names(element: Any) -> Iterator[tuple[str, str]]:
    """Yield an element's anchor names, each with the name of the attribute that holds the value.

    The attribute's name is "" if the element's text is the value.
    """
    if element.tag == "meta":
        name = element.get("property") or element.get("name")
        if name:
            yield f"meta={name}"[:80], "content"
        return
    if element.tag in _TAGS:
        yield element.tag, ""
    if not element.attrib:
        return
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


def _attribute(page: Document, element: Any, name: str, attribute: str) -> Callable[[], Spot]:
    def make() -> Spot:
        content = element.get(attribute) if attribute else "".join(islice(element.itertext(), 60))
        text = squared(" ".join((content or "").split()))
        where = page.path(element) + (f"/@{attribute}" if attribute else "")
        label = _MARKS.split(name)[-1]
        return Spot(text if len(text) <= _MOST_TEXT else "", where, f"{label}: {text}"[:300], label, element)

    return make


def _json_values(page: Document, wanted: _Names) -> _Found:
    if page.root is None:
        yield from _in_json(page.json, "body", "", wanted, page.row)
        return
    blobs = [("ld+json", where, value) for where, value in page.once(jsonld.blocks)[:_MOST_BLOCKS]]
    for relation, where, value in (*blobs, *(("state", where, value) for where, value in state.blobs(page))):
        yield from _in_json(value, relation, f"{where}#", wanted)


def _in_json(value: Any, relation: str, where: str, wanted: _Names, row: str | None = None) -> _Found:
    """Yield each plain value in `value`, with an anchor for each of its paths (see `Anchor`).

    If `row` is given, only values in the object at this JSON pointer are yielded.
    """
    ways = None if wanted is None else {name[: mark.start()] for name in wanted for mark in re.finditer("/|$", name)}
    stack: list[tuple[Any, tuple[str, ...], str]] = [(value, ("",), "")]
    for _ in range(_MOST_NODES):
        if not stack:
            return
        node, paths, pointer = stack.pop()
        if pointer.count("/") > _DEEPEST:
            continue
        if isinstance(node, dict):
            children = ((v, tuple(f"{p}/{k}" for p in paths), k) for k, v in islice(node.items(), 300))
        else:
            children = (
                (v, tuple(f"{p}/{m}" for p in paths for m in _members(v, len(node)))[:8], i)
                for i, v in enumerate(node[:_MOST_ITEMS] if isinstance(node, list) else ())
                if isinstance(v, dict | list)
            )
        for inner, inner_paths, key in children:
            known = inner_paths if ways is None else tuple(path for path in inner_paths if path in ways)
            if not known:
                continue
            at = below(pointer, key)
            if isinstance(inner, dict | list):
                stack.append((inner, known, at))
            if row is not None and not (at == row or at.startswith(f"{row}/")):
                continue
            is_plain_list = isinstance(inner, list) and 0 < len(inner) <= 20 and all(isinstance(v, str) for v in inner)
            if isinstance(inner, str | int | float | bool) or is_plain_list:
                for path in known:
                    yield Anchor("path", path[:_MOST_TEXT], relation), _json_spot(inner, where + at, str(key))


def _members(item: Any, many: int) -> Iterator[str]:
    """Yield the path names of an item in a list of `many` items: `*`, and names like `*[caption=TLA]`."""
    yield "*"
    if many > 1 and isinstance(item, dict):
        names = ((k, v) for k, v in item.items() if isinstance(v, str) and 0 < len(v) <= 40 and not _DIGITS.search(v))
        yield from (f"*[{key}={value}]" for key, value in islice(names, _MOST_NAMES))


def _json_spot(value: Any, locator: str, key: str) -> Callable[[], Spot]:
    return lambda: Spot(value, locator, f'"{key}": {value}'[:300], key)
