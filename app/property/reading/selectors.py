"""Compile and match simple CSS selectors: tags, classes, ids, attributes, `:not()`, descendants, and children."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

_SPLIT = re.compile(r"\s*([>+~\s])\s*")
#: The group `act` matches a user's action, such as `:hover`. A selector with such an action applies only during the
#: action.
_COMPOUND = re.compile(
    r"(?P<tag>[A-Za-z][\w-]*|\*)|#(?P<id>[\w-]+)|\.(?P<name>(?:[\w-]|\\.)+)"
    r"|\[\s*(?P<attr>[\w-]+)\s*(?:=\s*[\"']?(?P<value>[^\"'\]]*)[\"']?\s*)?\]|:not\((?P<never>[\w.#\[\]=\"'-]+)\)"
    r"|:(?P<act>hover|focus|focus-within|focus-visible|active|checked|target|open)(?![\w-])"
)
MOST_CHARS = 300
_MOST_PARTS, _MOST_STEPS = 6, 60


@dataclass(slots=True)
class Part:
    """A compound selector. `reach` is its combinator with the previous part: " ", ">", or "" for the first."""

    reach: str
    tag: str | None = None
    id: str | None = None
    names: set[str] = field(default_factory=set)
    tests: list[tuple[str, str | None]] = field(default_factory=list)
    never: list[Part] = field(default_factory=list)
    dynamic: bool = False

    def fits(self, element: Any) -> bool:
        if not isinstance(element.tag, str) or (self.tag not in (None, "*", element.tag)):
            return False
        if (self.id and element.get("id") != self.id) or any(inner.fits(element) for inner in self.never):
            return False
        if self.names and not self.names <= set((element.get("class") or "").split()):
            return False
        return all(element.get(name) is not None and wanted in (None, element.get(name)) for name, wanted in self.tests)

    @property
    def weight(self) -> tuple[int, int, int]:
        """Return the CSS specificity."""
        own = (int(self.id is not None), len(self.names) + len(self.tests), int(self.tag not in (None, "*")))
        return _sum([own, *(inner.weight for inner in self.never)])


@dataclass(frozen=True, slots=True)
class Selector:
    """A `dynamic` selector applies only while a user points at, opens, or checks something."""

    parts: tuple[Part, ...]
    weight: tuple[int, int, int]
    dynamic: bool

    @property
    def key(self) -> str:
        """Return the id, class, or tag that a matching element must have: `#id`, `.class`, `tag`, or `*`."""
        last = self.parts[-1]
        return f"#{last.id}" if last.id else f".{min(last.names)}" if last.names else last.tag or "*"

    def matches(self, element: Any) -> bool:
        """Return whether the selector matches `element`. For each part, at most 60 ancestors are tried."""
        if not self.parts[-1].fits(element):
            return False
        at = element
        for i in range(len(self.parts) - 2, -1, -1):
            at = _above(self.parts[i], at, direct=self.parts[i + 1].reach == ">")
            if at is None:
                return False
        return True


def compiled(text: str) -> Selector | None:
    """Compile `text`; return None if it is empty, too long, or contains anything this module does not support."""
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
            parts.clear()  # `:checked ~ .panel` opens the panel, so only the panel is matched
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
        if match is None:
            return None
        at = match.end()
        part.tag, part.id = (match["tag"] and match["tag"].lower()) or part.tag, match["id"] or part.id
        part.dynamic = part.dynamic or match["act"] is not None
        if match["name"]:
            part.names.add(match["name"].replace("\\", ""))
        if match["attr"]:
            part.tests.append((match["attr"].lower(), match["value"]))
        if match["never"]:
            inner = _part(match["never"], "")
            if inner is None:
                return None
            part.never.append(inner)
    return part if part.tag or part.id or part.names or part.tests or part.never else None


def _above(part: Part, element: Any, *, direct: bool) -> Any:
    at = element.getparent()
    for _ in range(1 if direct else _MOST_STEPS):
        if at is None or part.fits(at):
            return at
        at = at.getparent()
    return None
