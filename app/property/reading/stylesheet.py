"""Apply the part of CSS that hides text: declarations, simple selectors, and precedence.

Only `<style>` elements and `style` attributes are read; external style sheets are not fetched. An unsupported selector
matches nothing, so text that it may hide stays visible.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from app.property.reading import selectors
from app.property.reading.selectors import Selector

#: The CSS properties that can hide text, and properties such as `transition` that suggest that hidden text will appear.
PROPERTIES = frozenset({
    "display", "visibility", "content-visibility", "opacity", "color", "background", "background-color", "font-size",
    "font", "text-indent", "position", "left", "right", "top", "bottom", "margin-left", "margin-top", "clip",
    "clip-path", "width", "height", "max-width", "max-height", "overflow", "overflow-x", "overflow-y", "unicode-bidi",
    "transform", "transition", "animation", "animation-name", "will-change", "background-image"
})  # fmt: skip
_COMMENT = re.compile(r"/\*.*?(?:\*/|$)", re.DOTALL)
_BRACE = re.compile(r"[{}]")
_SCREENS = re.compile(r"^@media\s+(?:only\s+)?(?:screen|all)\s*$|^@(?:supports|layer|container)\b", re.IGNORECASE)
#: If a page has at least this many rules, all its elements count as hidden.
_MOST_RULES = 30_000
#: If the relevant rules have more selectors than this, all elements count as hidden. Labeled pages have at most 560.
_MOST_SELECTORS = 30_000
#: After this many tried selectors, all further elements count as hidden. Labeled pages need at most 10,000.
_MOST_MATCHING = 60_000
_MOST_CLASSES = 40

_NAMED = re.compile(r"[.#][\w-]+|(?<![\w.#:\[=\"'-])[A-Za-z][\w-]*")

Declarations = Mapping[str, tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Rule:
    selector: Selector
    declared: Declarations


def declarations(text: str) -> dict[str, tuple[str, bool]]:
    """Return the relevant properties in `text`, each with its value in lower case and whether it is `!important`."""
    found: dict[str, tuple[str, bool]] = {}
    for piece in text[:4_000].split(";"):
        name, colon, value = piece.partition(":")
        name = name.strip().lower()
        if colon and name in PROPERTIES:
            plain = value.strip().lower()
            important = plain.endswith("important") and "!" in plain
            plain = plain.partition("!")[0].strip() if important else plain
            if not (name in found and found[name][1] and not important):
                found[name] = (plain, important)
    return found


_Index = Mapping[str, list[tuple[int, Rule]]]


class Stylesheet:
    """The rules of a page's `<style>` elements. Rules that hide text are compiled first; `learn` compiles others."""

    def __init__(self, texts: list[str], may_hide: Callable[[Declarations], bool]) -> None:
        blocks = (block for text in texts for block in _blocks(_COMMENT.sub("", text)))
        stated = [(s, declarations(body)) for s, body in islice(blocks, _MOST_RULES)]
        flood = len(stated) >= _MOST_RULES or sum(s.count(",") + 1 for s, d in stated if d) > _MOST_SELECTORS
        self._left = 0 if flood else _MOST_MATCHING
        stated = [] if flood else stated
        self._blocks = [(order, s, declared) for order, (s, declared) in enumerate(stated) if declared]
        self._hiding = _indexed(_compiled(block for block in self._blocks if may_hide(block[2])))
        self._known = self._hiding
        self._named_before: dict[str, bool] = {}

    def hidden_by_rule(self, element: Any) -> bool:
        """Return whether a rule that hides text matches `element`, even if another rule overrides it."""
        if self._left <= 0:
            return True
        hiding = self._hiding
        if element.tag not in hiding and "*" not in hiding and not self._named(element):
            return False
        return any(True for _ in self._matching(hiding, element))

    def _named(self, element: Any) -> bool:
        names, own_id = element.get("class"), element.get("id")
        return (own_id is not None and f"#{own_id}" in self._hiding) or (names is not None and self._hides(names))

    def _hides(self, names: str) -> bool:
        if names not in self._named_before:
            found = any(f".{name}" in self._hiding for name in names.split()[:_MOST_CLASSES])
            self._named_before[names] = found
        return self._named_before[names]

    def learn(self, elements: Iterable[Any]) -> None:
        """Compile the rules that may match `elements`. Afterwards, `declared` uses only these rules."""
        keys = {key for element in elements for key in _keys_of(element)}
        wanted = ((o, s, d) for o, whole, d in self._blocks for s in _selectors(whole) if keys & _named_last(s))
        self._known = _indexed(_compiled(wanted))

    def declared(self, element: Any, inline: Declarations) -> tuple[dict[str, str], bool]:
        """Return the declarations of `element` before any user action, and whether a user's action shows `element`."""
        won: dict[str, tuple[tuple[bool, tuple[int, int, int], int], str]] = {}
        opens = False
        if self._left <= 0:
            return {"display": "none"}, False
        for order, rule in self._matching(self._known, element):
            if rule.selector.dynamic:
                opens = opens or rule.declared.get("display", ("none", False))[0] != "none"
                opens = opens or rule.declared.get("visibility", ("", False))[0] == "visible"
                continue
            for name, (value, important) in rule.declared.items():
                rank = (important, rule.selector.weight, order)
                if name not in won or rank >= won[name][0]:
                    won[name] = (rank, value)
        for name, (value, important) in inline.items():
            if name not in won or important or not won[name][0][0]:
                won[name] = ((important, (9, 0, 0), 0), value)
        return {name: value for name, (_, value) in won.items()}, opens

    def _matching(self, index: _Index, element: Any) -> Iterator[tuple[int, Rule]]:
        for key in _keys_of(element):
            found = index.get(key, ())
            self._left -= len(found)
            yield from ((order, rule) for order, rule in found if rule.selector.matches(element))


