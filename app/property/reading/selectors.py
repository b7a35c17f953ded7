"""Simple CSS selectors, compiled and matched: tags, classes, ids, attributes, `:not()`, descendants and children.

A selector with anything else in it compiles to None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

_SPLIT = re.compile(r"\s*([>+~\s])\s*")
_COMPOUND = re.compile(
    r"(?P<tag>[A-Za-z][\w-]*|\*)|#(?P<id>[\w-]+)|\.(?P<cls>(?:[\w-]|\\.)+)"
    r"|\[\s*(?P<attr>[\w-]+)\s*(?:(?P<op>[~|^$*]?=)\s*[\"']?(?P<val>[^\"'\]]*)[\"']?\s*)?\]"
    r"|::?(?P<pseudo>[\w-]+)(?:\((?P<arg>[^()]*)\))?"
)
#: what a person does to a page; a rule with one of these shows what a control opens
_DYNAMIC = frozenset({"hover", "focus", "focus-within", "focus-visible", "active", "checked", "target", "open"})
_ARGUMENT = re.compile(r"[\w.#\[\]=\"'-]+")
#: longer ones are generated and name nothing that a page hides
MOST_CHARS = 300
_MOST_PARTS, _MOST_STEPS = 6, 60


@dataclass(slots=True)
class Part:
    """One compound selector, and how the one before it is reached: " ", ">", or "" for the first."""

    reach: str
    tag: str | None = None
    id: str | None = None
    names: set[str] = field(default_factory=set)
    tests: list[tuple[str, str, str]] = field(default_factory=list)
    never: list[Part] = field(default_factory=list)
    dynamic: bool = False

    def fits(self, element: Any) -> bool:
        """True where `element` alone is what this part asks for."""
        if not isinstance(element.tag, str) or (self.tag and element.tag != self.tag):
            return False
        if self.id and element.get("id") != self.id:
            return False
        if self.names and not self.names <= set((element.get("class") or "").split()):
            return False
        if any(not _holds(element.get(name), op, wanted) for name, op, wanted in self.tests):
            return False
        return not any(inner.fits(element) for inner in self.never)

    @property
    def weight(self) -> tuple[int, int, int]:
        """Specificity, as CSS counts it."""
        own = (int(self.id is not None), len(self.names) + len(self.tests), int(self.tag is not None))
        return _sum([own, *(inner.weight for inner in self.never)])


@dataclass(frozen=True, slots=True)
class Selector:
    """`dynamic`: it holds while a person points at, opens or checks something."""

    parts: tuple[Part, ...]
    weight: tuple[int, int, int]
    dynamic: bool

    @property
    def key(self) -> str:
        """`#id`, `.class`, tag or `*`: what an element has that this selector can match."""
        last = self.parts[-1]
        return f"#{last.id}" if last.id else f".{min(last.names)}" if last.names else last.tag or "*"

    def matches(self, element: Any) -> bool:
        """True where `element` is named; ancestors are looked for 60 levels up."""
        if not self.parts[-1].fits(element):
            return False
        at = element
        for i in range(len(self.parts) - 2, -1, -1):
            at = _above(self.parts[i], at, direct=self.parts[i + 1].reach == ">")
            if at is None:
                return False
        return True


def compiled(text: str) -> Selector | None:
    """The selector that `text` is, or None where it holds something else than this module knows."""
    if not text or len(text) > MOST_CHARS:
        return None
    pieces = _SPLIT.split(text)
    parts: list[Part] = []
    dynamic = False
    for i in range(0, len(pieces), 2):
        reach = pieces[i - 1] if i else ""
        beside = reach in ("+", "~")
        part = _part(pieces[i], " " if beside else reach.strip() or (" " if i else ""))
        if part is None or (beside and not dynamic):
            return None
        if beside:
            parts.clear()  # `:checked ~ .panel` opens the panel: only the panel is looked for
        dynamic = dynamic or part.dynamic
        parts.append(part)
    if not parts or len(parts) > _MOST_PARTS:
        return None
    return Selector(tuple(parts), _sum([part.weight for part in parts]), dynamic)


def _sum(weights: list[tuple[int, int, int]]) -> tuple[int, int, int]:
    return (sum(w[0] for w in weights), sum(w[1] for w in weights), sum(w[2] for w in weights))


def _part(text: str, reach: str) -> Part | None:
    part, at = Part(reach), 0
    while at < len(text):
        match = _COMPOUND.match(text, at)
        if match is None or not _take(match, part):
            return None
        at = match.end()
    empty = not (part.tag or part.id or part.names or part.tests or part.never)
    return None if empty and text != "*" else part


def _take(match: re.Match[str], part: Part) -> bool:
    """Adds one simple selector to `part`; False for one that is not known."""
    if match["tag"]:
        part.tag = match["tag"].lower() if match["tag"] != "*" else None
    elif match["id"]:
        part.id = match["id"]
    elif match["cls"]:
        part.names.add(match["cls"].replace("\\", ""))
    elif match["attr"]:
        part.tests.append((match["attr"].lower(), match["op"] or "", match["val"] or ""))
    elif match["pseudo"] in _DYNAMIC:
        part.dynamic = True
    else:
        return _take_function(match["pseudo"], match["arg"] or "", part)
    return True


def _take_function(name: str, argument: str, part: Part) -> bool:
    inner = _part(argument, "") if name in ("not", "is", "where") and _ARGUMENT.fullmatch(argument) else None
    if inner is None:
        return False
    if name == "not":
        part.never.append(inner)
        return True
    part.names |= inner.names
    part.tests += inner.tests
    part.tag, part.id = inner.tag or part.tag, inner.id or part.id
    return True


def _above(part: Part, element: Any, *, direct: bool) -> Any:
    at = element.getparent()
    for _ in range(1 if direct else _MOST_STEPS):
        if at is None or part.fits(at):
            return at
        at = at.getparent()
    return None


def _holds(value: str | None, op: str, wanted: str) -> bool:
    if value is None or not op:
        return value is not None
    return {
        "=": value == wanted,
        "~=": wanted in value.split(),
        "|=": value == wanted or value.startswith(f"{wanted}-"),
        "^=": bool(wanted) and value.startswith(wanted),
        "$=": bool(wanted) and value.endswith(wanted),
        "*=": bool(wanted) and wanted in value,
    }[op]
