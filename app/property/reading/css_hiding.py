"""Decide whether CSS hides an element's text, from the element's own declarations and the color of its background."""

import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from app.property.reading.stylesheet import Declarations, Stylesheet, declarations


class Cover(Enum):
    CLOSED = auto()  # not displayed, but a control may show it
    SPOKEN = auto()  # only for screen readers
    FAINT = auto()  # transparent, but a script may fade it in
    GONE = auto()  # never visible, such as text in its background's color


_LENGTH = re.compile(r"^(-?[\d.]+)\s*(px|pt|em|rem|%|vw|vh|vmin|vmax|ex|ch|cm|mm|in|pc|)$")
_IN_PIXELS = {"": 1, "px": 1, "pt": 1.33, "em": 16, "rem": 16, "%": 10, "vw": 13, "vh": 8, "ex": 8, "ch": 8, "pc": 16}
_FAR, _TINY = 400.0, 3.0


def by_style(declared: Mapping[str, str]) -> Cover | None:
    """Return how an element's own declarations, except colors, hide its text; None if they do not."""
    if (
        declared.get("display") == "none"
        or declared.get("visibility") in ("hidden", "collapse")
        or declared.get("content-visibility") == "hidden"
    ):
        return Cover.CLOSED
    if _is_clipped(declared) or _is_shrunk(declared):
        placed = declared.get("position") in ("absolute", "fixed")
        flat = _pixels(declared.get("height", declared.get("max-height"))) == 0 and "width" not in declared
        return Cover.SPOKEN if placed else Cover.CLOSED if flat and "clip" not in declared else Cover.GONE
    if _is_faint(declared):
        return Cover.FAINT
    unread = _is_tiny(declared) or "override" in declared.get("unicode-bidi", "")  # `bidi-override` reorders text
    return Cover.SPOKEN if _is_away(declared) else Cover.GONE if unread else None


_PUSHED = ("left", "right", "top", "bottom", "text-indent", "margin-left", "margin-top", "transform")
_SIDES = ("height", "max-height", "width", "max-width")


def may_hide(declared: Declarations) -> bool:
    """Return False if the declarations certainly hide no text, alone or together."""
    stated = {name: value for name, (value, _) in declared.items()}
    return (
        by_style(stated) is not None
        or any("-" in stated[name] for name in _PUSHED if name in stated)
        or any((_pixels(stated[name]) or 0) <= 1 for name in _SIDES if stated.get(name, "").startswith(("0", "1")))
        or stated.keys() & {"clip", "clip-path"} != set()
        or may_vanish(stated)
    )


def _is_clipped(declared: Mapping[str, str]) -> bool:
    clip = re.sub(r"[\s,]+|px", " ", declared.get("clip", ""))
    path = declared.get("clip-path", "")
    numbers = [number for text in re.findall(r"[\d.]+", clip) if (number := _number(text)) is not None]
    return (clip.startswith("rect") and bool(numbers) and max(numbers) <= 1) or bool(
        re.match(r"inset\(\s*(?:50|[6-9]\d|100)%|circle\(\s*0", path)
    )


def _is_shrunk(declared: Mapping[str, str]) -> bool:
    cut = any(declared.get(name, "") in ("hidden", "clip") for name in ("overflow", "overflow-x", "overflow-y"))
    sides = (_pixels(declared.get(name)) for name in ("height", "max-height", "width", "max-width"))
    return cut and any(side is not None and side <= 1 for side in sides)


def _is_away(declared: Mapping[str, str]) -> bool:
    moved = [_pixels(declared.get(n)) for n in ("text-indent", "margin-left", "margin-top")]
    if declared.get("position") in ("absolute", "fixed", "relative"):
        moved += [_pixels(declared.get(n)) for n in ("left", "top", "right", "bottom")]
    for amount in re.findall(r"translate\w*\(([^)]*)\)", declared.get("transform", "")):
        moved += [_pixels(side.strip()) for side in amount.split(",")]
    return any(by is not None and by <= -_FAR for by in moved)


