"""Parse features, such as materials of roofs and walls or systems of heating, and the year of the roof.

A text may state a material together with the year of the roof: `3-tab asphalt, installed 2004`. They are parsed apart.
Shapes of roofs are no materials; RESO's Roof lookup has `Flat` and `Mansard`, but no `Hip` or `Gable`.
"""

import re
from collections.abc import Iterator
from typing import Any

from app.property.fields.phrases import alternatives, pattern
from app.property.reading.base import Reading, Value, text_of
from app.property.reading.document import Locale
from app.property.reading.other_subjects import names_other
from app.property.reading.sentences import facts_in
from app.property.values import currency, texts, vocabulary

_COOLS = re.compile(r"\ba/?c\b|air cond|central air|cool|evaporat", re.IGNORECASE)
#: Matches a label for both heating and cooling: `Heat/AC`.
_OF_BOTH = re.compile(r"cool|\ba/?c\b", re.IGNORECASE)
#: Matches a code before a feature: `2-BRICK`.
_CODE = re.compile(r"^\d{1,3}\s?[-–]\s?(?=[A-Za-z]{3})(?!year|tab\b|ply\b|layer)", re.IGNORECASE)
#: Matches a condition after a feature: `Gas (untested)`.
_CONDITION = re.compile(
    r"\s*\([^()]{0,30}(?:\b(?:not |un)tested\b|\binoperable\b|\bnot working\b)[^()]{0,30}\)$", re.IGNORECASE
)
#: Matches texts about heating that do not mention cooling.
_HEATS = re.compile(
    r"^(?!.*(?:\bair\b|\ba/?c\b|cool|pump|hvac)).*\bheat|"
    r"^(?!.*(?:\ba/?c\b|air cond|central air|cool|pump|hvac))"
    r".*\b(?:oil|propane|furnace|boiler|baseboard|radiant|steam)\b",
    re.IGNORECASE,
)
#: Matches texts that are not materials, such as a building's age (`secondHand`) or an area under `Exterior`.
_NO_MATERIAL = re.compile(
    rf"{alternatives('materials', 'no_walls')}|\d\s?(?:m²|m2\b|sq\.? ?(?:ft|m)\b|sqft\b)", re.IGNORECASE
)
#: Words beside the year of an installation, and beside a year of something else, such as a repair.
_INSTALLED, _UPKEEP = pattern("materials", "installed"), pattern("materials", "upkeep")
_SHAPES, _KNOWN_ROOFS = pattern("materials", "roof_shapes"), pattern("materials", "Roof")
_AGE_LABEL = pattern("ages", "labels")
_YEAR = re.compile(r"(?<![\w.,$])(?<!\d[/-])(?:\d{1,2}[/.]){0,2}((?:19|20)\d\d)(?![\w,$]|[.-]\d)")
_AGE = re.compile(r"(?<![\d.,/–-])([1-9]\d?)(?![\d.,]|\s?[+–-])")
_OPEN_AGE = re.compile(rf"(?:{alternatives('ages', 'open')})\s+\d", re.IGNORECASE)
#: Matches an age behind a label for ages, and an age anywhere: `5 years` may also be a warranty, `5 years old` is not.
_ANY_AGE, _SURE_AGE = (
    re.compile(rf"{_AGE.pattern}\s?(?:{alternatives('ages', key)})", re.IGNORECASE) for key in ("years", "old")
)
_EDGES = " ()[]-–—:,./;"
_SEPARATOR, _MOST_PARTS = re.compile(r"[,;\n|]"), 12
#: A text of more words is a sentence and not a feature.
_MOST_WORDS, _MOST_UNKNOWN_WORDS = 7, 3


def features(reading: Reading, locale: Locale) -> Iterator[Value]:
    """Yield the features in a text or list, and the year of the roof if it is among them."""
    answer = vocabulary.yes_no(text_of(reading.raw))
    if answer is not None:  # in `Central air: Yes`, the label is the feature; `Cooling: No` gives no feature
        words = reading.label.strip(" :").split()
        if answer and len(words) > 1 and not isinstance(reading.raw, bool | int):
            yield reading.field, [reading.label.strip(" :")], None
        return
    if reading.field == "ConstructionMaterials" and _NO_MATERIAL.search(text_of(reading.raw).strip()):
        return
    if reading.field == "Cooling" and _HEATS.search(text_of(reading.raw)):
        return  # the value names only heating, as in `Central Heat/Air Cond: Central heat`
    found = [feature for part in _parts(reading) if (feature := plain_feature(reading.field, part))]
    cooling = [part for part in found if _COOLS.search(part)]
    if _OF_BOTH.search(reading.label) and reading.field == "Heating" and 0 < len(cooling) < len(found):
        yield "Heating", [part for part in found if part not in cooling], None
        yield "Cooling", cooling, None
        return
    if reading.field == "PowerProductionType":
        text = text_of(reading.raw)
        if re.search(r"\b(?:no|none|not|without)\b", text, re.IGNORECASE):
            return
        if not re.search(r"solar|photovoltaic|\bpv\b|wind|hydro|geothermal", text, re.IGNORECASE):
            found = ["Solar", *found] if "solar" in reading.label.casefold() else []
    if reading.field == "Roof":
        yield from _roof_years(reading, locale)
    if found:
        yield reading.field, list(dict.fromkeys(found)), None
    if reading.field == "Heating" and re.search(r"\b(?:a/?c|h/a)\b|air cond", text_of(reading.raw), re.IGNORECASE):
        yield "Cooling", found, None  # the value names both heating and cooling


