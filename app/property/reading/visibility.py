"""Decide which text of a page a visitor can see.

`unseen` returns the elements with hidden text, and `blank` removes this text before a page is read. Text counts as
visible if a control on the page opens it (tabs, accordions, "read more"). Text hidden only by a script or an external
style sheet also counts as visible, unless its class name is one such as `hidden`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from app.property.reading.controls import openers
from app.property.reading.css_hiding import Backgrounds, Cover, by_style, may_hide
from app.property.reading.stylesheet import Stylesheet, declarations
from app.property.reading.terms import meaning
from app.property.values import vocabulary

#: Elements whose text a browser with scripts does not show, or shows in another order (`bdo`).
_NEVER = frozenset(
    {"template", "noscript", "noframes", "noembed", "datalist", "bdo", "object", "audio", "video", "canvas"}
)
#: Class names that common external style sheets use to hide elements.
_CLOSED_NAMES = frozenset(
    {"hidden", "d-none", "is-hidden", "hide", "display-none", "invisible", "uk-hidden", "u-hidden"}
)
_SPOKEN_NAMES = frozenset(
    {"sr-only", "visually-hidden", "visuallyhidden", "screen-reader-text", "screen-reader-only", "u-visually-hidden"}
)
#: Maximum characters in a label.
_NAME_CHARS = 40
_HIDING_NAMES = _CLOSED_NAMES | _SPOKEN_NAMES
_WIDER = re.compile(
    r"^(?:[a-z0-9]+:(?:block|flex|grid|inline\S*|table\S*|contents|visible)|d-(?:sm|md|lg|xl|xxl)-(?!none).+)$"
)
#: Maximum number of ancestors examined per element, and of closed elements checked for a control that opens them.
_MOST_DEPTH, _MOST_CLOSED = 300, 3_000


def unseen(root: Any) -> dict[Any, Cover]:
    """Return the outermost hidden elements below `root`, and how each is hidden."""
    body = root.find("body")
    body = root if body is None else body
    styles = (s for s in root.iter("style") if (s.get("media") or "all").strip().lower() in ("all", "screen"))
    sheet = Stylesheet([style.text or "" for style in styles], may_hide)
    hiding: dict[str, bool] = {}
    suspects = [e for e in body.iter() if e is not body and _is_suspect(e, sheet, hiding)]
    covers: dict[Any, Cover] = {}
    if suspects:
        sheet.learn(_with_ancestors(suspects))
        judge = _Judge(sheet, Backgrounds(sheet, root), covers, {})
        judge.cover(suspects)
        _leave_open(covers, body, judge)
        _leave_shell(covers, body)
    return covers


def blank(root: Any) -> None:
    """Remove the text in hidden elements.

    The elements stay, so that XPaths remain valid. Scripts keep their text, and so do known labels that only screen
    readers read.
    """
    for element, cover in unseen(root).items():
        if cover is Cover.SPOKEN and _is_name(element):
            continue
        inert = element.tag in _NEVER
        for inner in element.iter():
            if inert or inner.tag != "script":
                inner.text = None
            if inner is not element:
                inner.tail = None


def _is_name(element: Any) -> bool:
    text = " ".join(" ".join(islice(element.itertext(), 10)).split())
    if not text or len(text) > _NAME_CHARS or any(c.isdigit() for c in text):
        return False
    known = meaning(text.rstrip(":"), None) is not None or element.tag in ("caption", "th", "legend")
    return known and vocabulary.standard_status(text) is None and vocabulary.offer(text) is None


def _is_suspect(element: Any, sheet: Stylesheet, hiding: dict[str, bool]) -> bool:
    if not isinstance(element.tag, str):
        return False
    style, names = element.get("style"), element.get("class")
    return (
        element.tag in _NEVER
        or element.tag == "dialog"
        or element.get("hidden") is not None
        or (names is not None and not _HIDING_NAMES.isdisjoint(names.split()))
        or (style is not None and _may_hide(style, hiding))
        or sheet.hidden_by_rule(element)
    )


def _may_hide(style: str, known: dict[str, bool]) -> bool:
    if style not in known:
        known[style] = may_hide(declarations(style))
    return known[style]


def _with_ancestors(elements: Iterable[Any]) -> set[Any]:
    found: set[Any] = set()
    for element in elements:
        at = element
        while at is not None and at not in found:
            found.add(at)
            at = at.getparent()
    return found


@dataclass(frozen=True, slots=True)
class _Judge:
    """Decides which elements are hidden. `held` maps each hidden element to the suspects inside it."""

    sheet: Stylesheet
    backgrounds: Backgrounds
    covers: dict[Any, Cover]
    held: dict[Any, list[Any]]

    def cover(self, suspects: Iterable[Any]) -> list[Any]:
        """Add the hidden elements among `suspects` (in page order) to `covers`, and return the added ones."""
        added: list[Any] = []
        for element in suspects:
            above = next((a for a in islice(element.iterancestors(), _MOST_DEPTH) if a in self.covers), None)
            if above is not None:
                self.held.setdefault(above, []).append(element)
                continue
            cover = Cover.GONE if element.tag in _NEVER else _cover(element, self.sheet, self.backgrounds)
            if cover is not None:
                self.covers[element] = cover
                added.append(element)
        return added


def _cover(element: Any, sheet: Stylesheet, backgrounds: Backgrounds) -> Cover | None:
    """Return how `element` is hidden when the page opens, or None if it is visible or the user's action shows it."""
    declared, opens = sheet.declared(element, declarations(element.get("style") or ""))
    names = (element.get("class") or "").split()
    styled = by_style(declared)
    if styled is not None:
        return None if opens and styled is Cover.CLOSED else styled
    laid_out = "display" in declared
    hidden = element.get("hidden", "until-found") != "until-found"
    shut = element.tag == "dialog" and element.get("open") is None
    closed = not _CLOSED_NAMES.isdisjoint(names) and not any(_WIDER.match(n) for n in names)
    if (hidden or shut or closed) and not laid_out:
        return None if opens else Cover.CLOSED
    if not _SPOKEN_NAMES.isdisjoint(names) and not {"clip", "position"} & declared.keys():
        return Cover.SPOKEN
    return Cover.GONE if backgrounds.swallow(element, declared) else None


