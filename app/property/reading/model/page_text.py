"""Compose the page text for a model: visible lines, then data that no line shows, then unrelated blocks.

The visible lines about the property come first. If these lines exceed their part of the token budget, lines that look
like facts are preferred. Data is added as `key: value` lines from scripts, `meta` tags, and attributes. Blocks about
other properties and the site come last.
"""

import html
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from app.property.reading import jsonld, object_keys
from app.property.reading.document import Document
from app.property.reading.object_values import pair_of
from app.property.reading.sheet import head_of, lines_beside, lines_of, lines_of_texts
from app.property.reading.state import blobs
from app.property.reading.terms import meaning, words_of
from app.property.values.areas import is_unit
from app.property.values.texts import letters_of

#: The share of the token budget that is reserved for data, if the page has any.
_DATA_SHARE = 0.2
_MOST_DATA_LINES = 2_000
#: Data values with more than `_LONGEST_VALUE` characters are left out. A number with fewer than `_SHORTEST_NUMBER`
#: digits may occur in the visible text by chance.
_LONGEST_VALUE, _SHORTEST_NUMBER = 200, 3
_LONGEST_NAME = 80
#: Maximum items of a JSON array, and maximum characters of a line with an object's members.
_MOST_ITEMS, _LONGEST_LINE = 20, 320
_LABEL_LENGTH, _FACT_LENGTH = 40, 90
_NO_DATA = re.compile(
    r"^(?:https?:|//|/|data:|#|\{|<)|\.(?:js|css|png|jpe?g|svg|webp)\b|^[0-9a-f-]{32,}$", re.IGNORECASE
)
_PLACE_OF_MAP = re.compile(
    r"(?:[?&](?:q|ll|center|markers|daddr|destination)=|/@)(?:[^&#\s]{0,60}?[^\d.&#\s-])?"
    r"-?\d{1,3}\.\d{3,}(?:,|%2C)\s*-?\d{1,3}\.\d{3,}"
)


@dataclass(frozen=True, slots=True)
class PageText:
    """The page's visible text, its data, and its unrelated blocks, each as joined lines."""

    shown: str
    data: str = ""
    beside: str = ""


def page_text(document: Document, budget: int, count: Callable[[str], int]) -> PageText:
    """Return at most `budget` tokens of the page's text, as counted by `count`. Each line is included once."""
    text = _Text(count)
    if document.json is not None:
        return PageText(text.add_best(lines_of_texts(_members(document.json, every=True)), budget))
    if document.root is None:
        return PageText(text.add_best(lines_of_texts(document.text.splitlines()), budget))
    shown = [*head_of(document), *document.once(lines_of)]
    plain = "\n".join(map(letters_of, shown))
    data = [line for line in document.once(data_lines) if not _is_shown(line, plain)]
    return PageText(
        text.add_best(shown, round(budget * (1 - _DATA_SHARE)) if data else budget),
        text.add(data, min(budget, text.spent + round(budget * _DATA_SHARE))),
        text.add_best(document.once(lines_beside), budget - text.spent),
    )


class _Text:
    """The chosen lines and their cost in tokens. Each method returns the lines that it adds."""

    def __init__(self, count: Callable[[str], int]) -> None:
        self._count = count
        self._known = set[str]()
        self.spent = 0

    def add(self, lines: Iterable[str], most: int) -> str:
        """Add new lines in order until the next line would make the text longer than `most` tokens."""
        added: list[str] = []
        for line in lines:
            if line not in self._known:
                cost = self._count(line) + 1
                if self.spent + cost > most:
                    break
                self._known.add(line)
                self.spent += cost
                added.append(line)
        return "\n".join(added)

    def add_best(self, lines: Iterable[str], most: int) -> str:
        """Add at most `most` tokens of `lines`. Facts (`_rank`) have priority, but the page's order is kept."""
        ordered = list(dict.fromkeys(lines))
        costs = [self._count(line) + 1 for line in ordered]
        chosen = set(range(len(ordered)))
        if sum(costs) > most:
            chosen, left = set(), most
            for place in sorted(range(len(ordered)), key=lambda place: (_rank(ordered[place]), place)):
                if costs[place] <= left:
                    chosen.add(place)
                    left -= costs[place]
        return self.add((ordered[place] for place in sorted(chosen)), self.spent + most)


def _rank(line: str) -> int:
    """Return 0 for a label with its value, 1 for a short line with a number, 2 for a short line, 3 for prose."""
    label, colon, value = line.partition(": ")
    if len(line) > _FACT_LENGTH:
        return 3
    if colon and value.strip() and len(label) <= _LABEL_LENGTH:
        return 0
    return 1 if any(char.isdigit() for char in line) else 2


def data_lines(document: Document) -> list[str]:
    """Return the data of URL, scripts, `meta` tags, and attributes as `key: value`, known keys first."""
    found = dict.fromkeys(islice(_data(document), _MOST_DATA_LINES))
    return [f"page address: {document.url}", *sorted(found, key=lambda line: not _is_known(line.partition(": ")[0]))]


