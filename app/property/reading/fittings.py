"""What single sentences say of a home's fittings: the kind of its roof and siding, heating, cooling, garage.

Only words of the trade: `architectural shingle roof`, `central air`. Pure: text in, (field, raw value, confidence) out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ROOF = re.compile(
    r"\b(?P<kind>(?:(?:architectural|dimensional|composition|comp|asphalt|fiberglass|standing[ -]seam|clay|concrete|"
    r"cedar|wood|metal|slate|tile)[ -]){1,3}(?:(?:shingles?|shakes?|tiles?|metal)[ -])?)roof\b"
    r"(?![ -](?:accents?|beams?|deck|rack|truss\w*|over|on the|garage|barn|shed|carport|patio|porch|line|vents?))",
    re.IGNORECASE,
)
_SIDING = re.compile(
    r"\b(?:(?:vinyl|cedar|shake|shingle|wood|log|lap|fib(?:er|re)[ -]cement|cement|board|hardie|hardie? ?plank|"
    r"hardie? ?board|alumini?um|steel|metal|masonite|hardboard|composite|clapboard|board[ -]and[ -]batten)[ -]){1,3}"
    r"siding\b",
    re.IGNORECASE,
)
#: `vinyl sided ranch`, `brick bungalow`: a house that is named by its walls
_STYLE = r"(?:ranch|rambler|bungalow|colonial|cape cod|tudor|split[ -]level)(?! style)"
_WALLED = re.compile(
    r"\b(?P<kind>(?:all[ -]|full[ -]|solid )?(?:brick|vinyl|stucco|cedar|stone|aluminum|log))[ -]"
    rf"(?:{_STYLE}|sided[ -](?:{_STYLE}|home|house))\b",
    re.IGNORECASE,
)
_COOLING = re.compile(
    r"\bcentral (?:air(?:[ -]conditioning)?|a/?c)\b|\b(?:ductless )?mini[ -]?splits?\b",
    re.IGNORECASE,
)
_HEATING = re.compile(
    r"\b(?:(?:natural )?gas|electric|oil|propane)[ -]forced[ -]air(?: heat(?:ing)?)?\b|\bforced[ -]air heat(?:ing)?\b|"
    r"\bcentral heat(?:ing)?\b|\b(?:gas|oil|electric) furnace\b",
    re.IGNORECASE,
)
_HEATS = re.compile(r"\bheat(?:s|ing)?\b", re.IGNORECASE)
_SPLIT = re.compile(r"\b(?:ductless )?mini[ -]?splits?\b", re.IGNORECASE)
_GARAGE = re.compile(
    r"\b(?:one|two|three|four|[1-6])[ -]car (?:(?:attached|detached|tandem|side[ -]load(?:ing)?|heated|insulated|"
    r"finished|over-?sized|built-in)[ ,]+)*garage\b",
    re.IGNORECASE,
)
#: words before what is not the house's, or not there
_NOT = re.compile(
    r"\b(?:no|not|without|needs?|never|add|adding|could|possible|potential|room for|future|planned|option\w*|plumbed|"
    r"carport|shop|barn|shed|garage|porch|patio|pool|pergola|ramada|workshop|cabin|studio|guest\w*|casita|adu|sunroom|"
    r"addition|basement|attic|clubhouse|neighbou?r\w*)\b[^.;]{0,30}$",
    re.IGNORECASE,
)
#: `Central Air: No`, `CENTRAL AIR.... No`
_ANSWER = re.compile(
    r"\s?\.{2}|\s?[.:]\W{0,40}(?:yes|no|none|n/a|[yn])\b|\W{1,40}(?:yes|no|none|n/a|[yn])$", re.IGNORECASE
)


def fittings(text: str) -> Iterator[tuple[str, object, float]]:
    """(field, raw value, confidence) of what a sentence says of them."""
    if roof := _told(_ROOF, text):
        yield "Roof", roof["kind"].strip(" -"), 0.45
    if siding := _told(_SIDING, text):
        yield "ConstructionMaterials", siding.group(), 0.45
    elif walled := _told(_WALLED, text):
        yield "ConstructionMaterials", walled["kind"], 0.42
    if cooling := _told(_COOLING, text):
        yield "Cooling", cooling.group(), 0.45
    heating = _told(_HEATING, text)
    if heating is None and _HEATS.search(text):
        heating = _told(_SPLIT, text)
    if heating:
        yield "Heating", heating.group(), 0.45
    if garage := _told(_GARAGE, text):
        yield "ParkingTotal", garage.group(), 0.45


def _told(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The one place where a sentence says it; None for several, which are not all the house's, and for a label."""
    found = list(pattern.finditer(text))
    if len(found) != 1 or _NOT.search(text[: found[0].start()]) or _ANSWER.match(text[found[0].end() :]):
        return None
    return found[0]
