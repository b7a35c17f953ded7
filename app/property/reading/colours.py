"""Does text have the colour of what is behind it? CSS colours as far as pages use them, and the nearest background."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.property.reading.stylesheet import Stylesheet, declarations

_NAMED_COLOURS = {"white": (255, 255, 255), "black": (0, 0, 0), "snow": (255, 250, 250), "ivory": (255, 255, 240)}
_WHITE = (255, 255, 255)
#: no page nests deeper
_DEEPEST = 300
#: the largest difference of any of red, green and blue that nobody sees
_ALIKE = 12


def may_vanish(declared: Mapping[str, str]) -> bool:
    """Text that is nearly white or transparent, or whose rule paints what is behind it as well."""
    colour = declared.get("color")
    if colour is None:
        return False
    front = _rgb(colour)
    painted = "background" in declared or "background-color" in declared
    return painted or colour.startswith(("transparent", "rgba", "hsla")) or (front is not None and min(front) >= 240)


class Backgrounds:
    """Whether text has the colour of what is behind it; not known, and so not said, where a style sheet of another
    address or a picture may be behind it.
    """

    def __init__(self, sheet: Stylesheet, root: Any) -> None:
        self._sheet = sheet
        self._foreign = any("stylesheet" in (link.get("rel") or "").lower() for link in root.iter("link"))

    def swallow(self, element: Any, declared: Mapping[str, str]) -> bool:
        colour = declared.get("color")
        if colour is None:
            return False
        if colour == "transparent" or re.match(r"(?:rgb|hsl)a\(.*[,/]\s*0(?:\.0\d*)?\s*\)$", colour):
            return "background-image" not in declared and "gradient" not in declared.get("background", "")
        front = _rgb(colour)
        if front is None:
            return False
        behind = self._behind(element, declared)
        return behind is not None and all(abs(a - b) <= _ALIKE for a, b in zip(front, behind, strict=True))

    def _behind(self, element: Any, declared: Mapping[str, str]) -> tuple[int, int, int] | None:
        at, said = element, declared
        for _ in range(_DEEPEST):
            told = said.get("background-color") or said.get("background")
            if "url(" in (told or "") or "gradient" in (told or "") or "background-image" in said:
                return None
            painted = _rgb((told or "").split(" ")[0] if told and "(" not in told else told or "")
            if painted is not None:
                return painted
            bare = not (at.get("class") or at.get("id")) or not self._foreign
            at = at.getparent()
            if not bare:
                return None
            if at is None or not isinstance(at.tag, str):
                return _WHITE
            said = self._sheet.declared(at, declarations(at.get("style") or ""))[0]
            if at.get("bgcolor"):
                return _rgb(at.get("bgcolor").lower())
        return None


def _rgb(text: str) -> tuple[int, int, int] | None:
    text = text.strip()
    if text in _NAMED_COLOURS:
        return _NAMED_COLOURS[text]
    if match := re.match(r"^#([0-9a-f]{3,8})$", text):
        digits = match[1]
        whole = "".join(d * 2 for d in digits[:3]) if len(digits) in (3, 4) else digits[:6]
        return (int(whole[:2], 16), int(whole[2:4], 16), int(whole[4:6], 16)) if len(whole) == 6 else None
    if match := re.match(r"^rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})", text):
        return (int(match[1]), int(match[2]), int(match[3]))
    return None