def _is_faint(declared: Mapping[str, str]) -> bool:
    """Animated elements do not count: they may fade in."""
    opacity = _number(declared.get("opacity", "1").rstrip("%"))
    fades = {"transition", "animation", "animation-name", "will-change", "transform"} & declared.keys()
    return (opacity is not None and opacity <= 0.05 and not fades) or bool(
        re.search(r"scale\w*\(\s*0(?:\.0\d*)?\s*[,)]", declared.get("transform", "")) and not fades - {"transform"}
    )


def _is_tiny(declared: Mapping[str, str]) -> bool:
    size = declared.get("font-size")
    if size is None and (match := re.search(r"(?:^|\s)([\d.]+(?:px|pt|em|rem))", declared.get("font", ""))):
        size = match[1]
    pixels = _pixels(size)
    return pixels is not None and pixels <= _TINY


def _pixels(text: str | None) -> float | None:
    """Return a CSS length in pixels, approximate for relative units; None if the text is not a length."""
    match = _LENGTH.match((text or "").strip())
    value = _number(match[1]) if match else None
    return None if match is None or value is None else value * _IN_PIXELS.get(match[2], 37)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


_NAMED_COLORS = {"white": (255, 255, 255), "black": (0, 0, 0), "snow": (255, 250, 250), "ivory": (255, 255, 240)}
_WHITE = (255, 255, 255)
_DEEPEST = 300
#: Two colors look alike if red, green, and blue each differ by at most this.
_ALIKE = 12


def may_vanish(declared: Mapping[str, str]) -> bool:
    """Return whether the declared color is nearly white, may be transparent, or is declared together with a
    background.
    """
    color = declared.get("color")
    if color is None:
        return False
    front = _rgb(color)
    painted = "background" in declared or "background-color" in declared
    return painted or color.startswith(("transparent", "rgba", "hsla")) or (front is not None and min(front) >= 240)


class Backgrounds:
    """Detects text in the color of its background. Text on an unknown background (like a picture) counts as visible."""

    def __init__(self, sheet: Stylesheet, root: Any) -> None:
        self._sheet = sheet
        self._foreign = any("stylesheet" in (link.get("rel") or "").lower() for link in root.iter("link"))

    def swallow(self, element: Any, declared: Mapping[str, str]) -> bool:
        color = declared.get("color")
        if color is None:
            return False
        if color == "transparent" or re.match(r"(?:rgb|hsl)a\(.*[,/]\s*0(?:\.0\d*)?\s*\)$", color):
            return "background-image" not in declared and "gradient" not in declared.get("background", "")
        front = _rgb(color)
        if front is None:
            return False
        behind = self._behind(element, declared)
        return behind is not None and all(abs(a - b) <= _ALIKE for a, b in zip(front, behind, strict=True))

    def _behind(self, element: Any, declared: Mapping[str, str]) -> tuple[int, int, int] | None:
        at, style = element, declared
        for _ in range(_DEEPEST):
            stated = style.get("background-color") or style.get("background")
            if "url(" in (stated or "") or "gradient" in (stated or "") or "background-image" in style:
                return None
            painted = _rgb((stated or "").split(" ")[0] if stated and "(" not in stated else stated or "")
            if painted is not None:
                return painted
            bare = not (at.get("class") or at.get("id")) or not self._foreign
            at = at.getparent()
            if not bare:
                return None
            if at is None or not isinstance(at.tag, str):
                return _WHITE
            style = self._sheet.declared(at, declarations(at.get("style") or ""))[0]
            if at.get("bgcolor"):
                return _rgb(at.get("bgcolor").lower())
        return None


def _rgb(text: str) -> tuple[int, int, int] | None:
    text = text.strip()
    if text in _NAMED_COLORS:
        return _NAMED_COLORS[text]
    if match := re.match(r"^#([0-9a-f]{3,8})$", text):
        digits = match[1]
        whole = "".join(d * 2 for d in digits[:3]) if len(digits) in (3, 4) else digits[:6]
        return (int(whole[:2], 16), int(whole[2:4], 16), int(whole[4:6], 16)) if len(whole) == 6 else None
    if match := re.match(r"^rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})", text):
        return (int(match[1]), int(match[2]), int(match[3]))
    return None