def _indexed(rules: Iterable[tuple[int, Rule]]) -> _Index:
    found: dict[str, list[tuple[int, Rule]]] = {}
    for order, rule in rules:
        found.setdefault(rule.selector.key, []).append((order, rule))
    return found


def _compiled(blocks: Iterable[tuple[int, str, Declarations]]) -> Iterator[tuple[int, Rule]]:
    for order, whole, declared in blocks:
        for selector in _selectors(whole):
            known = selectors.compiled(selector)
            if known is not None:
                yield order, Rule(known, declared)


def _selectors(whole: str) -> list[str]:
    pieces = re.split(r",(?![^()]*\))", whole) if "(" in whole else whole.split(",")
    return [s for piece in pieces[:100] if (s := piece.strip()) and len(s) <= selectors.MOST_CHARS]


def _named_last(selector: str) -> set[str]:
    return set(_NAMED.findall(re.split(r"[\s>+~]", selector)[-1])) or {"*"}


def _keys_of(element: Any) -> list[str]:
    keys = ["*", element.tag, *(f".{c}" for c in (element.get("class") or "").split()[:_MOST_CLASSES])]
    return [*keys, f"#{element.get('id')}"] if element.get("id") else keys


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yield each rule's selectors and declarations, except rules in at-rules such as `@media print`."""
    start, held = 0, [True]
    opened: str | None = None
    for match in _BRACE.finditer(text):
        piece = text[start : match.start()]
        start = match.end()
        if match.group() == "{":
            head = piece.rpartition(";")[2].strip() if "@" not in piece else piece.strip()
            opened = head
            held.append(held[-1] and (not head.startswith("@") or _SCREENS.match(head) is not None))
            if len(held) > 50:
                return
            continue
        if opened is not None and held[-1] and not opened.startswith("@"):
            yield opened[-2_000:], piece
        opened = None
        if len(held) > 1:
            held.pop()
