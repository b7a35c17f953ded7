"""Find controls that open hidden content: tabs, accordions, "read more". Only visible controls count."""

import re
from collections.abc import Callable, Container, Iterator
from itertools import islice
from typing import Any

from app.property.fields.phrases import pattern

_WORDS = pattern("pages", "controls")
#: Attributes with the id of the panel that a control opens. Each entry has a tag (None for any), an attribute, and the
#: beginning of its value.
_NAMES_ITS_PANEL = (
    (None, "aria-controls", ""),
    (None, "data-target", ""),
    (None, "data-bs-target", ""),
    ("label", "for", ""),
    ("a", "href", "#"),
)
#: Attributes that may call a function with the panel's id: `onclick="toggle('facts')"`.
_CALLS = ((None, "onclick", ""), ("a", "href", "javascript:"))
_ATTRIBUTES = frozenset({"href", "onclick", "aria-controls", "data-target", "data-bs-target", "for"})
_QUOTED = re.compile(r"""["']#?([\w:.-]{2,100})["']""")
_MOST_CALL_CHARS = 1_000
#: At most this many ancestors of a control, and siblings of a hidden element, are examined.
_DEEPEST, _MOST_BESIDE = 300, 30


def openers(body: Any, covers: Container[Any]) -> Callable[[Any], bool]:
    """Return a function that tests whether a visible control names an element's id or is next to the element. `covers`
    contains the outermost hidden elements.
    """
    named: dict[str, list[Any]] = {}
    controls = [e for e in body.iterdescendants() if not _ATTRIBUTES.isdisjoint(e.keys())]
    for tag, attribute, begins in _CALLS:
        for control in (c for c in controls if _has(c, tag, attribute, begins)):
            for name in _QUOTED.findall(control.get(attribute)[:_MOST_CALL_CHARS]):
                named.setdefault(name, []).append(control)
    for tag, attribute, begins in _NAMES_ITS_PANEL:
        for control in (c for c in controls if _has(c, tag, attribute, begins)):
            for name in control.get(attribute).split()[:5]:
                named.setdefault(name.lstrip("#"), []).append(control)

    def opens(element: Any) -> bool:
        controls = named.get(element.get("id") or "", [])[:8]
        beside = [c for c in _beside(element, covers) if _is_control(c)]
        return any(_is_shown(control, element, covers) for control in (*controls, *beside))

    return opens


def _has(control: Any, tag: str | None, attribute: str, begins: str) -> bool:
    value = control.get(attribute)
    return value is not None and value.startswith(begins) and tag in (None, control.tag)


def _beside(element: Any, covers: Container[Any]) -> Iterator[Any]:
    for others in (element.itersiblings(preceding=True), element.itersiblings()):
        shown = next((o for o in islice(others, _MOST_BESIDE) if isinstance(o.tag, str) and o not in covers), None)
        if shown is not None:
            yield from (shown, *islice(shown.iter("a", "button"), 2))


def _is_shown(control: Any, panel: Any, covers: Container[Any]) -> bool:
    return not any(a in covers or a is panel for a in (control, *islice(control.iterancestors(), _DEEPEST)))


def _is_control(element: Any) -> bool:
    if not isinstance(element.tag, str):
        return False
    acts = element.tag == "button" or element.get("aria-expanded") or element.get("onclick")
    is_link = element.tag == "a" and (element.get("href") or "#").strip().lower().startswith(("#", "javascript"))
    if not (acts or is_link or element.get("role") in ("button", "tab")):
        return False
    text = " ".join(islice(element.itertext(), 20)).strip()
    return element.get("aria-expanded") is not None or (len(text) <= 60 and _WORDS.search(text) is not None)