def _parts(reading: Reading) -> list[str]:
    """Return the parts of the raw value without leading codes. A part with an amount is a cost: `plan $120 a month`."""
    is_both = isinstance(reading.raw, str) and _OF_BOTH.search(reading.label) is not None
    parts = texts.features(reading.raw.replace(" / ", ", ") if is_both else reading.raw)
    return [_CODE.sub("", _CONDITION.sub("", part)) for part in parts if not currency.AMOUNT.search(part)]


def plain_feature(field: str, part: str) -> str | None:
    """Return the feature in `part` without its year: `Metal (2015)` is `Metal`. Return None if there is no feature."""
    bare = part
    if _YEAR.search(part) or _SURE_AGE.search(part) or _INSTALLED.fullmatch(part.strip(_EDGES)):
        bare = _without_year(part)
        if field == "Roof" and _UPKEEP.search(part) and not _KNOWN_ROOFS.search(bare):
            return None
    is_sentence = len(bare.split()) > _MOST_WORDS
    if is_sentence or not any(c.isalpha() for c in bare):
        return None
    is_no_roof = not _SHAPES.sub("", bare).strip(f"{_EDGES}&+") or names_other("Roof", bare)
    return None if field == "Roof" and is_no_roof else bare


def _without_year(part: str) -> str:
    for words in (_YEAR, _SURE_AGE, _INSTALLED, _UPKEEP):
        part = words.sub(" ", part)
    return re.sub(r"\(\W*\)", "", " ".join(part.split())).strip(_EDGES)


def _roof_years(reading: Reading, locale: Locale) -> Iterator[Value]:
    """Yield the newest year in which the roof was installed. Years of repairs and other works do not count."""
    text = text_of(reading.raw)
    parts = [part.strip() for part in _SEPARATOR.split(text)[:_MOST_PARTS]]
    years = [year for at, part in enumerate(parts) if (year := _installed_in(part, locale, is_first=at == 0))]
    stated = (int(str(raw)) for name, raw, _ in facts_in(text, locale.lang or "en") if _is_roof_year(name, raw))
    yield "X_RoofYear", max(years) if years else next(stated, None), None


def _is_roof_year(field: str, raw: object) -> bool:
    return field == "X_RoofYear" and str(raw).isdigit()


def _installed_in(part: str, locale: Locale, *, is_first: bool) -> int | None:
    """Return the year of installation in `part`. The first part may name a material that no list knows."""
    bare = _without_year(part)
    is_of_roof = not bare or _KNOWN_ROOFS.search(bare) or (is_first and len(bare.split()) <= _MOST_UNKNOWN_WORDS)
    if not is_of_roof or _UPKEEP.search(part) or names_other("Roof", part):
        return None
    years = [int(year) for year in _YEAR.findall(part)]
    return max(years) if years else _year_of_age(part, _SURE_AGE, locale.year)


def roof_year(reading: Reading, locale: Locale) -> Iterator[Value]:
    """Parse the year of the roof, or compute it from the roof's age: `18 years` on a page fetched in 2026 is 2008.

    If the text states the year from which the age counts (`18 years as of 2024`), that year is used.
    """
    text = text_of(reading.raw)
    if _UPKEEP.search(text):
        return
    stated = max((int(year) for year in _YEAR.findall(text)), default=None)
    is_age = _AGE_LABEL.search(reading.label) is not None
    lone = _AGE.fullmatch(text.strip()) if is_age else None
    since = stated or locale.year
    computed = since - int(lone[1]) if lone and since else _year_of_age(text, _ANY_AGE, since)
    is_installed = stated is not None and (not is_age or computed is None or _is_age_of(stated, text, locale))
    yield reading.field, stated if is_installed else computed, None


def _is_age_of(year: int, text: str, locale: Locale) -> bool:
    """Return whether the age in the text is that of something built in `year`: `Roof age: 15 years (2011)`."""
    built = _year_of_age(text, _ANY_AGE, locale.year)
    return built is not None and abs(built - year) <= 1


def _year_of_age(text: str, age: re.Pattern[str], since: int | None) -> int | None:
    ages = age.findall(text) if _OPEN_AGE.search(text) is None else ()
    return since - int(ages[0]) if len(ages) == 1 and since is not None else None


def is_from_age(field: str, value: Any, raw: str) -> bool:
    """Return whether the year of a roof was computed from an age, because the text does not contain it."""
    return field == "X_RoofYear" and str(value) not in raw