def _data(document: Document) -> Iterator[str]:
    for element in document.having("content", "datetime"):
        name = element.get("itemprop") or element.get("property") or element.get("name")
        value = element.get("content") or element.get("datetime")
        if name and value and _is_informative(value):
            yield f"{' '.join(name.split())[:_LONGEST_NAME]}: {' '.join(value.split())}"
    for where, value in document.once(jsonld.blocks):
        if where not in document.distrusted:
            yield from _members(value)
    for _, value in blobs(document):
        yield from _members(value)
    for element in document.having("href", "src", "data-src"):
        for name in ("href", "src", "data-src"):
            if place := _PLACE_OF_MAP.search((element.get(name) or "")[:2_000]):
                yield f"map: {place[0].lstrip('?&/@')}"


def _members(value: Any, key: str = "", parent: str = "", *, every: bool = False) -> Iterator[str]:
    """Yield the informative texts and numbers of a JSON value as `key: value`.

    An object with a label and a value gives `label: value`, and an object of an array is one line. Of objects without a
    known key, members are left out unless `every` is true.
    """
    if isinstance(value, dict):
        yield from _members_of_object(value, key, every=every)
    elif isinstance(value, list):
        yield from _members_of_array(value[:_MOST_ITEMS], key, parent, every=every)
    elif value is not None and not isinstance(value, bool) and _is_informative(str(value)):
        yield f"{parent} {key}: {_text_of(value)}".strip()


def _members_of_object(value: dict[str, Any], key: str, *, every: bool) -> Iterator[str]:
    pair = pair_of(value)
    if pair is not None and not is_unit(pair[0]) and (every or meaning(pair[0], None) is not None):
        yield from _members(pair[1], _text_of(pair[0]), every=every)
        value = {name: inner for name, inner in value.items() if name not in (*object_keys.LABEL_KEYS, pair[2])}
    for words, inner in _told(value, every=every):
        yield from _members(inner, words, key, every=every)


def _members_of_array(items: list[Any], key: str, parent: str, *, every: bool) -> Iterator[str]:
    objects = [item for item in items if isinstance(item, dict)]
    pairs = [pair for item in objects if (pair := pair_of(item)) is not None]
    # beside a pair with a known label, the other pairs are facts too
    are_facts = every or (len(pairs) > 1 and any(meaning(pair[0], None) is not None for pair in pairs))
    for item in items:
        pair = pair_of(item) if isinstance(item, dict) else None
        if pair is not None and are_facts and not is_unit(pair[0]):
            yield from _members(pair[1], _text_of(pair[0]))
        elif isinstance(item, dict):
            told = list(_told(item, every=every))
            texts = [f"{words}: {_text_of(inner)}" for words, inner in told if _is_text(inner)]
            yield from _joined_members(texts, key)
            for words, inner in told:
                if isinstance(inner, dict | list):
                    yield from _members(inner, words, key, every=every)
        elif isinstance(item, str | list):  # lone numbers in an array are indexes, or points of a shape
            yield from _members(item, key, parent, every=every)


def _told(value: dict[str, Any], *, every: bool) -> Iterator[tuple[str, Any]]:
    """Yield the words and the value of each member that may say something about the property."""
    names = {name: words_of(str(name)) for name in value}
    tells = every or any(meaning(words) is not None for words in names.values())
    for name, inner in value.items():
        if (tells or isinstance(inner, dict | list)) and not object_keys.is_cut(str(name), names[name]):
            yield names[name], inner


def _is_text(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool) and _is_informative(str(value))


def _joined_members(texts: Sequence[str], key: str) -> Iterator[str]:
    """Join an object's members to lines of at most `_LONGEST_LINE` characters, each below the array's key."""
    line = ""
    for text in texts:
        if line and len(line) + len(text) > _LONGEST_LINE:
            yield line
            line = ""
        line = f"{line} | {text}" if line else f"{key} {text}".strip()
    if line:
        yield line


def _text_of(value: Any) -> str:
    """Return a value as one line, with entities (`Z&#252;rich`) decoded."""
    return " ".join(html.unescape(str(value)).split())


def _is_informative(value: str) -> bool:
    return 0 < len(value.strip()) <= _LONGEST_VALUE and _NO_DATA.search(value.strip()) is None


def _is_shown(line: str, shown: str) -> bool:
    """Return whether the visible text shows all values of a data line. A short value may occur in the visible text by
    chance, so it counts as shown only if its key is unknown.
    """
    for member in line.split(" | "):
        key, _, value = member.partition(": ")
        plain = letters_of(value)
        if _is_known(key) if len(plain) < _SHORTEST_NUMBER else plain not in shown:
            return False
    return True


def _is_known(key: str) -> bool:
    return meaning(key) is not None or meaning(key.rpartition(" ")[2]) is not None
