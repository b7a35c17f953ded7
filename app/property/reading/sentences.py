"""What single sentences say of a home: its roof's year, a gate, solar power, an association and its fee, taxes,
storeys, acres. Pure: text in, (field, raw value, confidence) out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.property.reading.other_subjects import is_of_other

DOLLARS = r"\$\s?\d[\d,]*(?:\.\d+)?\s?(?:[kKmM]\b)?"
_ROOF_YEAR = r"(?P<year>(?:19[6-9]|20[0-4])\d)\b"
_ROOFS = (
    re.compile(
        r"\b(?:re-?)?roof(?:ing|ed)?(?:[- ]over)?(?: shingles?)?(?:\s*[:,(–-]\s*|\s+)(?:(?:was|is|"
        r"has been|just|only|completely|fully|"
        r"new|newer|replaced|installed|updated|redone|done|went|put|on|in|from|circa|approx\.?|about|summer|spring|"
        rf"fall|may|june|july)\s+){{0,5}}\(?{_ROOF_YEAR}",
        re.I,
    ),
    re.compile(
        r"\b(?:new(?:er)?|replaced|updated|"
        rf"brand new)\s+(?:[a-z-]+\s+){{0,3}}roof(?:ing)?(?: shingles)?(?:\s+installed|"
        rf"\s+put on)?\s*[,(–-]?\s*(?:in\s+|from\s+)?{_ROOF_YEAR}",
        re.I,
    ),
    re.compile(rf"\b{_ROOF_YEAR}(?: -)? (?:new )?(?:[a-z-]+ )?roof\b", re.I),
)
_GATED = re.compile(
    r"(?<!non-)(?<!non )(?<!not )(?<!un)\b(?:gated (?:community|entrance|entry|subdivision|access|"
    r"neighbou?rhood|estates?|driveway|"
    r"enclave|section|parking)|guard(?:ed)?[- ]?gated?|guard at (?:the )?gate|manned gate|"
    r"electric gate|(?:private|security|entry|iron) gates?|"
    r"gate code|code at (?:the )?(?:main )?(?:gate|entrance)|gate access|behind (?:the )?gates)\b",
    re.I,
)
_SOLAR = re.compile(
    r"\b(?:(?:owned|leased|paid[- ]off|roof[- ]mounted) )?(?:owned solar|leased solar|"
    r"solar (?:panels?|system|array|power|"
    r"electric\w*|pv|photovoltaics?)|"
    r"photovoltaic|solar owned|solar leased)\b",
    re.I,
)
NO_SOLAR = re.compile(
    r"\b(?:(?<!\d )no|without|not|denied|refused|ready|pre-?wired|available|option\w*|possible|potential|"
    r"conduit|add|could|nearby)\b",
    re.I,
)
_MLS = re.compile(r"\bMLS\s?(?:(?:#|number|no\.?|id)\s*:?\s*)?(?P<id>[A-Z]{0,5}-?\d{5,12})\b", re.I)
_NO_HOA = re.compile(
    r"\bno\s+(?:monthly\s+)?(?:hoa|h\.o\.a\.|homeowners?'? association|association (?:fees?|dues)|"
    r"hoa (?:fees?|dues))\b",
    re.I,
)
_HOA = re.compile(
    r"\b(?:hoa|association|condo|community)(?: (?:dues|fees?|assessment))?(?: (?:is|are|of|at|just|"
    rf"only|about|approximately))*\s*:?\s*(?P<fee>{DOLLARS})"
    r"\s*(?:/|per\b|an?\b|each\b|every\b)?\s*(?:mo\b|month|yr\b|year|annual|quarter|monthly|annually|yearly)",
    re.I,
)
_TAXES = re.compile(
    r"\b(?:property |annual |yearly )?taxes(?: (?:last year|of|are|were|is|only|about|approximately|"
    rf"around|per year|a year|run|ran))*:?\s*(?P<tax>{DOLLARS})(?!\s*(?:/|per|a)\s*mo)",
    re.I,
)
#: of a month's payment, of half a year
_PART_OF_TAX = re.compile(r"\b(?:principal|mortgage|monthly payment|winter|summer|first half|second half)\b", re.I)
#: `2024 county and city taxes`
_TAX_YEAR = re.compile(r"\b(?P<year>20\d\d)\s(?:(?:[a-z]+|[+&])\s){0,4}taxes\b", re.I)
#: a number in three groups or more; three, three and four digits are a telephone's
_PARCEL = re.compile(
    r"\b(?i:pin|apn|(?:tax )?parcel(?: id| number| no\.?)?|tax (?:map )?(?:id|number)):?\s?#?:?\s*"
    r"(?P<id>(?!\d{3}[-.]\d{3}[-.]\d{4}(?!\d))\d[\dA-Z]*(?:[-.]\d[\dA-Z]*){2,6})(?![\w-])"
)
_PLACE = re.compile(
    r"^City of (?P<city>[A-Z][\w.']+(?: [A-Z][\w.']+){0,2}), (?P<county>[A-Z][\w.']+(?: [A-Z][\w.']+)?) County\.?$"
)
BUILT = re.compile(r"\b(?:built|constructed)(?: new)? in (?P<year>(?:1[6-9]|20)\d\d)\b", re.I)
_STORY = re.compile(
    r"\b(?P<n>(?:one|two)[- ]and[- ](?:a|one)[- ]half|one|single|two|three|1 1/2|1½|1|1\.5|2|3)[- ]"
    r"(?:story|storey|level)\b(?! (?:windows?|foyer|"
    r"ceilings?|entry|great room|family room|garage|barn|shop))",
    re.I,
)
_ACRES = re.compile(
    r"\bon (?:an? |about |approximately |over |nearly |just under )?(?P<n>\d+(?:\.\d+)?|\.\d+|"
    r"[1-9]/[2-9]|half|quarter|one)(?:[- ]an?)?[- ]acres?\b",
    re.I,
)
#: `0.21 of an acre`; of a lake or a park it is another's
_PART_OF_ACRE = re.compile(r"(?<![\d,])(?P<n>0?\.\d+) of an acre\b", re.I)
_NO_POOL = re.compile(r"^no (?:private |swimming ){0,2}pool$", re.I)
_FRACTIONS = {"half": 0.5, "quarter": 0.25, "one": 1.0}
_KIND = re.compile(r"^(?P<kind>co-?op|condo|townhouse|house|single-family home|multi-family) in [A-Z]", re.I)
SENTENCE = re.compile(r"(?<=[.!?;])\s+(?=[A-Z0-9$])|\n")
SHORT = 140


#: a sentence without any of these says nothing that is read here
TELLING = re.compile(
    r"roof|gate|solar|photovolt|built|construct|stor(?:y|ey)|level|acre|hoa\b|h\.o\.a|association|condo|community|fee|dues|sold|tax|mls|pool|"
    r"siding|brick|vinyl|stucco|cedar|stone |aluminum|\blog |"
    r"air\b|heat|furnace|split|garage|parcel|\bpin\b|\bapn\b|city of|"
    r"^(?:co-?op|condo|townhouse|house|single|multi)",
    re.IGNORECASE,
)


def house(text: str) -> Iterator[tuple[str, object, float]]:
    """(field, raw value, confidence) of what a sentence says of the building."""
    if (year := _roof_year(text)) is not None:
        yield "X_RoofYear", year, 0.55
    if _SOLAR.search(text) and not NO_SOLAR.search(text):
        yield "PowerProductionType", "Solar", 0.5
    if kind := _KIND.match(text):
        yield "PropertySubType", kind["kind"], 0.55
    if (built := BUILT.search(text)) and not is_of_other("YearBuilt", text[: built.start()]):
        yield "YearBuilt", built["year"], 0.5
    if story := _STORY.search(text):
        yield "StoriesTotal", story["n"], 0.45


def lot(text: str) -> Iterator[tuple[str, object, float]]:
    """... of the land around it."""
    if _NO_POOL.match(text):
        yield "PoolPrivateYN", False, 0.6
    if gated := _GATED.search(text):
        yield "X_AccessNotes", text if len(text) <= 120 else gated.group(), 0.5
    if acres := _ACRES.search(text):
        number = acres["n"].casefold()
        top, _, bottom = number.partition("/")
        value = _FRACTIONS.get(number) or (float(top) / float(bottom) if bottom else float(number))
        yield "LotSizeArea", f"{value:g} acres", 0.5
    elif (part := _PART_OF_ACRE.search(text)) and not is_of_other(
        "LotSizeArea", text[: part.start()], text[part.end() :]
    ):
        yield "LotSizeArea", f"{part['n']} acre", 0.45
    if parcel := _PARCEL.search(text):
        yield "ParcelNumber", parcel["id"], 0.5
    if place := _PLACE.match(text):
        yield "City", place["city"], 0.58
        yield "CountyOrParish", place["county"], 0.58


def money(text: str) -> Iterator[tuple[str, object, float]]:
    """An association and its fee, and the taxes."""
    if _NO_HOA.search(text):
        yield "AssociationYN", False, 0.6
    elif fee := _HOA.search(text):
        yield "AssociationFee", fee["fee"], 0.55
    if listed := _MLS.search(text):
        yield "ListingId", listed["id"], 0.5
    if (tax := _TAXES.search(text)) and not _PART_OF_TAX.search(text):
        yield "TaxAnnualAmount", tax["tax"], 0.5
        if year := _TAX_YEAR.search(text):
            yield "TaxYear", year["year"], 0.5


def _roof_year(text: str) -> str | None:
    for pattern in _ROOFS:
        for match in pattern.finditer(text):
            before = text[: match.end()].replace(match["year"], "").replace(",", "")  # `Carport, metal roof 2018`
            if not is_of_other("X_RoofYear", before):
                return str(match["year"])
    return None


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
#: words before what is not there, or not the house's
_NOT = re.compile(
    r"\b(?:no|not|without|needs?|never|add|adding|could|possible|potential|room for|future|planned|option\w*|plumbed|"
    r"pool|cabin|studio|basement|attic|neighbou?r\w*)\b[^.;]{0,30}$",
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
    before, behind = (text[: found[0].start()], text[found[0].end() :]) if len(found) == 1 else ("", "")
    if len(found) != 1 or _NOT.search(before) or is_of_other("Roof", before) or _ANSWER.match(behind):
        return None
    return found[0]