# --- hidden elements that a control or script shows ------------------------------------------------------------------


def _leave_open(covers: dict[Any, Cover], body: Any, judge: _Judge) -> None:
    if Cover.CLOSED not in covers.values():
        return
    opens = openers(body, covers)
    fresh = list(covers)
    while closed := [element for element in fresh[:_MOST_CLOSED] if covers[element] is Cover.CLOSED]:
        opened = [e for e in closed if opens(e)]  # test all elements before changing `covers`, which `opens` uses
        for element in opened:
            del covers[element]
        fresh = [added for element in opened for added in judge.cover(judge.held.pop(element, []))]


# --- pages whose content a script shows -------------------------------------------------------------------------------

#: Maximum number of visible characters on a page whose content a script is assumed to show.
_SHELL_CHARS = 300


def _leave_shell(covers: dict[Any, Cover], body: Any) -> None:
    """Treat hidden elements as visible if the page's script probably shows them.

    If all main headings (`<h1>`) are transparent, this applies to all transparent elements. If the page is nearly
    empty, it also applies to large closed elements.
    """
    headings = list(islice(body.iter("h1"), 20))
    kinds = {_cover_of(heading, covers) for heading in headings}
    if kinds == {Cover.FAINT}:
        for element in [e for e, cover in covers.items() if cover is Cover.FAINT]:
            del covers[element]
    if len(covers) > 20 or _shows_more_than(_SHELL_CHARS, body, covers):
        return
    for element in [e for e, cover in covers.items() if cover is Cover.CLOSED]:
        if sum(1 for _ in islice(element.iterancestors(), 8)) <= 5 and _shows_more_than(_SHELL_CHARS, element, {}):
            del covers[element]


def _cover_of(element: Any, covers: Mapping[Any, Cover]) -> Cover | None:
    above = (element, *islice(element.iterancestors(), _MOST_DEPTH))
    return next((covers[a] for a in above if a in covers), None)


def _shows_more_than(most: int, top: Any, covers: Mapping[Any, Cover]) -> bool:
    shown, stack = 0, [top]
    while stack and shown <= most:
        element = stack.pop()
        if element in covers or element.tag in ("script", "style") or not isinstance(element.tag, str):
            continue
        shown += len((element.text or "").strip())
        for child in element:
            shown += len((child.tail or "").strip())
            stack.append(child)
    return shown > most
